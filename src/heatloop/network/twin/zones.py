"""Zones: each pipe belongs to the station or source its middle is nearest to along the pipes."""

from __future__ import annotations

import heapq

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Ints


def zones_of(
    from_node: Ints, to_node: Ints, length_m: Floats, port_node: Ints, port_tap: Ints, n_node: int
) -> Ints:
    """Return the zone (number of a tap) of each link of a piping, shape (n_link,).

    Supply and return pipe of one trench fall into the same zone, as both are laid alike.

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        length_m: Shape (n_link,).
        port_node: Node of each port, shape (n_port,).
        port_tap: Tap of each port, shape (n_port,).
        n_node: Number of nodes.
    """
    seeds = list(zip(port_node.tolist(), port_tap.tolist(), strict=True))
    metres, tap = _nearest(from_node, to_node, length_m, seeds, n_node)
    # The middle is reached from either end; the nearer tap by that way has the pipe.
    from_start = metres[from_node] <= metres[to_node]
    return np.where(from_start, tap[from_node], tap[to_node])


def _nearest(
    from_node: Ints, to_node: Ints, length_m: Floats, seeds: list[tuple[int, int]], n_node: int
) -> tuple[Floats, Ints]:
    """Return the metres along the pipes to the nearest seed, and its number, of each node."""
    beside: list[list[tuple[int, float]]] = [[] for _ in range(n_node)]
    for a, b, length in zip(from_node.tolist(), to_node.tolist(), length_m.tolist(), strict=True):
        beside[a].append((b, length))
        beside[b].append((a, length))
    metres = np.full(n_node, np.inf)
    owner = np.full(n_node, -1, np.int64)
    queue = [(0.0, tap, node) for node, tap in seeds]
    heapq.heapify(queue)
    while queue:
        far, tap, node = heapq.heappop(queue)
        if owner[node] >= 0:
            continue
        metres[node], owner[node] = far, tap
        for other, length in beside[node]:
            if owner[other] < 0:
                heapq.heappush(queue, (far + length, tap, other))
    return metres, owner
