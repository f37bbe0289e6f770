"""The arbiter as a table: who proposes what within which bounds, and what becomes of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.control.arbiter import Bounds, Priority, Proposal, arbitrate
from heatloop.kernel.errors import InputError

INF = math.inf


def p(source, priority, value=None, low=-INF, high=INF, point="UN0001.x"):
    return Proposal(point=point, value=value, source=source, priority=priority, low=low, high=high,
                    reason=source)  # fmt: skip


def optimiser(value=None, low=-INF, high=INF):
    return p("mpc", Priority.OPTIMISER, value, low, high)


def curve(value=None, low=-INF, high=INF):
    return p("curve", Priority.CURVE, value, low, high)


def person(value=None, low=-INF, high=INF):
    return p("person", Priority.PERSON, value, low, high)


def wish(value=None, low=-INF, high=INF):
    return p("wish", Priority.WISH, value, low, high)


PLANT = Bounds(low=20, high=85, safe=50)


@pytest.mark.parametrize(
    "proposals, value, winner, left",
    [
        # Nobody, and only bounds.
        ([], None, "", (20, 85)),
        ([curve(low=30)], None, "", (30, 85)),
        # One.
        ([curve(60)], 60, "curve", (20, 85)),
        ([curve(99)], 85, "curve", (20, 85)),
        ([curve(5)], 20, "curve", (20, 85)),
        ([curve(60, 65, 70)], 65, "curve", (65, 70)),
        # The lower preference wins inside the bounds of the higher.
        ([optimiser(60), curve(55)], 55, "curve", (20, 85)),
        ([optimiser(60, 58, 62), curve(55)], 58, "curve", (58, 62)),
        ([optimiser(60, 58, 62), curve(70)], 62, "curve", (58, 62)),
        ([optimiser(60, 60, 60), curve(70)], 60, "curve", (60, 60)),
        ([optimiser(60, 50, 70), curve(low=55, high=65)], 60, "mpc", (55, 65)),
        # A person who insists is obeyed by everybody, except by the plant's bounds.
        ([person(40, 40, 40), optimiser(60), curve(55), wish(70)], 40, "wish", (40, 40)),
        ([person(95, 95, 95), curve(55)], 85, "curve", (85, 85)),
        # Disjoint bounds: the nearest edge of what the higher one left.
        ([optimiser(60, 58, 62), curve(75, 70, 80)], 62, "curve", (62, 62)),
        ([optimiser(60, 58, 62), curve(45, 40, 50)], 58, "curve", (58, 58)),
        # Three levels narrow one after another.
        ([person(low=30, high=70), optimiser(65, 60, 80), wish(90)], 70, "wish", (60, 70)),
        ([wish(21), curve(55, 50, 60), person(low=52)], 52, "wish", (52, 60)),
        # A broken strategy is not heard at all.
        ([optimiser(math.nan, 30, 31), curve(55)], 55, "curve", (20, 85)),
        ([optimiser(60, 62, 58), curve(55)], 55, "curve", (20, 85)),
        ([optimiser(60, math.nan, 70), curve(55)], 55, "curve", (20, 85)),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_priority_narrows_and_the_last_preference_wins(proposals, value, winner, left, order):
    decision = arbitrate(proposals[::order], PLANT)
    assert (decision.value, decision.winner) == (value, winner)
    assert (decision.low, decision.high) == left


@pytest.mark.parametrize(
    "bounds, value",
    [(None, None), (Bounds(low=60, high=50, safe=45), 45), (Bounds(low=60, high=50), None),
     (Bounds(low=math.nan, high=50, safe=45), 45)],
)  # fmt: skip
def test_lost_bounds_give_the_safe_value(bounds, value):
    decision = arbitrate([person(70, 70, 70)], bounds)
    assert (decision.value, decision.winner, decision.reason) == (value, "safe", "bounds_lost")


@pytest.mark.parametrize(
    "current, dt_s, value, reason",
    [
        (50.0, 600, 52.0, "curve ramped"),
        (50.0, 0, 50.0, "curve ramped"),
        (59.0, 600, 60.0, "curve"),
        (70.0, 600, 68.0, "curve ramped"),
        (None, 600, 60.0, "curve"),
        (math.nan, 600, 60.0, "curve"),
        # Safety knows no ramp.
        (95.0, 0, 85.0, "curve ramped"),
        (5.0, 0, 20.0, "curve ramped"),
    ],
)
def test_ramp(current, dt_s, value, reason):
    decision = arbitrate([curve(60)], PLANT, current, 12.0, dt_s)
    assert decision.value == pytest.approx(value)
    assert decision.reason == reason


def test_clamping_is_said():
    assert arbitrate([curve(99)], PLANT).reason == "curve clamped"


def test_one_point_at_a_time():
    with pytest.raises(InputError):
        arbitrate([curve(60), p("b", 1, 50, point="UN0002.x")], PLANT)


NUMBER = st.floats(-50, 150) | st.just(math.nan)
PROPOSALS = st.lists(
    st.builds(
        Proposal,
        point=st.just("x"),
        value=st.none() | NUMBER,
        source=st.sampled_from("abc"),
        priority=st.integers(0, 1000),
        low=NUMBER | st.just(-INF),
        high=NUMBER | st.just(INF),
    ),
    max_size=6,
)


@given(PROPOSALS, st.none() | NUMBER, st.floats(0, 100), st.floats(0, 3600))
def test_nothing_outside_the_bounds_is_ever_decided(proposals, current, ramp, dt_s):
    decision = arbitrate(proposals, PLANT, current, ramp, dt_s)
    assert PLANT.low <= decision.low <= decision.high <= PLANT.high
    if decision.value is not None:
        assert decision.low <= decision.value <= decision.high


@given(PROPOSALS, st.integers(0, 5))
def test_who_insists_at_the_top_is_obeyed(proposals, at):
    king = p("king", 2000, 55.0, 55.0, 55.0, point="x")
    decision = arbitrate([*proposals[:at], king, *proposals[at:]], PLANT)
    assert decision.value == 55.0
