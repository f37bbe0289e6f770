"""Which links meet at a node, and the order in which nodes' mixed temperatures can be known."""

from __future__ import annotations

import numpy as np

from heatloop.network.compiled import compiled
from heatloop.network.model.net import Flags, Ints


@compiled
def incidence(n_node: int, from_node: Ints, to_node: Ints) -> tuple[Ints, Ints]:
    """Return the start of each node's links, shape (n_node + 1,), and the links, (2 n_link,)."""
    fed = np.zeros(n_node + 1, np.int64)
    for k in range(len(from_node)):
        fed[from_node[k] + 1] += 1
        fed[to_node[k] + 1] += 1
    for v in range(n_node):
        fed[v + 1] += fed[v]
    at = np.empty(n_node, np.int64)
    for v in range(n_node):
        at[v] = fed[v]
    feeds = np.empty(2 * len(from_node), np.int64)
    for k in range(len(from_node)):
        feeds[at[from_node[k]]] = k
        at[from_node[k]] += 1
        feeds[at[to_node[k]]] = k
        at[to_node[k]] += 1
    return fed, feeds


@compiled
def _dependencies(
    turn: int, from_node: Ints, to_node: Ints, forward: Ints, fixed: Flags, partner: Ints,
    waits: Ints, count: Ints, at: Ints, fed: Ints,
) -> None:  # fmt: skip
    """Count what each node feeds and waits for (turn 0), or write down whom it feeds (turn 1)."""
    for k in range(len(forward)):
        if forward[k] == 0 or fixed[k]:
            continue
        head = to_node[k] if forward[k] > 0 else from_node[k]
        for turn_ in range(2):
            other = k if turn_ == 0 else partner[k]
            if other < 0 or forward[other] == 0:
                continue
            tail = from_node[other] if forward[other] > 0 else to_node[other]
            if turn == 0:
                count[tail + 1] += 1
                waits[head] += 1
            else:
                fed[at[tail]] = head
                at[tail] += 1


@compiled
def downstream_order(
    n_node: int, from_node: Ints, to_node: Ints, forward: Ints, fixed: Flags, partner: Ints
) -> tuple[Ints, int]:
    """Return the nodes in an order in which each comes after all it depends on, and how many.

    Nodes of closed loops without a set temperature, and what hangs on them, stand at the end in
    any order: the count says where they begin.

    Args:
        n_node: Number of nodes.
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: Direction of flow: 1, -1, 0 where nothing moves, shape (n_link,).
        fixed: Links whose outlet temperature is set, shape (n_link,).
        partner: Link on the other side of an exchanger, -1 elsewhere, shape (n_link,).

    Reference: Kahn 1962 (doi 10.1145/368996.369025).
    """
    waits = np.zeros(n_node, np.int64)
    count = np.zeros(n_node + 1, np.int64)
    none = np.zeros(0, np.int64)
    _dependencies(0, from_node, to_node, forward, fixed, partner, waits, count, none, none)
    for v in range(n_node):
        count[v + 1] += count[v]
    fed = np.empty(count[n_node], np.int64)
    at = np.empty(n_node, np.int64)
    for v in range(n_node):
        at[v] = count[v]
    _dependencies(1, from_node, to_node, forward, fixed, partner, waits, count, at, fed)
    order = np.empty(n_node, np.int64)
    done, filled = 0, 0
    for v in range(n_node):
        if waits[v] == 0:
            order[filled] = v
            filled += 1
    while done < filled:
        v = order[done]
        done += 1
        for j in range(count[v], count[v + 1]):
            waits[fed[j]] -= 1
            if waits[fed[j]] == 0:
                order[filled] = fed[j]
                filled += 1
    known = filled
    for v in range(n_node):
        if waits[v] > 0:
            order[filled] = v
            filled += 1
    return order, known
