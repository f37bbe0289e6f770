"""Roll-up windows: which window a slot is in, and which windows must be computed again."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.store.historian.port import HOUR_S, TEN_MINUTES_S


def day_start(day: date, zone: ZoneInfo) -> int:
    """Return the first second of a local day."""
    return int(datetime.combine(day, time(), zone).timestamp())


def day_range(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the first second of a local day and of the next; 23 to 25 hours apart."""
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


def day_of(slot: int, zone: ZoneInfo) -> date:
    """Return the local day a slot is in."""
    return datetime.fromtimestamp(slot, UTC).astimezone(zone).date()


def day_starts(slots: NDArray[np.uint32], zone: ZoneInfo) -> NDArray[np.uint32]:
    """Return per slot the first second of its local day; both of shape (n_row,)."""
    # No zone changes its offset within a quarter of an hour, so that many look-ups are enough.
    quarters, inverse = np.unique(slots // 900, return_inverse=True)
    starts = [day_start(day_of(int(quarter) * 900, zone), zone) for quarter in quarters]
    return np.asarray(starts, "u4")[inverse]


def days_match_hours(slot: int, zone: ZoneInfo) -> bool:
    """Return whether local days begin on whole UTC hours around this time."""
    return day_start(day_of(slot, zone), zone) % HOUR_S == 0


def windows_of(slots: NDArray[np.uint32], step_s: int = TEN_MINUTES_S) -> NDArray[np.uint32]:
    """Return the distinct window starts of these slots, rising."""
    if not len(slots):
        return np.empty(0, "u4")
    first, last = int(slots.min()) // step_s, int(slots.max()) // step_s
    if last - first < 100_000:  # a count per window is far cheaper than a sort
        found = np.flatnonzero(np.bincount(slots // step_s - np.uint32(first))) + first
    else:
        found = np.unique(slots // step_s)
    return (found * step_s).astype("u4")


def month_of(slots: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the UTC month of each slot as 202611, shape (n_row,)."""
    months = slots.astype("M8[s]").astype("M8[M]").astype("i8")
    found: NDArray[np.int64] = (1970 + months // 12) * 100 + months % 12 + 1
    return found


class DirtyWindows:
    """The 10-minute windows that got samples since their roll-up; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: set[int] = set()

    def __len__(self) -> int:
        return len(self._windows)

    def mark(self, windows: NDArray[np.uint32] | list[int]) -> None:
        """Remember that these windows must be computed again."""
        found = windows if isinstance(windows, list) else windows.tolist()
        with self._lock:
            self._windows.update(found)

    def take(self) -> list[int]:
        """Return the windows and forget them; the caller marks them again if it fails."""
        with self._lock:
            found, self._windows = self._windows, set()
        return sorted(found)
