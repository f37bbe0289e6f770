"""Clauses 9.2.1 #2 and 6.1.2 g on raw logs of three real stations: their natural faults are found.

Each fault named here was looked at in the log itself; the counts are its own, not ours.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.model import Rule, Table
from heatloop.ingest.batch.profiles import headings_of, series_of

MUTE = ("2022-01-10 01:00", "2023-02-06 03:00")
"""Hours in which the heat meters of all three stations repeated their last words."""


def raw_table(folder: Path, station: str, start: str, end: str) -> tuple[Table, pd.DataFrame]:
    rows = pd.read_parquet(folder / f"scada_raw_{station}_to_2024.parquet")
    rows = rows[(rows.datetime >= start) & (rows.datetime < end)].reset_index(drop=True)
    times = (rows.datetime - pd.Timestamp(0)).dt.total_seconds().to_numpy()
    known = headings_of("substation", [name for name in rows if name != "datetime"])
    series = tuple(
        series_of(name, kind, rows[name].to_numpy(float), unit)
        for name, (kind, unit) in known.items()
    )
    return Table(times_s=times, series=series, place=station), rows


def at(rows: pd.DataFrame, when: str) -> int:
    return int(np.flatnonzero(rows.datetime == pd.Timestamp(when))[0])


@pytest.fixture(scope="module")
def folder(heatloop_data: Path) -> Path:
    return heatloop_data / "substations_nis"


def test_9_2_1_2_a_new_station_s_first_autumn(folder: Path, capsys):
    """L4 in its first months: -39.9, dead rows, a meter that answers now and then, 80 degC."""
    table, rows = raw_table(folder, "L4", "2019-08", "2020-02")
    verdict = judge(table)
    rules = dict(zip((s.name for s in table.series), verdict.rules.T, strict=True))
    with capsys.disabled():
        for name, mine in rules.items():
            counts = {r.name.lower(): int((mine == r).sum()) for r in Rule if (mine == r).any()}
            print(f"\n  L4 {name:10} { {k: n for k, n in counts.items() if k != 'none'} }", end="")
    for name in ("t_sup_sec", "t_ret_sec"):
        assert (rules[name][rows[name] < -39] == Rule.RANGE).all(), name
    assert (rules["t_amb"][rows["t_amb"] < -39] == Rule.DEAD).all()
    meter_away = (rows["t_sup_prim"] == 0) & (rows["t_sup_sec"] > 0)
    assert meter_away.sum() > 1500
    assert np.isin(rules["t_sup_prim"][meter_away], (Rule.DEAD, Rule.DROP_OUT)).all()
    # The counter comes back with what it counted meanwhile: its zeros are errors, it is none.
    assert (rules["e"][(rows["e"] == 0) & (np.arange(len(rows)) > 1000)] != Rule.NONE).all()
    assert np.isin(rules["e"][rows["e"] > 14_000], (Rule.NONE, Rule.COUNTER_RESET)).mean() > 0.99


def test_9_2_1_2_meters_that_repeat_themselves_are_found_in_all_stations(folder: Path):
    months = {MUTE[0]: ("2021-12-20", "2022-02-01"), MUTE[1]: ("2023-01-20", "2023-03-01")}
    for station, when in itertools.product(("L4", "L8", "L12"), MUTE):
        table, rows = raw_table(folder, station, *months[when])
        verdict = judge(table)
        names = [series.name for series in table.series]
        row = verdict.rules[at(rows, when)]
        assert row[names.index("e")] in (Rule.STUCK, Rule.FROZEN), (station, when)
        assert row[names.index("pe")] == Rule.FROZEN, (station, when)
        dead = (rows[["t_sup_prim", "t_ret_prim", "t_sup_sec", "t_ret_sec"]] == 0).all(axis=1)
        assert (verdict.rules[dead][:, names.index("t_sup_sec")] != Rule.NONE).all()
        quiet = (verdict.rules != Rule.NONE)[~dead].mean()
        assert quiet < 0.02, (station, quiet)


def test_9_2_1_2_a_sensor_in_the_sun_is_told_by_the_other_stations(folder: Path):
    """L12 reads 40 degC on April noons when L4 and L8 agree on 20."""
    tables = {s: raw_table(folder, s, "2022-02-15", "2022-05-05") for s in ("L4", "L8", "L12")}
    table, rows = tables["L12"]
    verdict = judge(table, [tables["L4"][0], tables["L8"][0]])
    mine = verdict.rules[:, [s.name for s in table.series].index("t_amb")] == Rule.NEIGHBOUR
    assert mine.sum() > 60
    assert set(rows.datetime.dt.hour[mine]) <= set(range(9, 20))
    for other in ("L4", "L8"):
        rest = [tables[s][0] for s in tables if s != other]
        column = [s.name for s in tables[other][0].series].index("t_amb")
        wrong = judge(tables[other][0], rest).rules[:, column] == Rule.NEIGHBOUR
        assert wrong.sum() < 0.1 * mine.sum(), other
