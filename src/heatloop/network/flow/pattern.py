"""What is worked out once for a topology: elimination order and the factor's pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.flow.ordering import eliminate, pattern
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pattern:
    """The factor's pattern; see `flow.factor` and `flow.ordering`."""

    conducts: Flags
    """Links whose flow follows pressure, shape (n_link,)."""
    rank: Ints
    """Place of each node in the order, -1 where pressure is held, shape (n_node,)."""
    entry: Ints
    """Place of each link in the factor, shape (n_link,)."""
    column: Ints
    """Start of each column."""
    rows: Ints
    """Rank of each entry."""
    updates: Ints
    """Start of each column's updates."""
    target: Ints
    """Entry each update goes to."""

    @property
    def n_free(self) -> int:
        """Number of nodes whose pressure is free."""
        return len(self.column) - 1


def pattern_of(network: Network) -> Pattern:
    """Return the pattern of this topology."""
    conducts = (network.kind != LinkKind.FLOW) & (network.kind != LinkKind.HEAT)
    free = np.full(network.n_node, -1, np.int64)
    n_free = int(network.n_node - network.pressure_held.sum())
    free[~network.pressure_held] = np.arange(n_free)
    a = np.where(conducts, free[network.from_node], -1)
    b = np.where(conducts, free[network.to_node], -1)
    order, column, rows = eliminate(n_free, a, b)
    of_free, updates, target, entry = pattern(n_free, order, column, rows, a, b)
    rank = np.full(network.n_node, -1, np.int64)
    rank[~network.pressure_held] = of_free
    return Pattern(
        conducts=conducts,
        rank=rank,
        entry=entry,
        column=column,
        rows=rows[: column[-1]],
        updates=updates,
        target=target,
    )
