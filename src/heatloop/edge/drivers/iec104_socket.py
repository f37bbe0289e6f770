"""The socket of an IEC 104 connection, shared by all stations that answer on it.

The connection is made when a read asks for it and lives on between reads; values come whenever
a station sends them. Messages are acknowledged only after what was late among them is spooled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from heatloop.edge.drivers.iec104_values import StationValues, last_of_each
from heatloop.edge.drivers.port import DamagedError, DriverTools
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import LinkError
from heatloop.protocols.iec104.asdu import Asdu
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import Arrived, Broken, Event, Limits, Refused, Started

_INITIALISED = 70
_CHUNK = 65536
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where and how to connect."""

    host: str
    """Address."""
    port: int
    """TCP port."""
    limits: Limits
    """Parameters both ends agree on."""


class StationSocket:
    """One connection to a controlled host: made when asked for, served until it breaks.

    Args:
        endpoint: Where and how.
        tools: What the gateway lends.
    """

    def __init__(self, endpoint: Endpoint, tools: DriverTools) -> None:
        self._endpoint, self._tools = endpoint, tools
        self.stations: dict[int, StationValues] = {}
        """By common address."""
        self.codes: dict[int, str] = {}
        """Device code by common address."""
        self.bytes_up = self.bytes_down = 0
        """Since the connection was made."""
        self._damage: DamagedError | None = None
        self._link: Link | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None] | None = None
        self._listeners: list[Callable[[Asdu], None]] = []

    async def started(self) -> None:
        """Return when data transfer is on, connecting if need be.

        Raises:
            DamagedError: What came was no frame; said once.
            LinkError: There is no connection.
        """
        if self._damage is not None:
            damage, self._damage = self._damage, None
            raise damage
        if self._task is None or self._task.done() or self._started is None:
            self._started = asyncio.get_running_loop().create_future()
            # Nobody may be waiting any more when it fails.
            self._started.add_done_callback(lambda f: f.cancelled() or f.exception())
            self._task = asyncio.create_task(self._run(self._started))
        await self._within(self._started)

    async def _within(self, work: Awaitable[T]) -> T:
        """Wait at most the gateway's time-out; the work itself goes on."""
        async with asyncio.timeout(self._tools.timeout_s):
            return await asyncio.shield(work)

    @contextmanager
    def _listening(self, hear: Callable[[Asdu], None]) -> Iterator[None]:
        self._listeners.append(hear)
        try:
            yield
        finally:
            self._listeners.remove(hear)

    async def _or_broken(self, work: asyncio.Future[T]) -> T:
        """Wait for the work, or say that the connection is gone."""
        task = self._task
        if task is None:
            raise LinkError("connection is closed", thing=self._endpoint.host)
        try:
            await asyncio.wait((work, task), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise LinkError("connection is lost", thing=self._endpoint.host)
            return work.result()
        finally:
            work.cancel()

    def _send(self, asdu: Asdu) -> None:
        if self._link is None or self._writer is None:
            raise LinkError("connection is closed", thing=self._endpoint.host)
        self._link.send(asdu, asyncio.get_running_loop().time())
        self._flush()

    def send(self, asdu: Asdu) -> None:
        """Send a message that nobody waits for, such as the clock.

        Raises:
            LinkError: There is no connection.
        """
        self._send(asdu)

    def _flush(self) -> None:
        if self._link is not None and self._writer is not None:
            data = self._link.output()
            if data:
                self.bytes_down += len(data)
                self._writer.write(data)

    async def _run(self, started: asyncio.Future[None]) -> None:
        """Connect and serve the connection until it breaks."""
        error: Exception = LinkError("connection is closed", thing=self._endpoint.host)
        try:
            await self._serve(started)
        except (OSError, LinkError, TimeoutError) as broken:
            error = broken
        finally:
            if self._task is asyncio.current_task():
                self._cut()
            if not started.done():
                started.set_exception(error)

    async def _serve(self, started: asyncio.Future[None]) -> None:
        end, loop = self._endpoint, asyncio.get_running_loop()
        async with asyncio.timeout(end.limits.t0_s):
            reader, self._writer = await asyncio.open_connection(end.host, end.port)
        for values in self.stations.values():
            values.forget()
        self.bytes_up = self.bytes_down = 0
        link = self._link = Link(controlling=True, limits=end.limits, now_s=loop.time())
        link.start(loop.time())
        while True:
            self._flush()
            # Others send too and so move the deadline: look at it once a second.
            due = min(link.deadline_s, loop.time() + 1.0)
            try:
                async with asyncio.timeout_at(due):
                    data = await reader.read(_CHUNK)
            except TimeoutError:
                await self._on(link.tick(loop.time()), started)
                continue
            if not data:
                raise LinkError("station has closed the connection", thing=end.host)
            self.bytes_up += len(data)
            await self._on(link.received(data, loop.time()), started)
            await self._on(link.tick(loop.time()), started)

    async def _on(self, events: list[Event], started: asyncio.Future[None]) -> None:
        late = SampleBatch()
        for event in events:
            match event:
                case Arrived(asdu=asdu):
                    self._arrived(asdu, late)
                case Refused(data=data):
                    self._count_refused(data)
                case Started():
                    if not started.done():
                        started.set_result(None)
                case Broken(error=error, damaged=damaged):
                    if damaged:
                        self._damage = DamagedError(error.message, thing=self._endpoint.host)
                    raise error
                case _:
                    pass
        if len(late):
            await self._tools.keep_late(last_of_each(late))

    def _arrived(self, asdu: Asdu, late: SampleBatch) -> None:
        values = self.stations.get(asdu.station)
        if values is not None:
            if asdu.type == _INITIALISED:
                values.forget()  # it has just been started: ask anew
            values.take(asdu, late)
        for hear in tuple(self._listeners):
            hear(asdu)

    def _count_refused(self, data: bytes) -> None:
        station = int.from_bytes(data[4:6], "little") if len(data) >= 6 else -1
        code = self.codes.get(station) or next(iter(self.codes.values()), "")
        if code:
            self._tools.stats.failed(code, "malformed")

    def reset(self) -> None:
        """Cut the connection; the next read makes a new one."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._cut()

    def _cut(self) -> None:
        writer, self._writer, self._link = self._writer, None, None
        if writer is not None:
            writer.close()

    def close(self) -> None:
        """Close the connection for good."""
        self.reset()
