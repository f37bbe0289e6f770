"""Water travelling through a supply-and-return tree, with losses to the ground.

Each pipe is a row of mixed cells, stepped implicitly in flow order: unconditionally stable, and
every kilojoule that leaves a cell enters the next one, so balances close to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK

CELLS = 4


@dataclass(kw_only=True, slots=True)
class TreeWater:
    """Temperatures of the water in a tree of pipe pairs; parents come before children."""

    parent: list[int]
    """Parent node of each node, -1 at the root."""
    mass_kg: Floats
    """Water in the supply (and as much in the return) pipe into each node, shape (n_node,)."""
    loss_kw_k: Floats
    """Heat-loss coefficient of each pipe, shape (n_node,)."""
    supply_c: Floats = field(default_factory=lambda: np.empty(0))
    """Shape (n_node, CELLS), in flow direction."""
    return_c: Floats = field(default_factory=lambda: np.empty(0))
    """Shape (n_node, CELLS), in flow direction."""

    def fill(self, supply_c: float, return_c: float) -> None:
        """Set all water to these temperatures."""
        self.supply_c = np.full((len(self.parent), CELLS), supply_c)
        self.return_c = np.full((len(self.parent), CELLS), return_c)

    def stored_kj(self) -> float:
        """Return the heat held by the water above 0 degC."""
        both = self.supply_c.mean(axis=1) + self.return_c.mean(axis=1)
        return float(both @ self.mass_kg) * CP_KJ_KGK

    def _step(self, old: Floats, flow_kgs: Floats, ground_c: float, dt_s: float) -> tuple[
        list[list[float]], list[float]
    ]:  # fmt: skip
        """Return own part and weight of each cell: T_new = own + weight * T_in."""
        held = self.mass_kg * (CP_KJ_KGK / CELLS / dt_s)
        through, loss = flow_kgs * CP_KJ_KGK, self.loss_kw_k / CELLS
        total = held + through + loss
        own = (held[:, None] * old + (loss * ground_c)[:, None]) / total[:, None]
        return own.tolist(), (through / total).tolist()

    def push_supply(self, inlet_c: float, flow_kgs: Floats, ground_c: float, dt_s: float) -> float:
        """Move the supply water by one step; return the heat lost to the ground, kJ.

        Args:
            inlet_c: Temperature the source sends out.
            flow_kgs: Flow of the pipe into each node, shape (n_node,).
            ground_c: Ground temperature.
            dt_s: Step.
        """
        cells, weights = self._step(self.supply_c, flow_kgs, ground_c, dt_s)
        for node, above in enumerate(self.parent):
            upstream = inlet_c if above < 0 else cells[above][-1]
            row, weight = cells[node], weights[node]
            for cell in range(CELLS):
                upstream = row[cell] = row[cell] + weight * upstream
        self.supply_c = np.array(cells)
        return self._lost_kj(self.supply_c, ground_c, dt_s)

    def push_return(
        self,
        flow_kgs: Floats,
        consumer_kgs: Floats,
        consumer_c: Floats,
        ground_c: float,
        dt_s: float,
    ) -> tuple[float, float]:
        """Move the return water by one step; return its temperature at the root, and kJ lost.

        Args:
            flow_kgs: Flow of the pipe from each node, shape (n_node,).
            consumer_kgs: Flow the node's own consumers give back, shape (n_node,).
            consumer_c: Their mixed temperature, shape (n_node,).
            ground_c: Ground temperature.
            dt_s: Step.
        """
        cells, weights = self._step(self.return_c, flow_kgs, ground_c, dt_s)
        mixed = (consumer_kgs * consumer_c).tolist()
        flows = flow_kgs.tolist()
        root_flow = root_mix = 0.0
        for node in range(len(flows) - 1, -1, -1):
            flow, weight, row = flows[node], weights[node], cells[node]
            upstream = mixed[node] / flow if flow > 0.0 else row[0]
            for cell in range(CELLS):
                upstream = row[cell] = row[cell] + weight * upstream
            above = self.parent[node]
            if above < 0:
                root_flow += flow
                root_mix += flow * upstream
            else:
                mixed[above] += flow * upstream
        self.return_c = np.array(cells)
        at_root = root_mix / root_flow if root_flow > 0.0 else float(self.return_c[0, -1])
        return at_root, self._lost_kj(self.return_c, ground_c, dt_s)

    def _lost_kj(self, now_c: Floats, ground_c: float, dt_s: float) -> float:
        return float(((now_c - ground_c).mean(axis=1) * self.loss_kw_k).sum()) * dt_s
