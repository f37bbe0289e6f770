"""State estimation against dense least squares, and on a city whose truth is hidden."""

import time
from itertools import pairwise

import numpy as np
import pytest

from bench.leak_city import make_city, make_truth
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import Friction, LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.twin.estimate import Estimator, Trust
from heatloop.network.twin.laws import LinkLaws
from heatloop.network.twin.meters import MeterKind, Meters, meters_of
from heatloop.network.twin.warmth import WarmthEstimator


def small():
    b = NetworkBuilder()
    b.node("s")
    b.node("r", held_kpa=300.0)
    for i in range(3):
        b.node(f"s{i}")
        b.node(f"m{i}")
        b.node(f"r{i}")
    b.lift("plant", "r", "s", lift_kpa=400.0, resistance_kpa_kgs2=0.01, outlet_c=100.0)
    ends = ("s", "s0", "s1", "s2", "s")
    for i, (x, y) in enumerate(pairwise(ends)):
        d = (0.25, 0.2, 0.2, 0.2)[i]
        more = {"length_m": 400.0 + 50 * i, "diameter_m": d, "loss_w_mk": 0.4}
        b.pipe(f"ps{i}", x, y, **more)
        b.pipe(f"pr{i}", y.replace("s", "r"), x.replace("s", "r"), **more)
    for i in range(3):
        b.valve(f"v{i}", f"s{i}", f"m{i}", kvs_m3h=60.0, opening_pct=70 + 5 * i)
        b.resistance(f"x{i}", f"m{i}", f"r{i}", resistance_kpa_kgs2=0.2, demand_kw=2500.0 + 200 * i)
    return b.build()


def read_all(net, flows, rng, sigma=(0.1, 1.0)):
    rows = [(f"q{i}", MeterKind.FLOW, f"v{i}", sigma[0]) for i in range(3)]
    rows += [("plant", MeterKind.FLOW, "plant", 0.3), ("makeup", MeterKind.INFLOW, "r", 0.05)]
    rows += [(f"p{n}", MeterKind.PRESSURE, n, sigma[1]) for n in ("s0", "s1", "s2", "r0", "s", "r")]
    links, nodes = net.link_index(), net.node_index()
    truth = {
        MeterKind.FLOW: lambda place: flows.flow_kgs[links[place]],
        MeterKind.PRESSURE: lambda place: flows.pressure_kpa[nodes[place]],
        MeterKind.INFLOW: lambda place: 0.0,
    }
    return meters_of(
        net,
        [(n, k, place, truth[k](place) + s * rng.normal(), s) for n, k, place, s in rows],
    )


def dense(net, op, meters, trust, m, leak_sigma):
    """Least squares over all flows, pressures and outflows with exact balances, by a dense KKT."""
    laws = LinkLaws(net, water(), Friction.COLEBROOK)
    laws.prepare(op, np.full(net.n_link, 60.0))
    value, slope = laws.at(m)
    share = np.array([trust.law_share[LinkKind(k)] for k in net.kind])
    error = laws.error_kpa(value, share, trust.law_least_kpa)
    n_l, n_n = net.n_link, net.n_node
    a = np.zeros((n_n, n_l))
    a[net.to_node, np.arange(n_l)] += 1.0
    a[net.from_node, np.arange(n_l)] -= 1.0
    rows, right = [], []

    def row(weight, z, flow=None, pressure=None, outflow=None):
        line = np.zeros(n_l + 2 * n_n)
        for part, at in ((flow, 0), (pressure, n_l), (outflow, n_l + n_n)):
            if part is not None:
                line[at : at + len(part)] = part
        rows.append(line * weight)
        right.append(z * weight)

    for k in range(n_l):
        # h(m0) + slope (m - m0) - (p_from - p_to) = 0 within its error.
        row(1 / error[k], slope[k] * m[k] - value[k], np.eye(n_l)[k] * slope[k], a[:, k])
    prior = np.full(n_n, 1e-5) if leak_sigma is None else np.hypot(leak_sigma, 1e-5)
    inflow = np.zeros(n_n)
    for kind, place, z, s in zip(
        meters.kind, meters.place, meters.value, meters.sigma, strict=True
    ):
        if kind == MeterKind.FLOW:
            row(1 / s, z, np.eye(n_l)[place])
        elif kind == MeterKind.PRESSURE:
            row(1 / s, z, None, np.eye(n_n)[place])
        else:
            prior[place] = s if leak_sigma is None else np.hypot(s, leak_sigma[place])
            inflow[place] = -z
    for v in range(n_n):
        row(1 / prior[v], inflow[v], None, None, np.eye(n_n)[v])
    j, z = np.array(rows), np.array(right)
    c = np.hstack((a, np.zeros((n_n, n_n)), -np.eye(n_n)))
    kkt = np.block([[j.T @ j, c.T], [c, np.zeros((n_n, n_n))]])
    inverse = np.linalg.inv(kkt)
    x = inverse @ np.concatenate((j.T @ z, np.zeros(n_n)))
    sigma = np.sqrt(np.maximum(np.diag(inverse), 0.0))
    return x, sigma, n_l, n_n


