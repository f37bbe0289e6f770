"""What a unit's controller sees and does in one step."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.station.modes import StationMode


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitInputs:
    """What a unit's controller sees in one step; None where a value is missing."""

    mode: float = StationMode.AUTOMATIC
    """`station_mode` register."""
    supply_c: float | None
    """Secondary supply temperature."""
    return_c: float | None
    """Secondary return temperature."""
    supply_kpa: float | None
    """Secondary supply pressure."""
    return_kpa: float | None
    """Secondary return pressure."""
    outdoor_c: float | None
    """Outdoor temperature the station knows."""
    tank_level_m: float | None = None
    """Make-up tank level."""
    flood: bool = False
    """Water on the station's floor."""
    pump_fault: int = 0
    """Circulation pump fault word."""
    standby_fault: int | None = None
    """Standby pump's fault word; None where there is no standby pump."""
    pump_hours: tuple[float | None, float | None] = (None, None)
    """Run-hours of circulation and standby pump, to share wear by."""
    pump_selected: float | None = None
    """Which pump the register says runs, 1 or 2; looked at when the logic starts."""
    pump_hz: float | None = None
    """Measured speed of the running pump; None: what was demanded is taken for it."""
    pump_current_a: float | None = None
    """Motor current of the running pump."""
    flow_m3h: float | None = None
    """Secondary flow."""
    residual_trip: bool = False
    """Residual-current device of the cabinet has tripped."""
    reset: float | None = None
    """`protection_reset`: each change of it lets go what was latched."""
    setpoint_c: float | None = None
    """Supply temperature set-point last written."""
    setpoint_age_s: float | None = None
    """Seconds since it was written; None when it never was."""
    valve_setpoint_pct: float = 0.0
    """Valve opening asked for in remote-manual mode."""
    pump_setpoint_hz: float = 40.0
    """Circulation pump speed asked for; 0 stops it."""
    flow_setpoint_m3h: float | None = None
    """Flow to hold with the pump's speed; None or 0: the speed asked for."""
    pressure_setpoint_kpa: float = 300.0
    """Return pressure to hold."""
    makeup_command: bool = False
    """Operator's make-up request in remote-manual mode."""
    valve_pct: float | None = None
    """Measured valve opening, if fed back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitOutputs:
    """What a unit's controller does."""

    valve_opening_pct: float
    """Valve opening demanded; the actuator follows in its own stroke time."""
    pump_hz: float
    """Circulation pump speed demanded; 0 is off."""
    pump: int | None
    """Which pump is to run, 0 circulation or 1 standby; None: neither may."""
    makeup_on: bool
    """Whether the make-up pump runs."""
    interlock_word: int
    """`Interlock` bits that hold."""
    target_c: float | None
    """Supply temperature regulated to now (ramped); None while the loop is open."""
    source: str
    """Where the target comes from: `setpoint`, `curve`, `manual` or `held` (sensor lost)."""
