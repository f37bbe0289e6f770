"""Roll-ups of the windows that are still being filled, from the rows at hand.

A table ordered for reading one point over a long time must be read whole to compute one window of
all points. Almost every sample is new, so its window's rows are still in memory and its roll-ups
read nothing from disk. What comes late, or when memory is short, is remembered as `Late`; the
engine computes it from its tables, for the points concerned alone.

Kept: the rows of the newest windows, and of the hour and day they are in the statistics of those
windows that are closed. Both are bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.late import Late
from heatloop.store.historian.memory_rollups import derive, from_samples, gather, joined, overlay
from heatloop.store.historian.newest import one_row_a_slot
from heatloop.store.historian.periods import Periods
from heatloop.store.historian.port import HOUR_S, STEPS_S, TEN_MINUTES_S, RollupColumns
from heatloop.store.historian.windows import day_of, day_start, windows_of

OPEN_WINDOWS = 2
"""The newest windows whose rows are kept after a refresh."""
MOST_ROWS = 12_000_000
"""Rows kept at most, 17 bytes each; beyond it the oldest windows count as late."""
MOST_WINDOWS = 300
"""Windows one group of rows may open; beyond it the group is a migration and counts as late."""
PIECE_ROWS = 500_000
"""Rows computed at a time, which bounds working memory."""

Load = Callable[[int, int, "NDArray[np.uint32] | None"], RollupColumns]
"""Gives all 10-minute windows stored in [start, end), of points or of all, as one window a point
that is named after `start`."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a refresh has to do."""

    rows: dict[int, list[Columns]]
    """Rows of the open windows that got any since the last refresh."""
    late: Late
    """What must be computed from the tables."""

    @property
    def windows(self) -> int:
        """Return how many 10-minute windows are concerned."""
        return len(self.rows) + self.late.count()


