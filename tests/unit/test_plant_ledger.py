"""Points derived from devices, paths, look-ups, keys and edge profiles."""

from __future__ import annotations

import pickle
from dataclasses import asdict, replace

import pytest

from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.build import build_ledger
from heatloop.plant.derive import Limits
from heatloop.plant.edge_profile import EdgeProfile, make_edge_profile
from heatloop.plant.ledger import Ledger
from tests.unit.plant_town import asset, assets, contents, device, devices, gateways, town


def test_registers_follow_profile_and_code_order() -> None:
    ledger = town()
    first = ledger.binding_of("UN0001.secondary_flow")
    second = ledger.binding_of("UN0002.secondary_flow")
    assert (first.register, second.register) == (266, 266 + 128)
    assert (first.dtype, first.factor, first.device, first.period_s) == (
        "uint32",
        0.1,
        "DV0003",
        30,
    )
    assert (first.low, first.high, first.access) == (None, None, "r")
    setpoint = ledger.binding_of("UN0003.secondary_supply_temperature_setpoint")
    assert (setpoint.device, setpoint.register) == ("DV0004", 289)
    assert (setpoint.access, setpoint.low, setpoint.high) == ("rw", 20, 85)
    assert ledger.binding_of("UN0001.heating_curve_supply.6").register == 309


def test_a_concentrator_reaches_buildings_through_units_and_risers() -> None:
    ledger = town()
    registers = [ledger.binding_of(f"BD000{n}.building_heat_total").register for n in (1, 2, 3)]
    assert registers == [0, 8, 16]
    assert ledger.binding_of("BD0004.building_heat_total").device == "DV0006"


def test_a_controller_does_not_reach_into_the_next_station() -> None:
    extra = asset("PU0009", "pump", "SS0001")
    ledger = build_ledger([*assets(), extra], devices(), gateways(), version=1, keys={})
    assert ledger.points_of("PU0009") == []
    assert len(ledger.points_of("PU0001")) == 2


def test_children_are_bound_in_the_order_of_their_numbers() -> None:
    more = [asset(f"BL{n}", "boiler", "HS0001", rated_load_kw=1, fuel="gas") for n in (10000, 9999)]
    ledger = build_ledger([*assets(), *more], devices(), gateways(), version=1, keys={})
    found = [
        ledger.binding_of(f"{code}.boiler_load").register
        for code in ("BL0001", "BL0002", "BL9999", "BL10000")
    ]
    assert found == [257, 273, 289, 305]


def test_paths_of_both_trees() -> None:
    ledger = town()
    assert ledger.paths("UN0001") == ("CO01/BR01/TM01", "HS0001/SS0001/UN0001")
    assert ledger.org_path("FL00001") == "CO01/BR01/TM01"
    assert ledger.heat_path("FL00001") == "HS0001/SS0001/UN0001/BD0001/FL00001"
    assert ledger.paths("UN0003") == ("CO01/BR02", "HS0001/BS0001/IS0001/SS0002/UN0003")
    assert ledger.paths("TM01") == ("CO01/BR01/TM01", "")
    assert ledger.paths("CM0001") == ("CO01/BR01", "")
    assert ledger.paths("RC0002") == ("CO01/BR01/TM01", "")
    assert ledger.paths("WS0001") == ("CO01/BR01", "HS0001/WS0001")
    assert ledger.point_paths("UN0001.secondary_flow") == ledger.paths("UN0001")


def test_look_ups() -> None:
    ledger = town()
    assert [a.code for a in ledger.children("SS0001")] == ["UN0001", "UN0002"]
    assert ledger.children("FL00002") == ()
    assert [a.code for a in ledger.of_kind("boiler")] == ["BL0001", "BL0002"]
    assert ledger.of_kind("chp") == []
    under = {a.code for a in ledger.below("UN0001")}
    assert under == {"BD0001", "BD0002", "FL00001", "FL00002", "CT00001", "RC0001"}
    assert ledger.gateway_of("UN0003.station_mode") == "GW0002"
    assert ledger.device_of("RC0001.room_temperature").code == "DV0007"
    assert len(ledger.points_of("WS0001")) == 8
    assert [d.code for d in ledger.devices_of("SS0001")] == ["DV0003", "DV0005"]
    point = ledger.point("UN0001.heating_curve_outdoor.2")
    assert ledger.by_key[point.key] is point
    assert (point.n, point.asset, point.kind) == (2, "UN0001", "heating_curve_outdoor")


def test_unknown_codes_are_named() -> None:
    ledger = town()
    for call in (ledger.asset, ledger.point, ledger.paths, ledger.binding_of, ledger.gateway_of):
        with pytest.raises(InputError) as caught:
            call("SS9999.primary_flow")
        assert caught.value.thing == "SS9999.primary_flow"
        assert caught.value.fix


