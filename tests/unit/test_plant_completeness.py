"""Missing points, missing layers, unbound collectors and areas that do not add up."""

from __future__ import annotations

import pytest

from heatloop.plant.areas import AreaDifference, area_differences, area_m2, company_area_m2
from heatloop.plant.build import build_ledger
from heatloop.plant.completeness import (
    completeness_matrix,
    missing_layers,
    missing_points,
    unbound_collectors,
)
from tests.unit.plant_town import asset, assets, changed, devices, gateways, town, without_point


def test_the_town_is_complete() -> None:
    assert missing_points(town()) == []
    assert missing_layers(town()) == []
    matrix = {row.node: row for row in completeness_matrix(town())}
    assert {row.share_pct for row in matrix.values()} == {100.0}
    assert (matrix["user"].assets, matrix["user"].unequipped) == (2, 1)


@pytest.mark.parametrize(
    "code,node",
    [
        ("HS0001.source_flow", "source"),
        ("SS0002.primary_heat_total", "substation"),
        ("UN0003.valve_opening_setpoint", "substation"),
        ("BD0003.building_flow", "network"),
        ("BS0001.primary_flow", "network"),
        ("IS0001.secondary_flow", "isolation_station"),
        ("RC0001.user_valve_state", "user"),
        ("WS0001.wind_speed", "weather"),
    ],
)
def test_a_point_taken_away_is_missed(code: str, node: str) -> None:
    ledger = without_point(town(), code)
    (missing,) = missing_points(ledger)
    owner = "FL00001" if code.startswith("RC") else code.split(".")[0]
    assert (missing.asset, missing.required.point_kind) == (owner, code.split(".")[1])
    assert missing.required.clause
    for row in completeness_matrix(ledger):
        assert (row.share_pct < 100.0) == (row.node == node)


def test_a_node_that_is_not_there_has_no_share() -> None:
    few = [a for a in assets() if a.kind in {"company", "branch", "team", "person"}]
    ledger = build_ledger(few, [], [], version=1, keys={})
    assert {row.share_pct for row in completeness_matrix(ledger)} == {None}


def test_a_metered_flat_without_instruments_is_missed() -> None:
    ledger = build_ledger(
        changed("FL00002", own={"metered": True}), devices(), gateways(), version=1, keys={}
    )
    assert [m.asset for m in missing_points(ledger)] == ["FL00002"] * 6


def test_a_station_without_local_control_is_named() -> None:
    fewer = [d for d in devices() if d.code != "DV0003"]
    ledger = build_ledger(assets(), fewer, gateways(), version=1, keys={})
    found = {(f.asset, f.layer) for f in missing_layers(ledger)}
    assert found == {("SS0001", "instruments"), ("SS0001", "local_control")}
    bare = asset("SS0009", "substation", "HS0001", heated_area_m2=1)
    ledger = build_ledger([*assets(), bare], devices(), gateways(), version=1, keys={})
    assert [f.layer for f in missing_layers(ledger)] == [
        "equipment", "instruments", "local_control",
    ]  # fmt: skip
    assert "SS0009" in missing_layers(ledger)[0].zh


def test_unbound_collectors_are_listed() -> None:
    assert [a.code for a in unbound_collectors(town())] == ["RC0002"]


def test_areas_add_up_or_the_difference_is_named() -> None:
    assert area_differences(town()) == []
    assert company_area_m2(town()) == 50000.0
    assert area_m2(town().asset("FL00001")) == 0.0, "a flat is not part of the station's sum"
    ledger = build_ledger(
        changed("BD0003", own={"area_m2": 11000}), devices(), gateways(), version=1, keys={}
    )
    assert area_differences(ledger) == [
        AreaDifference(asset="UN0002", declared_m2=12000.0, summed_m2=11000.0)
    ]
    ledger = build_ledger(
        changed("SS0002", own={"heated_area_m2": 21000}), [], [], version=1, keys={}
    )
    assert [d.asset for d in area_differences(ledger)] == ["SS0002", "CO01"]
    ledger = build_ledger(
        changed("CM0001", own={"heated_area_m2": 17000}), [], [], version=1, keys={}
    )
    assert area_differences(ledger) == [
        AreaDifference(asset="CM0001", declared_m2=17000.0, summed_m2=18000.0)
    ]
