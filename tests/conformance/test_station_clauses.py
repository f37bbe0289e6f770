"""Clauses of the standard a station fulfils by itself: 4.2.1 -4, 5.1 a 1 and 2, 5.1 d 4, 5.1 e."""

import numpy as np
import pytest

from heatloop.alarms.words import bit_rules
from heatloop.plant.kinds import point_kinds
from heatloop.station.curve import CurveDesign, table_of
from heatloop.station.drive_faults import canonical_fault, drive_texts
from heatloop.station.interlocks import Interlock
from heatloop.station.modes import StationMode
from heatloop.station.pumps import PumpFault, PumpReading, PumpSettings, fault_texts, self_check
from heatloop.station.unit_logic import UnitInputs, UnitLogic, UnitSettings
from tests.physics.station_plant import SimulatedUnit, run, settled


@pytest.mark.parametrize("dt_s", [1, 5, 30])
def test_4_2_1_4__1_cut_off_the_station_keeps_its_curve(dt_s):
    """Two hours alone while it gets 6 K colder: within 2 K of the station's own curve."""
    table = table_of(CurveDesign())
    logic = UnitLogic(UnitSettings(curve=table), valve_pct=60.0, pump_hz=40.0)
    unit = SimulatedUnit(primary_c=110.0, load=0.9, supply_c=60.0, return_c=45.0)
    settled(unit, logic, dt_s, table.supply_c(0.0))

    def outdoor_c(second: int) -> float:
        return -3.0 * second / 3600.0

    trace = run(unit, logic, 7200, dt_s, setpoint_c=table.supply_c(0.0),
                setpoint_age_s=lambda second: float(second), outdoor_c=outdoor_c)  # fmt: skip
    supply = np.array([row[0] for row in trace])
    curve = np.array([table.supply_c(outdoor_c(second)) for second in range(7200)])
    assert {row[2].source for row in trace[:1800]} == {"setpoint"}
    assert {row[2].source for row in trace[1860:]} == {"curve"}
    # The watchdog's half hour and ten minutes to walk from the last set-point to the curve.
    assert np.abs(supply - curve)[2400:].max() <= 2.0


def test_4_2_1_4__1_interlocks_act_within_a_second_alone():
    logic = UnitLogic(valve_pct=60.0, pump_hz=40.0)
    unit = SimulatedUnit()
    run(unit, logic, 60, 1, setpoint_age_s=None, outdoor_c=-5.0)
    unit.supply_c = unit.outlet_c = 95.0
    assert run(unit, logic, 1, 1, setpoint_age_s=None, outdoor_c=-5.0)[0][
        2
    ].valve_opening_pct == pytest.approx(0.0)


@pytest.mark.parametrize("dt_s", [1, 5, 30])
def test_5_1_a_1_2_a_unit_regulates_itself(dt_s):
    """+5 K settles within 30 min to 1 K, overshoot at most 3 K."""
    unit = SimulatedUnit(primary_c=100.0, load=0.7, supply_c=52.0, return_c=40.0)
    logic = UnitLogic(valve_pct=unit.valve_pct, pump_hz=40.0)
    settled(unit, logic, dt_s, 52.0)
    trace = run(unit, logic, 5400, dt_s, setpoint_c=57.0, setpoint_age_s=0.0, outdoor_c=0.0)
    error = np.array([row[0] for row in trace]) - 57.0
    assert np.abs(error[1800:]).max() <= 1.0
    assert error.max() <= 3.0


@pytest.mark.parametrize("leak_m3h", [0.1, 0.5, 1.0])
def test_5_1_a_2_1_make_up_holds_the_return_pressure(leak_m3h):
    """Starts at the low limit, stops at the high one, in band with a constant leak."""
    unit = SimulatedUnit(load=0.6, leak_m3h=leak_m3h)
    trace = run(unit, UnitLogic(), 6 * 3600, 5, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0,
                pressure_setpoint_kpa=300.0)  # fmt: skip
    on = np.array([row[2].makeup_on for row in trace])
    pressure = np.array([row[1] for row in trace])
    starts = pressure[np.flatnonzero(np.diff(on.astype(int)) == 1)]
    stops = pressure[np.flatnonzero(np.diff(on.astype(int)) == -1)]
    assert starts.size
    assert stops.size
    assert np.abs(starts - 280.0).max() <= 2.0
    assert np.abs(stops - 320.0).max() <= 2.0
    assert 278.0 <= pressure.min() <= pressure.max() <= 322.0


