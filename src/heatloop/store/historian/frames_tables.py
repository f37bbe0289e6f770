"""The tables of the frame engine: partitions made when needed, frames in and out by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_wire as wire
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_rows import MISSING, Frames, to_columns

MONTHLY = ("frame", "revision", "event", "rollup_10m")
YEARLY = ("rollup_1h", "rollup_1d")
_PIECE = 1 << 20
_COLUMNS = "frame, slot, counter, n, vals, quality"
_SOME = """
JOIN unnest(%(frames)s::int4[], %(slots)s::int8[]) AS w(frame, slot)
    ON f.frame = w.frame AND f.slot = w.slot
WHERE f.slot >= %(start)s AND f.slot < %(end)s"""
_NARROW = """
SELECT key, slot, value, quality FROM (
    SELECT k.key, f.slot, f.vals[k.place] AS value,
        CASE WHEN f.quality IS NULL THEN 0 ELSE get_byte(f.quality, k.place - 1) END AS quality
    FROM unnest(%(keys)s::int4[], %(frames)s::int4[], %(places)s::int4[]) AS k(key, frame, place)
    JOIN frame f ON f.frame = k.frame
    WHERE f.slot >= %(start)s AND f.slot < %(end)s AND k.place <= array_length(f.vals, 1)
    OFFSET 0
) AS found WHERE quality <> 255 ORDER BY key, slot LIMIT %(limit)s"""


_TRACED = """
SELECT key, slot, value, quality, counter FROM (
    SELECT k.key, f.slot, f.vals[k.place] AS value, f.counter,
        CASE WHEN f.quality IS NULL THEN 0 ELSE get_byte(f.quality, k.place - 1) END AS quality
    FROM unnest(%(keys)s::int4[], %(frames)s::int4[], %(places)s::int4[]) AS k(key, frame, place)
    JOIN frame f ON f.frame = k.frame
    WHERE f.slot >= %(start)s AND f.slot < %(end)s AND k.place <= array_length(f.vals, 1)
    OFFSET 0
) AS found WHERE quality <> 255 ORDER BY key, slot LIMIT %(limit)s"""


def span(table: str, seconds: int) -> tuple[str, int, int]:
    """Return the name of the partition a time is in, and its first second and the next one's."""
    at = datetime.fromtimestamp(seconds, UTC)
    if table in YEARLY:
        bounds = [datetime(at.year + n, 1, 1, tzinfo=UTC) for n in (0, 1)]
        name = f"{at.year}"
    else:
        following = (at.year + at.month // 12, at.month % 12 + 1)
        bounds = [datetime(*ym, 1, tzinfo=UTC) for ym in ((at.year, at.month), following)]
        name = f"{at.year}{at.month:02}"
    return f"{table}_{name}", int(bounds[0].timestamp()), int(bounds[1].timestamp())


class Partitions:
    """Knows which partitions there are, and makes those that are not."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def forget(self) -> None:
        """Look again: another process may have removed some."""
        self._known.clear()

    def ensure(
        self, connection: Connection[Any], table: str, seconds: NDArray[Any] | Sequence[int]
    ) -> None:
        """Make the partitions these times are in, plant seconds."""
        # Within a day a partition does not change, so that many look-ups are enough.
        for day in np.unique(np.asarray(seconds, "i8") // 86400).tolist():
            name, start, end = span(table, day * 86400)
            if name not in self._known:
                self._make(connection, table, name, start, end)
                self._known.add(name)

    @staticmethod
    def _make(connection: Connection[Any], table: str, name: str, start: int, end: int) -> None:
        if connection.execute("SELECT to_regclass(%s)", [name]).fetchone() != (None,):
            return
        unit = 1000 if table == "event" else 1
        words: dict[str, sql.Composable] = {
            "name": sql.Identifier(name),
            "table": sql.Identifier(table),
        }
        words |= {"start": sql.Literal(start * unit), "end": sql.Literal(end * unit)}
        # Made apart and attached: readers of the table need not stop for it.
        for text in (
            "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
            "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
        ):
            connection.execute(sql.SQL(text).format(**words))


def copy_in(connection: Connection[Any], table: str, columns: str, rows: Iterable[bytes]) -> None:
    """Write encoded rows into a table."""
    into = sql.SQL("COPY {} (" + columns + ") FROM STDIN (FORMAT BINARY)")
    with connection.cursor().copy(into.format(sql.Identifier(table))) as copy:
        copy.write(wire.HEADER)
        for piece in rows:
            for at in range(0, len(piece), _PIECE):
                copy.write(piece[at : at + _PIECE])
        copy.write(wire.TRAILER)


def copy_out(
    connection: Connection[Any], query: str, words: dict[str, Any], layout: wire.Layout
) -> list[list[wire.Matrix]]:
    """Return the rows of a query, by width."""
    text = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(_filled(query, words))
    with connection.cursor().copy(text) as copy:
        return wire.decode(layout, [bytes(piece) for piece in copy])


def _filled(query: str, words: dict[str, Any]) -> sql.Composed:
    # COPY takes no parameters, so numbers and arrays of numbers are written out as literals.
    parts: list[sql.Composable] = []
    rest = query
    while "%(" in rest:
        before, _, rest = rest.partition("%(")
        name, _, rest = rest.partition(")s")
        value = words[name]
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        parts += [sql.SQL(before), sql.Literal(plain)]
    return sql.Composed([*parts, sql.SQL(rest)])


def write_frames(
    connection: Connection[Any], counter: int, frames: list[Frames], table: str = "frame"
) -> None:
    """Insert frames; those of the same frame and slot must be gone."""

    def pieces() -> Iterable[bytes]:
        for part in frames:
            plain = (part.quality == 0).all(axis=1)
            for mask, last in ((plain, False), (~plain, True)):
                if mask.any():
                    yield _encoded(part if mask.all() else part.take(mask), counter, last)

    copy_in(connection, table, _COLUMNS, pieces())


def _encoded(part: Frames, counter: int, last: bool) -> bytes:
    came = (part.quality != MISSING).sum(axis=1)
    counters = np.full(len(part.frame), counter)
    columns = [part.frame, part.slot, counters, came, part.values, part.quality]
    return wire.encode(wire.FRAME, columns, last=last)


def stored(connection: Connection[Any], frame: NDArray[Any], slot: NDArray[Any]) -> list[Frames]:
    """Return the stored rows of these frames and slots."""
    words = {"frames": frame, "slots": slot, "start": slot.min(), "end": slot.max() + 1}
    return _frames(connection, f"SELECT f.* FROM frame f {_SOME}", words)


def remove(connection: Connection[Any], gone: Frames) -> None:
    """Remove rows by frame and slot."""
    connection.execute(
        "DELETE FROM frame f USING unnest(%(frames)s::int4[], %(slots)s::int8[]) AS w(frame, slot)"
        " WHERE f.frame = w.frame AND f.slot = w.slot AND f.slot >= %(start)s AND f.slot < %(end)s",
        {
            "frames": gone.frame.tolist(),
            "slots": gone.slot.tolist(),
            "start": int(gone.slot.min()),
            "end": int(gone.slot.max()) + 1,
        },
    )


def between(
    connection: Connection[Any], frames: Sequence[int], start: int, end: int, table: str = "frame"
) -> list[Frames]:
    """Return the rows of frames in a range of slots."""
    text = (
        f"SELECT * FROM {table} WHERE slot >= %(start)s AND slot < %(end)s"
        " AND frame = ANY (%(frames)s::int4[])"
    )
    return _frames(connection, text, {"start": start, "end": end, "frames": list(frames)})


def after(connection: Connection[Any], counter: int, through: int) -> list[Frames]:
    """Return the rows written after one reception counter, through another."""
    text = "SELECT * FROM frame WHERE counter > %(counter)s AND counter <= %(through)s"
    return _frames(connection, text, {"counter": counter, "through": through})


def _frames(connection: Connection[Any], text: str, words: dict[str, Any]) -> list[Frames]:
    found = copy_out(connection, text, words, wire.FRAME)
    return [Frames(columns[0], columns[1], columns[4], columns[5]) for columns in found]


def narrow(
    connection: Connection[Any],
    dictionary: Dictionary,
    keys: NDArray[np.uint32],
    start: int,
    end: int,
    limit: int,
) -> Columns:
    """Return samples of a few keys of many frames, ordered by (key, slot)."""
    frames, places = dictionary.find(keys)
    words = {"keys": keys, "frames": frames, "places": places + 1, "limit": limit}
    layout = wire.Layout(("key", "slot", "value", "quality"), ("i4", "i8", "f8", "i4"))
    found = copy_out(connection, _NARROW, words | {"start": start, "end": end}, layout)
    if not found:
        return Columns.empty()
    key, slot, value, quality = found[0]
    return Columns(key.astype("u4"), slot.astype("u4"), value, quality.astype("u1"))


def traced(
    connection: Connection[Any],
    dictionary: Dictionary,
    keys: NDArray[np.uint32],
    start: int,
    end: int,
    limit: int,
) -> tuple[Columns, NDArray[Any]]:
    """Return samples of known keys with the counter of the frame they lie in."""
    frames, places = dictionary.find(keys)
    words = {"keys": keys, "frames": frames, "places": places + 1, "limit": limit}
    layout = wire.Layout(
        ("key", "slot", "value", "quality", "counter"), ("i4", "i8", "f8", "i4", "i8")
    )
    found = copy_out(connection, _TRACED, words | {"start": start, "end": end}, layout)
    if not found:
        return Columns.empty(), np.empty(0, "i8")
    key, slot, value, quality, counter = found[0]
    rows = Columns(key.astype("u4"), slot.astype("u4"), value, quality.astype("u1"))
    return rows, counter


def samples(
    parts: list[Frames], dictionary: Dictionary, wanted: NDArray[np.bool_] | None
) -> list[Columns]:
    """Return the values of rows, in no order."""
    return [to_columns(part, dictionary, wanted) for part in parts]
