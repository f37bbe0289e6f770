"""The order in which links are worked through in a step, and where closed loops are cut."""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
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
def _tails(n_node: int, from_node: Ints, to_node: Ints, forward: Ints) -> tuple[Ints, Ints]:
    """Return the links that leave each node: where each node's begin, and the links."""
    first = np.zeros(n_node + 1, np.int64)
    for k in range(len(forward)):
        if forward[k] != 0:
            first[(from_node[k] if forward[k] > 0 else to_node[k]) + 1] += 1
    for v in range(n_node):
        first[v + 1] += first[v]
    leaving = np.empty(first[n_node], np.int64)
    at = first[:-1].copy()
    for k in range(len(forward)):
        if forward[k] != 0:
            v = from_node[k] if forward[k] > 0 else to_node[k]
            leaving[at[v]] = k
            at[v] += 1
    return first, leaving


@compiled
def arrange(
    n_node: int, from_node: Ints, to_node: Ints, forward: Ints, fixed: Flags, partner: Ints,
    hold_s: Floats, order: Ints, early: Flags,
) -> int:  # fmt: skip
    """Write flowing links so that each comes after all that feeds its inlet; return how many.

    A link whose outlet is set feeds its node from the start. A closed loop without such a link is
    cut where water stays longest: there the node is fed `early`, from the pipe's own content, or
    where that is not enough from the temperature of the step before.

    Args:
        n_node: Number of nodes.
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        fixed: Links whose outlet is set, shape (n_link,).
        partner: Other side of an exchanger, -1 elsewhere, shape (n_link,).
        hold_s: How long water stays in each link, shape (n_link,).
        order: Written, shape (n_link,).
        early: Links that feed their node before they are worked through, written, (n_link,).

    Reference: Kahn 1962 (doi 10.1145/368996.369025).
    """
    n_link = len(forward)
    first, leaving = _tails(n_node, from_node, to_node, forward)
    waits = np.zeros(n_node, np.int64)
    done = np.zeros(n_link, np.bool_)
    ready = np.zeros(n_node, np.bool_)
    for k in range(n_link):
        early[k] = fixed[k] and forward[k] != 0
        if forward[k] != 0 and not early[k]:
            waits[to_node[k] if forward[k] > 0 else from_node[k]] += 1
    queue = np.empty(n_node, np.int64)
    taken = filled = 0
    for v in range(n_node):
        if waits[v] == 0:
            queue[filled] = v
            filled += 1
    longest = np.argsort(-hold_s, kind="mergesort")
    cut_at = n_order = 0
    while taken < n_node:
        if taken == filled:
            # A closed loop: cut where water stays longest.
            while True:
                k = longest[cut_at]
                cut_at += 1
                if forward[k] != 0 and not done[k] and not early[k]:
                    break
            early[k] = True
            v = to_node[k] if forward[k] > 0 else from_node[k]
            waits[v] -= 1
            if waits[v] == 0:
                queue[filled] = v
                filled += 1
            continue
        v = queue[taken]
        taken += 1
        ready[v] = True
        for j in range(first[v], first[v + 1]):
            k = leaving[j]
            other = partner[k]
            paired = other >= 0 and forward[other] != 0
            if paired:
                tail = from_node[other] if forward[other] > 0 else to_node[other]
                if not ready[tail] or done[k]:
                    continue
            for side in range(2 if paired else 1):
                link = k if side == 0 else other
                done[link] = True
                order[n_order] = link
                n_order += 1
                if not early[link]:
                    head = to_node[link] if forward[link] > 0 else from_node[link]
                    waits[head] -= 1
                    if waits[head] == 0:
                        queue[filled] = head
                        filled += 1
    return n_order


@compiled
def hold_times(mass_kg: Floats, flow_kgs: Floats, hold_s: Floats) -> None:
    """Write how long water stays in each link, shape (n_link,)."""
    for k in range(len(hold_s)):
        hold_s[k] = mass_kg[k] / max(abs(flow_kgs[k]), 1e-12)
        if not math.isfinite(hold_s[k]):
            hold_s[k] = 0.0
