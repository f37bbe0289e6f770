"""Sheets out and in again, with headings and cells as people write them."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

import pytest

from heatloop.plant.asset_kinds import AttributeKind, asset_kinds
from heatloop.plant.attributes import BadValue, read_attribute, read_number
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.changes import Change, changes, own_limits, revise
from heatloop.plant.derive import Limits
from heatloop.plant.headings import headings_zh, sheet_names_zh
from heatloop.plant.rows import from_rows, masked, to_rows
from tests.unit.plant_town import (
    asset,
    assets,
    contents,
    device,
    devices,
    gateways,
    town,
    without_point,
)


def again(rows, ledger=None):
    ledger = ledger or town()
    return from_rows(rows, version=ledger.version, keys=ledger.keys)


def test_out_and_in_is_the_same() -> None:
    assert contents(again(to_rows(town()))) == contents(town())
    assert contents(again(to_rows(town(), all_points=False))) == contents(town())


def test_own_limits_survive() -> None:
    code = "UN0001.secondary_return_pressure"
    ledger = build_ledger(
        assets(), devices(), gateways(), version=1, keys={},
        limits={code: Limits(low=200.0, high=None)},
    )  # fmt: skip
    few = to_rows(ledger, all_points=False)
    assert [row["code"] for row in few["point"]] == [code]
    assert contents(again(few, ledger)) == contents(ledger)


def test_a_device_can_be_taken_out_of_a_file_that_lists_its_points() -> None:
    rows = deepcopy(to_rows(town()))
    rows["device"] = [row for row in rows["device"] if row["code"] != "DV0002"]
    assert "WS0001.wind_speed" not in again(rows).points
    for row in rows["point"]:
        if row["code"] == "WS0001.wind_speed":
            row["alarm_high"] = 20
    with pytest.raises(LedgerErrors, match="no such point"):
        again(rows)


def test_chinese_headings_and_sheets_are_read() -> None:
    zh = {
        sheet_names_zh()[sheet]: [
            {headings_zh(sheet)[column]: cell for column, cell in row.items()} for row in rows
        ]
        for sheet, rows in to_rows(town()).items()
    }
    assert "热力站" in zh
    assert "供热面积" in zh["热力站"][0]
    assert contents(again(zh)) == contents(town())


def test_cells_as_spreadsheets_give_them() -> None:
    rows = deepcopy(to_rows(town()))
    rows["heat_source"][0]["rated_load_kw"] = " 58 MW "
    rows["substation"][0]["heated_area_m2"] = "30,000"
    rows["boiler"][0]["commissioned"] = datetime(2019, 10, 1)  # noqa: DTZ001 - what a spreadsheet reader gives
    rows["flat"][0]["metered"] = "是"
    rows["company"][0]["credit_code"] = 911201.0
    rows["boiler"] += [{"code": None, "zh": " "}, {}]
    rows["device"][0]["port"] = 15001.0
    ledger = again(rows)
    assert ledger.asset("HS0001").attributes["rated_load_kw"] == 58000.0
    assert ledger.asset("SS0001").attributes["heated_area_m2"] == 30000.0
    assert ledger.asset("BL0001").attributes["commissioned"] == "2019-10-01"
    assert ledger.asset("FL00001").attributes["metered"] is True
    assert ledger.asset("CO01").attributes["credit_code"] == "911201"
    assert ledger.devices["DV0001"].port == 15001


@pytest.mark.parametrize(
    "cell,unit,value",
    [("29 MW", "kW", 29000.0), ("0.6 MPa", "kPa", 600.0), (5, "m", 5.0), ("1e3", "", 1000.0),
     ("-3.5 degC", "degC", -3.5), ("12m2", "m2", 12.0)],
)  # fmt: skip
def test_numbers_with_units(cell: object, unit: str, value: float) -> None:
    assert read_number(cell, unit) == pytest.approx(value)


@pytest.mark.parametrize("cell", ["29 kWh", "29 °", "", "1 2", "inf", float("inf"), True, "NaN"])
def test_what_is_no_number_in_kw(cell: object) -> None:
    with pytest.raises(BadValue):
        read_number(cell, "kW")


@pytest.mark.parametrize("word", ["yes", "1", 1, 1.0, "TRUE", "是", True])
def test_words_for_yes(word: object) -> None:
    kind: AttributeKind = asset_kinds()["flat"].attributes["metered"]
    assert read_attribute(kind, word) is True


def test_point_rows_name_the_point_for_people() -> None:
    row = next(r for r in to_rows(town())["point"] if r["code"].endswith("heating_curve_supply.2"))
    assert row["zh"] == "名UN0001 供温曲线供水温度 2"
    assert row["en"] == "name UN0001 heating curve supply temperature 2"
    assert (row["unit"], row["period_s"]) == ("degC", 30)


def test_masked_lists_show_no_personal_data() -> None:
    text = str(to_rows(town(), mask=True))
    for secret in ("张三", "13800000000", "13900000001"):
        assert secret in str(to_rows(town()))
        assert secret not in text
    contract = town().asset("CT00001")
    assert masked(contract).attributes["phone"] == "138****0000"
    assert masked(contract).attributes["contract_no"] == "A-1"
    assert masked(contract).code == contract.code


def test_revise_and_changes() -> None:
    old = revise(
        town(), version=2, limits={"WS0001.outdoor_temperature": Limits(low=-30.0, high=None)}
    )
    station = old.asset("SS0001")
    new = revise(
        old,
        version=3,
        put=[
            asset("SS0001", "substation", "HS0001", "TM01", heated_area_m2=31000.0),
            asset("PE0002", "person", "TM01", duty="巡检"),
            asset("CT00001", "contract", "FL00001", contract_no="A-1", user_name="李四",
                  phone="13800000000", area_m2=85.5, tariff="metered"),
        ],
        remove=["RC0002", "DV0002"],
    )  # fmt: skip
    assert station.attributes["heated_area_m2"] == 30000.0
    assert new.version == 3
    assert own_limits(new) == {}, "the limit went with the weather station's device"
    assert changes(old, new) == [
        Change(code="CT00001", field="user_name", before="***", after="***"),
        Change(code="PE0002", field="", before=None, after="PE0002"),
        Change(code="RC0002", field="", before="RC0002", after=None),
        Change(code="SS0001", field="heated_area_m2", before=30000.0, after=31000.0),
        Change(code="DV0002", field="", before="DV0002", after=None),
        Change(
            code="WS0001.outdoor_temperature", field="alarm_low", before=-30.0, after=None
        ),
    ]  # fmt: skip
    assert changes(new, new) == []
    assert all(new.keys[code] == key for code, key in old.keys.items())


def test_own_limits_are_carried_along() -> None:
    code = "UN0001.secondary_return_pressure"
    old = revise(town(), version=2, limits={code: Limits(low=200.0, high=900.0)})
    new = revise(old, version=3, put=[device(30, "SS0001", "building_meter_concentrator")],
                 remove=["DV0005"])  # fmt: skip
    assert own_limits(new) == {code: Limits(low=200.0, high=900.0)}


def test_a_test_helper_takes_one_point_away() -> None:
    assert "SS0001.primary_flow" not in without_point(town(), "SS0001.primary_flow").points
