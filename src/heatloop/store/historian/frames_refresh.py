"""Computing again the roll-ups of what came in since the last time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from heatloop.store.historian import frames_reading as reading
from heatloop.store.historian import frames_rollups as rollups
from heatloop.store.historian import frames_tables as tables
from heatloop.store.historian.frames_database import FramesDatabase
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_rows import together
from heatloop.store.historian.periods import Periods
from heatloop.store.historian.port import TEN_MINUTES_S
from heatloop.store.historian.windows import day_of

_FRAMES, _WINDOWS = 128, 6
"""Frames and 10-minute windows taken together: about a million samples."""

_DIRTY = """
SELECT DISTINCT frame, slot / 600 * 600 FROM frame WHERE counter > %s AND counter <= %s"""
_REVISED = """
SELECT DISTINCT key, slot / 600 * 600 FROM revision WHERE counter > %s AND counter <= %s"""


def refresh(database: FramesDatabase, periods: Periods, *, zone: ZoneInfo, seconds: int) -> int:
    """Compute every window that changed; return how many 10-minute windows.

    Args:
        database: The schema.
        periods: Sampling periods.
        zone: Zone of the company's days.
        seconds: Longest time one statement may take.
    """
    with database.connection("maintain", seconds=seconds) as connection:
        ((through, counter),) = connection.execute("SELECT through, counter FROM state").fetchall()
        if through == counter:
            return 0
        known = reading.dictionary(connection, Dictionary())
        dirty = _dirty(connection, known, through, counter)
        by_day: dict[Any, list[tuple[int, int]]] = defaultdict(list)
        for frame, window in dirty:
            by_day[day_of(window, zone)].append((frame, window))
        maker = _Maker(connection, known, periods, zone)
        for pairs in by_day.values():
            frames = sorted({frame for frame, _ in pairs})
            for at in range(0, len(frames), _FRAMES):
                some = set(frames[at : at + _FRAMES])
                maker.make(sorted(some), [window for frame, window in pairs if frame in some])
    # By itself, so that the row all writers wait for is held for a moment only.
    with database.connection("maintain") as connection:
        connection.execute("UPDATE state SET through = greatest(through, %s)", [counter])
    return len({window for _, window in dirty})


def _dirty(
    connection: Connection[Any], known: Dictionary, through: int, counter: int
) -> set[tuple[int, int]]:
    found = {(f, window) for f, window in connection.execute(_DIRTY, [through, counter])}
    for key, window in connection.execute(_REVISED, [through, counter]):
        frame = int(known.find(np.array([key], "u4"))[0][0])
        found.add((frame, window))
    return found


def _runs(windows: Sequence[int]) -> list[tuple[int, int]]:
    """Return windows in order as ranges of neighbours, start and end."""
    out: list[tuple[int, int]] = []
    for window in windows:
        if out and out[-1][1] == window and window - out[-1][0] < _WINDOWS * TEN_MINUTES_S:
            out[-1] = (out[-1][0], window + TEN_MINUTES_S)
        else:
            out.append((window, window + TEN_MINUTES_S))
    return out


class _Maker:
    """Computes windows of a few frames at a time."""

    def __init__(
        self, connection: Connection[Any], known: Dictionary, periods: Periods, zone: ZoneInfo
    ) -> None:
        self._connection, self._known = connection, known
        self._periods, self._zone = periods, zone
        self._partitions = tables.Partitions()
        self._revised = connection.execute("SELECT 1 FROM revision LIMIT 1").rowcount > 0

    def make(self, frames: Sequence[int], windows: list[int]) -> None:
        """Compute these windows of these frames, and the hours and days they belong to."""
        distinct = sorted(set(windows))
        keys: NDArray[np.uint32] = np.concatenate([self._known.keys[f] for f in frames])
        for start, end in _runs(distinct):
            parts = tables.between(self._connection, frames, start, end)
            rows = together(tables.samples(parts, self._known, None))
            if self._revised:
                laid = reading.revisions(self._connection, np.sort(keys), start, end, 1 << 40)
                rows = reading.overlaid(rows, laid)
            rollups.from_rows(self._connection, self._partitions, self._known, rows, self._periods)
        rollups.derive_larger(
            self._connection,
            self._partitions,
            self._known,
            frames,
            np.asarray(distinct, "i8"),
            self._zone,
        )
