"""Faults without a city: their names, what each does to `Wear` and to a sensor, and their end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heatloop.demo.faults import Faults
from heatloop.demo.faults_collectors import LYING_K, SUN_K
from heatloop.demo.faults_kinds import DAY_S, KINDS, parse_fault
from heatloop.demo.faults_sensors import METER_FACTOR
from heatloop.demo.faults_wear import EFFECTS
from heatloop.demo.orders import Wear, choke
from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Binding, Device, Point

NOW = 1_000_000.0
POINTS = (
    "UN0001.secondary_supply_temperature",
    "UN0001.secondary_return_pressure",
    "SS0001.primary_heat_power",
    "SS0001.primary_heat_total",
    "UN0001.secondary_flow",
    "WS0001.outdoor_temperature",
)
SHOWN = np.array([50.0, 400.0, 1000.0, 5000.0, 80.0, -5.0])
DEVICES = {"DV0001": 0, "DV0002": 1, "DV0003": 2}


def asset(code: str, kind: str, parent: str = "", **attributes: Any) -> Asset:
    return Asset(code=code, kind=kind, zh=code, en=code, parent=parent, organisation="CO01",
                 attributes=attributes)  # fmt: skip


def town() -> Ledger:
    def device(code: str, of: str, profile: str) -> Device:
        return Device(code=code, asset=of, gateway="GW0001", profile=profile, protocol="modbus_tcp")

    node = {"network": "primary", "node_kind": "junction"}
    assets = [
        Asset(code="CO01", kind="company", zh="c", en="c"),
        asset("HS0001", "heat_source"),
        asset("HS0002", "heat_source"),
        asset("BS0001", "booster_station", "HS0001"),
        asset("PN00001", "pipe_node", "HS0001", **node),
        asset("PN00002", "pipe_node", "HS0001", **node),
        asset("SS0001", "substation", "HS0001"),
        asset("SS0002", "substation", "HS0001"),
        asset("UN0001", "unit", "SS0001"),
        asset("UN0002", "unit", "SS0001"),
        asset("UN0003", "unit", "SS0002"),
        asset("BD0001", "building", "UN0001"),
        asset("FL00001", "flat", "BD0001"),
        asset("FL00002", "flat", "BD0001"),
        asset("RC0001", "room_collector", "FL00001"),
        asset("RC0002", "room_collector", "FL00002"),
    ]
    devices = [
        device("DV0001", "SS0001", "substation_controller"),
        device("DV0002", "SS0001", "building_meter_concentrator"),
        device("DV0003", "SS0002", "substation_controller"),
    ]
    points = [
        Point(code=f"UN0001.{kind}", key=key, asset="UN0001", kind=kind)
        for kind, key in (("valve_opening_setpoint", 1), ("secondary_supply_temperature", 2))
    ]
    bindings = [
        Binding(key=p.key, point=p.code, kind=p.kind, device="DV0001", register=p.key,
                dtype="int16", access="rw" if p.key == 1 else "r")
        for p in points
    ]  # fmt: skip
    return Ledger(version=1, assets=assets, devices=devices, gateways=[], points=points,
                  bindings=bindings, keys={})  # fmt: skip


class Works:
    """As much of the works as faults wear."""

    n_unit, n_station = 3, 2

    def __init__(self) -> None:
        self.truth = SimpleNamespace(
            primary_design_kgs=np.array([10.0, 20.0, 30.0]),
            secondary_design_kgs=np.array([40.0, 50.0, 60.0]),
            secondary=SimpleNamespace(unit=np.zeros(4, dtype=np.intp)),
        )
        self.wear = Wear(
            valve_stuck=np.zeros(3, dtype=bool),
            pump_tripped=np.zeros(3, dtype=bool),
            leak_kgs=np.zeros(3),
        )


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
def faults(works: Works) -> Faults:
    measured = {code: i for i, code in enumerate(POINTS)}
    return Faults(works, measured, DEVICES, town())  # type: ignore[arg-type]


def touched(wear: Wear) -> dict[str, dict[Any, float]]:
    """Return every field that is not at rest, by place."""
    found: dict[str, dict[Any, float]] = {"main_leak_kgs": dict(wear.main_leak_kgs)}
    for name in wear.__slots__:
        if name != "main_leak_kgs":
            values = getattr(wear, name)
            found[name] = {i: float(values[i]) for i in np.flatnonzero(values).tolist()}
    return {name: places for name, places in found.items() if places}


WORN = [
    ("pump_trip@UN0002", 0.0, {"pump_tripped": {1: 1.0}}),
    ("pump_trip@HS0002", 0.0, {"source_pump_tripped": {1: 1.0}}),
    ("pump_trip@BS0001", 0.0, {"booster_tripped": {0: 1.0}}),
    ("duty_pump_fault@UN0001", 0.0, {"duty_faulty": {0: 1.0}}),
    ("duty_pump_overload@UN0002", 0.0, {"duty_overloaded": {1: 1.0}}),
    ("earth_leakage@SS0002", 0.0, {"residual_tripped": {1: 1.0}}),
    ("source_trip@HS0001", 0.0, {"source_tripped": {0: 1.0}}),
    ("power_loss@SS0002", 0.0, {"power_lost": {1: 1.0}}),
    ("valve_stuck@UN0003", 0.0, {"valve_stuck": {2: 1.0}}),
    ("valve_leaking@UN0001", 0.0, {"valve_leaking": {0: 0.3}}),
    ("strainer_blocked@UN0001", 900.0, {"strainer_blocked": {0: 0.425}}),
    ("strainer_blocked@UN0001", 9000.0, {"strainer_blocked": {0: 0.85}}),
    ("loop_strainer_blocked@UN0001", 9000.0, {"loop_strainer_blocked": {0: 0.6}}),
    ("exchanger_fouled@UN0002", 0.0, {"fouled": {1: 1.0}}),
    ("exchanger_fouling@UN0002", 5 * DAY_S, {"fouled": {1: 0.5}}),
    ("air_lock@BD0003", 300.0, {"air_locked": {2: 0.4}}),
    ("air_lock@BD0003", 600.0, {"air_locked": {2: 0.8}}),
    ("slow_leak@UN0003", 0.0, {"leak_kgs": {2: 0.72}}),
    ("pipe_burst@UN0003", 60.0, {"leak_kgs": {2: 9.0}}),
    ("slow_leak@PN00002", 0.0, {"main_leak_kgs": {"PN00002": 1.2}}),
    ("pipe_burst@PN00001", 30.0, {"main_leak_kgs": {"PN00001": 2.4}}),
]


@pytest.mark.parametrize("fault_id, age_s, wanted", WORN)
def test_each_fault_wears_its_own_place_and_heals(faults, works, fault_id, age_s, wanted):
    faults.switch(fault_id, True, NOW, SHOWN)
    faults.spoil(SHOWN.copy(), NOW + age_s)
    found = touched(works.wear)
    assert found.keys() == wanted.keys()
    for field, places in wanted.items():
        assert found[field] == pytest.approx(places)
    assert faults.active == {fault_id: NOW}
    faults.switch(fault_id, False, NOW + age_s, SHOWN)
    assert not touched(works.wear)
    assert not faults.active


def test_every_wear_effect_is_in_the_table():
    tested = {(parse_fault(row[0]).kind, parse_fault(row[0]).at) for row in WORN}
    assert tested == set(EFFECTS)


def test_two_leaks_of_a_loop_add_up_and_two_foulings_do_not(faults, works):
    faults.switch("slow_leak@UN0001", True, NOW, SHOWN)
    faults.switch("pipe_burst@UN0001", True, NOW - 60.0, SHOWN)
    faults.switch("exchanger_fouled@UN0001", True, NOW, SHOWN)
    faults.switch("exchanger_fouling@UN0001", True, NOW, SHOWN)
    faults.advance(NOW + DAY_S)
    assert works.wear.leak_kgs[0] == pytest.approx(40.0 * (0.012 + 0.15))
    assert works.wear.fouled[0] == pytest.approx(1.0)
    faults.switch("exchanger_fouled@UN0001", False, NOW + DAY_S, SHOWN)
    assert works.wear.fouled[0] == pytest.approx(0.1)
    faults.switch("pipe_burst@UN0001", False, NOW + DAY_S, SHOWN)
    assert works.wear.leak_kgs[0] == pytest.approx(0.48)


SPOILED = [
    ("sensor_drift", 0, 7200.0, 51.0),
    ("sensor_drift", 0, 1e6, 56.0),
    ("sensor_frozen", 0, 600.0, 20.0),
    ("sensor_spike", 0, 10.0, 85.0),
    ("sensor_spike", 0, 100.0, 50.0),
    ("sensor_open", 0, 10.0, 850.0),
    ("sensor_short", 0, 10.0, -200.0),
    ("sensor_open", 1, 10.0, -400.0),
    ("sensor_short", 1, 10.0, 1700.0),
    ("sensor_high", 0, 10.0, 95.0),
    ("sensor_low", 1, 10.0, 75.0),
    ("meter_wrong", 2, 10.0, 1000.0 * METER_FACTOR),
    ("meter_wrong", 3, 10.0, 20.0 + 4980.0 * METER_FACTOR),
    ("meter_stopped", 3, 10.0, 20.0),
]


@pytest.mark.parametrize("kind, number, age_s, wanted", SPOILED)
def test_each_sensor_fault_shows_its_own_lie_and_no_other(faults, kind, number, age_s, wanted):
    at_onset = SHOWN.copy()
    at_onset[number] = 20.0
    faults.switch(f"{kind}@{POINTS[number]}", True, NOW, at_onset)
    shown = SHOWN.copy()
    faults.spoil(shown, NOW + age_s)
    assert shown[number] == pytest.approx(wanted)
    others = np.arange(len(SHOWN)) != number
    assert (shown[others] == SHOWN[others]).all()
    faults.switch(f"{kind}@{POINTS[number]}", False, NOW, at_onset)
    shown = SHOWN.copy()
    faults.spoil(shown, NOW + age_s)
    assert (shown == SHOWN).all()


def test_power_loss_silences_every_device_of_its_station_alone(faults):
    faults.switch("power_loss@SS0001", True, NOW, SHOWN)
    assert faults.silent == {0, 1}
    faults.switch("device_silent@DV0003", True, NOW, SHOWN)
    faults.switch("device_silent@DV0001", True, NOW, SHOWN)
    assert faults.silent == {0, 1, 2}
    faults.switch("power_loss@SS0001", False, NOW, SHOWN)
    assert faults.silent == {0, 2}


def test_collectors_die_bask_and_lie(faults):
    collectors = faults.collectors
    faults.switch("collector_dead@RC0002", True, NOW, SHOWN)
    faults.switch("collector_sun@RC0001", True, NOW, SHOWN)
    faults.switch("collector_lying@RC0002", True, NOW, SHOWN)
    assert collectors.dead.tolist() == [False, True]
    assert collectors.error_k(500.0).tolist() == pytest.approx([SUN_K, LYING_K])
    assert collectors.error_k(0.0)[0] < 1.0
    for fault_id in list(faults.active):
        faults.switch(fault_id, False, NOW, SHOWN)
    assert not collectors.dead.any()
    assert not collectors.error_k(500.0).any()


@pytest.mark.parametrize(
    "fault_id",
    [
        "no_such_kind@UN0001",
        "pump_trip@",
        "pump_trip",
        "pump_trip@UN0004",
        "pump_trip@UN0000",
        "pump_trip@UNxxxx",
        "pump_trip@BS0002",
        "pump_trip@BD0001",
        "pump_trip@UN0001.secondary_flow",
        "source_trip@HS0003",
        "power_loss@SS0009",
        "air_lock@BD0009",
        "pipe_burst@PN00009",
        "sensor_open@UN0009.secondary_flow",
        "sensor_high@UN0001.secondary_flow",
        "sensor_drift@UN0001",
        "device_silent@DV0009",
        "collector_dead@RC0003",
        "foreign_write@UN0001.secondary_supply_temperature",
        "foreign_write@UN0009.valve_opening_setpoint",
    ],
)
def test_what_is_not_there_cannot_fail(faults, works, fault_id):
    with pytest.raises(InputError):
        faults.switch(fault_id, True, NOW, SHOWN)
    assert not faults.active
    assert not touched(works.wear)


def test_foreign_writes_name_their_points(faults):
    point = "UN0001.valve_opening_setpoint"
    faults.switch(f"foreign_write@{point}", True, NOW, SHOWN)
    assert faults.meddled == (point,)
    faults.switch(f"foreign_write@{point}", False, NOW, SHOWN)
    assert faults.meddled == ()


def test_without_a_ledger_the_works_can_still_be_worn(works):
    faults = Faults(works, {}, DEVICES)
    faults.switch("pipe_burst@PN00009", True, NOW, SHOWN)
    faults.switch("power_loss@SS0001", True, NOW, SHOWN)
    assert set(touched(works.wear)) == {"main_leak_kgs", "power_lost"} - {"main_leak_kgs"}
    faults.advance(NOW + 60.0)
    assert works.wear.main_leak_kgs == pytest.approx({"PN00009": 4.8})
    assert not faults.silent


def test_names_and_texts():
    for kind, row in KINDS.items():
        assert row.kind == kind
        assert row.zh
        assert row.en
        assert not row.en.isspace()
    fault = parse_fault("air_lock@BD0012")
    assert (fault.at, fault.index) == ("BD", 11)
    assert fault.to_dict(True) == {
        "id": "air_lock@BD0012",
        "zh": "楼栋管路气堵",
        "en": "building is air-locked",
        "subject": "BD0012",
        "active": True,
    }


def test_a_strainer_half_blocked_has_four_times_the_resistance():
    found = choke(np.array([0.0, 0.5, 1.0]))
    assert found[:2].tolist() == [1.0, 4.0]
    assert np.isfinite(found).all()
