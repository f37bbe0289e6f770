"""One connection to an MQTT broker, shared by all devices behind it (MQTT 5).

Parameters of a device: `user=` and `password=` (name of the secret), `tls=1`, `ca=` (name of the
secret with the broker's certificate authority), `cert=` and `key=` (names of the secrets with our
own certificate), `keepalive=` (seconds, 20). Whatever was known is forgotten when the connection
breaks.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from dataclasses import dataclass
from typing import Protocol

import aiomqtt
import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.backoff import Backoff, LinkLog
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import DriverTools
from heatloop.edge.mqtt_client import MqttClient
from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.plant.model import Device
from heatloop.protocols.sparkplug.state import state, state_topic

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # its breaks are logged here, once
PARAMETERS = ("user", "password", "tls", "ca", "cert", "key", "keepalive")
MAX_MESSAGE_BYTES = 4 << 20
_MOST_QUEUED = 10_000
_FIRST_S, _LONGEST_S = 0.2, 5.0
_OPEN_S = 5.0
_BROKEN = (aiomqtt.MqttError, OSError, TimeoutError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerSettings:
    """Where a broker is and how to sign in."""

    host: str
    """Address."""
    port: int
    """TCP port."""
    user: str
    """User name, or empty."""
    password: str
    """Name of the secret with the password, or empty."""
    tls: bool
    """Whether the connection is encrypted."""
    ca: str
    """Name of the secret with the broker's authority; empty: the system's."""
    cert: str
    """Name of the secret with our own certificate, or empty."""
    key: str
    """Name of the secret with its private key."""
    keepalive_s: int
    """Seconds without a word after which the connection counts as broken."""
    host_id: str = ""
    """Name under which a Sparkplug host tells that it listens, or empty."""


def broker_settings(device: Device, given: Parameters, host_id: str = "") -> BrokerSettings:
    """Return the broker a device is behind.

    Raises:
        ConfigError: A parameter is wrong.
    """
    found = BrokerSettings(
        host=device.host,
        port=device.port,
        user=given.text("user", ""),
        password=given.text("password", ""),
        tls=given.flag("tls", default=False),
        ca=given.text("ca", ""),
        cert=given.text("cert", ""),
        key=given.text("key", ""),
        keepalive_s=int(given.number("keepalive", 20, 1, 600)),
        host_id=host_id,
    )
    if (found.ca or found.cert) and not found.tls:
        raise given.wrong("certificates without tls=1", "add tls=1")
    if bool(found.cert) != bool(found.key):
        raise given.wrong("a certificate needs its key", "give cert= and key=")
    return found


class _Socket(ssl.SSLSocket):
    """Closes itself when the broker's certificate is refused: the library would forget it."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Listening(Protocol):
    """Somebody who is told what the broker sends."""

    async def joined(self) -> None:
        """Begin anew: the connection stands and the topics are subscribed."""

    def lost(self) -> None:
        """Forget everything: the connection is broken."""

    async def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take a message."""


class BrokerLink:
    """Keeps one connection up.

    Args:
        settings: The broker.
        tools: What the gateway lends.
    """

    def __init__(self, settings: BrokerSettings, tools: DriverTools) -> None:
        self.settings, self._tools = settings, tools
        self.begun_ms = 0
        """Plant time at which the connection was begun, milliseconds."""
        self._topics: dict[str, int] = {}
        self._exact: dict[str, list[Listening]] = {}
        self._others: list[Listening] = []
        self._listening: list[Listening] = []
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._adding: set[asyncio.Task[None]] = set()
        self._standing = asyncio.Event()
        self._began_s = 0.0
        self._reason: Exception | None = None
        self._backoff = Backoff(_FIRST_S, _LONGEST_S)
        self._log = LinkLog(_LOG, f"broker {settings.host}:{settings.port}")

    def subscribe(self, topic: str, qos: int, who: Listening) -> None:
        """Subscribe a topic.

        Args:
            topic: With `+` and `#` its messages go to all who subscribe so.
            qos: Quality of service.
            who: Who is told.
        """
        new = topic not in self._topics
        self._topics[topic] = max(qos, self._topics.get(topic, 0))
        if new and self._client is not None:
            task = asyncio.get_running_loop().create_task(self._one_more(topic, qos))
            self._adding.add(task)
            task.add_done_callback(self._adding.discard)
        if who not in self._listening:
            self._listening.append(who)
        others = self._others if "+" in topic or "#" in topic else self._exact.setdefault(topic, [])
        if who not in others:
            others.append(who)

    async def _one_more(self, topic: str, qos: int) -> None:
        if self._client is not None:
            try:
                await self._client.subscribe(topic, qos)
            except _BROKEN as error:
                self._reason = error  # the connection breaks; the next one subscribes everything

    async def ready(self) -> None:
        """Return when the connection stands.

        Raises:
            LinkError: It does not, and the first attempt had its time.
        """
        loop = asyncio.get_running_loop()
        if self._task is None:
            self._began_s = loop.time()
            self._task = loop.create_task(self._run())
        left_s = self._began_s + self._tools.timeout_s - loop.time()
        if not self._standing.is_set() and left_s > 0.0:
            try:
                async with asyncio.timeout(left_s):
                    await self._standing.wait()
            except TimeoutError:
                pass
        if not self._standing.is_set():
            thing = f"{self.settings.host}:{self.settings.port}"
            raise LinkError(f"no connection to the broker: {self._reason}", thing=thing)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None:
        """Publish a message.

        Raises:
            LinkError: There is no connection, or the broker does not take it.
        """
        if self._client is None or not self._standing.is_set():
            raise LinkError("no connection to the broker", thing=self.settings.host)
        try:
            await self._client.publish(topic, payload, qos, retain, timeout=self._tools.timeout_s)
        except _BROKEN as error:
            raise LinkError(f"broker does not take a message: {error}", thing=topic) from error

    async def _run(self) -> None:
        while True:
            try:
                async with self._made() as client:
                    await self._listen(client)
            except _BROKEN as error:
                self._reason = error
                self._log.broken(error)
            except HeatloopError as error:
                self._reason = error
                self._log.broken(error)
            finally:
                self._client = None
                self._standing.clear()
                for who in self._listening:
                    who.lost()
            await asyncio.sleep(self._backoff.failed(0.0))

    def _made(self) -> aiomqtt.Client:
        settings = self.settings
        password = self._tools.secret(settings.password) if settings.password else b""
        self.begun_ms = int(self._tools.now_s() * 1000)
        will = None
        if settings.host_id:
            gone = state(online=False, at_ms=self.begun_ms)
            will = aiomqtt.Will(state_topic(settings.host_id), gone, qos=1, retain=True)
        return MqttClient(
            settings.host,
            settings.port,
            identifier=f"heatloop-{secrets.token_hex(8)}",
            protocol=aiomqtt.ProtocolVersion.V5,
            username=settings.user or None,
            password=password.decode().strip() or None,
            keepalive=settings.keepalive_s,
            timeout=max(_OPEN_S, self._tools.timeout_s),
            max_queued_incoming_messages=_MOST_QUEUED,
            tls_context=self._context() if settings.tls else None,
            will=will,
        )

    def _context(self) -> ssl.SSLContext:
        settings = self.settings
        authority = self._tools.secret(settings.ca).decode() if settings.ca else None
        context = ssl.create_default_context(cadata=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Socket
        if settings.cert:
            folder = self._tools.secrets
            self._tools.secret(settings.cert), self._tools.secret(settings.key)
            if folder is None:
                raise InputError("there are no secrets", thing=settings.cert)
            context.load_cert_chain(folder / settings.cert, folder / settings.key)
        return context

    async def _listen(self, client: aiomqtt.Client) -> None:
        for topic, qos in self._topics.items():
            granted = await client.subscribe(topic, qos)
            if any(getattr(code, "is_failure", False) for code in granted):
                raise LinkError("the broker refuses a subscription", thing=topic)
        self._client = client
        self._backoff.succeeded()
        self._log.healed()
        # Those who listen may publish now, but nobody reads before they have begun anew.
        self._standing.set()
        for who in self._listening:
            await who.joined()
        async for message in client.messages:
            payload = bytes(message.payload)
            if len(payload) <= MAX_MESSAGE_BYTES:
                topic = str(message.topic)
                for who in self._exact.get(topic, self._others):
                    await who.heard(topic, payload, bool(message.retain))

    def close(self) -> None:
        """Close the connection for good."""
        for task in (self._task, *self._adding):
            if task is not None:
                task.cancel()
