"""The reading half of the frame engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_keeping as keeping
from heatloop.store.historian import frames_reading as reading
from heatloop.store.historian.checks import (
    COUNTED,
    KEYED,
    check_limit,
    check_range,
    check_step,
    check_table,
    key_array,
)
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.frames_database import FramesDatabase
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_state import FramesState
from heatloop.store.historian.port import (
    MAX_ROLLUP_ROWS,
    Compared,
    DayCounts,
    Difference,
    EventRow,
    KeyCounts,
    Keys,
    Marks,
    Partition,
    RollupColumns,
    Stats,
    Traced,
)
from heatloop.store.historian.windows import day_range
from heatloop.store.historian.witness import Witnesses

LONG_S = 1800
_EVENTS = """
SELECT key, at, subject, text FROM event WHERE at >= %s AND at < %s AND (%s = '' OR subject = %s)
ORDER BY at, subject COLLATE "C", text COLLATE "C" LIMIT %s"""


class FramesReads:
    """What a historian in one schema gives back; readers may call from any thread."""

    def __init__(self, url: str, *, zone: ZoneInfo, schema: str = "heatloop") -> None:
        """Open the schema, making it if needed.

        Args:
            url: `postgresql://user@host/database`.
            zone: Zone of the company's days.
            schema: Schema of its tables.
        """
        self._database = FramesDatabase(url, schema)
        self._zone = zone
        self._write_lock = threading.Lock()
        self._refresh_lock = threading.Lock()
        self._state = FramesState()
        self._witnesses = Witnesses()
        self._revised = False
        self._groups = self._rows = 0
        try:
            with self._database.connection("write", seconds=LONG_S) as connection:
                self._state.recover(connection)
        except BaseException:
            self._database.close()
            raise

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection[Any], Dictionary]]:
        """Give a reader's transaction, and a dictionary that knows every key ever written."""
        with self._database.connection("read") as connection:
            yield connection, reading.dictionary(connection, self._state.dictionary)

    def _is_revised(self, connection: Connection[Any]) -> bool:
        if not self._revised:
            self._revised = connection.execute("SELECT 1 FROM revision LIMIT 1").rowcount > 0
        return self._revised

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        wanted = None if keys is None else key_array(keys)
        # While this process writes, nobody else does: there is nothing to catch up with.
        if self._write_lock.acquire(blocking=False):
            try:
                with self._database.connection("write", seconds=LONG_S) as connection:
                    self._state.look(connection)
            finally:
                self._write_lock.release()
        return self._state.newest.get(wanted)

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, revisions laid over, first `limit`."""
        start, end = check_range(start_s, end_s)
        wanted = np.unique(key_array(keys))
        limit = check_limit(limit)
        if not len(wanted) or start == end:
            return Columns.empty()
        with self._reading() as (connection, dictionary):
            rows = reading.some(connection, dictionary, wanted, start, end, limit)
            if self._is_revised(connection):
                laid = reading.revisions(connection, wanted, start, end, limit)
                rows = reading.overlaid(rows, laid)
        return rows.take(np.arange(min(limit, len(rows.keys))))

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        start, end = check_range(start_s, end_s)
        wanted, limit = np.unique(key_array(keys)), check_limit(limit)
        with self._reading() as (connection, dictionary):
            return reading.trace(connection, dictionary, wanted, start, end, limit)

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        start, end = check_range(start_ms, end_ms, 1 << 42)
        words = [start, end, plain(subject), plain(subject), check_limit(limit)]
        with self._database.connection("read") as connection:
            return [EventRow(*row) for row in connection.execute(_EVENTS, words)]

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        del fields  # every column is read anyhow
        start, end = check_range(start_s, end_s)
        check_step(step_s)
        wanted = np.unique(key_array(keys))
        with self._reading() as (connection, dictionary):
            found = reading.windows(connection, dictionary, wanted, start, end, step_s)
        return found.take(np.arange(min(MAX_ROLLUP_ROWS, len(found))))

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples `raw` would give over all keys."""
        with self._database.connection("read") as connection:
            return reading.count(connection, *check_range(start_s, end_s))

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples beyond the first a reader gets for one key and slot."""
        with self._database.connection("read") as connection:
            return reading.duplicates(connection, *check_range(start_s, end_s))

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day of the company's zone (clause 6.1.2 a)."""
        return self.received(keys, *day_range(day, self._zone))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        wanted = key_array(keys)
        start, end = check_range(start_s, end_s)
        with self._reading() as (connection, dictionary):
            some, good = reading.received(connection, dictionary, wanted, start, end)
        return DayCounts(wanted, some, good)

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return self._state.periods.told()

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        check_table(table, (*COUNTED, "rollup_1h"))
        with self._database.connection("read", seconds=LONG_S) as connection:
            return reading.changed(connection, table, after, step_s)

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        start, end = check_range(start_s, end_s)
        with self._reading() as (connection, dictionary):
            return reading.keys_of(connection, dictionary, check_table(table, KEYED), start, end)

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot): all of them."""
        start, end = check_range(start_s, end_s)
        wanted = np.unique(key_array(keys))
        with self._reading() as (connection, dictionary):
            return reading.some(connection, dictionary, wanted, start, end, 1 << 40)

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """There is no other copy here to compare with."""
        del start_s, end_s
        return []

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range, 32 bytes (clause 9.2.5 #1)."""
        start, end = check_range(start_s, end_s)
        digest = RowDigest()
        with self._reading() as (connection, dictionary):
            for rows in reading.ordered(connection, dictionary, None, start, end):
                digest.add(rows)
        return digest.digest()

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none."""
        words = check_range(start_s, end_s)
        query = "SELECT coalesce(max(counter), 0) FROM frame WHERE slot >= %s AND slot < %s"
        with self._database.connection("read") as connection:
            ((counter,),) = connection.execute(query, words).fetchall()
        return int(counter)

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the start, as received (clause 6.2 f #4)."""

        def read(keys: NDArray[np.uint32], start: int, end: int) -> Columns:
            with self._reading() as (connection, dictionary):
                return reading.some(connection, dictionary, np.unique(keys), start, end, 1 << 30)

        return self._witnesses.compare(read)

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        with self._database.connection("read", seconds=LONG_S) as connection:
            return keeping.partitions(connection)

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take, as `raw` would keep them by themselves."""
        wanted = np.unique(key_array(keys))
        start, end = check_range(start_s, end_s)
        with self._database.connection("maintain", seconds=LONG_S) as connection:
            known = reading.dictionary(connection, self._state.dictionary)
            return keeping.measure(connection, known, wanted, start, end)

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        with self._database.connection("read") as connection:
            sizes = keeping.sizes(connection)
        out: Stats = {
            "engine": "postgresql",
            "version": self._state.counter,
            "points": len(self._state.newest),
            "frames": len(self._state.dictionary.keys),
            "groups": self._groups,
            "rows_committed": self._rows,
        }
        return out | sizes


def plain(text: str) -> str:
    """Return a text as PostgreSQL can keep it."""
    # The one character it cannot, as the picture of it.
    return text.replace("\0", "\u2400")
