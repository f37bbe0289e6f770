"""Buildings as two resistances and two capacities, with every flat's air on its own.

A flat (zone) holds its air, furniture and inner surfaces; it loses heat straight out (windows,
air change), to its neighbours, and into its building's walls and slabs, which lose it on to the
outside. Zones and walls move in one implicit step, solved exactly; neighbours then exchange heat
pair by pair by the closed form of two bodies. Every flux is applied to both sides.

Reference: two-capacity room model, VDI 6007-1 reduced, as in ISO 52016-1 class of models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index, summed
from heatloop.network.compiled import compiled

OPEN_WINDOW_C = 24.5
FACINGS_DEG = np.arange(8) * 45.0
"""Where facade number i looks, degrees from north over east."""
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
    """Area that takes in all the sun on its facade (horizontal sun, if none is named)."""
    envelope_kj_k: Floats
    """Heat capacity of walls and slabs, shape (n_building,)."""
    envelope_kw_k: Floats
    """From walls and slabs to the outside, shape (n_building,)."""
    envelope_sun_m2: Floats
    """Area of the outer walls that takes in sun, shape (n_building,)."""
    wind_per_ms: Floats
    """Growth of the straight loss a m/s of wind, shape (n_building,)."""
    facing: Index | None = None
    """Facade of each zone, a number of `FACINGS_DEG`, shape (n_zone,); None: horizontal sun."""
    neighbours: Index | None = None
    """Zones that share a wall or slab, shape (n_pair, 2)."""
    neighbour_kw_k: Floats | None = None
    """Conductance between them, shape (n_pair,)."""


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


def settle_walls(plan: BuildingPlan, state: BuildingState, outdoor_c: float) -> None:
    """Put the walls where a steady flow of heat through them would, in place."""
    n = len(plan.envelope_kj_k)
    inward = summed(plan.building, plan.wall_kw_k, n)
    warm = summed(plan.building, plan.wall_kw_k * state.zone_c, n)
    state.envelope_c = (warm + plan.envelope_kw_k * outdoor_c) / (inward + plan.envelope_kw_k)


def step_buildings(
    plan: BuildingPlan,
    state: BuildingState,
    *,
    heat_kw: Floats | None = None,
    outdoor_c: float,
    wind_ms: float,
    sun_kw_m2: float,
    gain_factor: float | Floats,
    dt_s: float,
    zone_heat_kw: Floats | None = None,
    window_kw_k: Floats | None = None,
    facade_kw_m2: Floats | None = None,
) -> BuildingFlux:
    """Move all buildings by one step, in place.

    Args:
        plan: What they are made of.
        state: Temperatures, changed.
        heat_kw: Heat emitted in each building, divided by `heat_share`, shape (n_building,).
        outdoor_c: Outdoor temperature.
        wind_ms: Wind speed.
        sun_kw_m2: Global horizontal radiation.
        gain_factor: People and appliances now over their daily mean, a number or (n_zone,).
        dt_s: Step.
        zone_heat_kw: Heat emitted in each zone, besides `heat_kw`, shape (n_zone,).
        window_kw_k: Air change through open windows, shape (n_zone,); None: who is warmer than
            `OPEN_WINDOW_C` opens one.
        facade_kw_m2: Radiation on the facades of `FACINGS_DEG`, shape (8,); needed if the plan
            names facades.

    Raises:
        InputError: The plan names facades and their sun is not given.
    """
    building = plan.building
    windy = 1.0 + plan.wind_per_ms * wind_ms
    if window_kw_k is None:
        warm = np.clip((state.zone_c - OPEN_WINDOW_C) * _WINDOW_PER_K, 0.0, _WIDEST_WINDOW)
        window_kw_k = plan.out_kw_k * warm
    out = plan.out_kw_k * windy[building]
    out += window_kw_k
    gain = _gains(plan, gain_factor, sun_kw_m2, facade_kw_m2)
    power = gain.copy()
    if heat_kw is not None:
        power += heat_kw[building] * plan.heat_share
    if zone_heat_kw is not None:
        power += zone_heat_kw
    # Outer walls look all ways: they get the mean of the facades where those are known.
    on_walls = sun_kw_m2 if facade_kw_m2 is None else float(facade_kw_m2.mean())
    wall_sun = plan.envelope_sun_m2 * on_walls
    zone, envelope = np.empty_like(state.zone_c), np.empty_like(state.envelope_c)
    lost = _implicit_step(
        np.ascontiguousarray(building, dtype=np.int64),
        plan.air_kj_k / dt_s,
        out,
        plan.wall_kw_k,
        power,
        state.zone_c,
        plan.envelope_kj_k / dt_s,
        plan.envelope_kw_k,
        wall_sun,
        state.envelope_c,
        outdoor_c,
        zone,
        envelope,
    )
    if plan.neighbours is not None and plan.neighbour_kw_k is not None:
        _exchange(
            np.ascontiguousarray(plan.neighbours, dtype=np.int64),
            plan.neighbour_kw_k,
            plan.air_kj_k,
            dt_s,
            zone,
        )
    state.zone_c, state.envelope_c = zone, envelope
    return BuildingFlux(
        lost_kj=float(lost) * dt_s, gained_kj=float(gain.sum() + wall_sun.sum()) * dt_s
    )


def _gains(
    plan: BuildingPlan,
    gain_factor: float | Floats,
    sun_kw_m2: float,
    facade_kw_m2: Floats | None,
) -> Floats:
    if plan.facing is None:
        return np.asarray(plan.gain_kw * gain_factor + plan.sun_m2 * sun_kw_m2)
    if facade_kw_m2 is None:
        raise InputError(
            "the plan names facades: their sun is needed",
            thing="facade_kw_m2",
            fix="network.sun.facade_kw_m2 gives it from the horizontal radiation",
        )
    return np.asarray(plan.gain_kw * gain_factor + plan.sun_m2 * facade_kw_m2[plan.facing])


@compiled
def _implicit_step(
    building: NDArray[np.int64],
    held: Floats,
    out: Floats,
    wall: Floats,
    power: Floats,
    zone_c: Floats,
    held_e: Floats,
    out_e: Floats,
    sun_e: Floats,
    envelope_c: Floats,
    outdoor_c: float,
    zone_new: Floats,
    envelope_new: Floats,
) -> float:
    """Solve one implicit step and return the loss to the outside, kW.

    Each zone depends on its envelope alone, so the envelopes come first by elimination.
    """
    n, m = len(zone_c), len(envelope_c)
    total = held_e + out_e
    known = held_e * envelope_c + out_e * outdoor_c + sun_e
    for i in range(n):
        weight = wall[i] / (held[i] + out[i] + wall[i])
        own = held[i] * zone_c[i] + out[i] * outdoor_c + power[i]
        zone_new[i] = own
        b = building[i]
        known[b] += weight * own
        total[b] += wall[i] - weight * wall[i]
    lost = 0.0
    for b in range(m):
        envelope_new[b] = known[b] / total[b]
        lost += out_e[b] * (envelope_new[b] - outdoor_c)
    for i in range(n):
        zone_new[i] = (zone_new[i] + wall[i] * envelope_new[building[i]]) / (
            held[i] + out[i] + wall[i]
        )
        lost += out[i] * (zone_new[i] - outdoor_c)
    return lost


@compiled
def _exchange(
    pairs: NDArray[np.int64], kw_k: Floats, capacity: Floats, dt_s: float, zone_c: Floats
) -> None:
    """Let each pair of neighbours come closer as two bodies alone would."""
    for k in range(len(kw_k)):
        a, b = pairs[k, 0], pairs[k, 1]
        both = capacity[a] * capacity[b] / (capacity[a] + capacity[b])
        heat = (zone_c[a] - zone_c[b]) * both * (1.0 - np.exp(-kw_k[k] * dt_s / both))
        zone_c[a] -= heat / capacity[a]
        zone_c[b] += heat / capacity[b]
