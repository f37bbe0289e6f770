"""Small parts of the twin: zones, flows of throttled links, limits of the leak balance, meters."""

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.twin.answers import Answers
from heatloop.network.twin.balance import BalanceSample, LeakBalance, LeakState
from heatloop.network.twin.meters import MeterKind, meters_of
from heatloop.network.twin.zones import zones_of


def test_a_pipe_belongs_to_the_tap_its_middle_is_nearest_to():
    # Tap 0 at node 0, 300 m, 100 m, tap 1 at node 3; a spur of 50 m at node 1.
    start, end = np.array([0, 1, 2, 1]), np.array([1, 2, 3, 4])
    metres = np.array([100.0, 150.0, 100.0, 50.0])
    zones = zones_of(start, end, metres, np.array([0, 3]), np.array([0, 1]), 5)
    assert zones[[0, 2, 3]].tolist() == [0, 1, 0]
    # The middle of the second is 175 m from either; one metre more ahead and it changes hands.
    step = np.array([1.0, 0.0, 0.0, 0.0])
    longer = zones_of(start, end, metres + step, np.array([0, 3]), np.array([0, 1]), 5)
    shorter = zones_of(start, end, metres - step, np.array([0, 3]), np.array([0, 1]), 5)
    assert (shorter[1], longer[1]) == (0, 1)


def test_a_throttled_link_answers_with_its_own_flow():
    b = NetworkBuilder()
    b.node("a", held_kpa=500.0)
    b.node("b")
    b.node("c", held_kpa=300.0)
    b.resistance("first", "a", "b", resistance_kpa_kgs2=1.0)
    b.resistance("second", "b", "c", resistance_kpa_kgs2=1.0)
    net, op = b.build()
    solver = Solver(net)
    flows = solver.solve(op)
    assert flows.flow_kgs == pytest.approx([10.0, 10.0])
    pressure, flow = Answers(solver).to_losses(np.array([0]), np.array([4.0]))
    # 200 = 2 m^2 + 4 at the first order: dm = -4 / (4 m).
    assert flow[0] == pytest.approx([-0.1, -0.1])
    assert pressure[0] == pytest.approx([0.0, -2.0, 0.0])


def run(noise_kgs, leak_kgs, leak_h=40.0, hours=48.0, seed=0):
    rng = np.random.default_rng(seed)
    watch = LeakBalance(3.0)
    for t in np.arange(0.0, hours * 3600.0, 60.0).tolist():
        lost = 1.0 + leak_kgs * (t >= leak_h * 3600.0)
        # Noise that lasts as long as a block.
        if t % 300.0 == 0.0:
            off = noise_kgs * rng.normal()
        said = watch.take(BalanceSample(t_s=t, makeup_kgs=lost + off))
        if said.state is LeakState.LEAKING:
            break
    return t / 3600.0, said


def test_the_fast_test_needs_no_more_than_twenty_minutes():
    hour, said = run(0.1, 3.0)
    assert said.state is LeakState.LEAKING
    assert 40.0 < hour <= 40.0 + 21.0 / 60.0
    assert said.since_s / 3600.0 == pytest.approx(40.0, abs=0.35)
    assert said.detectable_kgs == pytest.approx(0.6 * 3.0, abs=0.25)


def test_where_make_up_is_restless_the_limit_rises_with_it():
    hours = [run(2.0, 0.0, seed=seed) for seed in range(12)]
    assert [said.state for _, said in hours].count(LeakState.LEAKING) == 0
    said = hours[0][1]
    assert said.sigma_kgs == pytest.approx(1.0, rel=0.25)
    assert said.detectable_kgs == pytest.approx(6.645 * said.sigma_kgs)


def test_while_it_learns_it_says_so_and_knows_nothing():
    _, said = run(0.1, 0.0, hours=10.0)
    assert said.state is LeakState.LEARNING
    assert np.isnan(said.lost_kgs)
    assert np.isnan(said.detectable_kgs)


def test_an_accepted_leak_is_the_new_habit():
    watch, t = LeakBalance(3.0), 0.0
    states = []
    for k in range(4 * 1440):
        t = 60.0 * k
        lost = 1.0 + 4.0 * (k > 2 * 1440)
        states.append(watch.take(BalanceSample(t_s=t, makeup_kgs=lost)).state)
        if k == 3 * 1440:
            watch.accept()
    assert states[2 * 1440 + 30] is LeakState.LEAKING
    assert LeakState.LEAKING not in states[3 * 1440 + 1 :]
    assert states[-1] is LeakState.QUIET


def test_meters_at_unknown_places_or_without_error_are_refused():
    b = NetworkBuilder()
    b.node("a", held_kpa=500.0)
    b.node("b")
    b.resistance("ab", "a", "b", resistance_kpa_kgs2=1.0)
    net, _ = b.build()
    with pytest.raises(InputError, match="unknown link"):
        meters_of(net, [("m", MeterKind.FLOW, "a", 1.0, 0.1)])
    with pytest.raises(InputError, match="sigma"):
        meters_of(net, [("m", MeterKind.PRESSURE, "a", 1.0, 0.0)])
    pair = meters_of(
        net,
        [("m", MeterKind.PRESSURE, "a", 1.0, 1.0), ("n", MeterKind.PRESSURE, "a", 4.0, 0.5)],
    )
    weight, mean = pair.combined(MeterKind.PRESSURE, net.n_node)
    assert weight.tolist() == [5.0, 0.0]
    assert mean[0] == pytest.approx(3.4)
