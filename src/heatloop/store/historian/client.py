"""Clients of the historian process: one for asyncio, one that blocks, both over `calls`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from heatloop.kernel.errors import InputError, LinkError
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
_Answer = tuple[wire.Head, list[NDArray[Any]]]


class Link:
    """One connection with many questions open at once; connects when first asked."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._open: dict[int, asyncio.Future[_Answer]] = {}
        self._next = 0
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, call: Call[Result]) -> Result:
        """Send a question and return its answer.

        Raises:
            LinkError: The historian is not there, went away, or did not answer in time.
            HeatloopError: The historian answered with an error.
        """
        writer = await self._connect()
        self._next += 1
        number = self._next
        future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        try:
            writer.writelines(wire.encode({"id": number, **call.head}, call.arrays))
            await writer.drain()
            # Not wait_for: before Python 3.12 it may swallow that this task is cancelled.
            async with asyncio.timeout(self._timeout_s):
                head, arrays = await future
        except TimeoutError as error:
            raise LinkError(
                "historian did not answer in time", thing=str(call.head["op"]), fix="try again"
            ) from error
        except ConnectionError as error:
            raise self._gone() from error
        finally:
            self._open.pop(number, None)
            if future.done() and not future.cancelled():
                future.exception()  # said once is enough
        wire.check_answer(head)
        return call.read(head, arrays)

    async def close(self) -> None:
        """Close the connection."""
        if self._writer is not None and self._listener is not None:
            self._writer.close()
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._writer = None

    async def _connect(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None:
                try:
                    reader, writer = await asyncio.open_unix_connection(str(self._path))
                except OSError as error:
                    raise self._gone() from error
                self._writer = writer
                self._listener = asyncio.create_task(self._listen(reader, writer))
            return self._writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        failure: Exception = self._gone()
        try:
            while True:
                prefix = await reader.readexactly(wire.LENGTH.size)
                payload = await reader.readexactly(wire.frame_size(prefix))
                head, arrays = wire.decode(payload)
                if head.get("id") is None:
                    wire.check_answer(head)
                future = self._open.pop(int(head["id"]), None)
                if future is not None and not future.done():
                    future.set_result((head, arrays))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except InputError as error:
            failure = error
        finally:
            writer.close()
            if self._writer is writer:
                self._writer = None
            waiting, self._open = list(self._open.values()), {}
            for future in waiting:
                if not future.done():
                    future.set_exception(failure)

    def _gone(self) -> LinkError:
        return LinkError(
            "historian is not reachable", thing=str(self._path), fix="it is restarted; try again"
        )


class HistorianClient:
    """The historian port for asyncio: the same operations, awaited.

    Reads have a connection of their own, so that a large answer never holds up an append.
    """

    def __init__(self, path: Path, *, timeout_s: float = 120.0) -> None:
        self._writes = Link(path, timeout_s)
        self._reads = Link(path, timeout_s)

    async def ping(self) -> None:
        """Return when the historian answers."""
        await self._reads.ask(calls.ping())

    async def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return as soon as the historian answers.

        Raises:
            LinkError: It did not in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while True:
            try:
                return await self.ping()
            except LinkError:
                if loop.time() > end:
                    raise
                await asyncio.sleep(0.05)

    async def append(self, columns: Columns) -> None:
        """Store samples; durable on return. Many appends may wait at once and share a commit."""
        await asyncio.gather(
            *(self._writes.ask(calls.append(part)) for part in portions(columns, GROUP_ROWS))
        )

    async def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return."""
        await self._writes.ask(calls.append_events(events))

    async def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading."""
        await self._writes.ask(calls.revise(columns, method=method, who=who))

    async def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, by key."""
        return await self._reads.ask(calls.latest(keys))

    async def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, the first `limit`."""
        return await self._reads.ask(calls.raw(keys, start_s, end_s, limit))

    async def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        return await self._reads.ask(calls.trace(keys, start_s, end_s, limit))

    async def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        return await self._reads.ask(calls.events(start_ms, end_ms, subject=subject, limit=limit))

    async def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        return await self._reads.ask(calls.rollup(keys, start_s, end_s, step_s, fields))

    async def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows, or those of a backup."""
        await self._writes.ask(calls.seed_rollup(step_s, columns, as_they_were=as_they_were))

    async def refresh_rollups(self) -> int:
        """Compute dirty windows again; return how many."""
        return await self._reads.ask(calls.refresh_rollups())

    async def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples there are."""
        return await self._reads.ask(calls.count(start_s, end_s))

    async def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples a reader would get twice."""
        return await self._reads.ask(calls.duplicates(start_s, end_s))

    async def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a local day."""
        return await self._reads.ask(calls.completeness(keys, day))

    async def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        return await self._reads.ask(calls.received(keys, start_s, end_s))

    async def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points."""
        await self._writes.ask(calls.set_periods(keys, periods_s))

    async def periods(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return await self._reads.ask(calls.periods())

    async def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new."""
        return await self._writes.ask(calls.define_frames(frames))

    async def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        return await self._reads.ask(calls.changed(table, after, step_s))

    async def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        return await self._reads.ask(calls.keys_of(table, start_s, end_s))

    async def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot)."""
        return await self._reads.ask(calls.as_received(keys, start_s, end_s))

    async def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        return await self._reads.ask(calls.differing(start_s, end_s))

    async def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range."""
        return await self._reads.ask(calls.day_digest(start_s, end_s))

    async def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range."""
        return await self._reads.ask(calls.day_counter(start_s, end_s))

    async def compare_kept(self) -> Compared:
        """Read back samples kept aside since the historian's start."""
        return await self._reads.ask(calls.compare_kept())

    async def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        return await self._reads.ask(calls.partitions())

    async def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take."""
        return await self._reads.ask(calls.measure(keys, start_s, end_s))

    async def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        return await self._reads.ask(calls.drop_partition(table, name, keep))

    async def compact(self) -> None:
        """Merge what was written in pieces."""
        await self._reads.ask(calls.compact())

    async def stats(self) -> Stats:
        """Return figures about engine and process."""
        return await self._reads.ask(calls.stats())

    async def close(self) -> None:
        """Close the connections."""
        await self._writes.close()
        await self._reads.close()
