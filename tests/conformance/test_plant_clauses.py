"""Clauses of the standard the ledger proves by itself."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest

from heatloop.plant.areas import area_differences, area_m2, company_area_m2
from heatloop.plant.asset_kinds import asset_kinds, secret_attributes
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.changes import Change, changes, revise
from heatloop.plant.completeness import (
    completeness_matrix,
    missing_layers,
    missing_points,
    template,
    unbound_collectors,
)
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.plant.kinds import PERIODS_S, point_kinds
from heatloop.plant.rows import from_rows, masked, to_rows
from heatloop.security.keys import seal, unseal
from tests.unit.plant_town import (
    asset,
    assets,
    changed,
    contents,
    device,
    devices,
    gateways,
    town,
    without_point,
)


def refused(rows):
    with pytest.raises(LedgerErrors) as caught:
        from_rows(rows, version=2, keys=town().keys)
    return [(row.sheet, row.row, row.column) for row in caught.value.rows]


def test_6_1_1_1_a_1_company_and_responsible_persons() -> None:
    """6.1.1.1 a 1: create, read, change, remove, import, export, required fields, history."""
    rows = to_rows(town())
    assert rows["company"][0]["legal_name"] == "城东热力有限公司"
    assert rows["person"][0]["duty"] == "站长"
    assert contents(from_rows(rows, version=1, keys=town().keys)) == contents(town())

    second = revise(town(), version=2, put=[asset("PE0002", "person", "TM01", duty="值班长")])
    third = revise(second, version=3, put=[asset("PE0002", "person", "TM01", duty="站长")])
    fourth = revise(third, version=4, remove=["PE0002"])
    assert second.asset("PE0002").attributes["duty"] == "值班长"
    assert "PE0002" not in fourth.assets
    assert changes(second, third) == [
        Change(code="PE0002", field="duty", before="值班长", after="站长")
    ]

    broken = deepcopy(rows)
    broken["person"][0]["duty"] = None
    broken["company"][0]["zh"] = ""
    assert refused(broken) == [("company", 2, "zh"), ("person", 2, "duty")]


def test_6_1_1_1_a_2_heat_sources_boilers_and_pumps() -> None:
    """6.1.1.1 a 2: rated load in MW is taken, a wrong unit is refused, points are linked."""
    rows = deepcopy(to_rows(town()))
    rows["heat_source"][0]["rated_load_kw"] = "58 MW"
    ledger = from_rows(rows, version=1, keys=town().keys)
    assert ledger.asset("HS0001").attributes["rated_load_kw"] == 58000.0
    for wrong in ("58 GJ", "58 m3/h", "58 MWh", "fifty-eight"):
        rows["heat_source"][0]["rated_load_kw"] = wrong
        assert refused(rows) == [("heat_source", 2, "rated_load_kw")]
    kinds = {child.kind for child in ledger.children("HS0001")}
    assert {"boiler", "pump"} <= kinds
    assert ledger.asset("PU0001").attributes["rated_head_m"] == 60
    for code in ("HS0001", "BL0001", "BL0002", "PU0001"):
        assert ledger.points_of(code), code


def test_6_1_1_1_a_3_substations_and_units() -> None:
    """6.1.1.1 a 3: area, zones, exchanger and pump data; every unit linked to its station."""
    for unit in town().of_kind("unit"):
        assert town().asset(unit.parent).kind == "substation"
        assert unit.attributes["zone"] in {"high", "low", "single"}
        assert float(unit.attributes["hx_area_m2"]) > 0
        assert float(unit.attributes["pump_rated_head_m"]) > 0
    assert area_m2(town().asset("SS0001")) == 30000
    rows = deepcopy(to_rows(town()))
    rows["unit"][1]["parent"] = None
    rows["unit"][2]["parent"] = "HS0001"
    assert refused(rows) == [("unit", 3, "parent"), ("unit", 4, "parent")]


def test_6_1_1_1_a_4_communities_and_buildings() -> None:
    """6.1.1.1 a 4: type, area, year, envelope; areas add up from building to company."""
    for building in town().of_kind("building"):
        assert {"use", "area_m2", "year", "envelope"} <= set(building.attributes)
    buildings = sum(area_m2(building) for building in town().of_kind("building"))
    assert buildings == company_area_m2(town()) == area_m2(town().asset("CO01"))
    assert area_differences(town()) == []
    wrong = build_ledger(changed("BD0001", own={"area_m2": 9999}), [], [], version=1, keys={})
    assert [difference.asset for difference in area_differences(wrong)] == ["UN0001"]


def test_6_1_1_1_a_5_heat_users() -> None:
    """6.1.1.1 a 5: address, area, contract, contact; masked in lists, sealed for the store."""
    flat, contract = town().asset("FL00001"), town().asset("CT00001")
    assert flat.attributes["address"] == "1-101"
    assert flat.attributes["area_m2"] == 85.5
    assert contract.parent == flat.code
    assert {"phone", "user_name"} <= secret_attributes("contract")
    assert masked(contract).attributes["phone"] == "138****0000"
    assert masked(contract).attributes["user_name"] == "张*"
    phone = str(contract.attributes["phone"]).encode()
    blob = seal("k1", bytes(32), phone, b"CT00001/phone")
    assert phone not in blob
    assert unseal({"k1": bytes(32)}, blob, b"CT00001/phone") == phone


def test_6_1_1_1_a_6_room_collectors() -> None:
    """6.1.1.1 a 6: model, height, battery, bound user; unbound collectors are listed."""
    bound = town().asset("RC0001")
    assert {"model", "height_m", "battery_pct"} <= set(bound.attributes)
    assert town().asset(bound.parent).kind == "flat"
    assert [collector.code for collector in unbound_collectors(town())] == ["RC0002"]


@pytest.mark.parametrize(
    "name,code,count,clause",
    [
        ("heat_source", "HS0001", 8, "6.1.1.1 b 1"),
        ("substation_primary", "SS0001", 7, "6.1.1.1 b 2"),
        ("unit_secondary", "UN0001", 12, "6.1.1.1 b 3"),
        ("building_inlet", "BD0001", 5, "6.1.1.1 b 4"),
        ("household", "RC0001", 6, "6.1.1.1 b 5"),
    ],
)
def test_6_1_1_1_b_templates(name: str, code: str, count: int, clause: str) -> None:
    """6.1.1.1 b 1-5: each template has its points, and any one taken away is reported."""
    kinds = template(name)
    assert len(kinds) == count
    for kind in kinds:
        ledger = without_point(town(), f"{code}.{kind}")
        (missing,) = missing_points(ledger)
        assert missing.required.point_kind == kind
        assert missing.required.template == name
        assert missing.required.clause == clause


def test_6_1_1_1_b_6_occupancy_complaints_and_periods() -> None:
    """6.1.1.1 b 6: each community has both rates as points; each point has its period."""
    assert set(template("community_service")) == {"occupancy_rate", "complaint_rate"}
    assert [point.kind for point in town().points_of("CM0001")] == list(
        template("community_service")
    )
    assert all(row["period_s"] in PERIODS_S for row in to_rows(town())["point"])


def test_6_1_1_1_c_weather() -> None:
    """6.1.1.1 c 1, c 2: five quantities and three more, each with its unit."""
    units = {kind: point_kinds()[kind].unit for kind in template("weather")}
    assert units == {
        "weather_condition": "-",
        "outdoor_temperature": "degC",
        "outdoor_humidity": "%",
        "outdoor_temperature_max": "degC",
        "outdoor_temperature_min": "degC",
        "wind_direction": "deg",
        "wind_speed": "m/s",
        "solar_radiation": "W/m2",
    }
    for kind in template("weather"):
        binding = town().binding_of(f"WS0001.{kind}")
        assert binding.period_s <= 3600, "at least once an hour"
        assert missing_points(without_point(town(), binding.point))


def test_4_2_2_3_1_three_bad_codes_reject_exactly_those_three() -> None:
    """4.2.2 -3 #1: a file with three bad codes is refused, naming those three and no more."""
    rows = deepcopy(to_rows(town()))
    rows["flat"][1]["code"] = "FL2"
    rows["boiler"][1]["code"] = "BL0001"
    rows["point"][5]["code"] = "HS0001-flow"
    assert refused(rows) == [("boiler", 3, "code"), ("flat", 3, "code"), ("point", 7, "code")]

    rows = deepcopy(to_rows(town()))
    for i, bad in ((3, "UN1.secondary_flow"), (40, "SS0001.nonsense"), (99, "UN0001.x.0")):
        rows["point"][i]["code"] = bad
    assert refused(rows) == [("point", i + 2, "code") for i in (3, 40, 99)]


