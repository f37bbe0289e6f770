"""The spare way to the platform: MQTT 5 over a broker, another nature than a WebSocket.

Frames and envelopes are those of the WebSocket (see `protocols.link`). Reliability is not the
broker's business: what the platform has not acknowledged is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from heatloop.edge.carrier import Carrier, OnInbound, ignore
from heatloop.edge.channel_meter import ChannelMeter
from heatloop.edge.mqtt_client import MqttClient
from heatloop.edge.uplink_session import UplinkSession
from heatloop.kernel.errors import InputError, LinkError, UnsafeError
from heatloop.protocols.link import DOWN, MAX_TEXT_BYTES, UP, pack_text, topic
from heatloop.security.keys import KeyRing, open_document

_OPEN_S = 10.0
_KEEPALIVE_S = 15
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """How to reach a broker."""

    url: str
    """`mqtt://host:port` or `mqtts://host:port`."""
    user: str = ""
    """User name; empty: none is asked for."""
    password: str = ""
    """Password."""
    tls: ssl.SSLContext | None = None
    """TLS settings for mqtts; None for the system's."""

    def client(
        self, identifier: str, *, most_queued: int = 1024, will: aiomqtt.Will | None = None
    ) -> aiomqtt.Client:
        """Return a client, not yet connected.

        Args:
            identifier: Its name at the broker.
            most_queued: Messages that may wait here; more are dropped and sent again.
            will: What the broker says when the client dies.
        """
        parts = urlsplit(self.url)
        tls = self.tls
        if tls is None and parts.scheme == "mqtts":
            tls = ssl.create_default_context()
        return MqttClient(
            parts.hostname or "",
            parts.port or _PORTS.get(parts.scheme, 1883),
            username=self.user or None,
            password=self.password or None,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=tls,
            timeout=_OPEN_S,
            keepalive=_KEEPALIVE_S,
            will=will,
            max_queued_incoming_messages=most_queued,
        )


class MqttUplink(Carrier):
    """Keeps one gateway's conversation over a broker up until cancelled.

    Args:
        broker: Where the broker is.
        session: The gateway.
        ring: The platform's keys.
        on_inbound: Called for every frame that came in, on the event loop; must not block.
        stall_s: No acknowledgement for so long, with envelopes in flight, breaks the link.
        rng: Spreads the waits between attempts.
        meter: Counts what is carried.
    """

    channel = "spare"
    broken_by = (OSError, LinkError, InputError, UnsafeError, aiomqtt.MqttError)

    def __init__(
        self,
        broker: Broker,
        session: UplinkSession,
        ring: KeyRing,
        on_inbound: OnInbound = ignore,
        *,
        stall_s: float = 60.0,
        rng: Random | None = None,
        meter: ChannelMeter | None = None,
    ) -> None:
        super().__init__(broker.url, [session], on_inbound, stall_s=stall_s, rng=rng, meter=meter)
        self._broker, self._own, self._ring = broker, session, ring

    async def _once(self) -> None:
        word = secrets.token_hex(16)
        async with self._joined(word) as client:
            await self._publish(client, {"type": "open", "keys_seq": self._own.keys_seq}, word)
            self._began()

            async def send(envelope: bytes) -> None:
                await client.publish(topic(self._own.gateway, UP), envelope, qos=1)

            await self._side_by_side(
                self._send(send), self._receive(client, word), self._welcomed_in_time()
            )

    @asynccontextmanager
    async def _joined(self, word: str) -> AsyncIterator[aiomqtt.Client]:
        # A name of its own each time: a broker that still holds the dead link must not fight us.
        name = f"heatloop-{self._own.gateway}-{word[:8]}"
        gone = self._frame({"type": "gone"}, word)
        will = aiomqtt.Will(topic(self._own.gateway, UP), gone, qos=1)
        async with self._broker.client(name, will=will) as client:
            await client.subscribe(topic(self._own.gateway, DOWN), qos=1)
            try:
                yield client
            finally:
                # The broker speaks the will only for those who die.
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.publish(topic(self._own.gateway, UP), gone, timeout=1.0)

    def _frame(self, frame: dict[str, Any], word: str) -> bytes:
        return pack_text({**frame, "gateway": self._own.gateway, "session": word}).encode()

    async def _publish(self, client: aiomqtt.Client, frame: dict[str, Any], word: str) -> None:
        await client.publish(topic(self._own.gateway, UP), self._frame(frame, word), qos=1)

    async def _welcomed_in_time(self) -> None:
        await asyncio.sleep(_OPEN_S)
        if not self._own.online:
            raise LinkError("nobody answers behind the broker", thing=self._url)
        await asyncio.Event().wait()  # for ever: the other halves say when the link ends

    async def _receive(self, client: aiomqtt.Client, word: str) -> None:
        async for message in client.messages:
            payload = message.payload
            if len(payload) > 2 * MAX_TEXT_BYTES:
                continue
            frame = self._opened(payload, word)
            if frame is None:
                continue
            if frame.get("type") == "challenge":
                hello = self._own.hello(str(frame.get("nonce", "")), self.channel)
                await self._publish(client, hello, word)
            else:
                self._take(frame, len(payload))

    def _opened(self, payload: bytes, word: str) -> dict[str, Any] | None:
        """Return the frame the platform signed for this conversation, None for anything else."""
        try:
            signed = json.loads(payload)
            document = open_document(self._ring, signed) if isinstance(signed, dict) else {}
        except (ValueError, InputError, UnsafeError) as error:
            self._log.broken(f"frame is not the platform's: {error}")
            return None
        frame = document.get("frame")
        return frame if document.get("session") == word and isinstance(frame, dict) else None
