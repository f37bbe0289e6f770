"""The words of the historian: bounds, roll-up columns, events, partitions, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, NamedTuple

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


class Traced(NamedTuple):
    """What lies below the samples a reader gets, as `trace` tells it."""

    received: Columns
    """Samples as they came in, every version still there, by key, slot and counter."""
    counters: NDArray[np.uint64]
    """Reception counter of each."""
    laid: Columns
    """Samples laid over them, every one, by key, slot and counter: the last of a slot counts."""
    laid_counters: NDArray[np.uint64]
    """Counter of each of these."""
    methods: list[str]
    """How each was made."""
    who: list[str]
    """Who laid it over."""

    @classmethod
    def of(
        cls, received: Columns, counters: NDArray[Any], laid: Columns,
        laid_counters: NDArray[Any], words: Sequence[tuple[str, str]], limit: int,
    ) -> Traced:  # fmt: skip
        """Return rows in any order as the first `limit` of each kind in theirs.

        Args:
            received: Samples as they came in.
            counters: Their reception counters.
            laid: Samples laid over.
            laid_counters: Their counters.
            words: Method and author of each of these.
            limit: Rows of each kind.
        """
        first = np.lexsort((counters, received.slots, received.keys))[:limit]
        over = np.lexsort((laid_counters, laid.slots, laid.keys))[:limit]
        return cls(
            received.take(first),
            np.asarray(counters, "u8")[first],
            laid.take(over),
            np.asarray(laid_counters, "u8")[over],
            [words[at][0] for at in over.tolist()],
            [words[at][1] for at in over.tolist()],
        )


class Marks(NamedTuple):
    """Stretches of time in which rows came, as `changed` tells them; by start."""

    starts: NDArray[np.uint32]
    """First second of each."""
    counters: NDArray[np.uint64]
    """Greatest reception counter of its rows; 0 for tables that have none."""


class KeyCounts(NamedTuple):
    """Which points have rows of a stretch, as `keys_of` tells it; by key."""

    keys: NDArray[np.uint32]
    """Point keys."""
    counts: NDArray[np.uint32]
    """Rows of each, about."""


class Difference(NamedTuple):
    """A day on which a replica holds something else than its neighbour."""

    table: str
    """Table."""
    day_s: int
    """First second of the UTC day."""
    replica: str
    """Its address."""
    neighbour: str
    """Address of the one it was compared with."""


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