def test_5_1_a_2_1_excessive_make_up_is_told():
    unit = SimulatedUnit(load=0.6, leak_m3h=2.9)
    trace = run(unit, UnitLogic(), 2 * 3600, 30, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0)
    assert trace[-1][2].interlock_word & Interlock.MAKEUP_LONG


@pytest.mark.parametrize(
    "reading, fault",
    [
        ({"phase_currents_a": (34.0, 33.5, 34.2)}, PumpFault.OVER_CURRENT),
        ({"phase_currents_a": (31.0, 0.2, 30.5)}, PumpFault.PHASE_LOSS),
        ({"flow_m3h": 1.0}, PumpFault.NO_FLOW),
    ],
)
def test_5_1_a_2_3_pumps_diagnose_themselves(reading, fault):
    fields = {"frequency_hz": 45.0, "rated_current_a": 30.0, "phase_currents_a": (25.0, 25.2, 24.9),
              "flow_m3h": 95.0, "rated_flow_m3h": 100.0}  # fmt: skip
    assert self_check(PumpReading(**fields)) == PumpFault(0)
    assert self_check(PumpReading(**(fields | reading))) == fault
    (text,) = fault_texts(fault)
    assert text.name == fault.name.lower()
    assert text.zh
    assert text.en
    assert text.action_zh
    assert text.action_en


MAKES = {
    # make: (over-current, phase loss, no flow or nearest, earth fault, under-voltage, link lost)
    "abb_580": (0x2310, 0x3130, 0x7121, 0x2330, 0x3220, 0x7510),
    "danfoss_vlt_fc": (1 << 5, 1 << 14, 1 << 8, 1 << 2, 1 << 10, 1 << 4),
    "inovance_md500": (2, 12, 30, 23, 9, 16),
}
CANONICAL = ("over_current", "phase_loss", None, "earth_fault", "under_voltage", "converter_link")


@pytest.mark.parametrize("make", MAKES)
def test_5_1_a_2_3_drive_fault_words_of_three_makes_say_the_same(make):
    """Each make's own code or word becomes one canonical fault with a text and a first action."""
    assert canonical_fault(make, 0) == PumpFault(0)
    for raw, name in zip(MAKES[make], CANONICAL, strict=True):
        (text,) = drive_texts(make, raw)
        assert name is None or text.name == name
        assert text.zh
        assert text.en
        assert text.action_zh
        assert text.action_en
    assert drive_texts("inovance_md500", 30)[0].name == "no_flow"
    # A code nobody mapped is told, never dropped; a word of bits tells all of them.
    assert drive_texts(make, 1 << 13)[0].name in ("other", "bit_13")
    both = drive_texts("danfoss_vlt_fc", 1 << 2 | 1 << 5)
    assert [text.name for text in both] == ["over_current", "earth_fault"]


RATED = PumpSettings(rated_current_a=30.0, flow_low_m3h=5.0)


def protected(**more):
    """A unit in operation whose motor rating is known."""
    fields = {"supply_c": 55.0, "return_c": 42.0, "supply_kpa": 500.0, "return_kpa": 300.0,
              "outdoor_c": 0.0, "tank_level_m": 1.5, "setpoint_c": 55.0, "setpoint_age_s": 0.0,
              "pump_hz": 40.0, "pump_current_a": 25.0, "flow_m3h": 95.0, "reset": 0.0}  # fmt: skip
    return UnitInputs(**(fields | more))


def run_for(logic, seconds, dt_s, **more):
    return [logic.step(protected(**more), dt_s) for _ in range(round(seconds / dt_s))]


