"""How pressures and flows answer to small changes at the last solution of a solver.

The solver's stored factor serves them all: water fed in or lost at nodes, a lift or a throttled
valve in links.
"""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.net import Ints


class Answers:
    """The network made linear at a solution; good until the solver solves again.

    Args:
        solver: Whose last solution it is.
    """

    __slots__ = ("_g", "_solver")

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._g = solver.conductance_kgs_kpa()

    def to_nodes(self, nodes: Ints) -> Floats:
        """Return the pressure change at each node by 1 kg/s fed in at nodes, (k, n_node)."""
        return np.ascontiguousarray(self._solver.sensitivity(nodes).T)

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
        nodes, at = np.unique(
            np.concatenate((net.from_node[links], net.to_node[links])), return_inverse=True
        )
        unit = self.to_nodes(nodes)
        # What no longer passes the link is fed in ahead of it and lost behind it.
        change = push[:, None] * (unit[at[: len(links)]] - unit[at[len(links) :]])
        flow = self.flows_of(change)
        flow[np.arange(len(links)), links] -= push
        return change, flow

    def flows_of(self, change_kpa: Floats) -> Floats:
        """Return the flow changes that go with pressure changes alone, (k, n_link)."""
        net = self._solver.network
        return np.asarray(self._g * (change_kpa[:, net.from_node] - change_kpa[:, net.to_node]))
