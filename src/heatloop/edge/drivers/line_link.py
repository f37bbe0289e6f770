"""One device's share of a line: its parameters, its turns, its questions counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from heatloop.edge.drivers.line import Line, Take
from heatloop.edge.drivers.line_port import LineSettings
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import DriverTools
from heatloop.plant.model import Device

F = TypeVar("F")
R = TypeVar("R")
_LINE = ("baud", "parity", "bits", "stop", "quiet", "echo", "timeout", "retries")
_BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_MAX_TIMEOUT_S = 30.0
_ALONE_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """What a protocol uses where a device's parameters say nothing."""

    baud: int = 9600
    """Bits a second."""
    parity: str = "N"
    """N, E or O."""
    quiet_bits: float = 0.0
    """Silence between frames, in bits."""


class LineLink:
    """What a driver needs to talk to its device on a line.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.
        usual: What the protocol uses.
        own: Names of the protocol's own parameters.

    Raises:
        ConfigError: A parameter is wrong, or another device sets up the line differently.
    """

    def __init__(
        self, device: Device, tools: DriverTools, usual: Usual, own: tuple[str, ...] = ()
    ) -> None:
        self._device, self._tools = device, tools
        self.parameters = Parameters(device, (*_LINE, *own))
        self.timeout_s = self.parameters.number("timeout", tools.timeout_s, 0.05, _MAX_TIMEOUT_S)
        self.retries = int(self.parameters.number("retries", 0, 0, 3))
        self._alone_until_s = 0.0
        settings = self._settings(usual)
        key = ("line", device.host, device.port)
        self.line: Line = tools.shared.get(key, lambda: Line(settings, tools.timeout_s))
        if self.line.settings != settings:
            raise self.parameters.wrong(
                f"another device sets up the line {self.line.name} differently",
                "give all devices of a line the same baud, parity, bits, stop, quiet and echo",
            )

    def _settings(self, usual: Usual) -> LineSettings:
        given = self.parameters
        baud = int(given.choice("baud", str(usual.baud), tuple(map(str, _BAUDS))))
        return LineSettings(
            host=self._device.host,
            port=self._device.port,
            baud=baud,
            parity=given.choice("parity", usual.parity, ("N", "E", "O")),
            bits=int(given.choice("bits", "8", ("7", "8"))),
            stop=int(given.choice("stop", "1", ("1", "2"))),
            quiet_s=given.number("quiet", 1000.0 * usual.quiet_bits / baud, 0.0, 2000.0) / 1000.0,
            echo=given.flag("echo", default=False),
        )

    async def turn(self) -> asyncio.Lock:
        """Return the lock of the line, once a late answer of this device can no longer come.

        It is held for a conversation: `async with await link.turn():`.
        """
        rest_s = self._alone_until_s - asyncio.get_running_loop().time()
        if rest_s > 0.0:
            await asyncio.sleep(rest_s)
        return self.line.turn

    async def ask(
        self, request: bytes, take: Take[F], mine: Callable[[F], bool] = lambda frame: True
    ) -> F:
        """Send a question and return the answer, counted; the caller has the turn.

        Raises:
            TimeoutError: Nothing came, even when asked again.
            DamagedError: What came is no frame.
            LinkError: There is no connection.
        """
        code, stats = self._device.code, self._tools.stats
        left = self.retries
        while True:
            stats.asked(code)
            try:
                answer = await self.line.exchange(
                    request, take, timeout_s=self.timeout_s, mine=mine
                )
            except TimeoutError:
                if not left:
                    now_s = asyncio.get_running_loop().time()
                    self._alone_until_s = now_s + min(2.0 * self.timeout_s, _ALONE_S)
                    raise
                left -= 1
                stats.failed(code, "timeout")
                continue
            stats.answered(code, answer.rtt_s, answer.size, len(request))
            return answer.frame

    async def talk(
        self,
        session: Generator[bytes, bytes, R],
        take: Take[bytes],
        mine: Callable[[bytes], bool] = lambda frame: True,
    ) -> R:
        """Run a conversation that yields questions and takes answers; the caller has the turn.

        Raises:
            TimeoutError: An answer did not come.
            DamagedError: What came is no frame.
            LinkError: There is no connection.
            InputError: The device refuses, or answers something else.
        """
        request = next(session)
        while True:
            answer = await self.ask(request, take, mine)
            try:
                request = session.send(answer)
            except StopIteration as end:
                result: R = end.value
                return result

    def drop(self) -> None:
        """Throw away what is still on the way; others share the line, so it stays open."""
        self.line.disturb()
