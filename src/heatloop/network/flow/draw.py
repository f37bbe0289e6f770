"""What is drawn from the nodes by prescribed flows, and flows to start the first solve from."""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Flags, Ints

_FIRST_M_S = 0.7
_PIPE, _FIRST_KPA, _LEAST_SHARE = 0, 20.0, 0.01


@compiled
def draw(
    from_node: Ints,
    to_node: Ints,
    prescribed: Flags,
    flow_kgs: Floats,
    outflow_kgs: Floats,
    supplied: Flags,
) -> Floats:
    """Return the water each node gives away, prescribed flows included, shape (n_node,).

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        prescribed: Links with a prescribed flow that are served, shape (n_link,).
        flow_kgs: Shape (n_link,).
        outflow_kgs: Shape (n_node,).
        supplied: Nodes a held pressure reaches, shape (n_node,).
    """
    drawn = np.zeros(len(supplied))
    for v in range(len(supplied)):
        if supplied[v]:
            drawn[v] = outflow_kgs[v]
    for k in range(len(prescribed)):
        if prescribed[k]:
            drawn[from_node[k]] += flow_kgs[k]
            drawn[to_node[k]] -= flow_kgs[k]
    return drawn


@compiled
def first_flows(kind: Ints, shape: Floats, laws: Floats, m: Floats) -> None:
    """Write flows to start from: pipes at 0.7 m/s, the rest at 20 kPa or half a pump's head."""
    for k in range(len(kind)):
        if kind[k] == _PIPE:
            m[k] = _FIRST_M_S * 970.0 * math.pi / 4.0 * shape[k, 1] ** 2
        elif laws[k, 0] > 0.0:
            m[k] = math.sqrt(max(0.5 * laws[k, 4], _FIRST_KPA) / laws[k, 0])
        else:
            m[k] = 1.0


@compiled
def _passed_on(
    drawn: Floats, rank: Ints, column: Ints, rows: Ints, wanted: Floats, sure: Flags
) -> None:
    """Pass what each leaf wants to the node it hangs on; `sure` where nothing else is possible."""
    for v in range(len(rank)):
        if rank[v] >= 0:
            wanted[rank[v]] += drawn[v]
    for k in range(len(wanted)):
        single = column[k + 1] - column[k] == 1
        for i in range(column[k], column[k + 1]):
            if single and sure[k]:
                wanted[rows[i]] += wanted[k]
            else:
                sure[rows[i]] = False
        sure[k] = sure[k] and single


@compiled
def branch_flows(
    drawn: Floats, rank: Ints, column: Ints, rows: Ints, entry: Ints, active: Flags,
    from_node: Ints, to_node: Ints, m: Floats,
) -> None:  # fmt: skip
    """Write the flow of links that alone feed what is drawn behind them: branches, not rings.

    Args:
        drawn: Outflow of each node, shape (n_node,).
        rank: Rank of each node, -1 where pressure is held.
        column: Start of each column of the factor.
        rows: Rank of each entry.
        entry: Place of each link in the factor, -1: none.
        active: Links that carry pressure.
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        m: A first guess, changed, shape (n_link,).
    """
    n = len(column) - 1
    wanted, alike = np.zeros(n), np.zeros(column[n])
    sure = np.ones(n, dtype=np.bool_)
    _passed_on(drawn, rank, column, rows, wanted, sure)
    for k in range(len(m)):
        if active[k] and entry[k] >= 0:
            alike[entry[k]] += 1.0
    for k in range(len(m)):
        if not active[k] or entry[k] < 0:
            continue
        i, j = rank[from_node[k]], rank[to_node[k]]
        # The one eliminated first is the leaf.
        leaf = min(i, j)
        flow = wanted[leaf] / alike[entry[k]]
        # Where nothing is drawn behind it, pressures decide: the first guess stays.
        if sure[leaf] and abs(flow) > _LEAST_SHARE * abs(m[k]):
            m[k] = flow if i > j else -flow
