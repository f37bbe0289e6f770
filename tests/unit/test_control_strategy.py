"""When a strategy may write, what the curve proposes, and one pass of control over units."""

import math

import pytest

from heatloop.control.arbiter import Priority, Proposal
from heatloop.control.curve_strategy import (
    PUMP,
    SUPPLY,
    Regulation,
    UnitState,
    next_damped,
    next_trim,
    propose,
)
from heatloop.control.cycle import ControlCycle, shown
from heatloop.control.strategy import Stage, WriteRules, may_write, start_value, write_reason
from heatloop.station.curve import CurveDesign, supply_c
from heatloop.station.modes import StationMode

DESIGN = CurveDesign(supply_c=75, return_c=50, room_c=18, outdoor_c=-9)
POINT = f"UN0001.{SUPPLY}"


def unit(**changes):
    fields = {
        "code": "UN0001", "design": DESIGN, "target_room_c": 18.0, "mode": StationMode.AUTOMATIC,
        "stage": Stage.AUTOMATIC, "setpoint_c": 55.0, "supply_c": 55.0, "setpoint_hz": 40.0,
    }  # fmt: skip
    return UnitState(**(fields | changes))


def test_only_automatic_and_automatic_writes():
    allowed = [(s, m) for s in Stage for m in StationMode if may_write(s, m)]
    assert allowed == [(Stage.AUTOMATIC, StationMode.AUTOMATIC)]


@pytest.mark.parametrize(
    "value, present, written, now, reason",
    [
        (55, 55, None, 0, "first"),
        (60, 55, 0, 599, None),
        (60, 55, 0, 600, "changed"),
        (55.2, 55, 0, 600, None),
        (55.3, 55.0, 0, 600, "changed"),
        (55.2, 55, 0, 1200, "refresh"),
        (55, None, 0, 600, "changed"),
    ],
)
def test_a_write_must_be_worth_it(value, present, written, now, reason):
    assert write_reason(value, present, written, now, WriteRules()) == reason


@pytest.mark.parametrize(
    "setpoint, supply, fresh, start",
    [(55, 60, True, 55), (55, 60, False, 60), (55, None, False, 55), (None, 60, True, 60),
     (None, None, True, None)],
)  # fmt: skip
def test_taking_over_starts_from_what_is(setpoint, supply, fresh, start):
    assert start_value(setpoint, supply, fresh) == start


def test_quality_follows_the_curve_within_the_unit_s_limits():
    (found,) = propose([unit()], -5.0, 0.0)
    assert (found.point, found.source, found.priority) == (POINT, "curve", Priority.CURVE)
    assert found.value == pytest.approx(68.0, abs=0.1)
    assert propose([unit(supply_high_c=50.0)], -5.0, 0.0)[0].value == 50.0
    assert propose([unit(supply_low_c=30.0)], 30.0, 0.0)[0].value == 30.0
    assert propose([unit()], math.nan, 0.0) == []


def test_a_warmer_target_and_cold_rooms_ask_for_more():
    plain = propose([unit()], 0.0, 0.0)[0].value
    warmer = propose([unit(target_room_c=20.0)], 0.0, 0.0)[0].value
    cold = propose([unit(room_mean_c=17.0)], 0.0, 0.0)[0].value
    assert plain == pytest.approx(supply_c(DESIGN, 0.0))
    assert warmer == pytest.approx(supply_c(DESIGN, 0.0, 2.0))
    assert cold == pytest.approx(supply_c(DESIGN, 0.0, 0.5))


def test_quantity_keeps_the_supply_and_turns_the_pump():
    state = unit(regulation=Regulation.QUANTITY, quantity_supply_c=65.0, design_hz=45.0)
    found = {p.point.split(".")[1]: p.value for p in propose([state], -2.0, 0.0)}
    assert found[SUPPLY] == pytest.approx(65.0)
    assert 22.5 < found[PUMP] < 45.0
    mild = {p.point.split(".")[1]: p.value for p in propose([state], 12.0, 0.0)}
    assert mild[PUMP] == 22.5
    assert mild[SUPPLY] < 50.0


