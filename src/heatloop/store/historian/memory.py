"""An engine in memory: what the port means, in plain numpy, for tests and for reading along."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.checks import (
    COUNTED,
    KEYED,
    check_columns,
    check_fields,
    check_limit,
    check_range,
    check_rollup,
    check_step,
    check_table,
    key_array,
)
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.memory_rollups import derive, from_samples, overlay
from heatloop.store.historian.newest import Newest, one_row_a_slot
from heatloop.store.historian.periods import Periods, check_periods
from heatloop.store.historian.port import (
    DAY_S,
    HOUR_S,
    STEPS_S,
    TEN_MINUTES_S,
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
from heatloop.store.historian.windows import (
    DirtyWindows,
    day_of,
    day_range,
    days_match_hours,
    month_of,
    windows_of,
)
from heatloop.store.historian.witness import Witnesses


class MemoryHistorian:
    """Keeps everything in arrays and nothing on disk."""

    def __init__(self, *, zone: ZoneInfo) -> None:
        self._zone = zone
        self._lock = threading.RLock()
        self._parts = [Columns.empty()]
        self._revisions = Columns.empty()
        self._laid: list[tuple[Columns, int, tuple[str, str]]] = []
        self._events: dict[EventRow, None] = {}
        self._rollups = {step: RollupColumns.empty() for step in STEPS_S}
        self._newest = Newest()
        self._dirty = DirtyWindows()
        self._periods, self._witnesses = Periods(), Witnesses()
        self._rows = 0
        self._counter = 0
        self._counters: dict[int, int] = {}
        self._versions: list[tuple[Columns, int]] = []

    def append(self, columns: Columns) -> None:
        """Store samples; `latest` knows them when this returns."""
        columns = one_row_a_slot(check_columns(columns))
        with self._lock:
            self._parts.append(columns)
            self._newest.publish(self._newest.pick(columns))
            windows = windows_of(columns.slots)
            self._dirty.mark(windows)
            self._rows += len(columns.keys)
            if len(columns.keys):
                self._witnesses.note(columns)
                self._counter += 1
                self._versions.append((columns, self._counter))
                self._counters |= dict.fromkeys(np.unique(columns.slots).tolist(), self._counter)

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events. An event sent again is given back once."""
        with self._lock:
            self._events |= dict.fromkeys(events)

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        columns = one_row_a_slot(check_columns(columns))
        with self._lock:
            self._counter += 1
            self._laid.append((columns, self._counter, (method, who)))
            self._revisions = one_row_a_slot(concat([self._revisions, columns]))
            self._dirty.mark(windows_of(columns.slots))

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        return self._newest.get(None if keys is None else key_array(keys))

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, revisions laid over, first `limit`."""
        limit = check_limit(limit)
        rows = self._between(*check_range(start_s, end_s))
        rows = rows.take(np.isin(rows.keys, key_array(keys)))
        return rows.take(np.arange(min(limit, len(rows.keys))))

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        start, end = check_range(start_s, end_s)
        wanted, limit = key_array(keys), check_limit(limit)

        def inside(columns: Columns) -> Columns:
            hit = (columns.slots >= start) & (columns.slots < end)
            return columns.take(hit & np.isin(columns.keys, wanted))

        with self._lock:
            came = [(inside(columns), counter) for columns, counter in self._versions]
            laid = [(inside(columns), n, words) for columns, n, words in self._laid]
        return Traced.of(
            concat([columns for columns, _ in came]),
            _spread(came),
            concat([columns for columns, *_ in laid]),
            _spread([(columns, n) for columns, n, _ in laid]),
            [words for columns, _, words in laid for _ in range(len(columns.keys))],
            limit,
        )

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        start, end = check_range(start_ms, end_ms, 1 << 42)
        with self._lock:
            found = [e for e in self._events if start <= e.at_ms < end]
        found = [e for e in found if subject in ("", e.subject)]
        return sorted(found, key=lambda e: (e.at_ms, e.subject, e.text))[: check_limit(limit)]

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        check_fields(fields)  # every column is at hand anyhow
        start, end = check_range(start_s, end_s)
        found = self._rollups[check_step(step_s)]
        inside = (found.slots >= start) & (found.slots < end)
        return found.take(inside & np.isin(found.keys, key_array(keys)))

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
        seeds = check_rollup(columns)
        if not as_they_were:
            simulated = np.full(len(seeds), Origin.SIMULATED, "u1")
            seeds = dataclasses.replace(seeds, origin=simulated)
        with self._lock:
            there = self._rollups[check_step(step_s)]
            seeded = there.origin == Origin.SIMULATED
            kept = overlay(there.take(seeded), seeds)
            self._rollups[step_s] = overlay(kept, there.take(~seeded))

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        with self._lock:
            windows = np.asarray(self._dirty.take(), "u4")
            if not len(windows):
                return 0
            rows = self._between(0, 1 << 32)
            slots = rows.slots - rows.slots % TEN_MINUTES_S
            new = from_samples(rows.take(np.isin(slots, windows)), self._periods)
            self._rollups[TEN_MINUTES_S] = overlay(self._rollups[TEN_MINUTES_S], new)
            for hour in windows_of(windows, HOUR_S).tolist():
                self._derive(HOUR_S, TEN_MINUTES_S, hour, hour + HOUR_S)
            for day in {day_of(window, self._zone) for window in windows.tolist()}:
                start, end = day_range(day, self._zone)
                below = HOUR_S if days_match_hours(start, self._zone) else TEN_MINUTES_S
                self._derive(DAY_S, below, start, end)
            return len(windows)

    def _derive(self, step_s: int, below_s: int, start: int, end: int) -> None:
        parts = self._rollups[below_s]
        inside = parts.take((parts.slots >= start) & (parts.slots < end))
        self._rollups[step_s] = overlay(self._rollups[step_s], derive(inside, start))

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples `raw` would give over all keys."""
        return len(self._between(*check_range(start_s, end_s)).keys)

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples beyond the first a reader gets for one key and slot."""
        rows = self._between(*check_range(start_s, end_s))
        return len(rows.keys) - len(one_row_a_slot(rows).keys)

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day of the company's zone (clause 6.1.2 a)."""
        return self.received(keys, *day_range(day, self._zone))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        wanted = key_array(keys)
        rows = self._between(*check_range(start_s, end_s), revised=False)
        good = rows.keys[rows.quality == Quality.GOOD]
        return DayCounts(wanted, _tally(rows.keys, wanted), _tally(good, wanted))

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points, for integrals computed from now on."""
        self._periods.set(*check_periods(key_array(keys), key_array(periods_s)))

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return self._periods.told()

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Frames are of no use here."""
        del frames
        return 0

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        newest: dict[int, int] = {}
        with self._lock:
            parts = {
                "raw": [(columns.slots, n) for columns, n in self._versions],
                "revision": [(columns.slots, n) for columns, n, _ in self._laid],
                "event": [(np.array([e.at_ms // 1000 for e in self._events], "u4"), after + 1)],
                "rollup_1h": [(self._rollups[HOUR_S].slots, 0)],
            }[check_table(table, (*COUNTED, "rollup_1h"))]
        for slots, counter in parts:
            if counter > after or table == "rollup_1h":
                starts = np.unique(slots - slots % step_s).tolist()
                newest |= {at: max(counter, newest.get(at, 0)) for at in starts}
        starts = sorted(newest)
        return Marks(np.array(starts, "u4"), np.array([newest[at] for at in starts], "u8"))

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        start, end = check_range(start_s, end_s)
        with self._lock:
            self._between(0, 0)
            raw, laid = self._parts[0], self._revisions
            held = {"raw": (raw.keys, raw.slots), "revision": (laid.keys, laid.slots)}
            for name, windows in zip(KEYED[2:], self._rollups.values(), strict=True):
                held[name] = (windows.keys, windows.slots)
            found, slots = held[check_table(table, KEYED)]
        inside = (slots >= start) & (slots < end)
        keys, counts = np.unique(found[inside], return_counts=True)
        return KeyCounts(keys, counts.astype("u4"))

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot): all of them."""
        rows = self._between(*check_range(start_s, end_s), revised=False)
        return rows.take(np.isin(rows.keys, key_array(keys)))

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """There is nothing to compare with."""
        del start_s, end_s
        return []

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range, 32 bytes (clause 9.2.5 #1)."""
        digest = RowDigest()
        digest.add(self._between(*check_range(start_s, end_s), revised=False))
        return digest.digest()

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none."""
        start, end = check_range(start_s, end_s)
        with self._lock:
            return max((n for slot, n in self._counters.items() if start <= slot < end), default=0)

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the start (clause 6.2 f #4)."""

        def read(keys: NDArray[np.uint32], start: int, end: int) -> Columns:
            rows = self._between(start, end, revised=False)
            return rows.take(np.isin(rows.keys, keys))

        return self._witnesses.compare(read)

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and month."""
        with self._lock:
            self._between(0, 0)
            held = {"raw": self._parts[0].slots, "revision": self._revisions.slots}
            times = [event.at_ms // 1000 for event in self._events]
            held["event"] = np.array(times, "u4")
            held |= {f"rollup_{name}": self._rollups[step].slots for name, step in zip(
                ("10m", "1h", "1d"), STEPS_S, strict=True)}  # fmt: skip
        out = []
        for table, slots in held.items():
            months, rows = np.unique(month_of(slots), return_counts=True)
            for month, count in zip(months.tolist(), rows.tolist(), strict=True):
                out.append(Partition(table, month, count, 17 * count, 17 * count))
        return out

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take."""
        rows = self._between(*check_range(start_s, end_s), revised=False)
        count = int(np.isin(rows.keys, key_array(keys)).sum())
        return Partition("probe", 0, count, 17 * count, 17 * count)

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a month's rows but those of points to keep; return how many went."""
        with self._lock:
            self._between(0, 0)
            held = {"raw": self._parts[0], "revision": self._revisions}.get(table)
            if held is None:
                raise InputError("not a table that expires", thing=table[:40], fix="give raw")
            kept_keys = key_array(keep)
            left = _left(held, name, kept_keys)
            if table == "raw":
                self._versions = [
                    (columns.take(_left(columns, name, kept_keys)), n)
                    for columns, n in self._versions
                ]
                self._parts = [held.take(left)]
                self._counter += 1
                kept = np.unique(held.slots[left & (month_of(held.slots) == name)])
                self._counters |= dict.fromkeys(kept.tolist(), self._counter)
            else:
                self._revisions = held.take(left)
                self._laid = [
                    (columns.take(_left(columns, name, kept_keys)), n, words)
                    for columns, n, words in self._laid
                ]
            return int((~left).sum())

    def compact(self) -> None:
        """Merge what came in pieces."""
        self._between(0, 0)

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        return {
            "engine": "memory",
            "points": len(self._newest),
            "rows_committed": self._rows,
            "dirty_windows": len(self._dirty),
        }

    def close(self) -> None:
        """Nothing is open."""

    def _between(self, start: int, end: int, *, revised: bool = True) -> Columns:
        with self._lock:
            self._parts = [one_row_a_slot(concat(self._parts))]
            rows = self._parts[0]
            if revised and len(self._revisions.keys):
                rows = one_row_a_slot(concat([rows, self._revisions]))
        rows = rows.take((rows.slots >= start) & (rows.slots < end))
        return rows.take(np.lexsort((rows.slots, rows.keys)))


def _spread(parts: list[tuple[Columns, int]]) -> NDArray[np.uint64]:
    each = [len(columns.keys) for columns, _ in parts]
    return np.repeat(np.array([n for _, n in parts], "u8"), np.array(each, "i8"))


def _left(columns: Columns, month: int, keep: NDArray[np.uint32]) -> NDArray[np.bool_]:
    left: NDArray[np.bool_] = month_of(columns.slots) != month
    return left | np.isin(columns.keys, keep)


def _tally(keys: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> NDArray[np.uint32]:
    found, counts = np.unique(keys, return_counts=True)
    number = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return np.asarray([number.get(key, 0) for key in wanted.tolist()], "u4")
