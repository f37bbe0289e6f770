"""The newest sample of every point, kept in arrays addressed by point key."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian.port import MAX_KEY


def one_row_a_slot(columns: Columns) -> Columns:
    """Return the columns with one row per (key, slot), the last one given."""
    if len(columns.keys) < 2:
        return columns
    # Sweeps come slot by slot and key by key: then nothing need be sorted.
    swept = (columns.slots.astype("u8") << np.uint64(32)) | columns.keys
    if (swept[1:] > swept[:-1]).all():
        return columns
    both = (columns.keys.astype("u8") << np.uint64(32)) | columns.slots
    ranked = np.sort(both)
    if (ranked[1:] != ranked[:-1]).all():
        return columns
    order = np.argsort(both, kind="stable")
    ranked = both[order]
    keep = order[np.append(ranked[1:] != ranked[:-1], True)]
    return columns.take(np.sort(keep))


class Newest:
    """Greatest event time wins, never arrival order; the same slot again replaces its value.

    One writer calls `pick` then `publish`; any thread calls `get`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = np.zeros(0, np.bool_)
        self._slots = np.zeros(0, "u4")
        self._values = np.zeros(0, "f8")
        self._quality = np.zeros(0, "u1")
        self._unsaved = np.zeros(0, np.bool_)

    def pick(self, columns: Columns) -> Columns:
        """Return the rows that are newest of their key, one a key, without showing them yet.

        Args:
            columns: Rows with one row per (key, slot).
        """
        if not len(columns.keys):
            return columns
        self._grow(int(columns.keys.max()) + 1)
        picked = self._slots.copy()
        np.maximum.at(picked, columns.keys, columns.slots)
        # An unseen key holds 0 here, so its least slot, 0, passes too.
        return columns.take(columns.slots == picked[columns.keys])

    def publish(self, newest: Columns) -> None:
        """Show rows that `pick` chose, once they are durable."""
        if not len(newest.keys):
            return
        self._grow(int(newest.keys.max()) + 1)
        with self._lock:
            self._slots[newest.keys] = newest.slots
            self._values[newest.keys] = newest.values
            self._quality[newest.keys] = newest.quality
            self._known[newest.keys] = True
            self._unsaved[newest.keys] = True

    def unsaved(self) -> Columns:
        """Return the newest row of every key that has one `saved` does not know of, by key."""
        with self._lock:
            wanted = np.flatnonzero(self._unsaved).astype("u4")
            return Columns(wanted, self._slots[wanted], self._values[wanted], self._quality[wanted])

    def saved(self, keys: NDArray[np.uint32]) -> None:
        """Note that the newest rows of these keys are written down."""
        with self._lock:
            self._unsaved[keys] = False

    def get(self, keys: NDArray[np.uint32] | None) -> Columns:
        """Return the newest row of these keys, or of all, ordered by key."""
        with self._lock:
            if keys is None:
                wanted = np.flatnonzero(self._known).astype("u4")
            else:
                wanted = np.unique(keys[keys < len(self._known)])
                wanted = wanted[self._known[wanted]]
            return Columns(wanted, self._slots[wanted], self._values[wanted], self._quality[wanted])

    def __len__(self) -> int:
        return int(self._known.sum())

    def _grow(self, size: int) -> None:
        if size <= len(self._slots):
            return
        # Twice the need, so that a growing ledger does not copy at every step.
        size = min(max(2 * size, 1024), MAX_KEY)
        with self._lock:
            for name in ("_known", "_slots", "_values", "_quality", "_unsaved"):
                old = getattr(self, name)
                new = np.zeros(size, old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