def test_trim_learns_slowly_and_not_without_rooms():
    assert next_trim(unit(trim_k=1.0), 3600) == 1.0
    assert next_trim(unit(room_mean_c=17.0), 3600) == pytest.approx(1 / 12)
    assert next_trim(unit(room_mean_c=10.0, trim_k=2.9), 3600) == 3.0


def test_outdoor_temperature_as_buildings_feel_it():
    assert next_damped(None, -5.0, 30) == -5.0
    felt = 0.0
    for _ in range(480):
        felt = next_damped(felt, -10.0, 30)
    assert felt == pytest.approx(-10 * (1 - math.exp(-1)))


def one(outcomes, point=POINT):
    (found,) = [o for o in outcomes if o.plan.point == point]
    return found


def test_first_write_is_where_the_station_already_is():
    cycle = ControlCycle()
    # The station followed its own curve to 57.3; the old set-point means nothing.
    first = one(cycle.step([unit(setpoint_c=40.0, supply_c=57.3)], -5.0, 0.0))
    assert (first.plan.values, first.write) == ([57.3], "first")
    cycle.written(POINT, 0.0)
    state = unit(setpoint_c=57.3, supply_c=57.3)
    for now in (60.0, 300.0, 540.0):
        assert one(cycle.step([state], -5.0, now)).write is None
    second = one(cycle.step([state], -5.0, 600.0))
    assert second.write == "changed"
    assert second.plan.values[0] == pytest.approx(57.3 + 12 / 6, abs=0.11)


def test_an_unchanged_set_point_is_refreshed_before_the_station_lets_go():
    cycle = ControlCycle()
    goal = round(supply_c(DESIGN, -5.0), 1)
    state = unit(setpoint_c=goal, supply_c=goal)
    writes = []
    for now in range(0, 7200, 60):
        outcome = one(cycle.step([state], -5.0, float(now)))
        if outcome.write:
            cycle.written(POINT, float(now))
            writes.append((now, outcome.write))
    assert writes == [(0, "first"), *[(t, "refresh") for t in range(1200, 7200, 1200)]]


@pytest.mark.parametrize(
    "stage, mode, write, visible",
    [
        (Stage.OBSERVE, StationMode.AUTOMATIC, None, False),
        (Stage.ADVISE, StationMode.AUTOMATIC, None, True),
        (Stage.AUTOMATIC, StationMode.REMOTE_MANUAL, None, True),
        (Stage.AUTOMATIC, StationMode.LOCAL, None, True),
        (Stage.AUTOMATIC, StationMode.AUTOMATIC, "first", True),
    ],
)
def test_stages(stage, mode, write, visible):
    outcome = one(ControlCycle().step([unit(stage=stage, mode=mode)], -5.0, 0.0))
    assert outcome.write == write
    assert shown(outcome, stage) is visible
    if write is None:
        # Advice says where to go, not the first step of the way.
        assert outcome.plan.values[0] == pytest.approx(68.0, abs=0.1)


def test_other_proposals_are_heard():
    cap = Proposal(point=POINT, value=None, source="capacity", priority=Priority.CAPACITY,
                   high=60.0)  # fmt: skip
    outcome = one(ControlCycle().step([unit(stage=Stage.ADVISE)], -5.0, 0.0, [cap]))
    assert outcome.plan.values == [60.0]
    assert outcome.decision.reason == "heating_curve clamped"


def test_a_restart_keeps_trim_and_write_times():
    cycle = ControlCycle()
    cycle.step([unit(room_mean_c=16.0)], 0.0, 0.0)
    cycle.step([unit(room_mean_c=16.0)], 0.0, 3600.0)
    assert cycle.trims["UN0001"] == pytest.approx(2 / 12)
    after = ControlCycle()
    after.restore(cycle.trims, {POINT: 3600.0})
    outcome = one(after.step([unit()], 0.0, 3700.0))
    assert outcome.write is None
    assert after.trims["UN0001"] == pytest.approx(2 / 12)
