"""Which readings of an import are new: once a second in the file, and not yet in the store."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from heatloop.app.import_rows import Readings
from heatloop.kernel.series import Columns
from heatloop.store.historian.port import DayCounts, Keys

Rows = NDArray[np.intp]
_MOST_ROWS = 4_000_000


class Held(Protocol):
    """What can be asked about what is stored."""

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot)."""
        ...

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return how much is stored in a time range."""
        ...


class Already(NamedTuple):
    """Readings by whether the store holds their second."""

    free: Rows
    """Nothing is stored."""
    equal: Rows
    """The same value is stored."""
    differing: Rows
    """Another value is stored."""


def _marks(found: Readings, rows: Rows) -> NDArray[np.uint64]:
    marks: NDArray[np.uint64] = found.keys[rows].astype("u8") << np.uint64(32)
    marks |= found.slots[rows].astype("u8")
    return marks


def once_a_second(found: Readings, rows: Rows, *, last: bool) -> tuple[Rows, Rows, Rows]:
    """Return rows kept, rows that repeat one kept, and rows that say something else.

    Args:
        found: Readings.
        rows: Those that count.
        last: Whether of several the last is kept, else the first.
    """
    none: Rows = np.empty(0, np.intp)
    marks = _marks(found, rows)
    if len(marks) < 2 or np.all(marks[1:] > marks[:-1]):
        return rows, none, none
    order = np.argsort(marks, kind="stable")
    rows, marks = rows[order], marks[order]
    begins = np.concatenate(([True], marks[1:] != marks[:-1]))
    begin = np.flatnonzero(begins)
    chosen = np.append(begin[1:], len(rows)) - 1 if last else begin
    kept = np.zeros(len(rows), bool)
    kept[chosen] = True
    mine = rows[chosen][np.cumsum(begins) - 1]
    same = (found.values[rows] == found.values[mine]) & (found.quality[rows] == found.quality[mine])
    return rows[kept], rows[~kept & same], rows[~kept & ~same]


def already(store: Held, found: Readings, rows: Rows) -> Already:
    """Return which of these rows the store holds; they are one a point and second."""
    none: Rows = np.empty(0, np.intp)
    if not len(rows):
        return Already(none, none, none)
    keys = np.unique(found.keys[rows])
    slots = found.slots[rows]
    start, end = int(slots.min()), int(slots.max()) + 1
    counts = store.received(keys, start, end)
    some = counts.received > 0
    if not some.any():
        return Already(rows, none, none)
    marks = _marks(found, rows)
    held = np.zeros(len(rows), bool)
    equal = np.zeros(len(rows), bool)
    for group in _groups(counts.keys[some], counts.received[some]):
        stored = store.raw(group, start, end, 2 * _MOST_ROWS)
        theirs = (stored.keys.astype("u8") << np.uint64(32)) | stored.slots.astype("u8")
        if not len(theirs):
            continue
        at = np.minimum(np.searchsorted(theirs, marks), len(theirs) - 1)
        hit = theirs[at] == marks
        held |= hit
        equal |= hit & (stored.values[at] == found.values[rows])
    return Already(rows[~held], rows[held & equal], rows[held & ~equal])


def _groups(keys: NDArray[np.uint32], counts: NDArray[np.uint32]) -> list[NDArray[np.uint32]]:
    """Return the keys in runs that hold a bounded number of samples."""
    cut = np.flatnonzero(np.diff(np.cumsum(counts.astype("i8")) // _MOST_ROWS)) + 1
    return np.split(keys, cut)
