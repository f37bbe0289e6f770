"""The rules of a step: mixing, demands, set temperatures, exchangers, closed loops, checkpoints."""

import math

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.fluid import constant_fluid
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.model.builder import NetworkBuilder

FLUID = constant_fluid(1000.0, 5e-4, 4.2)


def pipe(builder, name, start, end, *, length_m=10.0, loss=0.0):
    builder.pipe(name, start, end, length_m=length_m, diameter_m=0.1, loss_w_mk=loss)


def small(**plant):
    """A plant, a supply and a return pipe, and a consumer of 1 kg/s."""
    builder = NetworkBuilder(ambient_c=5.0)
    builder.node("s", held_kpa=500.0)
    for name in ("a", "b", "r"):
        builder.node(name)
    pipe(builder, "out", "s", "a", loss=0.2)
    pipe(builder, "back", "b", "r", loss=0.2)
    builder.flow("use", "a", "b", flow_kgs=1.0, demand_kw=42.0)
    builder.lift("plant", "r", "s", lift_kpa=100.0, **plant)
    return builder.build()


def closes(water, moved, before):
    gain = moved.given_kj.sum() - moved.taken_kj.sum() - moved.lost_kj.sum()
    return water.stored_kj() - before == pytest.approx(gain + moved.outside_kj.sum(), abs=1e-6)


def test_a_plant_brings_water_to_its_temperature_and_books_the_heat():
    network, operation = small(outlet_c=80.0)
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(4, 60.0))
    for _ in range(20):
        before = water.stored_kj()
        moved = water.push(np.ones(4), operation, 60.0)
        assert closes(water, moved, before)
    use, plant = 2, 3
    assert moved.inlet_c[use] - moved.outlet_c[use] == pytest.approx(10.0)
    assert moved.taken_kj[use] == pytest.approx(42.0 * 60.0)
    assert moved.outlet_c[plant] == 80.0
    assert moved.given_kj[plant] == pytest.approx(42.0 * 60.0 + moved.lost_kj.sum())


def test_streams_mix_by_their_flows():
    builder = NetworkBuilder()
    builder.node("a", held_kpa=500.0, source_c=80.0)
    builder.node("b", source_c=20.0, outflow_kgs=-1.0)
    builder.node("c")
    builder.node("d", outflow_kgs=4.0)
    pipe(builder, "ac", "a", "c")
    pipe(builder, "bc", "b", "c")
    pipe(builder, "cd", "c", "d")
    network, operation = builder.build()
    water = Dynamics(network, fluid=FLUID)
    for _ in range(10):
        moved = water.push(np.array([3.0, 1.0, 4.0]), operation, 60.0)
    assert moved.node_c == pytest.approx([80.0, 20.0, 65.0, 65.0])


def test_a_demand_cannot_cool_water_below_its_surroundings():
    network, operation = small(outlet_c=30.0)
    operation.demand_kw[2] = 1e4
    water = Dynamics(network, fluid=FLUID)
    for _ in range(5):
        before = water.stored_kj()
        moved = water.push(np.ones(4), operation, 60.0)
        assert closes(water, moved, before)
    assert moved.outlet_c[2] == pytest.approx(5.0)


def test_a_heat_consumer_does_not_warm_water_that_comes_too_cold():
    builder = NetworkBuilder(ambient_c=5.0)
    builder.node("s", held_kpa=500.0, source_c=30.0)
    builder.node("r", outflow_kgs=1.0)
    builder.heat("use", "s", "r", demand_kw=10.0, outlet_c=40.0)
    network, operation = builder.build()
    moved = Dynamics(network, fluid=FLUID).push(np.ones(1), operation, 60.0)
    assert moved.outlet_c[0] == 30.0
    assert moved.taken_kj[0] == 0.0


@pytest.mark.parametrize("volume", [False, True])
def test_a_closed_loop_without_a_set_temperature_keeps_its_heat(volume):
    builder = NetworkBuilder()
    for name in ("a", "b", "c"):
        builder.node(name, held_kpa=300.0 if name == "a" else math.nan)
    pipe(builder, "ab", "a", "b", length_m=30.0 if volume else 0.5)
    pipe(builder, "bc", "b", "c", length_m=0.1)
    builder.flow("pump", "c", "a", flow_kgs=2.0, demand_kw=-0.05)
    network, operation = builder.build()
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(3, 50.0))
    first = water.stored_kj()
    for _ in range(50):
        before = water.stored_kj()
        moved = water.push(np.full(3, 2.0), operation, 60.0)
        assert closes(water, moved, before)
        assert moved.given_kj.sum() == pytest.approx(0.05 * 60.0)
    assert water.stored_kj() == pytest.approx(first + 50 * 0.05 * 60.0)


