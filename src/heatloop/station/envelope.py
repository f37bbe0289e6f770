"""The safe envelope: what may be written to a unit, whoever asks and however it is signed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SafeEnvelope:
    """Bounds of one point kind."""

    low: float
    """Lowest value that may be written."""
    high: float
    """Highest value that may be written."""
    automatic_step: float | None = None
    """Largest change one automatic command may make; a person may go further."""
    whole: bool = False
    """Whether only whole numbers make sense."""


# Point kind -> bounds, in the unit of points.csv.
SAFE: dict[str, SafeEnvelope] = {
    "secondary_supply_temperature_setpoint": SafeEnvelope(low=20, high=85, automatic_step=10),
    "valve_opening_setpoint": SafeEnvelope(low=0, high=100, automatic_step=30),
    "circulation_pump_frequency_setpoint": SafeEnvelope(low=0, high=50, automatic_step=10),
    "secondary_return_pressure_setpoint": SafeEnvelope(low=50, high=1400, automatic_step=50),
    "makeup_pump_command": SafeEnvelope(low=0, high=1, whole=True),
    "station_mode": SafeEnvelope(low=0, high=2, whole=True),
    "heating_curve_outdoor": SafeEnvelope(low=-40, high=25),
    "heating_curve_supply": SafeEnvelope(low=20, high=85),
    "limit_supply_temperature_high": SafeEnvelope(low=30, high=95),
    "limit_supply_pressure_high": SafeEnvelope(low=100, high=1600),
    "limit_return_pressure_low": SafeEnvelope(low=0, high=1300),
    "limit_return_pressure_high": SafeEnvelope(low=50, high=1600),
    "limit_circulation_pump_current": SafeEnvelope(low=1, high=500),
    "limit_circulation_flow_low": SafeEnvelope(low=0, high=200),
    "secondary_flow_setpoint": SafeEnvelope(low=0, high=2000, automatic_step=200),
    "protection_reset": SafeEnvelope(low=0, high=1, whole=True),
    "source_supply_temperature_setpoint": SafeEnvelope(low=40, high=130, automatic_step=10),
    "source_differential_pressure_setpoint": SafeEnvelope(low=50, high=1000, automatic_step=100),
    "boiler_enable": SafeEnvelope(low=0, high=1, whole=True),
    "chp_load_setpoint": SafeEnvelope(low=0, high=100, automatic_step=20),
    "tank_charge_flow_setpoint": SafeEnvelope(low=-3000, high=3000, automatic_step=500),
}

# (kind written, +1 must stay below / -1 above, other kind, margin): limits guard set-points and
# may not be moved through them.
_ORDER: tuple[tuple[str, int, str, float], ...] = (
    ("secondary_supply_temperature_setpoint", 1, "limit_supply_temperature_high", 2.0),
    ("heating_curve_supply", 1, "limit_supply_temperature_high", 0.0),
    ("limit_supply_temperature_high", -1, "secondary_supply_temperature_setpoint", 2.0),
    ("secondary_return_pressure_setpoint", 1, "limit_return_pressure_high", 30.0),
    ("secondary_return_pressure_setpoint", -1, "limit_return_pressure_low", 30.0),
    ("limit_return_pressure_high", -1, "secondary_return_pressure_setpoint", 30.0),
    ("limit_return_pressure_low", 1, "secondary_return_pressure_setpoint", 30.0),
)


def bounds(kind: str, others: Mapping[str, float] | None = None) -> tuple[float, float] | None:
    """Return the lowest and highest value that may be written, or None for an unknown kind.

    Args:
        kind: Point kind.
        others: Present values of the unit's other points by kind; they narrow the bounds. The
            result may be empty (low above high): then nothing may be written.
    """
    safe = SAFE.get(kind)
    if safe is None:
        return None
    low, high = safe.low, safe.high
    for written, side, other, margin in _ORDER:
        value = (others or {}).get(other)
        if written != kind or value is None or not math.isfinite(value):
            continue
        if side > 0:
            high = min(high, value - margin)
        else:
            low = max(low, value + margin)
    return low, high


def clamp(kind: str, value: float, others: Mapping[str, float] | None = None) -> float | None:
    """Return the nearest value that may be written, or None when none may."""
    found = bounds(kind, others)
    if found is None or found[0] > found[1] or not math.isfinite(value):
        return None
    value = min(max(value, found[0]), found[1])
    return float(round(value)) if SAFE[kind].whole else value


def refusal(
    kind: str,
    value: float,
    *,
    current: float | None = None,
    automatic: bool = False,
    others: Mapping[str, float] | None = None,
) -> str | None:
    """Return why a value may not be written (`reason: facts`), or None when it may.

    Args:
        kind: Point kind to be written.
        value: In the point's unit.
        current: Value the point has now, for the largest automatic step.
        automatic: Whether a program decided; a person may take larger steps.
        others: Present values of the unit's other points by kind.
    """
    found = bounds(kind, others)
    if found is None:
        return f"not_writable: {kind}"
    if not math.isfinite(value):
        return f"not_finite: {value}"
    safe = SAFE[kind]
    low, high = found
    if value < low:
        return f"below_safe_low: {value:g} < {low:g}"
    if value > high:
        return f"above_safe_high: {value:g} > {high:g}"
    if safe.whole and value != int(value):
        return f"not_whole: {value:g}"
    largest = safe.automatic_step if automatic else None
    # A hair of tolerance: the present value comes back rounded to register resolution.
    if largest is not None and current is not None and abs(value - current) > largest + 0.051:
        return f"step_too_large: {current:g} to {value:g}, at most {largest:g}"
    return None
