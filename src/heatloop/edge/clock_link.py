"""Plant time from the process that publishes it: one shared clock, or ticks in lockstep.

JSON lines over a Unix socket. From the server: `clock` {epoch, origin_machine_s, origin_plant_s,
speed, lockstep} at once and at every change, `tick` {slot}. To the server: `hello` {name,
lockstep}, `done` {name, slot}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.kernel.clock import ClockState, SharedClock
from heatloop.kernel.errors import LinkError

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)


class ClockLink:
    """Follows the published clock, and answers ticks if it takes part in lockstep.

    Args:
        path: The publisher's Unix socket; None: nobody publishes, plant time is machine time.
        name: Who this is: a gateway code, or a process name.
        clock: Set to what is published.
        lockstep: Whether ticks wait for this process.
    """

    def __init__(
        self, path: Path | None, name: str, clock: SharedClock, *, lockstep: bool = False
    ) -> None:
        self.clock, self.tick, self.changes = clock, -1, 0
        self.ready = asyncio.Event()
        self._path, self._name, self._lockstep = path, name, lockstep
        self._change = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._log = LinkLog(_LOG, f"{name} to clock")
        if path is None:
            self.ready.set()

    @property
    def stepped(self) -> bool:
        """Whether time moves by ticks now."""
        return self.clock.state.lockstep

    async def changed(self, timeout_s: float) -> None:
        """Wait for a new tick or clock state, at most so long (machine time)."""
        event = self._change
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()

    async def done(self, slot: int) -> None:
        """Report a tick done; a link that broke meanwhile asks for the tick again."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._say(self._writer, {"type": "done", "name": self._name, "slot": slot})

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()

    async def run(self) -> None:
        """Follow for ever; returns at once if nobody publishes."""
        if self._path is None:
            return
        backoff = Backoff(0.1, 2.0)
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError as error:
                self._log.broken(error)
            else:
                backoff.succeeded()
                try:
                    await self._follow(reader, writer)
                except (OSError, LinkError, ValueError, KeyError, TypeError) as error:
                    self._log.broken(error)
                finally:
                    self._writer = None
                    writer.close()
            await asyncio.sleep(backoff.failed(0.0))

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = {"type": "hello", "name": self._name, "lockstep": self._lockstep}
        await self._say(writer, hello)
        self._writer = writer
        while line := await reader.readline():
            message = json.loads(line)
            if message["type"] == "clock":
                fields = {k: v for k, v in message.items() if k != "type"}
                state = ClockState(**fields)
                if not self.ready.is_set() or state.epoch < self.clock.state.epoch:
                    self.clock.state = state  # a publisher begun anew counts epochs anew
                self.clock.set(state)
                self._log.healed()
                self.ready.set()
            elif message["type"] == "tick":
                self._tick(int(message["slot"]))
            else:
                continue
            self.changes += 1
            event, self._change = self._change, asyncio.Event()
            event.set()
        raise LinkError("clock publisher went away", thing=str(self._path))

    def _tick(self, slot: int) -> None:
        self.tick = slot
        state = self.clock.state
        self.clock.state = ClockState(
            epoch=state.epoch,
            origin_machine_s=state.origin_machine_s,
            origin_plant_s=float(slot),
            speed=0.0,
            lockstep=True,
        )
        self.ready.set()