class LiveRollups:
    """Takes what was stored, gives what a refresh must store; safe between threads.

    Writers call `note`, `spoil` and `retire`; whoever refreshes, one at a time, calls `take`, then
    `compute` and `mend`, or `again` when that failed.
    """

    def __init__(
        self, *, zone: ZoneInfo, periods: Periods, floor_s: int = 0, most_rows: int = MOST_ROWS
    ) -> None:
        self._zone, self._periods, self._most_rows = zone, periods, most_rows
        self._lock = threading.Lock()
        self._floor = _after(floor_s)
        self._open: dict[int, list[Columns]] = {}
        self._rows = 0
        self._touched: set[int] = set()
        self._late = Late()
        self._made: dict[int, RollupColumns] = {}
        self._parts: dict[tuple[int, int], RollupColumns] = {}
        self._epoch = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._touched) + self._late.count()

    def note(self, columns: Columns) -> None:
        """Take in rows that were stored, at least one, one row per (key, slot)."""
        windows = windows_of(columns.slots)
        with self._lock:
            if len(windows) == 1:
                self._take_in(int(windows[0]), columns)
            else:
                self._take_apart(windows, columns)
            while self._rows > self._most_rows and self._open:
                self._retire(min(self._open) + TEN_MINUTES_S)

    def spoil(self, keys: NDArray[np.uint32], slots: NDArray[np.uint32]) -> None:
        """Remember that windows must be computed from the tables, whatever is in memory."""
        if not len(slots):
            return
        starts = slots - slots % TEN_MINUTES_S
        with self._lock:
            self._retire(int(starts.max()) + TEN_MINUTES_S)
            self._late.mark(keys, starts)

    def owe(self, late: Late) -> None:
        """Remember what a former process did not finish."""
        with self._lock:
            self._late.add(late)

    def retire(self, until_s: int) -> None:
        """Count windows before `until_s` as late: something else than samples was stored there."""
        with self._lock:
            self._retire(_after(until_s))

    def take(self) -> Fresh:
        """Return what a refresh has to do, and forget that it has to be done."""
        with self._lock:
            rows = {window: list(self._open[window]) for window in sorted(self._touched)}
            late, self._late = self._late, Late()
            self._touched = set()
        return Fresh(rows, late)

    def again(self, fresh: Fresh) -> None:
        """Remember what was taken: the refresh failed."""
        with self._lock:
            self._late.add(fresh.late)
            for window, rows in fresh.rows.items():
                if window in self._open:
                    self._touched.add(window)
                    continue
                for columns in rows:
                    self._late.mark(columns.keys, np.full(1, window, "u4"))

    def compute(self, fresh: Fresh, load: Load) -> dict[int, RollupColumns]:
        """Return the rows to store per step, and close all windows but the newest.

        Args:
            fresh: What `take` gave.
            load: Reads what was stored of an hour or day begun before this process.
        """
        with self._lock:
            epoch, floor = self._epoch, self._floor
            self._made = {w: made for w, made in self._made.items() if w in self._open}
        for window, rows in fresh.rows.items():
            self._made[window] = self._of_window(rows)
        out = {TEN_MINUTES_S: joined([self._made[window] for window in fresh.rows])}
        for step_s in STEPS_S[1:]:
            above = []
            for start in sorted({self._start(window, step_s) for window in fresh.rows}):
                part = self._parts.get((step_s, start))
                if part is None:
                    part = load(start, floor, None) if start < floor else RollupColumns.empty()
                    with self._lock:
                        if epoch == self._epoch:
                            self._parts[step_s, start] = part
                inside = [m for w, m in self._made.items() if self._start(w, step_s) == start]
                both = _ordered([part, *inside])
                above.append(derive(both, start))
            out[step_s] = joined(above)
        self._close(epoch)
        return out

    def mend(self, late: Late, load: Load) -> None:
        """Read again what is kept of hours and days whose closed windows were computed again."""
        for (step_s, start), part in list(self._parts.items()):
            keys = [
                day.keys
                for day in late.values()
                if any(self._start(window, step_s) == start for window in day.windows)
            ]
            if not keys:
                continue
            with self._lock:
                epoch, floor = self._epoch, self._floor
            new = load(start, floor, np.unique(np.concatenate(keys)))
            with self._lock:
                if epoch == self._epoch:
                    self._parts[step_s, start] = overlay(part, new)

    def _start(self, window: int, step_s: int) -> int:
        if step_s == HOUR_S:
            return window - window % HOUR_S
        return day_start(day_of(window, self._zone), self._zone)

    def _of_window(self, rows: list[Columns]) -> RollupColumns:
        together = one_row_a_slot(concat(rows))
        both = together.keys.astype("u8") << np.uint64(32) | together.slots
        ordered = together.take(np.argsort(both, kind="stable"))
        parts = []
        at, many = 0, len(ordered.keys)
        while at < many:
            # A point's rows stay together.
            last = ordered.keys[min(at + PIECE_ROWS, many) - 1]
            end = int(np.searchsorted(ordered.keys, last, side="right"))
            parts.append(from_samples(ordered.take(np.arange(at, end)), self._periods))
            at = end
        return joined(parts)

    def _close(self, epoch: int) -> None:
        """Let go of the rows of all but the newest windows."""
        with self._lock:
            if epoch != self._epoch:
                return
            closing: list[int] = []
            for window in sorted(self._open)[:-OPEN_WINDOWS]:
                if window in self._touched:
                    break  # it got rows meanwhile; what comes after it must wait too
                closing.append(window)
            for step_s, start in {(s, self._start(w, s)) for w in closing for s in STEPS_S[1:]}:
                part = self._parts.get((step_s, start))
                if part is not None:  # else it is loaded when it is needed
                    inside = [self._made[w] for w in closing if self._start(w, step_s) == start]
                    self._parts[step_s, start] = gather(_ordered([part, *inside]), start)
            for window in closing:
                self._rows -= sum(len(part.keys) for part in self._open.pop(window))
                del self._made[window]
                self._floor = window + TEN_MINUTES_S
            oldest = min(self._open, default=self._floor)
            for step_s, start in list(self._parts):
                if start < self._start(oldest, step_s):
                    del self._parts[step_s, start]

    def _take_in(self, window: int, columns: Columns) -> None:
        if window < self._floor:
            self._late.mark(columns.keys, np.full(1, window, "u4"))
            return
        self._open.setdefault(window, []).append(columns)
        self._touched.add(window)
        self._rows += len(columns.keys)

    def _take_apart(self, windows: NDArray[np.uint32], columns: Columns) -> None:
        starts = columns.slots - columns.slots % TEN_MINUTES_S
        new = windows[windows >= self._floor]
        if len(new) > MOST_WINDOWS:
            self._retire(int(new[-1]) + TEN_MINUTES_S)
            new = new[:0]
        late = starts < self._floor
        if late.any():
            self._late.mark(columns.keys[late], starts[late])
        for window in new.tolist():
            self._take_in(window, columns.take(starts == window))

    def _retire(self, floor: int) -> None:
        """Count every open window before `floor` as late."""
        if floor <= self._floor:
            return
        for window in [w for w in self._open if w < floor]:
            for columns in self._open.pop(window):
                self._rows -= len(columns.keys)
                if window in self._touched or window not in self._made:
                    self._late.mark(columns.keys, np.full(1, window, "u4"))
            self._touched.discard(window)
        self._floor = floor
        self._parts.clear()
        self._epoch += 1


def _after(time_s: int) -> int:
    """Return the start of the first window at or after a time."""
    return -(-time_s // TEN_MINUTES_S) * TEN_MINUTES_S


def _ordered(parts: list[RollupColumns]) -> RollupColumns:
    """Return windows in the order of (key, slot)."""
    both = joined(parts)
    return both.take(np.lexsort((both.slots, both.keys)))
