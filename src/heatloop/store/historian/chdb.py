"""The default engine: embedded ClickHouse (chdb), raw rows de-duplicated on reading."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_rollups
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import (
    arrays,
    event_table,
    key_filter,
    lists,
    revision_table,
    rollup_table,
    sample_table,
    samples,
)
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.chdb_tables import ChdbTables
from heatloop.store.historian.checks import (
    check_columns,
    check_limit,
    check_range,
    check_rollup,
    check_step,
    key_array,
)
from heatloop.store.historian.newest import Newest, one_row_a_slot
from heatloop.store.historian.port import (
    MAX_ROLLUP_ROWS,
    ROLLUP_DTYPES,
    DayCounts,
    EventRow,
    Keys,
    RollupColumns,
    Stats,
)
from heatloop.store.historian.windows import DirtyWindows, day_range, windows_of


class ChdbHistorian:
    """A historian in one database of an embedded folder."""

    def __init__(
        self, folder: ChdbFolder, *, zone: ZoneInfo, database: str = "heatloop", owner: bool = False
    ) -> None:
        self._folder = folder
        self._tables = ChdbTables(folder, database)
        self._zone = zone
        self._owner = owner
        self._append_lock = threading.Lock()
        self._refresh_lock = threading.Lock()
        self._newest = Newest()
        self._dirty = DirtyWindows()
        self._groups = self._rows = 0
        self._recover()

    @classmethod
    def open(cls, path: Path, *, zone: ZoneInfo, readers: int = 2) -> ChdbHistorian:
        """Open the folder at `path` as this process's only historian."""
        return cls(ChdbFolder(path, readers=readers), zone=zone, owner=True)

    def _recover(self) -> None:
        self._version = self._tables.version()
        self._newest.publish(self._tables.newest())
        # A kill between the two inserts of a group leaves raw ahead of latest: raw is right.
        late = self._newest.pick(self._tables.ahead_of_newest())
        self._tables.insert_latest(late, self._version)
        self._newest.publish(late)
        self._dirty.mark(self._tables.unrolled())

    def append(self, columns: Columns) -> None:
        """Store samples; they are durable, and `latest` knows them, when this returns."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        windows = windows_of(columns.slots)
        with self._append_lock:
            self._version += 1
            # Marked before the insert: a roll-up may see the rows as soon as they are in.
            self._dirty.mark(windows)
            self._tables.insert("raw", sql.SAMPLE, sample_table(columns), self._version)
            newest = self._newest.pick(columns)
            self._tables.insert_latest(newest, self._version)
            self._newest.publish(newest)
            self._groups += 1
            self._rows += len(columns.keys)

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return. An event sent again is given back once."""
        if not events:
            return
        rows = event_table(events)
        with self._append_lock:
            self._version += 1
            self._tables.insert("event", sql.EVENT, rows, self._version)

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        rows = revision_table(columns, method, who)
        with self._append_lock:
            self._version += 1
            self._tables.revised = True
            self._dirty.mark(windows_of(columns.slots))
            self._tables.insert("revision", sql.REVISION, rows, self._version)

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        return self._newest.get(None if keys is None else key_array(keys))

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, revisions laid over, first `limit`."""
        start, end = check_range(start_s, end_s)
        wanted = key_array(keys)
        limit = check_limit(limit)
        if not len(wanted) or start == end:
            return Columns.empty()
        which = key_filter(wanted)
        source = self._tables.source(start, end, f"AND {which}")
        return samples(self._tables.ask(sql.RAW, wanted, source=source, limit=limit))

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        start, end = check_range(start_ms, end_ms, 1 << 42)
        text = sql.EVENTS.format(
            db=self._tables.database, start=start, end=end, limit=check_limit(limit)
        )
        # The subject goes in as data, never as SQL text.
        found = self._folder.read(text, rows=pa.table({"subject": pa.array([subject])}))
        return [EventRow(*row) for row in zip(*lists(found), strict=True)]

    def rollup(self, keys: Keys, start_s: int, end_s: int, step_s: int) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        start, end = check_range(start_s, end_s)
        table = chdb_rollups.TABLES[check_step(step_s)]
        wanted = key_array(keys)
        if not len(wanted) or start == end:
            return RollupColumns.empty()
        found = self._tables.ask(
            sql.ROLLUP,
            wanted,
            table=table,
            start=start,
            end=end,
            which=key_filter(wanted),
            limit=MAX_ROLLUP_ROWS + 1,
        )
        if found.num_rows > MAX_ROLLUP_ROWS:
            raise InputError(
                "more windows than one answer holds", fix="ask for fewer points or a shorter time"
            )
        return RollupColumns(*arrays(found, ROLLUP_DTYPES))

    def seed_rollup(self, step_s: int, columns: RollupColumns) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
        columns = check_rollup(columns)
        if len(columns.keys):
            rows = rollup_table(columns)
            chdb_rollups.seed(self._folder, self._tables.database, check_step(step_s), rows)

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        with self._refresh_lock:
            with self._append_lock:
                windows, through = self._dirty.take(), self._version
            if not windows:
                return 0
            try:
                chdb_rollups.compute(
                    self._folder,
                    self._tables.database,
                    windows,
                    version=through,
                    zone=self._zone,
                    n_keys=len(self._newest),
                    revised=self._tables.revised,
                )
                self._tables.rolled(through)
            except BaseException:
                self._dirty.mark(windows)
                raise
            return len(windows)

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples `raw` would give over all keys."""
        return self._tables.sum_by_day(sql.COUNT, start_s, end_s)

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples beyond the first a reader gets for one key and slot."""
        return self._tables.sum_by_day(sql.DUPLICATES, start_s, end_s)

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day of the company's zone (clause 6.1.2 a)."""
        return self.received(keys, *day_range(day, self._zone))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        start, end = check_range(start_s, end_s)
        wanted = key_array(keys)
        received, good = np.zeros(len(wanted), "u4"), np.zeros(len(wanted), "u4")
        if len(wanted):
            table = self._tables.ask(
                sql.RECEIVED, wanted, start=start, end=end, which=key_filter(wanted)
            )
            points, some, well = arrays(table, ("u4", "u4", "u4"))
            at = np.searchsorted(points, wanted)
            hit = at < len(points)
            hit[hit] = points[at[hit]] == wanted[hit]
            received[hit], good[hit] = some[at[hit]], well[at[hit]]
        return DayCounts(wanted, received, good)

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        out: Stats = {
            "engine": "chdb",
            "version": self._version,
            "points": len(self._newest),
            "groups": self._groups,
            "rows_committed": self._rows,
            "dirty_windows": len(self._dirty),
        }
        return out | self._tables.sizes()

    def close(self) -> None:
        """Close the folder if this historian opened it."""
        if self._owner:
            with self._refresh_lock, self._append_lock:
                self._folder.close()
