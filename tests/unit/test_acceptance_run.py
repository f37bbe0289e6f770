"""The functional test as a state machine, on a station that stands on a bench."""

from __future__ import annotations

import pytest

from heatloop.kernel.errors import InputError
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_script import Request, SeenAlarm
from heatloop.plant.acceptance_steps import TrialSettings
from tests.unit.bench_station import UNIT, BenchStation, states, town_target

QUICK = TrialSettings(window_s=120, technician_s=600, recover_s=900)


def alarm(rule: str, station: BenchStation, subject: str = UNIT) -> SeenAlarm:
    return SeenAlarm(
        id=f"{rule}{station.fault}", subject=subject, rule=rule, onset_s=station.now_s, active=True
    )


def protecting(station: BenchStation) -> tuple[SeenAlarm, ...]:
    """A station that tells every fault and protects itself."""
    match station.fault:
        case "sensor_open":
            station.valve = 0.0
            return (alarm("interlock.over_temperature", station),)
        case "sensor_short":
            return (alarm("interlock.sensor_lost", station),)
        case "over_limit_high":
            station.hz, station.pump_stuck = 0.0, True
            return (alarm("interlock.over_pressure", station),)
        case "comms_loss" | "power_loss":
            return (alarm(f"link.{station.target.device}", station, "SS0001"),)
    station.pump_stuck = False
    return ()


def test_whole_controller_passes_and_is_put_back_without_a_bump() -> None:
    station = BenchStation(target=town_target(), react=protecting)
    test = station.carry(FunctionalTest(station.target, QUICK))
    assert test.state == "passed", [(r.name, r.said_en) for r in test.records]
    assert set(states(test)) == {
        "communication", "points", "valve_stroke", "flow_direction", "pump", "loop",
        "fault.sensor_open", "fault.sensor_short", "fault.over_limit_high", "fault.comms_loss",
        "fault.power_loss",
    }  # fmt: skip
    assert test.auto_ready
    at = station.at
    assert station.values[at["station_mode"]] == 2.0
    assert station.values[at["secondary_supply_temperature_setpoint"]] == 50.0
    assert station.values[at["circulation_pump_frequency_setpoint"]] == 42.0
    # In automatic mode again before anything else could move the valve.
    assert station.writes[-1] == (at["secondary_supply_temperature_setpoint"], 50.0)
    asked = [value for point, value in station.writes if point == at["valve_opening_setpoint"]]
    assert asked[:4] == [40.0, 0.0, 50.0, 100.0]
    assert all(r.started_s is not None and r.ended_s is not None for r in test.records)


def test_stuck_valve_fails_with_what_was_asked_and_fed_back() -> None:
    station = BenchStation(target=town_target("valve_actuator", UNIT), valve_most=60.0)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("valve_stroke",)))
    assert test.state == "failed"
    record = test.records[0]
    assert "asked 100 %" in record.said_en
    assert "feedback 60 %" in record.said_en
    assert [row["passed"] for row in record.measured] == [True, True, False]
    # The valve is put where it stood, then the mode: nothing jumps.
    assert station.writes[-2:] == [
        (station.at["valve_opening_setpoint"], 40.0),
        (station.at["station_mode"], 2.0),
    ]
    assert abs(station.valve - 40.0) <= QUICK.feedback_pct


def test_valve_the_wrong_way_round_is_told_by_the_flow() -> None:
    station = BenchStation(target=town_target("valve_actuator", UNIT), flow_sign=-0.1)
    test = station.carry(
        FunctionalTest(station.target, QUICK, only=("valve_stroke", "flow_direction"))
    )
    assert states(test) == {"valve_stroke": "passed", "flow_direction": "failed"}


def test_pump_that_does_not_stop_fails() -> None:
    station = BenchStation(target=town_target("pump", UNIT), pump_stuck=True)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("pump",)))
    assert "did not stop" in test.records[0].said_en
    assert station.values[station.at["circulation_pump_frequency_setpoint"]] == 42.0


def test_loop_that_does_not_follow_is_not_ready_for_automatic() -> None:
    station = BenchStation(target=town_target(), follow=False)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("loop",)))
    assert not test.auto_ready
    assert test.state == "failed"
    assert station.values[station.at["secondary_supply_temperature_setpoint"]] == 50.0


def test_hot_supply_stops_the_stroke_and_everything_behind_it() -> None:
    station = BenchStation(target=town_target(), gain_c=150.0)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("valve_stroke", "pump")))
    assert "near its limit" in test.records[0].said_en
    assert states(test)["pump"] == "skipped"
    assert station.values[station.at["station_mode"]] == 2.0


