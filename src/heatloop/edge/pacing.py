"""When a slot is due, and how far the gateway may run ahead of the platform in lockstep."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from heatloop.edge.spool import Spool

COLLAPSE_SPEED = 10.0
_LATE_S = 5.0
_PUT_BACK_S = 120.0


def due_slot(now_s: float, tick_s: int, last_slot: int, speed: float) -> int:
    """Return the next slot to poll: the present one, or one to wait for.

    A slot is polled once, unless the clock was put back by minutes: then slots are polled again
    (the store keeps one value a slot), since the alternative is to be blind until time catches up.

    Args:
        now_s: Plant time.
        tick_s: Distance of slots.
        last_slot: Last slot polled.
        speed: Plant seconds a machine second.
    """
    slot = int(now_s // tick_s) * tick_s
    # A slot may be begun a little late; later, its values would be those of another time.
    if now_s - slot > min(float(tick_s), max(_LATE_S, speed)):
        slot += tick_s
    if last_slot - now_s > max(_PUT_BACK_S, COLLAPSE_SPEED * speed):
        return slot
    return max(slot, last_slot // tick_s * tick_s + tick_s)


class Online(Protocol):
    """Knows whether the platform can be reached."""

    @property
    def online(self) -> bool:
        """Whether it can."""


class Pace:
    """Holds ticks back while the platform lags, unless it stays away for long.

    Args:
        spool: What the platform has not yet.
        uplink: Whether it is there at all.
        patience_s: How long one tick waits for a platform that is away, machine time; those
            after it do not wait until it is back.
    """

    def __init__(self, spool: Spool, uplink: Online, *, patience_s: float = 60.0) -> None:
        self._spool, self._uplink, self.patience_s = spool, uplink, patience_s
        self._acked = asyncio.Event()
        self._patient = True

    def acked(self) -> None:
        """Say that the platform acknowledged something."""
        self._acked.set()

    async def keep(self, rows: int) -> None:
        """Return when at most so many rows wait in the spool, or the platform is given up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience_s
        while self._spool.rows > rows:
            if not self._uplink.online and (not self._patient or loop.time() >= deadline):
                self._patient = False
                return
            self._acked.clear()
            if self._spool.rows > rows:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._acked.wait()
        self._patient = True
