"""Branches: what hangs on the network by one link carries what is drawn behind it, no more."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.laws import loss
from heatloop.network.model.net import Flags, Ints


@compiled
def gather_draws(
    drawn: Floats, rank: Ints, column: Ints, rows: Ints, branch: int, leaf_link: Ints,
    active: Flags, from_node: Ints, node: Ints, m: Floats, wanted: Floats,
) -> None:  # fmt: skip
    """Write what each rank wants, branches behind it included, and the flows of branch links.

    Args:
        drawn: Outflow of each node, shape (n_node,).
        rank: Rank of each node, -1 where pressure is held.
        column: Start of each column of the factor.
        rows: Rank of each entry.
        branch: So many ranks are those of branches.
        leaf_link: Link each of them hangs on, -1: none.
        active: Links that carry pressure.
        from_node: Shape (n_link,).
        node: Node of each rank.
        m: Flows, changed, shape (n_link,).
        wanted: Written, shape (n_free,).
    """
    for i in range(len(wanted)):
        wanted[i] = drawn[node[i]]
    for i in range(branch):
        k = leaf_link[i]
        if k >= 0 and active[k]:
            wanted[rows[column[i]]] += wanted[i]
            m[k] = -wanted[i] if from_node[k] == node[i] else wanted[i]


@compiled
def branch_pressures(
    law: int, laws: Floats, one_way: Flags, rough: Floats, x: Floats, active: Flags,
    from_node: Ints, to_node: Ints, branch: int, leaf_link: Ints, node: Ints,
    m: Floats, p: Floats, g: Floats,
) -> None:  # fmt: skip
    """Write pressures of branch nodes from the core outwards, and dm/dp of their links.

    Args are those of `newton.newton` and `gather_draws`.
    """
    for i in range(branch - 1, -1, -1):
        k = leaf_link[i]
        if k < 0 or not active[k]:
            p[node[i]] = 0.0
            continue
        value, slope, x[k] = loss(
            law, laws[k, 0], laws[k, 1], laws[k, 2], laws[k, 3], laws[k, 4],
            one_way[k], rough[k], m[k], x[k],
        )  # fmt: skip
        g[k] = 1.0 / slope
        if from_node[k] == node[i]:
            p[node[i]] = p[to_node[k]] + value
        else:
            p[node[i]] = p[from_node[k]] - value


@compiled
def whole_matrix(
    links: Ints, active: Flags, from_node: Ints, to_node: Ints, rank: Ints, entry: Ints,
    g: Floats, low: Floats, diag: Floats,
) -> None:  # fmt: skip
    """Write the matrix of all links at the last solution; `low` and `diag` come as zeros."""
    for k in links:
        if active[k]:
            i, j = rank[from_node[k]], rank[to_node[k]]
            if i >= 0:
                diag[i] += g[k]
            if j >= 0:
                diag[j] += g[k]
            if i >= 0 and j >= 0:
                low[entry[k]] -= g[k]
