"""Reading frames: a few keys of many frames by element, many keys by whole rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from heatloop.kernel.series import Columns, concat
from heatloop.store.historian import frames_rollups as rollups
from heatloop.store.historian import frames_tables as tables
from heatloop.store.historian import frames_wire as wire
from heatloop.store.historian.frames_dictionary import NOWHERE, Dictionary
from heatloop.store.historian.frames_rows import in_order, together
from heatloop.store.historian.newest import one_row_a_slot
from heatloop.store.historian.port import (
    COLUMN_DTYPES,
    DAY_S,
    KeyCounts,
    Marks,
    RollupColumns,
    Traced,
)

_FEW = 8
"""Below so many keys a frame it is cheaper to pick elements than to read whole rows."""
_PORTION = 2_000_000
_SHORTEST_S = 30
_MOST_TICKS = 500_000

_REVISIONS = """
SELECT DISTINCT ON (key, slot) key, slot, value, quality::int4 FROM revision
WHERE key = ANY (%(keys)s::int4[]) AND slot >= %(start)s AND slot < %(end)s
ORDER BY key, slot, counter DESC LIMIT %(limit)s"""
_LAID = """
SELECT key, slot, value, quality, counter, method, who FROM revision
WHERE key = ANY (%s::int4[]) AND slot >= %s AND slot < %s ORDER BY key, slot, counter LIMIT %s"""
_CHANGED = {
    "raw": "SELECT slot - slot %% %s AS start, max(counter) FROM frame WHERE counter > %s"
    " GROUP BY 1",
    "revision": "SELECT slot - slot %% %s AS start, max(counter) FROM revision WHERE counter > %s"
    " GROUP BY 1",
    "event": "SELECT at / 1000 - at / 1000 %% %s AS start, max(counter) FROM event"
    " WHERE counter > %s GROUP BY 1",
    "rollup_1h": "SELECT slot - slot %% %s AS start, 0 FROM rollup_1h WHERE %s >= 0 GROUP BY 1",
}
_PLACES = """
SELECT k.key, s.frame, k.place FROM (
    SELECT DISTINCT ON (frame) frame, keys FROM frame_set ORDER BY frame, version DESC
) AS s, unnest(s.keys) WITH ORDINALITY AS k(key, place)"""
_QUALITY = """
CASE WHEN f.quality IS NULL THEN 0
    WHEN k.place <= length(f.quality) THEN get_byte(f.quality, k.place::int - 1) ELSE 255 END"""
_COUNT = f"""
SELECT (SELECT coalesce(sum(n), 0) FROM frame WHERE slot >= %(start)s AND slot < %(end)s) + (
    SELECT count(*) FROM (
        SELECT DISTINCT key, slot FROM revision WHERE slot >= %(start)s AND slot < %(end)s
    ) AS r JOIN ({_PLACES}) AS k ON k.key = r.key
    WHERE NOT EXISTS (
        SELECT 1 FROM frame f WHERE f.frame = k.frame AND f.slot = r.slot
        AND k.place <= array_length(f.vals, 1) AND {_QUALITY} <> 255))"""
_DUPLICATES = """
SELECT coalesce(sum(n * (copies - 1)), 0) FROM (
    SELECT max(n) AS n, count(*) AS copies FROM frame WHERE slot >= %s AND slot < %s
    GROUP BY frame, slot HAVING count(*) > 1) AS twice"""
_ALL_GOOD = """
SELECT frame, array_length(vals, 1), count(*) FROM frame
WHERE frame = ANY (%s) AND slot >= %s AND slot < %s AND quality IS NULL GROUP BY 1, 2"""
_MIXED = f"""
SELECT key, count(*), count(*) FILTER (WHERE quality = 0) FROM (
    SELECT k.key, {_QUALITY} AS quality
    FROM unnest(%s::int4[], %s::int4[], %s::int4[]) AS k(key, frame, place)
    JOIN frame f ON f.frame = k.frame
    WHERE f.slot >= %s AND f.slot < %s AND f.quality IS NOT NULL OFFSET 0
) AS found WHERE quality <> 255 GROUP BY key"""


def dictionary(connection: Connection[Any], known: Dictionary) -> Dictionary:
    """Return a dictionary that knows every key in this transaction's sight."""
    ((number,),) = connection.execute("SELECT dictionary FROM state").fetchall()
    if known.number == number:
        return known
    fresh = Dictionary()
    fresh.load(connection, number)
    return fresh


