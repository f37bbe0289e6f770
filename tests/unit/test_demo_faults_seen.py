"""What an operator sees of each fault: which measured points move, and which way.

Every fault runs beside the same city without it, from the same state, under the same weather and
with the same noise of its meters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from heatloop.demo.checkpoint import load_city, save_city
from heatloop.demo.city import City
from heatloop.demo.faults_kinds import DAY_S, parse_fault
from heatloop.demo.faults_wear import EFFECTS

START = 1_767_571_200.0
MILD, COLD = 14.0, -10.0
Make = Callable[[str], City]
Sound = Callable[[str, int, float], City]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a maker of settled cities, each settled once and then loaded from its state."""
    folder: Path = tmp_path_factory.mktemp("cities")

    def make(size: str) -> City:
        path = folder / f"{size}.npz"
        if not path.exists():
            save_city(City(2, size, START), path)
        city, _, _ = load_city(path, seed=2, size=size, base_port=15020)
        return city

    return make


# fault, size, minutes, weather offset K, then what moves by at least how much: + up, - down.
SEEN: list[tuple[str, str, int, float, dict[str, float]]] = [
    ("pump_trip@UN0001", "tiny", 10, 0.0, {
        "UN0001.secondary_flow": -80, "UN0001.circulation_pump_frequency": -35,
        "UN0001.circulation_pump_state": 2, "UN0001.circulation_pump_fault": 1,
        "UN0001.circulation_pump_current": -5, "UN0001.valve_opening": -40,
        "UN0001.interlock_word": 100, "BD0001.building_flow": -10}),
    ("valve_stuck@UN0001", "tiny", 60, COLD, {
        "UN0001.valve_opening": -4, "UN0001.secondary_supply_temperature": -1.5,
        "SS0001.primary_flow": -2}),
    ("valve_leaking@UN0001", "tiny", 60, MILD, {
        "UN0001.valve_opening": -20, "UN0001.secondary_supply_temperature": 8,
        "SS0001.primary_flow": 10}),
    ("strainer_blocked@UN0001", "tiny", 60, 0.0, {
        "UN0001.valve_opening": 20, "SS0001.primary_flow": -8,
        "UN0001.secondary_supply_temperature": -5}),
    ("loop_strainer_blocked@UN0001", "tiny", 60, 0.0, {
        "UN0001.secondary_flow": -40, "UN0001.secondary_return_temperature": -3,
        "UN0001.secondary_supply_pressure": -50, "BD0001.building_flow": -5}),
    ("exchanger_fouled@UN0001", "tiny", 60, 0.0, {
        "UN0001.valve_opening": 20, "SS0001.primary_flow": 5,
        "SS0001.primary_return_temperature": 5}),
    ("air_lock@BD0001", "tiny", 60, 0.0, {
        "BD0001.building_flow": -10, "BD0001.building_return_temperature": -5,
        "BD0003.building_flow": 0.7, "UN0001.secondary_flow": -4}),
    ("slow_leak@UN0001", "tiny", 180, 0.0, {"UN0001.makeup_total": 2}),
    ("pipe_burst@UN0001", "tiny", 20, 0.0, {
        "UN0001.secondary_return_pressure": -100, "UN0001.interlock_word": 200,
        "UN0001.secondary_flow": -80, "UN0001.makeup_total": 0.3}),
    ("pipe_burst@PN00001", "tiny", 20, 0.0, {
        "HS0001.source_makeup_flow": 1.5, "HS0001.source_makeup_total": 0.3,
        "HS0001.source_flow": 3, "SS0001.primary_supply_pressure": -10}),
    ("slow_leak@PN00002", "tiny", 60, 0.0, {
        "HS0001.source_makeup_flow": 1.0, "HS0001.source_makeup_total": 0.8}),
    ("source_trip@HS0001", "tiny", 30, 0.0, {
        "HS0001.source_supply_temperature": -25, "HS0001.source_heat_power": -3000,
        "BL0001.boiler_load": -50, "BL0001.boiler_state": 2,
        "BL0001.boiler_outlet_temperature": -25}),
    ("pump_trip@HS0001", "tiny", 10, 0.0, {
        "HS0001.source_flow": -60, "PU0001.pump_frequency": -30, "PU0001.pump_state": 2,
        "SS0001.primary_flow": -30, "UN0001.secondary_heat_power": -1000}),
    ("power_loss@SS0001", "tiny", 10, 0.0, {
        "UN0001.secondary_flow": -80, "UN0002.secondary_flow": -50,
        "UN0001.circulation_pump_frequency": -35, "UN0001.secondary_heat_power": -1000,
        "SS0001.primary_return_temperature": 20}),
    ("duty_pump_fault@UN0001", "tiny", 10, 0.0, {
        "UN0001.circulation_pump_fault": 64, "UN0001.circulation_pump_state": 2,
        "UN0001.standby_pump_state": -1, "UN0001.interlock_word": 128}),
    ("duty_pump_overload@UN0001", "tiny", 10, 0.0, {
        "UN0001.interlock_word": 2048, "UN0001.standby_pump_state": -1,
        "UN0001.circulation_pump_state": 1}),
    ("earth_leakage@SS0001", "tiny", 10, 0.0, {
        "UN0001.secondary_flow": -80, "UN0002.secondary_flow": -50,
        "UN0001.interlock_word": 4096, "SS0001.residual_current_trip": 1}),
    ("pump_trip@BS0001", "medium", 10, 0.0, {
        "BS0001.circulation_pump_frequency": -30, "BS0001.booster_inlet_pressure": 100}),
    ("source_trip@HS0002", "medium", 20, 0.0, {
        "HS0002.source_supply_temperature": -25, "HS0002.source_heat_power": -15_000}),
    ("meter_wrong@SS0001.primary_heat_power", "tiny", 10, 0.0, {
        "SS0001.primary_heat_power": 200}),
    ("meter_stopped@SS0001.primary_heat_total", "tiny", 120, 0.0, {
        "SS0001.primary_heat_total": -3000}),
    ("sensor_drift@UN0001.secondary_supply_temperature", "tiny", 120, 0.0, {
        "UN0001.valve_opening": -0.3, "BD0001.building_supply_temperature": -0.5}),
    ("sensor_open@UN0001.secondary_supply_temperature", "tiny", 10, 0.0, {
        "UN0001.secondary_supply_temperature": 500, "UN0001.interlock_word": 1}),
    ("sensor_short@UN0001.secondary_supply_temperature", "tiny", 10, 0.0, {
        "UN0001.secondary_supply_temperature": -150, "UN0001.interlock_word": 1}),
]  # fmt: skip


