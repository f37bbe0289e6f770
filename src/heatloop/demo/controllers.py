"""Who moves the city's valves and pumps: controllers, gateways by wire, or a coarse stand-in.

`plc` stations run `station.UnitLogic` on what their own sensors show. `edge` stations do what
their registers say and hold it when nobody writes. For settling and history every unit is
regulated by the city itself, in long steps by a simple stand-in.
"""

from __future__ import annotations

import numpy as np

from heatloop.demo.first_settings import curve_designs
from heatloop.demo.orders import Commands
from heatloop.demo.plans import Streets
from heatloop.demo.plant_registers import PlantRegisters
from heatloop.demo.readings import pump_fault_words
from heatloop.demo.registers import RegisterMemory
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.works import Works
from heatloop.network.arrays import Floats
from heatloop.station.curve import supply_c
from heatloop.station.interlocks import Interlocks, Readings
from heatloop.station.settings import settings_from
from heatloop.station.unit_logic import UnitInputs, UnitLogic, UnitSettings

LONGEST_LOGIC_S = 30.0
_COARSE_PCT_K = 1.5
_COARSE_HOLD_S = 1800.0
"""As long as the stations' own watchdogs hold a set-point somebody wrote."""
_OUTDOOR_STEP_K = 0.5
_OUTDOOR_C = np.arange(-40.0, 25.1, _OUTDOOR_STEP_K)
_SENSED = (
    "secondary_supply_temperature",
    "secondary_return_temperature",
    "secondary_supply_pressure",
    "secondary_return_pressure",
    "circulation_pump_current",
    "secondary_flow",
)
_DRIVEN = (
    "valve_opening_setpoint",
    "circulation_pump_frequency_setpoint",
    "makeup_pump_command",
    "circulation_pump_selected",
)


