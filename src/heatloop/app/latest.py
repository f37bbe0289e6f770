"""The latest value of every point in memory, as arrays: what screens and jobs read."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns

Positions = NDArray[np.intp]

_NOWHERE = -1


class KeyIndex:
    """Finds the position of point keys in dense arrays, for many keys at a time."""

    def __init__(self, keys: Iterable[int]) -> None:
        self.keys = np.unique(np.fromiter(keys, "u4"))
        top = int(self.keys[-1]) + 1 if len(self.keys) else 0
        # The ledger counts keys up from 1, so a direct table is small and the fastest.
        self._table = np.full(top + 1, _NOWHERE, np.intp)
        self._table[self.keys] = np.arange(len(self.keys))
        self._top = top

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: NDArray[np.uint32]) -> Positions:
        """Return positions, -1 for keys that are not in the index, shape (n_key,)."""
        return self._table[np.minimum(keys, self._top)]

    def position(self, key: int) -> int:
        """Return one position, -1 when the key is not in the index."""
        return int(self._table[min(key, self._top)])


class LatestValues:
    """Latest value, quality and slot per point; the greatest slot wins, not arrival order.

    Arrays have shape (n_point,) in the order of `index.keys`; slot 0 means nothing is known.
    """

    def __init__(self, index: KeyIndex) -> None:
        size = len(index)
        self.index = index
        self.values = np.full(size, np.nan)
        self.quality = np.full(size, Quality.BAD, "u1")
        self.slots = np.zeros(size, "u4")
        self.changed = np.zeros(size, "u8")
        """Number of the update that last touched the point."""
        self.updates = 0
        """Updates so far."""

    def update(self, columns: Columns) -> int:
        """Take in samples in any order and return the number of this update."""
        at = self.index.find(columns.keys)
        fresh = (at != _NOWHERE) & (columns.slots > self.slots[at])
        at, slots = at[fresh], columns.slots[fresh]
        values, quality = columns.values[fresh], columns.quality[fresh]
        if len(slots) and (slots != slots[0]).any():
            # Of several rows of one point the last assignment wins, so it must be the newest.
            order = np.argsort(slots, kind="stable")
            at, slots, values, quality = at[order], slots[order], values[order], quality[order]
        self.updates += 1
        self.values[at] = values
        self.quality[at] = quality
        self.slots[at] = slots
        self.changed[at] = self.updates
        return self.updates

    def mark_stale(self, keys: NDArray[np.uint32]) -> None:
        """Show these points as stale; their value and time stay what they were."""
        at = self.index.find(keys)
        at = at[(at != _NOWHERE)]
        at = at[(self.quality[at] != Quality.STALE) & (self.slots[at] > 0)]
        if len(at):
            self.updates += 1
            self.quality[at] = Quality.STALE
            self.changed[at] = self.updates

    def value(self, key: int) -> float | None:
        """Return a value that may be worked with: good, uncertain or estimated, else None."""
        at = self.index.position(key)
        if at == _NOWHERE or self.quality[at] in (Quality.BAD, Quality.STALE):
            return None
        value = float(self.values[at])
        return value if np.isfinite(value) else None

    def usable(self) -> list[float | None]:
        """Return what `value` gives for every position at once."""
        bad = np.isin(self.quality, (Quality.BAD, Quality.STALE)) | ~np.isfinite(self.values)
        plain: list[float | None] = self.values.tolist()
        for at in np.flatnonzero(bad).tolist():
            plain[at] = None
        return plain

    def last(self, key: int) -> tuple[float, int, int] | None:
        """Return (value, quality, slot) as last received, or None when nothing is known."""
        at = self.index.position(key)
        if at == _NOWHERE or self.slots[at] == 0:
            return None
        return float(self.values[at]), int(self.quality[at]), int(self.slots[at])

    def carry_over(self, older: LatestValues) -> None:
        """Take over what an older table knew, after the ledger changed."""
        known = older.slots > 0
        self.update(
            Columns(
                older.index.keys[known],
                older.slots[known],
                older.values[known],
                older.quality[known],
            )
        )


def positions_of(index: KeyIndex, keys: Iterable[int]) -> Positions:
    """Return the positions of these keys, in order, unknown ones left out."""
    found = index.find(np.fromiter(keys, "u4"))
    known: Positions = found[found != _NOWHERE]
    return known
