"""Every solved network keeps mass, momentum and heat, whatever its shape."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import constant_fluid
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady
from heatloop.network.sweep.sweeper import STILL_KGS
from heatloop.network.water import CP_KJ_KGK
from tests.property.solver_nets import (
    GROUND_C,
    RETURN_C,
    SUPPLY_C,
    Shape,
    build_shape,
    node_balance,
    shapes,
)

G_M_S2 = 9.80665
DENSITY, VISCOSITY = 971.8, 3.5e-4
FLUID = constant_fluid(DENSITY, VISCOSITY, CP_KJ_KGK)


def pipe_loss_kpa(m: float, length_m: float, d: float, rough_m: float) -> float:
    """Darcy-Weisbach with Colebrook-White solved by bisection, Hagen-Poiseuille below 2,300."""
    re = 4.0 * abs(m) / (math.pi * d * VISCOSITY)
    if re < 1e-9:
        return 0.0

    def turbulent(reynolds: float) -> float:
        def miss(x: float) -> float:
            return x + 2.0 * math.log10(2.51 / reynolds * x + rough_m / (3.71 * d))

        return float(brentq(miss, 0.5, 60.0, xtol=1e-14)) ** -2

    if re <= 2300.0:
        factor = 64.0 / re
    elif re >= 4000.0:
        factor = turbulent(re)
    else:
        low, high = math.log(64.0 / 2300.0), math.log(turbulent(4000.0))
        share = math.log(re / 2300.0) / math.log(4000.0 / 2300.0)
        factor = math.exp(low + share * (high - low))
    area = math.pi * d * d / 4.0
    return factor * length_m / d * m * abs(m) / (2.0 * DENSITY * area**2) / 1000.0


def check_momentum(network: Network, state: State) -> None:
    """Every pipe's pressure difference is its friction and its rise."""
    p = state.pressure_kpa
    for k in np.flatnonzero(network.kind == LinkKind.PIPE):
        a, b = network.from_node[k], network.to_node[k]
        rise = network.height_m[b] - network.height_m[a]
        rough_m = network.roughness_mm[k] / 1000.0
        loss = pipe_loss_kpa(
            float(state.flow_kgs[k]), network.length_m[k], network.diameter_m[k], rough_m
        )
        wanted = loss + DENSITY * G_M_S2 * rise / 1000.0
        assert p[a] - p[b] == pytest.approx(wanted, abs=2e-4, rel=1e-6)


def heat_books(network: Network, operation: Operation, state: State) -> tuple[float, float, float]:
    """Return heat given by plants, taken by consumers, lost by pipes."""
    heat = CP_KJ_KGK * np.abs(state.flow_kgs) * (state.inlet_c - state.outlet_c)
    plants = network.kind == LinkKind.LIFT
    pipes = network.kind == LinkKind.PIPE
    taken = heat[~plants & ~pipes].sum()
    return float(-heat[plants].sum()), float(taken), float(heat[pipes].sum())


def check_temperatures(network: Network, state: State) -> None:
    """Water enters each link as warm as the node it comes from, and nodes mix what arrives."""
    forwards = state.flow_kgs >= 0.0
    source = np.where(forwards, network.from_node, network.to_node)
    target = np.where(forwards, network.to_node, network.from_node)
    moving = np.abs(state.flow_kgs) > STILL_KGS
    assert state.inlet_c[moving] == pytest.approx(state.node_c[source[moving]], abs=1e-6)
    mass, heat = np.zeros(network.n_node), np.zeros(network.n_node)
    np.add.at(mass, target[moving], np.abs(state.flow_kgs[moving]))
    np.add.at(heat, target[moving], np.abs(state.flow_kgs[moving]) * state.outlet_c[moving])
    fed = mass > 1e-5
    assert state.node_c[fed] == pytest.approx(heat[fed] / mass[fed], abs=1e-3)


@settings(max_examples=60)
@given(shapes())
def test_mass_momentum_and_heat_are_kept(shape: Shape) -> None:
    network, operation = build_shape(shape)
    try:
        state = solve_steady(Solver(network, fluid=FLUID), operation)
    except InputError as error:
        # Flows prescribed through pipes far too thin for them: named, never a crash.
        pytest.fail(str(error))
    assert not state.islands
    assert state.residual_kpa < 1e-5
    gain = node_balance(network, state.flow_kgs, operation.outflow_kgs)
    assert np.abs(gain).max() < 1e-6
    check_momentum(network, state)
    check_temperatures(network, state)
    given_kw, taken_kw, lost_kw = heat_books(network, operation, state)
    assert given_kw == pytest.approx(taken_kw + lost_kw, rel=1e-5, abs=1e-4)


