"""The only entrance for field data: envelope in, acknowledgement out once it is safe.

Envelopes that wait are taken together: verified one by one, checked in one vectorised pass, and
handed to the historian, which commits groups. Several groups are on their way at a time; they
are acknowledged in order, so an acknowledgement covers everything before it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from heatloop.app.envelopes import Opened, open_envelope
from heatloop.app.links import GatewayLine
from heatloop.app.loop import Examined, Loop
from heatloop.kernel.clock import machine_s
from heatloop.kernel.envelope import Envelope, decode
from heatloop.kernel.errors import InputError
from heatloop.kernel.messages import Ack

_log = structlog.get_logger("heatloop.intake")
_ROWS_A_GROUP = 20_000
_ROWS_INLINE = 2_000
_GROUPS_AT_A_TIME = 4
_WAITING_BYTES = 32 * 1024 * 1024

Persist = Callable[[list[Ack]], Awaitable[None]]
_Acks = dict[GatewayLine, dict[int, int]]


@dataclass(slots=True)
class Figures:
    """What passed the intake since the start, for health and benchmarks."""

    envelopes: int = 0
    rows: int = 0
    notes: int = 0
    refused: int = 0
    rejected_rows: int = 0
    repeated: int = 0


class Intake:
    """Takes the envelopes of all links.

    Args:
        loop: What happens with what was in them.
        persist: Writes down acknowledged sequences; they are sent when it returns.
        now_s: Plant time, told with every acknowledgement so that gateways can judge their clocks.
    """

    def __init__(
        self, loop: Loop, persist: Persist, now_s: Callable[[], float] | None = None
    ) -> None:
        self.figures = Figures()
        """What passed so far."""
        self._loop, self._persist, self._now_s = loop, persist, now_s
        self._queue: deque[tuple[GatewayLine, Envelope]] = deque()
        self._waiting_bytes = 0
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._under_way: deque[tuple[_Acks, asyncio.Task[None]]] = deque()
        self._started, self._slots = asyncio.Event(), asyncio.Semaphore(_GROUPS_AT_A_TIME)

    async def take(self, lines: dict[str, GatewayLine], data: bytes) -> None:
        """Put an envelope in line; waits while too much is waiting already.

        Args:
            lines: Gateways that are signed in on the link it came over.
            data: The envelope's bytes.
        """
        try:
            envelope = decode(data)
            line = lines.get(envelope.gateway)
            if line is None:
                raise InputError("gateway is not signed in on this link", thing=envelope.gateway)
        except InputError as error:
            await self._malformed(lines, data, error)
            return
        line.heard_s = machine_s()
        while self._waiting_bytes > _WAITING_BYTES:
            self._room.clear()
            await self._room.wait()
        self._queue.append((line, envelope))
        self._waiting_bytes += len(envelope.body)
        self._arrived.set()

    async def _malformed(
        self, lines: dict[str, GatewayLine], data: bytes, error: InputError
    ) -> None:
        """Set something aside that is no envelope of this link, and hang up."""
        self.figures.refused += 1
        gateway = next(iter(lines), "")
        await self._loop.set_aside(gateway, "malformed", f"{error} ({len(data)} bytes)", 0)
        for line in lines.values():
            await line.drop(error.message)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._acknowledge())
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._queue:
                    await self._slots.acquire()
                    self._under_way.append(await self._start(self._next()))
                    self._started.set()

    def _next(self) -> list[tuple[GatewayLine, Envelope]]:
        group: list[tuple[GatewayLine, Envelope]] = []
        rows = 0
        while self._queue and (not group or rows + self._queue[0][1].count <= _ROWS_A_GROUP):
            line, envelope = self._queue.popleft()
            rows += envelope.count
            self._waiting_bytes -= len(envelope.body)
            if line.open:
                group.append((line, envelope))
        self._room.set()
        return group

    async def _start(
        self, group: list[tuple[GatewayLine, Envelope]]
    ) -> tuple[_Acks, asyncio.Task[None]]:
        owners = self._loop.owners

        def examine() -> Examined:
            opened = [open_envelope(line, envelope, owners) for line, envelope in group]
            return self._loop.examine(opened)

        # Thousands of rows would hold up the loop; a few are not worth a thread. Groups are
        # examined one after the other either way, as sequences and checks need it.
        rows = sum(envelope.count for _, envelope in group)
        examined = await asyncio.to_thread(examine) if rows > _ROWS_INLINE else examine()
        acks: _Acks = {}
        for one in examined.opened:
            self._count(one)
            if one.trusted:
                epochs = acks.setdefault(one.line, {})
                epoch = one.envelope.epoch
                epochs[epoch] = max(epochs.get(epoch, 0), one.envelope.last)
        await self._tell_problems(examined.opened)
        self.figures.rows += len(examined.accepted.keys)
        self.figures.rejected_rows += examined.rejected
        return acks, asyncio.create_task(self._loop.take(examined))

    def _count(self, one: Opened) -> None:
        figures = self.figures
        figures.envelopes += 1
        if one.problem:
            figures.refused += 1
        elif one.notes is not None:
            figures.notes += len(one.notes)
        elif one.columns is None:
            figures.repeated += 1

    async def _tell_problems(self, opened: list[Opened]) -> None:
        for one in opened:
            if one.missing:
                detail = f"{one.missing} rows before {one.envelope.first} are gone at the gateway"
                await self._loop.set_aside(one.line.gateway, "rows_lost", detail, one.missing)
            if not one.problem:
                continue
            _log.warning("envelope refused", gateway=one.line.gateway, reason=one.problem)
            await self._loop.set_aside(
                one.line.gateway, one.problem, one.detail, one.envelope.count
            )
            await one.line.send(
                {"type": "quarantined", "first": one.envelope.first, "reason": one.problem}
            )
            if not one.trusted:
                await one.line.drop(one.detail)

    async def _acknowledge(self) -> None:
        """Acknowledge groups in order, as many at a time as are safe."""
        while True:
            while not self._under_way:
                self._started.clear()
                await self._started.wait()
            acks: _Acks = {}
            await self._under_way[0][1]
            while self._under_way and self._under_way[0][1].done():
                group, stored = self._under_way.popleft()
                stored.result()
                self._slots.release()
                for line, epochs in group.items():
                    known = acks.setdefault(line, {})
                    for epoch, through in epochs.items():
                        known[epoch] = max(known.get(epoch, 0), through)
            await self._persist(
                [
                    Ack(gateway=line.gateway, epoch=epoch, through=through)
                    for line, epochs in acks.items()
                    for epoch, through in epochs.items()
                ]
            )
            now = {} if self._now_s is None else {"now": self._now_s()}
            for line, epochs in acks.items():
                for epoch, through in epochs.items():
                    await line.send({"type": "ack", "epoch": epoch, "through": through, **now})
