"""Secondary hydraulic balance: valve settings of risers, buildings or flats from what is measured.

Where flows are measured, each branch's flow is brought to its share. Where only return
temperatures are, a branch whose water comes back warmer than that of its neighbours gets too
much: of its emitters of the same kind, flow over size follows from supply, return and room alone.
Where the network's resistances are known, kv = 3.6 m / sqrt(dp in bar) gives every valve at once
(`network.risers.balanced_openings`).

Reference: Petitjean, Total Hydronic Balancing, 3rd ed., ch. 3 and 4; EN 14336:2004 annex B;
emitters EN 442-2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.valve import RANGEABILITY, kv_share, opening_for_pct

_LEAST_PCT = 5.0
_MOST_FACTOR = 1.6
_NOTABLE = 0.01


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BalanceStep:
    """Valve settings for the next round; arrays of shape (n_branch,)."""

    opening_pct: Floats
    """New openings; where nothing could be told, the present ones."""
    factor: Floats
    """Flow each branch should have over what it has; nan where nothing could be told."""
    spread: float
    """How unequal the branches are: standard deviation of the factor's logarithm."""
    at_stop: tuple[int, ...]
    """Branches whose valve is fully open and still short: pipes or emitters are too small."""
    unknown: tuple[int, ...]
    """Branches that were left alone, their reading being none."""

    @property
    def done(self) -> bool:
        """Return whether the branches are within 5 % of each other."""
        return self.spread <= 0.05


def flow_over_size(
    supply_c: Floats | float, return_c: Floats, room_c: Floats | float, exponent: float = 0.3
) -> Floats:
    """Return a branch's flow over the size of its emitters, in arbitrary units, shape (n_branch,).

    From m cp (supply - return) = K ((supply + return) / 2 - room)^(1 + B); nan where water or
    room make no sense.

    Args:
        supply_c: Supply temperature of the branch.
        return_c: Its return temperature, shape (n_branch,).
        room_c: Its rooms.
        exponent: B of the emitters.
    """
    supply, back = np.broadcast_arrays(np.asarray(supply_c, dtype=np.float64), return_c)
    drop = supply - back
    over = 0.5 * (supply + back) - room_c
    good = (drop > 0.2) & (back > np.asarray(room_c) + 0.5)
    safe = np.where(good, over, 1.0) ** (1.0 + exponent) / np.where(good, drop, 1.0)
    return np.asarray(np.where(good, safe, np.nan))


def balance_by_return(
    opening_pct: Floats,
    *,
    supply_c: Floats | float,
    return_c: Floats,
    room_c: Floats | float,
    share: Floats,
    exponent: float = 0.3,
    room_goal_k: Floats | float = 0.0,
    gain: float = 0.8,
    raise_all: bool = True,
    rangeability: float = RANGEABILITY,
) -> BalanceStep:
    """Return openings that bring the branches' return temperatures together.

    Args:
        opening_pct: Present openings, shape (n_branch,).
        supply_c: Supply temperature.
        return_c: Return temperature of each branch; nan: not known.
        room_c: Rooms behind it.
        share: Design share of each branch in the flow, shape (n_branch,).
        exponent: B of the emitters.
        room_goal_k: How much warmer its rooms should be than they are; shifts its share.
        gain: Part of the way to go at a time.
        raise_all: Whether all are opened until the one in most need is fully open; else valves
            move about where they stand, and fewer have to be visited.
        rangeability: Of the valves.

    Raises:
        InputError: Shapes differ, or a share is not above 0.
    """
    have = flow_over_size(supply_c, return_c, room_c, exponent)
    # A kelvin in the rooms is some 3 % of heat, and heat follows flow weakly: about 6 % of flow.
    wanted = 1.0 + 0.06 * np.clip(np.asarray(room_goal_k, dtype=np.float64), -3.0, 3.0)
    return _step(
        opening_pct, have, np.broadcast_to(wanted, have.shape), share, gain, raise_all, rangeability
    )


def balance_by_flow(
    opening_pct: Floats,
    *,
    flow_kgs: Floats,
    wanted_kgs: Floats,
    gain: float = 0.8,
    raise_all: bool = True,
    rangeability: float = RANGEABILITY,
) -> BalanceStep:
    """Return openings that bring measured flows to their shares.

    Args:
        opening_pct: Present openings, shape (n_branch,).
        flow_kgs: Measured flow of each branch; nan or 0: not known.
        wanted_kgs: Design flow of each branch.
        gain: Part of the way to go at a time.
        raise_all: Whether all are opened until the one in most need is fully open; else valves
            move about where they stand, and fewer have to be visited.
        rangeability: Of the valves.

    Raises:
        InputError: Shapes differ, or a design flow is not above 0.
    """
    flow = np.where(np.asarray(flow_kgs) > 0.0, flow_kgs, np.nan)
    if not np.all(wanted_kgs > 0.0):
        raise InputError("every branch needs a flow above 0", thing="balance")
    return _step(
        opening_pct,
        flow / wanted_kgs,
        np.ones(flow.shape),
        wanted_kgs,
        gain,
        raise_all,
        rangeability,
    )


def _step(
    opening_pct: Floats,
    have: Floats,
    wanted: Floats,
    share: Floats,
    gain: float,
    raise_all: bool,
    rangeability: float,
) -> BalanceStep:
    opening = np.asarray(opening_pct, dtype=np.float64)
    if not (opening.shape == have.shape == wanted.shape == np.shape(share)) or opening.ndim != 1:
        raise InputError("openings, readings and shares must be one a branch", thing="balance")
    if not np.all(np.asarray(share) > 0.0) or not 0.0 < gain <= 1.0:
        raise InputError("shares must be above 0 and the gain at most 1", thing="balance")
    known = np.isfinite(have) & (have > 0.0) & np.isfinite(opening)
    unknown = tuple(np.flatnonzero(~known).tolist())
    nothing = np.full(opening.shape, np.nan)
    if np.count_nonzero(known) < 2:
        return BalanceStep(
            opening_pct=opening.copy(), factor=nothing, spread=0.0, at_stop=(), unknown=unknown
        )
    ratio = wanted[known] / have[known]
    weight = np.asarray(share)[known] * have[known]
    # The unit's flow stays what it is: only how it is divided changes.
    ratio = ratio * float(weight.sum() / (weight @ ratio))
    factor = nothing.copy()
    factor[known] = ratio
    spread = float(np.std(np.log(ratio)))
    moved = np.clip(ratio, 1.0 / _MOST_FACTOR, _MOST_FACTOR) ** gain
    kv = kv_share(opening[known], rangeability) * moved
    # The branch in most need stands fully open, so that no pump head is throttled away; what no
    # valve can give is taken from the others in any case.
    raised = kv / (float(kv.max()) if raise_all else max(float(kv.max()), 1.0))
    new = opening.copy()
    new[known] = np.maximum(opening_for_pct(raised, rangeability), _LEAST_PCT)
    full = new >= 100.0 - 1e-6
    stuck = known & full & (opening >= 100.0 - 1e-6)
    short = np.flatnonzero(stuck & (np.nan_to_num(factor, nan=0.0) > 1.0 + 10.0 * _NOTABLE))
    return BalanceStep(
        opening_pct=new,
        factor=factor,
        spread=spread,
        at_stop=tuple(short.tolist()),
        unknown=unknown,
    )
