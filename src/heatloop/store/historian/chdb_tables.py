"""The tables of one database in an embedded folder: filled-in SQL, rows in, rows out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_rollups
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import arrays, lists, sample_table, samples
from heatloop.store.historian.chdb_folder import WRITE
from heatloop.store.historian.checks import check_range
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.late import Late
from heatloop.store.historian.port import DAY_S, Stats


class ChdbTables:
    """One database; the caller keeps writers apart."""

    def __init__(self, folder: Connection, database: str) -> None:
        self.folder = folder
        self.database = database
        folder.upgrade(database)
        self.revised = bool(self.ask(sql.ANY_REVISION).num_rows)

    def ask(
        self, text: str, wanted: NDArray[np.uint32] | None = None, **words: str | int
    ) -> pa.Table:
        """Return the rows of a query, `{words}` filled in, `wanted` sent along as a table."""
        words |= {"db": self.database}
        if "start" in words:
            words["range"] = sql.RANGE.format(**words)
        tables = {} if wanted is None else {"wanted": pa.table({"point": wanted})}
        return self.folder.read(text.format(**words), **tables)

    def insert(self, table: str, columns: str, rows: pa.Table, version: int) -> None:
        """Insert rows; `columns` turns them into the columns of the table."""
        columns = columns.format(version=version)
        self.folder.write(
            sql.INSERT.format(db=self.database, table=table, write=WRITE, columns=columns),
            rows=rows,
        )

    def insert_latest(self, newest: Columns, version: int) -> None:
        """Insert rows that are newest of their point."""
        if len(newest.keys):
            self.insert("latest", sql.SAMPLE, sample_table(newest), version)

    def source(self, start: int, end: int, where: str = "") -> str:
        """Return the query that gives de-duplicated samples, revisions laid over."""
        text = chdb_rollups.REVISED if self.revised else chdb_rollups.PLAIN
        return text.format(db=self.database, start=start, end=end, where=where)

    def sum_by_day(self, text: str, start_s: int, end_s: int) -> int:
        """Return the sum of a query over the samples of each day."""
        # Per point and day: one aggregate over everything would take gigabytes.
        start, end = check_range(start_s, end_s)
        total = 0
        for day in lists(self.ask(sql.DAYS, start=start, end=end))[0]:
            source = self.source(max(start, day), min(end, day + DAY_S))
            total += int(lists(self.ask(text, source=source))[0][0] or 0)
        return total

    def newest(self) -> Columns:
        """Return the newest samples as they were written."""
        return samples(self.ask(sql.LATEST))

    def ahead_of_newest(self) -> Columns:
        """Return the newest samples of what came in after `newest` was last written."""
        return samples(self.ask(sql.AFTER))

    def version(self) -> int:
        """Return the greatest reception counter given out."""
        return int(lists(self.ask(sql.VERSION))[0][0])

    def unrolled(self) -> Late:
        """Return the windows that got samples or revisions after the last roll-up."""
        return self._late_since(int(lists(self.ask(sql.THROUGH))[0][0]))

    def _late_since(self, through: int) -> Late:
        late = Late()
        for table in ("raw", "revision"):
            windows = arrays(self.ask(sql.LATE_WINDOWS, table=table, through=through), ("u4",))[0]
            found = self.ask(sql.LATE_POINTS, table=table, through=through)
            days, points = arrays(found, ("u4", "u4"))
            for day in np.unique(days).tolist():
                inside = windows[windows // DAY_S * DAY_S == day]
                late.day(day).mark(inside.tolist(), points[days == day])
        return late

    def last_slot(self) -> int:
        """Return the greatest slot of all samples, revisions and windows, 0 for none."""
        return int(lists(self.ask(sql.LAST_SLOT))[0][0])

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the keys and sampling periods the store was told."""
        keys, periods_s = arrays(self.ask(sql.PERIODS), ("u4", "u4"))
        return keys, periods_s

    def rolled(self, through: int) -> None:
        """Note that roll-ups are complete up to a reception counter."""
        self.folder.maintain(sql.ROLLED.format(db=self.database, write=WRITE, through=through))

    def sizes(self) -> Stats:
        """Return rows, bytes and parts of every table."""
        out: Stats = {}
        for name, count, size, parts in zip(*lists(self.ask(sql.PARTS)), strict=True):
            out |= {f"{name}_rows": count, f"{name}_bytes": size, f"{name}_parts": parts}
        return out
