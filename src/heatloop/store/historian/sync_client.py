"""A client of the historian process that blocks, for tools and tests: the port itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian import calls, wire
from heatloop.store.historian.calls import Call
from heatloop.store.historian.checks import portions
from heatloop.store.historian.group_writer import GROUP_ROWS
from heatloop.store.historian.port import (
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

Result = TypeVar("Result")


class SyncHistorian:
    """The historian port over a socket, one question at a time."""

    def __init__(self, path: Path, *, timeout_s: float = 120.0) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise self._gone() from error

    def ping(self) -> None:
        """Return when the historian answers."""
        self._ask(calls.ping())

    def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        for part in portions(columns, GROUP_ROWS):
            self._ask(calls.append(part))

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return."""
        self._ask(calls.append_events(events))

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading."""
        self._ask(calls.revise(columns, method=method, who=who))

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, by key."""
        return self._ask(calls.latest(keys))

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, the first `limit`."""
        return self._ask(calls.raw(keys, start_s, end_s, limit))

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        return self._ask(calls.trace(keys, start_s, end_s, limit))

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        return self._ask(calls.events(start_ms, end_ms, subject=subject, limit=limit))

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        return self._ask(calls.rollup(keys, start_s, end_s, step_s, fields))

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows, or those of a backup."""
        self._ask(calls.seed_rollup(step_s, columns, as_they_were=as_they_were))

    def refresh_rollups(self) -> int:
        """Compute dirty windows again; return how many."""
        return self._ask(calls.refresh_rollups())

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples there are."""
        return self._ask(calls.count(start_s, end_s))

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples a reader would get twice."""
        return self._ask(calls.duplicates(start_s, end_s))

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a local day."""
        return self._ask(calls.completeness(keys, day))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        return self._ask(calls.received(keys, start_s, end_s))

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points."""
        self._ask(calls.set_periods(keys, periods_s))

    def periods(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return self._ask(calls.periods())

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new."""
        return self._ask(calls.define_frames(frames))

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        return self._ask(calls.changed(table, after, step_s))

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        return self._ask(calls.keys_of(table, start_s, end_s))

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot)."""
        return self._ask(calls.as_received(keys, start_s, end_s))

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        return self._ask(calls.differing(start_s, end_s))

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range."""
        return self._ask(calls.day_digest(start_s, end_s))

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range."""
        return self._ask(calls.day_counter(start_s, end_s))

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the historian's start."""
        return self._ask(calls.compare_kept())

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        return self._ask(calls.partitions())

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take."""
        return self._ask(calls.measure(keys, start_s, end_s))

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        return self._ask(calls.drop_partition(table, name, keep))

    def compact(self) -> None:
        """Merge what was written in pieces."""
        self._ask(calls.compact())

    def stats(self) -> Stats:
        """Return figures about engine and process."""
        return self._ask(calls.stats())

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _ask(self, call: Call[Result]) -> Result:
        with self._lock:
            try:
                for piece in wire.encode({"id": 1, **call.head}, call.arrays):
                    self._socket.sendall(piece)
                payload = self._take(wire.frame_size(self._take(wire.LENGTH.size)))
            except OSError as error:
                # An answer may still come: the connection can no longer be trusted.
                self._socket.close()
                raise self._gone() from error
        head, arrays = wire.decode(payload)
        wire.check_answer(head)
        return call.read(head, arrays)

    def _take(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while len(view):
            got = self._socket.recv_into(view)
            if not got:
                raise ConnectionResetError("historian closed the connection")
            view = view[got:]
        return bytes(data)

    def _gone(self) -> LinkError:
        return LinkError(
            "historian is not reachable", thing=str(self._path), fix="it is restarted; try again"
        )


def connect_sync(path: Path, *, timeout_s: float = 120.0) -> SyncHistorian:
    """Connect to the historian process at this socket.

    Raises:
        LinkError: Nobody listens there.
    """
    return SyncHistorian(path, timeout_s=timeout_s)