@settings(max_examples=40)
@given(shapes(kinds=("heat", "none")), st.sampled_from([1.0, 0.3, 0.1, 0.03, 0.02, 0.01]))
def test_low_load_is_met_by_every_heat_consumer(shape: Shape, load: float) -> None:
    # Pipes lose up to 15 % of the design heat: at 1 % load, fifteen times what is taken.
    most = 0.15 * sum(shape.demands_kw) / (2 * sum(shape.lengths_m) * 0.08)
    network, operation = build_shape(replace(shape, loss_w_mk=min(shape.loss_w_mk, most)))
    operation.demand_kw *= load
    state = solve_steady(Solver(network, fluid=FLUID), operation)
    heat = network.kind == LinkKind.HEAT
    taken = CP_KJ_KGK * state.flow_kgs * (state.inlet_c - state.outlet_c)
    assert taken[heat] == pytest.approx(operation.demand_kw[heat], rel=1e-4)
    assert state.outlet_c[heat] == pytest.approx(RETURN_C, abs=1e-6)
    assert (state.inlet_c[heat] > RETURN_C).all()
    assert np.nanmax(state.node_c) <= SUPPLY_C + 1e-9


@settings(max_examples=40)
@given(shapes(), st.data())
def test_three_plants_feed_one_zone(shape: Shape, data: st.DataObject) -> None:
    places = st.integers(0, shape.places - 1)
    plants = tuple(data.draw(st.lists(places, min_size=3, max_size=3, unique=True)))
    network, operation = build_shape(shape, plants)
    state = solve_steady(Solver(network, fluid=FLUID), operation)
    gain = node_balance(network, state.flow_kgs, operation.outflow_kgs)
    assert np.abs(gain).max() < 1e-6
    check_momentum(network, state)
    check_temperatures(network, state)
    index = network.link_index()
    used = [index[f"plant{i}"] for i in plants]
    p = state.pressure_kpa
    flow = state.flow_kgs[used]
    lift = p[network.to_node[used]] - p[network.from_node[used]]
    assert lift == pytest.approx(operation.lift_kpa[used] - 0.05 * flow * np.abs(flow), abs=1e-2)


@settings(max_examples=40)
@given(shapes(kinds=("flow", "valve", "none")), st.floats(-250.0, 250.0))
def test_a_stronger_plant_turns_the_flow_round(shape: Shape, more_kpa: float) -> None:
    ends = (0, shape.places - 1)
    # Flat: with heights, warm water may circulate in a ring either way round.
    network, operation = build_shape(replace(shape, heights_m=[0.0] * shape.places), ends)
    index = network.link_index()
    solver = Solver(network, fluid=FLUID)
    first = solve_steady(solver, operation)
    far = index[f"plant{ends[1]}"]
    operation.lift_kpa[far] += more_kpa
    second = solve_steady(solver, operation, start=first)
    check_momentum(network, second)
    check_temperatures(network, second)
    # A warm start changes the way, not the answer.
    fresh = solve_steady(Solver(network, fluid=FLUID), operation)
    assert second.flow_kgs == pytest.approx(fresh.flow_kgs, abs=1e-4)
    turn = second.flow_kgs[far] - first.flow_kgs[far]
    assert turn * more_kpa >= -1e-6


@settings(max_examples=30)
@given(shapes())
def test_nothing_moves_without_lift_and_demand(shape: Shape) -> None:
    network, operation = build_shape(shape)
    operation.lift_kpa[:] = 0.0
    operation.flow_kgs[:] = 0.0
    operation.demand_kw[:] = 0.0
    state = solve_steady(Solver(network, fluid=FLUID), operation)
    # Slower than 0.1 mm/s in a pipe: what is left of the pressure tolerance.
    area = np.where(network.diameter_m > 0.0, np.pi / 4 * network.diameter_m**2, 1e-3)
    assert np.abs(state.flow_kgs / (1000.0 * area)).max() < 1e-4
    assert np.isfinite(state.node_c).all()
    if shape.loss_w_mk > 0.0:
        assert state.node_c == pytest.approx(GROUND_C, abs=0.5)
