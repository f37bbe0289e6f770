"""PI, pressure holding, pumps, interlocks, modes and the safe envelope, one by one."""

import math

import pytest

from heatloop.kernel.errors import InputError
from heatloop.station import envelope, modes
from heatloop.station.interlocks import Interlock, Interlocks, Readings, interlock_texts
from heatloop.station.modes import StationMode
from heatloop.station.pi import PI
from heatloop.station.pressure import HoldSettings, PressureHold
from heatloop.station.pumps import PumpFault, PumpReading, choose_pump, fault_texts, self_check
from heatloop.station.settings import UnitSettings, settings_from


def test_pi_integrates_to_the_limit_and_comes_back_at_once():
    pi = PI(1.0, 10.0, 0.0, 100.0)
    for _ in range(1000):
        pi.step(20.0, 1.0)
    assert pi.output == 100.0
    # Not wound up: the first opposite error moves the output.
    assert pi.step(-5.0, 1.0) < 100.0


def test_pi_keeps_its_rate():
    pi = PI(5.0, 60.0, 0.0, 100.0, rate_per_s=1.0)
    assert [pi.step(50.0, 2.0) for _ in range(3)] == [2.0, 4.0, 6.0]


def test_pi_takes_over_without_a_bump():
    pi = PI(2.0, 100.0, 0.0, 100.0)
    pi.step(10.0, 60.0)
    pi.track(42.0)
    assert pi.step(3.0, 1.0) == pytest.approx(42.0 + 2 * 3.0 / 100)


def test_pi_refuses_crossed_limits():
    with pytest.raises(InputError):
        PI(1.0, 10.0, 5.0, 5.0)


def test_pressure_hold_is_a_hysteresis():
    hold = PressureHold(HoldSettings(below_kpa=20, above_kpa=10))
    seen = [hold.step(p, 300, 30) for p in (300, 281, 280, 295, 309, 310, 285)]
    assert seen == [False, False, True, True, True, False, False]


def test_pressure_hold_stops_when_locked_or_blind():
    hold = PressureHold()
    assert hold.step(200, 300, 30)
    assert not hold.step(200, 300, 30, locked_off=True)
    assert hold.step(200, 300, 30)
    assert not hold.step(None, 300, 30)


def test_long_make_up_is_told():
    hold = PressureHold(HoldSettings(long_run_s=100))
    hold.step(200, 300, 90)
    assert not hold.excessive
    hold.step(200, 300, 30)
    assert hold.excessive
    hold.step(320, 300, 30)
    assert not hold.excessive


@pytest.mark.parametrize(
    "hours, faulty, running, chosen",
    [
        ((10, 5), (False, False), None, 1),
        ((10, 5), (False, False), 0, 0),
        ((200, 5), (False, False), 0, 1),
        ((200, 5), (False, True), 0, 0),
        ((10, 5), (True, False), 0, 1),
        ((10, 5), (True, True), 0, None),
    ],
)
def test_pumps_alternate_by_hours_and_by_fault(hours, faulty, running, chosen):
    assert choose_pump(hours, faulty, running) == chosen


def test_unnamed_fault_bits_are_not_dropped():
    names = [text.name for text in fault_texts(1 | 1 << 14)]
    assert names == ["over_current", "bit_14"]
    assert fault_texts(0) == ()
    assert all(text.zh and text.en and text.action_zh for text in fault_texts(0xFFFF))


def test_a_healthy_or_standing_pump_has_no_fault():
    running = PumpReading(
        frequency_hz=45, rated_current_a=30, phase_currents_a=(24, 25, 24.5), flow_m3h=90,
        rated_flow_m3h=100, motor_c=80,
    )  # fmt: skip
    assert self_check(running) == PumpFault(0)
    standing = PumpReading(
        frequency_hz=0, rated_current_a=30, phase_currents_a=(0, 0, 0), flow_m3h=0, rated_flow_m3h=9
    )
    assert self_check(standing) == PumpFault(0)
    hot = PumpReading(frequency_hz=0, rated_current_a=30, motor_c=140)
    assert self_check(hot) == PumpFault.OVER_TEMPERATURE


def normal(**changes):
    fields = {"supply_c": 60.0, "return_c": 45.0, "supply_kpa": 500.0, "return_kpa": 300.0,
              "tank_level_m": 1.5}  # fmt: skip
    return Readings(**(fields | changes))


