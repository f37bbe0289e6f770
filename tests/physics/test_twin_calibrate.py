"""Constants fitted to synthetic history: the truth lies in the stated 95 % intervals."""

from dataclasses import replace

import numpy as np
import pytest

from bench.leak_city import make_city, make_truth, winter
from bench.truth_leaks import ERRORS, HOUR
from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import conductance_kw_k, transfer_kw_k
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import Friction
from heatloop.network.steady import solve_steady
from heatloop.network.twin.calibrate import calibrate
from heatloop.network.twin.constants import (
    WarmPoint,
    calibrate_building,
    calibrate_exchanger,
    calibrate_friction,
    calibrate_insulation,
    calibrate_valve,
)
from heatloop.network.twin.laws import LinkLaws
from heatloop.network.twin.learn import learn
from heatloop.network.twin.metered import piping_of
from heatloop.network.valve import kv_share
from heatloop.network.water import density_kg_m3


def inside(found, truth):
    return (found.low <= truth) & (truth <= found.high)


def test_a_straight_line_is_the_closed_form():
    rng = np.random.default_rng(0)
    x = np.linspace(1, 5, 40)
    y = 2.3 * x + 0.05 * rng.normal(size=40)
    found = calibrate(
        ("slope",), np.array([2.0]), np.array([0.5]), lambda f: (y - 2.0 * f[0] * x) / 0.05
    )
    least = (x @ y) / (x @ x)
    assert found.value[0] == pytest.approx(least, rel=1e-4)
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * 0.05 / (x @ x) ** 0.5, rel=0.2)
    assert found.identifiable.all()


def test_what_history_does_not_tell_keeps_the_book_and_says_so():
    y = np.full(30, 6.0)
    # Only the product is seen.
    found = calibrate(
        ("a", "b"), np.array([2.0, 2.0]), np.array([0.2, 0.001]),
        lambda f: (y - 4.0 * f[0] * f[1]) / 0.01,
    )  # fmt: skip
    assert found.identifiable.tolist() == [True, False]
    assert found.value[1] == 2.0
    assert found.value[0] == pytest.approx(3.0, rel=1e-3)


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(InputError):
        calibrate(("a",), np.array([-1.0]), np.array([0.1]), lambda f: f)
    with pytest.raises(InputError):
        calibrate(("a",), np.array([1.0]), np.array([0.1]), lambda f: f * np.nan)


def valve_run(seed):
    rng = np.random.default_rng(seed)
    kvs, plate = 40.0 * np.exp(0.15 * rng.normal()), 0.3 * np.exp(0.2 * rng.normal())
    opening, dp = rng.uniform(40, 95, 150), rng.uniform(120, 300, 150)
    q = 100.0 * (3.6 / (kvs * kv_share(opening, 50.0))) ** 2 * 1000.0 / density_kg_m3(80.0)
    flow = np.sqrt(dp / (q + plate))
    found = calibrate_valve(
        dp, opening, flow * (1 + 0.01 * rng.normal(size=150)), kvs_m3h=40.0,
        resistance_kpa_kgs2=0.3, rangeability=50.0, flow_sigma=0.01,
    )  # fmt: skip
    return found, inside(found, np.array([kvs, plate]))


def test_valves_lie_in_their_intervals_as_often_as_stated():
    runs = [valve_run(seed) for seed in range(120)]
    assert all(found.identifiable.all() for found, _ in runs)
    assert 0.91 <= np.mean([hit for _, hit in runs]) <= 0.985
    assert np.mean([(f.high - f.low)[0] / f.value[0] for f, _ in runs]) < 0.03


def test_a_valve_that_never_moved_leaves_its_parts_undivided():
    rng = np.random.default_rng(1)
    dp = rng.uniform(120, 300, 100)
    flow = np.sqrt(dp / 1.0)
    found = calibrate_valve(
        dp, np.full(100, 70.0), flow, kvs_m3h=40.0, resistance_kpa_kgs2=0.02, rangeability=50.0,
        flow_sigma=0.01,
    )  # fmt: skip
    assert not found.identifiable[1]
    assert found.value[1] == 0.02


def test_exchangers_lie_in_their_intervals_as_often_as_stated():
    hits = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        truth = 250.0 * np.exp(0.25 * rng.normal())
        m1, m2 = rng.uniform(5, 12, 60), rng.uniform(15, 25, 60)
        t1, t2 = rng.uniform(85, 110, 60), rng.uniform(38, 45, 60)
        ua = conductance_kw_k(np.array([truth]), m1 / 12.0, m2 / 25.0)
        heat = transfer_kw_k(ua, m1, m2) * (t1 - t2) * (1 + 0.02 * rng.normal(size=60))
        found = calibrate_exchanger(
            m1, m2, t1, t2, heat, design_kw_k=250.0, primary_design_kgs=12.0,
            secondary_design_kgs=25.0, heat_sigma=0.02,
        )  # fmt: skip
        hits.append(inside(found, np.array([truth]))[0])
    assert 0.9 <= np.mean(hits) <= 0.99


