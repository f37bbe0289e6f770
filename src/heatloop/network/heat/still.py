"""Nodes that nothing feeds: they show what stands around them."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.carry import MASS, end_c
from heatloop.network.heat.push import KG_IN
from heatloop.network.model.net import Ints


@compiled
def settle_still(
    from_node: Ints, to_node: Ints, forward: Ints, ambient_c: Floats, pool: Floats, state: Floats,
    segment: Floats, node_c: Floats, seen: Floats,
) -> None:  # fmt: skip
    """Give nodes that nothing feeds a temperature of what stands around them.

    That is the mean of the water in pipes that end there; else of nodes at the other end of links
    without volume; else of the surroundings.

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        ambient_c: Shape (n_link,).
        pool: Of nodes.
        state: See `carry`.
        segment: See `carry`.
        node_c: Changed where nothing feeds, shape (n_node,).
        seen: Scratch: number of neighbours, sum of temperatures, shape (n_node, 2).
    """
    n_node = len(node_c)
    for v in range(n_node):
        seen[v, 0] = -1.0 if pool[v, KG_IN] > 0.0 else 0.0
        seen[v, 1] = 0.0
    for stage in range(6):
        # Pipes; four rounds over links without volume; surroundings.
        for k in range(len(forward)):
            pipe = state[k, MASS] > 0.0
            if (stage == 0 and not pipe) or (0 < stage < 5 and pipe):
                continue
            for end in range(2):
                v, far = from_node[k], to_node[k]
                if end == 1:
                    v, far = far, v
                if seen[v, 0] < 0.0 or (0 < stage < 5 and seen[far, 0] >= 0.0):
                    continue
                around = ambient_c[k]
                if stage == 0:
                    around = end_c(k, end == 1, state, segment)
                elif stage < 5:
                    around = node_c[far]
                seen[v, 0] += 1.0
                seen[v, 1] += around
        for v in range(n_node):
            if seen[v, 0] > 0.0:
                node_c[v] = seen[v, 1] / seen[v, 0]
                seen[v, 0] = -1.0
