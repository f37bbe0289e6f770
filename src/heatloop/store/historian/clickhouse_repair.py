"""Fills a replica from its neighbour: compare by day, then by point, copy what differs.

Rows keep their reception counters, so copying while rows come in can never bring back an older
value. Roll-ups are computed again; simulated windows, which nothing can compute, are copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from heatloop.store.historian.chdb_arrays import arrays
from heatloop.store.historian.chdb_folder import READ, WRITE
from heatloop.store.historian.chdb_rollups import picked, pieces
from heatloop.store.historian.clickhouse_historian import ClickHouseHistorian
from heatloop.store.historian.port import DAY_S, ROLLUP_FIELDS


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    time: str
    columns: str
    where: str = "1"
    final: str = "FINAL"


_WINDOW = ", ".join(("point", "ts", *ROLLUP_FIELDS[2:], "version"))
_TABLES = (
    _Table("raw", "ts", "point, ts, value, quality, version"),
    _Table("revision", "ts", "point, ts, value, quality, method, who, version", final=""),
    _Table("event", "at", "point, at, subject, text, version", final=""),
    *(
        # Windows computed from samples are computed there too; simulated ones stand at 0.
        _Table(name, "ts", _WINDOW, where="version = 0")
        for name in ("rollup_10m", "rollup_1h", "rollup_1d")
    ),
)

_ROWS = """
SELECT DISTINCT {columns} FROM {db}.{table} {final}
WHERE {time} >= toDateTime({start}, 'UTC') AND {time} < toDateTime({end}, 'UTC') AND {where}"""
_DAYS = """
SELECT toUInt32(toStartOfDay({time}, 'UTC')) AS day, count() AS n,
    groupBitXor(cityHash64({columns})) AS sum
FROM ({rows}) GROUP BY day ORDER BY day"""
_POINTS = """
SELECT point, count() AS n, groupBitXor(cityHash64({columns})) AS sum
FROM ({rows}) GROUP BY point ORDER BY point"""
_OUT = "SELECT * REPLACE ({as_number} AS {time}) FROM ({rows} AND {which})"
_IN = """
INSERT INTO {db}.{table} ({columns}) {write}
SELECT * REPLACE ({as_time} AS {time}) FROM Python(rows)"""


def differing_days(
    here: ClickHouseHistorian, there: ClickHouseHistorian, start_s: int, end_s: int
) -> list[tuple[str, int]]:
    """Return table and first second of the days on which two replicas differ."""
    return [
        (table.name, day)
        for table in _TABLES
        for day in _differ(table, here, there, (start_s, end_s))
    ]


def fill(here: ClickHouseHistorian, there: ClickHouseHistorian, start_s: int, end_s: int) -> int:
    """Bring to `here` what only `there` has of slots [start, end); return how many rows."""
    copied = 0
    for table in _TABLES:
        for day in _differ(table, here, there, (start_s, end_s)):
            span = max(start_s, day), min(end_s, day + DAY_S)
            for rows in _missing(table, here, there, span):
                _put(table, here, rows)
                copied += rows.num_rows
    here.take_over(there)
    here.refresh_rollups()
    return copied


def _differ(
    table: _Table, here: ClickHouseHistorian, there: ClickHouseHistorian, span: tuple[int, int]
) -> list[int]:
    ours, theirs = (_sums(table, _DAYS, one, span) for one in (here, there))
    return sorted(day for day, sums in theirs.items() if ours.get(day) != sums)


def _missing(
    table: _Table, here: ClickHouseHistorian, there: ClickHouseHistorian, span: tuple[int, int]
) -> Iterator[pa.Table]:
    ours, theirs = (_sums(table, _POINTS, one, span) for one in (here, there))
    keys = np.array(
        sorted(point for point, sums in theirs.items() if ours.get(point) != sums), "u4"
    )
    # A day of a point is some 3,000 rows.
    for some in pieces(keys, 10_000):
        words = {"as_number": _number(table), "time": table.time, "which": picked(some)}
        yield there.ask_long(
            _OUT.format(rows=_rows(table, there, span), **words) + READ,
            wanted=pa.table({"point": some}),
        )


def _put(table: _Table, here: ClickHouseHistorian, rows: pa.Table) -> None:
    if not rows.num_rows:
        return
    text = _IN.format(
        db=here.database,
        table=table.name,
        columns=table.columns,
        write=WRITE,
        as_time=_time(table),
        time=table.time,
    )
    here.put(text, rows)
    if table.name in ("raw", "revision"):
        keys, slots = arrays(rows.select(["point", "ts"]), ("u4", "u4"))
        here.spoil(keys, slots, revised=table.name == "revision")


def _sums(
    table: _Table, text: str, store: ClickHouseHistorian, span: tuple[int, int]
) -> dict[int, tuple[int, int]]:
    found = store.ask_long(
        text.format(time=table.time, columns=table.columns, rows=_rows(table, store, span)) + READ
    )
    which, counts, sums = (column.to_pylist() for column in found.columns)
    return dict(zip(which, zip(counts, sums, strict=True), strict=True))


def _rows(table: _Table, store: ClickHouseHistorian, span: tuple[int, int]) -> str:
    return _ROWS.format(
        db=store.database,
        table=table.name,
        columns=table.columns,
        time=table.time,
        final=table.final,
        where=table.where,
        start=span[0],
        end=span[1],
    )


def _number(table: _Table) -> str:
    return "toUnixTimestamp64Milli(at)" if table.time == "at" else "toUInt32(ts)"


def _time(table: _Table) -> str:
    return "fromUnixTimestamp64Milli(at, 'UTC')" if table.time == "at" else "toDateTime(ts, 'UTC')"
