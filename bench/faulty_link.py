"""A network one can break: a TCP relay in user space that cuts, stalls, loses and delays.

What TCP makes of lost packets is what its users see: the stream stops until the packet has been
sent again. So a "lost" piece is one that waits for a retransmission, and all behind it waits too.
"""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

_PIECE = 1400
_RETRANSMIT_S = (0.2, 1.0)


class FaultyLink:
    """Relays connections to one port of this machine.

    Args:
        target_port: Where connections really go.
        rng: Draws losses and delays.
    """

    def __init__(self, target_port: int, rng: Random | None = None) -> None:
        self.target_port = target_port
        self._rng = rng or Random(0)
        self._loss = self._jitter_s = 0.0
        self._cut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.relayed = 0
        """Bytes relayed."""
        self.lost = 0
        """Pieces that had to wait for a retransmission."""

    @property
    def port(self) -> int:
        """Port to connect to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self._break()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._cut = True
        self._break()

    def stall(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._flowing.clear()

    def lossy(self, share: float, jitter_s: float) -> None:
        """Lose a share of the packets and delay every one by up to `jitter_s`."""
        self._loss, self._jitter_s = share, jitter_s

    def heal(self) -> None:
        """Be an ordinary network again; what stalled is passed on."""
        self._cut, self._loss, self._jitter_s = False, 0.0, 0.0
        self._flowing.set()

    def _break(self) -> None:
        for writer in tuple(self._writers):
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._cut:
                await self._relay(reader, writer)
        except OSError:
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._writers.add(far_writer)
        ways = [
            asyncio.create_task(self._one_way(reader, far_writer)),
            asyncio.create_task(self._one_way(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._flowing.wait()
            delay_s = self._jitter_s * self._rng.random()
            if self._loss and self._rng.random() < self._loss:
                self.lost += 1
                delay_s += self._rng.uniform(*_RETRANSMIT_S)
            if delay_s:
                await asyncio.sleep(delay_s)
            writer.write(data)
            await writer.drain()
            self.relayed += len(data)
