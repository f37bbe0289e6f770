"""One unit's controller, step by step: modes, fall-back, interlocks, fail-last."""

import math

import pytest

from heatloop.station.curve import CurveTable
from heatloop.station.interlocks import Interlock
from heatloop.station.modes import StationMode
from heatloop.station.unit_logic import UnitInputs, UnitLogic, UnitSettings

TABLE = CurveTable(((-10, 70), (10, 40)))


def seen(**changes):
    fields = {
        "supply_c": 55.0, "return_c": 40.0, "supply_kpa": 500.0, "return_kpa": 300.0,
        "outdoor_c": 0.0, "tank_level_m": 1.5, "setpoint_c": 60.0, "setpoint_age_s": 0.0,
    }  # fmt: skip
    return UnitInputs(**(fields | changes))


def logic(valve_pct=40.0, **settings):
    return UnitLogic(UnitSettings(curve=TABLE, **settings), valve_pct=valve_pct, pump_hz=40.0)


def goal(unit, inputs, steps=120):
    """Where the target ends up when everything stays as it is."""
    for _ in range(steps):
        out = unit.step(inputs, 30)
    return out.target_c, out.source


def test_follows_a_fresh_set_point():
    assert goal(logic(), seen()) == (60.0, "setpoint")


@pytest.mark.parametrize("age", [None, 1801.0])
def test_falls_back_to_its_own_curve(age):
    assert goal(logic(), seen(setpoint_age_s=age)) == (55.0, "curve")
    assert goal(logic(), seen(setpoint_c=math.nan)) == (55.0, "curve")


def test_local_follows_its_own_curve():
    assert goal(logic(), seen(mode=StationMode.LOCAL)) == (55.0, "curve")


def test_curve_goes_on_with_the_last_outdoor_temperature():
    unit = logic()
    unit.step(seen(outdoor_c=-10.0), 30)
    assert goal(unit, seen(outdoor_c=None, setpoint_age_s=None)) == (70.0, "curve")
    assert goal(logic(), seen(outdoor_c=None, setpoint_age_s=None)) == (55.0, "curve")


def test_target_stays_below_the_interlock_and_moves_slowly():
    unit = logic(supply_high_c=61.0)
    assert unit.step(seen(setpoint_c=80.0), 30).target_c == 55.5
    assert goal(unit, seen(setpoint_c=80.0)) == (59.0, "setpoint")


def test_remote_manual_is_the_valve_by_hand_and_back_without_a_bump():
    unit = logic(valve_pct=40.0)
    manual = seen(mode=StationMode.REMOTE_MANUAL, valve_setpoint_pct=65.0)
    out = [unit.step(manual, 30) for _ in range(4)][-1]
    assert (out.valve_opening_pct, out.source, out.target_c) == (65.0, "manual", None)
    back = unit.step(seen(), 30)
    assert back.valve_opening_pct == pytest.approx(65.0, abs=1.5)


def test_starts_from_the_fed_back_opening():
    unit = UnitLogic(UnitSettings(curve=TABLE))
    assert unit.step(seen(valve_pct=37.0), 1).valve_opening_pct == pytest.approx(37.0, abs=0.5)


def test_sensor_lost_holds_the_valve():
    unit = logic(valve_pct=33.0)
    out = [unit.step(seen(supply_c=None), 30) for _ in range(5)][-1]
    assert (out.valve_opening_pct, out.source) == (33.0, "held")
    assert out.interlock_word & Interlock.SENSOR_LOST
    assert unit.step(seen(supply_c=math.nan), 30).valve_opening_pct == 33.0


@pytest.mark.parametrize(
    "bad, bit, expected",
    [
        ({"supply_c": 86.0}, Interlock.OVER_TEMPERATURE, {"valve_opening_pct": 0.0}),
        ({"supply_kpa": 1600.0}, Interlock.OVER_PRESSURE,
         {"valve_opening_pct": 0.0, "pump_hz": 0.0, "makeup_on": False}),
        ({"return_kpa": 50.0}, Interlock.RETURN_PRESSURE_LOW,
         {"valve_opening_pct": 0.0, "pump_hz": 0.0, "makeup_on": True}),
        ({"return_kpa": 1350.0}, Interlock.RETURN_PRESSURE_HIGH, {"makeup_on": False}),
        ({"return_kpa": 200.0, "tank_level_m": 0.1}, Interlock.DRY_RUN, {"makeup_on": False}),
        ({"return_kpa": 200.0, "flood": True}, Interlock.FLOOD, {"makeup_on": False}),
        ({"pump_fault": 2}, Interlock.PUMP_FAULT, {"valve_opening_pct": 0.0, "pump_hz": 0.0}),
        ({"pump_setpoint_hz": 0.0}, Interlock.NO_CIRCULATION, {"valve_opening_pct": 0.0}),
        ({"supply_c": 4.0, "return_c": 4.0}, Interlock.FROST, {"valve_opening_pct": 40.0}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", list(StationMode))
def test_interlocks_act_within_one_step_in_every_mode(bad, bit, expected, mode):
    unit = logic(valve_pct=40.0)
    inputs = {"mode": mode, "valve_setpoint_pct": 40.0, "pump_setpoint_hz": 40.0}
    unit.step(seen(**inputs), 1)
    out = unit.step(seen(**(inputs | bad)), 1)
    assert out.interlock_word & bit
    for name, value in expected.items():
        assert getattr(out, name) == pytest.approx(value, abs=2.0), name


def test_frost_opens_a_shut_valve_and_starts_the_pump():
    unit = UnitLogic(UnitSettings(curve=TABLE), valve_pct=0.0, pump_hz=0.0)
    cold = seen(supply_c=4.0, return_c=3.0, pump_setpoint_hz=0.0, mode=StationMode.REMOTE_MANUAL)
    out = unit.step(cold, 1)
    assert (out.valve_opening_pct, out.pump_hz) == (30.0, 20.0)
    standing = unit.step(seen(supply_c=4.0, return_c=3.0, pump_fault=1), 1)
    assert (standing.valve_opening_pct, standing.pump_hz) == (5.0, 0.0)


def test_a_tripped_pump_waits_before_it_starts_again():
    unit = logic()
    unit.step(seen(supply_kpa=1600.0), 30)
    stopped = [unit.step(seen(), 30).pump_hz for _ in range(7)]
    assert stopped == [0.0] * 5 + [pytest.approx(40.0), pytest.approx(40.0)]


def test_make_up_on_request_only_by_hand_and_never_past_the_band():
    unit = logic()
    manual = {"mode": StationMode.REMOTE_MANUAL, "makeup_command": True}
    assert unit.step(seen(**manual), 30).makeup_on
    assert not unit.step(seen(**manual, return_kpa=320.0), 30).makeup_on
    assert not logic().step(seen(makeup_command=True), 30).makeup_on


def test_pump_ramps():
    unit = logic()
    assert unit.step(seen(pump_setpoint_hz=50.0), 5).pump_hz == 45.0
    assert unit.step(seen(pump_setpoint_hz=99.0), 30).pump_hz == 50.0
    assert unit.step(seen(pump_setpoint_hz=5.0), 60).pump_hz == 20.0


@pytest.mark.parametrize("asked, opened", [(math.nan, 40.0), (130.0, 100.0), (-5.0, 0.0)])
def test_a_nonsense_opening_is_not_passed_on(asked, opened):
    out = logic(valve_pct=40.0).step(
        seen(mode=StationMode.REMOTE_MANUAL, valve_setpoint_pct=asked), 1
    )
    assert out.valve_opening_pct == opened
