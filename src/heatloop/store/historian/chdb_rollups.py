"""Roll-ups of the embedded engine: computed again for dirty windows, never incrementally.

An incremental view counts re-sent rows twice. Here a window that got samples is computed anew
from de-duplicated rows; hours come from 10-minute rows and days from hours.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa

from heatloop.store.historian.chdb_folder import WRITE, ChdbFolder
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S, Origin
from heatloop.store.historian.windows import day_of, day_range, days_match_hours, runs

TABLES = {TEN_MINUTES_S: "rollup_10m", HOUR_S: "rollup_1h", DAY_S: "rollup_1d"}

# Rows one statement may group; bounds its memory.
GROUP_ROWS = 1_000_000

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

_FROM_RAW = """
INSERT INTO {db}.rollup_10m {write}
SELECT point, toDateTime(intDiv(toUInt32(ts), 600) * 600, 'UTC') AS window,
    countIf(quality NOT IN (2, 3)),
    if(countIf(quality NOT IN (2, 3)) = 0, nan, minIf(value, quality NOT IN (2, 3))),
    avgIf(value, quality NOT IN (2, 3)),
    if(countIf(quality NOT IN (2, 3)) = 0, nan, maxIf(value, quality NOT IN (2, 3))),
    if(countIf(quality NOT IN (2, 3)) = 0, nan, argMaxIf(value, ts, quality NOT IN (2, 3))),
    countIf(quality = 0), 0, {version}
FROM ({source}) GROUP BY point, window"""

_FROM_ROLLUP = """
INSERT INTO {db}.{target} {write}
SELECT point, {window} AS window, sum(count) AS n,
    if(n = 0, nan, minIf(low, count > 0)),
    if(n = 0, nan, sumIf(mean * count, count > 0) / n),
    if(n = 0, nan, maxIf(high, count > 0)),
    if(n = 0, nan, argMaxIf(last, ts, count > 0)),
    sum(good_count), if(countIf(origin != 0) = 0, 0, 2), {version}
FROM {db}.{source} FINAL
WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC')
GROUP BY point, window HAVING countIf(origin != 1) > 0"""

_SEED = """
INSERT INTO {db}.{target} {write}
SELECT point, toDateTime(ts, 'UTC'), count, low, mean, high, last, good_count, {origin}, 0
FROM Python(rows)"""


def seed(folder: ChdbFolder, db: str, step_s: int, rows: pa.Table) -> None:
    """Store simulated windows at version 0, so that computed ones always win."""
    folder.maintain(
        _SEED.format(db=db, target=TABLES[step_s], write=WRITE, origin=int(Origin.SIMULATED)),
        rows=rows,
    )


def compute(
    folder: ChdbFolder,
    db: str,
    windows: list[int],
    *,
    version: int,
    zone: ZoneInfo,
    n_keys: int,
    revised: bool,
) -> None:
    """Compute these 10-minute windows again, and the hours and days they belong to.

    Args:
        folder: The open engine.
        db: Database.
        windows: Window starts, plant seconds.
        version: Reception counter the samples are known up to.
        zone: Zone of the company's days.
        n_keys: Points in the store, to bound the size of one statement.
        revised: Whether any revision exists.
    """
    longest = max(1, GROUP_ROWS // max(n_keys, 1))
    source = REVISED if revised else PLAIN
    for start, end in runs(windows, TEN_MINUTES_S, longest):
        rows = source.format(db=db, start=start, end=end, where="")
        folder.maintain(_FROM_RAW.format(db=db, write=WRITE, source=rows, version=version))
    hours = {window - window % HOUR_S for window in windows}
    for start, end in runs(list(hours), HOUR_S, longest):
        window = "toDateTime(intDiv(toUInt32(ts), 3600) * 3600, 'UTC')"
        _derive(folder, db, HOUR_S, TEN_MINUTES_S, window, start, end, version)
    for day in sorted({day_of(window, zone) for window in windows}):
        start, end = day_range(day, zone)
        below = HOUR_S if days_match_hours(start, zone) else TEN_MINUTES_S
        _derive(folder, db, DAY_S, below, f"toDateTime({start}, 'UTC')", start, end, version)


def _derive(
    folder: ChdbFolder,
    db: str,
    step_s: int,
    below_s: int,
    window: str,
    start: int,
    end: int,
    version: int,
) -> None:
    folder.maintain(
        _FROM_ROLLUP.format(
            db=db,
            target=TABLES[step_s],
            source=TABLES[below_s],
            write=WRITE,
            window=window,
            start=start,
            end=end,
            version=version,
        )
    )
