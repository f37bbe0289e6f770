"""A line of meters for a probe: questions one after another, serial or through a DTU."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from heatloop.edge.drivers.line import Line, LineSettings, Take
from heatloop.edge.probe.model import Target
from heatloop.kernel.errors import InputError

F = TypeVar("F")
R = TypeVar("R")
OPTIONS = ("baud", "parity", "timeout")
_BITS_OF_SILENCE = 33.0


class Talk:
    """Asks the devices of a line.

    Args:
        target: Where it is; options `baud`, `parity` and `timeout` (ms) set it up.
    """

    def __init__(self, target: Target) -> None:
        baud = target.whole("baud", 2400, 300, 115200)
        parity = target.options.get("parity", "E")
        if parity not in ("N", "E", "O"):
            raise InputError("no such parity", thing=parity, fix="use N, E or O")
        self.timeout_s = target.whole("timeout", round(1000 * target.timeout_s), 50, 30_000) / 1e3
        settings = LineSettings(
            host=target.host,
            port=target.port,
            baud=baud,
            parity=parity,
            quiet_s=_BITS_OF_SILENCE / baud if target.host.startswith("/") else 0.0,
        )
        self._line = Line(settings, max(self.timeout_s, 1.0))

    async def ask(
        self,
        request: bytes,
        take: Take[F],
        mine: Callable[[F], bool] = lambda frame: True,
        timeout_s: float | None = None,
    ) -> F:
        """Return the answer to a question.

        Raises:
            TimeoutError: Nothing came.
            LinkError: There is no connection, or what came is no frame.
        """
        async with self._line.turn:
            answer = await self._line.exchange(
                request, take, timeout_s=timeout_s or self.timeout_s, mine=mine
            )
        return answer.frame

    async def session(
        self,
        session: Generator[bytes, bytes, R],
        take: Take[bytes],
        mine: Callable[[bytes], bool] = lambda frame: True,
    ) -> R:
        """Run a conversation that yields questions and takes answers.

        Raises:
            TimeoutError: An answer did not come.
            LinkError: There is no connection, or what came is no frame.
            InputError: The device refuses.
        """
        request = next(session)
        while True:
            answer = await self.ask(request, take, mine)
            try:
                request = session.send(answer)
            except StopIteration as end:
                result: R = end.value
                return result

    def close(self) -> None:
        """Close the line."""
        self._line.close()
