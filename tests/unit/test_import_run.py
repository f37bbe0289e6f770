"""History out of foreign files: every reading is stored, refused with a reason, or a repetition."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatloop.app.import_map import ImportMap, read_map
from heatloop.app.import_reasons import Reason
from heatloop.app.import_rows import RowReader
from heatloop.app.import_run import Counts, RunOptions, run_import
from heatloop.app.import_targets import Targets
from heatloop.app.import_thread import source_of
from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.store.bulk_journal import Journal, refused_csv
from heatloop.store.bulk_sources import Source
from heatloop.store.bulk_sql import SqlSource
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.tables import write_tables
from tests.unit.app_town import assets, devices, gateways

NOW = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
T1, P1 = "UN0001.secondary_supply_temperature", "UN0001.secondary_supply_pressure"
E1, T2 = "SS0001.primary_heat_total", "UN0002.secondary_supply_temperature"
HEAD = '[time]\ncolumn = "time"\nzone = "Asia/Shanghai"\n'
LONG = (
    HEAD
    + '[long]\ntag = "tag"\nvalue = "value"\n[[pattern]]\nmatch = "{u}.{k}"\ncode = "{u}.{k}"\n'
)


@cache
def ledger() -> Ledger:
    return build_ledger(assets(), devices(), gateways(), version=1, keys={})


def slot(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


class Bench:
    """An import into a historian in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))

    def run(
        self, source: Path | SqlSource, mapping: str, *, store: object = None, **options: bool
    ) -> Counts:
        found = read_map(mapping)
        targets = Targets(found, ledger())
        targets.check()
        opened: Source | SqlSource
        opened = source_of(source, found) if isinstance(source, Path) else source.open()
        reader = RowReader(found, targets, opened.headings, NOW)
        journal = Journal(self.folder / "journal")
        try:
            counts, _ = run_import(
                opened,
                reader,
                store or self.store,
                journal,
                RunOptions(**options),  # type: ignore[arg-type]
            )
            return counts
        finally:
            journal.close()

    def file(self, text: str, name: str = "a.csv", encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def rows(self, code: str) -> list[tuple[int, float, int]]:
        found = self.store.raw([ledger().points[code].key], 0, 2**32 - 1)
        return list(zip(found.slots.tolist(), found.values.tolist(), found.quality.tolist(),
                        strict=True))  # fmt: skip

    def refused(self) -> list[dict[str, str]]:
        text = b"".join(refused_csv(self.folder / "journal")).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


def balanced(counts: Counts) -> None:
    assert counts.rows_in == counts.stored + counts.refused + counts.repeated
    assert counts.refused == sum(count for count, _, _ in counts.reasons.values())
    assert counts.stored == sum(count for count, _, _ in counts.points.values())


def test_every_reading_of_a_spoilt_file_is_told_about(bench: Bench) -> None:
    text = (
        "time;T;P;note\n"
        "2024-01-05 08:00:00;50,5;0,31;ok\n"
        "2024-01-05 08:00:30;-9999;;ok\n"  # a code, and an empty cell
        "no time;1,5;0,3;ok\n"
        "2024-01-05 08:01:00;abc;0,32;ok\n"
        "2024-01-05 08:01:30;51,5;0,33;ok;too many\n"
        "2024-01-05 08:00:00;50,5;0,35;ok\n"  # repeated, and another value of the second
        "2030-01-05 08:00:00;1,5;0,3;ok\n"  # later than now
        "2024-01-05 08:02:00;150,5;0,34;ok\n"  # outside the plausible range: kept, but bad
    )
    counts = bench.run(
        bench.file(text),
        HEAD + '[file]\nignore = ["note"]\n[quality]\nbad_values = [-9999]\n'
        f'[[point]]\ncolumn = "T"\ncode = "{T1}"\nunit = "degC"\n'
        f'[[point]]\ncolumn = "P"\ncode = "{P1}"\nunit = "MPa"\n',
    )
    balanced(counts)
    assert (counts.rows_in, counts.stored, counts.refused, counts.repeated) == (14, 5, 8, 1)
    assert (counts.empty, counts.flagged) == (1, 1)
    why = {Reason(code): count for code, (count, _, _) in counts.reasons.items()}
    assert why == {
        Reason.BAD_CODE: 1, Reason.NO_TIME: 2, Reason.NOT_A_NUMBER: 1, Reason.BAD_ROW: 1,
        Reason.SAME_SECOND: 1, Reason.FUTURE: 2,
    }  # fmt: skip
    at = slot("2024-01-05 08:00:00")
    assert bench.rows(T1) == [(at, 50.5, Quality.GOOD), (at + 120, 150.5, Quality.BAD)]
    assert bench.rows(P1) == [(at, 310.0, 0), (at + 60, 320.0, 0), (at + 120, 340.0, 0)]
    told = {(row["line"], row["tag"], row["reason"]) for row in bench.refused()}
    assert told == {
        ("3", "T", "bad_code"), ("4", "T", "no_time"), ("4", "P", "no_time"),
        ("5", "T", "not_a_number"), ("6", "", "bad_row"), ("7", "P", "same_second"),
        ("8", "T", "future"), ("8", "P", "future"),
    }  # fmt: skip
    assert all(row["zh"] and row["en"] for row in bench.refused())


def wide_rows() -> list[dict[str, object]]:
    return [{"time": f"2024-01-05 08:{n:02d}:00", T1: 50.0 + n, T2: 40.5 + n} for n in range(20)]


def as_csv(rows: list[dict[str, object]], sign: str = ",", decimal: str = ".") -> str:
    lines = [sign.join(rows[0])]
    for row in rows:
        cells = [str(c).replace(".", decimal) if isinstance(c, float) else str(c)
                 for c in row.values()]  # fmt: skip
        lines.append(sign.join(cells))
    return "\r\n".join(lines) + "\r\n"


def _csv(folder: Path) -> Path:
    path = folder / "f.csv"
    path.write_text(as_csv(wide_rows()), "utf-8")
    return path


def _marked(folder: Path) -> Path:
    path = folder / "f.csv"
    path.write_text(as_csv(wide_rows(), ";", ","), "utf-8-sig")
    return path


def _utf16(folder: Path) -> Path:
    path = folder / "f.txt"
    path.write_text(as_csv(wide_rows(), "\t"), "utf-16")
    return path


def _parquet(folder: Path) -> Path:
    rows = [{**row, "time": datetime.fromisoformat(str(row["time"]))} for row in wide_rows()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "f.parquet")
    return folder / "f.parquet"


def _excel(folder: Path) -> Path:
    (folder / "f.xlsx").write_bytes(write_tables({"data": wide_rows()}))
    return folder / "f.xlsx"


def _json(folder: Path) -> Path:
    (folder / "f.json").write_text(json.dumps({"data": wide_rows()}), "utf-8")
    return folder / "f.json"


@pytest.mark.parametrize("make", [_csv, _marked, _utf16, _parquet, _excel, _json])
def test_every_kind_of_file_gives_the_same_samples(
    bench: Bench, make: Callable[[Path], Path]
) -> None:
    pattern = '[[pattern]]\nmatch = "{u}.secondary_supply_temperature"\n'
    counts = bench.run(make(bench.folder), HEAD + pattern
                       + 'code = "{u}.secondary_supply_temperature"\n')  # fmt: skip
    balanced(counts)
    assert counts.stored == 40
    start = slot("2024-01-05 08:00:00")
    assert bench.rows(T1) == [(start + 60 * n, 50.0 + n, 0) for n in range(20)]
    assert bench.rows(T2) == [(start + 60 * n, 40.5 + n, 0) for n in range(20)]


def test_chinese_headings_in_gbk(bench: Bench) -> None:
    text = "采集时间,北苑站供水温度\n2024年1月5日 08:00,50.5\n2024年1月5日 08:10,51\n"
    mapping = (
        '[time]\ncolumn = "采集时间"\nzone = "Asia/Shanghai"\n[names]\n"北苑" = "UN0001"\n'
        '[[pattern]]\nmatch = "{u}站供水温度"\ncode = "{u}.secondary_supply_temperature"\n'
    )
    assert bench.run(bench.file(text, encoding="gbk"), mapping).stored == 2
    assert bench.rows(T1)[0] == (slot("2024-01-05 08:00"), 50.5, 0)


def test_long_tables_with_tags_qualities_and_counters(bench: Bench) -> None:
    text = (
        "time,station,kind,value,q\n"
        "1704412800,A,heat,100,G\n"
        "1704412800,A,temp,50.5,U\n"
        "1704412830,A,temp,50.6,B\n"
        "1704412860,A,temp,50.7,?\n"
        "1704412890,A,temp,50.8,X\n"
        "1704412890,A,wind,3,G\n"
        "1704412920,A,temp,,G\n"
    )
    mapping = (
        '[time]\ncolumn = "time"\n'
        '[long]\ntag = ["station", "kind"]\nvalue = "value"\nquality = "q"\n'
        '[quality]\ngood = ["g"]\nuncertain = ["u"]\nbad = ["b"]\nrefuse = ["x"]\n'
        f'[[point]]\ncolumn = "A.heat"\ncode = "{E1}"\nunit = "GJ"\nfactor = 10\n'
        f'[[point]]\ncolumn = "A.temp"\ncode = "{T1}"\n'
    )
    counts = bench.run(bench.file(text), mapping)
    balanced(counts)
    why = {Reason(code): count for code, (count, _, _) in counts.reasons.items()}
    assert why == {Reason.BAD_QUALITY: 1, Reason.NO_POINT: 1, Reason.NO_VALUE: 1}
    assert bench.rows(E1)[0][1] == pytest.approx(1000 / 3.6 * 1000)
    assert [row[2] for row in bench.rows(T1)] == [
        Quality.UNCERTAIN, Quality.BAD, Quality.UNCERTAIN,
    ]  # fmt: skip


def test_a_table_of_several_places(bench: Bench) -> None:
    text = "time,unit,T,other\n2024-01-05 08:00,UN0001,50,1\n2024-01-05 08:00,UN0002,40,1\n"
    text += "2024-01-05 08:00,UN0009,30,1\n2024-01-05 08:05,UN0002,,1\n"
    mapping = HEAD + '[wide]\nplace = "unit"\n[[pattern]]\nmatch = "{u}.T"\n'
    mapping += 'code = "{u}.secondary_supply_temperature"\n'
    with pytest.raises(InputError, match="neither mapped nor left out"):
        bench.run(bench.file(text), mapping)
    counts = bench.run(bench.file(text), '[file]\nignore = ["other"]\n' + mapping)
    balanced(counts)
    assert (counts.stored, counts.refused, counts.empty) == (2, 1, 1)
    assert bench.rows(T2)[0][1] == 40.0
    assert bench.refused()[0]["tag"] == "UN0009.T"


def test_the_hour_a_clock_runs_twice_is_reported_and_not_guessed(bench: Bench) -> None:
    lines = [f"2024-10-27 {h:02d}:{m:02d}" for h in (1, 2, 2, 3) for m in (0, 30)]
    lines += ["2024-03-31 02:30"]
    text = "time,T\n" + "".join(f"{line},{n}\n" for n, line in enumerate(lines, 20))
    mapping = HEAD.replace("Asia/Shanghai", "Europe/Berlin")
    mapping += f'[[point]]\ncolumn = "T"\ncode = "{T1}"\n'
    counts = bench.run(bench.file(text), mapping)
    balanced(counts)
    why = {Reason(code): count for code, (count, _, _) in counts.reasons.items()}
    assert why == {Reason.AMBIGUOUS_HOUR: 4, Reason.NO_SUCH_HOUR: 1}
    later = mapping.replace("zone =", 'ambiguous = "later"\nzone =')
    again = bench.run(bench.file(text, "b.csv"), later, resume=False)
    assert {Reason(code) for code in again.reasons} == {Reason.NO_SUCH_HOUR, Reason.SAME_SECOND}
    assert (slot("2024-10-27T02:00", "Etc/GMT-1"), 22.0, 0) in bench.rows(T1)


def test_what_can_be_read_in_two_ways_is_asked_for(bench: Bench) -> None:
    mapping = HEAD + f'[[point]]\ncolumn = "T"\ncode = "{T1}"\n'
    with pytest.raises(InputError, match="two ways"):
        bench.run(bench.file("time,T\n05/01/2024 08:00,1\n06/01/2024 08:00,2\n"), mapping)
    with pytest.raises(InputError, match="thousands"):
        bench.run(bench.file("time;T\n2024-01-05 08:00;1,234\n2024-01-05 08:01;2,345\n"), mapping)
    plain = mapping.replace('zone = "Asia/Shanghai"\n', "")
    with pytest.raises(InputError, match="no zone"):
        bench.run(bench.file("time,T\n2024-01-05 08:00,1\n"), plain)


def test_stored_values_are_kept_unless_told_otherwise(bench: Bench) -> None:
    key, at = ledger().points[T1].key, slot("2024-01-05 08:00:00")
    live = Columns(np.array([key] * 2, "u4"), np.array([at, at + 60], "u4"),
                   np.array([77.0, 51.0]), np.zeros(2, "u1"))  # fmt: skip
    bench.store.append(live)
    text = "time,T\n" + "".join(f"2024-01-05 08:{n:02d}:00,{50.0 + n}\n" for n in range(4))
    mapping = HEAD + f'[[point]]\ncolumn = "T"\ncode = "{T1}"\n'
    counts = bench.run(bench.file(text), mapping)
    balanced(counts)
    assert (counts.stored, counts.refused, counts.repeated) == (2, 1, 1)
    assert bench.refused()[0]["reason"] == "held"
    assert [row[1] for row in bench.rows(T1)] == [77.0, 51.0, 52.0, 53.0]
    again = bench.run(bench.file(text), mapping, overwrite=True)
    balanced(again)
    assert (again.stored, again.repeated) == (1, 3)
    assert [row[1] for row in bench.rows(T1)] == [50.0, 51.0, 52.0, 53.0]


def test_a_dry_run_stores_nothing_and_rollups_follow_a_real_one(bench: Bench) -> None:
    text = "time,T\n" + "".join(f"2024-01-05 08:{n:02d}:00,{50.0 + n}\n" for n in range(20))
    mapping = HEAD + f'[[point]]\ncolumn = "T"\ncode = "{T1}"\n'
    dry = bench.run(bench.file(text), mapping, dry_run=True)
    assert (dry.stored, bench.rows(T1)) == (20, [])
    assert bench.run(bench.file(text), mapping).windows == 2
    start = slot("2024-01-05 08:00:00")
    rollup = bench.store.rollup([ledger().points[T1].key], start, start + 3600, 600)
    assert rollup.count.tolist() == [10, 10]
    assert rollup.mean.tolist() == [54.5, 64.5]


class _Dies:
    """A historian that goes away in the middle: before it stores, or after."""

    def __init__(self, store: MemoryHistorian, at: int, *, after: bool) -> None:
        self._store, self._at, self._after = store, at, after
        self.raw, self.received = store.raw, store.received
        self.refresh_rollups = store.refresh_rollups

    def append(self, columns: Columns) -> None:
        self._at -= 1
        if self._at == 0 and not self._after:
            raise LinkError("gone")
        self._store.append(columns)
        if self._at == 0:
            raise LinkError("gone")


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_broke_off_goes_on_and_tells_the_same(
    bench: Bench, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatloop.store.bulk_sources._BLOCK", 4096)
    start, kind = slot("2024-01-05 08:00:00"), "secondary_supply_temperature"
    lines = [f"{start + 30 * n},UN000{1 + n % 2}.{kind},"
             f"{'x' if n % 50 == 7 else 40 + n % 30}\n" for n in range(1000)]  # fmt: skip
    text = "time,tag,value\n" + "".join(lines)
    path, mapping = bench.file(text), LONG.replace('zone = "Asia/Shanghai"\n', "")
    with pytest.raises(LinkError):
        bench.run(path, mapping, store=_Dies(bench.store, 4, after=after))
    with pytest.raises(InputError, match="resume"):
        bench.run(path, mapping)
    counts = bench.run(path, mapping, resume=True)
    balanced(counts)
    assert (counts.rows_in, counts.stored, counts.refused, counts.repeated) == (1000, 980, 20, 0)
    assert len(bench.rows(T1)) + len(bench.rows(T2)) == 980
    assert [int(row["line"]) for row in bench.refused()] == [n + 2 for n in range(7, 1000, 50)]


def test_rows_of_an_sql_query_and_nothing_is_written_there(bench: Bench) -> None:
    path = bench.folder / "old.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("create table history (t text, tag text, v real)")
        rows = [(f"2024-01-05 08:{n:02d}:00", T1, 50.0 + n) for n in range(30)]
        base.executemany("insert into history values (?, ?, ?)", rows)
    base.close()
    query = "select t as time, tag, v as value from history order by t"
    counts = bench.run(SqlSource(f"sqlite:///{path}", query), LONG)
    balanced(counts)
    assert counts.stored == 30
    for bad in ("delete from history", "select nothing from history"):
        with pytest.raises(InputError, match="query failed"):
            list(SqlSource(f"sqlite:///{path}", bad).open().pieces())
    with sqlite3.connect(path) as base:
        assert base.execute("select count(*) from history").fetchone() == (30,)
    base.close()
    assert "secret" not in SqlSource("postgresql://me:secret@nowhere/db", "select 1").name


@pytest.mark.parametrize(
    "text, match",
    [
        ("[tiem]\n", "unknown section"),
        ('[time]\ncolum = "t"\n', "unknown key"),
        ('[time]\ncolumn = "time"\n', "no points"),
        (HEAD + '[[point]]\ncolumn = "T"\n', "missing"),
        (HEAD + '[[point]]\ncolumn = "T"\ncode = "UN0009.secondary_flow"\n', "no such point"),
        (HEAD + f'[[point]]\ncolumn = "T"\ncode = "{T1}"\nunit = "MPa"\n', "does not fit"),
        (HEAD + f'[[point]]\ncolumn = "T"\ncode = "{T1}"\nunit = "warm"\n', "unknown unit"),
        (HEAD + '[[pattern]]\nmatch = "{a}{b}"\ncode = "{a}.{b}"\n', "cannot be used"),
        (HEAD + '[[pattern]]\nmatch = "{a}_T"\ncode = "{b}.x"\n', "has not"),
        (HEAD + f'[[point]]\ncolumn = "A"\ncode = "{T1}"\n[[point]]\ncolumn = "B"\n'
         f'code = "{T1}"\n', "two columns are one point"),
        ("time = 1\n", "must be a table"),
        ("not toml", "not TOML"),
    ],
)  # fmt: skip
def test_mistakes_of_a_mapping_are_named(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        Targets(read_map(text), ledger()).check()


def test_a_pattern_cannot_be_made_to_take_for_ever() -> None:
    mapping = HEAD + '[[pattern]]\nmatch = "{a}_{b}_{c}_{d}_{e}_{f}"\ncode = "{a}.{b}"\n'
    targets = Targets(read_map(mapping), ledger())
    assert targets.of("_".join("a" * 6) * 30) is None
    assert isinstance(read_map(mapping), ImportMap)
