"""Two-pipe risers: how the water of a riser divides among its flats, and how to balance it.

A riser is a ladder: supply and return pipes between floors, a branch (valve, radiator) on every
floor. All losses are r * m^2, so each floor and what lies beyond it act as one conductance
g = m / sqrt(dp), and the ladder folds up from its far end in closed form. Directly returned water
favours the near flats.

Reference: resistances of quadratic flow in series add, conductances in parallel add; Roos,
Hydraulik der Wasserheizung, 5th ed., ch. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index, summed
from heatloop.network.valve import valve_resistance_kpa_kgs2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Risers:
    """Risers side by side, floors from the entry outward; a shorter one has shut upper floors."""

    section_kpa_kgs2: Floats
    """Supply and return pipe before each floor together, shape (n_riser, n_floor)."""
    branch_kpa_kgs2: Floats
    """Radiator and pipes of a branch without its valve, shape (n_riser, n_floor)."""
    kvs_m3h: Floats
    """Valve of each branch, shape (n_riser, n_floor)."""
    entry_kpa_kgs2: Floats
    """Balancing valve and pipe before the first floor, shape (n_riser,)."""


def check_risers(risers: Risers) -> None:
    """Refuse risers that are none.

    Raises:
        InputError: Shapes differ or a number is out of range.
    """
    shape = risers.section_kpa_kgs2.shape
    if len(shape) != 2 or risers.branch_kpa_kgs2.shape != shape or risers.kvs_m3h.shape != shape:
        raise InputError("sections, branches and valves must be (riser, floor)", thing="risers")
    if risers.entry_kpa_kgs2.shape != shape[:1]:
        raise InputError("each riser needs one entry", thing="risers")
    if not all(
        np.all(x >= 0.0)
        for x in (risers.section_kpa_kgs2, risers.branch_kpa_kgs2, risers.entry_kpa_kgs2)
    ):
        raise InputError("a resistance must not be below 0", thing="risers")
    if not np.all(risers.kvs_m3h > 0.0):
        raise InputError("a valve needs a kvs above 0", thing="risers")


def riser_conductance(risers: Risers, opening_pct: Floats) -> tuple[Floats, Floats]:
    """Return each riser's g of m = g sqrt(dp), and that of every floor with all beyond it.

    Args:
        risers: Checked risers.
        opening_pct: Valve of each branch, shape (n_riser, n_floor).
    """
    valve = valve_resistance_kpa_kgs2(risers.kvs_m3h, opening_pct)
    branch = 1.0 / np.sqrt(valve + risers.branch_kpa_kgs2)
    seen = np.zeros_like(branch)
    beyond = np.zeros(len(branch))
    for floor in range(branch.shape[1] - 1, -1, -1):
        seen[:, floor] = branch[:, floor] + beyond
        beyond = _behind(seen[:, floor], risers.section_kpa_kgs2[:, floor])
    return _behind(beyond, risers.entry_kpa_kgs2), seen


def riser_flows_kgs(
    risers: Risers,
    opening_pct: Floats,
    *,
    dp_kpa: Floats | None = None,
    flow_kgs: Floats | None = None,
) -> Floats:
    """Return the flow of every branch, shape (n_riser, n_floor).

    Args:
        risers: The risers.
        opening_pct: Valve of each branch, shape (n_riser, n_floor).
        dp_kpa: Difference at each riser's entry, shape (n_riser,); or
        flow_kgs: Flow of each riser, shape (n_riser,).

    Raises:
        InputError: The risers are none, or not exactly one of difference and flow is given.
    """
    check_risers(risers)
    if (dp_kpa is None) == (flow_kgs is None):
        raise InputError("give the difference or the flow", thing="risers")
    whole, seen = riser_conductance(risers, opening_pct)
    if flow_kgs is not None:
        rest = np.asarray(flow_kgs, dtype=np.float64).copy()
    else:
        rest = whole * np.sqrt(np.maximum(np.asarray(dp_kpa), 0.0))
    flows = np.zeros_like(seen)
    for floor in range(seen.shape[1]):
        beyond = np.zeros(len(seen))
        if floor + 1 < seen.shape[1]:
            beyond = _behind(seen[:, floor + 1], risers.section_kpa_kgs2[:, floor + 1])
        # Floor and all beyond stand under the same difference: they share by conductance.
        passed = rest * beyond / seen[:, floor]
        flows[:, floor] = rest - passed
        rest = passed
    return flows


def divided_kgs(group: Index, conductance: Floats, flow_kgs: Floats) -> Floats:
    """Return the flow of parallel risers that share the flow of their loop, shape (n_riser,).

    Args:
        group: Loop of each riser, shape (n_riser,).
        conductance: From `riser_conductance`, shape (n_riser,).
        flow_kgs: Flow of each loop, shape (n_loop,).
    """
    total = summed(group, conductance, len(flow_kgs))
    return np.asarray(flow_kgs[group] * conductance / total[group])


def balanced_openings(
    risers: Risers, wanted_kgs: Floats, *, reserve_kpa: float = 3.0, rangeability: float = 50.0
) -> tuple[Floats, Floats]:
    """Return valve openings (%) that give wanted flows, and the difference each riser needs (kPa).

    The branch in most need gets its valve fully open or `reserve_kpa` over it, whichever is more.

    Args:
        risers: The risers.
        wanted_kgs: Flow of each branch, above 0, shape (n_riser, n_floor).
        reserve_kpa: Least loss over a valve.
        rangeability: Of the valves.

    Raises:
        InputError: The risers are none, or a wanted flow is not above 0.

    Reference: kv = 3.6 m / sqrt(dp in bar), every dp from one flow solve.
    """
    check_risers(risers)
    if not np.all(wanted_kgs > 0.0):
        raise InputError("every branch needs a flow above 0", thing="risers")
    through = np.cumsum(wanted_kgs[:, ::-1], axis=1)[:, ::-1]
    lost = np.cumsum(risers.section_kpa_kgs2 * through**2, axis=1)
    least = np.maximum(100.0 * (3.6 * wanted_kgs / risers.kvs_m3h) ** 2, reserve_kpa)
    branch = risers.branch_kpa_kgs2 * wanted_kgs**2
    foot = np.max(lost + branch + least, axis=1)
    over_valve = foot[:, None] - lost - branch
    share = 3.6 * wanted_kgs / np.sqrt(over_valve / 100.0) / risers.kvs_m3h
    opening = np.clip(100.0 * (1.0 + np.log(share) / np.log(rangeability)), 0.0, 100.0)
    return opening, np.asarray(foot + risers.entry_kpa_kgs2 * through[:, 0] ** 2)


def _behind(conductance: Floats, resistance: Floats) -> Floats:
    """Return the conductance of one behind a resistance."""
    return np.asarray(conductance / np.sqrt(1.0 + resistance * conductance**2))
