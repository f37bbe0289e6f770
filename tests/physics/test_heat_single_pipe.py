"""One pipe on its own against closed forms."""

import math

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.fluid import constant_fluid
from heatloop.network.heat.pipe_materials import PipeMaterials, bare_wall_kj_mk, loss_w_mk
from heatloop.network.heat.single_pipe import (
    FlowUnit,
    PipeSpec,
    run_single_pipe,
    simulate_pipe,
)

FLUID = constant_fluid(1000.0, 5e-4, 4.2)
STEEL = PipeMaterials(inner_m=0.1, outer_m=0.108, insulation_m=0.04, insulation_w_mk=0.03)


def balance(run):
    return run.held_first_kj + run.entered_kj - run.left_kj - run.lost_kj - run.held_last_kj


def test_steady_outlet_is_the_exponential():
    spec = PipeSpec(length_m=2000.0, materials=STEEL)
    times = np.arange(0.0, 40_000.0, 60.0)
    n = len(times)
    run = run_single_pipe(spec, times, np.full(n, 80.0), np.full(n, 2.0), 10.0, fluid=FLUID)
    # The film between water and wall is the only resistance not in loss_w_mk.
    ua_kw_k = loss_w_mk(STEEL) * 2000.0 / 1000.0
    wanted = 10.0 + 70.0 * math.exp(-ua_kw_k / (2.0 * 4.2))
    assert run.outlet_c[-1] == pytest.approx(wanted, abs=0.02)
    assert abs(balance(run)) < 1e-9 * run.entered_kj


def test_a_front_through_a_pipe_without_wall_arrives_when_its_water_does():
    spec = PipeSpec.plain(length_m=500.0, diameter_m=0.1, loss_w_mk=0.0)
    times = np.arange(0.0, 1200.0, 1.0)
    inlet = np.where(times < 100.0, 40.0, 80.0)
    m = 1000.0 * math.pi / 4.0 * 0.01
    out = simulate_pipe(spec, times, inlet, np.full(len(times), m), 10.0, fluid=FLUID, start_c=40.0)
    halfway = times[np.argmax(out > 60.0)]
    assert halfway == pytest.approx(599.5, abs=2.0)


def test_a_wall_delays_a_front_by_its_heat_capacity():
    spec = PipeSpec.plain(length_m=500.0, diameter_m=0.1, loss_w_mk=0.0, wall_kj_mk=6.0)
    times = np.arange(0.0, 3000.0, 2.0)
    inlet = np.where(times < 100.0, 40.0, 80.0)
    m = 1000.0 * math.pi / 4.0 * 0.01
    out = simulate_pipe(spec, times, inlet, np.full(len(times), m), 10.0, fluid=FLUID, start_c=40.0)
    mean_arrival = 100.0 + np.trapezoid(1.0 - (out - 40.0) / 40.0, times) - 100.0
    share = 1.0 + 6.0 / (4.2 * m)
    assert mean_arrival == pytest.approx(99.0 + 500.0 * share, abs=2.0)


def test_standing_water_cools_with_its_wall():
    # A loss so small that the film of standing water hardly adds to it.
    spec = PipeSpec.plain(length_m=100.0, diameter_m=0.1, loss_w_mk=0.02, wall_kj_mk=6.0)
    times = np.arange(0.0, 20 * 86_400.0, 7200.0)
    n = len(times)
    run = run_single_pipe(
        spec, times, np.full(n, 80.0), np.zeros(n), 5.0, fluid=FLUID, start_c=80.0
    )
    capacity = 1000.0 * math.pi / 4.0 * 0.01 * 4.2 + 6.0
    wanted = 5.0 + 75.0 * np.exp(-0.02e-3 / capacity * times)
    assert np.abs(run.outlet_c - wanted).max() < 0.1
    assert abs(balance(run)) < 1e-9 * run.held_first_kj