@pytest.mark.parametrize("dt_s", [0.5, 5.0, 30.0])
def test_5_1_d_4_1_overload_trips_alarms_and_blocks_the_restart_until_reset(dt_s):
    """More than 110 % for the trip delay; a shorter peak, or 110 % itself, does not trip."""
    logic = UnitLogic(UnitSettings(pumps=RATED), valve_pct=40.0, pump_hz=40.0)
    run_for(logic, 60, dt_s)
    if dt_s < RATED.overload_delay_s:
        peak = run_for(logic, 5.0, dt_s, pump_current_a=34.0)
        assert all(out.pump_hz > 0 for out in peak)
    run_for(logic, 60, dt_s)
    assert all(out.pump_hz > 0 for out in run_for(logic, 120, dt_s, pump_current_a=33.0))
    tripped = run_for(logic, max(15.0, dt_s), dt_s, pump_current_a=33.5)
    assert tripped[-1].pump_hz == 0.0
    assert tripped[-1].interlock_word & Interlock.OVERLOAD
    # The current is gone, hours pass, a restarted controller takes the latch over: still blocked.
    stopped = {"pump_hz": 0.0, "pump_current_a": 0.0, "flow_m3h": 0.0}
    assert not any(out.pump_hz for out in run_for(logic, 3600, 30.0, **stopped))
    again = UnitLogic(logic.settings, valve_pct=0.0, latches=logic.latches())
    assert not any(out.pump_hz for out in run_for(again, 600, 30.0, **stopped))
    # A person resets it.
    back = run_for(again, 300, 30.0, **stopped, reset=1.0)
    assert back[-1].pump_hz > 0
    assert not back[-1].interlock_word & Interlock.OVERLOAD
    assert again.latches() == {}


def test_5_1_d_4_1_the_standby_pump_takes_over_within_seconds():
    logic = UnitLogic(UnitSettings(pumps=RATED), valve_pct=40.0, pump_hz=40.0)
    two = {"standby_fault": 0}
    run_for(logic, 60, 0.5, **two)
    outs = run_for(logic, 15, 0.5, pump_current_a=45.0, **two)
    change = next(n for n, out in enumerate(outs) if out.pump == 1)
    assert change * 0.5 <= RATED.overload_delay_s + 0.5
    assert all(out.pump_hz >= 20.0 for out in outs)  # never without circulation
    # The trip of the duty pump stays told and locked while the other runs.
    later = run_for(logic, 3600, 30.0, **two)
    assert {out.pump for out in later} == {1}
    assert later[-1].interlock_word & Interlock.OVERLOAD
    # With both gone there is none left.
    gone = run_for(logic, 60, 0.5, pump_current_a=45.0, **two)
    assert gone[-1].pump is None
    assert gone[-1].pump_hz == 0.0


def test_5_1_d_4_2_residual_current_trips_everything_electrical_until_reset():
    logic = UnitLogic(valve_pct=40.0, pump_hz=40.0)
    run_for(logic, 60, 0.5, return_kpa=270.0)
    (out,) = run_for(logic, 0.5, 0.5, residual_trip=True, return_kpa=270.0)
    assert out.interlock_word & Interlock.LEAKAGE
    assert (out.pump_hz, out.makeup_on, out.valve_opening_pct) == (0.0, False, 0.0)
    assert bit_rules("interlock_word", out.interlock_word)["interlock.leakage"] == 1
    assert not any(out.pump_hz for out in run_for(logic, 1800, 30.0))
    # A reset while the device is still tripped lets nothing go.
    assert not any(o.pump_hz for o in run_for(logic, 600, 30.0, reset=1.0, residual_trip=True))
    assert run_for(logic, 300, 30.0, reset=0.0)[-1].pump_hz > 0


@pytest.mark.parametrize("dt_s", [0.5, 5.0, 30.0])
@pytest.mark.parametrize("mode", list(StationMode))
def test_5_1_d_4_3_frost_acts_within_a_minute_with_the_pump_stopped(dt_s, mode):
    """Return water under 5 degC: pump and valve, and an alarm of the highest priority."""
    logic = UnitLogic(valve_pct=0.0, pump_hz=0.0)
    still = {"mode": mode, "pump_setpoint_hz": 0.0, "pump_hz": 0.0, "flow_m3h": 0.0,
             "supply_c": 9.0, "valve_pct": 0.0}  # fmt: skip
    assert run_for(logic, 300, dt_s, return_c=8.0, **still)[-1].pump_hz == 0.0
    outs = run_for(logic, 60, dt_s, return_c=4.9, **still)
    assert outs[0].pump_hz >= 20.0
    assert max(out.valve_opening_pct for out in outs) >= 30.0
    word = outs[0].interlock_word
    assert bit_rules("interlock_word", word)["interlock.frost"] == 1


def test_5_1_d_4_1_a_pump_that_runs_dry_is_stopped():
    logic = UnitLogic(UnitSettings(pumps=RATED), valve_pct=40.0, pump_hz=40.0)
    run_for(logic, 60, 5.0)
    outs = run_for(logic, 75, 5.0, flow_m3h=2.0)
    assert outs[-1].pump_hz == 0.0
    assert outs[-1].interlock_word & Interlock.PUMP_DRY


