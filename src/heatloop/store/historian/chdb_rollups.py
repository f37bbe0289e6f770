"""Roll-ups of the embedded engine that are computed from its tables, never incrementally.

An incremental view counts re-sent rows twice. Here a window that got samples late is computed anew
from de-duplicated rows, of the points concerned alone; hours and days come from smaller windows.
Windows that are still being filled come from memory (`live_rollups`).
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.store.historian.chdb_arrays import arrays
from heatloop.store.historian.chdb_folder import READ, WRITE
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.late import Batch, Late
from heatloop.store.historian.port import (
    DAY_S,
    DEFAULT_PERIOD_S,
    GAP_PERIODS,
    HOUR_S,
    ROLLUP_DTYPES,
    ROLLUP_FIELDS,
    TEN_MINUTES_S,
    UNUSED,
    Origin,
    RollupColumns,
)
from heatloop.store.historian.windows import day_of, day_range, days_match_hours

TABLES = {TEN_MINUTES_S: "rollup_10m", HOUR_S: "rollup_1h", DAY_S: "rollup_1d"}
COLUMNS = ", ".join(("point", "ts", *ROLLUP_FIELDS[2:]))

# Windows one statement may make, of larger windows and of samples; bounds its memory.
GROUP_ROWS, SAMPLE_GROUPS = 1_000_000, 200_000
DAYS_A_BATCH = 32
"""Local days one statement computes at most."""

PLAIN = """
    SELECT point, ts, value, quality FROM {db}.raw FINAL
    WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC') {where}"""

# A revision outranks raw; among revisions the latest counts.
REVISED = """
    SELECT point, ts, argMax(v, (laid, version)) AS value, argMax(q, (laid, version)) AS quality
    FROM (
        SELECT point, ts, value AS v, quality AS q, 0 AS laid, version FROM {db}.raw
        WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC') {where}
        UNION ALL
        SELECT point, ts, value AS v, quality AS q, 1 AS laid, version FROM {db}.revision
        WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC') {where}
    ) GROUP BY point, ts"""

_USED = f"quality NOT IN ({', '.join(str(int(quality)) for quality in UNUSED)})"

# The integral by the rule of `port`: trapezoids between neighbours, the edges held; `t` and `v`
# are the times and values of a window's samples in order.
_INTEGRAL = f"""
    if(period > {TEN_MINUTES_S}, arraySum(v) * period,
        arraySum((a, b, x, y) -> if(b - a <= longest, (x + y) / 2 * (b - a), 0),
            arrayPopBack(t), arrayPopFront(t), arrayPopBack(v), arrayPopFront(v))
        + if(t[1] - window <= longest, v[1] * (t[1] - window), 0)
        + if(window + {TEN_MINUTES_S} - t[-1] <= longest,
            v[-1] * (window + {TEN_MINUTES_S} - t[-1]), 0)) / {HOUR_S}"""

_FROM_RAW = f"""
INSERT INTO {{db}}.rollup_10m ({COLUMNS}, version) {{write}}
SELECT point, toDateTime(window, 'UTC'), n,
    if(n = 0, nan, arrayMin(v)), if(n = 0, nan, arraySum(v) / n), if(n = 0, nan, arrayMax(v)),
    if(n = 0, nan, {_INTEGRAL}), if(n = 0, nan, v[-1]),
    good, uncertain, bad, stale, estimated, 0, {{version}}
FROM (
    SELECT g.*, if(p.period_s = 0, {DEFAULT_PERIOD_S}, toInt64(p.period_s)) AS period,
        {GAP_PERIODS} * period AS longest
    FROM (
        SELECT point, toInt64(intDiv(toUInt32(ts), 600) * 600) AS window,
            arraySort(one -> one.1, groupArrayIf((toInt64(toUInt32(ts)), value), {_USED})) AS s,
            s.1 AS t, s.2 AS v, toUInt32(length(s)) AS n,
            countIf(quality = {int(Quality.GOOD)}) AS good,
            countIf(quality = {int(Quality.UNCERTAIN)}) AS uncertain,
            countIf(quality = {int(Quality.BAD)}) AS bad,
            countIf(quality = {int(Quality.STALE)}) AS stale,
            countIf(quality = {int(Quality.ESTIMATED)}) AS estimated
        FROM ({{source}}) WHERE {{inside}}
        GROUP BY point, window
    ) AS g LEFT ANY JOIN (
        SELECT point, argMax(period_s, version) AS period_s FROM {{db}}.period
        WHERE {{which}} GROUP BY point
    ) AS p USING point
)"""