def some(
    connection: Connection[Any],
    known: Dictionary,
    wanted: NDArray[np.uint32],
    start: int,
    end: int,
    limit: int,
) -> Columns:
    """Return the first `limit` samples of keys as received, ordered by (key, slot)."""
    parts: list[Columns] = []
    for part in ordered(connection, known, wanted, start, end, limit):
        parts.append(part)
        if sum(len(each.keys) for each in parts) >= limit:
            break
    return concat(parts)


def ordered(
    connection: Connection[Any],
    known: Dictionary,
    wanted: NDArray[np.uint32] | None,
    start: int,
    end: int,
    limit: int = 1 << 40,
) -> Iterator[Columns]:
    """Yield samples as received in portions, all in the order of (key, slot).

    Args:
        connection: A reader's transaction.
        known: Knows every key.
        wanted: Keys, rising; None for all.
        start: First slot.
        end: Slot after the last.
        limit: Nobody wants more rows than this.
    """
    if wanted is None:
        wanted = np.sort(np.concatenate([np.empty(0, "u4"), *known.keys.values()]))
    wanted = wanted[known.find(wanted)[0] != NOWHERE]
    while len(wanted):
        step = max(_PORTION // _ticks(connection, known, wanted[0], start, end), 1)
        keys, wanted = wanted[:step], wanted[step:]
        frames = np.unique(known.find(keys)[0])
        if len(keys) < _FEW * len(frames):
            yield tables.narrow(connection, known, keys, start, end, limit)
        else:
            rows = tables.between(connection, frames.tolist(), start, end)
            mask = np.zeros(int(max(known.keys[f].max() for f in frames.tolist())) + 1, np.bool_)
            mask[keys] = True
            yield together(tables.samples(rows, known, mask))


def _ticks(
    connection: Connection[Any], known: Dictionary, key: np.uint32, start: int, end: int
) -> int:
    """Return about how many rows a key has in a range, at least 1."""
    if end - start <= DAY_S:
        return max((end - start) // _SHORTEST_S, 1)
    frame = int(known.find(np.array([key], "u4"))[0][0])
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM frame WHERE frame = %s AND slot >= %s AND slot < %s"
        " LIMIT %s) AS few"
    )
    ((ticks,),) = connection.execute(query, [frame, start, end, _MOST_TICKS]).fetchall()
    return max(int(ticks), 1)


def revisions(
    connection: Connection[Any], keys: NDArray[np.uint32], start: int, end: int, limit: int
) -> Columns:
    """Return the last revision of each key and slot, ordered by (key, slot)."""
    layout = wire.Layout(("key", "slot", "value", "quality"), ("i4", "i8", "f8", "i4"))
    words = {"keys": keys, "start": start, "end": end, "limit": limit}
    found = tables.copy_out(connection, _REVISIONS, words, layout)
    if not found:
        return Columns.empty()
    key, slot, value, quality = found[0]
    return Columns(key.astype("u4"), slot.astype("u4"), value, quality.astype("u1"))


def trace(
    connection: Connection[Any],
    known: Dictionary,
    wanted: NDArray[np.uint32],
    start: int,
    end: int,
    limit: int,
) -> Traced:
    """Return what lies below the samples of keys; of a slot this engine has one version."""
    here = wanted[known.find(wanted)[0] != NOWHERE]
    came, counters = Columns.empty(), np.empty(0, "i8")
    if len(here):
        came, counters = tables.traced(connection, known, here, start, end, limit)
    found = connection.execute(_LAID, [wanted.tolist(), start, end, limit]).fetchall()
    laid = [np.asarray([row[at] for row in found]) for at in range(5)]
    return Traced.of(
        came,
        counters,
        Columns(*(c.astype(d) for c, d in zip(laid[:4], COLUMN_DTYPES, strict=True))),
        laid[4],
        [row[5:7] for row in found],
        limit,
    )


def changed(connection: Connection[Any], table: str, after: int, step_s: int) -> Marks:
    """Return the UTC stretches in which rows came after a reception counter."""
    found = connection.execute(_CHANGED[table] + " ORDER BY 1", [step_s, max(after, 0)]).fetchall()
    rows = np.asarray(found, "i8").reshape(-1, 2)
    return Marks(rows[:, 0].astype("u4"), rows[:, 1].astype("u8"))


def keys_of(
    connection: Connection[Any], known: Dictionary, table: str, start: int, end: int
) -> KeyCounts:
    """Return which points have rows of a table in a range; of frames every point of theirs."""
    if table == "revision":
        text = "SELECT key, count(*) FROM revision WHERE slot >= %s AND slot < %s GROUP BY 1"
        found = np.asarray(connection.execute(text, [start, end]).fetchall(), "i8").reshape(-1, 2)
    else:
        name = sql.Identifier("frame" if table == "raw" else table)
        count = sql.SQL("SELECT frame, count(*) FROM {} WHERE slot >= %s AND slot < %s GROUP BY 1")
        each = connection.execute(count.format(name), [start, end]).fetchall()
        parts = [np.empty((0, 2), "i8")]
        for frame, rows in each:
            keys = known.keys[frame].astype("i8")
            parts.append(np.column_stack((keys, np.full(len(keys), rows))))
        found = np.concatenate(parts)
    found = found[np.argsort(found[:, 0], kind="stable")]
    return KeyCounts(found[:, 0].astype("u4"), found[:, 1].astype("u4"))


def overlaid(rows: Columns, laid: Columns) -> Columns:
    """Return samples with revisions laid over them, ordered by (key, slot)."""
    return in_order(one_row_a_slot(concat([rows, laid]))) if len(laid.keys) else rows


def windows(
    connection: Connection[Any],
    known: Dictionary,
    wanted: NDArray[np.uint32],
    start: int,
    end: int,
    step_s: int,
) -> RollupColumns:
    """Return roll-up windows of keys that start in a range, ordered by (key, slot)."""
    frames = np.unique(known.find(wanted)[0])
    frames = frames[frames != NOWHERE]
    if not len(frames) or start == end:
        return RollupColumns.empty()
    found = rollups.read(connection, known, step_s, frames.tolist(), start, end)
    return found.take(np.isin(found.keys, wanted))


def count(connection: Connection[Any], start: int, end: int) -> int:
    """Return how many samples there are, those that only a revision gives too."""
    ((found,),) = connection.execute(_COUNT, {"start": start, "end": end}).fetchall()
    return int(found)


def duplicates(connection: Connection[Any], start: int, end: int) -> int:
    """Return how many samples are stored more than once."""
    ((found,),) = connection.execute(_DUPLICATES, [start, end]).fetchall()
    return int(found)


def received(
    connection: Connection[Any], known: Dictionary, wanted: NDArray[np.uint32], start: int, end: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return how many slots came in, and how many were good, per key asked for."""
    frame, place = known.find(wanted)
    some, good = np.zeros(len(wanted), "u4"), np.zeros(len(wanted), "u4")
    here = np.flatnonzero(frame != NOWHERE)
    if not len(here):
        return some, good
    frames = np.unique(frame[here]).tolist()
    # Rows in which all is good need no look at their values.
    for number, width, rows in connection.execute(_ALL_GOOD, [frames, start, end]):
        mine = here[(frame[here] == number) & (place[here] < width)]
        some[mine] += rows
        good[mine] += rows
    keys, first = np.unique(wanted[here], return_index=True)
    at = here[first]
    words = [keys.tolist(), frame[at].tolist(), (place[at] + 1).tolist(), start, end]
    tally = {key: (n, well) for key, n, well in connection.execute(_MIXED, words)}
    for index in here.tolist():
        n, well = tally.get(int(wanted[index]), (0, 0))
        some[index] += n
        good[index] += well
    return some, good