def test_buildings_lie_in_their_intervals_as_often_as_stated():
    hits = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        loss, capacity, gain = np.array([20.0, 4000.0, 60.0]) * np.exp(
            np.array([0.2, 0.3, 0.4]) * rng.normal(size=3)
        )
        n = 24 * 10
        t = np.arange(n)
        outside = -2 + 5 * np.cos(2 * np.pi * t / 24) + 3 * np.sin(2 * np.pi * t / 150)
        heat = np.maximum(20.0 * (20 - outside) - 60 + 80 * np.sign(np.sin(t / 17)), 0)
        keep = np.exp(-loss * 3600 / (capacity * 1000))
        room = np.empty(n)
        room[0] = 20.0
        for k in range(n - 1):
            goal = outside[k] + (heat[k] + gain) / loss
            room[k + 1] = goal + (room[k] - goal) * keep
        # The first reading starts the free run, so it is a mean of many.
        read = room + 0.1 * rng.normal(size=n) * (t > 0)
        found = calibrate_building(
            heat, outside, read, step_s=3600.0, loss_kw_k=20.0, capacity_mj_k=4000.0,
            gain_kw=60.0, sigma_k=0.1,
        )  # fmt: skip
        hits.append(inside(found, np.array([loss, capacity, gain])))
    assert 0.9 <= np.mean(hits) <= 0.99


def test_insulation_lies_in_its_intervals_as_often_as_stated():
    hits, widths = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        b = NetworkBuilder(ambient_c=6.0)
        b.node("s")
        b.node("r", held_kpa=300.0)
        b.lift("plant", "r", "s", lift_kpa=500.0, outlet_c=100.0)
        last = ("s", "r")
        for i in range(6):
            b.node(f"s{i}")
            b.node(f"r{i}")
            more = {"length_m": 900.0, "diameter_m": 0.2, "loss_w_mk": 0.5}
            b.pipe(f"ps{i}", last[0], f"s{i}", **more)
            b.pipe(f"pr{i}", f"r{i}", last[1], **more)
            b.resistance(f"x{i}", f"s{i}", f"r{i}", resistance_kpa_kgs2=20.0, demand_kw=500.0)
            last = (f"s{i}", f"r{i}")
        net, op = b.build()
        group = np.full(net.n_link, -1)
        for k, name in enumerate(net.link_names):
            if name.startswith("p") and name != "plant":
                group[k] = int(name[2:]) // 3
        factor = np.exp(0.35 * rng.normal(size=2))
        truth = replace(net, loss_w_mk=net.loss_w_mk * np.where(group >= 0, factor[group], 1.0))
        nodes = np.array([net.node_index()[f"s{i}"] for i in range(6)])
        bias = 0.2 * rng.normal(size=6)
        points = []
        for _ in range(20):
            op.lift_kpa[0] = rng.uniform(150, 700)
            op.demand_kw[op.demand_kw > 0] = 60.0 * op.lift_kpa[0] ** 0.5 * rng.uniform(0.2, 0.4)
            op.outlet_c[0] = rng.uniform(80, 110)
            state = solve_steady(Solver(truth), op)
            read = state.node_c[nodes] + bias + 0.1 * rng.normal(size=6)
            points.append(WarmPoint(operation=op.copy(), flow_kgs=state.flow_kgs, read_c=read))
        found = calibrate_insulation(net, water(), points, nodes, 0.1, group, bias_k=0.2)
        hits.append(inside(found, factor))
        widths.append((found.high - found.low) / found.value)
        assert found.identifiable.all()
    assert 0.86 <= np.mean(hits) <= 1.0
    assert np.mean(widths) < 0.6


def test_friction_of_pipe_groups_lies_in_its_intervals_as_often_as_stated():
    hits, told = [], []
    for seed in range(6):
        city, rng = make_city(1), np.random.default_rng(50 + seed)
        truth = make_truth(city, rng)
        piping = piping_of(city.network, city.operation, city.taps)
        group = np.unique(piping.network.diameter_m, return_inverse=True)[1]
        errors = replace(ERRORS, friction_share=0.04, group_share=0.05)
        history = winter(city, truth, rng, 2 * 24 * HOUR).pooled(HOUR)
        found = calibrate_friction(piping, learn(piping, history, errors, group=group), group)
        flow = Solver(city.network).solve(city.operation).flow_kgs
        rub = []
        for net in (city.network, truth.network):
            laws = LinkLaws(net, water(), Friction.COLEBROOK)
            laws.prepare(city.operation, np.full(net.n_link, 75.0))
            rub.append(laws.rub_kpa(flow)[piping.link])
        log = np.log(rub[1] / rub[0])
        metres = piping.network.length_m
        true = np.exp(np.bincount(group, log * metres) / np.bincount(group, metres))
        hits.append(inside(found, true))
        told.append(found.identifiable)
    told, hits = np.concatenate(told), np.concatenate(hits)
    assert told.mean() > 0.4
    assert 0.88 <= hits.mean() <= 1.0
    assert hits[told].mean() >= 0.88