_GATHER = """
SELECT point, {window} AS window, sum(count) AS n,
    if(n = 0, nan, minIf(low, count > 0)) AS lowest,
    if(n = 0, nan, sumIf(mean * count, count > 0) / n) AS average,
    if(n = 0, nan, maxIf(high, count > 0)) AS highest,
    if(n = 0, nan, sumIf(integral, count > 0)) AS whole,
    if(n = 0, nan, argMaxIf(last, ts, count > 0)) AS newest,
    sum(good_count) AS good, sum(uncertain_count) AS uncertain, sum(bad_count) AS bad,
    sum(stale_count) AS stale, sum(estimated_count) AS estimated,
    if(min(origin) = max(origin), min(origin), 2) AS came
FROM {db}.{source} FINAL
WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC') AND {which}
GROUP BY point, window"""

_FROM_ROLLUP = f"""
INSERT INTO {{db}}.{{target}} ({COLUMNS}, version) {{write}}
SELECT *, {{version}} FROM ({_GATHER} HAVING came != {int(Origin.SIMULATED)})"""

_LOAD = f"SELECT * REPLACE (toUInt32(window) AS window) FROM ({_GATHER}) ORDER BY point"

_STORE = f"""
INSERT INTO {{db}}.{{target}} ({COLUMNS}, version) {{write}}
SELECT {COLUMNS.replace("ts", "toDateTime(ts, 'UTC')", 1)}, {{version}} FROM Python(rows)"""

_HOUR = "toDateTime(intDiv(toUInt32(ts), 3600) * 3600, 'UTC')"


