"""A half-duplex line: one question at a time to one of the devices that share it.

The line is a serial port (`/dev/ttyS1`) or the TCP port of a DTU or converter that passes bytes
through. A device's parameters set it up: `baud=2400 parity=E bits=8 stop=1`, `echo=1` where the
converter sends back what is sent, `quiet=50` for the least silence between frames (ms).

An answer that comes too late is never taken for the next one: what arrives while nobody waits is
thrown away, frames of another device are skipped, and a device that did not answer is left alone
for twice the time it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from heatloop.edge.drivers.line_port import (
    BITS_A_BYTE,
    MOST_BYTES,
    LinePort,
    LineSettings,
    open_line,
)
from heatloop.edge.drivers.port import DamagedError
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.cursor import ChecksumError

__all__ = ["Answer", "Line", "LineSettings", "Take"]

F = TypeVar("F")
Take = Callable[[bytes], tuple[F, int] | None]
"""Returns the frame that bytes begin with and its end, None while it is incomplete."""
_SILENT_BEFORE_RECONNECT = 3
_HUNG_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer(Generic[F]):
    """What came back."""

    frame: F
    """The frame."""
    size: int
    """Its bytes."""
    rtt_s: float
    """From the question to its last byte."""


class Line:
    """One line and whose turn it is.

    Args:
        settings: Where it is.
        timeout_s: Longest wait for a connection.
    """

    def __init__(self, settings: LineSettings, timeout_s: float) -> None:
        self.settings = settings
        self.turn = asyncio.Lock()
        """Held by whoever talks; a conversation may take several questions."""
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._port: LinePort | None = None
        self._failed_s: float | None = None
        self._silences = 0
        self._disturbed = False

    @property
    def name(self) -> str:
        """The line for people."""
        host, port = self.settings.host, self.settings.port
        return host if host.startswith("/") else f"{host}:{port}"

    async def exchange(
        self,
        request: bytes,
        take: Take[F],
        *,
        timeout_s: float,
        mine: Callable[[F], bool] = lambda frame: True,
    ) -> Answer[F]:
        """Send a question and return the answer; the caller holds `turn`.

        Args:
            request: Bytes to send.
            take: Cuts frames; its `InputError` means that what came is damaged.
            timeout_s: Longest wait for the first byte; the frame's own time comes on top.
            mine: Whether a frame answers this question; others are skipped.

        Raises:
            TimeoutError: Nothing came.
            DamagedError: What came is no frame.
            LinkError: There is no connection.
            OSError: The connection broke.
        """
        port = await self._connected()
        await self._quiet(port)
        assert self._transport is not None
        began = asyncio.get_running_loop().time()
        port.buffer.clear()
        port.waiting = True
        self._transport.write(request)
        try:
            skip = request if self.settings.echo else b""
            frame, size = await self._answer(port, take, mine, skip, timeout_s)
        except TimeoutError:
            self._silences += 1
            if self._silences >= _SILENT_BEFORE_RECONNECT:
                self.drop()  # a dead connection looks like this
            raise
        except InputError as error:
            self._disturbed = True
            raise self._damaged(error) from error
        finally:
            port.waiting = False
        self._silences = 0
        return Answer(frame=frame, size=size, rtt_s=asyncio.get_running_loop().time() - began)

    async def send(self, request: bytes) -> None:
        """Send something nobody answers (a broadcast); the caller holds `turn`.

        Raises:
            LinkError: There is no connection.
        """
        port = await self._connected()
        await self._quiet(port)
        assert self._transport is not None
        self._transport.write(request)

    async def _answer(
        self,
        port: LinePort,
        take: Take[F],
        mine: Callable[[F], bool],
        echo: bytes,
        timeout_s: float,
    ) -> tuple[F, int]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        longest = deadline + self.settings.frame_s
        while True:
            if echo and len(port.buffer) >= len(echo):
                if not port.buffer.startswith(echo):
                    raise InputError("what is sent does not come back", fix="set echo=0")
                del port.buffer[: len(echo)]
                echo = b""
            found = take(bytes(port.buffer)) if port.buffer and not echo else None
            if found is not None:
                frame, end = found
                if mine(frame):
                    return frame, end
                del port.buffer[:end]
                continue
            if len(port.buffer) >= MOST_BYTES:
                raise DamagedError("no frame ends", kind="length", thing=self.name)
            if port.lost:
                self.drop()
                raise LinkError("connection is closed by the other side", thing=self.name)
            port.arrived.clear()
            wait_s = (longest if port.buffer else deadline) - loop.time()
            try:
                async with asyncio.timeout(wait_s):
                    await port.arrived.wait()
            except TimeoutError:
                if port.buffer:
                    self._disturbed = True
                    message = f"frame is cut short after {len(port.buffer)} bytes"
                    raise DamagedError(message, kind="length", thing=self.name) from None
                raise TimeoutError("no answer") from None

    def _damaged(self, error: InputError) -> DamagedError:
        kind = "checksum" if isinstance(error, ChecksumError) else "malformed"
        return DamagedError(f"{error.message} ({error.place})", kind=kind, thing=self.name)

    async def _quiet(self, port: LinePort) -> None:
        """Wait until the line is silent, for half a second at most after a damaged frame."""
        loop = asyncio.get_running_loop()
        quiet_s = self.settings.quiet_s
        if self._disturbed:
            quiet_s = max(quiet_s, 0.02, 3.0 * BITS_A_BYTE / self.settings.baud)
        limit = loop.time() + max(quiet_s, _HUNG_S)
        while (rest_s := port.last_s + quiet_s - loop.time()) > 0.0:
            if loop.time() + rest_s > limit:
                self.drop()
                raise DamagedError("the line is never silent", thing=self.name)
            await asyncio.sleep(rest_s)
        self._disturbed = False

    async def _connected(self) -> LinePort:
        if self._port is not None and not self._port.lost:
            return self._port
        self.drop()
        loop = asyncio.get_running_loop()
        # Its devices queue up for a line that is down: one attempt serves all of them.
        if self._failed_s is not None and loop.time() - self._failed_s < self._timeout_s:
            raise LinkError("cannot connect", thing=self.name)
        try:
            async with asyncio.timeout(self._timeout_s):
                transport, port = await open_line(self.settings)
        except (OSError, TimeoutError) as error:
            self._failed_s = loop.time()
            raise LinkError(f"cannot connect: {error}", thing=self.name) from error
        self._failed_s = None
        self._transport, self._port = transport, port
        return port

    def drop(self) -> None:
        """Give up the connection; the next question opens it again."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = self._port = None
        self._silences = 0

    def disturb(self) -> None:
        """Say that stray bytes may be on the way."""
        self._disturbed = True

    def close(self) -> None:
        """Close it for good."""
        self.drop()
