"""Sources, tank, isolation and booster station of the medium city obey their registers."""

import numpy as np
import pytest

from heatloop.demo.checkpoint import load_city, save_city
from heatloop.demo.city import City

START = 1767571200.0


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """The settled medium city, kept in a file."""
    file = tmp_path_factory.mktemp("medium") / "state.npz"
    save_city(City(1, "medium", START), file)
    return file


@pytest.fixture
def city(settled):
    """A fresh copy of it that looks after its own stations."""
    again, _, _ = load_city(settled, seed=1, size="medium", base_port=15020)
    again.controllers.self_regulating = True
    return again


def run(city, minutes, step_s=60.0):
    for _ in range(round(minutes * 60.0 / step_s)):
        city.step(step_s, show=False)
    city.show()


def value(city, code):
    return float(city.shown[city.measured[code]])


def put(city, **settings):
    city.memory.write_settings({k.replace("__", "."): v for k, v in settings.items()})


def test_a_charged_tank_grows_warm_at_the_bottom_and_gives_its_heat_back(city):
    level, heat = value(city, "ST0001.tank_charge_level"), value(city, "CP0001.chp_heat_power")
    put(city, ST0001__tank_charge_flow_setpoint=300.0)
    run(city, 240)
    assert value(city, "ST0001.tank_charge_flow") == pytest.approx(300.0, rel=0.03)
    full = value(city, "ST0001.tank_charge_level")
    assert full - level == pytest.approx(100.0 * 1200.0 / 3300.0, rel=0.12)
    assert value(city, "CP0001.chp_heat_power") > heat
    assert value(city, "ST0001.tank_top_temperature") == pytest.approx(100.0, abs=1.5)
    put(city, ST0001__tank_charge_flow_setpoint=-250.0)
    run(city, 60)
    assert value(city, "ST0001.tank_charge_flow") == pytest.approx(-250.0, rel=0.03)
    assert value(city, "ST0001.tank_charge_level") < full - 4.0
    assert value(city, "ST0001.tank_bottom_temperature") < 60.0
    # Full to the bottom it takes no more, whatever the set-point says.
    put(city, ST0001__tank_charge_flow_setpoint=600.0)
    run(city, 240)
    assert value(city, "ST0001.tank_charge_flow") == 0.0
    assert value(city, "ST0001.tank_charge_level") > 88.0


def test_a_chp_unit_told_to_rest_leaves_the_heat_to_the_boilers(city):
    before = value(city, "HS0001.source_heat_power")
    assert value(city, "CP0001.chp_heat_power") > 0.9 * before
    electric = value(city, "CP0001.chp_electric_power")
    assert 0.5 < electric / value(city, "CP0001.chp_heat_power") < 0.75
    put(city, CP0001__chp_load_setpoint=40.0)
    run(city, 90)
    rated = city.streets.sources[0].chp_kw
    assert value(city, "CP0001.chp_heat_power") == pytest.approx(0.4 * rated, rel=0.02)
    assert value(city, "BL0001.boiler_load") > 20.0
    assert value(city, "HS0001.source_supply_temperature") == pytest.approx(100.0, abs=2.0)


def test_a_peak_plant_whose_boilers_may_not_fire_leaves_the_network_to_the_other(city):
    assert value(city, "HS0002.source_flow") > 200.0
    sent = value(city, "HS0001.source_flow")
    put(city, BL0003__boiler_enable=0.0, BL0004__boiler_enable=0.0)
    run(city, 60)
    assert value(city, "HS0002.source_flow") == pytest.approx(0.0, abs=2.0)
    assert value(city, "PU0003.pump_state") == 0.0
    assert value(city, "HS0001.source_flow") > 1.15 * sent


def test_each_source_follows_its_own_set_points(city):
    put(
        city,
        HS0002__source_supply_temperature_setpoint=90.0,
        HS0002__source_differential_pressure_setpoint=330.0,
    )
    run(city, 90)
    assert value(city, "HS0002.source_supply_temperature") == pytest.approx(90.0, abs=1.5)
    assert value(city, "HS0001.source_supply_temperature") == pytest.approx(100.0, abs=1.5)
    lift = value(city, "HS0002.source_supply_pressure") - value(
        city, "HS0002.source_return_pressure"
    )
    assert lift == pytest.approx(330.0, abs=12.0)


