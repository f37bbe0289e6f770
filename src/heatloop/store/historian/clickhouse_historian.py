"""The historian on a ClickHouse server: safe with more than one writer.

Two platforms may write to one server. Their reception counters are then machine milliseconds with
the writer's own number in the low bits: no two are equal, and what is sent later wins. Neither
knows what the other received, so each follows: it reads the other's new rows, takes them into its
newest values, and has the windows concerned computed from the tables.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian import chdb_sql as sql
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_arrays import arrays, lists, samples
from heatloop.store.historian.chdb_folder import READ
from heatloop.store.historian.chdb_tables import ChdbTables
from heatloop.store.historian.clickhouse_connection import Connection
from heatloop.store.historian.late import Late
from heatloop.store.historian.newest import one_row_a_slot
from heatloop.store.historian.port import Keys, Marks

WRITER_BITS = 16
FOLLOW_S = 2.0
"""What others wrote is looked up no more often than this, machine time."""
LAG_S = 120
"""Rows of others may become visible this much later than their counter says: clocks differ, and a
replica copies with delay."""
SAVED_S = 7200
"""`latest` lacks no more than this of what any writer received."""
PIECE_ROWS = 2_000_000

_FOREIGN = """
SELECT point, toUInt32(ts) AS slot, value, quality, version FROM {db}.{table}
WHERE version > {after} AND bitAnd(version, {mask}) != {writer}
ORDER BY version LIMIT {rows} WITH TIES"""
_AFTER = """
SELECT point, toUInt32(max(ts)) AS slot, argMax(value, (ts, version)) AS value,
    argMax(quality, (ts, version)) AS quality
FROM {db}.raw WHERE version > {after} GROUP BY point"""
_COUNTS = """
SELECT point, count() AS n FROM {db}.raw FINAL
WHERE ts >= toDateTime({start}, 'UTC') AND ts < toDateTime({end}, 'UTC')
GROUP BY point ORDER BY point"""
_SAVED = "SELECT max(version) AS version FROM {db}.latest"
_LATEST = """
SELECT point, toUInt32(max(ts)) AS slot, argMax(value, (ts, version)) AS value,
    argMax(quality, (ts, version)) AS quality