@pytest.mark.parametrize(
    "bad, still, good, bit",
    [
        ({"supply_c": 86.0}, {"supply_c": 83.0}, {"supply_c": 81.9}, Interlock.OVER_TEMPERATURE),
        ({"supply_kpa": 1501}, {"supply_kpa": 1490}, {"supply_kpa": 1479}, Interlock.OVER_PRESSURE),
        ({"return_kpa": 99}, {"return_kpa": 110}, {"return_kpa": 121},
         Interlock.RETURN_PRESSURE_LOW),
        ({"return_kpa": 1301}, {"return_kpa": 1290}, {"return_kpa": 1279},
         Interlock.RETURN_PRESSURE_HIGH),
        ({"tank_level_m": 0.29}, {"tank_level_m": 0.4}, {"tank_level_m": 0.46}, Interlock.DRY_RUN),
        ({"return_c": 4.9}, {"return_c": 7.5}, {"return_c": 8.1}, Interlock.FROST),
        ({"flood": True}, {"flood": True}, {"flood": False}, Interlock.FLOOD),
        ({"pump_fault": 4}, {"pump_fault": 4}, {"pump_fault": 0}, Interlock.PUMP_FAULT),
    ],
)  # fmt: skip
def test_interlocks_trip_at_once_and_let_go_with_a_margin(bad, still, good, bit):
    locks, settings = Interlocks(), UnitSettings()
    assert locks.step(normal(), settings) == 0
    assert locks.step(normal(**bad), settings) == bit
    assert locks.first_out == bit
    assert locks.step(normal(**still), settings) == bit
    assert locks.step(normal(**good), settings) == 0
    assert [name for name, _, _ in interlock_texts(bit)] == [bit.name.lower()]


def test_a_lost_sensor_keeps_what_held():
    locks, settings = Interlocks(), UnitSettings()
    locks.step(normal(supply_c=90.0), settings)
    word = locks.step(normal(supply_c=None), settings)
    assert word == Interlock.OVER_TEMPERATURE | Interlock.SENSOR_LOST


def test_first_out_remembers_the_first():
    locks, settings = Interlocks(), UnitSettings()
    locks.step(normal(flood=True), settings)
    locks.step(normal(flood=True, supply_c=90.0), settings)
    assert locks.first_out == Interlock.FLOOD


@pytest.mark.parametrize(
    "station, kind, command, reason",
    [
        (StationMode.LOCAL, "valve_opening_setpoint", "manual", "station_is_local"),
        (StationMode.LOCAL, "valve_opening_setpoint", "emergency", None),
        (StationMode.LOCAL, "station_mode", "manual", None),
        (StationMode.AUTOMATIC, "station_mode", "automatic", "mode_is_for_people"),
        (StationMode.REMOTE_MANUAL, "valve_opening_setpoint", "manual", None),
        (StationMode.REMOTE_MANUAL, "valve_opening_setpoint", "automatic",
         "station_is_not_automatic"),
        (StationMode.AUTOMATIC, "valve_opening_setpoint", "manual", None),
        (StationMode.AUTOMATIC, "valve_opening_setpoint", "automatic", None),
        (StationMode.AUTOMATIC, "valve_opening_setpoint", "magic", "unknown_command_mode"),
    ],
)  # fmt: skip
def test_who_may_command_a_station(station, kind, command, reason):
    assert modes.refusal(station, kind, command) == reason


def test_unknown_mode_is_local():
    assert modes.mode_of(None) is modes.mode_of(7) is StationMode.LOCAL
    assert modes.mode_of(2.0) is StationMode.AUTOMATIC


SETPOINT = "secondary_supply_temperature_setpoint"


@pytest.mark.parametrize(
    "kind, value, keywords, word",
    [
        (SETPOINT, 60, {}, None),
        (SETPOINT, 19.9, {}, "below_safe_low"),
        (SETPOINT, 85.1, {}, "above_safe_high"),
        (SETPOINT, math.nan, {}, "not_finite"),
        (SETPOINT, 70, {"others": {"limit_supply_temperature_high": 71.0}}, "above_safe_high"),
        (SETPOINT, 70, {"current": 55.0, "automatic": True}, "step_too_large"),
        (SETPOINT, 70, {"current": 55.0}, None),
        (SETPOINT, 65, {"current": 55.0, "automatic": True}, None),
        ("limit_supply_temperature_high", 60, {"others": {SETPOINT: 65.0}}, "below_safe_low"),
        ("station_mode", 1.5, {}, "not_whole"),
        ("secondary_supply_temperature", 60, {}, "not_writable"),
    ],
)
def test_safe_envelope_refuses(kind, value, keywords, word):
    found = envelope.refusal(kind, value, **keywords)
    assert (found or "").split(":")[0] == (word or "")


def test_safe_envelope_clamps():
    assert envelope.clamp(SETPOINT, 120) == 85
    assert envelope.clamp(SETPOINT, 120, {"limit_supply_temperature_high": 70}) == 68
    assert envelope.clamp("makeup_pump_command", 0.7) == 1
    assert envelope.clamp("nonsense", 1) is None
    assert envelope.clamp("secondary_return_pressure_setpoint", 300,
                          {"limit_return_pressure_low": 500, "limit_return_pressure_high": 520}) is None  # fmt: skip  # noqa: E501


def test_settings_from_registers():
    values = {"limit_supply_temperature_high": 70.0}
    values |= {f"heating_curve_outdoor.{n}": -10.0 + 5 * n for n in range(1, 7)}
    values |= {f"heating_curve_supply.{n}": 70.0 - 5 * n for n in range(1, 7)}
    settings = settings_from(values)
    assert settings.supply_high_c == 70.0
    assert settings.curve.supply_c(-5) == 65.0
    # Registers fresh from the factory keep what was there.
    zeros = {
        f"heating_curve_{part}.{n}": 0.0 for part in ("outdoor", "supply") for n in range(1, 7)
    }
    assert settings_from(zeros, settings).curve == settings.curve
