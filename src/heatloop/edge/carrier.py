"""What every way to the platform has in common: sessions, taking in, sending, noticing a stall."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.edge.channel_meter import ChannelMeter
from heatloop.edge.uplink_session import Acked, Inbound, Refused, UplinkSession, Welcomed
from heatloop.kernel.errors import InputError, LinkError

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_TRY_REFUSED_S = 60.0
OnInbound = Callable[[UplinkSession, Inbound], None]


def ignore(session: UplinkSession, inbound: Inbound) -> None:
    """Do nothing with what came in."""
    del session, inbound


class Carrier(ABC):
    """Keeps one link up for its sessions until cancelled.

    Args:
        url: Where the platform is, for people.
        sessions: The gateways on this link.
        on_inbound: Called for every frame that came in, on the event loop; must not block.
        stall_s: No acknowledgement for so long, with envelopes in flight, breaks the link.
        rng: Spreads the waits between attempts.
        meter: Counts what is carried.
    """

    channel = "main"
    """What the gateway calls this way in its hello."""
    broken_by: tuple[type[Exception], ...] = (OSError, LinkError, InputError)
    """What breaks a link and is tried again."""

    def __init__(
        self,
        url: str,
        sessions: Sequence[UplinkSession],
        on_inbound: OnInbound,
        *,
        stall_s: float,
        rng: Random | None,
        meter: ChannelMeter | None,
    ) -> None:
        self._url = url
        self._sessions = {session.gateway: session for session in sessions}
        self._on_inbound, self._stall_s, self._meter = on_inbound, stall_s, meter
        self._work = asyncio.Event()
        name = sessions[0].gateway if sessions else "uplink"
        self._backoff = Backoff(0.2, 10.0, rng)
        self._log = LinkLog(_LOG, f"{name} to {url}")
        self._heard_s = 0.0
        self._refused_s: float | None = None
        self.reason = ""
        """Why the link broke the last time."""

    def wake(self) -> None:
        """Say that a spool has something new. Call on the event loop."""
        self._work.set()

    @property
    def online(self) -> bool:
        """Whether every session was welcomed on a live link."""
        return all(session.online for session in self._sessions.values())

    async def run(self) -> None:
        """Connect, send and take in, for ever; ends only by cancellation."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._once()
            except self.broken_by as error:
                self.reason = str(error)
                self._log.broken(error)
            finally:
                for session in self._sessions.values():
                    session.lost()
                if self._meter is not None:
                    self._meter.broken()
            await asyncio.sleep(self._backoff.failed(loop.time()))

    @abstractmethod
    async def _once(self) -> None:
        """Connect, then carry until the link breaks."""

    def _began(self) -> None:
        """Note that the platform answers on a new link."""
        self._heard_s = asyncio.get_running_loop().time()
        self._refused_s = None

    async def _side_by_side(self, *parts: Awaitable[None]) -> None:
        """Run the halves of a link until one ends; its error is raised.

        Raises:
            LinkError: It ended without one: the platform closed the link.
        """
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        raise LinkError("platform closed the link", thing=self._url)

    def _take(self, message: dict[str, Any], size: int) -> None:
        """Take in one frame.

        Raises:
            InputError: The frame is not one a gateway understands.
            LinkError: The platform lets none of the gateways in.
        """
        now_s = asyncio.get_running_loop().time()
        session = self._session(message)
        inbound = session.receive(message)
        if self._meter is not None:
            self._meter.received(size)
        match inbound:
            case Welcomed():
                self._backoff.succeeded()
                self._log.healed()
                self._heard_s = now_s
                self._work.set()
            case Acked(epoch, through):
                self._heard_s = now_s
                if self._meter is not None:
                    self._meter.acked(epoch, through, now_s)
                self._work.set()
            case Refused(reason):
                self._log.broken(f"platform refused {session.gateway}: {reason}")
                self._refused_s = self._refused_s or now_s
                if not any(other.online for other in self._sessions.values()):
                    raise LinkError(f"platform refused: {reason}", thing=session.gateway)
        self._on_inbound(session, inbound)

    def _session(self, message: dict[str, Any]) -> UplinkSession:
        name = message.get("gateway")
        if name is None and len(self._sessions) == 1:
            return next(iter(self._sessions.values()))
        session = self._sessions.get(str(name))
        if session is None:
            raise InputError("frame for a gateway not on this link", thing=str(name))
        return session

    async def _send(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send what the spools hold, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._work.clear()
            sent = False
            for session in self._sessions.values():
                if session.wants_roll and session.online:
                    await asyncio.to_thread(session.spool.roll)
                    session.wants_roll = False
                frame = session.next_envelope()
                if session.wants_hello:
                    raise LinkError("oldest rows were dropped, telling the platform anew")
                if frame is not None:
                    if session.in_flight == 1:
                        self._heard_s = loop.time()
                    if self._meter is not None:
                        self._meter.sent(len(frame), *session.last_sent, loop.time())
                    await send(frame)
                    sent = True
            if sent:
                # Acknowledgements and other work must get their turn even under a backlog.
                await asyncio.sleep(0)
                continue
            # Not wait_for: before Python 3.12 it may lose a cancellation that comes with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(5.0, self._stall_s)):
                    await self._work.wait()
            self._check_stall(loop.time())

    def _check_stall(self, now_s: float) -> None:
        flying = any(session.in_flight for session in self._sessions.values())
        if flying and now_s - self._heard_s > self._stall_s:
            raise LinkError("platform acknowledges nothing", thing=self._url)
        if self._refused_s is not None and now_s - self._refused_s > _TRY_REFUSED_S:
            raise LinkError("trying again for a refused gateway", thing=self._url)
