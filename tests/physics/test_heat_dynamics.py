"""Travelling temperatures in networks against closed forms, and against the pipe with walls."""

import math

import numpy as np
import pytest

from heatloop.network.fluid import constant_fluid
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.single_pipe import PipeSpec, simulate_pipe
from heatloop.network.model.builder import NetworkBuilder

FLUID = constant_fluid(1000.0, 5e-4, 4.2)
AREA = math.pi / 4.0 * 0.01


def line(pieces, *, length_m=600.0, loss=0.0, wall=0.0, source_c=80.0, ambient_c=10.0):
    """A pipe of 0.1 m in pieces, fed from outside at its start and drawn off at its end."""
    builder = NetworkBuilder(ambient_c=ambient_c)
    builder.node("0", held_kpa=500.0, source_c=source_c)
    for i in range(pieces):
        builder.node(str(i + 1), outflow_kgs=1.0 if i == pieces - 1 else 0.0)
        builder.pipe(
            f"p{i}", str(i), str(i + 1), length_m=length_m / pieces, diameter_m=0.1,
            loss_w_mk=loss, wall_kj_mk=wall,
        )  # fmt: skip
    return builder.build()


def run(pieces, steps, dt_s, m, **made):
    network, operation = line(pieces, **made)
    operation.outflow_kgs[-1] = m
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(pieces, 40.0))
    flow = np.full(pieces, m)
    return np.array([water.push(flow, operation, dt_s).outlet_c[-1] for _ in range(steps)])


@pytest.mark.parametrize("pieces", [1, 3, 30])
@pytest.mark.parametrize("dt_s", [7.0, 60.0, 1000.0])
def test_a_step_arrives_after_the_transit_and_cooled_by_the_exponential(pieces, dt_s):
    m, loss = 1000.0 * AREA * 0.5, 2.0
    transit = 600.0 / 0.5
    steps = math.ceil(2.0 * transit / dt_s) + 8
    out = run(pieces, steps, dt_s, m, loss=loss)
    rate = loss / 1000.0 / (1000.0 * AREA * 4.2)
    mid = (np.arange(steps) + 0.5) * dt_s
    old = 10.0 + 30.0 * np.exp(-rate * mid)
    new = 10.0 + 70.0 * math.exp(-rate * transit)
    # Every node mixes what passes in a step, so a front widens with the root of their number.
    clear = np.abs(mid - transit) > 12.0 / 0.5 + dt_s * (0.5 + 2.5 * math.sqrt(pieces - 1))
    assert clear.sum() >= (3 if dt_s < 100.0 else 0)
    wanted = np.where(mid < transit, old, new)
    assert np.abs(out - wanted)[clear].max(initial=0.0) < 0.05
    late = dt_s * ((new - out) / (new - old)).sum()
    assert late == pytest.approx(transit, rel=0.02)


def test_a_front_stays_within_a_step_and_a_segment():
    m = 1000.0 * AREA * 0.5
    out = run(1, 150, 10.0, m)
    between = (out > 40.5) & (out < 79.5)
    assert between.sum() <= 4
    assert out[0] == pytest.approx(40.0)
    assert out[-1] == pytest.approx(80.0)


def test_a_wall_slows_a_front_by_its_heat_capacity():
    m, wall = 1000.0 * AREA * 0.5, 8.0
    steps, dt_s = 300, 10.0
    out = run(1, steps, dt_s, m, wall=wall)
    late = dt_s * ((80.0 - out) / 40.0).sum()
    assert late == pytest.approx(1200.0 * (1.0 + wall / (1000.0 * AREA * 4.2)), rel=1e-9)


def test_long_steps_agree_with_walls_and_films_at_short_steps():
    loss, wall, length, speed = 0.4, 6.0, 1500.0, 0.8
    m = 1000.0 * AREA * speed
    times = np.arange(0.0, 5400.0, 5.0)
    spec = PipeSpec.plain(length_m=length, diameter_m=0.1, loss_w_mk=loss, wall_kj_mk=wall)
    inlet = 65.0 + 15.0 * np.sin(times / 400.0)
    fine = simulate_pipe(
        spec, times, inlet, np.full(len(times), m), 10.0, fluid=FLUID, start_c=65.0
    )
    network, operation = line(1, length_m=length, loss=loss, wall=wall)
    operation.outflow_kgs[-1] = m
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(1, 65.0))
    apart = []
    for k in range(90):
        inside = (times >= 60.0 * k) & (times <= 60.0 * (k + 1))
        operation.source_c[0] = inlet[inside].mean()
        out = water.push(np.full(1, m), operation, 60.0).outlet_c[-1]
        apart.append(out - fine[inside].mean())
    settled = np.array(apart)[50:]
    assert np.sqrt((settled**2).mean()) < 0.25


