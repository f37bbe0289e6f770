"""Buildings as two resistances and two capacities, with every flat's air on its own.

A flat (zone) holds its air, furniture and inner surfaces; it loses heat straight out (windows,
air change) and into its building's walls and slabs, which lose it on to the outside. Steps are
implicit, and every flux is applied to both sides.

Reference: two-capacity room model, VDI 6007-1 reduced, as in ISO 52016-1 class of models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.network.arrays import Floats, summed

OPEN_WINDOW_C = 24.5
_WINDOW_PER_K = 0.6
_WIDEST_WINDOW = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildingPlan:
    """What buildings and their zones are made of; zones are sorted by building."""

    building: NDArray[np.intp]
    """Building of each zone, shape (n_zone,)."""
    air_kj_k: Floats
    """Heat capacity of the zone's air node, shape (n_zone,)."""
    out_kw_k: Floats
    """Straight to the outside at calm wind, shape (n_zone,)."""
    wall_kw_k: Floats
    """Into the building's envelope, shape (n_zone,)."""
    heat_share: Floats
    """Share of the building's emitted heat, shape (n_zone,)."""
    gain_kw: Floats
    """People and appliances, mean over the day, shape (n_zone,)."""
    sun_m2: Floats
    """Area that takes in all horizontal sun, shape (n_zone,)."""
    envelope_kj_k: Floats
    """Heat capacity of walls and slabs, shape (n_building,)."""
    envelope_kw_k: Floats
    """From walls and slabs to the outside, shape (n_building,)."""
    envelope_sun_m2: Floats
    """Area of the outer walls that takes in sun, shape (n_building,)."""
    wind_per_ms: Floats
    """Growth of the straight loss a m/s of wind, shape (n_building,)."""


@dataclass(kw_only=True, slots=True)
class BuildingState:
    """Temperatures, degC."""

    zone_c: Floats
    """Shape (n_zone,)."""
    envelope_c: Floats
    """Shape (n_building,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildingFlux:
    """What passed in a step, kJ over all buildings."""

    lost_kj: float
    """To the outside."""
    gained_kj: float
    """From sun, people and appliances."""


def emitter_room_c(plan: BuildingPlan, state: BuildingState) -> Floats:
    """Return the room temperature each building's emitters see, shape (n_building,)."""
    weighted = plan.heat_share * state.zone_c
    return summed(plan.building, weighted, len(plan.envelope_kj_k))


def stored_kj(plan: BuildingPlan, state: BuildingState) -> float:
    """Return the heat held above 0 degC."""
    return float(plan.air_kj_k @ state.zone_c + plan.envelope_kj_k @ state.envelope_c)


def step_buildings(
    plan: BuildingPlan,
    state: BuildingState,
    *,
    heat_kw: Floats,
    outdoor_c: float,
    wind_ms: float,
    sun_kw_m2: float,
    gain_factor: float,
    dt_s: float,
) -> BuildingFlux:
    """Move all buildings by one step, in place.

    Args:
        plan: What they are made of.
        state: Temperatures, changed.
        heat_kw: Emitted heat, shape (n_building,).
        outdoor_c: Outdoor temperature.
        wind_ms: Wind speed.
        sun_kw_m2: Global horizontal radiation.
        gain_factor: People and appliances now over their daily mean.
        dt_s: Step.
    """
    building = plan.building
    windy = 1.0 + plan.wind_per_ms * wind_ms
    # Who is too warm opens a window.
    opened = np.clip((state.zone_c - OPEN_WINDOW_C) * _WINDOW_PER_K, 0.0, _WIDEST_WINDOW)
    out = plan.out_kw_k * (windy[building] + opened)
    gain = plan.gain_kw * gain_factor + plan.sun_m2 * sun_kw_m2
    power = heat_kw[building]
    power *= plan.heat_share
    power += gain
    held = plan.air_kj_k / dt_s
    total = held + out
    total += plan.wall_kw_k
    now = held * state.zone_c
    now += power
    now += out * outdoor_c
    now += plan.wall_kw_k * state.envelope_c[building]
    now /= total
    state.zone_c = now
    # Into the walls at their old temperature: they move by millikelvins in a step.
    n_building = len(plan.envelope_kj_k)
    conducted = summed(building, plan.wall_kw_k * now, n_building)
    inward = summed(building, plan.wall_kw_k, n_building)
    wall_sun = plan.envelope_sun_m2 * sun_kw_m2
    into = conducted - inward * state.envelope_c + wall_sun
    capacity = plan.envelope_kj_k / dt_s
    state.envelope_c = (capacity * state.envelope_c + into + plan.envelope_kw_k * outdoor_c) / (
        capacity + plan.envelope_kw_k
    )
    lost = float(out @ (now - outdoor_c) + plan.envelope_kw_k @ (state.envelope_c - outdoor_c))
    return BuildingFlux(lost_kj=lost * dt_s, gained_kj=float(gain.sum() + wall_sun.sum()) * dt_s)
