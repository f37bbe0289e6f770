"""The place of every node and link in a factor of 2 x 2 blocks, once a topology."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.ordering import eliminate, pattern
from heatloop.network.model.net import Ints
from heatloop.network.twin.blocks import factorise_blocks, inverse_blocks, substitute_blocks


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pattern:
    """Order of elimination and pattern of the factor of a matrix over nodes joined by links."""

    rank: Ints
    """Position of each node in the order, shape (n_node,)."""
    entry: Ints
    """Place of each link below the diagonal, -1 if it has none, shape (n_link,)."""
    column: Ints
    """Start of each column, shape (n_node + 1,)."""
    rows: Ints
    """Rank of each entry's row, shape (n_entry,)."""
    updates: Ints
    """Start of each column's updates, shape (n_node + 1,)."""
    target: Ints
    """Entry each update goes to, shape (n_update,)."""


def pattern_of(n_node: int, from_node: Ints, to_node: Ints) -> Pattern:
    """Return the pattern of a matrix with an entry a link.

    Args:
        n_node: Number of nodes.
        from_node: One end of each link, shape (n_link,).
        to_node: The other end, shape (n_link,).
    """
    order, column, rows, _ = eliminate(n_node, from_node, to_node)
    rank, updates, target, entry = pattern(n_node, order, column, rows, from_node, to_node)
    return Pattern(
        rank=rank,
        entry=entry,
        column=column,
        rows=rows[: column[-1]],
        updates=updates,
        target=target,
    )


class BlockFactor:
    """A factorised matrix of 2 x 2 blocks.

    Args:
        shape: Its pattern.
        low: Blocks below the diagonal (rows by rank), shape (n_entry, 4); taken over.
        diag: Diagonal blocks by rank, shape (n_node, 3); taken over.
    """

    __slots__ = ("_diag", "_low", "_shape")

    def __init__(self, shape: Pattern, low: Floats, diag: Floats) -> None:
        factorise_blocks(shape.column, shape.rows, shape.updates, shape.target, low, diag)
        self._shape, self._low, self._diag = shape, low, diag

    def solve(self, right: Floats) -> Floats:
        """Return the solution for a right-hand side by rank, shape (n_node, 2)."""
        x = right.copy()
        substitute_blocks(self._shape.column, self._shape.rows, self._low, self._diag, x)
        return x

    def inverse(self) -> tuple[Floats, Floats]:
        """Return the inverse's blocks on the pattern: below the diagonal, and on it."""
        low, diag = np.empty_like(self._low), np.empty_like(self._diag)
        s = self._shape
        inverse_blocks(s.column, s.rows, s.updates, s.target, self._low, self._diag, low, diag)
        return low, diag