def test_the_zone_behind_the_plates_follows_its_set_point_by_its_own_valve(city):
    warm = value(city, "IS0001.secondary_supply_temperature")
    assert warm == pytest.approx(73.0, abs=1.5)
    opening = value(city, "IS0001.valve_opening")
    put(city, IS0001__secondary_supply_temperature_setpoint=67.0)
    run(city, 60)
    assert value(city, "IS0001.secondary_supply_temperature") == pytest.approx(67.0, abs=1.0)
    assert value(city, "IS0001.valve_opening") < opening
    hot = value(city, "IS0001.primary_flow") / 3.6 * 0.985 * 4.187
    hot *= value(city, "IS0001.primary_supply_temperature") - value(
        city, "IS0001.primary_return_temperature"
    )
    assert value(city, "IS0001.primary_heat_power") == pytest.approx(hot, rel=0.06)
    # By hand the valve does what it is told, and the temperature is nobody's.
    put(city, IS0001__station_mode=1.0, IS0001__valve_opening_setpoint=30.0)
    run(city, 20)
    assert value(city, "IS0001.valve_opening") == pytest.approx(30.0, abs=0.1)


def test_a_zone_holds_the_pressure_it_is_told_to(city):
    put(city, IS0001__secondary_return_pressure_setpoint=420.0)
    run(city, 60)
    assert value(city, "IS0001.secondary_return_pressure") == pytest.approx(420.0, abs=8.0)
    assert value(city, "HS0001.source_return_pressure") == pytest.approx(450.0, abs=8.0)


def test_a_slower_booster_starves_its_district(city):
    code, at = "BS0001", "SS0026"
    flow = value(city, f"{code}.primary_flow")
    dp = value(city, f"{at}.primary_supply_pressure") - value(city, f"{at}.primary_return_pressure")
    lift = value(city, f"{code}.booster_outlet_pressure") - value(
        city, f"{code}.booster_inlet_pressure"
    )
    assert lift > 60.0
    put(city, BS0001__circulation_pump_frequency_setpoint=15.0)
    city.controllers.self_regulating = False
    run(city, 5, step_s=30.0)
    assert value(city, f"{code}.circulation_pump_frequency") == pytest.approx(15.0, abs=0.1)
    now = value(city, f"{at}.primary_supply_pressure") - value(
        city, f"{at}.primary_return_pressure"
    )
    assert now < dp - 40.0
    assert value(city, f"{code}.primary_flow") < 0.95 * flow


def test_heat_closes_to_rounding_with_everything_broken_at_once(city):
    works = city.works
    wear = works.wear
    wear.main_leak_kgs = {"PN00010": 12.0, "PN00033": 5.0}
    wear.valve_leaking[3] = 0.05
    wear.valve_stuck[4] = True
    wear.strainer_blocked[5] = 0.6
    wear.loop_strainer_blocked[6] = 0.5
    wear.fouled[7] = 1.0
    wear.air_locked[:3] = 0.7
    wear.pump_tripped[9] = True
    wear.power_lost[20] = True
    wear.booster_tripped[0] = True
    wear.source_tripped[1] = True
    put(city, ST0001__tank_charge_flow_setpoint=-300.0)
    stored, before = works.stored_kj(), dict(works.energy)
    run(city, 60, step_s=30.0)
    flux = {name: works.energy[name] - before[name] for name in before}
    inward = flux["boilers"] + flux["gains"] + flux["makeup"]
    gained = inward - flux["ground"] - flux["outdoors"]
    assert works.stored_kj() - stored == pytest.approx(gained, abs=1e-9 * flux["boilers"])
    assert value(city, "HS0001.source_makeup_flow") > 30.0
    assert value(city, "HS0002.source_supply_temperature") < 75.0
    assert value(city, "PU0007.pump_state") == 3.0
    assert value(city, "BL0003.boiler_state") == 3.0


def test_a_burst_that_make_up_cannot_feed_lets_the_pressure_fall(city):
    most = 0.03 * city.works.truth.primary.source_kgs.sum()
    city.works.wear.main_leak_kgs = {"PN00005": 4.0 * most}
    run(city, 10, step_s=30.0)
    assert value(city, "HS0001.source_makeup_flow") == pytest.approx(3.6 * most, rel=0.02)
    assert value(city, "HS0001.source_return_pressure") < 350.0
    city.works.wear.main_leak_kgs = {}
    run(city, 60)
    assert value(city, "HS0001.source_return_pressure") == pytest.approx(450.0, abs=8.0)


def test_the_medium_city_goes_on_where_its_checkpoint_stood(settled):
    first, _, _ = load_city(settled, seed=1, size="medium", base_port=15020)
    again, _, _ = load_city(settled, seed=1, size="medium", base_port=15020)
    assert again.works.stored_kj() == pytest.approx(first.works.stored_kj(), rel=1e-12)
    for one in (first, again):
        for _ in range(3):
            one.step(30.0)
    assert np.abs(first.works.primary.node_c - again.works.primary.node_c).max() < 1e-6
    assert (first.memory.words == again.memory.words).all()