def test_4_2_2_3_1_every_code_follows_the_one_rule() -> None:
    """4.2.2 -3 #1: an independent reading of the rule accepts every code, and all are unique."""
    prefixes = {kind.prefix for kind in asset_kinds().values()}
    for code in town().assets:
        assert re.fullmatch(r"[A-Z]{2}\d{2,8}", code)
        assert code[:2] in prefixes
    for code in town().points:
        assert re.fullmatch(r"[A-Z]{2}\d{2,8}\.[a-z_]+(\.[1-9])?", code)
    codes = [*town().assets, *town().devices, *town().gateways, *town().points]
    assert len(set(codes)) == len(codes)


def test_4_2_1_1_a_station_without_local_control_is_a_named_finding() -> None:
    """4.2.1 -1: equipment, instruments and local control at each substation."""
    assert missing_layers(town()) == []
    only_meters = [d for d in devices() if d.code != "DV0003"]
    meters = device(50, "SS0001", "building_meter_concentrator")
    ledger = build_ledger(
        assets(), [d for d in only_meters if d.code != "DV0005"] + [meters], gateways(),
        version=1, keys={},
    )  # fmt: skip
    found = [f for f in missing_layers(ledger) if f.layer == "local_control"]
    assert [f.asset for f in found] == ["SS0001"]
    assert "缺少本地监控系统" in found[0].zh
    assert "has no local control system" in found[0].en


