"""The WebSocket from one or many gateways to the platform: connects, sends, comes back.

Usually one gateway has one link; a host of many gateways shares links between them.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.edge.uplink_session import Acked, Inbound, Refused, UplinkSession, Welcomed
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.protocols.link import MAX_TEXT_BYTES, PATH, pack_text, unpack_text

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_TRY_REFUSED_S = 60.0
OnInbound = Callable[[UplinkSession, Inbound], None]


def _ignore(session: UplinkSession, inbound: Inbound) -> None:
    del session, inbound


def link_url(platform_url: str) -> str:
    """Return the WebSocket address of a platform's gateway link.

    Raises:
        ConfigError: The address is not http or https.
    """
    scheme, _, rest = platform_url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise ConfigError(
            "platform address is not http(s)://...", thing=platform_url, fix="give platform_url"
        )
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}{PATH}"


class Uplink:
    """Keeps one link up for its sessions until cancelled.

    Args:
        platform_url: `http://host:port` or `https://...`.
        sessions: The gateways on this link.
        on_inbound: Called for every frame that came in, on the event loop; must not block.
        tls: TLS settings for https; None for the system's.
        stall_s: No acknowledgement for so long, with envelopes in flight, breaks the link.
        rng: Spreads the waits between attempts.
    """

    def __init__(
        self,
        platform_url: str,
        sessions: Sequence[UplinkSession],
        on_inbound: OnInbound = _ignore,
        *,
        tls: ssl.SSLContext | None = None,
        stall_s: float = 60.0,
        rng: Random | None = None,
    ) -> None:
        self._url = link_url(platform_url)
        self._sessions = {session.gateway: session for session in sessions}
        self._on_inbound, self._tls, self._stall_s = on_inbound, tls, stall_s
        self._work = asyncio.Event()
        name = sessions[0].gateway if sessions else "uplink"
        self._backoff = Backoff(0.2, 10.0, rng)
        self._log = LinkLog(_LOG, f"{name} to {platform_url}")
        self._heard_s = 0.0
        self._refused_s: float | None = None

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
            except (OSError, LinkError, InputError, ConnectionClosed, InvalidHandshake) as error:
                self._log.broken(error)
            except InvalidURI as error:
                raise ConfigError(str(error), thing="platform_url") from error
            finally:
                for session in self._sessions.values():
                    session.lost()
            await asyncio.sleep(self._backoff.failed(loop.time()))

    async def _once(self) -> None:
        options: dict[str, Any] = {"ssl": self._tls} if self._tls is not None else {}
        # Envelopes are compressed already; deflating them again would only cost time.
        async with connect(
            self._url,
            compression=None,
            max_size=MAX_TEXT_BYTES,
            open_timeout=10,
            close_timeout=2,
            proxy=None,
            **options,
        ) as socket:
            async with asyncio.timeout(10):
                first = unpack_text(str(await socket.recv()))
            if first["type"] != "challenge":
                raise LinkError("platform did not begin with a challenge", thing=self._url)
            for session in self._sessions.values():
                await socket.send(pack_text(session.hello(str(first.get("nonce", "")))))
            self._heard_s = asyncio.get_running_loop().time()
            self._refused_s = None
            tasks = [asyncio.create_task(self._send(socket))]
            tasks.append(asyncio.create_task(self._receive(socket)))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()
            raise LinkError("platform closed the link", thing=self._url)

    async def _receive(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        async for frame in socket:
            if isinstance(frame, bytes):
                continue
            message = unpack_text(frame)
            session = self._session(message)
            inbound = session.receive(message)
            match inbound:
                case Welcomed():
                    self._backoff.succeeded()
                    self._log.healed()
                    self._heard_s = loop.time()
                    self._work.set()
                case Acked():
                    self._heard_s = loop.time()
                    self._work.set()
                case Refused(reason):
                    self._log.broken(f"platform refused {session.gateway}: {reason}")
                    self._refused_s = self._refused_s or loop.time()
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

    async def _send(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._work.clear()
            sent = False
            for session in self._sessions.values():
                if session.wants_roll and session.online:
                    await asyncio.to_thread(session.spool.roll)
                    session.wants_roll = False
                frame = session.next_envelope()
                if frame is not None:
                    if session.in_flight == 1:
                        self._heard_s = loop.time()
                    await socket.send(frame)
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
