"""What every historian engine can do, and the words it does it with.

Times are plant time: slots in whole seconds since 1970 UTC, events in milliseconds. Ranges hold
their start and not their end. A point and slot has one value: the one received last.
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
    last: NDArray[np.float64]
    """Value of the latest sample; nan where count is 0."""
    good_count: NDArray[np.uint32]
    """Samples of quality GOOD."""
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

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> RollupColumns:
        """Return the rows picked by a mask or an index."""
        return RollupColumns(*(column[index] for column in self.columns))

    def __len__(self) -> int:
        return len(self.keys)


ROLLUP_FIELDS = tuple(field.name for field in fields(RollupColumns))
"""Names of the columns of `RollupColumns`."""

ROLLUP_DTYPES = ("u4", "u4", "u4", "f8", "f8", "f8", "f8", "u4", "u1")
"""One numpy type per column of `RollupColumns`."""

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

    def rollup(self, keys: Keys, start_s: int, end_s: int, step_s: int) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
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

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        ...

    def close(self) -> None:
        """Give back files and threads."""
        ...
