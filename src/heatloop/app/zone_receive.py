"""The receiving end of a stream between zones: verifies, orders, applies, shows gaps.

It has no way to answer. What is refused changes nothing, is written down and counted; a batch
that is missing shows as a gap until the next snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from heatloop.app.zone_events import GAP, REFUSED, STREAM_SILENT, ZoneEvents
from heatloop.app.zone_keys import ZoneKeys
from heatloop.app.zone_settings import ZoneSettings
from heatloop.bridge.feed_files import DropReader
from heatloop.bridge.feed_frame import SNAPSHOT, Batch, open_batch
from heatloop.bridge.feed_order import Cursor, Order
from heatloop.bridge.feed_schema import FeedRefused
from heatloop.bridge.feed_udp import Joiner, address_of, datagram_key
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, InputError, LinkError

_log = structlog.get_logger("heatloop.zones")
_LOOK_S = 0.25
_MOST_WAITING = 60_000
_BUFFER = 8 * 2**20
_WATCH_S = 1.0

Apply = Callable[[Batch], Awaitable[None]]


@dataclass(kw_only=True, slots=True)
class ReceiverFigures:
    """What came."""

    batches: int = 0
    """Batches taken."""
    records: int = 0
    """Records in them."""
    points: int = 0
    """Values in them."""
    refused: int = 0
    """Batches refused."""
    last_s: float = 0.0
    """Machine time the last batch was taken, 0 for none."""
    issued_s: float = 0.0
    """When that batch was issued, clock of the sender."""
    silent: bool = False
    """Whether the stream is silent for too long."""
    delay_s: float = 0.0
    """From issue to effect of the last batch, if the clocks agree."""
    carriers: dict[str, float] = field(default_factory=dict)
    """Machine time something genuine last came by each carrier."""


class Receiver:
    """Takes one stream in until cancelled.

    Args:
        stream: `feed` or `gate`.
        keys: Keys of the pair.
        settings: Ages and patience.
        events: Where refusals, gaps and silence are written.
        apply: Takes a batch that is in order; raises `FeedRefused` if it cannot.
        alive: Told when a silent stream speaks again.
        cursor: Where the stream stood before a restart.
        heals: Sections a snapshot must have to heal gaps.
    """

    def __init__(
        self,
        stream: str,
        keys: ZoneKeys,
        settings: ZoneSettings,
        events: ZoneEvents,
        apply: Apply,
        *,
        alive: Callable[[], None] = lambda: None,
        cursor: Cursor | None = None,
        heals: tuple[str, ...] = (),
    ) -> None:
        self._stream, self._keys, self._settings = stream, keys, settings
        self._events, self._apply = events, apply
        self._ring, self._alive = keys.ring(), alive
        self.order = Order(settings.max_age_s, settings.skew_s, cursor)
        self._restart = self.order.cursor
        self._heals = frozenset(heals)
        self._lock = asyncio.Lock()
        self._pending: set[str] = set()
        self._started_s = machine_s()
        self.figures = ReceiverFigures()
        """Counts."""
        self.joiner: Joiner | None = None
        """Of the datagram carrier, if there is one."""
        self.listening: tuple[str, int] | None = None
        """Where datagrams are listened for."""

    @property
    def age_s(self) -> float:
        """Return for how long nothing was taken, machine time."""
        return max(0.0, machine_s() - (self.figures.last_s or self._started_s))

    async def take(self, blob: bytes, carrier: str) -> bool:
        """Judge and apply what a carrier brought; return whether it was taken."""
        async with self._lock:
            try:
                batch = await asyncio.to_thread(
                    open_batch, blob, self._stream, self._ring, self._keys.seal_keys
                )
                now_s = machine_s()
                gap = self.order.take(batch, now_s, carrier)
            except FeedRefused as error:
                if error.reason == "replay" and not error.detail:
                    self.figures.carriers[carrier] = machine_s()
                    return True
                await self.refuse(error.reason, f"{carrier}: {error.detail or error.message}")
                return False
            try:
                await self._apply(batch)
            except (FeedRefused, InputError) as error:
                reason = error.reason if isinstance(error, FeedRefused) else "schema"
                await self.refuse(reason, f"{carrier}: {error}")
                return False
            await self._taken(batch, carrier)
            if gap is not None:
                detail = f"batches {gap.first} to {gap.last} of {gap.epoch}"
                await self._events.begin(GAP, self._stream, detail)
            if self.order.gaps and self._healing(batch):
                self.order.healed()
                await self._events.end(GAP, self._stream)
            return True

    def _healing(self, batch: Batch) -> bool:
        """Return whether a batch tells all that missing ones told; a gate's gap is never healed."""
        return (
            batch.head.kind == SNAPSHOT
            and bool(self._heals)
            and self._heals <= set(batch.head.sections)
        )

    async def _taken(self, batch: Batch, carrier: str) -> None:
        figures, now_s = self.figures, machine_s()
        figures.batches += 1
        figures.records += len(batch.records)
        figures.points += len(batch.points.keys)
        figures.last_s = figures.carriers[carrier] = now_s
        figures.issued_s = batch.head.issued_s
        figures.delay_s = max(0.0, now_s - batch.head.issued_s)
        if figures.silent:
            figures.silent = False
            await self._events.end(STREAM_SILENT, self._stream)
            self._alive()

    async def refuse(self, reason: str, detail: str) -> None:
        """Write down that something was refused."""
        self.figures.refused += 1
        await self._events.note(f"{REFUSED}.{reason}", self._stream, detail)

    async def watch(self) -> None:
        """Raise the alarm when the stream is silent for too long."""
        while True:
            figures = self.figures
            if not figures.silent and self.age_s > self._settings.silent_s:
                figures.silent = True
                detail = f"nothing for {self.age_s:.0f} s"
                await self._events.begin(STREAM_SILENT, self._stream, detail)
            await asyncio.sleep(_WATCH_S)

    async def read_folder(self, folder: Path, durable: Callable[[], Awaitable[None]]) -> None:
        """Take what appears in an inbox; a file goes only when its effect is written down.

        Args:
            folder: The inbox; it may not be there yet.
            durable: Writes the effect of all batches so far down.
        """
        reader, failing, first = DropReader(folder, self._stream), "", True
        while True:
            try:
                taken = await self._sweep(reader, durable, quiet=first)
                first, failing = False, ""
                if taken:
                    continue
            except (OSError, HeatloopError) as error:
                if str(error) != failing:
                    failing = str(error)
                    _log.error("inbox failed", folder=str(folder), error=failing)
            await asyncio.sleep(_LOOK_S)

    async def _sweep(
        self, reader: DropReader, durable: Callable[[], Awaitable[None]], *, quiet: bool
    ) -> int:
        found = await asyncio.to_thread(lambda: list(reader.read()))
        # What was taken and could not be removed is no replay when it is met again.
        done = [name for name, _ in found if name in self._pending]
        for name, blob in found:
            if name in self._pending:
                continue
            if blob is None:
                await self.refuse("unreadable", f"file: {name[:100]}")
                await asyncio.to_thread(reader.set_aside, name)
            elif (quiet and await self._left_over(blob)) or await self.take(blob, "file"):
                done.append(name)
                self._pending.add(name)
            else:
                await asyncio.to_thread(reader.set_aside, name)
        if done:
            await durable()
            for name in done:
                await asyncio.to_thread(reader.remove, name)
                self._pending.discard(name)
        return len(found)

    async def _left_over(self, blob: bytes) -> bool:
        """Return whether a file was taken before a kill and only not removed any more."""
        try:
            batch = await asyncio.to_thread(
                open_batch, blob, self._stream, self._ring, self._keys.seal_keys
            )
        except FeedRefused:
            return False
        start = self._restart
        return batch.head.epoch == start.epoch and batch.head.seq <= start.seq

    async def listen(self, address: str) -> None:
        """Take datagrams in; this end never sends one.

        Raises:
            LinkError: The address cannot be listened on.
        """
        host, port = address_of(address)
        waiting: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        inlet = socket.socket(family, socket.SOCK_DGRAM)
        try:
            inlet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            inlet.setblocking(False)
            inlet.bind((host, port))
        except OSError as error:
            inlet.close()
            raise LinkError(
                "the feed cannot be listened to", thing=address, fix="give a free address"
            ) from error
        self.listening = (str(inlet.getsockname()[0]), int(inlet.getsockname()[1]))
        with contextlib.closing(inlet):
            loop.add_reader(inlet, _drain, inlet, waiting)
            try:
                await self._join(waiting)
            finally:
                loop.remove_reader(inlet)

    async def _join(self, waiting: asyncio.Queue[bytes]) -> None:
        joiner = self.joiner = Joiner(datagram_key(self._keys.seal_key[1]))
        forged = 0
        while True:
            datagrams = [await waiting.get()]
            while not waiting.empty() and len(datagrams) < 2000:
                datagrams.append(waiting.get_nowait())
            now_s = machine_s()
            blobs = await asyncio.to_thread(
                lambda got, at: [joiner.take(each, at) for each in got], datagrams, now_s
            )
            for blob in blobs:
                if blob is not None:
                    await self.take(blob, "udp")
            if joiner.heard.forged > forged:
                detail = f"{joiner.heard.forged - forged} datagrams"
                forged = joiner.heard.forged
                await self._events.note(f"{REFUSED}.datagrams", self._stream, detail)


def _drain(inlet: socket.socket, waiting: asyncio.Queue[bytes]) -> None:
    """Take what waits in the socket; what has no room is lost, as datagrams are."""
    for _ in range(512):
        try:
            datagram = inlet.recv(2048)
        except (BlockingIOError, InterruptedError):
            return
        with contextlib.suppress(asyncio.QueueFull):
            waiting.put_nowait(datagram)
