"""Roll-ups of the frame engine: a row a device a window, computed again for what changed.

The statistics are those of `memory_rollups`; hours come from 10-minute rows, days from hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_wire as wire
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_rows import MISSING
from heatloop.store.historian.frames_tables import Partitions, copy_in, copy_out
from heatloop.store.historian.memory_rollups import derive, from_samples, joined, overlay
from heatloop.store.historian.periods import Periods
from heatloop.store.historian.port import (
    DAY_S,
    HOUR_S,
    ROLLUP_DTYPES,
    ROLLUP_FIELDS,
    TEN_MINUTES_S,
    Origin,
    RollupColumns,
)
from heatloop.store.historian.windows import day_of, day_range, days_match_hours

TABLES = {TEN_MINUTES_S: "rollup_10m", HOUR_S: "rollup_1h", DAY_S: "rollup_1d"}
_STATISTICS = ROLLUP_FIELDS[2:-1]
_KINDS = tuple("i4[]" if dtype == "u4" else "f8[]" for dtype in ROLLUP_DTYPES[2:-1])
LAYOUT = wire.Layout(
    ("frame", "slot", "n", *_STATISTICS, "origin"), ("i4", "i8", "i2", *_KINDS, "bytes")
)
_NAMES = ", ".join(f'"{name}"' for name in LAYOUT.names)
_READ = """
SELECT {names} FROM {table} WHERE slot >= %(start)s AND slot < %(end)s
AND frame = ANY (%(frames)s::int4[])"""


def read(
    connection: Connection[Any],
    dictionary: Dictionary,
    step_s: int,
    frames: Sequence[int],
    start: int,
    end: int,
    table: str = "",
) -> RollupColumns:
    """Return the windows of frames that start in a range, ordered by (key, slot)."""
    text = _READ.format(names=_NAMES, table=table or TABLES[step_s])
    words = {"start": start, "end": end, "frames": list(frames)}
    parts = [_columns(c, dictionary) for c in copy_out(connection, text, words, LAYOUT)]
    found = joined(parts)
    return found.take(np.lexsort((found.slots, found.keys)))


def _columns(columns: list[wire.Matrix], dictionary: Dictionary) -> RollupColumns:
    frame, slot, _, *rest = columns
    origin = rest[-1]
    names, which = np.unique(frame, return_inverse=True)
    keys = np.empty((len(names), origin.shape[1]), "u4")
    for row, name in enumerate(names.tolist()):
        keys[row] = dictionary.keys[name][: origin.shape[1]]
    here = origin != MISSING
    slots = np.broadcast_to(slot[:, None], here.shape)
    found = [keys[which][here], slots[here], *(column[here] for column in rest)]
    return RollupColumns(
        *(array.astype(dtype) for array, dtype in zip(found, ROLLUP_DTYPES, strict=True))
    )


def write(
    connection: Connection[Any],
    partitions: Partitions,
    dictionary: Dictionary,
    step_s: int,
    windows: RollupColumns,
    *,
    seeds: bool = False,
) -> None:
    """Lay windows over those that stand there; of a window that was measured a seed changes none.

    Args:
        connection: A transaction of its own kind.
        partitions: Makes the partitions they are in.
        dictionary: Knows every key.
        step_s: Length of the windows.
        windows: What to write.
        seeds: Whether they are simulated.
    """
    if not len(windows):
        return
    frame, _ = dictionary.find(windows.keys)
    both = np.unique((frame.astype("u8") << np.uint64(32)) | windows.slots)
    frames, slots = (both >> np.uint64(32)).astype("i4"), (both & np.uint64(0xFFFFFFFF))
    table = TABLES[step_s]
    partitions.ensure(connection, table, slots)
    start, end = int(slots.min()), int(slots.max()) + 1
    there = read(connection, dictionary, step_s, np.unique(frames).tolist(), start, end)
    if seeds:
        simulated = there.take(there.origin == Origin.SIMULATED)
        measured = there.take(there.origin != Origin.SIMULATED)
        windows = overlay(overlay(simulated, windows), measured)
    else:
        windows = overlay(there, windows)
    frame, _ = dictionary.find(windows.keys)
    # Only the rows that get something new are written again.
    inside = np.isin((frame.astype("u8") << np.uint64(32)) | windows.slots, both)
    connection.execute(
        sql.SQL(
            "DELETE FROM {} r USING unnest(%s::int4[], %s::int8[]) AS w(frame, slot)"
            " WHERE r.frame = w.frame AND r.slot = w.slot AND r.slot >= %s AND r.slot < %s"
        ).format(sql.Identifier(table)),
        [frames.tolist(), slots.astype("i8").tolist(), start, end],
    )
    copy_in(connection, table, _NAMES, _encoded(windows.take(inside), dictionary))


def _encoded(windows: RollupColumns, dictionary: Dictionary) -> Iterable[bytes]:
    frame, place = dictionary.find(windows.keys)
    both = (frame.astype("u8") << np.uint64(32)) | windows.slots
    rows, inverse = np.unique(both, return_inverse=True)
    frames, slots = (rows >> np.uint64(32)).astype("i4"), (rows & np.uint64(0xFFFFFFFF))
    widths = dictionary.widths(frames)
    for width in np.unique(widths).tolist():
        mine = widths == width
        row = (np.cumsum(mine) - 1)[inverse]
        inside = mine[inverse]
        came = np.bincount(row[inside], minlength=int(mine.sum()))
        columns: list[wire.Matrix] = [frames[mine], slots[mine].astype("i8"), came]
        for name in (*_STATISTICS, "origin"):
            column = getattr(windows, name)
            empty = MISSING if name == "origin" else (np.nan if column.dtype == "f8" else 0)
            matrix = np.full((int(mine.sum()), width), empty, column.dtype)
            matrix[row[inside], place[inside]] = column[inside]
            columns.append(matrix)
        yield wire.encode(LAYOUT, columns, last=True)


def from_rows(
    connection: Connection[Any],
    partitions: Partitions,
    dictionary: Dictionary,
    rows: Columns,
    periods: Periods,
) -> None:
    """Compute and write the 10-minute windows of samples ordered by (key, slot)."""
    windows = from_samples(rows, periods)
    write(connection, partitions, dictionary, TEN_MINUTES_S, windows)


def derive_larger(
    connection: Connection[Any],
    partitions: Partitions,
    dictionary: Dictionary,
    frames: Sequence[int],
    windows: NDArray[Any],
    zone: ZoneInfo,
) -> None:
    """Compute the hours and days of frames again that these 10-minute windows belong to."""
    hours = np.unique(windows // HOUR_S * HOUR_S).tolist()
    spans = [(HOUR_S, TEN_MINUTES_S, hour, hour + HOUR_S) for hour in hours]
    for day in sorted({day_of(int(window), zone) for window in windows}):
        start, end = day_range(day, zone)
        below = HOUR_S if days_match_hours(start, zone) else TEN_MINUTES_S
        spans.append((DAY_S, below, start, end))
    for step_s, below_s, start, end in spans:
        parts = read(connection, dictionary, below_s, frames, start, end)
        write(connection, partitions, dictionary, step_s, derive(parts, start))
