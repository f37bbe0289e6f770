"""Everything wrong with a ledger is found in one go, named in both languages, and not twice."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from heatloop.plant.bad_rows import BadRow, LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.derive import Limits
from heatloop.plant.rows import from_rows, to_rows
from tests.unit.plant_town import Rows, asset, assets, changed, device, devices, gateways, town


def bad(rows: Rows) -> list[BadRow]:
    with pytest.raises(LedgerErrors) as caught:
        from_rows(rows, version=2, keys=town().keys)
    return caught.value.rows


def places(found: list[BadRow]) -> list[tuple[str, int, str]]:
    return [(row.sheet, row.row, row.column) for row in found]


@pytest.fixture
def rows() -> Rows:
    return deepcopy(to_rows(town()))


def edit(rows: Rows, sheet: str, which: str, /, **cells: Any) -> int:
    """Change cells of a record; return its row as a spreadsheet counts."""
    for i, row in enumerate(rows[sheet]):
        if row["code"] == which:
            row.update(cells)
            return i + 2
    raise AssertionError(which)


def the_one(found: list[BadRow]) -> BadRow:
    assert len(found) == 1, [str(row) for row in found]
    row = found[0]
    assert any("一" <= c <= "鿿" for c in row.message_zh), "the message has a Chinese form"
    assert row.message_en.isascii()
    zh, _, en = row.fix.partition(" / ")
    assert zh
    assert en
    return row


@pytest.mark.parametrize(
    "sheet,code,column,value",
    [
        ("substation", "SS0001", "zh", ""),
        ("substation", "SS0001", "heated_area_m2", None),
        ("substation", "SS0001", "heated_area_m2", "many"),
        ("substation", "SS0001", "heated_area_m2", -5),
        ("substation", "SS0001", "heated_area_m2", True),
        ("substation", "SS0001", "heated_area_m2", float("nan")),
        ("substation", "SS0001", "parent", "HS0009"),
        ("substation", "SS0001", "parent", "UN0001"),
        ("substation", "SS0001", "parent", ""),
        ("substation", "SS0001", "organisation", "BR09"),
        ("substation", "SS0001", "organisation", "PE0001"),
        ("substation", "SS0001", "lat", 91),
        ("heat_source", "HS0001", "organisation", None),
        ("heat_source", "HS0001", "rated_load_kw", "58 degC"),
        ("heat_source", "HS0001", "rated_load_kw", "58 horses"),
        ("company", "CO01", "organisation", "BR01"),
        ("company", "CO01", "season_start", "yesterday"),
        ("boiler", "BL0001", "fuel", "wood pellets"),
        ("branch", "BR01", "manager", "PE0099"),
        ("branch", "BR01", "manager", "TM01"),
        ("building", "BD0001", "community", "CM0009"),
        ("flat", "FL00001", "metered", "perhaps"),
        ("contract", "CT00001", "phone", "***"),
        ("gateway", "GW0001", "channel", "pigeon"),
        ("gateway", "GW0001", "kind", "big"),
        ("gateway", "GW0001", "monthly_cost_yuan", -1.5),
        ("gateway", "GW0001", "organisation", "BR77"),
        ("gateway", "GW0001", "zh", ""),
        ("device", "DV0003", "asset", "SS0077"),
        ("device", "DV0003", "asset", "UN0001"),
        ("device", "DV0003", "gateway", "GW0077"),
        ("device", "DV0003", "profile", "toaster"),
        ("device", "DV0003", "protocol", "smoke signals"),
        ("device", "DV0003", "protocol", "coap"),
        ("device", "DV0003", "port", 70000),
        ("device", "DV0003", "port", 502.5),
        ("device", "DV0003", "port", "five"),
        ("device", "DV0003", "unit_id", 256),
        ("device", "DV0003", "regulates", "nobody"),
        ("device", "DV0003", "word_order", "CABD"),
        ("point", "SS0001.primary_flow", "unit", "kPa"),
        ("point", "SS0001.primary_flow", "alarm_low", "low"),
        ("point", "SS0001.primary_flow", "alarm_high", 1e7),
    ],
)
def test_one_bad_cell_gives_one_bad_row(
    rows: Rows, sheet: str, code: str, column: str, value: Any
) -> None:
    number = edit(rows, sheet, code, **{column: value})
    row = the_one(bad(rows))
    assert (row.sheet, row.row, row.column) == (sheet, number, column)
    if value not in (None, "", "***"):
        assert row.value == str(value)


def test_every_bad_row_is_found_in_one_go(rows: Rows) -> None:
    expected = {
        ("boiler", edit(rows, "boiler", "BL0001", fuel="wood"), "fuel"),
        ("boiler", edit(rows, "boiler", "BL0002", code="BL2"), "code"),
        ("device", edit(rows, "device", "DV0009", port=0), "port"),
        ("gateway", edit(rows, "gateway", "GW0001", channel=7), "channel"),
        ("point", edit(rows, "point", "UN0001.secondary_flow", unit="m3"), "unit"),
        ("unit", edit(rows, "unit", "UN0001", emitter=""), "emitter"),
        ("unit", edit(rows, "unit", "UN0001", zone="middle"), "zone"),
    }
    assert places(bad(rows)) == sorted(expected)


def test_a_bad_parent_is_reported_once_and_not_by_its_children(rows: Rows) -> None:
    number = edit(rows, "substation", "SS0001", heated_area_m2="?")
    assert places(bad(rows)) == [("substation", number, "heated_area_m2")]


def test_a_duplicate_code_is_reported_at_the_later_row(rows: Rows) -> None:
    rows["boiler"].append({**rows["boiler"][0], "zh": "另一台"})
    row = the_one(bad(rows))
    assert (row.sheet, row.row, row.value) == ("boiler", 4, "BL0001")
    assert row.message_en == "duplicate code"


def test_parents_in_a_ring() -> None:
    ring = [
        asset("PN00001", "pipe_node", "PN00002", network="primary"),
        asset("PN00002", "pipe_node", "PN00001", network="primary"),
        asset("PN00003", "pipe_node", "PN00002", network="primary"),
    ]
    with pytest.raises(LedgerErrors) as caught:
        build_ledger([*assets(), *ring], [], [], version=1, keys={})
    assert places(caught.value.rows) == [("pipe_node", 2, "parent"), ("pipe_node", 3, "parent")]
    assert {row.message_zh for row in caught.value.rows} == {"上级成环"}


def test_unknown_sheets_and_columns_are_named_once(rows: Rows) -> None:
    for row in rows["boiler"]:
        row["colour"] = "red"
    rows["dragons"] = [{"code": "DR0001"}]
    found = bad(rows)
    assert places(found) == [("boiler", 1, "colour"), ("dragons", 1, "")]


def test_an_unknown_kind_or_attribute_of_an_asset_is_refused() -> None:
    with pytest.raises(LedgerErrors, match="unknown asset kind"):
        build_ledger([asset("DR0001", "dragon")], [], [], version=1, keys={})
    with pytest.raises(LedgerErrors, match="no such attribute"):
        build_ledger(changed("BL0001", own={"colour": "red"}), [], [], version=1, keys={})


def test_two_devices_at_one_address_or_for_one_point() -> None:
    twin = replace(devices()[2], code="DV0044")
    with pytest.raises(LedgerErrors) as caught:
        build_ledger(assets(), [*devices(), twin], gateways(), version=1, keys={})
    assert places(caught.value.rows) == [("device", 11, "host")]
    twin = replace(twin, port=16000)
    with pytest.raises(LedgerErrors) as caught:
        build_ledger(assets(), [*devices(), twin], gateways(), version=1, keys={})
    assert {row.message_en for row in caught.value.rows} == {"another device measures this point"}


def test_too_many_children_for_a_register_map() -> None:
    more = [
        asset(f"BL{n:04d}", "boiler", "HS0001", rated_load_kw=1, fuel="gas") for n in range(3, 18)
    ]
    with pytest.raises(LedgerErrors) as caught:
        build_ledger([*assets(), *more], devices(), gateways(), version=1, keys={})
    assert [row.message_en for row in caught.value.rows] == ["too many children, registers overlap"]


@pytest.mark.parametrize(
    "code", ["UN0001.nonsense", "UN0077.secondary_flow", "RC0002.room_temperature"]
)
def test_limits_of_points_that_do_not_exist(code: str) -> None:
    limits = {code: Limits(low=1.0, high=None)}
    with pytest.raises(LedgerErrors) as caught:
        build_ledger(assets(), devices(), gateways(), version=1, keys={}, limits=limits)
    assert places(caught.value.rows) == [("point", 2, "code")]


def test_limits_must_stand_in_order(rows: Rows) -> None:
    number = edit(rows, "point", "SS0001.primary_flow", alarm_low=10, alarm_high=5)
    assert places(bad(rows)) == [("point", number, "alarm_low")]


def test_a_point_may_stand_in_one_row_only(rows: Rows) -> None:
    rows["point"].append(dict(rows["point"][0]))
    assert the_one(bad(rows)).message_en == "duplicate code"


def test_points_of_a_bad_device_are_not_reported_too(rows: Rows) -> None:
    number = edit(rows, "device", "DV0003", profile="toaster")
    assert places(bad(rows)) == [("device", number, "profile")]


def test_personal_data_is_not_shown_in_errors(rows: Rows) -> None:
    edit(rows, "contract", "CT00001", phone="***", tariff="?")
    found = bad(rows)
    assert [row.value for row in found] == ["", "?"]


def test_a_row_may_say_its_own_number(rows: Rows) -> None:
    edit(rows, "boiler", "BL0002", fuel="wood", _row=9)
    assert places(bad(rows)) == [("boiler", 9, "fuel")]


def test_the_error_says_how_many_and_which_first() -> None:
    with pytest.raises(LedgerErrors) as caught:
        build_ledger(changed("BL0001", code="BL1"), [device(1, "HS0009", "x")], [], version=1,
                     keys={})  # fmt: skip
    assert caught.value.place.startswith("boiler row 2")
    assert "errors in the ledger" in str(caught.value)
    plain = caught.value.rows[0].to_dict()
    assert set(plain) == {
        "sheet", "row", "column", "value", "message_zh", "message_en", "fix",
    }  # fmt: skip
