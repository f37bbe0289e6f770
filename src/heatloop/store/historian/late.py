"""What roll-ups are owed: windows that must be computed from the tables, and of which points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.store.historian.port import DAY_S

MOST_RUNS, MOST_RUNS_A_DAY = 200, 10
"""Stretches of time one statement names at most; a day of more counts as one."""


@dataclass(slots=True)
class LateDay:
    """What must be computed again of one UTC day: these windows, of these points."""

    windows: set[int] = field(default_factory=set)
    """Starts of 10-minute windows, plant seconds."""
    points: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Marked per point key."""

    def mark(self, windows: Iterable[int], keys: NDArray[np.uint32]) -> None:
        """Remember windows and points."""
        self.windows.update(windows)
        if not len(keys):
            return
        if int(keys.max()) >= len(self.points):
            grown = np.zeros(int(keys.max()) + 1, np.bool_)
            grown[: len(self.points)] = self.points
            self.points = grown
        self.points[keys] = True

    @property
    def keys(self) -> NDArray[np.uint32]:
        """Return the point keys, rising."""
        return np.flatnonzero(self.points).astype("u4")


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of points that one statement computes."""

    runs: list[tuple[int, int]]
    """The windows as stretches [start, end) of time, rising, plant seconds."""
    keys: NDArray[np.uint32]
    """Point keys, rising."""

    def size(self, step_s: int) -> int:
        """Return windows times points."""
        return sum(end - start for start, end in self.runs) // step_s * len(self.keys)

    def joined(self, later: Batch) -> Batch:
        """Return the windows and points of both; `later` starts where this ends or after it."""
        runs, more = list(self.runs), later.runs
        if runs and more and runs[-1][1] == more[0][0]:
            runs[-1], more = (runs[-1][0], more[0][1]), more[1:]
        return Batch(runs + more, np.union1d(self.keys, later.keys).astype("u4"))

    def pieces(self, step_s: int, most: int) -> Iterator[Batch]:
        """Yield runs of points for which the windows are no more than `most`."""
        many = max(self.size(step_s) // max(len(self.keys), 1), 1)
        size = max(1, most // many)
        for at in range(0, len(self.keys), size):
            yield Batch(self.runs, self.keys[at : at + size])


def runs(windows: list[int], step_s: int) -> list[tuple[int, int]]:
    """Return rising windows as stretches (start, end), neighbours joined."""
    out: list[tuple[int, int]] = []
    for window in windows:
        if out and out[-1][1] == window:
            out[-1] = (out[-1][0], window + step_s)
        else:
            out.append((window, window + step_s))
    return out


class Late(dict[int, LateDay]):
    """By the first second of the UTC day."""

    def mark(self, keys: NDArray[np.uint32], windows: NDArray[np.uint32]) -> None:
        """Remember points and windows, row by row or, with one window, all points in it."""
        if len(windows) == 1:
            window = int(windows[0])
            self.day(window - window % DAY_S).mark((window,), keys)
            return
        days = windows // DAY_S
        order = np.argsort(days, kind="stable")
        ranked = days[order]
        for rows in np.split(order, np.flatnonzero(ranked[1:] != ranked[:-1]) + 1):
            if len(rows):
                found = np.unique(windows[rows]).tolist()
                self.day(int(days[rows[0]]) * DAY_S).mark(found, keys[rows])

    def add(self, other: Late) -> None:
        """Remember also what another remembers."""
        for start, day in other.items():
            self.day(start).mark(day.windows, day.keys)

    def batches(self, step_s: int, most: int) -> Iterator[Batch]:
        """Yield everything owed as windows of a step, many days at once where few points are.

        A batch may ask for a window of a point that is not owed: to compute it again does no harm.

        Args:
            step_s: Length of the windows, a divisor of the UTC day.
            most: Windows times points a batch has at most.
        """
        held: Batch | None = None
        for start in sorted(self):
            day = self[start]
            windows = sorted({window - window % step_s for window in day.windows})
            stretches = runs(windows, step_s)
            if len(stretches) > MOST_RUNS_A_DAY:
                stretches = [(stretches[0][0], stretches[-1][1])]
            alone = Batch(stretches, day.keys)
            both = alone if held is None else held.joined(alone)
            if both.size(step_s) <= most and len(both.runs) <= MOST_RUNS:
                held = both
                continue
            if held is not None:
                yield from held.pieces(step_s, most)
            held = alone
        if held is not None:
            yield from held.pieces(step_s, most)

    def count(self) -> int:
        """Return how many 10-minute windows are owed."""
        return sum(len(day.windows) for day in self.values())

    def day(self, start: int) -> LateDay:
        """Return what is owed of the UTC day that starts there, to be added to."""
        return self.setdefault(start, LateDay())
