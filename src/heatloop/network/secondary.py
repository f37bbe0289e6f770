"""Secondary loops: from the exchanger through mains, branches and emitters back to it.

All volumes are mixed and stepped implicitly. The loop closes on itself, so each new temperature
is carried as `a + b * x`, x being the new return temperature; x falls out at the end. Stable for
any step, and what leaves one volume enters the next to the last joule.

Reference: mixed volumes in series, implicit Euler; emitters by EN 442-2, see `emitter`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, summed
from heatloop.network.water import CP_KJ_KGK

SEGMENTS = 3
_LEAST_RISE_K = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondaryPlan:
    """What the loops are made of; buildings are sorted by unit."""

    unit: NDArray[np.intp]
    """Unit of each building, shape (n_building,); a "building" may be one riser of one."""
    main_kg: Floats
    """Water in the supply main, as much in the return main, shape (n_unit,)."""
    main_loss_kw_k: Floats
    """Heat loss of each main, shape (n_unit,)."""
    branch_kg: Floats
    """Water in the supply branch, as much in the return branch, shape (n_building,)."""
    emitter_kj_k: Floats
    """Heat capacity of the emitters with their water, shape (n_building,)."""
    emitter_kw: Floats
    """Emitted at 1 K: heat = emitter_kw * rise^(1 + exponent), shape (n_building,)."""
    exponent: Floats
    """Emitter exponent B, shape (n_building,)."""
    flow_share: Floats
    """Share of the unit's flow that goes to the building, shape (n_building,)."""


@dataclass(kw_only=True, slots=True)
class SecondaryState:
    """Temperatures in the loops, degC."""

    supply_c: Floats
    """Supply main, shape (n_unit,)."""
    branch_supply_c: Floats
    """Shape (n_building,)."""
    emitter_c: Floats
    """Shape (SEGMENTS, n_building), in flow direction."""
    branch_return_c: Floats
    """Shape (n_building,)."""
    return_c: Floats
    """Return main, shape (n_unit,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondaryFlux:
    """What passed in a step, mean powers, kW."""

    exchanger_kw: Floats
    """Into the loop at the exchanger, shape (n_unit,)."""
    emitter_kw: Floats
    """Out to the rooms, shape (n_building,)."""
    loss_kw: Floats
    """Out to the ground, shape (n_unit,)."""
    makeup_kw: Floats
    """In with make-up water that replaces lost water; negative, shape (n_unit,)."""


def stored_kj(plan: SecondaryPlan, state: SecondaryState) -> float:
    """Return the heat held by the loops above 0 degC."""
    mains = plan.main_kg @ (state.supply_c + state.return_c)
    branches = plan.branch_kg @ (state.branch_supply_c + state.branch_return_c)
    emitters = plan.emitter_kj_k @ state.emitter_c.mean(axis=0)
    return float((mains + branches) * CP_KJ_KGK + emitters)


def step_secondary(
    plan: SecondaryPlan,
    state: SecondaryState,
    *,
    flow_kgs: Floats,
    exchanger_kw_k: Floats,
    primary_c: Floats,
    room_c: Floats,
    ground_c: float,
    makeup_kgs: Floats,
    makeup_c: float,
    dt_s: float,
    branch_kgs: Floats | None = None,
) -> SecondaryFlux:
    """Move all loops by one step, in place.

    Args:
        plan: What they are made of.
        state: Temperatures, changed.
        flow_kgs: Circulation, shape (n_unit,).
        exchanger_kw_k: Heat per kelvin between the two inlets, shape (n_unit,).
        primary_c: Primary inlet of each exchanger, shape (n_unit,).
        room_c: Room temperature the emitters see, shape (n_building,).
        ground_c: Ground temperature.
        makeup_kgs: Make-up water, shape (n_unit,).
        makeup_c: Its temperature.
        dt_s: Step.
        branch_kgs: Flow of each branch (a building, or one of its risers), which add up to the
            unit's circulation, shape (n_building,); None: divided by `flow_share`.

    Raises:
        InputError: The branches' flows do not add up to the circulation.
    """
    unit = plan.unit
    main = plan.main_kg * (CP_KJ_KGK / dt_s)
    through = flow_kgs * CP_KJ_KGK
    branch = plan.branch_kg * (CP_KJ_KGK / dt_s)
    passing = through[unit] * plan.flow_share
    if branch_kgs is not None:
        passing = branch_kgs * CP_KJ_KGK
        if not np.allclose(summed(unit, passing, len(through)), through, rtol=1e-9, atol=1e-9):
            raise InputError("branches must share all of the circulation", thing="branch_kgs")
    lost = plan.main_loss_kw_k

    total = main + through + lost
    a_supply = (main * state.supply_c + lost * ground_c + exchanger_kw_k * primary_c) / total
    b_supply = (through - exchanger_kw_k) / total

    weight = passing / (branch + passing)
    rest = branch / (branch + passing)
    a = rest * state.branch_supply_c + weight * a_supply[unit]
    b = weight * b_supply[unit]
    a_branch, b_branch = a, b

    held = plan.emitter_kj_k / (SEGMENTS * dt_s)
    rise = np.maximum(state.emitter_c - room_c, _LEAST_RISE_K)
    film = plan.emitter_kw / SEGMENTS * rise**plan.exponent
    total_e = held + passing + film
    own = (held * state.emitter_c + film * room_c) / total_e
    weights = passing / total_e
    parts = []
    for segment in range(SEGMENTS):
        a = own[segment] + weights[segment] * a
        b = weights[segment] * b
        parts.append((a, b))
    a = rest * state.branch_return_c + weight * a
    b = weight * b

    n_unit = len(flow_kgs)
    back_a = summed(unit, passing * a, n_unit)
    back_b = summed(unit, passing * b, n_unit)
    fresh = makeup_kgs * CP_KJ_KGK
    known = main * state.return_c + lost * ground_c + fresh * makeup_c + back_a
    x = known / (main + through + lost + fresh - back_b)

    x_b = x[unit]
    state.return_c = x
    state.supply_c = a_supply + b_supply * x
    state.branch_supply_c = a_branch + b_branch * x_b
    state.emitter_c = np.array([p + q * x_b for p, q in parts])
    state.branch_return_c = a + b * x_b
    return SecondaryFlux(
        exchanger_kw=exchanger_kw_k * (primary_c - x),
        emitter_kw=(film * (state.emitter_c - room_c)).sum(axis=0),
        loss_kw=lost * (state.supply_c + x - 2.0 * ground_c),
        makeup_kw=fresh * (makeup_c - x),
    )
