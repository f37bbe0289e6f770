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
    drawn: Floats, rank: Ints, column: Ints, rows: Ints, wanted: Floats, through: Floats
) -> None:
    """Pass what each node wants to the nodes eliminated after it, in equal parts."""
    for v in range(len(rank)):
        if rank[v] >= 0:
            wanted[rank[v]] += drawn[v]
    for k in range(len(wanted)):
        for i in range(column[k], column[k + 1]):
            through[i] = wanted[k] / (column[k + 1] - column[k])
            wanted[rows[i]] += through[i]


@compiled
def branch_flows(
    drawn: Floats, rank: Ints, column: Ints, rows: Ints, entry: Ints, active: Flags,
    from_node: Ints, to_node: Ints, m: Floats,
) -> None:  # fmt: skip
    """Write to each link the flow that what is drawn behind it needs: exact in trees.

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
    wanted, feeders = np.zeros(n), np.zeros(n)
    through, alike = np.zeros(column[n]), np.zeros(column[n])
    _passed_on(drawn, rank, column, rows, wanted, through)
    for k in range(len(m)):
        top = max(rank[from_node[k]], rank[to_node[k]])
        if active[k] and entry[k] >= 0:
            alike[entry[k]] += 1.0
        elif active[k] and top >= 0:
            feeders[top] += 1.0
    for k in range(len(m)):
        i, j = rank[from_node[k]], rank[to_node[k]]
        top = max(i, j)
        if not active[k] or top < 0:
            continue
        flow = 0.0
        # Ranks rise towards where the water comes from, and held nodes (-1) stand above all.
        if entry[k] >= 0:
            flow = through[entry[k]] / alike[entry[k]] * (1.0 if i > j else -1.0)
        elif column[top] == column[top + 1]:
            flow = wanted[top] / feeders[top] * (1.0 if i < 0 else -1.0)
        # Where nothing is drawn behind it, pressures decide: the first guess stays.
        if abs(flow) > _LEAST_SHARE * abs(m[k]):
            m[k] = flow
