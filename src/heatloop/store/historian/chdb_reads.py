"""Reading and looking after the ClickHouse engines: everything that stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb_arrays import arrays, key_filter, lists, samples
from heatloop.store.historian.chdb_keeping import ChdbKeeping
from heatloop.store.historian.chdb_rollups import TABLES
from heatloop.store.historian.chdb_tables import ChdbTables
from heatloop.store.historian.checks import (
    COUNTED,
    KEYED,
    check_fields,
    check_limit,
    check_range,
    check_step,
    check_table,
    key_array,
)
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.newest import Newest
from heatloop.store.historian.port import (
    COLUMN_DTYPES,
    MAX_ROLLUP_ROWS,
    ROLLUP_DTYPE,
    Compared,
    DayCounts,
    Difference,
    EventRow,
    KeyCounts,
    Keys,
    Marks,
    Partition,
    RollupColumns,
    Traced,
)
from heatloop.store.historian.windows import day_range
from heatloop.store.historian.witness import Witnesses

FEW_KEYS = 20
"""Samples of so many points are put in order here, which is faster."""


class ChdbReads:
    """What a historian of one database gives back; `ChdbHistorian` fills it."""

    _folder: Connection
    _tables: ChdbTables
    _keeping: ChdbKeeping
    _newest: Newest
    _witnesses: Witnesses
    _zone: ZoneInfo

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
        if len(wanted) <= FEW_KEYS:
            found = samples(self._tables.ask(sql.SOME_RAW, wanted, source=source, limit=limit + 1))
            if len(found.keys) <= limit:
                return found.take(np.lexsort((found.slots, found.keys)))
        return samples(self._tables.ask(sql.RAW, wanted, source=source, limit=limit))

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        start, end = check_range(start_s, end_s)
        wanted, limit = np.unique(key_array(keys)), check_limit(limit)
        if not len(wanted) or start == end:
            return Traced.of(Columns.empty(), np.empty(0), Columns.empty(), np.empty(0), [], limit)
        words: dict[str, Any] = {"start": start, "end": end, "limit": limit}
        words["which"] = key_filter(wanted)
        came = arrays(self._tables.ask(sql.TRACED, wanted, **words), (*COLUMN_DTYPES, "u8"))
        found = self._tables.ask(sql.TRACED_LAID, wanted, **words)
        texts = lists(found.select(range(5, 7))) if found.num_columns else [[], []]
        laid = arrays(found.select(range(min(found.num_columns, 5))), (*COLUMN_DTYPES, "u8"))
        return Traced.of(
            Columns(*came[:4]),
            came[4],
            Columns(*laid[:4]),
            laid[4],
            list(zip(*texts, strict=True)),
            limit,
        )

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

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        start, end = check_range(start_s, end_s)
        table, names = TABLES[check_step(step_s)], check_fields(fields)
        wanted = key_array(keys)
        if not len(wanted) or start == end:
            return RollupColumns.empty()
        found = self._tables.ask(
            sql.ROLLUP,
            wanted,
            table=table,
            columns=", ".join(names),
            start=start,
            end=end,
            which=key_filter(wanted),
            limit=MAX_ROLLUP_ROWS + 1,
        )
        if found.num_rows > MAX_ROLLUP_ROWS:
            raise InputError(
                "more windows than one answer holds", fix="ask for fewer points or a shorter time"
            )
        columns = arrays(found, ("u4", "u4", *(ROLLUP_DTYPE[name] for name in names)))
        order = np.lexsort((columns[1], columns[0]))
        return RollupColumns.of(names, [column[order] for column in columns])

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

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return self._tables.periods()

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        check_table(table, (*COUNTED, "rollup_1h"))
        text = sql.CHANGED if table in COUNTED else sql.STRETCHES
        time = "at" if table == "event" else "ts"
        found = self._tables.ask(text, table=table, after=max(after, 0), step=step_s, time=time)
        starts, counters = arrays(found, ("u4", "u8"))
        return Marks(starts, counters)

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        start, end = check_range(start_s, end_s)
        check_table(table, KEYED)
        found = self._tables.ask(sql.KEYS_OF, table=table, start=start, end=end)
        keys, counts = arrays(found, ("u4", "u4"))
        return KeyCounts(keys, counts)

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot): all of them."""
        return self._keeping.as_received(key_array(keys), start_s, end_s)

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """There is no other copy here to compare with."""
        del start_s, end_s
        return []

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what `raw` holds of a range, 32 bytes (clause 9.2.5 #1)."""
        return self._keeping.digest(start_s, end_s)

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none."""
        return self._keeping.counter(start_s, end_s)

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the start, as received (clause 6.2 f #4)."""
        return self._witnesses.compare(self._keeping.as_received)

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        return self._keeping.partitions()

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take, as `raw` would keep them by themselves."""
        return self._keeping.measure(key_array(keys), start_s, end_s)

    def compact(self) -> None:
        """Merge what was written in pieces, so that it takes less room and is read faster."""
        self._keeping.compact()
