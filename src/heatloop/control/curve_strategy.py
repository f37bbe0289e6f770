"""The weather curve as a strategy: supply temperature (quality) or flow (quantity) per unit.

Reference: quality and quantity regulation, field guide of the standard, section 3.13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from heatloop.control.arbiter import Priority, Proposal
from heatloop.control.strategy import Stage
from heatloop.station.curve import CurveDesign, flow_for_supply, supply_c
from heatloop.station.modes import StationMode

SUPPLY = "secondary_supply_temperature_setpoint"
PUMP = "circulation_pump_frequency_setpoint"


class Regulation(StrEnum):
    """What follows the weather."""

    QUALITY = "quality"
    """The supply temperature; the flow is constant."""
    QUANTITY = "quantity"
    """The flow; the supply temperature is constant as far as the flow limits allow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitState:
    """What a strategy must know of one unit."""

    code: str
    """Unit code."""
    design: CurveDesign
    """Design state of its heating curve."""
    regulation: Regulation = Regulation.QUALITY
    """What follows the weather."""
    target_room_c: float = 20.0
    """Room temperature wanted."""
    room_mean_c: float | None = None
    """Mean of the measured rooms; None where there are too few."""
    trim_k: float = 0.0
    """Slow correction learnt from the rooms, see `next_trim`."""
    mode: StationMode = StationMode.AUTOMATIC
    """Station mode."""
    stage: Stage = Stage.OBSERVE
    """Strategy stage."""
    setpoint_c: float | None = None
    """Supply temperature set-point read back."""
    setpoint_hz: float | None = None
    """Pump speed set-point read back."""
    supply_c: float | None = None
    """Supply temperature measured."""
    supply_low_c: float = 25.0
    """Lowest supply temperature for this unit."""
    supply_high_c: float = 80.0
    """Highest supply temperature for this unit (emitter, pipes, limit register)."""
    quantity_supply_c: float = 60.0
    """Supply temperature kept under quantity regulation."""
    design_hz: float = 45.0
    """Pump speed that gives the design flow."""
    least_flow: float = 0.5
    """Lowest flow ratio that still reaches the farthest building."""


_TRIM_K = 3.0
_TRIM_TIME_S = 12 * 3600.0
_DIRECT_GAIN = 0.5


def next_trim(unit: UnitState, dt_s: float) -> float:
    """Return the slow correction after `dt_s` more seconds, K of room temperature, at most 3.

    It integrates the room error over half a day, so it learns a wrong curve and not the sun.
    """
    if unit.room_mean_c is None or not math.isfinite(unit.room_mean_c):
        return unit.trim_k
    error_k = unit.target_room_c - unit.room_mean_c
    trim = unit.trim_k + error_k * dt_s / _TRIM_TIME_S
    return min(max(trim, -_TRIM_K), _TRIM_K)


def next_damped(damped_c: float | None, outdoor_c: float, dt_s: float, hours: float = 4.0) -> float:
    """Return the outdoor temperature as buildings feel it: a first-order lag of some hours."""
    if damped_c is None or not math.isfinite(damped_c):
        return outdoor_c
    return damped_c + (outdoor_c - damped_c) * -math.expm1(-dt_s / (hours * 3600.0))


def propose(units: list[UnitState], outdoor_c: float, now_s: float) -> list[Proposal]:
    """Return what the heating curve proposes for each unit, inside the unit's limits.

    Args:
        units: Units to propose for.
        outdoor_c: Outdoor temperature, measured or damped; not finite: nothing is proposed.
        now_s: Plant time; the curve itself has no calendar, others may.
    """
    del now_s
    if not math.isfinite(outdoor_c):
        return []
    return [proposal for unit in units for proposal in _of_unit(unit, outdoor_c)]


def _of_unit(unit: UnitState, outdoor_c: float) -> list[Proposal]:
    shift_k = unit.target_room_c - unit.design.room_c + unit.trim_k
    if unit.room_mean_c is not None and math.isfinite(unit.room_mean_c):
        error_k = unit.target_room_c - unit.room_mean_c
        shift_k += min(max(_DIRECT_GAIN * error_k, -1.0), 1.0)
    flow = 1.0
    reason = "heating_curve"
    proposals: list[Proposal] = []
    if unit.regulation is Regulation.QUANTITY:
        reason = "quantity_regulation"
        fixed_c = min(max(unit.quantity_supply_c, unit.supply_low_c), unit.supply_high_c)
        flow = flow_for_supply(unit.design, outdoor_c, fixed_c, shift_k, low=unit.least_flow)
        proposals.append(
            Proposal(
                point=f"{unit.code}.{PUMP}",
                value=min(max(unit.design_hz * flow, 20.0), 50.0),
                source="curve",
                priority=Priority.CURVE,
                reason=reason,
                low=20.0,
                high=50.0,
            )
        )
    wanted_c = supply_c(unit.design, outdoor_c, shift_k, flow)
    proposals.append(
        Proposal(
            point=f"{unit.code}.{SUPPLY}",
            value=min(max(wanted_c, unit.supply_low_c), unit.supply_high_c),
            source="curve",
            priority=Priority.CURVE,
            reason=reason,
            low=unit.supply_low_c,
            high=unit.supply_high_c,
        )
    )
    return proposals
