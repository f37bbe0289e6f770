"""Time series as files of a backup, whatever engine keeps them: a table's day, or an open hour.

Read and written through the historian's own operations, so a backup of one engine can be restored
into any other. A file is a row of frames (`historian.wire`); of samples its digest is kept, the
same SHA-256 every engine gives of a day (clause 9.2.5 #1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.series import Columns
from heatloop.store.historian import wire
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.port import (
    DAY_S,
    HOUR_S,
    TEN_MINUTES_S,
    EventRow,
    Historian,
    KeyCounts,
    RollupColumns,
)

ROLLUPS = {"rollup_10m": TEN_MINUTES_S, "rollup_1h": HOUR_S, "rollup_1d": DAY_S}
"""Tables of roll-ups, and the length of their windows."""
_FRAME_ROWS = 500_000
_LAID_ROWS = 100_000
_WINDOW_ROWS = 100_000
_EVENT_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One file of series: a table's rows of a stretch of time."""

    table: str
    """Table."""
    start: int
    """First second, UTC."""
    end: int
    """Second after the last."""
    rows: int = 0
    """Rows in it."""
    digest: str = ""
    """SHA-256 over its samples as received, hexadecimal; empty for other tables."""
    counter: int = 0
    """Greatest reception counter of its rows when it was read; 0 where there is none."""

    @property
    def name(self) -> str:
        """Return the name of its file."""
        stamp = str(np.datetime64(self.start, "s"))
        whole = self.end - self.start >= DAY_S
        return f"{self.table}/{stamp[:10] if whole else stamp[:13]}.rows"

    @property
    def month(self) -> int:
        """Return its month as 202611."""
        return int(str(np.datetime64(self.start, "s"))[:7].replace("-", ""))


def write_piece(historian: Historian, piece: Piece, path: Path) -> Piece:
    """Read a piece from an engine into a file; return it with rows and digest.

    Args:
        historian: The engine.
        piece: Which rows.
        path: File to write; not made when there are no rows.

    Raises:
        LinkError: The engine went away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = RowDigest()
    rows = 0
    with path.open("wb") as file:
        for head, arrays in _frames(historian, piece):
            if piece.table == "raw":
                digest.add(Columns(*arrays))
            rows += len(head["events"]) if piece.table == "event" else len(arrays[0])
            for part in wire.encode(head, arrays):
                file.write(part)
    if not rows:
        path.unlink()
    told = digest.digest().hex() if piece.table == "raw" else ""
    return Piece(
        table=piece.table, start=piece.start, end=piece.end, rows=rows, digest=told,
        counter=piece.counter,
    )  # fmt: skip


def _frames(historian: Historian, piece: Piece) -> Iterator[tuple[wire.Head, wire.Arrays]]:
    span = piece.start, piece.end
    if piece.table == "event":
        yield from _events(historian, piece.start * 1000, piece.end * 1000)
        return
    counts = historian.keys_of(piece.table, *span)
    if piece.table == "raw":
        for keys in _runs(counts, _FRAME_ROWS):
            columns = historian.as_received(keys, *span)
            if len(columns.keys):
                yield {}, columns
    elif piece.table == "revision":
        for keys in _runs(counts, _LAID_ROWS):
            found = historian.trace(keys, *span, limit=1_000_000)
            words = sorted(set(zip(found.methods, found.who, strict=True)))
            number = {pair: at for at, pair in enumerate(words)}
            which = [number[pair] for pair in zip(found.methods, found.who, strict=True)]
            if which:
                yield (
                    {"words": words},
                    [*found.laid, found.laid_counters, np.asarray(which, "u4")],
                )
    else:
        for keys in _runs(counts, _WINDOW_ROWS):
            windows = historian.rollup(keys, *span, ROLLUPS[piece.table])
            if len(windows):
                yield {}, windows.columns


def _runs(counts: KeyCounts, rows: int) -> Iterator[NDArray[np.uint32]]:
    """Yield keys in order, so many at a time that together they have about so many rows."""
    if not len(counts.keys):
        return
    run = np.cumsum(counts.counts.astype("u8")) // rows
    yield from np.split(counts.keys, np.flatnonzero(np.diff(run)) + 1)


def _events(
    historian: Historian, start_ms: int, end_ms: int
) -> Iterator[tuple[wire.Head, wire.Arrays]]:
    found = historian.events(start_ms, end_ms, limit=_EVENT_ROWS)
    if len(found) < _EVENT_ROWS or end_ms - start_ms <= 1:
        if found:
            yield {"events": [list(event) for event in found]}, ()
        return
    middle = (start_ms + end_ms) // 2
    yield from _events(historian, start_ms, middle)
    yield from _events(historian, middle, end_ms)


def read_frames(file: BinaryIO) -> Iterator[tuple[wire.Head, list[NDArray[Any]]]]:
    """Yield the frames of a piece's file.

    Raises:
        InputError: It is damaged.
    """
    while prefix := file.read(wire.LENGTH.size):
        if len(prefix) < wire.LENGTH.size:
            raise InputError("series file ends in the middle", fix="restore another backup")
        yield wire.decode(file.read(wire.frame_size(prefix)))


def load_piece(historian: Historian, piece: Piece, path: Path) -> None:
    """Store the rows of a piece's file in an engine.

    Raises:
        UnsafeError: Its samples are not those it was read with.
        LinkError: The engine went away.
    """
    digest = RowDigest()
    with path.open("rb") as file:
        for head, arrays in read_frames(file):
            if piece.table == "raw":
                columns = Columns(*arrays)
                digest.add(columns)
                historian.append(columns)
            elif piece.table == "event":
                historian.append_events([EventRow(*row) for row in head["events"]])
            elif piece.table == "revision":
                _revise(historian, head["words"], arrays)
            else:
                windows = RollupColumns(*arrays)
                historian.seed_rollup(ROLLUPS[piece.table], windows, as_they_were=True)
    if piece.table == "raw" and digest.digest().hex() != piece.digest:
        raise UnsafeError(
            "samples are not those backed up", thing=piece.name, fix="restore another"
        )


def _revise(
    historian: Historian, words: Sequence[Sequence[str]], arrays: Sequence[NDArray[Any]]
) -> None:
    columns, counters, which = Columns(*arrays[:4]), arrays[4], arrays[5]
    # In the order they were laid: of a slot the last one counts.
    order = np.lexsort((which, counters))
    together = np.flatnonzero(np.diff(counters[order]) | np.diff(which[order])) + 1
    for part in np.split(order, together):
        method, who = words[int(which[part[0]])]
        historian.revise(columns.take(part), method=str(method), who=str(who))
