"""Pipes that cross on the map without sharing a node."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Ints, Network


def _pieces(
    network: Network, shapes: Mapping[str, Sequence[tuple[float, float]]]
) -> tuple[Floats, Ints]:
    """Return straight pieces (x0, y0, x1, y1) of all pipes, and the link of each."""
    rows: list[tuple[float, float, float, float]] = []
    owner: list[int] = []
    for link in np.flatnonzero(network.kind == LinkKind.PIPE).tolist():
        start, end = int(network.from_node[link]), int(network.to_node[link])
        ends = [(float(network.x_m[n]), float(network.y_m[n])) for n in (start, end)]
        points = shapes.get(network.link_names[link], ends)
        for (x0, y0), (x1, y1) in pairwise(points):
            if math.isfinite(x0 + y0 + x1 + y1):
                rows.append((x0, y0, x1, y1))
                owner.append(link)
    return np.array(rows, np.float64).reshape(-1, 4), np.array(owner, np.int64)


def crossings(
    network: Network, side: Ints, shapes: Mapping[str, Sequence[tuple[float, float]]]
) -> list[tuple[int, int]]:
    """Return pairs of pipes of one side that cross in the middle without a common node.

    Supply and return pipes are drawn on top of each other, so pipes of two sides never count.

    Args:
        network: The network; pipes without places are passed over.
        side: Side of each node, shape (n_node,).
        shapes: Points each pipe is drawn through, by link name.
    """
    pieces, owner = _pieces(network, shapes)
    if len(pieces) < 2:
        return []
    left = np.minimum(pieces[:, 0], pieces[:, 2])
    right = np.maximum(pieces[:, 0], pieces[:, 2])
    order = np.argsort(left, kind="stable")
    last = np.searchsorted(left[order], right[order], side="right")
    found: set[tuple[int, int]] = set()
    for rank, piece in enumerate(order.tolist()):
        others = order[rank + 1 : last[rank]]
        for other in others[_cross(pieces[piece], pieces[others])].tolist():
            a, b = sorted((int(owner[piece]), int(owner[other])))
            nodes = [{int(network.from_node[n]), int(network.to_node[n])} for n in (a, b)]
            same = side[network.from_node[a]] == side[network.from_node[b]]
            if a != b and same and not nodes[0] & nodes[1]:
                found.add((a, b))
    return sorted(found)


def _cross(one: Floats, many: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which of many pieces properly cross one: touching at an end is no crossing."""

    def turn(ax: Floats, ay: Floats, bx: Floats, by: Floats, cx: Floats, cy: Floats) -> Floats:
        return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

    x0, y0, x1, y1 = (np.asarray(value) for value in one)
    u0, v0, u1, v1 = many.T
    apart = turn(x0, y0, x1, y1, u0, v0) * turn(x0, y0, x1, y1, u1, v1) < 0.0
    apart &= turn(u0, v0, u1, v1, x0, y0) * turn(u0, v0, u1, v1, x1, y1) < 0.0
    return np.asarray(apart)
