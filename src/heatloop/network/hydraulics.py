"""Flows and pressures of a network: closed form for trees, nodal Newton for anything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index

_LEAST_FLOW_KGS = 1e-4


def pipe_resistance_kpa_kgs2(
    length_m: Floats,
    diameter_m: Floats,
    roughness_mm: Floats | float,
    density: float = 970.0,
    minor: Floats | float = 0.3,
) -> Floats:
    """Return r of dp = r * m^2 for rough turbulent flow.

    Args:
        length_m: Pipe length, shape (n,).
        diameter_m: Inner diameter, shape (n,).
        roughness_mm: Wall roughness, shape (n,) or scalar.
        density: Water density, kg/m3.
        minor: Loss of bends and fittings over the friction loss.

    Reference: Nikuradse's law, lambda = 1 / (1.14 + 2 log10(d / k))^2.
    """
    friction = (1.14 + 2.0 * np.log10(diameter_m * 1000.0 / roughness_mm)) ** -2
    area = np.pi * diameter_m**2 / 4.0
    per_m = friction / diameter_m / (2.0 * density * area**2) / 1000.0
    return np.asarray(per_m * length_m * (1.0 + minor))


class Tree:
    """A supply-and-return tree seen as one: each node is a pair of nodes, each pipe a pair.

    Args:
        parent: Parent node of each node, -1 for those fed by the root; parents come first.
    """

    __slots__ = ("_order", "_parent")

    def __init__(self, parent: list[int]) -> None:
        if any(above >= node for node, above in enumerate(parent)):
            raise InputError("a tree lists parents before children", thing="tree")
        self._parent = parent
        self._order = list(range(len(parent)))

    def conductances(self, pipe: list[float], consumer: list[float]) -> tuple[float, list[float]]:
        """Return the root's conductance, and each node's as seen from before its own pipe.

        Conductance g is flow over the square root of the difference: m = g * sqrt(dp).

        Args:
            pipe: Resistance of the pipe pair into each node, kPa/(kg/s)^2.
            consumer: Conductance of what is consumed at each node itself.
        """
        below = consumer[:]
        seen = [0.0] * len(pipe)
        root = 0.0
        for node in reversed(self._order):
            g = below[node]
            g = g / (1.0 + pipe[node] * g * g) ** 0.5
            seen[node] = g
            above = self._parent[node]
            if above < 0:
                root += g
            else:
                below[above] += g
        return root, seen

    def differences_kpa(
        self, pipe: list[float], seen: list[float], root_kpa: float
    ) -> tuple[list[float], list[float]]:
        """Return the pressure difference at each node and the flow of the pipe into it, kg/s."""
        dp = [0.0] * len(pipe)
        flow = [0.0] * len(pipe)
        for node in self._order:
            above = self._parent[node]
            before = root_kpa if above < 0 else dp[above]
            m = seen[node] * before**0.5
            flow[node] = m
            dp[node] = max(before - pipe[node] * m * m, 0.0)
        return dp, flow


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """What a solve found."""

    flow_kgs: Floats
    """Flow of each link from `from_node` to `to_node`, shape (n_link,)."""
    pressure_kpa: Floats
    """Pressure of each node, shape (n_node,)."""
    iterations: int
    """Newton steps taken."""


def solve_network(
    from_node: Index,
    to_node: Index,
    resistance_kpa_kgs2: Floats,
    lift_kpa: Floats,
    fixed_kpa: dict[int, float],
    n_node: int,
    *,
    demand_kgs: Floats | None = None,
    flow_kgs: Floats | None = None,
    tolerance: float = 1e-9,
    most_iterations: int = 60,
) -> Solution:
    """Solve p_from + lift - p_to = r m |m| on every link and continuity at every node.

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        resistance_kpa_kgs2: Shape (n_link,).
        lift_kpa: Pump lift in the link's direction, shape (n_link,).
        fixed_kpa: Pressure of the nodes where it is held.
        n_node: Number of nodes.
        demand_kgs: Flow taken out at each node, shape (n_node,).
        flow_kgs: Flows to start from.
        tolerance: Largest change of a flow in the last step, kg/s and share of the flow.
        most_iterations: When to give up.

    Raises:
        InputError: No pressure is fixed, or it does not converge.

    Reference: global gradient method, Todini and Rossman (doi 10.1061/(ASCE)HY.1943-7900.0000703).
    """
    if not fixed_kpa:
        raise InputError("a network needs a node of fixed pressure", thing="network")
    n_link = len(from_node)
    incidence = np.zeros((n_node, n_link))
    incidence[to_node, np.arange(n_link)] = 1.0
    incidence[from_node, np.arange(n_link)] = -1.0
    fixed = np.array(list(fixed_kpa), dtype=np.intp)
    free = np.setdiff1d(np.arange(n_node), fixed)
    pressure = np.zeros(n_node)
    pressure[fixed] = list(fixed_kpa.values())
    a_free, a_fixed = incidence[free], incidence[fixed]
    demand = np.zeros(n_node) if demand_kgs is None else demand_kgs
    flow = np.full(n_link, 1.0) if flow_kgs is None else flow_kgs.astype(np.float64)
    drive = lift_kpa - pressure[fixed] @ a_fixed
    for iteration in range(1, most_iterations + 1):
        # d(r m |m|) = 2 r |m|; the floor keeps a link that stands still in the matrix.
        slope = 2.0 * resistance_kpa_kgs2 * np.maximum(np.abs(flow), _LEAST_FLOW_KGS)
        loss = resistance_kpa_kgs2 * flow * np.abs(flow)
        base = flow + (drive - loss) / slope
        matrix = (a_free / slope) @ a_free.T
        pressure[free] = np.linalg.solve(matrix, a_free @ base - demand[free])
        new = base - (pressure[free] @ a_free) / slope
        change = float((np.abs(new - flow) / (1.0 + np.abs(new))).max())
        flow = new
        if change < tolerance:
            return Solution(flow_kgs=flow, pressure_kpa=pressure, iterations=iteration)
    raise InputError(
        "the network's flows do not settle", thing=f"{most_iterations} iterations", fix="check it"
    )
