"""Looking after the tables of one database: digests, sizes, compaction, dropping what expired."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import lists, samples
from heatloop.store.historian.chdb_folder import READ, WRITE
from heatloop.store.historian.chdb_rollups import picked
from heatloop.store.historian.checks import check_range
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.port import Partition

DIVIDED = ("raw", "revision", "event", "rollup_10m", "rollup_1h", "rollup_1d")
"""Tables that are divided by month or year."""

PIECE_ROWS = 2_000_000
"""Rows read at a time for a digest."""

_OPTIMIZE = "OPTIMIZE TABLE {db}.{table} PARTITION ID '{name}' FINAL SETTINGS alter_sync = 1"
_MANY_PARTS = """
SELECT table, partition_id AS name FROM system.parts
WHERE active AND database = '{db}' GROUP BY table, partition_id HAVING count() > 1
ORDER BY table, name"""
_DELETE = """
ALTER TABLE {db}.{table} DELETE IN PARTITION ID '{name}'
WHERE point NOT IN (SELECT point FROM {db}.keep) SETTINGS mutations_sync = 1"""
# One row of each day again as it is: the day's counter rises, so its new digest is lawful.
_AGAIN = """
INSERT INTO {db}.raw {write}
SELECT point, ts, value, quality, {version} FROM {db}.raw FINAL
WHERE _partition_id = '{name}' LIMIT 1 BY toStartOfDay(ts)"""
# With the engine, order, codecs and disks of `raw`.
_PROBE = "CREATE TABLE {db}.probe AS {db}.raw"
_FILL = """
INSERT INTO {db}.probe {write}
SELECT point, ts, value, quality, version FROM {db}.raw FINAL WHERE {range} AND {which}"""


class ChdbKeeping:
    """Looks after one database, beside its writer and readers."""

    def __init__(self, folder: Connection, database: str) -> None:
        self._folder, self._db = folder, database

    def as_received(self, keys: NDArray[np.uint32], start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, ordered by (key, slot)."""
        start, end = check_range(start_s, end_s)
        if not len(keys) or start == end:
            return Columns.empty()
        return samples(
            self._ask(
                sql.AS_RECEIVED, wanted=keys, start=start, end=end, which=picked(np.unique(keys))
            )
        )

    def digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over the rows of a range as received, piece by piece."""
        start, end = check_range(start_s, end_s)
        digest = RowDigest()
        if start < end:
            low, high, rows = (c[0] for c in lists(self._ask(sql.SPAN, start=start, end=end)))
            step = max(1, (high - low + 1) * PIECE_ROWS // max(rows, 1))
            for first in range(low, high + 1, step):
                which = f"point BETWEEN {first} AND {min(first + step - 1, high)}"
                found = self._ask(sql.AS_RECEIVED, start=start, end=end, which=which)
                digest.add(samples(found))
        return digest.digest()

    def counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range."""
        start, end = check_range(start_s, end_s)
        if start == end:
            return 0
        return int(lists(self._ask(sql.COUNTER, start=start, end=end))[0][0] or 0)

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        found = self._folder.read(sql.PARTITIONS.format(db=self._db))
        return [Partition(*row) for row in zip(*lists(found), strict=True)]

    def drop(self, table: str, name: int, keep: NDArray[np.uint32], version: int) -> int:
        """Remove a partition's rows but those of points to keep.

        Args:
            table: Table.
            name: Month or year.
            keep: Points whose rows stay.
            version: Reception counter for the days that keep rows.

        Raises:
            InputError: The table is not divided by time.
        """
        if table not in DIVIDED:
            raise InputError(
                "not a table that expires", thing=table[:40], fix=f"give one of {DIVIDED}"
            )
        words: dict[str, str | int] = {"db": self._db, "table": table, "name": int(name)}
        before = self._count(words)
        if not before:
            return 0
        if not len(keep):
            self._folder.maintain(
                "ALTER TABLE {db}.{table} DROP PARTITION ID '{name}'".format(**words)
            )
            return before
        self._folder.maintain(f"TRUNCATE TABLE {self._db}.keep")
        self._folder.maintain(
            sql.INSERT.format(db=self._db, table="keep", write=WRITE, columns="point"),
            rows=pa.table({"point": np.unique(keep)}),
        )
        self._folder.maintain(_DELETE.format(**words))
        self._folder.maintain(f"TRUNCATE TABLE {self._db}.keep")
        left = self._count(words)
        if left < before and table == "raw":
            self._folder.maintain(_AGAIN.format(write=WRITE, version=version, **words))
        return before - left

    def compact(self) -> None:
        """Merge every partition that lies in more than one part."""
        found = lists(self._folder.long_read(_MANY_PARTS.format(db=self._db) + READ))
        for table, name in zip(*found, strict=True):
            self._folder.maintain(_OPTIMIZE.format(db=self._db, table=table, name=name))

    def measure(self, keys: NDArray[np.uint32], start_s: int, end_s: int) -> Partition:
        """Return what samples of these points take when kept by themselves, merged."""
        start, end = check_range(start_s, end_s)
        probe = self._db + ".probe"
        if not len(keys) or start == end:
            return Partition("probe", 0, 0, 0, 0)
        self._folder.maintain(f"DROP TABLE IF EXISTS {probe} SYNC")
        self._folder.maintain(_PROBE.format(db=self._db))
        try:
            self._folder.maintain(
                _FILL.format(
                    db=self._db,
                    write=WRITE,
                    range=sql.RANGE.format(start=start, end=end),
                    which=picked(np.unique(keys)),
                ),
                wanted=pa.table({"point": np.unique(keys)}),
            )
            self._folder.maintain(f"OPTIMIZE TABLE {probe} FINAL")
            found = [one[2:] for one in self.partitions() if one.table == "probe"]
        finally:
            self._folder.maintain(f"DROP TABLE IF EXISTS {probe} SYNC")
        return Partition(
            "probe", 0, *(sum(column) for column in zip((0, 0, 0), *found, strict=True))
        )

    def _count(self, words: dict[str, str | int]) -> int:
        return int(lists(self._folder.read(sql.IN_PARTITION.format(**words)))[0][0])

    def _ask(
        self, text: str, *, wanted: NDArray[np.uint32] | None = None, **words: str | int
    ) -> pa.Table:
        """Ask beside the readers: these questions are long, and nobody waits for them."""
        span = sql.RANGE.format(**words)
        tables = {} if wanted is None else {"wanted": pa.table({"point": wanted})}
        return self._folder.long_read(
            text.format(db=self._db, range=span, **words) + READ, **tables
        )
