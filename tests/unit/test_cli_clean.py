"""`heatloop clean`: files in and out, nothing lost, every option."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from heatloop.cli import main
from heatloop.store.tables import write_tables
from tests.unit.test_ingest_batch import POWER, SUPPLY, TOTAL, station

NAMES = {
    "outdoor_temperature": "t_amb", "primary_supply_temperature": "t_sup_prim",
    "primary_return_temperature": "t_ret_prim", SUPPLY: "t_sup_sec",
    "secondary_return_temperature": "t_ret_sec", POWER: "pe", TOTAL: "e",
}  # fmt: skip


def frame(start="2026-01-01", tz=None) -> pd.DataFrame:
    values = station()
    made = pd.DataFrame({NAMES[kind]: v.astype(float) for kind, v in values.items()})
    made["e"] /= 1000.0
    made.loc[300:301, "t_sup_sec"] = 327.67
    made.loc[400, "t_ret_prim"] = 0.0
    made["note"] = [f"行{i}" for i in range(len(made))]
    made.insert(0, "datetime", pd.date_range(start, periods=len(made), freq="h", tz=tz))
    return made


def clean(*arguments: object) -> int:
    return main(["clean", *(str(each) for each in arguments)])


def test_parquet_in_parquet_out_loses_nothing(tmp_path: Path, capsys):
    rows = frame()
    rows.to_parquet(tmp_path / "a.parquet")
    out = tmp_path / "b.parquet"
    assert clean("--data", tmp_path / "a.parquet", "--out", out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    before, after = pq.read_table(tmp_path / "a.parquet"), pq.read_table(out)
    assert after.select(before.column_names).equals(before)
    flagged = after.to_pandas()
    assert flagged["t_sup_sec__reason"][300:302].tolist() == ["range", "range"]
    assert flagged["t_sup_sec__quality"][300:302].tolist() == [4, 4]
    assert flagged["t_sup_sec__method"][300] == "sisters"
    assert flagged["t_sup_sec__estimate"][300] == pytest.approx(rows["t_sup_sec"][299], abs=3)
    assert flagged["t_ret_prim__reason"][400] == "dead"
    assert (flagged["t_amb__quality"] == 0).all()
    assert flagged["t_amb__estimate"].isna().all()
    assert report["rows"] == 700
    assert report["doubtful_pct"] == pytest.approx(100 * 3 / 4900, abs=1e-3)
    by_name = {each["column"]: each for each in report["columns"]}
    assert by_name["t_sup_sec"]["rules"] == {"range": 2}
    assert by_name["e"]["kind"] == "primary_heat_total"
    assert by_name["e"]["completeness_pct"] == 100.0
    assert report["findings_total"] == 2
    assert "note" not in by_name


def test_csv_of_a_chinese_spreadsheet_and_back(tmp_path: Path, capsys):
    rows = frame().rename(columns={"datetime": "时间", "t_sup_sec": "二次供温(℃)", "e": "E"})
    rows["时间"] = rows["时间"].dt.strftime("%Y/%m/%d %H:%M")
    text = rows.to_csv(index=False)
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    out = tmp_path / "b.csv"
    assert clean("--data", tmp_path / "a.csv", "--out", out, "--findings", tmp_path / "f.csv") == 0
    told = capsys.readouterr().out
    assert "超出量程 out of range" in told
    assert "written" in told
    after = pd.read_csv(out, dtype=str, keep_default_na=False)
    before = pd.read_csv(tmp_path / "a.csv", dtype=str, encoding="gb18030", keep_default_na=False)
    assert after[list(before.columns)].equals(before)
    assert after["二次供温(℃)__reason"][300] == "range"
    found = pd.read_csv(tmp_path / "f.csv")
    assert set(found["rule"]) == {"range", "dead"}


def test_excel_in_and_out(tmp_path: Path, capsys):
    rows = frame().head(400).copy()
    rows["datetime"] = rows["datetime"].dt.strftime("%Y-%m-%d %H:%M:%S")
    book = write_tables({"data": rows.to_dict("records")})
    (tmp_path / "a.xlsx").write_bytes(book)
    assert clean("--data", tmp_path / "a.xlsx", "--out", tmp_path / "b.xlsx", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert {c["column"]: c["rules"] for c in report["columns"]}["t_sup_sec"] == {"range": 2}
    after = pd.read_excel(tmp_path / "b.xlsx")
    assert np.allclose(after["t_sup_sec"], rows["t_sup_sec"])
    assert after["t_sup_sec__reason"][300] == "range"


def test_summer_time_is_reported_and_told_apart_by_order(tmp_path: Path, capsys):
    rows = frame(start="2025-10-10", tz="Europe/Belgrade")
    rows["datetime"] = rows["datetime"].dt.tz_localize(None)
    rows.to_parquet(tmp_path / "a.parquet")
    out = ["--out", tmp_path / "b.parquet", "--json", "--tz", "Europe/Belgrade"]
    assert clean("--data", tmp_path / "a.parquet", *out) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["times"]["ambiguous"] == 2
    assert report["rows_checked"] == 700
    assert [f["rule"] for f in report["findings"] if f["rule"] in ("clock", "missing")] == []
    assert report["start"] == "2025-10-09T22:00:00Z"


def test_a_time_twice_and_a_time_that_cannot_be_read(tmp_path: Path, capsys):
    rows = frame()
    rows["datetime"] = rows["datetime"].astype(str)
    rows.loc[10, "datetime"] = rows.loc[9, "datetime"]
    rows.loc[20, "datetime"] = "gestern"
    rows.to_csv(tmp_path / "a.csv", index=False)
    assert clean("--data", tmp_path / "a.csv", "--out", tmp_path / "b.csv", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["times"]["unreadable"] == 1
    assert report["rows_checked"] == 698
    after = pd.read_csv(tmp_path / "b.csv")
    assert len(after) == 700
    assert after["t_amb__reason"][[9, 20]].tolist() == ["clock", "clock"]
    assert "clock" in {f["rule"] for f in report["findings"]}


def test_own_columns_units_and_what_to_leave_out(tmp_path: Path, capsys):
    rows = frame()
    rows["kessel"] = 80.0 + np.arange(700) % 5
    rows["p"] = np.round(0.45 + np.random.default_rng(1).normal(0, 0.002, 700), 3)
    rows.loc[200, "p"] = 9.0
    rows.to_parquet(tmp_path / "a.parquet")
    base = ["--data", tmp_path / "a.parquet", "--out", tmp_path / "b.parquet", "--json"]
    own = ["--column", "p=secondary_return_pressure:MPa", "--ignore", "t_ret_prim"]
    assert clean(*base, *own) == 0
    report = json.loads(capsys.readouterr().out)
    rules = {c["column"]: c["rules"] for c in report["columns"]}
    assert rules["p"] == {"range": 1}
    assert "t_ret_prim" not in rules
    assert "kessel" not in rules
    after = pd.read_parquet(tmp_path / "b.parquet")
    assert after["p__estimate"][200] == pytest.approx(0.45, abs=0.01)
    assert clean(*base, "--max-doubtful", "0.001") == 1


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--data", "none.parquet", "--out", "b.parquet"], "no such file"),
        (["--data", "a.parquet", "--out", "a.parquet"], "replace the raw data"),
        (["--data", "a.parquet", "--out", "b.txtx"], "unknown kind of file"),
        (["--data", "a.parquet", "--out", "b.parquet", "--tz", "Mars/Base"], "no such time zone"),
        (["--data", "a.parquet", "--out", "b.parquet", "--profile", "castle"], "unknown profile"),
        (["--data", "a.parquet", "--out", "b.parquet", "--column", "x=y"], "no such column"),
        (["--data", "a.parquet", "--out", "b.parquet", "--column", "pe=valve"], "unknown point"),
        (["--data", "a.parquet", "--out", "b.parquet", "--time", "nothing"], "no such column"),
        (["--data", "a.parquet", "--out", "no/b.parquet"], "cannot be written"),
        (["--data", "bad.parquet", "--out", "b.parquet"], "cannot be read"),
        (["--data", "text.csv", "--out", "b.parquet"], "no time column"),
        (["--data", "plain.csv", "--out", "b.parquet"], "no column is known"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_with_2(
    tmp_path: Path, monkeypatch, capsys, arguments, says
):
    monkeypatch.chdir(tmp_path)
    frame().to_parquet("a.parquet")
    Path("bad.parquet").write_bytes(b"not parquet at all")
    Path("text.csv").write_text("a,b\n1,2\n")
    Path("plain.csv").write_text("time,b\n2026-01-01 00:00,2\n2026-01-01 01:00,3\n")
    assert clean(*arguments) == 2
    told = capsys.readouterr().err
    assert says in told, told
    assert not Path("b.parquet").exists()
