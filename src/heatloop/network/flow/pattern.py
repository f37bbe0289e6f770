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
    branch: int
    """So many ranks at the beginning are nodes of branches, see `ordering.eliminate`."""
    node: Ints
    """Node of each rank, shape (n_free,)."""
    leaf_link: Ints
    """The one link each branch node hangs on, -1: none, shape (branch,)."""
    all_links: Ints
    """All links that conduct."""
    core_links: Ints
    """Those of them that are no leaf links."""

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
    a = np.where(conducts, free[network.from_node], -2)
    b = np.where(conducts, free[network.to_node], -2)
    order, column, rows, branch = eliminate(n_free, a, b)
    of_free, updates, target, entry = pattern(n_free, order, column, rows, a, b)
    rank = np.full(network.n_node, -1, np.int64)
    rank[~network.pressure_held] = of_free
    node = np.empty(n_free, np.int64)
    node[of_free] = np.flatnonzero(~network.pressure_held)
    leaf = np.where(entry >= 0, np.minimum(rank[network.from_node], rank[network.to_node]), n_free)
    is_leaf = leaf < branch
    leaf_link = np.full(branch, -1, np.int64)
    leaf_link[leaf[is_leaf]] = np.flatnonzero(is_leaf)
    return Pattern(
        conducts=conducts,
        rank=rank,
        entry=entry,
        column=column,
        rows=rows[: column[-1]],
        updates=updates,
        target=target,
        branch=branch,
        node=node,
        leaf_link=leaf_link,
        all_links=np.flatnonzero(conducts),
        core_links=np.flatnonzero(conducts & ~is_leaf),
    )
