"""How pressures and flows answer to small changes at the last solution of a solver.

One factorisation serves any number of right-hand sides: water fed in or lost at nodes, a lift or a
throttled valve in links.
"""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.factor import factorise, substitute
from heatloop.network.flow.newton import leak_kgs
from heatloop.network.flow.solver import Flows, Solver
from heatloop.network.model.net import Ints
from heatloop.network.model.operation import Operation


@compiled
def _assemble(
    from_node: Ints, to_node: Ints, rank: Ints, entry: Ints, g: Floats, low: Floats, diag: Floats
) -> None:
    low[:] = 0.0
    for k in range(len(g)):
        i, j = rank[from_node[k]], rank[to_node[k]]
        if i >= 0:
            diag[i] += g[k]
        if j >= 0:
            diag[j] += g[k]
        if i >= 0 and j >= 0:
            low[entry[k]] -= g[k]


@compiled
def _solve_all(
    column: Ints, rows: Ints, low: Floats, diag: Floats, rank: Ints, fed: Floats, out: Floats
) -> None:
    """Solve for each row of `fed` (k, n_node) into `out` (k, n_node)."""
    x = np.empty(len(diag))
    for r in range(len(fed)):
        for v in range(len(rank)):
            if rank[v] >= 0:
                x[rank[v]] = fed[r, v]
        substitute(column, rows, low, diag, x, 0)
        for v in range(len(rank)):
            out[r, v] = x[rank[v]] if rank[v] >= 0 else 0.0


class Answers:
    """The network made linear at a solution.

    Args:
        solver: Whose last solution it is.
        operation: What was set.
        flows: What was found.
    """

    __slots__ = ("_diag", "_g", "_low", "_solver")

    def __init__(self, solver: Solver, operation: Operation, flows: Flows) -> None:
        pattern, net = solver.pattern, solver.network
        self._solver = solver
        self._g = solver.conductance_kgs_kpa()
        self._low = np.zeros(len(pattern.rows))
        self._diag = np.zeros(pattern.n_free)
        _assemble(
            net.from_node, net.to_node, pattern.rank, pattern.entry, self._g, self._low, self._diag
        )
        for v in np.flatnonzero(operation.leak_kgs_kpa05 > 0.0):
            if pattern.rank[v] >= 0 and flows.supplied[v]:
                slope = leak_kgs(float(operation.leak_kgs_kpa05[v]), float(flows.pressure_kpa[v]))
                self._diag[pattern.rank[v]] += slope[1]
        # Where nothing is connected there is nothing to answer.
        self._diag[self._diag <= 0.0] = 1.0
        apart = pattern.rank[~flows.supplied]
        self._diag[apart[apart >= 0]] += 1.0
        factorise(
            pattern.column, pattern.rows, pattern.updates, pattern.target, self._low, self._diag, 0
        )

    def to_feeds(self, fed_kgs: Floats) -> Floats:
        """Return the pressure change at each node for feeds, both shape (k, n_node)."""
        pattern = self._solver.pattern
        out = np.empty_like(fed_kgs)
        _solve_all(
            pattern.column, pattern.rows, self._low, self._diag, pattern.rank,
            np.ascontiguousarray(fed_kgs), out,
        )  # fmt: skip
        return out

    def to_nodes(self, nodes: Ints) -> Floats:
        """Return the pressure change at each node by 1 kg/s fed in at nodes, (k, n_node)."""
        fed = np.zeros((len(nodes), self._solver.network.n_node))
        fed[np.arange(len(nodes)), nodes] = 1.0
        return self.to_feeds(fed)

    def to_losses(self, links: Ints, loss_kpa: Floats) -> tuple[Floats, Floats]:
        """Return pressure and flow changes if links lose more pressure at the same flow.

        Args:
            links: Which, one a row, shape (k,).
            loss_kpa: How much more each loses (a lift: less than 0), shape (k,).

        Returns:
            Shapes (k, n_node) and (k, n_link).
        """
        net = self._solver.network
        push = self._g[links] * loss_kpa
        row = np.arange(len(links))
        fed = np.zeros((len(links), net.n_node))
        np.add.at(fed, (row, net.from_node[links]), push)
        np.add.at(fed, (row, net.to_node[links]), -push)
        change = self.to_feeds(fed)
        flow = self.flows_of(change)
        flow[row, links] -= push
        return change, flow

    def flows_of(self, change_kpa: Floats) -> Floats:
        """Return the flow changes that go with pressure changes alone, (k, n_link)."""
        net = self._solver.network
        return np.asarray(self._g * (change_kpa[:, net.from_node] - change_kpa[:, net.to_node]))
