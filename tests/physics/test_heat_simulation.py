"""Flows and travelling temperatures together: the end of a run is the steady state."""

import numpy as np
import pytest

from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.steady import solve_steady


def two_streets():
    """A plant, a street loop with two ways round, three heat consumers."""
    builder = NetworkBuilder(ambient_c=8.0)
    builder.node("s", held_kpa=600.0)
    for name in ("r", "a", "b", "c", "a2", "b2", "c2"):
        builder.node(name)
    for k, (start, end, length) in enumerate(
        [("s", "a", 300.0), ("a", "b", 200.0), ("b", "c", 150.0), ("s", "c", 400.0)]
    ):
        size = {"length_m": length, "diameter_m": 0.08, "loss_w_mk": 0.3, "wall_kj_mk": 4.0}
        builder.pipe(f"s{k}", start, end, **size)
        back = {"s": "r", "a": "a2", "b": "b2", "c": "c2"}
        builder.pipe(f"r{k}", back[end], back[start], **size)
    for name, demand in (("a", 120.0), ("b", 80.0), ("c", 150.0)):
        builder.heat(f"use {name}", name, f"{name}2", demand_kw=demand, outlet_c=45.0)
    builder.lift("plant", "r", "s", lift_kpa=300.0, outlet_c=85.0)
    return builder.build()


def test_a_run_ends_at_the_steady_state():
    network, operation = two_streets()
    solver = Solver(network)
    steady = solve_steady(solver, operation)
    water = Dynamics(network)
    water.fill(np.full(network.n_link, 60.0))
    simulation = Simulation(Solver(network), water)
    for _ in range(400):
        state = simulation.step(operation, 60.0)
    assert state.flow_kgs == pytest.approx(steady.flow_kgs, abs=2e-3)
    assert state.node_c == pytest.approx(steady.node_c, abs=0.15)
    assert state.outlet_c == pytest.approx(steady.outlet_c, abs=0.15)
    assert np.array_equal(operation.flow_kgs, np.zeros(network.n_link))


def test_heat_consumers_get_their_heat_and_books_close():
    network, operation = two_streets()
    water = Dynamics(network)
    water.fill(np.full(network.n_link, 70.0))
    simulation = Simulation(Solver(network), water)
    first, gain, given = water.stored_kj(), 0.0, 0.0
    heat = np.array([name.startswith("use") for name in network.link_names])
    for k in range(200):
        operation.outlet_c[-1] = 85.0 + 5.0 * np.sin(k / 10.0)
        simulation.step(operation, 60.0)
        moved = simulation.moved
        gain += moved.given_kj.sum() - moved.taken_kj.sum() - moved.lost_kj.sum()
        gain += moved.outside_kj.sum()
        given += moved.given_kj.sum()
    assert abs(water.stored_kj() - first - gain) < 1e-9 * given
    taken = moved.taken_kj[heat] / 60.0
    assert taken == pytest.approx(operation.demand_kw[heat], rel=0.03)


def test_a_reversed_street_brings_back_what_went_in():
    network, operation = two_streets()
    water = Dynamics(network)
    water.fill(np.full(network.n_link, 70.0))
    simulation = Simulation(Solver(network), water)
    number = network.link_index()["s2"]
    use_a, use_c = (network.link_index()[f"use {name}"] for name in "ac")
    signs = set()
    for k in range(120):
        hour = k // 30 % 2
        operation.demand_kw[use_a] = 20.0 if hour else 300.0
        operation.demand_kw[use_c] = 300.0 if hour else 20.0
        state = simulation.step(operation, 60.0)
        signs.add(int(np.sign(state.flow_kgs[number])))
        assert state.node_c.min() > 8.0
        assert state.node_c.max() < 85.1
    assert signs == {-1, 1}


def test_shut_consumers_draw_nothing_and_cool_down():
    network, operation = two_streets()
    water = Dynamics(network)
    water.fill(np.full(network.n_link, 70.0))
    operation.shut[network.link_index()["use b"]] = True
    simulation = Simulation(Solver(network), water)
    for _ in range(10):
        state = simulation.step(operation, 60.0)
    assert state.flow_kgs[network.link_index()["use b"]] == 0.0
    assert state.node_c[network.node_index()["b2"]] < 70.0
