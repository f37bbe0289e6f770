"""The order in which links are worked through in a step, and where closed loops are cut."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.push import (
    EARLY,
    FIXED,
    HEAD_NODE,
    LINK,
    PARTNER,
    SIDE,
    TAIL,
    TRAITS,
    WAY,
)
from heatloop.network.model.net import Flags, Ints

STILL_KGS = 1e-9
"""Less than this is no flow."""


@compiled
def look(flow_kgs: Floats, set_c: Floats, is_heat: Flags, forward: Ints, fixed: Flags) -> bool:
    """Write where each link flows and whether its outlet is set; return whether that changed.

    Args:
        flow_kgs: Shape (n_link,).
        set_c: Outlet temperature, nan: none, shape (n_link,).
        is_heat: HEAT links, whose outlet cannot be above their inlet, shape (n_link,).
        forward: 1, -1 or 0, written, shape (n_link,).
        fixed: Links whose outlet does not depend on their inlet, written, shape (n_link,).
    """
    changed = False
    for k in range(len(forward)):
        m = flow_kgs[k]
        way = 1 if m > STILL_KGS else (-1 if m < -STILL_KGS else 0)
        known = set_c[k] == set_c[k] and not is_heat[k]
        if way != forward[k] or known != fixed[k]:
            forward[k] = way
            fixed[k] = known
            changed = True
    return changed


@compiled
def begin(
    ends: Ints, forward: Ints, fixed: Flags, traits: Ints, rows: Ints, first: Ints, waits: Ints
) -> Ints:
    """Write each flowing link's row, and how many links each node waits for.

    Args:
        ends: From and to node, shape (n_link, 2).
        forward: 1, -1 or 0, shape (n_link,).
        fixed: Links whose outlet is set, shape (n_link,).
        traits: Bits of what each link is, shape (n_link,).
        rows: Written in link order, see `push`, shape (n_link, 7).
        first: Written: where each node's leaving links begin, shape (n_node + 1,).
        waits: Written, shape (n_node,).

    Returns:
        The links that leave each node.
    """
    for v in range(len(waits)):
        first[v + 1] = waits[v] = 0
    first[0] = 0
    for k in range(len(forward)):
        back = 1 if forward[k] < 0 else 0
        rows[k, LINK], rows[k, WAY] = k, forward[k]
        rows[k, TAIL], rows[k, HEAD_NODE] = ends[k, back], ends[k, 1 - back]
        rows[k, TRAITS] = traits[k]
        if forward[k] == 0:
            continue
        first[ends[k, back] + 1] += 1
        if fixed[k]:
            rows[k, TRAITS] |= EARLY | FIXED
        else:
            waits[ends[k, 1 - back]] += 1
    for v in range(len(waits)):
        first[v + 1] += first[v]
    leaving = np.empty(first[-1], np.int64)
    at = first[:-1].copy()
    for k in range(len(forward)):
        if forward[k] != 0:
            leaving[at[rows[k, TAIL]]] = k
            at[rows[k, TAIL]] += 1
    return leaving


@compiled
def couple(hot: Ints, cold: Ints, forward: Ints, fixed: Flags, rows: Ints) -> None:
    """Write which links exchange heat now: both flow, and neither has a set outlet."""
    for k in range(len(rows)):
        rows[k, PARTNER] = -1
    for x in range(len(hot)):
        a, b = hot[x], cold[x]
        if forward[a] != 0 and forward[b] != 0 and not fixed[a] and not fixed[b]:
            rows[a, PARTNER], rows[a, SIDE] = b, x
            rows[b, PARTNER], rows[b, SIDE] = a, -1 - x


@compiled
def _released(v: int, waits: Ints, stack: Ints, filled: int) -> int:
    """Let node `v` wait for one link less; put it on the stack when it waits for none."""
    waits[v] -= 1
    if waits[v] == 0:
        stack[filled] = v
        return filled + 1
    return filled


@compiled
def arrange(rows: Ints, first: Ints, leaving: Ints, waits: Ints, longest: Ints, plan: Ints) -> int:
    """Write flowing links so that each comes after all that feeds its inlet; return how many.

    A link whose outlet is set feeds its node from the start. A closed loop without such a link is
    cut where water stays longest: there the node is fed early, from the pipe's own content, or
    where that is not enough by the temperature of the step before; the difference is carried over
    to the node's next step, so that no heat is lost.

    Args:
        rows: See `begin`; EARLY is added where loops are cut.
        first: See `begin`.
        leaving: See `begin`.
        waits: See `begin`, changed.
        longest: Links, those that hold water longest first, shape (n_link,); empty: not known.
        plan: Written, shape (n_link, 7).

    Returns:
        Number of rows in `plan`; -1 if a loop must be cut and `longest` is empty.

    Reference: Kahn 1962 (doi 10.1145/368996.369025).
    """
    n_node = len(waits)
    done = np.zeros(len(rows), np.bool_)
    ready = np.zeros(n_node, np.bool_)
    stack = np.empty(n_node, np.int64)
    taken = filled = cut_at = n_plan = 0
    # A stack, not a queue: what follows in the network is worked through while it is in the cache.
    for v in range(n_node):
        if waits[v] == 0:
            stack[filled] = v
            filled += 1
    while taken < n_node:
        if filled == 0:
            if len(longest) == 0:
                return -1
            k = longest[cut_at]
            cut_at += 1
            if rows[k, WAY] != 0 and not done[k] and not rows[k, TRAITS] & EARLY:
                rows[k, TRAITS] |= EARLY
                filled = _released(rows[k, HEAD_NODE], waits, stack, filled)
            continue
        filled -= 1
        v = stack[filled]
        taken += 1
        ready[v] = True
        for j in range(first[v], first[v + 1]):
            k = leaving[j]
            other = rows[k, PARTNER]
            if done[k] or (other >= 0 and not ready[rows[other, TAIL]]):
                continue
            for turn in range(2 if other >= 0 else 1):
                link = other if turn == 1 else k
                done[link] = True
                for column in range(plan.shape[1]):
                    plan[n_plan, column] = rows[link, column]
                n_plan += 1
                if not rows[link, TRAITS] & EARLY:
                    filled = _released(rows[link, HEAD_NODE], waits, stack, filled)
    return n_plan