def run(city: City, minutes: int, offset_k: float) -> City:
    if offset_k:
        city.set_weather(offset_k=offset_k)
    for _ in range(minutes * 2):
        city.step(30.0)
    return city


@pytest.fixture(scope="module")
def sound(fresh: Make) -> Sound:
    """Return a giver of cities without faults, each run once."""
    return cache(lambda size, minutes, offset_k: run(fresh(size), minutes, offset_k))


def test_an_exchanger_fouls_day_by_day(fresh: Make, sound: Sound) -> None:
    honest = sound("tiny", 60, 0.0)
    opened = [honest.shown[honest.measured["UN0001.valve_opening"]]]
    for days in (2, 5):
        city = fresh("tiny")
        city.faults.switch("exchanger_fouling@UN0001", True, START - days * DAY_S, city.shown)
        run(city, 60, 0.0)
        opened.append(city.shown[city.measured["UN0001.valve_opening"]])
        assert city.works.wear.fouled[0] == pytest.approx(days / 10.0, abs=0.01)
    assert opened[0] + 0.5 < opened[1]
    assert opened[1] + 0.5 < opened[2]


@pytest.mark.parametrize("fault, size, minutes, offset_k, moves", SEEN, ids=[r[0] for r in SEEN])
def test_a_fault_moves_the_right_points_the_right_way(
    fresh: Make,
    sound: Sound,
    fault: str,
    size: str,
    minutes: int,
    offset_k: float,
    moves: dict[str, float],
) -> None:
    honest = sound(size, minutes, offset_k)
    broken = fresh(size)
    broken.switch_fault(fault, True)
    run(broken, minutes, offset_k)
    for point, least in moves.items():
        at = honest.measured[point]
        moved = float(broken.shown[at] - honest.shown[at])
        assert moved * np.sign(least) >= abs(least), (
            f"{point}: {honest.shown[at]:g} -> {broken.shown[at]:g}, wanted {least:+g}"
        )


def test_every_fault_of_the_works_is_in_the_table() -> None:
    seen = {(parse_fault(row[0]).kind, parse_fault(row[0]).at) for row in SEEN}
    assert set(EFFECTS) <= seen | {("exchanger_fouling", "UN")}


def test_what_a_fault_does_not_befall_stays_as_it_is(fresh: Make, sound: Sound) -> None:
    """An air lock in one loop changes nothing in a loop of another station."""
    honest, broken = sound("tiny", 30, 0.0), fresh("tiny")
    broken.switch_fault("air_lock@BD0001", True)
    run(broken, 30, 0.0)
    for point in ("UN0003.secondary_flow", "UN0004.valve_opening"):
        at = honest.measured[point]
        assert broken.shown[at] == pytest.approx(honest.shown[at], rel=0.03)


def test_a_power_loss_leaves_the_valve_and_silences_the_devices(fresh: Make) -> None:
    city = fresh("tiny")
    at = city.measured["UN0001.valve_opening"]
    city.step(30.0)
    before = float(city.shown[at])
    city.switch_fault("power_loss@SS0001", True)
    run(city, 10, 0.0)
    assert float(city.shown[at]) == pytest.approx(before, abs=0.1)
    codes = {d.code for d in city.ledger.devices_of("SS0001")}
    assert {city.memory.devices[n].code for n in city.faults.silent} == codes
    city.switch_fault("power_loss@SS0001", False)
    run(city, 10, 0.0)
    assert float(city.shown[city.measured["UN0001.secondary_flow"]]) > 50.0
    assert not city.faults.silent


@pytest.mark.parametrize("size", ["tiny", "medium"])
def test_every_offered_fault_can_be_switched_on_and_off_again(fresh: Make, size: str) -> None:
    city = fresh(size)
    kinds = {fault.kind for fault in city.offered}
    assert kinds >= {"pipe_burst", "slow_leak", "air_lock", "foreign_write", "collector_dead"}
    assert len({fault.id for fault in city.offered}) == len(city.offered)
    for fault in city.offered:
        city.switch_fault(fault.id, True)
    city.step(30.0)
    assert set(city.faults.active) == {fault.id for fault in city.offered}
    assert np.isfinite(city.shown).all()
    for fault in city.offered:
        city.switch_fault(fault.id, False)
    assert not city.faults.active
    assert not city.faults.silent
    assert not city.faults.meddled
    wear = city.works.wear
    assert not wear.main_leak_kgs
    for name in wear.__slots__:
        if name != "main_leak_kgs":
            assert not np.any(getattr(wear, name)), name