@pytest.mark.parametrize("opening_pct", [20.0, 55.0, 80.0])
def test_5_1_e_1_1_the_valve_follows_its_set_point_within_2_percent(opening_pct):
    unit = SimulatedUnit()
    logic = UnitLogic(valve_pct=unit.valve_pct, pump_hz=40.0)
    run(unit, logic, 150, 1, mode=StationMode.REMOTE_MANUAL, valve_setpoint_pct=opening_pct,
        outdoor_c=0.0, valve_pct=lambda _: round(unit.valve_pct, 1))  # fmt: skip
    assert abs(unit.valve_pct - opening_pct) <= 2.0
    assert point_kinds()["valve_opening"].period_s <= 30


def test_5_1_e_2_2_a_valve_that_does_not_follow_is_told():
    logic = UnitLogic(valve_pct=40.0, pump_hz=40.0)
    manual = {"mode": StationMode.REMOTE_MANUAL, "valve_setpoint_pct": 60.0}
    stuck = run_for(logic, 240, 30.0, valve_pct=40.0, **manual)
    told = [bool(out.interlock_word & Interlock.VALVE_DEVIATION) for out in stuck]
    assert told == [False] * 7 + [True]
    (out,) = run_for(logic, 30, 30.0, valve_pct=57.0, **manual)
    assert not out.interlock_word & Interlock.VALVE_DEVIATION


@pytest.mark.parametrize("dt_s", [0.5, 5.0, 30.0])
def test_5_1_e_2_2_the_flow_follows_its_set_point_or_is_told(dt_s):
    logic = UnitLogic(valve_pct=40.0, pump_hz=40.0)
    hz = 40.0
    for _ in range(round(600 / dt_s)):
        out = logic.step(protected(pump_hz=hz, flow_m3h=2.4 * hz, flow_setpoint_m3h=80.0), dt_s)
        hz = out.pump_hz
    assert 2.4 * hz == pytest.approx(80.0, rel=0.02)
    # A blocked strainer: full speed, and the flow stays off by more than a tenth.
    outs = run_for(logic, 400, dt_s, flow_m3h=60.0, flow_setpoint_m3h=80.0, pump_hz=50.0)
    assert outs[-1].pump_hz == 50.0
    assert outs[-1].interlock_word & Interlock.FLOW_DEVIATION
    assert not outs[0].interlock_word & Interlock.FLOW_DEVIATION


def test_5_1_a_2_3_pumps_take_turns_by_their_run_hours():
    logic = UnitLogic(valve_pct=40.0, pump_hz=40.0)
    hours, ran, changes, before = [5000.0, 4950.0], [0.0, 0.0], 0, 0
    for _ in range(24 * 60):
        out = logic.step(protected(standby_fault=0, pump_hours=tuple(hours)), 30.0)
        changes += out.pump != before
        before = out.pump
        assert out.pump_hz >= 20.0
        hours[out.pump] += 1.0
        ran[out.pump] += 1.0
    assert abs(hours[0] - hours[1]) <= 170.0
    assert min(ran) > 500.0
    assert 4 <= changes <= 10


def test_4_2_1_4__1_the_centre_hands_back_without_a_bump():
    """From the own curve to the centre's set-point: the valve moves less than a second's stroke."""
    table = table_of(CurveDesign())
    unit = SimulatedUnit(primary_c=110.0, load=0.9, supply_c=60.0, return_c=45.0)
    logic = UnitLogic(UnitSettings(curve=table), valve_pct=60.0, pump_hz=40.0)
    run(unit, logic, 7200, 1, setpoint_c=40.0, setpoint_age_s=1e6, outdoor_c=-5.0)
    before = logic.step(seen_of(unit, setpoint_c=40.0, setpoint_age_s=1e6, outdoor_c=-5.0), 1.0)
    assert before.source == "curve"
    trace = run(unit, logic, 10, 1, setpoint_c=45.0, setpoint_age_s=0.0, outdoor_c=-5.0)
    assert {out.source for _, _, out in trace} == {"setpoint"}
    second_pct = 100.0 / logic.settings.stroke_s
    moved_pct = [abs(out.valve_opening_pct - before.valve_opening_pct) for _, _, out in trace]
    assert max(moved_pct) < second_pct


def seen_of(unit, **more):
    return UnitInputs(supply_c=unit.supply_c, return_c=unit.return_c, supply_kpa=unit.supply_kpa,
                      return_kpa=unit.return_kpa, valve_pct=unit.valve_pct, **more)  # fmt: skip
