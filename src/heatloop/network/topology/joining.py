"""Joining the ends of drawn lines: those that meet become one node, near misses are told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats, Index


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Joined:
    """Which end belongs to which node."""

    node: Index
    """Number of the node of each end, shape (n_end,)."""
    place: Floats
    """Place of each node: that of its first end, shape (n_node, 2)."""
    near: tuple[tuple[int, int, float], ...]
    """Pairs of nodes that lie close but were not joined, with their distance in metres."""


def _pairs(points: Floats, reach_m: float) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of points no farther apart than a reach, with their distance."""
    cells: dict[tuple[int, int], list[int]] = {}
    places = points.tolist()
    for number, (x, y) in enumerate(places):
        column, row = math.floor(x / reach_m), math.floor(y / reach_m)
        for c in (column - 1, column, column + 1):
            for r in (row - 1, row, row + 1):
                for other in cells.get((c, r), ()):
                    gap = math.dist(places[other], (x, y))
                    if gap <= reach_m:
                        yield other, number, gap
        cells.setdefault((column, row), []).append(number)


def join_ends(ends_m: Floats, tolerance_m: float, near_m: float) -> Joined:
    """Return the nodes made of line ends.

    Args:
        ends_m: Ends in metres, shape (n_end, 2).
        tolerance_m: Ends no farther apart than this are one node.
        near_m: Nodes no farther apart than this are reported.
    """
    above = list(range(len(ends_m)))

    def root(number: int) -> int:
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    for a, b, _ in _pairs(ends_m, max(tolerance_m, 1e-9)):
        first, second = sorted((root(a), root(b)))
        above[second] = first
    roots = [root(number) for number in range(len(ends_m))]
    first_of, node = np.unique(np.array(roots, np.intp), return_inverse=True)
    place = ends_m[first_of]
    close = [(a, b, gap) for a, b, gap in _pairs(place, max(near_m, 1e-9))] if len(place) else []
    return Joined(node=node.astype(np.intp), place=place, near=tuple(close))


def line_length_m(points_m: Sequence[Sequence[float]] | Floats) -> float:
    """Return the length of a line through points in metres, shape (n, 2)."""
    along = np.diff(np.asarray(points_m, np.float64), axis=0)
    return float(np.hypot(along[:, 0], along[:, 1]).sum())
