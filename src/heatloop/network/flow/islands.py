"""Which nodes a held pressure reaches, and what hangs on those it does not."""

from __future__ import annotations

import numpy as np

from heatloop.network.compiled import compiled
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.state import Island


@compiled
def components(n: int, active: Flags, from_node: Ints, to_node: Ints) -> Ints:
    """Return a number of each node's connected part, shape (n,).

    Args:
        n: Number of nodes.
        active: Links that carry pressure, shape (n_link,).
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
    """
    root = np.arange(n)
    for k in range(len(active)):
        if not active[k]:
            continue
        u, v = from_node[k], to_node[k]
        while root[u] != u:
            root[u] = root[root[u]]
            u = root[u]
        while root[v] != v:
            root[v] = root[root[v]]
            v = root[v]
        if u < v:
            root[v] = u
        elif v < u:
            root[u] = v
    for v in range(n):
        u = v
        while root[u] != u:
            u = root[u]
        root[v] = u
    return root


def supplied_nodes(network: Network, part: Ints) -> Flags:
    """Return the nodes whose part holds a pressure, shape (n_node,)."""
    held = np.zeros(network.n_node, dtype=np.bool_)
    held[part[network.pressure_held]] = True
    return np.asarray(held[part])


def named_islands(network: Network, part: Ints, supplied: Flags) -> tuple[Island, ...]:
    """Return the parts that are not supplied, with the consumers that end there."""
    if supplied.all():
        return ()
    nodes: dict[int, list[str]] = {}
    for v in np.flatnonzero(~supplied).tolist():
        nodes.setdefault(int(part[v]), []).append(network.node_names[v])
    consumers: dict[int, list[str]] = {number: [] for number in nodes}
    prescribed = np.isin(network.kind, (LinkKind.FLOW, LinkKind.HEAT))
    for k in np.flatnonzero(prescribed).tolist():
        for number in {int(part[network.from_node[k]]), int(part[network.to_node[k]])}:
            if number in consumers:
                consumers[number].append(network.link_names[k])
    return tuple(
        Island(nodes=tuple(names), consumers=tuple(consumers[number]))
        for number, names in nodes.items()
    )