@pytest.mark.parametrize("leak", [None, 0.5])
def test_it_is_the_dense_least_squares_solution_with_its_covariance(leak):
    net, op = small()
    flows = Solver(net).solve(op)
    meters = read_all(net, flows, np.random.default_rng(1))
    trust = Trust()
    sigma = None if leak is None else np.full(net.n_node, leak)
    found = Estimator(net, water(), trust=trust).estimate(
        op, meters, leak_sigma_kgs=sigma, remove_above=99.0
    )
    assert found.settled
    x, s, n_l, n_n = dense(net, op, meters, trust, found.flow_kgs, sigma)
    assert found.flow_kgs == pytest.approx(x[:n_l], abs=1e-5)
    assert found.pressure_kpa == pytest.approx(x[n_l : n_l + n_n], abs=1e-3)
    assert found.outflow_kgs == pytest.approx(x[n_l + n_n : n_l + 2 * n_n], abs=1e-5)
    assert found.flow_sigma_kgs == pytest.approx(s[:n_l], rel=1e-4)
    assert found.pressure_sigma_kpa == pytest.approx(s[n_l : n_l + n_n], rel=1e-4)
    assert found.outflow_sigma_kgs == pytest.approx(s[n_l + n_n : n_l + 2 * n_n], rel=1e-3)


def test_errors_are_as_large_as_stated_and_balances_close():
    net, op = small()
    flows = Solver(net).solve(op)
    estimator = Estimator(net, water(), trust=Trust())
    metered = [net.link_index()[f"v{i}"] for i in range(3)]
    away, squares, degrees = [], [], []
    for seed in range(200):
        found = estimator.estimate(
            op, read_all(net, flows, np.random.default_rng(seed)), remove_above=99.0
        )
        away.append(((found.flow_kgs - flows.flow_kgs) / found.flow_sigma_kgs)[metered])
        squares.append(found.chi_square)
        degrees.append(found.degrees)
        balance = np.zeros(net.n_node)
        np.add.at(balance, net.to_node, found.flow_kgs)
        np.add.at(balance, net.from_node, -found.flow_kgs)
        assert balance == pytest.approx(found.outflow_kgs, abs=1e-7)
    # The laws are exact here, so the errors are smaller than what allows for 10-30 % of them.
    assert np.sqrt(np.mean(np.square(away))) < 1.05
    assert np.mean(squares) < np.mean(degrees)


def test_two_broken_meters_are_named_worst_first_and_do_no_harm():
    net, op = small()
    flows = Solver(net).solve(op)
    meters = read_all(net, flows, np.random.default_rng(3))
    value = meters.value.copy()
    wrong = meters.name.index("q1"), meters.name.index("ps2")
    value[wrong[0]] *= 1.15
    value[wrong[1]] += 12.0
    trust = Trust(law_share=dict.fromkeys(LinkKind, 0.03))
    found = Estimator(net, water(), trust=trust).estimate(op, meters.reading(value))
    assert set(found.bad) == set(wrong)
    assert found.plausible
    link = net.link_index()["v1"]
    assert found.flow_kgs[link] == pytest.approx(flows.flow_kgs[link], rel=0.05)
    clean = Estimator(net, water(), trust=trust).estimate(op, meters)
    assert clean.bad == ()


def test_a_leak_looked_for_at_every_node_is_put_where_it_is():
    net, op = small()
    solver = Solver(net)
    node = net.node_index()["s1"]
    op.outflow_kgs[node] = 3.0
    flows = solver.solve(op)
    op.outflow_kgs[node] = 0.0
    meters = read_all(net, flows, np.random.default_rng(5), (0.05, 0.2))
    value = meters.value.copy()
    value[meters.name.index("makeup")] = 3.0
    trust = Trust(law_share=dict.fromkeys(LinkKind, 0.02))
    plain = Estimator(net, water(), trust=trust).estimate(
        op, meters.reading(value), remove_above=99.0
    )
    assert int(np.argmax(plain.leak_score)) == node
    spread = np.full(net.n_node, 3.0)
    spread[net.node_index()["r"]] = 0.0
    found = Estimator(net, water(), trust=trust).estimate(
        op, meters.reading(value), leak_sigma_kgs=spread, remove_above=99.0
    )
    assert int(np.argmax(found.outflow_kgs)) == node
    assert found.outflow_kgs.sum() == pytest.approx(0.0, abs=1e-6)
    made = -found.outflow_kgs[net.node_index()["r"]]
    assert made == pytest.approx(3.0, abs=0.2)
    assert found.outflow_kgs[node] > 0.5 * made


