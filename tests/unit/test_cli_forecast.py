"""`heatloop forecast backtest` on tables of many shapes."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatloop.cli import main
from tests.unit.forecast_towns import heat, hours, outdoor

NAMES = ("Zeit", "Wärme kW", "air")


def table(path: Path, days: int = 60, *, spoilt: bool = True) -> Path:
    times = hours(days)
    sky = outdoor(times)
    rows: list[list[Any]] = [
        [datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M:%S"), y, c]
        for t, y, c in zip(times.tolist(), heat(times, sky).tolist(), sky.tolist(), strict=True)
    ]
    if spoilt:
        rows[20][1], rows[22][1], rows[40][2], rows[41][2] = "", 9e9, "", 999990
        rows = [*rows[:300], rows[299], *rows[340:]]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *rows])
    return path


def call(path: Path, *more: str, weather: bool = True) -> int:
    sky = ["--weather", "air"] if weather else []
    return main(
        ["forecast", "backtest", "--data", str(path), "--target", NAMES[1], "--time", NAMES[0],
         "--no-trees", *sky, *more]
    )  # fmt: skip


def report(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_gaps_doubles_and_wild_values_are_survived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "told.parquet"
    assert call(table(tmp_path / "a.csv"), "--json", "--out", str(out)) == 0
    told = report(capsys)
    assert told["step_s"] == 3600
    assert told["data"]["double_steps"] == 1
    assert told["data"]["implausible"] == 1
    assert told["data"]["outdoor_column"] == "air"
    assert told["cvrmse_vs_persistence"] < 0.5
    for name in ("mae", "rmse", "mape_pct", "cvrmse_pct", "mase", "r2", "pinball", "coverage80"):
        assert isinstance(told[name], float)
    assert told["persistence_24h"]["mae"] > told["mae"]
    assert told["weekly_naive"]["n"] > 0
    assert told["training_s"] > 0
    written = pq.read_table(out)
    assert written.num_rows == told["forecasts"] * 24
    known = np.array(written["actual"].to_numpy(), float)
    error = np.array(written["middle"].to_numpy(), float) - known
    assert np.nanmean(np.abs(error)) == pytest.approx(told["mae"], rel=1e-4)


@pytest.mark.parametrize(
    ("more", "step_s", "weather"),
    [
        (["--tz", "Asia/Shanghai", "--issue", "06:30"], 3600, False),
        (["--horizon", "48", "--tz", "Europe/Belgrade"], 3600, True),
        (["--step", "180", "--horizon", "72"], 10800, True),
    ],
)
def test_zones_issues_horizons_and_steps(
    more: list[str],
    step_s: int,
    weather: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(table(tmp_path / "a.csv"), "--json", *more, weather=weather) == 0
    told = report(capsys)
    assert told["step_s"] == step_s
    assert told["mae_vs_persistence"] < 0.8


def test_quarters_of_an_hour_and_words_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "a.csv", 40, spoilt=False)
    assert call(path, "--step", "15", "--until", "1970-01-01") == 2
    assert "no moment of issue" in capsys.readouterr().err
    assert call(path, "--from", "2023-12-20") == 0
    shown = capsys.readouterr().out
    assert "CVRMSE" in shown
    assert "day before" in shown


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--target", "nope"], "use one of: Zeit"),
        (["--weather", "nope"], "no such column"),
        (["--time", "nope"], "no such column"),
        (["--target", "Zeit"], "time column"),
        (["--from", "yesterday"], "not a date"),
        (["--from", "2023-11-16"], "at least 14 are needed"),
        (["--from", "2033-11-16"], "no moment of issue"),
        (["--issue", "25:00"], "00:00 to 23:59"),
        (["--issue", "dawn"], "not a time of day"),
        (["--horizon", "nan"], "horizon out of range"),
        (["--horizon", "1000"], "horizon out of range"),
        (["--step", "7"], "must divide a day"),
        (["--season", "winter"], "not a heating season"),
        (["--weather", NAMES[1]], "not known ahead"),
        (["--tz", "Mars/Base"], "no such time zone"),
        (["--out", "/no/such/folder/x.csv"], "no such folder"),
    ],
)
def test_wrong_input_is_named(
    more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(table(tmp_path / "a.csv", 30, spoilt=False), *more) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("days", "code"), [(14, 2), (15, 0), (17, 0)])
def test_a_fortnight_before_the_first_forecast_is_enough(
    days: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(table(tmp_path / "a.csv", days, spoilt=False), "--json") == code
    if code:
        assert "at least 15 are needed" in capsys.readouterr().err
    else:
        assert report(capsys)["forecasts"] == days - 14


def test_a_meters_reading_is_told_and_times_of_no_age_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times, path = hours(40), tmp_path / "a.parquet"
    load = heat(times, outdoor(times))
    for scale, values, code, words in (
        (1.0, np.cumsum(load), 0, "only ever rises"),
        (1.0, load, 0, ""),
        (1e12, load, 2, "no times of this age"),
    ):
        pq.write_table(pa.table({NAMES[0]: times * scale, NAMES[1]: values}), path)
        assert call(path, weather=False) == code
        assert words in capsys.readouterr().err


def test_the_last_day_of_heating_is_a_matter_of_the_calendar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times, path = hours(80), tmp_path / "a.parquet"
    load = np.where(times < times[0] + 60 * 86400, heat(times, outdoor(times)), 0.0)
    pq.write_table(pa.table({NAMES[0]: times, NAMES[1]: load}), path)
    found = []
    for more in ([], ["--season", "11-14/01-12"]):
        assert call(path, "--json", "--from", "2024-01-13", *more, weather=False) == 0
        found.append(report(capsys)["mae"])
    assert found[1] == 0.0 < found[0]


def test_missing_and_empty_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "none.parquet") == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "text.csv").write_text("Zeit,Wärme kW,air\n2024-01-01,x,1\n2024-01-02,y,2\n")
    assert call(tmp_path / "text.csv") == 2
    assert "holds no numbers" in capsys.readouterr().err
