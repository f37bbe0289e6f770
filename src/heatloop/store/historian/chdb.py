"""The default engine: embedded ClickHouse (chdb), raw rows de-duplicated on reading."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import (
    event_table,
    revision_table,
    sample_table,
)
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.chdb_keeping import ChdbKeeping
from heatloop.store.historian.chdb_reads import ChdbReads
from heatloop.store.historian.chdb_rollups import ChdbRollups
from heatloop.store.historian.chdb_tables import ChdbTables
from heatloop.store.historian.checks import (
    check_columns,
    check_rollup,
    check_step,
    key_array,
)
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.live_rollups import LiveRollups
from heatloop.store.historian.newest import Newest, one_row_a_slot
from heatloop.store.historian.periods import Periods, check_periods
from heatloop.store.historian.port import (
    MAX_SLOT,
    EventRow,
    Keys,
    Origin,
    RollupColumns,
    Stats,
)
from heatloop.store.historian.witness import Witnesses

SAVE_ROWS, SAVE_GROUPS = 5_000_000, 40
"""`latest` is written at least this often; what is missing in it after a crash is in `raw`."""


class ChdbHistorian(ChdbReads):
    """A historian in one database of an embedded folder.

    Args:
        folder: The engine.
        zone: Zone of the company's days.
        database: Database in it.
        owner: Whether closing this closes the folder.
        alone: Whether nobody else appends to these tables; else roll-ups come from the tables.
    """

    def __init__(
        self,
        folder: Connection,
        *,
        zone: ZoneInfo,
        database: str = "heatloop",
        owner: bool = False,
        alone: bool = True,
    ) -> None:
        self._folder = folder
        self._tables = self._open_tables(folder, database)
        self._rollups = ChdbRollups(folder, database, zone)
        self._keeping = ChdbKeeping(folder, database)
        self._zone, self._owner, self._alone = zone, owner, alone
        self._append_lock = threading.Lock()
        self._refresh_lock = threading.Lock()
        self._newest, self._periods, self._witnesses = Newest(), Periods(), Witnesses()
        self._groups = self._rows = 0
        self._groups_ahead = self._rows_ahead = 0
        self._recover()

    @classmethod
    def open(
        cls, path: Path, *, zone: ZoneInfo, readers: int = 2, key: bytes | None = None
    ) -> ChdbHistorian:
        """Open the folder at `path` as this process's only historian."""
        return cls(ChdbFolder(path, readers=readers, key=key), zone=zone, owner=True)

    def _open_tables(self, folder: Connection, database: str) -> ChdbTables:
        return ChdbTables(folder, database)

    def _advance(self) -> None:
        """Give out the next reception counter; the caller keeps appends away."""
        self._version += 1

    def _recover(self) -> None:
        self._version = self._tables.version()
        self._periods.set(*self._tables.periods())
        self._newest.publish(self._tables.newest())
        self._newest.saved(self._newest.get(None).keys)
        # `latest` is written now and then: what is ahead of it stands in raw.
        self._newest.publish(self._newest.pick(self._tables.ahead_of_newest()))
        self._save_newest()
        floor_s = self._tables.last_slot() + 1 if self._alone else MAX_SLOT
        self._live = LiveRollups(zone=self._zone, periods=self._periods, floor_s=floor_s)
        self._live.owe(self._tables.unrolled())

    def _save_newest(self) -> None:
        """Write down what `latest` lacks; the caller keeps appends away."""
        rows = self._newest.unsaved()
        self._tables.insert_latest(rows, self._version)
        self._newest.saved(rows.keys)
        self._groups_ahead = self._rows_ahead = 0

    def append(self, columns: Columns) -> None:
        """Store samples; they are durable, and `latest` knows them, when this returns."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        with self._append_lock:
            self._advance()
            try:
                self._tables.insert("raw", sql.SAMPLE, sample_table(columns), self._version)
            except BaseException:
                # Nobody knows how far it came: only the tables can tell.
                self._live.spoil(columns.keys, columns.slots)
                raise
            self._live.note(columns)
            self._witnesses.note(columns)
            self._newest.publish(self._newest.pick(columns))
            self._groups += 1
            self._rows += len(columns.keys)
            self._groups_ahead += 1
            self._rows_ahead += len(columns.keys)
            if self._groups_ahead >= SAVE_GROUPS or self._rows_ahead >= SAVE_ROWS:
                self._save_newest()

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return. An event sent again is given back once."""
        if not events:
            return
        rows = event_table(events)
        with self._append_lock:
            self._advance()
            self._tables.insert("event", sql.EVENT, rows, self._version)

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        rows = revision_table(columns, method, who)
        with self._append_lock:
            self._advance()
            self._tables.revised = True
            self._tables.insert("revision", sql.REVISION, rows, self._version)
            self._live.spoil(columns.keys, columns.slots)

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
        check_step(step_s)
        columns = check_rollup(columns)
        if not len(columns.keys):
            return
        if not as_they_were:
            simulated = np.full(len(columns), Origin.SIMULATED, "u1")
            columns = dataclasses.replace(columns, origin=simulated)
        with self._append_lock:
            # At version 0, so that computed ones always win.
            self._rollups.store(step_s, columns, 0)
            self._live.retire(int(columns.slots.max()) + step_s)

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        with self._refresh_lock:
            with self._append_lock:
                fresh, through = self._live.take(), self._version
                if fresh.windows:
                    self._save_newest()
            if not fresh.windows:
                return 0
            try:
                for step_s, rows in self._live.compute(fresh, self._rollups.load).items():
                    self._rollups.store(step_s, rows, through)
                if fresh.late:
                    revised = self._tables.revised
                    self._rollups.compute(fresh.late, version=through, revised=revised)
                    self._live.mend(fresh.late, self._rollups.load)
                self._tables.rolled(through)
            except BaseException:
                self._live.again(fresh)
                raise
            return fresh.windows

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points, for integrals computed from now on; durable."""
        wanted, seconds = check_periods(key_array(keys), key_array(periods_s))
        with self._append_lock:
            news = self._periods.changed(wanted, seconds)
            if news.any():
                self._advance()
                rows = pa.table({"point": wanted[news], "period_s": seconds[news]})
                self._tables.insert("period", sql.PERIOD, rows, self._version)
                self._periods.set(wanted, seconds)

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Frames are of no use here: rows are kept by point."""
        del frames
        return 0

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        with self._append_lock:
            self._advance()
            version = self._version
        return self._keeping.drop(table, name, key_array(keep), version)

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        out: Stats = {
            "engine": self._folder.engine,
            "version": self._version,
            "points": len(self._newest),
            "groups": self._groups,
            "rows_committed": self._rows,
            "dirty_windows": len(self._live),
            "sealed": int(self._folder.sealed),
        }
        return out | self._tables.sizes()

    def close(self) -> None:
        """Close the folder if this historian opened it."""
        if self._owner:
            with self._refresh_lock, self._append_lock:
                self._save_newest()
                self._folder.close()
