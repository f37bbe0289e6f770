"""The tables of one database in an embedded folder: filled-in SQL, rows in, rows out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_rollups
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import lists, sample_table, samples
from heatloop.store.historian.chdb_folder import WRITE, ChdbFolder
from heatloop.store.historian.checks import check_range
from heatloop.store.historian.port import DAY_S, Stats


class ChdbTables:
    """One database; the caller keeps writers apart."""

    def __init__(self, folder: ChdbFolder, database: str) -> None:
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

    def unrolled(self) -> list[int]:
        """Return the windows that got samples or revisions after the last roll-up."""
        through = int(lists(self.ask(sql.THROUGH))[0][0])
        found: list[int] = []
        for table in ("raw", "revision"):
            found += lists(self.ask(sql.DIRTY, table=table, through=through))[0]
        return found

    def rolled(self, through: int) -> None:
        """Note that roll-ups are complete up to a reception counter."""
        self.folder.maintain(sql.ROLLED.format(db=self.database, write=WRITE, through=through))

    def sizes(self) -> Stats:
        """Return rows, bytes and parts of every table."""
        out: Stats = {}
        for name, count, size, parts in zip(*lists(self.ask(sql.PARTS)), strict=True):
            out |= {f"{name}_rows": count, f"{name}_bytes": size, f"{name}_parts": parts}
        return out