def test_a_loop_without_any_volume_does_not_crash():
    builder = NetworkBuilder()
    for name in ("a", "b"):
        builder.node(name, held_kpa=300.0 if name == "a" else math.nan)
    builder.resistance("r", "a", "b", resistance_kpa_kgs2=1.0)
    builder.flow("pump", "b", "a", flow_kgs=1.0)
    network, operation = builder.build()
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(2, 40.0))
    for _ in range(5):
        moved = water.push(np.ones(2), operation, 60.0)
    assert moved.node_c == pytest.approx([40.0, 40.0])


def exchanger_network(backwards=False):
    builder = NetworkBuilder(ambient_c=10.0)
    builder.node("h1", held_kpa=500.0, source_c=90.0)
    builder.node("h2", outflow_kgs=2.0)
    builder.node("c1", held_kpa=300.0, source_c=40.0)
    builder.node("c2", outflow_kgs=3.0)
    builder.resistance("hot", "h1", "h2", resistance_kpa_kgs2=1.0)
    start, end = ("c2", "c1") if backwards else ("c1", "c2")
    builder.resistance("cold", start, end, resistance_kpa_kgs2=1.0)
    builder.exchanger(
        "hx", hot="hot", cold="cold", kw_k=20.0, hot_design_kgs=2.0, cold_design_kgs=3.0
    )
    return builder.build()


@pytest.mark.parametrize("backwards", [False, True])
def test_an_exchanger_passes_heat_by_its_effectiveness(backwards):
    network, operation = exchanger_network(backwards)
    flow = np.array([2.0, -3.0 if backwards else 3.0])
    moved = Dynamics(network, fluid=FLUID).push(flow, operation, 60.0)
    low, high = 8.4, 12.6
    ntu, ratio = 20.0 / low, low / high
    gone = math.exp(-ntu * (1.0 - ratio))
    heat = (1.0 - gone) / (1.0 - ratio * gone) * low * 50.0
    assert moved.taken_kj == pytest.approx([heat * 60.0, 0.0])
    assert moved.given_kj == pytest.approx([0.0, heat * 60.0])
    assert moved.outlet_c == pytest.approx([90.0 - heat / low, 40.0 + heat / high])


def test_an_exchanger_with_one_side_still_passes_nothing():
    network, operation = exchanger_network()
    operation.outflow_kgs[3] = 0.0
    moved = Dynamics(network, fluid=FLUID).push(np.array([2.0, 0.0]), operation, 60.0)
    assert moved.outlet_c[0] == pytest.approx(90.0)
    assert moved.taken_kj.sum() == 0.0


def test_nodes_nobody_feeds_show_what_stands_next_to_them():
    network, operation = small(outlet_c=80.0)
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.array([70.0, 40.0, 20.0, 20.0]))
    moved = water.push(np.zeros(4), operation, 1e-3)
    assert moved.node_c == pytest.approx([70.0, 70.0, 40.0, 40.0], abs=1e-3)
    alone = NetworkBuilder(ambient_c=7.0)
    for name in ("a", "b"):
        alone.node(name, held_kpa=1.0)
    alone.valve("v", "a", "b", kvs_m3h=1.0)
    network, operation = alone.build()
    moved = Dynamics(network, fluid=FLUID).push(np.zeros(1), operation, 60.0)
    assert moved.node_c == pytest.approx([7.0, 7.0])


def test_a_checkpoint_goes_on_where_it_was():
    network, operation = small(outlet_c=80.0)
    water = Dynamics(network, fluid=FLUID)
    for _ in range(3):
        water.push(np.full(4, 0.3), operation, 60.0)
    other = Dynamics(network, fluid=FLUID)
    other.load_arrays(water.to_arrays())
    for flow in (0.3, -0.2, 1.0):
        a = water.push(np.full(4, flow), operation, 60.0)
        b = other.push(np.full(4, flow), operation, 60.0)
        assert np.array_equal(a.outlet_c, b.outlet_c)
        assert np.array_equal(a.node_c, b.node_c)
    assert water.stored_kj() == other.stored_kj()
    with pytest.raises(InputError):
        other.load_arrays({})


@pytest.mark.parametrize("dt_s", [0.0, -1.0, math.nan])
def test_a_step_must_be_a_length_of_time(dt_s):
    network, operation = small()
    with pytest.raises(InputError):
        Dynamics(network).push(np.zeros(4), operation, dt_s)


def test_wrong_numbers_are_refused():
    network, operation = small()
    water = Dynamics(network)
    with pytest.raises(InputError):
        water.push(np.full(4, np.nan), operation, 60.0)
    with pytest.raises(InputError):
        water.fill(np.full(4, -3.0))
    with pytest.raises(InputError):
        water.fill(np.full(3, 50.0))
    with pytest.raises(InputError):
        Dynamics(network, cell_m=0.0)
    with pytest.raises(InputError):
        Dynamics(network, mixing_w_mk=np.full(4, -1.0))
