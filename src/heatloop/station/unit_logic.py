"""One unit of a substation regulating itself: valve, circulation pumps, make-up, interlocks.

The demo's controllers and a gateway that drives a station (`regulates: edge`) run the same code.
"""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.station.circulation import TURNING_HZ, Circulation, finite, flow_asked
from heatloop.station.curve import CurveTable
from heatloop.station.deviation import DeviationWatch
from heatloop.station.interlocks import LATCHED, Interlock, Interlocks, Readings
from heatloop.station.modes import StationMode, mode_of
from heatloop.station.pi import PI
from heatloop.station.pressure import PressureHold
from heatloop.station.settings import UnitSettings
from heatloop.station.unit_io import UnitInputs, UnitOutputs

__all__ = ["UnitInputs", "UnitLogic", "UnitOutputs", "UnitSettings"]

_FROST_VALVE_PCT = 30.0
_FROST_VALVE_STANDING_PCT = 5.0
# No water is colder; a short-circuited sensor shows -200, and must not open the valve for frost.
_COLDEST_C = -30.0
_LONGEST_STEP_S = 60.0
_BAND_MARGIN_KPA = 10.0
_TARGET_MARGIN_K = 2.0
_UNIT = "unit"
_STOPS_MAKEUP = (
    Interlock.OVER_PRESSURE
    | Interlock.RETURN_PRESSURE_HIGH
    | Interlock.DRY_RUN
    | Interlock.FLOOD
    | Interlock.LEAKAGE
)


def _water_c(value: float | None) -> float | None:
    """Return a water temperature, None if a short-circuited sensor shows it.

    A broken wire shows far too hot, and is left to the over-temperature interlock: the valve shuts.
    """
    found = finite(value)
    return found if found is not None and found >= _COLDEST_C else None


def _opening(pct: float | None) -> float | None:
    found = finite(pct)
    return None if found is None else min(max(found, 0.0), 100.0)


