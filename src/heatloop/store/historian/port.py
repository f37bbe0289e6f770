"""What every historian engine can do, and the words it does it with.

Times are plant time: slots in whole seconds since 1970 UTC, events in milliseconds. Ranges hold
their start and not their end. A point and slot has one value: the one received last.

The integral of a window, from its own samples that are neither bad nor stale (period: the
point's, see `set_periods`):

- between neighbours the trapezoid, unless they are more than GAP_PERIODS periods apart: then
  nothing;
- from the window's start to its first sample, and from its last sample to its end, that sample's
  value, unless that is more than GAP_PERIODS periods: then nothing;
- of a point slower than ten minutes each sample stands for its whole period, so that hours and
  days hold the whole though most of its 10-minute windows are empty.

Hours and days are sums of their 10-minute windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian.words import (
    COLUMN_DTYPES,
    DAY_S,
    DEFAULT_PERIOD_S,
    GAP_PERIODS,
    HOUR_S,
    MAX_KEY,
    MAX_ROLLUP_ROWS,
    MAX_ROWS,
    MAX_SLOT,
    ROLLUP_DTYPE,
    ROLLUP_DTYPES,
    ROLLUP_FIELDS,
    STEPS_S,
    TEN_MINUTES_S,
    UNUSED,
    Compared,
    DayCounts,
    Difference,
    EventRow,
    KeyCounts,
    Keys,
    Marks,
    Origin,
    Partition,
    RollupColumns,
    Stats,
    Traced,
)

__all__ = [
    "COLUMN_DTYPES",
    "DAY_S",
    "DEFAULT_PERIOD_S",
    "GAP_PERIODS",
    "HOUR_S",
    "MAX_KEY",
    "MAX_ROLLUP_ROWS",
    "MAX_ROWS",
    "MAX_SLOT",
    "ROLLUP_DTYPE",
    "ROLLUP_DTYPES",
    "ROLLUP_FIELDS",
    "STEPS_S",
    "TEN_MINUTES_S",
    "UNUSED",
    "Compared",
    "DayCounts",
    "Difference",
    "EventRow",
    "Historian",
    "KeyCounts",
    "Keys",
    "Marks",
    "Origin",
    "Partition",
    "RollupColumns",
    "Stats",
    "Traced",
]


class Historian(Protocol):
    """Keeps samples and events and gives them back; readers may call from any thread."""

    def append(self, columns: Columns) -> None:
        """Store samples; they are durable, and `latest` knows them, when this returns."""
        ...

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return. An event sent again is given back once."""
        ...

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        ...

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        ...

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, revisions laid over, first `limit`."""
        ...

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them.

        Every version an engine still has is given; of a slot the last one is what `day_digest`
        sees. Engines merge earlier ones away in their own time. The first `limit` of each kind.
        """
        ...

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        ...

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh.

        Args:
            keys: Points.
            start_s: Start of the range, plant seconds.
            end_s: End of the range.
            step_s: Length of the windows.
            fields: Columns that are needed besides key and slot; none for all. Others may come
                as 0, because reading them costs time.
        """
        ...

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is.

        Args:
            step_s: Length of the windows.
            columns: The windows.
            as_they_were: Whether they come out of a backup and keep the origin they had.
        """
        ...

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        ...

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples `raw` would give over all keys."""
        ...

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples beyond the first a reader gets for one key and slot."""
        ...

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day of the company's zone (clause 6.1.2 a)."""
        ...

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        ...

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points, for integrals computed from now on; durable."""
        ...

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return points and their sampling periods, seconds: all that have not the default."""
        ...

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new.

        Engines that keep rows by point have no use for it and return 0.
        """
        ...

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches of `step_s` in which rows came after a reception counter.

        Args:
            table: `raw`, `revision`, `event`; of `rollup_1h`, which has no counters, all stretches.
            after: Counter; what several writers stored about then is given again.
            step_s: Length of a stretch, a divisor or multiple of an hour.
        """
        ...

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of `raw`, `revision` or a roll-up table in a range."""
        ...

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot): all of them."""
        ...

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        ...

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what `raw` holds of a range, 32 bytes (clause 9.2.5 #1).

        Over the rows as received, without revisions, one a slot, ordered by (key, slot), each as
        17 bytes little-endian: key u32, slot u32, value f64, quality u8 (`digest.RowDigest`). The
        same data give the same digest in every engine, however often and in whatever order sent.
        """
        ...

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none.

        A range whose digest differs though its counter is the same was changed behind our back.
        """
        ...

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the start, as received (clause 6.2 f #4)."""
        ...

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        ...

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take, as `raw` would keep them by themselves."""
        ...

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went.

        Days of `raw` that keep rows get a new counter (`day_counter`): their new digest is lawful.
        """
        ...

    def compact(self) -> None:
        """Merge what was written in pieces, so that it takes less room and is read faster."""
        ...

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        ...

    def close(self) -> None:
        """Give back files and threads."""
        ...