def city_meters(city, state, rng):
    n = len(city.valve)
    rows = np.concatenate((state.flow_kgs[city.valve], state.flow_kgs[city.plant]))
    places = np.concatenate((city.valve, city.plant))
    taps = np.concatenate((city.taps.supply_node, city.taps.return_node))
    pressure = state.pressure_kpa[taps]
    held = int(np.flatnonzero(city.network.pressure_held)[0])
    return Meters(
        name=tuple(f"meter {i}" for i in range(len(places) + len(taps) + 1)),
        kind=np.array([0] * len(places) + [1] * len(taps) + [2], np.int64),
        place=np.concatenate((places, taps, [held])),
        value=np.concatenate(
            (rows * (1 + 0.01 * rng.normal(size=len(rows))),
             pressure + 2.0 * rng.normal(size=len(taps)), [0.01])
        ),
        sigma=np.concatenate((0.01 * rows, np.full(len(taps), 2.0), [0.1])),
    ), n  # fmt: skip


def test_a_city_known_only_from_the_book_is_estimated_within_its_errors():
    city = make_city(1)
    rng = np.random.default_rng(4)
    truth = make_truth(city, rng)
    state = Solver(truth.network).solve(city.operation)
    meters, n = city_meters(city, state, rng)
    found = Estimator(city.network, water()).estimate(city.operation, meters)
    assert found.settled
    away = (found.flow_kgs - state.flow_kgs) / found.flow_sigma_kgs
    pipes = city.network.kind == LinkKind.PIPE
    assert np.mean(np.abs(away[pipes]) < 1.96) > 0.9
    book = Solver(city.network).solve(city.operation).flow_kgs
    error = (found.flow_kgs - state.flow_kgs)[city.valve].std()
    assert error < 0.5 * (book - state.flow_kgs)[city.valve].std()
    assert error < 1.0 * (meters.value[:n] - state.flow_kgs[city.valve]).std()


def test_temperatures_between_meters_follow_losses_and_a_bad_thermometer_is_named():
    net, op = small()
    state = solve_steady(Solver(net), op)
    nodes = ("s", "s0", "s2", "r0", "r1", "r2", "r")
    rng = np.random.default_rng(2)
    number = net.node_index()
    rows = [
        (n, MeterKind.TEMPERATURE, n, state.node_c[number[n]] + 0.3 * rng.normal(), 0.3)
        for n in nodes
    ]
    meters = meters_of(net, rows)
    found = WarmthEstimator(net).estimate(0.0, state.flow_kgs, op, meters)
    assert found.bad == ()
    assert found.node_c == pytest.approx(state.node_c, abs=1.0)
    assert found.node_c[number["s1"]] == pytest.approx(state.node_c[number["s1"]], abs=0.6)
    value = meters.value.copy()
    value[2] -= 6.0
    again = WarmthEstimator(net).estimate(0.0, state.flow_kgs, op, meters.reading(value))
    assert again.bad == (2,)
    assert again.node_c[number["s2"]] == pytest.approx(state.node_c[number["s2"]], abs=1.0)


def test_a_step_at_the_source_arrives_after_the_travel_time():
    b = NetworkBuilder()
    b.node("a", held_kpa=300.0)
    b.node("b")
    b.pipe("pipe", "a", "b", length_m=1000.0, diameter_m=0.2, loss_w_mk=0.3)
    net, op = b.build()
    flow = np.array([15.0])
    travel = net.volume_m3()[0] * 965.0 / 15.0
    estimator = WarmthEstimator(net)
    seen = []
    for k in range(120):
        source = 80.0 if k < 40 else 100.0
        meters = meters_of(net, [("a", MeterKind.TEMPERATURE, "a", source, 0.1)])
        seen.append(estimator.estimate(60.0 * k, flow, op, meters).node_c[1])
    crossed = next(k for k, c in enumerate(seen) if k > 40 and c > 89.0)
    assert (crossed - 40) * 60.0 == pytest.approx(travel, abs=90.0)
    kept = np.exp(-0.3 * 1000 / 1000 / (4.187 * 15.0))
    assert seen[-1] == pytest.approx(5.0 + 95.0 * kept, abs=0.05)


@pytest.mark.parametrize("stations, limit_s", [(40, 0.02), (1000, 1.0)])
def test_a_warm_estimate_is_in_time(stations, limit_s):
    city, rng = make_city(1, stations), np.random.default_rng(0)
    state = Solver(city.network).solve(city.operation)
    meters, _ = city_meters(city, state, rng)
    estimator = Estimator(city.network, water())
    estimator.estimate(city.operation, meters)
    took = []
    for _ in range(5):
        again = meters.reading(
            meters.value + 0.1 * meters.sigma * rng.normal(size=len(meters.name))
        )
        started = time.perf_counter()
        found = estimator.estimate(city.operation, again)
        took.append(time.perf_counter() - started)
    assert found.settled
    assert min(took) < limit_s
