"""Zones: each pipe belongs to the station or source its middle is nearest to along the pipes."""

from __future__ import annotations

import heapq

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Ints, Network
from heatloop.network.twin.metered import Piping


def zones_of(piping: Piping) -> Ints:
    """Return the zone (number of a tap) of each link of the piping, shape (n_link,).

    Supply and return pipe of one trench fall into the same zone, as both are laid alike.
    """
    net = piping.network
    ports = [(int(n), int(t)) for n, t in zip(piping.port_node, piping.port_tap, strict=True)]
    metres, tap = _nearest(net, ports)
    # The middle is reached from either end; the nearer tap by that way has the pipe.
    from_start = metres[net.from_node] <= metres[net.to_node]
    return np.where(from_start, tap[net.from_node], tap[net.to_node])


def _nearest(net: Network, seeds: list[tuple[int, int]]) -> tuple[Floats, Ints]:
    """Return the metres along the pipes to the nearest seed, and its number, of each node."""
    beside: list[list[tuple[int, float]]] = [[] for _ in range(net.n_node)]
    for a, b, length in zip(
        net.from_node.tolist(), net.to_node.tolist(), net.length_m.tolist(), strict=True
    ):
        beside[a].append((b, length))
        beside[b].append((a, length))
    metres = np.full(net.n_node, np.inf)
    owner = np.full(net.n_node, -1, np.int64)
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