def test_computed_points_have_a_key_and_no_device() -> None:
    ledger = town()
    assert [p.kind for p in ledger.points_of("CM0001")] == ["occupancy_rate", "complaint_rate"]
    with pytest.raises(InputError, match="no device measures"):
        ledger.binding_of("CM0001.occupancy_rate")


def test_scoped_yields_either_tree() -> None:
    ledger = town()
    by_team = {a.code for a in ledger.scoped(Scope.of(["CO01/BR02"]))}
    assert by_team == {"BR02", "SS0002", "UN0003", "BD0004"}
    by_heat = {a.code for a in ledger.scoped(Scope.of(["HS0001/SS0001/UN0002"]))}
    assert by_heat == {"UN0002", "RS00001", "BD0003"}
    assert list(ledger.scoped(Scope.of([]))) == []
    assert len(list(ledger.scoped(Scope.everything()))) == len(ledger.assets)


def test_keys_are_kept_and_never_used_again() -> None:
    old = town()
    fewer = [d for d in devices() if d.code != "DV0002"]
    middle = build_ledger(assets(), fewer, gateways(), version=2, keys=old.keys)
    assert "WS0001.outdoor_temperature" not in middle.points
    assert middle.keys == old.keys, "a key that is gone stays taken"
    more = [*fewer, device(2, "HS0001", "heat_source_controller", unit_id=2)]
    more = [d for d in more if d.code != "DV0001"] + [device(20, "WS0001", "weather_station")]
    again = build_ledger(assets(), more, gateways(), version=3, keys=middle.keys)
    code = "WS0001.outdoor_temperature"
    assert again.points[code].key == old.points[code].key, "a replaced device keeps the point"
    new = build_ledger(
        [*assets(), asset("SS0003", "substation", "HS0001", heated_area_m2=1)],
        [*more, device(21, "SS0003", "substation_controller")],
        gateways(),
        version=4,
        keys=again.keys,
    )
    assert new.points["SS0003.primary_flow"].key > max(old.keys.values())


def test_damaged_keys_are_refused() -> None:
    for keys in ({"a": 1, "b": 1}, {"a": 0}, {"a": 2**32}):
        with pytest.raises(InputError, match="point keys"):
            build_ledger(assets(), devices(), gateways(), version=1, keys=keys)


def test_the_same_records_in_any_order_give_the_same_ledger() -> None:
    other = build_ledger(
        reversed(assets()), reversed(devices()), reversed(gateways()), version=1, keys={}
    )
    assert contents(other) == contents(town())


def test_own_limits_go_to_the_point() -> None:
    code = "UN0001.secondary_return_pressure"
    limits = {code: Limits(low=200.0, high=None)}
    ledger = build_ledger(assets(), devices(), gateways(), version=1, keys={}, limits=limits)
    assert ledger.point(code).alarm_low == 200.0
    assert ledger.point(code).alarm_high is None


def test_a_ledger_travels_to_another_process() -> None:
    assert contents(pickle.loads(pickle.dumps(town()))) == contents(town())
    assert asdict(town().asset("FL00001"))["attributes"]["metered"] is True


@pytest.mark.parametrize("later_first", [False, True])
def test_the_newest_binding_of_a_point_counts(later_first: bool) -> None:
    ledger = town()
    now = ledger.binding_of("SS0001.primary_flow")
    later = replace(now, factor=0.001, since=1_800_000_000)
    both = [later, *ledger.bindings] if later_first else [*ledger.bindings, later]
    dated = Ledger(
        version=2,
        assets=ledger.assets.values(),
        devices=ledger.devices.values(),
        gateways=ledger.gateways.values(),
        points=ledger.points.values(),
        bindings=both,
        keys=ledger.keys,
    )
    assert dated.binding_of("SS0001.primary_flow") is later


def test_an_edge_profile_holds_its_gateway_and_nothing_else() -> None:
    ledger = town()
    profile = make_edge_profile(ledger, "GW0002", 7)
    assert [d.code for d in profile.devices] == ["DV0004", "DV0006"]
    assert {b.device for b in profile.bindings} == {"DV0004", "DV0006"}
    assert (profile.version, profile.ledger_version) == (7, 1)
    assert EdgeProfile.from_dict(profile.to_dict()) == profile
    every = [b.point for g in ledger.gateways for b in make_edge_profile(ledger, g, 1).bindings]
    assert sorted(every) == sorted(b.point for b in ledger.bindings)
    with pytest.raises(InputError, match="no such gateway"):
        make_edge_profile(ledger, "GW0009", 1)


def test_long_chains_of_pipes_are_no_problem() -> None:
    chain = [asset("PN00001", "pipe_node", "HS0001", network="primary")]
    chain += [
        asset(f"PN{n:05d}", "pipe_node", f"PN{n - 1:05d}", network="primary")
        for n in range(2, 3000)
    ]
    ledger = build_ledger([*reversed(chain), *assets()], [], [], version=1, keys={})
    assert ledger.heat_path("PN02999").count("/") == 2999
    assert sum(1 for _ in ledger.below("PN00001")) == 2998
