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

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns

TEN_MINUTES_S, HOUR_S, DAY_S = 600, 3600, 86400
STEPS_S = (TEN_MINUTES_S, HOUR_S, DAY_S)
"""Lengths of roll-up windows; days are those of the company's zone."""

MAX_KEY = 1 << 24
"""Keys are given in sequence from 1, so this is more points than an installation can have."""

MAX_SLOT = 1 << 32
"""Slots are u32."""

MAX_ROWS = 10_000_000
"""No reading gives more rows than this."""

MAX_ROLLUP_ROWS = 4_000_000
"""No reading gives more windows than this."""

GAP_PERIODS = 3
"""Nothing is integrated over more periods than this without a sample."""

DEFAULT_PERIOD_S = 30
"""Period of a point nobody told the period of: the shortest, so that no gap is bridged."""

UNUSED = (Quality.BAD, Quality.STALE)
"""Qualities that do not count in roll-up statistics."""


class Origin(IntEnum):
    """Where the samples behind a roll-up row came from."""

    MEASURED = 0
    SIMULATED = 1
    MIXED = 2


@dataclass(frozen=True, slots=True, eq=False)
class RollupColumns:
    """Statistics of windows as arrays of one length (n_row,), ordered by (key, slot)."""

    keys: NDArray[np.uint32]
    """Point keys."""
    slots: NDArray[np.uint32]
    """Start of the window, plant seconds since 1970 UTC."""
    count: NDArray[np.uint32]
    """Samples in the statistics; bad and stale ones are not, so it may be 0."""
    low: NDArray[np.float64]
    """Least value; nan where count is 0."""
    mean: NDArray[np.float64]
    """Mean of the samples; nan where count is 0."""
    high: NDArray[np.float64]
    """Greatest value; nan where count is 0."""
    integral: NDArray[np.float64]
    """Value x hours (kW gives kWh, m3/h gives m3) by the rule below; nan where count is 0."""
    last: NDArray[np.float64]
    """Value of the latest sample; nan where count is 0."""
    good_count: NDArray[np.uint32]
    """Samples of quality GOOD."""
    uncertain_count: NDArray[np.uint32]
    """Samples of quality UNCERTAIN."""
    bad_count: NDArray[np.uint32]
    """Samples of quality BAD; not in `count`."""
    stale_count: NDArray[np.uint32]
    """Samples of quality STALE; not in `count`."""
    estimated_count: NDArray[np.uint32]
    """Samples of quality ESTIMATED."""
    origin: NDArray[np.uint8]
    """`Origin` codes."""

    @classmethod
    def empty(cls) -> RollupColumns:
        """Return columns of length 0."""
        return cls(*(np.empty(0, dtype) for dtype in ROLLUP_DTYPES))

    @property
    def columns(self) -> list[NDArray[Any]]:
        """Return the columns in the order of the fields."""
        return [getattr(self, name) for name in ROLLUP_FIELDS]

    @classmethod
    def of(cls, fields: Sequence[str], arrays: Sequence[NDArray[Any]]) -> RollupColumns:
        """Return columns of key, slot and these fields; the others are 0."""
        given = dict(zip(("keys", "slots", *fields), arrays, strict=True))
        rows = len(given["keys"])
        return cls(
            **{
                name: given[name] if name in given else np.zeros(rows, dtype)
                for name, dtype in zip(ROLLUP_FIELDS, ROLLUP_DTYPES, strict=True)
            }
        )

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> RollupColumns:
        """Return the rows picked by a mask or an index."""
        return RollupColumns(*(column[index] for column in self.columns))

    def __len__(self) -> int:
        return len(self.keys)


ROLLUP_FIELDS = tuple(field.name for field in fields(RollupColumns))
"""Names of the columns of `RollupColumns`."""

ROLLUP_DTYPES = ("u4", "u4", "u4", *["f8"] * 5, *["u4"] * 5, "u1")
"""One numpy type per column of `RollupColumns`."""

ROLLUP_DTYPE = dict(zip(ROLLUP_FIELDS, ROLLUP_DTYPES, strict=True))
"""Numpy type by name of the column."""

COLUMN_DTYPES = ("u4", "u4", "f8", "u1")
"""One numpy type per column of `Columns`."""


class EventRow(NamedTuple):
    """Something that happened at an instant: a change of state, a step of a sequence, a text."""

    key: int
    """Point key, or 0 when it is about no point."""
    at_ms: int
    """Plant milliseconds since 1970 UTC."""
    subject: str
    """Point or asset code."""
    text: str
    """What happened."""


class Partition(NamedTuple):
    """What one table keeps of one stretch of time, as `partitions` tells it."""

    table: str
    """`raw`, `revision`, `event`, `rollup_10m`, `rollup_1h` or `rollup_1d`; others are state."""
    name: int
    """Month as 202611 or year as 2026, UTC; 0 for tables that are not divided."""
    rows: int
    """Rows, as stored."""
    stored_bytes: int
    """Bytes on disk, compressed."""
    plain_bytes: int
    """Bytes of the columns before compression."""


class Compared(NamedTuple):
    """What came of comparing samples kept aside at ingest with what the store gives back."""

    windows: int
    """Windows of samples compared."""
    rows: int
    """Samples in them; those sent again since with another value are left out."""
    changed: int
    """Windows whose SHA-256 is not that of what came in; anything but 0 is a fault."""


class DayCounts(NamedTuple):
    """How much of a time was received, as arrays of one length (n_key,), in the order asked."""

    keys: NDArray[np.uint32]
    """Point keys asked for."""
    received: NDArray[np.uint32]
    """Distinct slots stored in it."""
    good: NDArray[np.uint32]
    """Those of quality GOOD."""


Keys = Sequence[int] | NDArray[np.uint32]
Stats = dict[str, int | float | str]


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

    def seed_rollup(self, step_s: int, columns: RollupColumns) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
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
