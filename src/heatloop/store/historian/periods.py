"""Sampling periods of points, kept in an array addressed by point key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.store.historian.port import DAY_S, DEFAULT_PERIOD_S, MAX_KEY


def check_periods(
    keys: NDArray[np.uint32], periods_s: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return both as they are.

    Raises:
        InputError: They differ in length, a key is outside the ledger's range, or a period is
            not 1 s to 31 days.
    """
    if len(keys) != len(periods_s):
        raise InputError("columns differ in length", place="periods", fix="give equal columns")
    if len(keys) and (int(keys.max()) >= MAX_KEY or int(keys.min()) == 0):
        raise InputError("point key outside the ledger's range", fix="send keys of the ledger")
    if len(keys) and not (int(periods_s.min()) >= 1 and int(periods_s.max()) <= 31 * DAY_S):
        raise InputError("no sampling period", place="periods", fix="give 1 s to 31 days")
    return keys, periods_s


class Periods:
    """One writer calls `set`; any thread calls `of`."""

    def __init__(self) -> None:
        self._seconds = np.full(1024, DEFAULT_PERIOD_S, "i8")

    def of(self, keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return the period of each key, seconds, shape (n_key,)."""
        seconds = self._seconds
        found = np.full(len(keys), DEFAULT_PERIOD_S, "i8")
        inside = keys < len(seconds)
        found[inside] = seconds[keys[inside]]
        return found

    def set(self, keys: NDArray[np.uint32], periods_s: NDArray[np.uint32]) -> None:
        """Take over these periods."""
        if not len(keys):
            return
        size = max(int(keys.max()) + 1, len(self._seconds))
        seconds = np.full(size, DEFAULT_PERIOD_S, "i8")
        seconds[: len(self._seconds)] = self._seconds
        seconds[keys] = periods_s
        self._seconds = seconds

    def changed(self, keys: NDArray[np.uint32], periods_s: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return which of these are news, shape (n_key,)."""
        news: NDArray[np.bool_] = self.of(keys) != periods_s
        return news

    def told(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the points of another period than the default, and their periods, seconds."""
        keys = np.flatnonzero(self._seconds != DEFAULT_PERIOD_S).astype("u4")
        return keys, self._seconds[keys].astype("u4")