class ChdbRollups:
    """Roll-up tables of one database; one caller at a time."""

    def __init__(self, folder: Connection, database: str, zone: ZoneInfo) -> None:
        self._folder, self._db, self._zone = folder, database, zone

    def store(self, step_s: int, columns: RollupColumns, version: int) -> None:
        """Store windows; a greater version outranks a smaller one."""
        if len(columns.keys):
            names = ("point", "ts", *ROLLUP_FIELDS[2:])
            rows = pa.table(dict(zip(names, columns.columns, strict=True)))
            self._run(_STORE, rows=rows, target=TABLES[step_s], version=version)

    def load(self, start_s: int, end_s: int, keys: NDArray[np.uint32] | None) -> RollupColumns:
        """Return stored 10-minute windows in [start, end) as one window a point."""
        if start_s >= end_s or (keys is not None and not len(keys)):
            return RollupColumns.empty()
        text = _LOAD.format(
            db=self._db,
            source=TABLES[TEN_MINUTES_S],
            window=f"toDateTime({start_s}, 'UTC')",
            start=start_s,
            end=end_s,
            which="1" if keys is None else picked(keys),
        )
        wanted = {} if keys is None else {"wanted": pa.table({"point": keys})}
        return RollupColumns(*arrays(self._folder.long_read(text + READ, **wanted), ROLLUP_DTYPES))

    def compute(self, late: Late, *, version: int, revised: bool) -> None:
        """Compute late windows again, and the hours and days they belong to.

        Args:
            late: Windows and points.
            version: Reception counter the samples are known up to.
            revised: Whether any revision exists.
        """
        for batch in late.batches(TEN_MINUTES_S, SAMPLE_GROUPS):
            self._from_raw(batch, version, REVISED if revised else PLAIN)
        for batch in late.batches(HOUR_S, GROUP_ROWS):
            inside = _inside(batch.runs)
            span = batch.runs[0][0], batch.runs[-1][1]
            self._derive(HOUR_S, TEN_MINUTES_S, _HOUR, span, batch.keys, inside, version)
        self._days(late, version)

    def _days(self, late: Late, version: int) -> None:
        """Compute local days again, some weeks at a time."""
        owed: dict[int, list[NDArray[np.uint32]]] = {}
        for day in late.values():
            for local in {day_of(window, self._zone) for window in day.windows}:
                owed.setdefault(local.toordinal() // DAYS_A_BATCH, []).append(day.keys)
        wanted = {day_of(w, self._zone) for day in late.values() for w in day.windows}
        for number, keys in sorted(owed.items()):
            days = sorted(one for one in wanted if one.toordinal() // DAYS_A_BATCH == number)
            spans = [day_range(day, self._zone) for day in days]
            starts = [start for start, _ in spans]
            # Of hours where local days begin on whole hours, else of ten minutes.
            even = all(days_match_hours(start, self._zone) for start in starts)
            window = f"toDateTime(arrayLast(x -> x <= toUInt32(ts), {starts}), 'UTC')"
            batch = Batch(spans, np.unique(np.concatenate(keys)))
            for piece in batch.pieces(DAY_S, GROUP_ROWS // 24):
                self._derive(
                    DAY_S,
                    HOUR_S if even else TEN_MINUTES_S,
                    window,
                    (spans[0][0], spans[-1][1]),
                    piece.keys,
                    _inside(spans),
                    version,
                )

    def _from_raw(self, batch: Batch, version: int, source: str) -> None:
        which = picked(batch.keys)
        rows = source.format(
            db=self._db,
            start=batch.runs[0][0],
            end=batch.runs[-1][1],
            where=f"AND {which}",
        )
        self._run(
            _FROM_RAW,
            wanted=pa.table({"point": batch.keys}),
            source=rows,
            which=which,
            inside=_inside(batch.runs),
            version=version,
        )

    def _derive(
        self,
        step_s: int,
        below_s: int,
        window: str,
        span: tuple[int, int],
        keys: NDArray[np.uint32],
        inside: str,
        version: int,
    ) -> None:
        self._run(
            _FROM_ROLLUP,
            wanted=pa.table({"point": keys}),
            target=TABLES[step_s],
            source=TABLES[below_s],
            window=window,
            start=span[0],
            end=span[1],
            which=f"{picked(keys)} AND {inside}",
            version=version,
        )

    def _run(
        self,
        text: str,
        *,
        rows: pa.Table | None = None,
        wanted: pa.Table | None = None,
        **words: str | int,
    ) -> None:
        tables = {"rows": rows, "wanted": wanted}
        given = {name: table for name, table in tables.items() if table is not None}
        self._folder.maintain(text.format(db=self._db, write=WRITE, **words), **given)


def _inside(runs: list[tuple[int, int]]) -> str:
    """Return the condition that a time lies in one of these stretches; one needs no more."""
    if len(runs) < 2:
        return "1"
    some = (f"toUInt32(ts) >= {start} AND toUInt32(ts) < {end}" for start, end in runs)
    return f"({' OR '.join(some)})"


def pieces(keys: NDArray[np.uint32], many: int) -> Iterator[NDArray[np.uint32]]:
    """Yield runs of keys for which `many` rows each are no more than one statement may group."""
    size = max(1, GROUP_ROWS // max(many, 1))
    for at in range(0, len(keys), size):
        yield keys[at : at + size]


def picked(keys: NDArray[np.uint32]) -> str:
    """Return the condition that picks these points, at least one; `wanted` is sent along.

    The bounds let the engine skip what lies outside them; a run without holes needs no more.
    """
    first, last = int(keys.min()), int(keys.max())
    bounds = f"point BETWEEN {first} AND {last}"
    if last - first + 1 == len(keys):
        return bounds
    return f"{bounds} AND point IN (SELECT point FROM Python(wanted))"
