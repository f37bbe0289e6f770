"""Upstream and downstream: by the flows of a moment, or by the way from the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.paths import source_distance_m
from heatloop.network.topology.roles import RETURN, roles

_STANDS_KGS = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What lies upstream or downstream of a place."""

    nodes: tuple[str, ...]
    """Node names in the network's order."""
    links: tuple[str, ...]
    """Link names in the network's order."""


def flow_direction(flow_kgs: Floats) -> Ints:
    """Return 1, -1 or 0 (stands still) for each link, shape (n_link,)."""
    moving = np.abs(flow_kgs) > _STANDS_KGS
    return np.where(moving, np.sign(flow_kgs), 0.0).astype(np.int64)


def laid_direction(network: Network, operation: Operation) -> Ints:
    """Return the direction the water should take without knowing flows, shape (n_link,).

    Supply pipes lead away from the nearest source, return pipes towards it; plants and consumers
    as they are built; 0 where the ends are equally far or nothing leads there.
    """
    found = roles(network, operation)
    far = source_distance_m(network, operation)
    start, end = far[network.from_node], far[network.to_node]
    known = np.isfinite(start) & np.isfinite(end)
    away = np.zeros(network.n_link)
    away[known] = np.sign(end[known] - start[known])
    # A link without length is as far at both ends: it leads the way it was built.
    same = known & (away == 0.0) & (network.length_m == 0.0)
    away[same] = 1.0
    back = (found.side[network.from_node] == RETURN) & ~same
    direction = np.where(back, -away, away)
    direction[found.crossing] = 1.0
    direction[operation.shut] = 0.0
    return direction.astype(np.int64)


def trace(
    network: Network,
    direction: Ints,
    at: str,
    *,
    upstream: bool = False,
    stop: Flags | None = None,
) -> Trace:
    """Return everything the water of a node or link flows to, or comes from.

    Args:
        network: The network.
        direction: Direction of each link, see `flow_direction` and `laid_direction`.
        at: Name of a node or link; it is part of the answer.
        upstream: Against the flow instead.
        stop: Links the trace includes but does not cross, shape (n_link,); consumers and plants
            keep it on one side.

    Raises:
        InputError: No such node or link.
    """
    heads = np.where(direction > 0, network.to_node, network.from_node)
    tails = np.where(direction > 0, network.from_node, network.to_node)
    if upstream:
        heads, tails = tails, heads
    leaving: list[list[int]] = [[] for _ in range(network.n_node)]
    for link in np.flatnonzero(direction).tolist():
        leaving[tails[link]].append(link)
    links, nodes = network.link_index(), network.node_index()
    seen_nodes, seen_links = np.zeros(network.n_node, np.bool_), np.zeros(network.n_link, np.bool_)
    waiting: list[int] = []

    def enter(node: int) -> None:
        if not seen_nodes[node]:
            seen_nodes[node] = True
            waiting.append(node)

    if at in nodes:
        enter(nodes[at])
    elif at in links:
        seen_links[links[at]] = True
        if direction[links[at]]:
            enter(int(heads[links[at]]))
    else:
        raise InputError("no such node or link", thing=at, place="network")
    while waiting:
        for link in leaving[waiting.pop()]:
            seen_links[link] = True
            if stop is None or not stop[link]:
                enter(int(heads[link]))
    return Trace(
        nodes=tuple(network.node_names[n] for n in np.flatnonzero(seen_nodes).tolist()),
        links=tuple(network.link_names[n] for n in np.flatnonzero(seen_links).tolist()),
    )
