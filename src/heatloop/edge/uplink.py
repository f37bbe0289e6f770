"""The WebSocket from one or many gateways to the platform: connects, sends, comes back.

Usually one gateway has one link; a host of many gateways shares links between them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from random import Random
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.uri import parse_uri

from heatloop.edge.backoff import Backoff
from heatloop.edge.carrier import Carrier, OnInbound, ignore
from heatloop.edge.certificate import LinkWay
from heatloop.edge.channel_meter import ChannelMeter
from heatloop.edge.uplink_session import UplinkSession
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.protocols.link import MAX_TEXT_BYTES, PATH, pack_text, unpack_text

_OPEN_S = 10.0
_PING_S = 20.0
_TURN_S = 1.0


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


class Uplink(Carrier):
    """Keeps one WebSocket up for its sessions until cancelled.

    Args:
        platform_url: `http://host:port` or `https://...`.
        sessions: The gateways on this link.
        on_inbound: Called for every frame that came in, on the event loop; must not block.
        tls: TLS settings for https; None for the system's.
        name: Name the platform's certificate must hold; None: the host of the address.
        stall_s: No acknowledgement for so long, with envelopes in flight, breaks the link.
        ping_s: How often the other end is asked whether it lives, and how long it may take.
        rng: Spreads the waits between attempts.
        meter: Counts what is carried.
        others: Addresses of further instances of the platform, tried in turn.
    """

    broken_by = (OSError, LinkError, InputError, ConnectionClosed, InvalidHandshake)

    def __init__(
        self,
        platform_url: str,
        sessions: Sequence[UplinkSession],
        on_inbound: OnInbound = ignore,
        *,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
        stall_s: float = 60.0,
        ping_s: float = _PING_S,
        rng: Random | None = None,
        meter: ChannelMeter | None = None,
        others: Sequence[str] = (),
    ) -> None:
        urls = [link_url(url) for url in (platform_url, *others)]
        try:
            for url in urls:
                parse_uri(url)
        except InvalidURI as error:
            raise ConfigError(str(error), thing="platform_url") from error
        super().__init__(urls[0], sessions, on_inbound, stall_s=stall_s, rng=rng, meter=meter)
        self._tls, self._ping_s, self._urls = tls, ping_s, urls
        self._name = name
        if others:
            # Whoever stands by answers at once, so trying them in turn costs little.
            self._backoff = Backoff(0.2, _TURN_S, rng)

    def use(self, way: LinkWay) -> None:
        """Connect this way from the next time on.

        Raises:
            ConfigError: An address is not http or https.
        """
        self._urls, self._tls = [link_url(url) for url in way.urls], way.tls
        self._name = way.name
        if self._url not in self._urls:
            self._url = self._urls[0]

    async def _once(self) -> None:
        try:
            await self._carry()
        finally:
            self._turn()

    def _turn(self) -> None:
        """Try the next platform instance the next time."""
        at = self._urls.index(self._url) if self._url in self._urls else -1
        self._url = self._urls[(at + 1) % len(self._urls)]

    async def _carry(self) -> None:
        async with self._connect() as socket:
            nonce = await self._challenge(socket)
            for session in self._sessions.values():
                await socket.send(pack_text(session.hello(nonce, self.channel)))
            self._began()
            await self._side_by_side(self._send(socket.send), self._receive(socket))

    def _connect(self) -> connect:
        options: dict[str, Any] = {"ssl": self._tls} if self._tls is not None else {}
        if self._name is not None:
            options["server_hostname"] = self._name
        # Envelopes are compressed already; deflating them again would only cost time.
        return connect(
            self._url,
            compression=None,
            max_size=MAX_TEXT_BYTES,
            open_timeout=_OPEN_S,
            ping_interval=self._ping_s,
            ping_timeout=self._ping_s,
            close_timeout=2,
            proxy=None,
            **options,
        )

    async def _challenge(self, socket: ClientConnection) -> str:
        async with asyncio.timeout(_OPEN_S):
            first = unpack_text(str(await socket.recv()))
        if first["type"] == "refused":
            raise LinkError(f"platform refused: {first.get('reason', '')}", thing=self._url)
        if first["type"] != "challenge":
            raise LinkError("platform did not begin with a challenge", thing=self._url)
        return str(first.get("nonce", ""))

    async def _receive(self, socket: ClientConnection) -> None:
        async for frame in socket:
            if isinstance(frame, str):
                self._take(unpack_text(frame), len(frame))

    async def well(self) -> bool:
        """Return whether the platform answers on this way now; signs nobody in."""
        for _ in self._urls:
            try:
                async with self._connect() as socket:
                    await self._challenge(socket)
            except self.broken_by:
                self._turn()
            else:
                return True
        return False
