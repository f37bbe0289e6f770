"""A line as bytes: where it is, how it is set up, and what arrives on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

MOST_BYTES = 1024
"""More than the longest frame; what comes beyond it is thrown away."""
BITS_A_BYTE = 11
"""With start, parity and stop bit."""
_LONGEST_FRAME = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class LineSettings:
    """Where a line is and how it is set up."""

    host: str
    """Address, or a serial port that begins with `/`."""
    port: int
    """TCP port; 0 for serial ports."""
    baud: int = 9600
    """Bits a second; behind a DTU it tells how long a frame may take."""
    parity: str = "N"
    """N, E or O."""
    bits: int = 8
    """Data bits."""
    stop: int = 1
    """Stop bits."""
    quiet_s: float = 0.0
    """Least silence before a question, machine time."""
    echo: bool = False
    """Whether what is sent comes back before the answer."""

    @property
    def frame_s(self) -> float:
        """How long the longest frame is on the wire."""
        return _LONGEST_FRAME * BITS_A_BYTE / self.baud


class LinePort(asyncio.Protocol):
    """Collects what arrives while somebody waits for it."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.arrived = asyncio.Event()
        self.waiting = False
        self.lost = False
        self.last_s = 0.0
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Keep what arrives for whoever waits."""
        self.last_s = self._loop.time()
        if self.waiting and len(self.buffer) < MOST_BYTES:
            self.buffer += data
        self.arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        del exc
        self.lost = True
        self.arrived.set()


async def open_line(settings: LineSettings) -> tuple[asyncio.Transport, LinePort]:
    """Open a line.

    Raises:
        OSError: It cannot be opened or set up.
    """
    loop = asyncio.get_running_loop()
    if not settings.host.startswith("/"):
        return await loop.create_connection(LinePort, settings.host, settings.port)
    # Only gateways with a serial port need these.
    import termios

    from serial_asyncio_fast import create_serial_connection

    try:
        transport, port = await create_serial_connection(
            loop, LinePort, settings.host, baudrate=settings.baud, parity=settings.parity,
            bytesize=settings.bits, stopbits=settings.stop,
        )  # fmt: skip
    except (ValueError, termios.error) as error:
        raise OSError(f"serial port cannot be set up: {error}") from error
    return cast(asyncio.Transport, transport), cast(LinePort, port)