class Controllers:
    """All controllers of the city.

    Args:
        works: What they drive.
        streets: Whose controllers they are.
        memory: The registers they obey.
        measured: Number of each measured point, by point code.
    """

    def __init__(
        self, works: Works, streets: Streets, memory: RegisterMemory, measured: dict[str, int]
    ) -> None:
        self._works, self._memory = works, memory
        n = works.n_unit
        self.by_wire = np.array(
            [streets.substations[unit.substation].regulates == "edge" for unit in streets.units]
        )
        self.self_regulating = False
        self.written_s: list[float | None] = [None] * n
        """Plant time at which each unit's set-point was last written."""
        self.interlock_word = np.zeros(n)
        self.commands = Commands(
            valve_pct=works.valve_pct.copy(),
            pump_hz=works.pump_hz.copy(),
            makeup=np.zeros(n, dtype=bool),
            standby=works.standby.copy(),
        )
        self._faults: list[list[int]] = []
        self.run_hours: list[list[float]] = [[0.0] * n, [0.0] * n]
        """Run-hours of duty and standby pumps as their drives count them."""
        self._plants = PlantRegisters(memory.setting_number)
        self._designs = curve_designs(streets)
        self._curves: Floats | None = None
        self._logics: list[UnitLogic | None] = [None] * n
        self._hardwired = [Interlocks() for _ in range(n)]
        self._seen: list[bytes] = [b""] * n
        self._sensors = np.array(
            [[measured[f"UN{u + 1:04d}.{kind}"] for kind in _SENSED] for u in range(n)]
        )
        self._tanks = [measured[f"SS{int(s) + 1:04d}.tank_level"] for s in works.truth.station]
        names: list[list[tuple[str, int]]] = [[] for _ in range(n)]
        for code, number in memory.setting_number.items():
            asset, _, kind = code.partition(".")
            if asset.startswith("UN"):
                names[int(asset[2:]) - 1].append((kind, number))
        self._names = [dict(own) for own in names]
        self._driven = [tuple(own[kind] for kind in _DRIVEN) for own in self._names]
        self._kept = [
            [pair for pair in own if pair[0].startswith(("limit_", "heating_curve_"))]
            for own in names
        ]
        self._kept_at = [
            memory.setting_at[np.array([number for _, number in own], dtype=np.intp)]
            for own in self._kept
        ]

    def act(self, shown: Floats, outdoor_c: float, now_s: float, dt_s: float) -> Commands:
        """Return what is wanted of the works for the next step.

        Args:
            shown: What all sensors show, shape (n_measured,).
            outdoor_c: Outdoor temperature the stations know.
            now_s: Plant time.
            dt_s: Step.
        """
        registers = self._memory.setting_values()
        self._plants.obey(registers, self._works.orders)
        commands, values = self.commands, registers.tolist()
        if dt_s > LONGEST_LOGIC_S:
            self._coarse(outdoor_c, values, now_s)
            return commands
        sensed = shown[self._sensors].tolist()
        self._faults = [words.astype(int).tolist() for words in pump_fault_words(self._works)]
        works = self._works
        dark = works.wear.power_lost[works.truth.station].tolist()
        for unit in range(works.n_unit):
            if dark[unit]:
                continue  # a controller without power decides nothing
            if self.by_wire[unit] and not self.self_regulating:
                self._obey(unit, values)
            else:
                tank_m = float(shown[self._tanks[unit]])
                self._regulate(unit, values, sensed[unit], tank_m, outdoor_c, now_s, dt_s)
        return commands

    def hand_over(self, outdoor_c: float) -> None:
        """End self-regulation: registers of gateways' stations take over the present positions."""
        self.self_regulating = False
        works = self._works
        settings = {}
        for unit, design in enumerate(self._designs):
            code = f"UN{unit + 1:04d}"
            settings[f"{code}.valve_opening_setpoint"] = float(works.valve_pct[unit])
            settings[f"{code}.secondary_supply_temperature_setpoint"] = supply_c(design, outdoor_c)
            self._logics[unit] = None
        self._memory.write_settings(settings)

    def _obey(self, unit: int, values: list[float]) -> None:
        valve, pump, makeup, selected = self._driven[unit]
        self.commands.valve_pct[unit] = values[valve]
        self.commands.pump_hz[unit] = values[pump]
        self.commands.makeup[unit] = values[makeup] > 0.5
        self.commands.standby[unit] = values[selected] > 1.5

    def report_relays(self, shown: Floats) -> None:
        """Bring the interlock words of stations driven by wire up to date.

        Their cabinets' hard-wired relays only report; the gateway acts.
        """
        values = self._memory.setting_values().tolist()
        sensed = shown[self._sensors].tolist()
        for unit in np.flatnonzero(self.by_wire).tolist():
            if not self.self_regulating:
                self._report(unit, values, sensed[unit], float(shown[self._tanks[unit]]))

    def _report(self, unit: int, values: list[float], sensed: list[float], tank_m: float) -> None:
        settings, wear = self._settings(unit, values), self._works.wear
        readings = Readings(
            supply_c=sensed[0],
            return_c=sensed[1],
            supply_kpa=sensed[2],
            return_kpa=sensed[3],
            tank_level_m=tank_m,
            pump_fault=int(wear.pump_tripped[unit] or wear.duty_faulty[unit]),
            residual_trip=self._residual(unit),
        )
        self.interlock_word[unit] = int(self._hardwired[unit].step(readings, settings))

    def _residual(self, unit: int) -> bool:
        works = self._works
        return bool(works.wear.residual_tripped[works.truth.station[unit]])

    def _settings(self, unit: int, values: list[float]) -> UnitSettings:
        """Return a unit's settings, made anew only when a register changed."""
        kept = self._memory.words[self._kept_at[unit]].tobytes()
        logic = self._logics[unit]
        if logic is None:
            works = self._works
            logic = self._logics[unit] = UnitLogic(
                valve_pct=float(works.valve_pct[unit]), pump_hz=float(works.pump_hz[unit])
            )
            self._seen[unit] = b""
        if kept != self._seen[unit]:
            self._seen[unit] = kept
            found = {kind: values[number] for kind, number in self._kept[unit]}
            logic.settings = settings_from(found, logic.settings)
        return logic.settings

    def _regulate(
        self,
        unit: int,
        values: list[float],
        sensed: list[float],
        tank_m: float,
        outdoor_c: float,
        now_s: float,
        dt_s: float,
    ) -> None:
        self._settings(unit, values)
        logic = self._logics[unit]
        assert logic is not None
        own = self._names[unit]
        written_s = self.written_s[unit]
        out = logic.step(
            UnitInputs(
                mode=values[own["station_mode"]],
                supply_c=sensed[0],
                return_c=sensed[1],
                supply_kpa=sensed[2],
                return_kpa=sensed[3],
                outdoor_c=outdoor_c,
                tank_level_m=tank_m,
                pump_fault=self._faults[0][unit],
                standby_fault=self._faults[1][unit],
                pump_hours=(self.run_hours[0][unit], self.run_hours[1][unit]),
                pump_selected=values[own["circulation_pump_selected"]],
                pump_hz=float(self._works.pump_hz[unit]),
                pump_current_a=sensed[4],
                flow_m3h=sensed[5],
                residual_trip=self._residual(unit),
                reset=values[own["protection_reset"]],
                setpoint_c=values[own["secondary_supply_temperature_setpoint"]],
                setpoint_age_s=None if written_s is None else now_s - written_s,
                valve_setpoint_pct=values[own["valve_opening_setpoint"]],
                pump_setpoint_hz=values[own["circulation_pump_frequency_setpoint"]],
                flow_setpoint_m3h=values[own["secondary_flow_setpoint"]],
                pressure_setpoint_kpa=values[own["secondary_return_pressure_setpoint"]],
                makeup_command=values[own["makeup_pump_command"]] > 0.5,
                valve_pct=float(self._works.valve_pct[unit]),
            ),
            dt_s,
        )
        self.commands.valve_pct[unit] = out.valve_opening_pct
        self.commands.pump_hz[unit] = out.pump_hz
        self.commands.makeup[unit] = out.makeup_on
        self.commands.standby[unit] = out.pump == 1
        if out.pump is not None and values[own["circulation_pump_selected"]] != out.pump + 1:
            self._memory.write_settings(
                {f"UN{unit + 1:04d}.circulation_pump_selected": out.pump + 1.0}
            )
        self.interlock_word[unit] = out.interlock_word

    def _curve_goal_c(self, outdoor_c: float) -> Floats:
        """Return what every unit's own curve asks for, by table, shape (n_unit,)."""
        if self._curves is None:
            rows = [[supply_c(design, c) for design in self._designs] for c in _OUTDOOR_C.tolist()]
            self._curves = np.array(rows)
        at = float(np.clip((outdoor_c - _OUTDOOR_C[0]) / _OUTDOOR_STEP_K, 0, len(_OUTDOOR_C) - 1))
        low = min(int(at), len(_OUTDOOR_C) - 2)
        part = at - low
        return np.asarray((1.0 - part) * self._curves[low] + part * self._curves[low + 1])

    def _coarse(self, outdoor_c: float, values: list[float], now_s: float) -> None:
        """Stand in for all controllers in steps too long for their loops.

        Set-points that were written lately are followed, everybody else follows its own curve.
        """
        works, commands = self._works, self.commands
        goal_c, hz = self._curve_goal_c(outdoor_c), np.full(works.n_unit, DUTY_HZ)
        for unit, written_s in enumerate(self.written_s):
            if written_s is not None and now_s - written_s <= _COARSE_HOLD_S:
                own = self._names[unit]
                goal_c[unit] = values[own["secondary_supply_temperature_setpoint"]]
                hz[unit] = values[own["circulation_pump_frequency_setpoint"]]
        error = goal_c - works.secondary.supply_c
        commands.valve_pct = np.clip(works.valve_pct + _COARSE_PCT_K * error, 0.0, 100.0)
        low = works.return_kpa < works.truth.hold_kpa - 20.0
        commands.makeup = low | (commands.makeup & (works.return_kpa < works.truth.hold_kpa + 20.0))
        commands.pump_hz = hz
        self.interlock_word[:] = 0.0
