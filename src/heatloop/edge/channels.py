"""The main channel and a spare of another nature: which one carries, and when that changes.

One gateway, one session, one channel at a time: the spare begins when the main channel was away
for a while, and ends when the main channel was well for a while. Nothing depends on the moment
of the change: what is not acknowledged is sent again on the other channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.certificate import LinkWay

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
MAIN, SPARE = "main", "spare"
_LOOK_S = 0.5
_PROBE_S = 10.0

OnChange = Callable[[str, str], Awaitable[None]]


class Way(Protocol):
    """A carrier, as far as choosing goes."""

    reason: str
    """Why it broke the last time."""

    @property
    def online(self) -> bool:
        """Whether it carries."""

    def wake(self) -> None:
        """Say that there is something to send."""

    async def run(self) -> None:
        """Carry until cancelled."""


class MainWay(Way, Protocol):
    """A carrier that can be tried without being used."""

    def use(self, way: LinkWay) -> None:
        """Connect this way from the next time on."""

    async def well(self) -> bool:
        """Return whether the platform answers on it now."""


class Channels:
    """Runs the main channel, and while that is away the spare one.

    Args:
        main: The main channel.
        spare: The spare channel; None: there is none.
        on_change: Called with (channel, reason) after every change.
        failover_s: How long the main channel may be away, machine time.
        failback_s: How long it must be well before it is used again, machine time.
    """

    def __init__(
        self,
        main: MainWay,
        spare: Way | None,
        on_change: OnChange,
        *,
        failover_s: float = 15.0,
        failback_s: float = 60.0,
    ) -> None:
        self._main, self._spare, self._on_change = main, spare, on_change
        self._failover_s, self._failback_s = failover_s, failback_s
        self.current = MAIN
        """`main` or `spare`."""

    @property
    def online(self) -> bool:
        """Whether the channel in use carries."""
        return self._way.online

    @property
    def _way(self) -> Way:
        return self._spare if self.current == SPARE and self._spare is not None else self._main

    def go_by(self, way: LinkWay) -> None:
        """Let the main channel connect this way from the next time on."""
        self._main.use(way)

    def wake(self) -> None:
        """Say that the spool has something new. Call on the event loop."""
        self._way.wake()

    async def run(self) -> None:
        """Carry for ever; ends only by cancellation."""
        if self._spare is None:
            await self._main.run()
            return
        while True:
            await self._use(self._main, self._main_is_away)
            await self._change(SPARE, self._main.reason or "no answer")
            await self._use(self._spare, self._main_is_back)
            await self._change(MAIN, "main channel is well")

    async def _change(self, channel: str, reason: str) -> None:
        self.current = channel
        _LOG.warning("channel changed", channel=channel, reason=reason)
        await self._on_change(channel, reason)

    async def _use(self, way: Way, until: Callable[[], Awaitable[None]]) -> None:
        """Run a channel until it is time for the other one."""
        running = asyncio.create_task(way.run())
        watching = asyncio.ensure_future(until())
        try:
            await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()  # a channel ends only by an error that no trying again heals
            watching.result()
        finally:
            for task in (running, watching):
                task.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)

    async def _main_is_away(self) -> None:
        loop = asyncio.get_running_loop()
        good_s = loop.time()
        while loop.time() - good_s < self._failover_s:
            await asyncio.sleep(_LOOK_S)
            if self._main.online:
                good_s = loop.time()

    async def _main_is_back(self) -> None:
        """Return when the main channel was well for a while, or is well while the spare is not."""
        loop = asyncio.get_running_loop()
        assert self._spare is not None
        since_s: float | None = None
        begun_s = loop.time()
        while True:
            await asyncio.sleep(min(_PROBE_S, self._failback_s / 3))
            if await self._main.well():
                since_s = loop.time() if since_s is None else since_s
                # The spare gets its time to come up, else two bad channels are swapped for ever.
                no_use = not self._spare.online and loop.time() - begun_s > self._failover_s
                if no_use or loop.time() - since_s >= self._failback_s:
                    return
            else:
                since_s = None