def test_4_2_1_3_completeness_matrix() -> None:
    """4.2.1 -3: five types of nodes; a point taken away lowers exactly its own."""
    nodes = {row.node: row for row in completeness_matrix(town())}
    five = {"source", "network", "isolation_station", "substation", "user"}
    assert five <= set(nodes)
    assert {nodes[node].share_pct for node in five} == {100.0}
    taken = {
        "source": "HS0001.source_supply_temperature_setpoint",
        "network": "BS0001.primary_supply_pressure",
        "isolation_station": "IS0001.primary_flow",
        "substation": "UN0002.secondary_return_pressure",
        "user": "RC0001.room_temperature",
    }
    for node, code in taken.items():
        after = {row.node: row for row in completeness_matrix(without_point(town(), code))}
        share = after[node].share_pct
        assert share is not None
        assert share < 100.0
        assert [m.required.point_kind for m in after[node].missing] == [code.split(".")[1]]
        assert all(after[other].share_pct == 100.0 for other in five - {node})


def test_6_1_2_b_2_one_identifier_per_point() -> None:
    """6.1.2 b #2: code and key stand one for one in ledger, gateway profiles and export."""
    ledger = town()
    assert len(ledger.by_key) == len(ledger.points) == len({p.key for p in ledger.points.values()})
    assert [row["code"] for row in to_rows(ledger)["point"]] == list(ledger.points)
    for gateway in ledger.gateways:
        for binding in make_edge_profile(ledger, gateway, 1).bindings:
            assert ledger.points[binding.point].key == binding.key
    twin = device(60, "SS0001", "substation_controller")
    with pytest.raises(LedgerErrors, match="another device measures this point"):
        build_ledger(assets(), [*devices(), twin], gateways(), version=1, keys={})


def test_6_1_2_b_3_periods_are_allowed_ones() -> None:
    """6.1.2 b #3: the period is an attribute of every point with allowed values."""
    for binding in town().bindings:
        assert binding.period_s == point_kinds()[binding.kind].period_s
        assert binding.period_s in PERIODS_S
    for kind in (*template("heat_source"), *template("unit_secondary")):
        assert point_kinds()[kind].period_s <= 30, "6.1.2 e #1: source and station within 30 s"


def test_4_2_2_2_every_gateway_declares_channel_and_cost() -> None:
    """4.2.2 -2: a gateway without a known channel or with a cost that is none is refused."""
    rows = deepcopy(to_rows(town()))
    assert {row["channel"] for row in rows["gateway"]} == {"ethernet", "4g"}
    rows["gateway"][0]["channel"] = "carrier pigeon"
    rows["gateway"][1]["monthly_cost_yuan"] = -3
    assert refused(rows) == [("gateway", 2, "channel"), ("gateway", 3, "monthly_cost_yuan")]
