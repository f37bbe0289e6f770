"""Circulation of one loop: which pump runs, how fast, and when it must not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from heatloop.station.interlocks import Interlock
from heatloop.station.pump_group import PumpGroup, PumpsSeen
from heatloop.station.settings import UnitSettings
from heatloop.station.unit_io import UnitInputs

TURNING_HZ = 1.0
_RESTART_WAIT_S = 180.0
_FLOW_NEAR = 0.01
_FLOW_GAIN = 0.5
_FLOW_GAIN_S = 10.0
# A pump's own fault or protection takes that pump out, not the loop: see `PumpGroup`.
_STOPS = Interlock.OVER_PRESSURE | Interlock.RETURN_PRESSURE_LOW | Interlock.LEAKAGE


def finite(value: float | None) -> float | None:
    """Return a value that is a number, None otherwise."""
    return value if value is not None and math.isfinite(value) else None


def flow_asked(inputs: UnitInputs) -> float | None:
    """Return the flow to hold, None when the speed is ordered instead."""
    asked = finite(inputs.flow_setpoint_m3h)
    return asked if asked is not None and asked > 0 else None


class Circulation:
    """The pumps of one loop.

    Args:
        hz: Speed a pump turns with now.
        locked: Pumps locked out before, and by what.
    """

    __slots__ = ("_hz", "_wait_s", "pumps")

    def __init__(self, hz: float, locked: Mapping[int, Interlock]) -> None:
        self.pumps = PumpGroup(locked=locked)
        self._hz = hz
        self._wait_s = 0.0

    def choose(self, inputs: UnitInputs, settings: UnitSettings, dt_s: float) -> Interlock:
        """Choose the running pump and return which protections hold a pump locked.

        One that takes over starts from standstill, at once.
        """
        standby = inputs.standby_fault
        count = 1 if standby is None else 2
        selected = finite(inputs.pump_selected)
        if self.pumps.last is None and selected is not None and 1 <= selected <= count:
            self.pumps.last = self.pumps.running = int(selected) - 1
        before, hz = self.pumps.running, finite(inputs.pump_hz)
        self.pumps.step(
            PumpsSeen(
                faults=(inputs.pump_fault, standby or 0)[:count],
                hours=tuple(finite(hours) for hours in inputs.pump_hours[:count]),
                current_a=finite(inputs.pump_current_a),
                flow_m3h=finite(inputs.flow_m3h),
                hz=self._hz if hz is None else hz,
            ),
            settings.pumps,
            dt_s,
        )
        if before is not None and self.pumps.running != before:
            self._hz = 0.0
        return self.pumps.word

    def speed(
        self, inputs: UnitInputs, settings: UnitSettings, word: Interlock, dt_s: float
    ) -> float:
        """Return the speed of the running pump, Hz; 0 when it must stand.

        Args:
            inputs: What is seen and asked for.
            settings: Lowest, highest speed and ramp.
            word: Interlocks that hold.
            dt_s: Seconds since the last step.
        """
        wanted = self._wanted(inputs, dt_s)
        if word & Interlock.FROST:
            wanted = max(wanted, settings.pump_low_hz)
        self._wait_s = max(0.0, self._wait_s - dt_s)
        if word & _STOPS or self.pumps.running is None:
            # Stopping lets the pressure come back at once; without a wait the pump would cycle.
            self._wait_s = _RESTART_WAIT_S
        if self._wait_s > 0 or wanted < TURNING_HZ:
            self._hz = 0.0
            return 0.0
        wanted = min(max(wanted, settings.pump_low_hz), settings.pump_high_hz)
        reach = settings.pump_rate_hz_per_s * dt_s
        from_hz = max(self._hz, settings.pump_low_hz)
        self._hz = min(max(wanted, from_hz - reach), from_hz + reach)
        return self._hz

    def _wanted(self, inputs: UnitInputs, dt_s: float) -> float:
        """Return the speed asked for: as ordered, or as the flow set-point wants it."""
        ordered = finite(inputs.pump_setpoint_hz)
        if ordered is None:
            return self._hz
        asked, flow = flow_asked(inputs), finite(inputs.flow_m3h)
        if ordered < TURNING_HZ or self._hz < TURNING_HZ or asked is None or flow is None:
            return ordered
        if abs(flow - asked) <= _FLOW_NEAR * asked:
            return self._hz
        # Flow goes with speed; half the way a step, less in short ones, leaves no swing.
        gain = _FLOW_GAIN * min(1.0, dt_s / _FLOW_GAIN_S)
        return self._hz * (1.0 + gain * (asked / max(flow, 0.2 * asked) - 1.0))
