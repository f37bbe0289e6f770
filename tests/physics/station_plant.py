"""A small simulated unit for closed-loop tests: valve, plate exchanger, building loop, pressure.

Deliberately written apart from heatloop.network, so that the two check each other's station.
"""

import math
from collections import deque

from heatloop.station.unit_logic import UnitInputs

WATER_J_KGK = 4187.0


class SimulatedUnit:
    """Second-by-second physics of one unit of about 80,000 m2 (design 2.8 MW, 75/50 degC)."""

    def __init__(self, *, primary_c=110.0, load=1.0, supply_c=60.0, return_c=45.0, leak_m3h=0.2):
        self.primary_c, self.load, self.leak_m3h = primary_c, load, leak_m3h
        self.valve_pct = 30.0
        self.outlet_c = self.supply_c = supply_c
        self.return_c = return_c
        self.return_kpa = 300.0
        self.tank_m = 1.5
        self.made_up_m3 = 0.0
        self.pump_hz = 40.0
        self._pipe = deque([supply_c] * 240)

    def _exchange_w(self, m1: float, m2: float) -> float:
        if m1 < 1e-3 or m2 < 1e-3:
            return 0.0
        ua = 1.0 / (1.0 / (55e3 * m1**0.7) + 1.0 / (32e3 * m2**0.7))
        c1, c2 = m1 * WATER_J_KGK, m2 * WATER_J_KGK
        low, ratio = min(c1, c2), min(c1, c2) / max(c1, c2)
        ntu = ua / low
        gone = math.exp(-ntu * (1.0 - ratio))
        effect = (1.0 - gone) / (1.0 - ratio * gone) if ratio < 0.999 else ntu / (1.0 + ntu)
        return effect * low * (self.primary_c - self.return_c)

    def second(self, valve_demand_pct: float, pump_hz: float, makeup_on: bool) -> None:
        reach = 100.0 / 90.0
        self.valve_pct += min(max(valve_demand_pct - self.valve_pct, -reach), reach)
        self.pump_hz = pump_hz
        opening = self.valve_pct / 100.0
        m1 = 0.0 if opening < 0.01 else 18.0 * 30.0 ** (opening - 1.0)
        m2 = 27.0 * pump_hz / 40.0
        if m2 > 0.1:
            outlet = self.return_c + self._exchange_w(m1, m2) / (m2 * WATER_J_KGK)
            self._pipe.append(self.outlet_c)
            arriving = self._pipe.popleft()
        else:
            outlet, arriving = self.outlet_c, self.return_c
        self.outlet_c += (outlet - self.outlet_c) / 40.0
        self.supply_c += (self.outlet_c - self.supply_c) / 15.0
        mean = 0.5 * (arriving + self.return_c)
        given_w = 2.8e6 * self.load * max(0.0, (mean - 18.0) / 44.5) ** 1.3
        heat = m2 * WATER_J_KGK * (arriving - self.return_c) - given_w
        self.return_c += heat / (40e3 * WATER_J_KGK)
        # 0.02 m3 of water more or less is 1 kPa in the expansion the system has.
        made = 3.0 / 3600.0 if makeup_on and self.tank_m > 0.0 else 0.0
        lost = self.leak_m3h / 3600.0 * max(0.0, self.return_kpa / 300.0) ** 0.5
        self.return_kpa = max(0.0, self.return_kpa + (made - lost) / 0.02)
        self.made_up_m3 += made

    @property
    def supply_kpa(self) -> float:
        return self.return_kpa + 200.0 * (self.pump_hz / 40.0) ** 2


def run(unit, logic, seconds, dt_s, **inputs):
    """Run controller and unit together; return (supply degC, return kPa, outputs) per second.

    `inputs` are fields of UnitInputs, or functions of the second that give one. Temperatures are
    seen at 0.1 K and pressures at 1 kPa, as registers hold them.
    """
    trace = []
    for second in range(seconds):
        if second % dt_s == 0:
            given = {name: of(second) if callable(of) else of for name, of in inputs.items()}
            seen = {
                "supply_c": round(unit.supply_c, 1),
                "return_c": round(unit.return_c, 1),
                "supply_kpa": round(unit.supply_kpa),
                "return_kpa": round(unit.return_kpa),
                "tank_level_m": unit.tank_m,
            }
            out = logic.step(UnitInputs(**(seen | given)), dt_s)
        unit.second(out.valve_opening_pct, out.pump_hz, out.makeup_on)
        trace.append((unit.supply_c, unit.return_kpa, out))
    return trace


def settled(unit, logic, dt_s, setpoint_c, hours=2):
    """Bring unit and controller to rest at a set-point."""
    run(unit, logic, hours * 3600, dt_s, setpoint_c=setpoint_c, setpoint_age_s=0.0, outdoor_c=0.0)
