"""What an unknown feed is, told from its cells and headings; and the drafts of its mapping."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heatloop.app.import_guess import guess_file
from heatloop.app.import_map import read_map
from heatloop.ingest.feed_names import kinds_of, unit_of
from heatloop.ingest.feed_shape import LONG, WIDE, infer
from heatloop.ingest.feed_types import bad_codes, column_type

START = datetime(2024, 1, 5, 8, tzinfo=UTC)


def stamps(count: int, form: str, step_s: int = 60) -> list[str]:
    return [(START + timedelta(seconds=step_s * n)).strftime(form) for n in range(count)]


@pytest.mark.parametrize(
    "heading, unit",
    [("供水温度(℃)", "degC"), ("压力（MPa）", "MPa"), ("flow [m³/h]", "m3/h"), ("heat_GJ", "GJ"),
     ("t_db_C", "degC"), ("T1", ""), ("瞬时热量 (GJ/h)", "GJ/h"), ("rh_pct", "%"), ("c", "")],
)  # fmt: skip
def test_units_of_headings(heading: str, unit: str) -> None:
    assert unit_of(heading) == unit


@pytest.mark.parametrize(
    "heading, kind",
    [("t_sup_prim", "primary_supply_temperature"), ("t_ret_sec", "secondary_return_temperature"),
     ("二次供水温度(℃)", "secondary_supply_temperature"),
     ("SS01.ecgw", "secondary_supply_temperature"), ("二次供温", "secondary_supply_temperature"),
     ("一次供水压力（MPa）", "primary_supply_pressure"),
     ("outdoor_temp", "outdoor_temperature"), ("wind speed", "wind_speed")],
)  # fmt: skip
def test_kinds_of_headings(heading: str, kind: str) -> None:
    assert kinds_of(heading)[0] == kind


def test_a_heading_that_says_nothing_gives_no_kind() -> None:
    for heading in ("qizm", "AI_003", "column7", "备注", "x"):
        assert kinds_of(heading) == (), heading
    assert "primary_supply_pressure" in kinds_of("supply pressure")
    assert kinds_of("supply pressure", "degC") == ()


def test_types_of_columns() -> None:
    rng = random.Random(3)
    noise = [round(50 + rng.gauss(0, 3), 2) for _ in range(400)]
    assert column_type(noise).type == "number"
    assert column_type([str(n).replace(".", ",") for n in noise]).decimal == ","
    assert column_type(stamps(50, "%d.%m.%Y %H:%M")).form == "%d.%m.%Y %H:%M"
    two = column_type(stamps(50, "%d/%m/%Y %H:%M"))
    assert "%m/%d" in two.form
    assert "%d/%m" in two.form
    over = column_type(stamps(50, "%d/%m/%Y %H:%M", 86400))
    assert over.form == "%d/%m/%Y %H:%M"
    epoch = column_type([str(1_704_412_800 + 30 * n) for n in range(50)])
    assert (epoch.type, epoch.form, epoch.zoned) == ("time", "epoch_s", True)
    assert column_type([1_704_412_800_000 + n for n in range(50)]).form == "epoch_ms"
    zoned = column_type([f"{each}+08:00" for each in stamps(9, "%Y-%m-%dT%H:%M:%S")])
    assert (zoned.type, zoned.zoned) == ("time", True)
    assert column_type(["G", "B"] * 50).type == "category"
    assert column_type([f"TAG{n}" for n in range(50)]).type == "identifier"
    assert column_type(["on", "off"] * 9).type == "boolean"
    assert column_type(["", "--", None, "nan"]).type == "empty"
    meter = column_type([1000 + 3 * n for n in range(300)])
    assert meter.counter
    assert not column_type([n % 24 for n in range(300)]).counter


def test_codes_for_missing_values_are_told_from_values() -> None:
    rng = random.Random(5)
    noise = [round(rng.gauss(0, 8), 1) for _ in range(2000)]
    assert bad_codes([*noise, -9999.0]) == (-9999.0,)
    assert bad_codes([*noise, 999990.0, 999990.0]) == (999990.0,)
    assert bad_codes([*[abs(n) + 20 for n in noise], -39.9, -39.9, -39.9]) == (-39.9,)
    assert bad_codes(noise) == ()
    assert bad_codes([float(n) for n in range(9000, 10500)]) == ()
    assert bad_codes([0.0] * 900 + [round(60 + n, 1) for n in noise]) == ()


def test_wide_long_and_mixed_tables() -> None:
    times = stamps(60, "%Y-%m-%d %H:%M")
    numbers = [20.0 + n % 7 for n in range(60)]
    wide = infer({"时间": times, "二次供水温度": numbers, "室外温度": numbers})
    assert (wide.shape, wide.time, wide.tags) == (WIDE, "时间", ())
    doubled = [each for each in times for _ in range(3)]
    tags = ["A.T1", "A.P1", "B.T1"] * 60
    long = infer(
        {"ts": doubled, "tag": tags, "value": numbers * 3, "quality": ["G", "B", "G"] * 60}
    )
    assert (long.shape, long.tags, long.value, long.quality) == (LONG, ("tag",), "value", "quality")
    mixed = infer({"ts": doubled, "station": ["A", "B", "C"] * 60,
                   "supply temp": numbers * 3, "outdoor temp": numbers * 3})  # fmt: skip
    assert (mixed.shape, mixed.tags) == (WIDE, ("station",))
    assert mixed.column("outdoor temp").kinds[0] == "outdoor_temperature"


def test_a_draft_asks_for_what_the_file_does_not_say(tmp_path: Path) -> None:
    rows = [f"{stamp};{50 + n % 5},{n % 10};{n};{-9999 if n % 40 == 3 else 300 + n % 9};x{n}"
            for n, stamp in enumerate(stamps(200, "%d.%m.%Y %H:%M"))]  # fmt: skip
    path = tmp_path / "feed.csv"
    path.write_text("Zeit Datum;VL temp;e;一次供水压力(kPa);memo\n".replace("Zeit Datum", "date")
                    + "\n".join(rows), "gbk")  # fmt: skip
    found = guess_file(path, zone="")
    assert (found.encoding, found.separator, found.decimal) == ("gb18030", ";", ",")
    assert (found.time_column, found.time_format, found.period_s) == (
        "date",
        "%d.%m.%Y %H:%M",
        60.0,
    )
    columns = {each.name: each for each in found.columns}
    assert columns["一次供水压力(kPa)"].bad_codes == [-9999.0]
    assert columns["e"].counter
    assert len(columns["VL temp"].kinds) > 1
    assert any("time" in each for each in found.questions_en)
    assert 'code = "?"' in found.mapping
    read_map(found.mapping.replace('"?"', '"UN0001.x"'))  # a draft is a mapping that can be read


def test_a_json_feed_is_flattened(tmp_path: Path) -> None:
    rows = [{"ts": 1_704_412_800 + 60 * n, "device": {"id": f"D{n % 3}"},
             "data": {"room_temperature": 20 + n % 4}} for n in range(90)]  # fmt: skip
    path = tmp_path / "feed.json"
    path.write_text(json.dumps({"ok": True, "items": rows}))
    found = guess_file(path, zone="")
    assert found.time_column == "ts"
    assert {each.name for each in found.columns} == {"ts", "device.id", "data.room_temperature"}
    lines = tmp_path / "feed.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows))
    assert guess_file(lines, zone="").columns == found.columns


def test_real_substations_are_told_from_their_headings(heatloop_data: Path) -> None:
    want = {
        "t_amb": "outdoor_temperature", "t_sup_prim": "primary_supply_temperature",
        "t_ret_prim": "primary_return_temperature", "t_sup_sec": "secondary_supply_temperature",
        "t_ret_sec": "secondary_return_temperature",
        "t_ref": "secondary_supply_temperature_setpoint",
    }  # fmt: skip
    for name in ("L4", "L8", "L12"):
        path = heatloop_data / "substations_nis" / f"scada_raw_{name}_to_2024.parquet"
        found = guess_file(path, zone="Europe/Belgrade")
        columns = {each.name: each for each in found.columns}
        assert {column: columns[column].kinds[0] for column in want} == want
        assert (found.shape, found.time_column, found.period_s) == ("wide", "datetime", 3600.0)
        assert columns["e"].kinds
        assert not any("time" in each for each in found.questions_en)
    # The readings of -39.9 that the authors name as faults.
    first = guess_file(heatloop_data / "substations_nis" / "scada_raw_L4_to_2024.parquet", zone="")
    assert any(-39.9 in each.bad_codes for each in first.columns)


def test_real_weather_of_several_places(heatloop_data: Path) -> None:
    path = heatloop_data / "weather" / "Beijing_12sites_2013-2017_hourly.parquet"
    found = guess_file(path, zone="Asia/Shanghai")
    columns = {each.name: each for each in found.columns}
    assert columns["TEMP"].kinds[0] == "outdoor_temperature"
    assert columns["WSPM"].kinds[0] == "wind_speed"
    assert 'place = ["station"]' in found.mapping
