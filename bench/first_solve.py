"""The first work of a new process: one steady solve and one dynamic step of a small district."""

from __future__ import annotations

from bench.nets import make_district, to_network
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.steady import solve_steady


def first_solve() -> None:
    """Solve, and go one step on."""
    network, operation = to_network(make_district(30, 1), heat=True)
    solver = Solver(network)
    state = solve_steady(solver, operation)
    water = Dynamics(network)
    water.fill(0.5 * (state.inlet_c + state.outlet_c))
    Simulation(solver, water).step(operation, 60.0)
