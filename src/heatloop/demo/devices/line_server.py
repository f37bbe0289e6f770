"""Devices on a line as seen from its other end: bytes in, at most one answer out.

The line is a TCP port (what a DTU or converter offers) or a serial port (`/dev/...`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from heatloop.demo.devices.face import Face
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters

Take = Callable[[bytes], tuple[bytes, int] | None]
"""Returns the question that bytes begin with and its end, None while it is incomplete."""
Answer = Callable[[bytes], bytes]
"""Returns what goes out; empty: nobody here is meant, or nobody answers."""
_MOST_BYTES = 1024


def line_parameters(faces: Sequence[Face]) -> str:
    """Return the parameters of the first device of a line: they set it up."""
    return next((face.device.parameters for face in faces), "")


class _Connection(asyncio.Protocol):
    def __init__(self, server: LineServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._transport is not None:
            self._server.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        answers: list[bytes] = []
        while buffer:
            try:
                found = self._server.take(buffer)
            except InputError:
                # A device ignores what it cannot read and waits for the next question.
                buffer = b""
                break
            if found is None:
                break
            question, end = found
            buffer = buffer[end:]
            answers.append(self._server.answer(question))
        self._buffer = buffer[-_MOST_BYTES:]
        out = b"".join(answers)
        if out and self._transport is not None:
            self._transport.write(out)


class LineServer:
    """Answers for the devices of one line.

    Args:
        take: Cuts questions out of bytes.
        answer: Answers them.
    """

    def __init__(self, take: Take, answer: Answer) -> None:
        self.take, self.answer = take, answer
        self.connections: set[asyncio.Transport] = set()
        self.port = 0
        """The TCP port it listens on; 0 on a serial line."""
        self._server: asyncio.Server | None = None

    async def start(
        self, host: str, port: int, parameters: str = "", *, baud: str = "2400", parity: str = "E"
    ) -> None:
        """Begin to answer.

        Args:
            host: Address, or a serial port that begins with `/`.
            port: TCP port, 0 for any.
            parameters: Those of a device on the line: baud and parity of a serial port.
            baud: Speed where they name none.
            parity: Parity where they name none.

        Raises:
            OSError: The port cannot be had.
        """
        loop = asyncio.get_running_loop()
        if host.startswith("/"):
            # Only demo lines on a serial port need the library.
            from serial_asyncio_fast import create_serial_connection

            given = field_parameters(parameters)
            await create_serial_connection(
                loop, lambda: _Connection(self), host, baudrate=int(given.get("baud", baud)),
                parity=given.get("parity", parity),
            )  # fmt: skip
            return
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for transport in tuple(self.connections):
            transport.abort()
        if self._server is not None:
            await self._server.wait_closed()
