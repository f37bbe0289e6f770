"""Gateways that come by a broker: the same frames, the same intake, another carrier.

One subscription takes in what all gateways publish (shared, so that a second process of the same
group takes over when this one dies); each conversation is a line like that of a WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import structlog

from heatloop.app.gateways import Gateways
from heatloop.app.intake import Intake
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import GatewayLine, Links
from heatloop.app.setting_sections import MqttSettings
from heatloop.edge.uplink_mqtt import Broker
from heatloop.kernel.envelope import decode
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError
from heatloop.protocols.link import DOWN, UP, topic, topic_gateway, unpack_text
from heatloop.security.keys import SigningKey, sign_document

_log = structlog.get_logger("heatloop.mqtt")
_ENVELOPE = b"HLE"
_WAITS_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_OPENING = 10_000
_MOST_QUEUED = 20_000
Publish = Callable[[str, bytes], Awaitable[None]]


class _Talk:
    """One gateway's conversation: a challenge, and once it is answered a line."""

    def __init__(
        self, gateway: str, word: str, nonce: str, publish: Publish, key: SigningKey
    ) -> None:
        self.gateway, self.word, self.nonce = gateway, word, nonce
        self.line: GatewayLine | None = None
        self._publish, self._key = publish, key

    async def send(self, frame: dict[str, Any]) -> None:
        """Publish a frame, signed: a broker is somebody else's."""
        document = {"session": self.word, "frame": {**frame, "gateway": self.gateway}}
        signed = json.dumps(sign_document(self._key, document)).encode()
        try:
            await self._publish(topic(self.gateway, DOWN), signed)
        except aiomqtt.MqttError as error:
            raise ConnectionResetError("the broker went away") from error

    async def hang_up(self, reason: str) -> None:
        """Say nothing more: there is no connection to close."""
        del reason


class MqttCarrier:
    """Takes in what gateways publish and answers them.

    Args:
        settings: The broker.
        gateways: Who may come in.
        intake: Where envelopes go.
        links: Where lines are known.
        keys: The platform's keys.
    """

    def __init__(
        self,
        settings: MqttSettings,
        gateways: Gateways,
        intake: Intake,
        links: Links,
        keys: PlatformKeys,
    ) -> None:
        self._settings, self._gateways, self._intake = settings, gateways, intake
        self._links, self._keys = links, keys
        self._opening: dict[str, _Talk] = {}
        self._talks: dict[str, _Talk] = {}
        self.online = False
        """Whether the broker is there."""

    async def run(self) -> None:
        """Work until cancelled; without a broker in the settings there is nothing to do.

        Raises:
            ConfigError: The password or the certificate authority cannot be read.
        """
        if not self._settings.url:
            await asyncio.Event().wait()
        broker = _broker(self._settings)
        failures = 0
        while True:
            try:
                await self._carry(broker)
            except (aiomqtt.MqttError, OSError) as error:
                if self.online or not failures:
                    _log.warning("broker is away, trying on", reason=str(error))
                failures = 1 if self.online else failures + 1
            finally:
                self._let_go()
            await asyncio.sleep(_WAITS_S[min(failures, len(_WAITS_S)) - 1])

    async def _carry(self, broker: Broker) -> None:
        name = f"heatloop-platform-{secrets.token_hex(4)}"
        async with broker.client(name, most_queued=_MOST_QUEUED) as client:

            async def publish(to: str, payload: bytes) -> None:
                await client.publish(to, payload, qos=1)

            await client.subscribe(f"$share/{self._settings.group}/{topic('+', UP)}", qos=1)
            self.online = True
            _log.info("broker joined", broker=broker.url)
            async for message in client.messages:
                await self._take(topic_gateway(str(message.topic)), message.payload, publish)

    def _let_go(self) -> None:
        self.online = False
        for talk in self._talks.values():
            self._close(talk)
        self._talks.clear()
        self._opening.clear()

    def _close(self, talk: _Talk) -> None:
        if talk.line is not None:
            self._links.closed(talk.line)

    async def _take(self, gateway: str, payload: bytes, publish: Publish) -> None:
        if payload.startswith(_ENVELOPE):
            await self._envelope(gateway, payload)
            return
        try:
            frame = unpack_text(payload.decode())
            word = str(frame.get("session", ""))
            if frame.get("gateway") != gateway or not 16 <= len(word) <= 64:
                raise InputError("frame is not of the gateway of its topic", thing=gateway)
            await self._frame(gateway, frame, word, publish)
        except (HeatloopError, ValueError, OSError) as error:
            _log.warning("frame refused", gateway=gateway[:40], reason=str(error))

    async def _envelope(self, gateway: str, payload: bytes) -> None:
        talk = self._talks.get(gateway)
        if talk is None or talk.line is None or not talk.line.open:
            return  # Nobody is signed in: it is sent again once somebody is.
        try:
            whole = decode(payload).gateway == gateway
        except InputError:
            whole = False
        if whole:
            await self._intake.take({gateway: talk.line}, payload)
        else:
            # Whoever may publish here could say such things: no reason to hang up on the gateway.
            _log.warning("no envelope of this gateway", gateway=gateway, size=len(payload))

    async def _frame(
        self, gateway: str, frame: dict[str, Any], word: str, publish: Publish
    ) -> None:
        match frame["type"]:
            case "open":
                # Anybody may say so: the line in use stays until the challenge is answered.
                challenge = self._gateways.challenge()
                # Signed with a key the gateway knows: it may not have heard of the newest one.
                key = self._keys.signer_at(_seq(frame))
                talk = _Talk(gateway, word, challenge["nonce"], publish, key)
                while len(self._opening) >= _MOST_OPENING:
                    del self._opening[next(iter(self._opening))]
                self._opening[word] = talk
                await talk.send(challenge)
            case "hello":
                await self._hello(gateway, frame, word)
            case "gone":
                held = self._talks.get(gateway)
                if held is not None and held.word == word:
                    self._close(self._talks.pop(gateway))
            case other:
                raise InputError("unknown frame", thing=str(other)[:40])

    async def _hello(self, gateway: str, frame: dict[str, Any], word: str) -> None:
        talk = self._opening.pop(word, None)
        if talk is None or talk.gateway != gateway:
            raise InputError("hello without a challenge", thing=gateway)
        try:
            talk.line = await self._gateways.open(frame, talk.nonce, talk.send, talk.hang_up)
        except HeatloopError as error:
            await talk.send({"type": "refused", "reason": str(error)})
            raise
        held = self._talks.get(gateway)
        self._talks[gateway] = talk
        if held is not None:
            self._close(held)


def _seq(frame: dict[str, Any]) -> int:
    seq = frame.get("keys_seq", 0)
    return seq if isinstance(seq, int) else 0


def _broker(settings: MqttSettings) -> Broker:
    tls: ssl.SSLContext | None = None
    try:
        password = Path(settings.password_file).read_text("utf-8") if settings.password_file else ""
        if settings.url.startswith("mqtts:"):
            tls = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise ConfigError(f"file cannot be read: {error}", thing="mqtt") from error
    return Broker(url=settings.url, user=settings.user, password=password.strip(), tls=tls)