def test_fresh_interlock_stops_the_stroke() -> None:
    def acts(station: BenchStation) -> tuple[SeenAlarm, ...]:
        return (alarm("interlock.over_pressure", station),) if station.valve > 70 else ()

    station = BenchStation(target=town_target(), react=acts)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("valve_stroke",)))
    assert "interlock.over_pressure acts" in test.records[0].said_en


def test_lost_samples_fail_the_communication_and_nothing_is_moved() -> None:
    station = BenchStation(target=town_target(), lost=0.25)
    test = station.carry(FunctionalTest(station.target, QUICK))
    assert states(test)["communication"] == "failed"
    assert set(states(test).values()) == {"failed", "skipped"}
    assert station.writes == []
    assert "75.00 %" in test.records[0].said_en


def test_silent_fault_is_no_alarm_and_an_alarm_without_protection_no_pass() -> None:
    silent = BenchStation(target=town_target())
    test = silent.carry(FunctionalTest(silent.target, QUICK, only=("fault",)))
    assert {r.state for r in test.records} == {"failed"}
    assert "no alarm appeared" in test.records[0].said_en

    def only_tells(station: BenchStation) -> tuple[SeenAlarm, ...]:
        told = station.fault == "over_limit_high"
        return (alarm("interlock.over_pressure", station),) if told else ()

    tells = BenchStation(target=town_target(), react=only_tells)
    test = tells.carry(FunctionalTest(tells.target, QUICK, only=("fault",)))
    said = {r.name: r.said_en for r in test.records}
    assert "no protection acted" in said["fault.over_limit_high"]


def test_technician_who_does_nothing_is_named() -> None:
    station = BenchStation(target=town_target(), confirms=False)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("fault",)))
    assert "nobody simulated it" in test.records[0].said_en
    assert test.instruction is None


def test_instrument_without_an_interlock_tells_by_bad_quality() -> None:
    kind = "primary_supply_pressure"
    target = town_target("pressure_transmitter", "SS0001", "", kind)
    assert [p.code for p in target.points] == [f"SS0001.{kind}"]
    station = BenchStation(target=target)
    test = station.carry(FunctionalTest(target, QUICK))
    assert test.state == "passed", [(r.name, r.said_en) for r in test.records]
    assert "fault.sensor_short" in states(test)


def test_abort_puts_back_and_says_who() -> None:
    station = BenchStation(target=town_target())
    test = FunctionalTest(station.target, QUICK, only=("valve_stroke", "pump"))
    request: Request | None = test.begin()
    for turn in range(2_000):
        assert request is not None
        if turn == 12:
            test.abort("由 wang 中止", "given up by wang", station.now_s)
            assert station.values[station.at["station_mode"]] == 1.0
        request = test.advance(station.do(request))
        if request is None:
            break
    assert test.state == "aborted"
    assert states(test) == {"valve_stroke": "failed", "pump": "skipped"}
    assert test.records[0].said_en == "given up by wang"
    assert station.values[station.at["station_mode"]] == 2.0
    assert abs(station.valve - 40.0) <= QUICK.feedback_pct


def test_what_was_passed_before_is_not_done_again() -> None:
    station = BenchStation(target=town_target("pump", UNIT))
    first = station.carry(FunctionalTest(station.target, QUICK, only=("communication", "pump")))
    station.writes.clear()
    kept = {r.name: r for r in first.records}
    again = station.carry(
        FunctionalTest(station.target, QUICK, passed=kept, only=("communication", "pump"))
    )
    assert again.state == "passed"
    assert station.writes == []


def test_refused_order_is_told_with_its_reason() -> None:
    station = BenchStation(target=town_target("pump", UNIT))
    station.refuse.add(station.at["station_mode"])
    test = station.carry(FunctionalTest(station.target, QUICK, only=("pump",)))
    assert "local" in test.records[0].said_en


def test_what_cannot_be_put_back_is_a_problem_and_no_pass() -> None:
    station = BenchStation(target=town_target("pump", UNIT))
    test = FunctionalTest(station.target, QUICK, only=("pump",))
    request: Request | None = test.begin()
    while request is not None:
        if test.records[0].state == "passed":
            station.refuse.add(station.at["station_mode"])
        request = test.advance(station.do(request))
    assert test.state == "failed"
    assert "station_mode" in test.problems[0][1]


def test_device_nothing_is_read_from_cannot_be_tested() -> None:
    with pytest.raises(InputError, match="no point"):
        town_target("flow_meter", "BD0001", "")