class UnitLogic:
    """The controller of one unit; call `step` every 1 to 30 seconds.

    Modes: `automatic` regulates the supply temperature to the written set-point, or to the own
    curve once that is older than the watchdog; `local` regulates to the own curve; in
    `remote_manual` the valve follows its opening set-point. Pressure holding and interlocks work
    in every mode. With the supply sensor lost the valve stays where it is (CJJ/T 34 13.1.5).

    Args:
        settings: Curve, limits and tuning; None for the defaults.
        valve_pct: Opening to start from; None: the one fed back first.
        pump_hz: Speed the pump turns with now.
        latches: What `latches()` of the logic before this one gave.
    """

    __slots__ = (
        "_flow_watch",
        "_hold",
        "_interlocks",
        "_latched",
        "_loop",
        "_outdoor_c",
        "_pi",
        "_reset_seen",
        "_started",
        "_target_c",
        "_valve_asked",
        "_valve_pct",
        "_valve_watch",
        "settings",
    )

    def __init__(
        self,
        settings: UnitSettings | None = None,
        *,
        valve_pct: float | None = None,
        pump_hz: float = 0.0,
        latches: Mapping[str, int] | None = None,
    ) -> None:
        self.settings = settings or UnitSettings()
        s = self.settings
        self._pi = PI(s.kp_pct_per_k, s.ti_s, 0.0, 100.0, 100.0 / s.stroke_s, valve_pct)
        self._started = valve_pct is not None
        self._hold = PressureHold(s.hold)
        self._interlocks = Interlocks()
        self._valve_pct = self._pi.output
        self._target_c: float | None = None
        self._outdoor_c: float | None = None
        kept = {key: Interlock(word) for key, word in (latches or {}).items()}
        self._latched = kept.pop(_UNIT, Interlock(0))
        locked = {int(key): bit for key, bit in kept.items()}
        self._loop = Circulation(pump_hz, locked)
        self._reset_seen: float | None = None
        self._valve_watch, self._flow_watch = DeviationWatch(), DeviationWatch()
        self._valve_asked: float | None = None

    @property
    def first_out(self) -> Interlock:
        """Which interlock came first since the unit was last free of them."""
        return self._interlocks.first_out

    def latches(self) -> dict[str, int]:
        """Return what is latched, to be kept over a restart: pump number or `unit` -> bits."""
        found = {str(pump): int(bit) for pump, bit in self._loop.pumps.locked.items()}
        return found | ({_UNIT: int(self._latched)} if self._latched else {})

    def step(self, inputs: UnitInputs, dt_s: float) -> UnitOutputs:
        """Return what to do for the next `dt_s` seconds."""
        # After a pause (a restarted gateway) one long step must not move everything at once.
        dt_s = min(dt_s, _LONGEST_STEP_S)
        readings = Readings(
            supply_c=_water_c(inputs.supply_c),
            return_c=_water_c(inputs.return_c),
            supply_kpa=finite(inputs.supply_kpa),
            return_kpa=finite(inputs.return_kpa),
            tank_level_m=finite(inputs.tank_level_m),
            flood=inputs.flood,
            pump_fault=inputs.pump_fault | (inputs.standby_fault or 0),
            residual_trip=inputs.residual_trip,
        )
        outdoor_c = finite(inputs.outdoor_c)
        if outdoor_c is not None:
            self._outdoor_c = outdoor_c
        self._reset(inputs.reset)
        word = self._interlocks.step(readings, self.settings) | self._latched
        self._latched = word & LATCHED
        word |= self._loop.choose(inputs, self.settings, dt_s)
        pump_hz = self._loop.speed(inputs, self.settings, word, dt_s)
        if pump_hz < TURNING_HZ:
            word |= Interlock.NO_CIRCULATION
        makeup_on = self._makeup(inputs, readings, word, dt_s)
        if self._hold.excessive:
            word |= Interlock.MAKEUP_LONG
        word |= self._deviations(inputs, dt_s)
        valve, source = self._valve(inputs, readings.supply_c, word, dt_s)
        self._valve_asked = valve
        return UnitOutputs(
            valve_opening_pct=valve,
            pump_hz=pump_hz,
            pump=self._loop.pumps.running,
            makeup_on=makeup_on,
            interlock_word=int(word),
            target_c=self._target_c,
            source=source,
        )

    def _reset(self, value: float | None) -> None:
        """Let go what is latched when the reset register has changed."""
        value = finite(value)
        if value is None:
            return
        if self._reset_seen is not None and value != self._reset_seen:
            # What still holds, as a trip contact that is still open, latches again at once.
            self._latched = Interlock(0)
            self._loop.pumps.reset()
        self._reset_seen = value

    def _deviations(self, inputs: UnitInputs, dt_s: float) -> Interlock:
        """Return whether valve and flow are where they were asked to be."""
        s, word = self.settings, Interlock(0)
        opening = _opening(inputs.valve_pct)
        if self._valve_watch.step(
            self._valve_asked, opening, s.valve_band_pct, s.valve_delay_s, dt_s
        ):
            word |= Interlock.VALVE_DEVIATION
        asked = flow_asked(inputs)
        if self._flow_watch.step(
            asked, finite(inputs.flow_m3h), s.flow_band * (asked or 0.0), s.flow_delay_s, dt_s
        ):
            word |= Interlock.FLOW_DEVIATION
        return word

    def _makeup(self, inputs: UnitInputs, readings: Readings, word: Interlock, dt_s: float) -> bool:
        s = self.settings
        # The band must lie between the two return-pressure interlocks, whatever was written.
        low = s.return_low_kpa + s.hold.below_kpa + _BAND_MARGIN_KPA
        high = s.return_high_kpa - s.hold.above_kpa - _BAND_MARGIN_KPA
        manual = mode_of(inputs.mode) is StationMode.REMOTE_MANUAL
        return self._hold.step(
            readings.return_kpa,
            max(low, min(inputs.pressure_setpoint_kpa, high)),
            dt_s,
            force_on=manual and inputs.makeup_command,
            locked_off=bool(word & _STOPS_MAKEUP),
        )

    def _valve(
        self, inputs: UnitInputs, supply_c: float | None, word: Interlock, dt_s: float
    ) -> tuple[float, str]:
        mode = mode_of(inputs.mode)
        fed_back = _opening(inputs.valve_pct)
        if not self._started and fed_back is not None:
            self._valve_pct = fed_back
            self._pi.track(fed_back)
        self._started = True
        stroke_pct = 100.0 * dt_s / self.settings.stroke_s
        if supply_c is None:
            wanted, source = self._valve_pct, "held"
        elif mode is StationMode.REMOTE_MANUAL:
            asked = _opening(inputs.valve_setpoint_pct)
            wanted, source = self._valve_pct if asked is None else asked, "manual"
        else:
            goal_c, source = self._goal(inputs, mode)
            self._target_c = self._ramped(goal_c, supply_c, dt_s)
            wanted = self._pi.step(self._target_c - supply_c, dt_s)
        valve = _safe_valve(wanted, word)
        if source in ("held", "manual") or valve != wanted:
            # The loop is open: start it later from where the valve will be, and the target from
            # what is measured then.
            at = self._valve_pct if fed_back is None or source == "held" else fed_back
            self._valve_pct = min(max(valve, at - stroke_pct), at + stroke_pct)
            self._pi.track(self._valve_pct)
            self._target_c = None
        else:
            self._valve_pct = valve
        return valve, source

    def _goal(self, inputs: UnitInputs, mode: StationMode) -> tuple[float, str]:
        s = self.settings
        setpoint, age = finite(inputs.setpoint_c), inputs.setpoint_age_s
        fresh = age is not None and age <= s.setpoint_watchdog_s
        if mode is StationMode.AUTOMATIC and setpoint is not None and fresh:
            goal, source = setpoint, "setpoint"
        else:
            goal, source = s.curve.supply_c(self._outdoor(s.curve)), "curve"
        return min(goal, s.supply_high_c - _TARGET_MARGIN_K), source

    def _outdoor(self, curve: CurveTable) -> float:
        if self._outdoor_c is not None:
            return self._outdoor_c
        # Never told how cold it is: the middle of the curve, until somebody says.
        return 0.5 * (curve.points[0][0] + curve.points[-1][0])

    def _ramped(self, goal_c: float, supply_c: float, dt_s: float) -> float:
        start = supply_c if self._target_c is None else self._target_c
        reach = self.settings.target_rate_k_per_s * dt_s
        return min(max(goal_c, start - reach), start + reach)


def _safe_valve(wanted: float, word: Interlock) -> float:
    if word & Interlock.OVER_TEMPERATURE:
        return 0.0
    if word & Interlock.NO_CIRCULATION:
        return _FROST_VALVE_STANDING_PCT if word & Interlock.FROST else 0.0
    if word & Interlock.FROST:
        return max(wanted, _FROST_VALVE_PCT)
    return wanted