FROM {db}.latest GROUP BY point"""

MASK = (1 << WRITER_BITS) - 1


def counter_of(time_s: float) -> int:
    """Return the least reception counter given out at a machine time, as clocks go."""
    return max(int(time_s * 1000), 0) << WRITER_BITS


class Counters:
    """Gives out reception counters of one writer, rising."""

    def __init__(self) -> None:
        # Drawn anew by every process: two writers would have to draw the same number, and then
        # to write in the same millisecond, to give out a counter twice.
        self.writer = secrets.randbelow(MASK) + 1
        self._last = 0
        self._lock = threading.Lock()

    def next(self, above: int = 0) -> int:
        """Return a counter greater than any given out here and than `above`."""
        with self._lock:
            # A clock that was set back does not count backwards.
            least = max(self._last, above >> WRITER_BITS) + 1
            self._last = max(int(machine_s() * 1000), least)
            return self._last << WRITER_BITS | self.writer


class _SharedTables(ChdbTables):
    """Tables others write to as well: what one writer noted down is not all there is."""

    def newest(self) -> Columns:
        """Return the newest samples as any writer wrote them."""
        # Rows of one point may have come to lie in two shards.
        return samples(self.ask(_LATEST))

    def ahead_of_newest(self) -> Columns:
        """Return the newest samples of what came in since any writer last wrote `newest`."""
        saved = int(lists(self.ask(_SAVED))[0][0])
        return samples(self.ask(_AFTER, after=max(saved - counter_of(SAVED_S), 0)))

    def unrolled(self) -> Late:
        """Return the windows that got samples about or after the last roll-up."""
        through = int(lists(self.ask(sql.THROUGH))[0][0])
        return self._late_since(max(through - counter_of(LAG_S), 0))


class ClickHouseHistorian(ChdbHistorian):
    """A historian in one database of a server or cluster.

    Args:
        server: The connection.
        zone: Zone of the company's days.
        database: Database in it.
        owner: Whether closing this closes the connection.
        counters: Where reception counters come from.
    """

    def __init__(
        self,
        server: Connection,
        *,
        zone: ZoneInfo,
        database: str = "heatloop",
        owner: bool = False,
        counters: Counters | None = None,
    ) -> None:
        self._counters = counters or Counters()
        self._turn = threading.RLock()
        self._given: int | None = None
        self._top = 0
        self._follow_lock = threading.Lock()
        self._followed_s = -FOLLOW_S
        super().__init__(server, zone=zone, database=database, owner=owner)
        self._server = server
        self._seen = self._version

    def _open_tables(self, folder: Connection, database: str) -> ChdbTables:
        return _SharedTables(folder, database)

    def _advance(self) -> None:
        top = max(self._top, self._version)
        self._version = self._counters.next(top) if self._given is None else self._given
        self._top = max(top, self._version)

    @contextmanager
    def at(self, version: int) -> Iterator[None]:
        """Write what is written inside under this reception counter."""
        with self._turn:
            self._given = version
            try:
                yield
            finally:
                self._given = None

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        if time.monotonic() - self._followed_s > FOLLOW_S:
            self.follow()
        return super().latest(keys)

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        self.follow()
        with self._append_lock:
            # Drawn before anything is read: of two who compute a window, the one that began later
            # has seen more, and its windows win.
            self._advance()
        return super().refresh_rollups()

    def follow(self) -> None:
        """Take in what other writers stored since this was last called."""
        with self._follow_lock:
            after = max(self._seen - counter_of(LAG_S), 0)
            for table in ("raw", "revision"):
                for found in self._foreign(table, after):
                    columns = samples(found.select(range(4)))
                    self._live.spoil(columns.keys, columns.slots)
                    if table == "revision":
                        self._tables.revised = True
                        continue
                    with self._append_lock:
                        # Rows come in the order of their counters: the last of a slot wins.
                        self._show(one_row_a_slot(columns))
                    self._top = max(self._top, int(found.column("version")[-1].as_py()))
                    self._seen = max(self._seen, int(found.column("version")[-1].as_py()))
            self._followed_s = time.monotonic()

    def _show(self, columns: Columns) -> None:
        """Take rows of others into the newest values; the caller keeps appends away."""
        newest = self._newest.pick(columns)
        ours = self._newest.get(newest.keys)
        known = newest.take(np.isin(newest.keys, ours.keys))
        known = known.take(np.argsort(known.keys))
        tied = known.keys[known.slots == ours.slots]
        self._newest.publish(newest)
        if len(tied):
            # Both wrote that slot: which was later only the table knows.
            slots = known.slots[known.slots == ours.slots]
            both = self.as_received(tied, int(slots.min()), int(slots.max()) + 1)
            self._newest.publish(self._newest.pick(both))

    def _foreign(self, table: str, after: int) -> Iterator[pa.Table]:
        while True:
            found = self._tables.ask(
                _FOREIGN,
                table=table,
                after=after,
                mask=MASK,
                writer=self._counters.writer,
                rows=PIECE_ROWS,
            )
            if not found.num_rows:
                return
            yield found
            if found.num_rows < PIECE_ROWS:
                return
            after = int(found.column("version")[-1].as_py())

    @property
    def top(self) -> int:
        """Return the greatest reception counter known."""
        return max(self._top, self._version)

    @property
    def empty(self) -> bool:
        """Return whether nothing was ever stored here."""
        return not len(self._newest) and not self.last_slot()

    def last_slot(self) -> int:
        """Return the greatest slot of anything stored, 0 for nothing."""
        return self._tables.last_slot()

    @property
    def database(self) -> str:
        """Return the database."""
        return self._tables.database

    def ask_long(self, text: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query that carries its own settings."""
        return self._server.long_read(text, **tables)

    def put(self, text: str, rows: pa.Table) -> None:
        """Run a statement that stores rows with the counters they already have."""
        self._server.maintain(text, rows=rows)

    def spoil(
        self, keys: NDArray[np.uint32], slots: NDArray[np.uint32], *, revised: bool = False
    ) -> None:
        """Have the windows of rows that were put computed again."""
        self._tables.revised = self._tables.revised or revised
        self._live.spoil(keys, slots)

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        # Rows of other writers may have become visible later than their counter says.
        return super().changed(table, max(after - counter_of(LAG_S), 0), step_s)

    def keys_between(self, start_s: int, end_s: int) -> dict[int, int]:
        """Return how many samples each point has in a range."""
        found = self.ask_long(_COUNTS.format(db=self.database, start=start_s, end=end_s) + READ)
        points, counts = arrays(found, ("u4", "u8"))
        return dict(zip(points.tolist(), counts.tolist(), strict=True))

    def take_over(self, other: ClickHouseHistorian) -> None:
        """Take over newest values and sampling periods of another replica."""
        self.set_periods(*other._tables.periods())
        with self._append_lock:
            self._newest.publish(self._newest.pick(other.latest()))
            self._save_newest()

    def close(self) -> None:
        """Note down the newest values and close the connection; a server away is left as it is."""
        try:
            super().close()
        except LinkError as error:
            structlog.get_logger("historian").warning("closed without server", error=str(error))
            self._server.close()
