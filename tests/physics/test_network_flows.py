"""Flows and pressures: two independent solvers, and hand-solvable loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.network.hydraulics import Tree, solve_network


def as_network(parent, pipe, consumer):
    """Return a tree of pipe pairs as a general network: root supply 0, root return 1."""
    n = len(parent)
    supply, back = [2 + i for i in range(n)], [2 + n + i for i in range(n)]
    start, end, r = [], [], []
    for node, above in enumerate(parent):
        start += [supply[above] if above >= 0 else 0, back[node], supply[node]]
        end += [supply[node], back[above] if above >= 0 else 1, back[node]]
        r += [pipe[node] / 2, pipe[node] / 2, 1.0 / consumer[node] ** 2]
    return np.array(start), np.array(end), np.array(r), np.zeros(len(r)), 2 + 2 * n


@settings(max_examples=100)
@given(st.data())
def test_closed_form_of_a_tree_equals_newton(data):
    n = data.draw(st.integers(1, 7))
    parent = [data.draw(st.integers(-1, i - 1)) for i in range(n)]
    number = st.floats(0.001, 0.2)
    pipe = [data.draw(number) for _ in range(n)]
    consumer = [data.draw(st.floats(0.05, 2.0)) for _ in range(n)]
    tree = Tree(parent)
    root, seen = tree.conductances(pipe, consumer)
    dp, flow = tree.differences_kpa(pipe, seen, 300.0)
    start, end, r, lift, count = as_network(parent, pipe, consumer)
    found = solve_network(start, end, r, lift, {0: 550.0, 1: 250.0}, count)
    assert np.allclose(found.flow_kgs[0::3], flow, rtol=1e-5, atol=1e-5)
    pressures = found.pressure_kpa
    assert np.allclose(pressures[2 : 2 + n] - pressures[2 + n :], dp, rtol=1e-5, atol=1e-4)
    assert root * 300.0**0.5 == pytest.approx(
        sum(f for f, above in zip(flow, parent, strict=True) if above < 0)
    )


def test_two_ways_round_a_loop_share_by_their_resistance():
    # 0 -> 1 directly (r 1) or through 2 (r 2 + 2 = 4): flows stand 2 : 1.
    found = solve_network(
        np.array([0, 0, 2]),
        np.array([1, 2, 1]),
        np.array([1.0, 2.0, 2.0]),
        np.zeros(3),
        {0: 100.0},
        3,
        demand_kgs=np.array([-9.0, 9.0, 0.0]),
    )
    assert found.flow_kgs == pytest.approx([6.0, 3.0, 3.0], rel=1e-6)
    assert found.pressure_kpa == pytest.approx([100.0, 64.0, 82.0], rel=1e-6)


def test_flow_turns_round_when_the_lift_does():
    links = np.array([0, 1]), np.array([1, 0])
    forward = solve_network(*links, np.array([1.0, 1.0]), np.array([50.0, 0.0]), {0: 0.0}, 2)
    reverse = solve_network(*links, np.array([1.0, 1.0]), np.array([-50.0, 0.0]), {0: 0.0}, 2)
    assert forward.flow_kgs == pytest.approx([5.0, 5.0])
    assert reverse.flow_kgs == pytest.approx([-5.0, -5.0])


def test_it_starts_again_from_known_flows_in_fewer_steps():
    start, end, r, lift, count = as_network([-1, 0, 1, 1], [0.01] * 4, [1.0] * 4)
    cold = solve_network(start, end, r, lift, {0: 700.0, 1: 300.0}, count)
    warm = solve_network(start, end, r, lift, {0: 704.0, 1: 300.0}, count, flow_kgs=cold.flow_kgs)
    assert warm.iterations < cold.iterations


def test_a_pump_lifts_a_closed_loop():
    # Pump 1 -> 0 with a little resistance of its own, load 0 -> 1.
    links = np.array([1, 0]), np.array([0, 1])
    r, lift = np.array([0.01, 0.15]), np.array([400.0, 0.0])
    found = solve_network(*links, r, lift, {1: 300.0}, 2)
    assert found.flow_kgs == pytest.approx([50.0, 50.0])
    assert found.pressure_kpa == pytest.approx([675.0, 300.0])


def test_what_cannot_be_solved_is_said():
    links = np.array([0, 1]), np.array([1, 0])
    with pytest.raises(InputError):
        solve_network(*links, np.ones(2), np.array([50.0, 0.0]), {0: 0.0}, 2, most_iterations=1)
