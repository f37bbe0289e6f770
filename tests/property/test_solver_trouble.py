"""What may go wrong in a network is named, and nothing but documented errors leaves the solver."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from tests.property.solver_nets import (
    GROUND_C,
    Shape,
    add_consumers,
    build_shape,
    node_balance,
    shapes,
    start_builder,
    trench_ends,
)


def below(shape: Shape, place: int) -> set[int]:
    """Return the places that hang on a place when there are no rings."""
    found = {place}
    for i, parent in enumerate(shape.parents, 1):
        if parent in found:
            found.add(i)
    return found


@settings(max_examples=40)
@given(shapes(), st.data())
def test_a_part_cut_off_is_an_island_by_name(shape: Shape, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, shape.places - 1))
    cut_off = below(shape, place)
    network, operation = build_shape(shape)
    index = network.link_index()
    ends = trench_ends(shape)
    for k, (a, b) in enumerate(ends):
        if (a in cut_off) != (b in cut_off):
            operation.shut[[index[f"sp{k}"], index[f"rp{k}"]]] = True
    state = solve_steady(Solver(network), operation)
    named = {name for island in state.islands for name in island.nodes}
    wanted = {f"{side}{i}" for side in "sr" for i in cut_off}
    wanted |= {f"m{i}" for i in cut_off if i and shape.kinds[i - 1] == "valve"}
    assert named == wanted
    unserved = {name for island in state.islands for name in island.consumers}
    assert unserved == {f"c{i}" for i in cut_off if i and shape.kinds[i - 1] in ("flow", "heat")}
    off = ~state.supplied
    assert {network.node_names[i] for i in np.flatnonzero(off)} == wanted
    assert np.isnan(state.pressure_kpa[off]).all()
    assert np.isfinite(state.pressure_kpa[~off]).all()
    inside = off[network.from_node] & off[network.to_node]
    assert (state.flow_kgs[inside | operation.shut] == 0.0).all()
    assert state.node_c[off] == pytest.approx(GROUND_C, abs=1e-6)
    gain = node_balance(network, state.flow_kgs, operation.outflow_kgs)
    assert np.abs(gain[~off]).max() < 1e-6


# Prescribed flows beside valves are left out: with its main shut, such a flow has to come backwards
# through a neighbour's valve, whatever the pressure.
ALIKE = st.one_of(shapes(kinds=("flow", "heat", "none")), shapes(kinds=("valve", "none")))


@settings(max_examples=60)
@given(ALIKE, st.data())
def test_any_links_may_be_shut(shape: Shape, data: st.DataObject) -> None:
    # Flat: with heights, warm water may circulate in a ring either way round.
    network, operation = build_shape(replace(shape, heights_m=[0.0] * shape.places))
    links = st.integers(0, network.n_link - 1)
    solver = Solver(network)
    before = solve_steady(solver, operation)
    shut = data.draw(st.lists(links, min_size=1, max_size=6, unique=True))
    operation.shut[shut] = True
    state = solve_steady(solver, operation, start=before)
    assert (state.flow_kgs[shut] == 0.0).all()
    gain = node_balance(network, state.flow_kgs, operation.outflow_kgs)
    assert np.abs(gain[state.supplied]).max() < 1e-6
    assert np.isfinite(state.node_c).all()
    # Opened again, everything is as it was.
    operation.shut[:] = False
    again = solve_steady(solver, operation)
    assert again.flow_kgs == pytest.approx(before.flow_kgs, abs=1e-4)


@settings(max_examples=40)
@given(shapes(), st.integers(0, 2**31 - 1))
def test_nonsense_is_refused_by_name_or_solved(shape: Shape, seed: int) -> None:
    """Settings far from anything sensible either give a finite state or an InputError."""
    network, operation = build_shape(shape)
    rng = np.random.default_rng(seed)
    kinds = network.kind
    operation.opening_pct[:] = rng.choice([0.0, 3.0, 100.0], network.n_link)
    operation.lift_kpa[kinds == LinkKind.LIFT] = rng.choice([-500.0, 0.0, 5000.0])
    operation.flow_kgs[kinds == LinkKind.FLOW] *= rng.choice([-1.0, 0.0, 1e-6, 30.0])
    operation.demand_kw *= rng.choice([0.0, 1e-4, 3.0])
    operation.outlet_c[kinds == LinkKind.LIFT] = rng.choice([5.0, 40.0, 90.0, 150.0])
    operation.held_kpa *= rng.choice([0.0, 1.0])
    try:
        state = solve_steady(Solver(network), operation)
    except InputError:
        return
    assert np.isfinite(state.pressure_kpa).all()
    assert np.isfinite(state.flow_kgs).all()
    assert np.isfinite(state.node_c).all()


@given(shapes(), st.data())
@settings(max_examples=20)
def test_a_missing_number_is_refused(shape: Shape, data: st.DataObject) -> None:
    network, operation = build_shape(shape)
    what = data.draw(st.sampled_from(["held_kpa", "lift_kpa"]))
    if what == "held_kpa":
        operation.held_kpa[:] = math.nan
    else:
        operation.lift_kpa[network.kind == LinkKind.LIFT] = math.nan
    with pytest.raises(InputError):
        solve_steady(Solver(network), operation)


def test_a_network_without_held_pressure_is_refused() -> None:
    build = NetworkBuilder()
    build.node("a")
    build.node("b")
    build.pipe("p", "a", "b", length_m=10.0, diameter_m=0.1)
    network, _ = build.build()
    with pytest.raises(InputError, match="pressure"):
        Solver(network)


def test_wrong_topology_is_refused_by_the_builder() -> None:
    build = NetworkBuilder()
    build.node("a", held_kpa=100.0)
    build.node("b")
    build.pipe("p", "a", "nowhere", length_m=10.0, diameter_m=0.1)
    with pytest.raises(InputError) as unknown:
        build.build()
    assert unknown.value.thing == "nowhere"
    assert unknown.value.place == "p"
    loop = NetworkBuilder()
    loop.node("a", held_kpa=100.0)
    loop.pipe("p", "a", "a", length_m=10.0, diameter_m=0.1)
    with pytest.raises(InputError, match="different ends"):
        loop.build()


@settings(max_examples=30)
@given(shapes(), st.floats(0.01, 0.5))
def test_a_leak_is_made_up_at_the_held_node(shape: Shape, coefficient: float) -> None:
    network, operation = build_shape(shape)
    leak = shape.places - 1
    operation.leak_kgs_kpa05[leak] = coefficient
    operation.source_c[network.node_index()["r0"]] = 15.0
    state = solve_steady(Solver(network), operation)
    p = state.pressure_kpa[leak]
    out = coefficient * math.sqrt(p) if p > 1.0 else coefficient * max(p, 0.0)
    gain = node_balance(network, state.flow_kgs, operation.outflow_kgs)
    assert gain[leak] == pytest.approx(out, abs=1e-5)
    held = network.node_index()["r0"]
    assert gain[held] == pytest.approx(-out, abs=1e-5)


def test_two_zones_each_need_their_pressure() -> None:
    shape = Shape(
        parents=[0, 1],
        rings=[],
        lengths_m=[100.0, 50.0],
        diameters_m=[0.1, 0.1],
        kinds=["flow", "flow"],
        demands_kw=[100.0, 100.0],
        heights_m=[0.0, 0.0, 0.0],
        loss_w_mk=0.1,
    )
    build = start_builder(shape)
    add_consumers(build, shape)
    build.lift("plant0", "r0", "s0", lift_kpa=300.0, outlet_c=90.0)
    for name in ("z1", "z2"):
        build.node(name)
    build.pipe("zone", "z1", "z2", length_m=30.0, diameter_m=0.1)
    network, operation = build.build()
    state = solve_steady(Solver(network), operation)
    assert [island.nodes for island in state.islands] == [("z1", "z2")]
