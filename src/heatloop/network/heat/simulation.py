"""Flows and travelling temperatures together, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics, Moved
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State

TOLERANCE_KPA = 1e-3
"""Pressure residual of a step: what other tools ask for, and far below what a meter sees."""
RENEW_S = 300.0
"""Densities and viscosities follow the temperatures this often."""
LEAST_DROP_K = 3.0
"""A heat consumer whose water comes colder than this above its outlet opens no further."""


class Simulation:
    """A network in time: hydraulics with present temperatures, then all water moves.

    Args:
        solver: Hydraulics.
        water: Temperatures of the same network.
    """

    def __init__(self, solver: Solver, water: Dynamics) -> None:
        self.solver = solver
        self.water = water
        self.moved: Moved | None = None
        """Heat books of the last step."""
        self._heat = np.flatnonzero(solver.network.kind == LinkKind.HEAT)
        self._mean_c: Floats | None = None
        self._age_s = 0.0

    def step(self, operation: Operation, dt_s: float) -> State:
        """Go one step on.

        A heat consumer draws what carries its heat at the inlet temperature of the step before.

        Args:
            operation: What is set during the step; not changed.
            dt_s: Step.

        Raises:
            InputError: Flows do not settle, or a number is missing.
        """
        if len(self._heat):
            flow_kgs = operation.flow_kgs.copy()
            flow_kgs[self._heat] = self._heat_flows(operation)
            operation = replace(operation, flow_kgs=flow_kgs)
        due = self._mean_c is None or self._age_s >= RENEW_S
        if due:
            self._mean_c, self._age_s = self.water.mean_c(), 0.0
        self._age_s += dt_s
        flows = self.solver.solve(
            operation, mean_c=self._mean_c, tolerance_kpa=TOLERANCE_KPA, same_c=not due
        )
        moved = self.water.push(flows.flow_kgs, operation, dt_s)
        self.moved = moved
        return State(
            flow_kgs=flows.flow_kgs,
            pressure_kpa=flows.pressure_kpa,
            node_c=moved.node_c,
            inlet_c=moved.inlet_c,
            outlet_c=moved.outlet_c,
            supplied=flows.supplied,
            islands=flows.islands,
            iterations=flows.iterations,
            residual_kpa=flows.residual_kpa,
        )

    def _heat_flows(self, operation: Operation) -> Floats:
        heat = self._heat
        inlet = self.water.node_c[self.solver.network.from_node[heat]]
        drop = np.maximum(inlet - operation.outlet_c[heat], LEAST_DROP_K)
        wanted = operation.demand_kw[heat] / (self.water.cp_kj_kgk * drop)
        return np.where(operation.shut[heat], 0.0, np.maximum(wanted, 0.0))
