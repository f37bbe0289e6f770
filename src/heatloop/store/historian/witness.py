"""Samples kept aside at ingest, to be compared with what the store gives back.

Compression that loses nothing gives back every bit (clause 6.2 f #4). A few windows of what came
in are kept in memory; reading them back through codec, merges and disk must give the same SHA-256.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.port import Compared

WINDOWS, ROWS = 64, 1000
EVERY = 16
"""Of so many groups one gives a window."""

Read = Callable[[NDArray[np.uint32], int, int], Columns]


class Witnesses:
    """The newest windows kept aside; one writer calls `note`, any thread calls `compare`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Columns] = deque(maxlen=WINDOWS)
        self._groups = 0

    def note(self, columns: Columns) -> None:
        """Take notice of a group that was stored; keep a part of every so many.

        Args:
            columns: Rows with one row per (key, slot), at least one.
        """
        first, last = int(columns.slots.min()), int(columns.slots.max())
        with self._lock:
            for index, kept in enumerate(self._kept):
                if len(kept.keys) and first <= int(kept.slots[0]) <= last:
                    self._kept[index] = _without(kept, columns)
            self._groups += 1
            if self._groups % EVERY == 1:
                at = np.flatnonzero(columns.slots == columns.slots[0])[:ROWS]
                # A copy: the columns may be views of a large frame.
                self._kept.append(_sorted(columns.take(at)))

    def compare(self, read: Read) -> Compared:
        """Read every window back.

        Args:
            read: Returns stored rows of keys and a range of slots, without revisions.
        """
        with self._lock:
            kept = [window for window in self._kept if len(window.keys)]
        changed = rows = 0
        for window in kept:
            slot = int(window.slots[0])
            found = read(window.keys, slot, slot + 1)
            rows += len(window.keys)
            changed += _digest(window) != _digest(_sorted(found))
        return Compared(len(kept), rows, changed)


def _without(kept: Columns, columns: Columns) -> Columns:
    """Return what was kept but for rows that came again, maybe with another value."""
    again = columns.keys[columns.slots == kept.slots[0]]
    return kept.take(~np.isin(kept.keys, again))


def _sorted(columns: Columns) -> Columns:
    return columns.take(np.argsort(columns.keys, kind="stable"))


def _digest(columns: Columns) -> bytes:
    digest = RowDigest()
    digest.add(columns)
    return digest.digest()
