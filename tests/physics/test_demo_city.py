"""The city as a whole: warm, balanced, obedient to its registers, and the same for a seed."""

import numpy as np
import pytest

from heatloop.demo.city import City
from heatloop.demo.first_settings import curve_designs
from heatloop.demo.streets import POSITIONS
from heatloop.kernel.errors import InputError
from heatloop.station.curve import supply_c

START = 1767571200.0


def value(city, code):
    return float(city.shown[city.measured[code]])


def setting(city, code):
    return float(city.memory.setting_values()[city.memory.setting_number[code]])


def flats(city):
    return city.works.rooms.zone_c[: len(city.streets.flats.building)]


@pytest.fixture(scope="module")
def day():
    """A small city after a day in half-minute ticks, and what it was at the start."""
    city = City(1, "small", START)
    before = (city.works.stored_kj(), dict(city.works.energy))
    rooms, temperatures = [], []
    for _ in range(2880 // 6):
        for _ in range(6):
            city.step(30.0)
        rooms.append(flats(city).copy())
        temperatures.append(city.weather.outdoor_c)
    return city, before, np.array(rooms), np.array(temperatures)


@pytest.fixture
def tiny():
    return City(2, "tiny", START)


def test_it_starts_warm_and_settled():
    city = City(1, "small", START)
    rooms = flats(city)
    assert 19.5 < rooms.mean() < 22.0
    assert np.mean((rooms >= 18.0) & (rooms <= 24.0)) > 0.97
    still = flats(city).mean()
    for _ in range(120):
        city.step(30.0)
    assert abs(flats(city).mean() - still) < 0.3


def test_rooms_stay_between_18_and_24_through_a_winter_day(day):
    _, _, rooms, outdoor = day
    assert outdoor.max() - outdoor.min() > 4.0
    assert np.mean((rooms >= 18.0) & (rooms <= 24.5)) > 0.95
    assert 19.5 < rooms.mean() < 22.0


def test_no_kilojoule_is_lost_in_a_day(day):
    city, (stored, energy), _, _ = day
    now = city.works.energy
    flux = {name: now[name] - energy[name] for name in now}
    inward = flux["boilers"] + flux["gains"] + flux["makeup"]
    gained = inward - flux["ground"] - flux["outdoors"]
    assert city.works.stored_kj() - stored == pytest.approx(gained, abs=1e-9 * flux["boilers"])
    # Mains and loops lose a few per cent, as real ones do.
    assert 0.005 < flux["ground"] / flux["boilers"] < 0.08


def test_corner_top_and_bottom_flats_are_colder_than_middle_ones(day):
    city, _, rooms, _ = day
    place = city.streets.flats.position
    mean = {name: rooms[-1][place == i].mean() for i, name in enumerate(POSITIONS)}
    assert mean["middle"] > max(mean["corner"], mean["top"], mean["bottom"]) + 0.2
    assert rooms[-1].std() > 0.6


def test_flows_pressures_and_make_up_are_in_proportion(day):
    city, _, _, _ = day
    streets, works = city.streets, city.works
    for index, unit in enumerate(streets.units):
        code = f"UN{index + 1:04d}"
        per_m2 = works.flow_kgs[index] * 3600.0 / unit.area_m2
        assert 2.3 < per_m2 < 3.6
        assert works.leak_kgs()[index] < 0.01 * works.flow_kgs[index]
        static_kpa = unit.static_head_m * 9.81
        if city.controllers.by_wire[index]:
            # Nobody writes in this test: make-up stands still and the loop slowly runs empty.
            continue
        assert static_kpa - 10.0 < value(city, f"{code}.secondary_return_pressure")
        lift = value(city, f"{code}.secondary_supply_pressure")
        assert 80.0 < lift - value(city, f"{code}.secondary_return_pressure") < 250.0
        assert 20.0 < value(city, f"{code}.valve_opening") < 80.0
    assert 60.0 <= works.truth.stroke_s.min() <= works.truth.stroke_s.max() <= 120.0
    for station in range(works.n_station):
        code = f"SS{station + 1:04d}"
        supply = value(city, f"{code}.primary_supply_pressure")
        assert supply > value(city, f"{code}.primary_return_pressure") + 50.0
        assert value(city, f"{code}.primary_supply_temperature") > 90.0
        assert 0.4 < value(city, f"{code}.tank_level") < 2.2


def test_meters_agree_with_each_other_as_meters_do(day):
    city, _, _, _ = day
    for station in range(city.works.n_station):
        code = f"SS{station + 1:04d}"
        flow = value(city, f"{code}.primary_flow")
        warm, cold = (value(city, f"{code}.primary_{s}_temperature") for s in ("supply", "return"))
        heat = flow / 3.6 * 0.99 * 4.187 * (warm - cold)
        assert value(city, f"{code}.primary_heat_power") == pytest.approx(heat, rel=0.05)


def test_controllers_follow_their_own_curve(day):
    city, _, _, _ = day
    for index, design in enumerate(curve_designs(city.streets)):
        if not city.controllers.by_wire[index]:
            measured = value(city, f"UN{index + 1:04d}.secondary_supply_temperature")
            wanted = supply_c(design, city.weather.outdoor_c)
            assert measured == pytest.approx(wanted, abs=1.5)


def test_a_written_set_point_is_reached_and_forgotten_after_the_watchdog(tiny):
    code = "UN0001.secondary_supply_temperature_setpoint"
    own = value(tiny, "UN0001.secondary_supply_temperature")
    tiny.memory.write_settings({code: own + 5.0})
    tiny.wrote(2, 289, 1)
    course = []
    for _ in range(58):
        tiny.step(30.0)
        course.append(value(tiny, "UN0001.secondary_supply_temperature"))
    assert np.abs(np.array(course[-10:]) - (own + 5.0)).max() < 1.0
    assert max(course) < own + 8.0
    for _ in range(120):
        tiny.step(30.0)
    design = curve_designs(tiny.streets)[0]
    wanted = supply_c(design, tiny.weather.outdoor_c)
    assert value(tiny, "UN0001.secondary_supply_temperature") == pytest.approx(wanted, abs=1.0)


def test_a_station_driven_by_wire_does_what_its_registers_say_and_holds_it(tiny):
    assert tiny.controllers.by_wire.tolist() == [False, False, True, True]
    tiny.memory.write_settings(
        {
            "UN0003.valve_opening_setpoint": 62.0,
            "UN0003.circulation_pump_frequency_setpoint": 30.0,
            "UN0003.makeup_pump_command": 1.0,
        }
    )
    before = value(tiny, "UN0003.valve_opening")
    tiny.step(15.0)
    moved = value(tiny, "UN0003.valve_opening") - before
    stroke = float(tiny.works.truth.stroke_s[2])
    assert abs(moved) == pytest.approx(min(abs(62.0 - before), 1500.0 / stroke), abs=0.2)
    for _ in range(40):
        tiny.step(30.0)
    assert value(tiny, "UN0003.valve_opening") == pytest.approx(62.0, abs=0.1)
    assert value(tiny, "UN0003.circulation_pump_frequency") == pytest.approx(30.0, abs=0.1)
    assert value(tiny, "UN0003.makeup_pump_state") == 1.0
    assert value(tiny, "UN0003.makeup_flow") > 1.0


def test_colder_weather_takes_more_heat(tiny):
    before = tiny.works.exchanger_kw.sum()
    tiny.set_weather(offset_k=-8.0)
    for _ in range(240):
        tiny.step(30.0)
    assert tiny.works.exchanger_kw[:2].sum() > 1.1 * before / 2
    assert tiny.works.valve_pct[0] > 40.0


def test_the_same_seed_is_the_same_city_and_another_is_not():
    first, again = City(3, "tiny", START), City(3, "tiny", START)
    for city in (first, again):
        for _ in range(5):
            city.step(30.0)
    assert (first.memory.words == again.memory.words).all()
    assert not np.allclose(first.works.truth.kvs_m3h, City(4, "tiny", START).works.truth.kvs_m3h)


def test_small_steps_and_large_ones_come_to_the_same(tiny):
    other = City(2, "tiny", START)
    for _ in range(600):
        tiny.step(1.0)
    for _ in range(20):
        other.step(30.0)
    assert tiny.now_s == other.now_s
    assert np.abs(flats(tiny) - flats(other)).max() < 0.05
    apart = tiny.works.secondary.supply_c - other.works.secondary.supply_c
    assert np.abs(apart).max() < 0.5


def test_truth_stands_around_the_books():
    city = City(1, "small", START)
    truth = city.works.truth
    booked = np.array([b.area_m2 * b.load_w_m2 for b in city.streets.buildings]) / 1000.0
    real = (
        np.bincount(truth.building.building, truth.building.out_kw_k) + truth.building.envelope_kw_k
    )
    spread = (real / booked) / np.mean(real / booked)
    assert 0.05 < spread.std() < 0.3
    assert city.ledger.assets["UN0001"].attributes.keys().isdisjoint({"kvs", "fouling"})


def test_an_unknown_fault_is_refused(tiny):
    for wrong in ("earthquake@UN0001", "pump_trip@UN0099", "sensor_drift@UN0001.nothing"):
        with pytest.raises(InputError):
            tiny.switch_fault(wrong, True)
