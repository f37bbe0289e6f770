"""What a unit's controller is set to: its own curve, limits and tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heatloop.kernel.errors import InputError
from heatloop.station.curve import TABLE_POINTS, CurveDesign, CurveTable, table_of
from heatloop.station.pressure import HoldSettings
from heatloop.station.pumps import PumpSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitSettings:
    """Settings of one unit (zone) of a substation."""

    curve: CurveTable = field(default_factory=lambda: table_of(CurveDesign()))
    """Own heating curve, used when nobody writes a set-point."""
    supply_high_c: float = 85.0
    """Supply temperature above which the over-temperature interlock acts."""
    supply_high_kpa: float = 1500.0
    """Supply pressure above which the over-pressure interlock acts."""
    return_low_kpa: float = 100.0
    """Return pressure below which pumps would run dry or draw air."""
    return_high_kpa: float = 1300.0
    """Return pressure above which radiators may burst."""
    setpoint_watchdog_s: float = 1800.0
    """A set-point older than this no longer holds: the station goes to its own curve."""
    target_rate_k_per_s: float = 1.0 / 60.0
    """How fast the target moves, to spare pipes and neighbours a shock."""
    kp_pct_per_k: float = 1.5
    """Gain of the temperature loop."""
    ti_s: float = 120.0
    """Integral time of the temperature loop."""
    stroke_s: float = 90.0
    """Time the valve takes from shut to open."""
    pump_low_hz: float = 20.0
    """Lowest speed of a running pump."""
    pump_high_hz: float = 50.0
    """Highest speed."""
    pump_rate_hz_per_s: float = 1.0
    """Ramp of the frequency converter."""
    hold: HoldSettings = field(default_factory=HoldSettings)
    """Make-up pump."""
    pumps: PumpSettings = field(default_factory=PumpSettings)
    """Protection and alternation of the circulation pumps."""
    valve_band_pct: float = 5.0
    """How far the valve may stay from what is demanded of it."""
    valve_delay_s: float = 180.0
    """For how long; longer than a stroke."""
    flow_band: float = 0.1
    """Share of the flow set-point by which the flow may stay off it."""
    flow_delay_s: float = 300.0
    """For how long."""


_LIMITS = {
    "limit_supply_temperature_high": "supply_high_c",
    "limit_supply_pressure_high": "supply_high_kpa",
    "limit_return_pressure_low": "return_low_kpa",
    "limit_return_pressure_high": "return_high_kpa",
}
_PUMP_LIMITS = {
    "limit_circulation_pump_current": "rated_current_a",
    "limit_circulation_flow_low": "flow_low_m3h",
}


def settings_from(values: Mapping[str, float], base: UnitSettings | None = None) -> UnitSettings:
    """Return settings with the limits and the curve a controller's registers hold.

    Args:
        values: `<kind>` or `<kind>.<n>` -> value in the point's unit, for example
            `limit_supply_temperature_high` or `heating_curve_outdoor.1`; missing ones keep `base`,
            and so does a curve whose registers make no curve.
        base: What to start from; None for the defaults.
    """
    base = base or UnitSettings()
    changes: dict[str, float] = {
        name: values[kind] for kind, name in _LIMITS.items() if kind in values
    }
    pumps: dict[str, float] = {
        name: values[kind] for kind, name in _PUMP_LIMITS.items() if kind in values
    }
    return replace(
        base,
        curve=_curve_from(values) or base.curve,
        pumps=replace(base.pumps, **pumps),
        **changes,  # type: ignore[arg-type]
    )


def _curve_from(values: Mapping[str, float]) -> CurveTable | None:
    pairs = [
        (values[f"heating_curve_outdoor.{n}"], values[f"heating_curve_supply.{n}"])
        for n in range(1, TABLE_POINTS + 1)
        if f"heating_curve_outdoor.{n}" in values and f"heating_curve_supply.{n}" in values
    ]
    try:
        return CurveTable(tuple(pairs))
    except InputError:
        # Registers fresh from the factory are all zero: no curve to follow.
        return None