@pytest.mark.parametrize("dt_s", [20.0, 60.0])
@pytest.mark.parametrize("m", [0.02, 0.3, 5.0])
def test_the_steady_limit_is_the_exponential(dt_s, m):
    transit = 1000.0 * AREA * 600.0 / m
    steps = int(3.0 * transit / dt_s) + 40
    out = run(4, steps, dt_s, m, loss=0.3)
    # Within a segment water is as warm as its mean: the outlet saws around the true value.
    last = out[-max(int(transit / dt_s), 1) :]
    wanted = 10.0 + 70.0 * math.exp(-0.3 * 0.6 / (m * 4.2))
    assert last.mean() == pytest.approx(wanted, abs=3e-3)
    assert np.abs(last - wanted).max() < 0.1


def test_standing_water_cools_by_the_exponential_with_its_wall_to_the_ground():
    network, operation = line(2, loss=0.4, wall=5.0, ambient_c=3.0)
    operation.outflow_kgs[:] = 0.0
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.array([90.0, 50.0]))
    rate = 0.4 / 1000.0 / (1000.0 * AREA * 4.2 + 5.0)
    for dt_s in (60.0, 600.0, 86_400.0, 3600.0):
        before = water.mean_c()
        moved = water.push(np.zeros(2), operation, dt_s)
        assert water.mean_c() == pytest.approx(3.0 + (before - 3.0) * math.exp(-rate * dt_s))
    for _ in range(30):
        moved = water.push(np.zeros(2), operation, 86_400.0)
    assert moved.node_c == pytest.approx(np.full(3, 3.0), abs=1e-6)
    assert moved.outlet_c == pytest.approx(np.full(2, 3.0), abs=1e-6)


def test_reversed_flow_gives_the_same_water_back():
    network, operation = line(1)
    m = 1000.0 * AREA * 0.5
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(1, 40.0))
    operation.outflow_kgs[-1] = m
    for _ in range(10):
        water.push(np.full(1, m), operation, 60.0)
    begins, warm = water.content(0)
    assert warm[0] == pytest.approx(80.0)
    assert begins[np.argmax(warm < 60.0)] == pytest.approx(0.5)
    operation.outflow_kgs[:] = m, -m
    operation.source_c[:] = np.nan, 20.0
    back = [water.push(np.full(1, -m), operation, 60.0) for _ in range(19)]
    out = np.array([moved.outlet_c[0] for moved in back])
    # Backwards, the outlet of a link is still where its water leaves: at its start.
    assert out[:10] == pytest.approx(np.full(10, 80.0), abs=1e-9)
    assert out[10:] == pytest.approx(np.full(9, 40.0), abs=1e-9)
    assert back[-1].inlet_c[0] == pytest.approx(20.0)


def test_a_tank_keeps_its_thermocline_through_charges_and_discharges():
    builder = NetworkBuilder()
    builder.node("hot", held_kpa=300.0, source_c=90.0)
    builder.node("cold", source_c=45.0)
    builder.pipe("tank", "hot", "cold", length_m=12.0, diameter_m=4.0)
    network, operation = builder.build()
    water = Dynamics(network, fluid=FLUID)
    water.fill(np.full(1, 45.0))
    whole = 12.0 * math.pi * 4.0 * 1000.0
    rng = np.random.default_rng(4)
    held = 0.0
    for _ in range(2000):
        kg = np.clip(held + rng.uniform(-0.1, 0.1) * whole, 0.1 * whole, 0.9 * whole) - held
        if abs(kg) < 1.0:
            continue
        held += kg
        operation.outflow_kgs[:] = -kg / 60.0, kg / 60.0
        water.push(np.full(1, kg / 60.0), operation, 60.0)
    begins, warm = water.content(0)
    lengths = np.diff(np.append(begins, 1.0))
    mixed = lengths[(warm > 46.0) & (warm < 89.0)].sum()
    assert mixed < 0.03
    stored = (warm - 45.0) @ lengths / 45.0
    assert stored == pytest.approx(held / whole, abs=1e-9)


def test_a_tank_that_conducts_spreads_its_thermocline_as_the_error_function():
    builder = NetworkBuilder()
    builder.node("hot", held_kpa=300.0, source_c=90.0)
    builder.node("cold", source_c=45.0)
    builder.pipe("tank", "hot", "cold", length_m=12.0, diameter_m=4.0)
    network, operation = builder.build()
    conducts = 5.0
    water = Dynamics(network, fluid=FLUID, mixing_w_mk=np.array([conducts]))
    water.fill(np.full(1, 45.0))
    half = 6.0 * math.pi * 4.0 * 1000.0
    steps = 128
    operation.outflow_kgs[:] = -half / steps, half / steps
    for _ in range(steps):
        water.push(np.full(1, half / steps), operation, 1.0)
    before = water.stored_kj()
    operation.outflow_kgs[:] = 0.0
    days = 2.0
    for _ in range(int(days * 24)):
        water.push(np.zeros(1), operation, 3600.0)
    assert water.stored_kj() == pytest.approx(before, rel=1e-12)
    begins, warm = water.content(0)
    middle = (begins + np.append(begins[1:], 1.0)) / 2.0 * 12.0
    width = 2.0 * math.sqrt(conducts / 4.2e6 * days * 86_400.0)
    wanted = 67.5 - 22.5 * np.array([math.erf((x - 6.0) / width) for x in middle])
    assert np.abs(warm - wanted).max() < 0.6