def test_backwards_flow_brings_the_water_back():
    spec = PipeSpec.plain(length_m=500.0, diameter_m=0.1, loss_w_mk=0.0)
    times = np.arange(0.0, 601.0, 1.0)
    m = 1000.0 * math.pi / 4.0 * 0.01 / 2.0
    flow = np.where(times <= 300.0, m, -m)
    run = run_single_pipe(
        spec, times, np.full(len(times), 80.0), flow, 10.0, fluid=FLUID, start_c=40.0, far_c=40.0
    )
    # 150 m of hot water went in and came out again; only the front's mixing stays.
    assert run.outlet_c[-1] == pytest.approx(40.0, abs=1e-6)
    whole = 500.0 * 2.0 * m * 4.2 * 40.0
    assert run.held_last_kj == pytest.approx(whole, rel=0.01)
    assert abs(balance(run)) < 1e-9 * run.entered_kj


def test_a_volume_flow_counts_by_the_density_at_its_meter():
    spec = PipeSpec(length_m=60.0, materials=STEEL)
    times = np.arange(0.0, 1500.0, 1.0)
    inlet = np.where(times < 60.0, 20.0, 90.0)
    flow = np.full(len(times), 3.0)
    near = run_single_pipe(spec, times, inlet, flow, 10.0, unit=FlowUnit.M3H_AT_START)
    far = run_single_pipe(spec, times, inlet, flow, 10.0, unit=FlowUnit.M3H_AT_END)
    # A litre of cold water at the end weighs more than a litre of hot water at the start.
    assert far.entered_kj > near.entered_kj
    assert np.argmax(far.outlet_c > 55.0) < np.argmax(near.outlet_c > 55.0) - 5


def test_the_lost_heat_does_not_depend_on_the_step():
    spec = PipeSpec(length_m=300.0, materials=STEEL)
    found = []
    for dt in (5.0, 60.0, 300.0):
        times = np.arange(0.0, 36_001.0, dt)
        n = len(times)
        run = run_single_pipe(spec, times, np.full(n, 80.0), np.full(n, 1.0), 0.0)
        found.append(run.lost_kj)
    assert found[0] == pytest.approx(found[2], rel=2e-3)
    assert found[1] == pytest.approx(found[2], rel=2e-3)


def test_irregular_times_are_as_good_as_regular_ones():
    spec = PipeSpec(length_m=100.0, materials=STEEL)
    regular = np.arange(0.0, 2000.0, 5.0)
    some = np.sort(np.random.default_rng(2).choice(regular[1:], 250, replace=False))
    odd = np.concatenate([[0.0], some])

    def inlet(t):
        return 60.0 + 10.0 * np.sin(t / 150.0)

    a = simulate_pipe(spec, regular, inlet(regular), np.full(len(regular), 4.0), 10.0)
    b = simulate_pipe(spec, odd, inlet(odd), np.full(len(odd), 4.0), 10.0)
    assert np.abs(np.interp(odd, regular, a) - b).max() < 0.25


@pytest.mark.parametrize(
    "change",
    [
        {"times_s": np.array([0.0, 1.0, 1.0])},
        {"inlet_c": np.array([20.0, np.nan, 20.0])},
        {"inlet_c": np.array([20.0, -5.0, 20.0])},
        {"flow": np.array([1.0, 1.0])},
    ],
)
def test_bad_columns_are_named(change):
    good = {"times_s": np.arange(3.0), "inlet_c": np.full(3, 20.0), "flow": np.ones(3)}
    with pytest.raises(InputError):
        simulate_pipe(PipeSpec(length_m=1.0, materials=STEEL), **(good | change), ambient_c=10.0)


def test_wall_of_the_description_is_the_one_simulated():
    spec = PipeSpec.plain(length_m=1.0, diameter_m=0.2, loss_w_mk=1.0, wall_kj_mk=9.0)
    assert bare_wall_kj_mk(spec.materials) == pytest.approx(9.0)
