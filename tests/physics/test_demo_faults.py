"""Faults: what each does to the works, and what the registers show of it."""

import numpy as np
import pytest

from heatloop.demo.city import City

START = 1767571200.0


@pytest.fixture
def city():
    return City(2, "tiny", START)


def run(city, minutes):
    for _ in range(round(2 * minutes)):
        city.step(30.0)


def value(city, code):
    return float(city.shown[city.measured[code]])


def test_a_drifting_sensor_misleads_its_controller(city):
    code = "UN0001.secondary_supply_temperature"
    city.switch_fault(f"sensor_drift@{code}", True)
    run(city, 360)
    shown, true = value(city, code), float(city.works.secondary.supply_c[0])
    assert shown - true == pytest.approx(3.0, abs=0.3)
    # The controller holds what it sees: the water is really colder than the curve asks.
    honest = City(2, "tiny", START)
    run(honest, 360)
    assert float(honest.works.secondary.supply_c[0]) - true == pytest.approx(3.0, abs=0.6)
    city.switch_fault(f"sensor_drift@{code}", False)
    city.step(30.0)
    assert value(city, code) == pytest.approx(float(city.works.secondary.supply_c[0]), abs=0.4)


def test_a_frozen_sensor_shows_the_same_for_ever(city):
    code = "SS0001.primary_supply_pressure"
    city.switch_fault(f"sensor_frozen@{code}", True)
    seen = set()
    for _ in range(40):
        city.step(30.0)
        seen.add(value(city, code))
    assert len(seen) == 1


def test_a_spiking_sensor_jumps_now_and_then_and_comes_back(city):
    code = "SS0001.primary_supply_temperature"
    city.switch_fault(f"sensor_spike@{code}", True)
    seen = []
    for _ in range(60):
        city.step(30.0)
        seen.append(value(city, code))
    jumps = np.array(seen) > np.median(seen) + 20.0
    assert 2 <= jumps.sum() <= 8


def test_a_tripped_pump_stands_and_the_controller_shuts_its_valve(city):
    city.switch_fault("pump_trip@UN0001", True)
    run(city, 5)
    assert value(city, "UN0001.circulation_pump_state") == 3.0
    assert value(city, "UN0001.circulation_pump_fault") == 1.0
    assert value(city, "UN0001.secondary_flow") == 0.0
    assert value(city, "UN0001.circulation_pump_current") == 0.0
    assert value(city, "UN0001.interlock_word") > 0.0
    assert value(city, "UN0001.valve_opening") == 0.0
    assert value(city, "UN0002.circulation_pump_state") == 1.0
    flats = city.streets.flats
    units = np.array([b.unit for b in city.streets.buildings])[flats.building]
    warm = city.works.rooms.zone_c[: len(units)][units == 0].mean()
    run(city, 360)
    assert city.works.rooms.zone_c[: len(units)][units == 0].mean() < warm - 0.5
    city.switch_fault("pump_trip@UN0001", False)
    run(city, 10)
    assert value(city, "UN0001.circulation_pump_state") == 1.0
    assert value(city, "UN0001.secondary_flow") > 20.0


def test_a_stuck_valve_does_not_follow(city):
    city.switch_fault("valve_stuck@UN0001", True)
    at = value(city, "UN0001.valve_opening")
    city.set_weather(offset_k=-10.0)
    run(city, 60)
    assert value(city, "UN0001.valve_opening") == at
    assert value(city, "UN0002.valve_opening") > at


def test_a_slow_leak_shows_in_the_make_up(city):
    before = value(city, "UN0001.makeup_total")
    city.switch_fault("slow_leak@UN0001", True)
    run(city, 360)
    used = value(city, "UN0001.makeup_total") - before
    design_m3h = float(city.works.truth.secondary_design_kgs[0]) * 3.6
    assert used == pytest.approx(6.0 * 0.012 * design_m3h, rel=0.4)
    hold = float(city.works.truth.hold_kpa[0])
    assert value(city, "UN0001.secondary_return_pressure") == pytest.approx(hold, abs=45.0)


def test_offered_faults_all_exist(city):
    for fault in city.offered:
        city.switch_fault(fault.id, True)
        assert fault.to_dict(True)["zh"]
    city.step(30.0)
    assert set(city.faults.active) == {fault.id for fault in city.offered}
    assert len(city.faults.silent) == 4
    for fault in city.offered:
        city.switch_fault(fault.id, False)
    assert not city.faults.active
    assert not city.faults.silent
    assert not city.works.wear.pump_tripped.any()
