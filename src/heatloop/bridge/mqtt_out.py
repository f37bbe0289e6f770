"""Publishing to somebody else's broker: MQTT 5, in a thread of its own, nothing waits for it.

What is to go out waits in a bounded line: when that is full the oldest go, are counted, and once
the broker is back the latest value of every point is said again, so that what it keeps is right.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from heatloop.bridge.mqtt_out_topics import (
    OutPoint,
    metrics_birth,
    metrics_data,
    status_topic,
    values_json,
)
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.series import Columns
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.session import REBIRTH, EdgeNode

_log = structlog.get_logger("heatloop.mqtt_out")
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_KEEPALIVE_S = 15
_FIRST_WAIT_S, _MOST_WAIT_S = 1, 30
_MOST_IN_FLIGHT = 500
_LOOK_S = 0.5
_ROWS_A_MESSAGE = 1_000
MOST_METRICS = 20_000
"""Points of one Sparkplug node at most: all of them stand in one birth message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutBroker:
    """Where to publish."""

    url: str
    """`mqtt://host:port` or `mqtts://host:port`."""
    user: str = ""
    """User name; empty: none."""
    password: str = ""
    """Password."""
    tls: ssl.SSLContext | None = None
    """TLS settings; None for none."""
    prefix: str = "heatloop"
    """First part of topics; the name of the Sparkplug node."""
    group: str = ""
    """Sparkplug group; empty: JSON."""
    queue: int = 200_000
    """Values and alarms that may wait."""


class ClosingSocket(ssl.SSLSocket):
    """A socket that closes when its handshake fails: the MQTT library leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands.

        Raises:
            OSError: It failed.
        """
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class _Said:
    """A message that is ready."""

    topic: str
    payload: bytes


class MqttOut:
    """Publishes values and alarms.

    Args:
        broker: Where to.
        latest: Gives the latest value of every point that is published; called in the thread.
        alarms: Gives topic and payload of every open alarm; called in the thread.
    """

    def __init__(
        self,
        broker: OutBroker,
        latest: Callable[[], Columns],
        alarms: Callable[[], Mapping[str, bytes]],
    ) -> None:
        self._broker, self._latest, self._alarms = broker, latest, alarms
        self.points: Mapping[int, OutPoint] = {}
        """Points that are published, by key; replaced when the ledger changes."""
        self.online = False
        """Whether the broker is there."""
        self.sent = 0
        """Messages the broker has acknowledged."""
        self.dropped = 0
        """Values and alarms that were given up."""
        self.last_error = ""
        """Last trouble."""
        self.last_error_at: float | None = None
        """Machine time of it."""
        self._line: deque[Columns | _Said] = deque()
        self._rows = 0
        self._guard = threading.Condition()
        self._again = True
        self._in_flight = 0
        self._ends = False
        self._said_away = False
        self._node = EdgeNode() if broker.group else None
        self._stood: Mapping[str, bytes] = {}
        self._client = self._made()
        self._thread = threading.Thread(target=self._work, name="mqtt out", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many values and alarms wait."""
        return self._rows

    def put(self, columns: Columns) -> None:
        """Put values in line; never waits."""
        self._add(columns, len(columns.keys))

    def say(self, topic: str, payload: bytes) -> None:
        """Put a retained message in line; never waits."""
        self._add(_Said(topic, payload), 1)

    def _add(self, what: Columns | _Said, rows: int) -> None:
        if not rows:
            return
        with self._guard:
            self._line.append(what)
            self._rows += rows
            while self._rows > self._broker.queue:
                gone = self._line.popleft()
                count = 1 if isinstance(gone, _Said) else len(gone.keys)
                self._rows -= count
                self.dropped += count
                self._again = True
            self._guard.notify()

    def start(self) -> None:
        """Begin; the first attempt to connect is made in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye and end; waits a moment for what is in line."""
        with self._guard:
            self._ends = True
            self._guard.notify()
        if self._thread.is_alive():
            self._thread.join(5.0)

    # -- the library's thread tells

    def _made(self) -> paho.Client:
        broker = self._broker
        made = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{broker.prefix.replace('/', '-')}-out",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if broker.user:
            made.username_pw_set(broker.user, broker.password or None)
        if broker.tls is not None:
            made.tls_set_context(broker.tls)
        made.reconnect_delay_set(_FIRST_WAIT_S, _MOST_WAIT_S)
        made.max_inflight_messages_set(_MOST_IN_FLIGHT)
        made.on_connect = self._connected
        made.on_connect_fail = self._refused
        made.on_disconnect = self._parted
        made.on_publish = self._published
        made.on_message = self._heard
        return made

    def _will(self) -> None:
        topic, payload = status_topic(self._broker.prefix), b'{"online":false}'
        if self._node is not None:
            topic, payload = self._topic("NDEATH"), self._node.will(int(machine_s() * 1000))
        self._client.will_set(topic, payload, qos=1, retain=self._node is None)

    def _topic(self, kind: str) -> str:
        return f"spBv1.0/{self._broker.group}/{kind}/{self._broker.prefix.replace('/', '-')}"

    def _connected(
        self, client: paho.Client, data: object, flags: object, reason: ReasonCode, props: object
    ) -> None:
        del data, flags, props
        if reason.is_failure:
            self._trouble(f"broker refuses: {reason}")
            return
        self._stood = self._alarms()
        if self._said_away:
            _log.info("broker is back", broker=self._broker.url)
        self._said_away = False
        if self._node is not None:
            client.subscribe(self._topic("NCMD"), qos=1)
        client.subscribe(f"{self._broker.prefix}/v1/alarms/#", qos=1)
        with self._guard:
            # Together, or our thread is born once for each.
            self.online = self._again = True
            self._guard.notify()

    def _refused(self, client: paho.Client, data: object) -> None:
        del client, data
        self._trouble("broker cannot be reached")

    def _parted(
        self, client: paho.Client, data: object, flags: object, reason: ReasonCode, props: object
    ) -> None:
        del client, data, flags, props
        self.online = False
        if not self._ends:
            self._trouble(f"broker went away: {reason}")
            # The number of a birth must stand in the will of the connection it belongs to.
            self._will()

    def _trouble(self, reason: str) -> None:
        self.last_error, self.last_error_at = reason, machine_s()
        if not self._said_away:
            self._said_away = True
            _log.warning("broker is away, trying on", broker=self._broker.url, reason=reason)

    def _published(
        self, client: paho.Client, data: object, mid: int, reason: ReasonCode, props: object
    ) -> None:
        del client, data, mid, props
        with self._guard:
            self._in_flight = max(self._in_flight - 1, 0)
            if reason.is_failure:
                self.dropped += 1
                self.last_error, self.last_error_at = f"broker refuses: {reason}", machine_s()
            else:
                self.sent += 1
            self._guard.notify()

    def _heard(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        del client, data
        if self._node is not None and message.topic == self._topic("NCMD"):
            with contextlib.suppress(HeatloopError):
                metrics = decode_payload(bytes(message.payload)).metrics
                if any(m.name == REBIRTH and m.value is True for m in metrics):
                    with self._guard:
                        self._again = True
                        self._guard.notify()
        elif message.retain and message.payload and message.topic not in self._stood:
            # An alarm that was closed while we were away still stands there.
            self.say(message.topic, b"")

    # -- our thread

    def _work(self) -> None:
        parts = urlsplit(self._broker.url)
        self._will()
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 1883)
        self._client.connect_async(host, port, _KEEPALIVE_S)
        self._client.loop_start()
        try:
            while not self._ends:
                with self._guard:
                    ready = self.online and self._in_flight < _MOST_IN_FLIGHT
                    if not ready or not (self._line or self._again):
                        self._guard.wait(_LOOK_S)
                        continue
                    again, self._again = self._again, False
                    what = None if again or not self._line else self._line.popleft()
                    if what is not None:
                        self._rows -= 1 if isinstance(what, _Said) else len(what.keys)
                try:
                    self._begin_again() if again else self._out(what)
                except (HeatloopError, ValueError) as error:
                    self.last_error, self.last_error_at = str(error), machine_s()
        finally:
            self._good_bye()

    def _good_bye(self) -> None:
        if self.online and self._node is None:
            offline = self._client.publish(
                status_topic(self._broker.prefix), b'{"online":false}', qos=1, retain=True
            )
            with contextlib.suppress(RuntimeError, ValueError):
                offline.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _begin_again(self) -> None:
        """Say that we are there, and the latest of everything."""
        latest = self._latest()
        if self._node is None:
            self._publish(status_topic(self._broker.prefix), b'{"online":true}')
            self._out(latest)
        else:
            points = list(self.points.values())
            if len(points) > MOST_METRICS:
                raise ValueError(f"{len(points)} points; a Sparkplug node takes {MOST_METRICS}")
            now_ms = int(machine_s() * 1000)
            birth = self._node.birth(now_ms, metrics_birth(points, latest))
            self._publish(self._topic("NBIRTH"), birth, retain=False)
        for topic, payload in self._alarms().items():
            self._publish(topic, payload)

    def _out(self, what: Columns | _Said | None) -> None:
        if isinstance(what, _Said):
            self._publish(what.topic, what.payload)
        elif what is not None and self._node is None:
            for topic, payload in values_json(self._broker.prefix, self.points, what):
                self._publish(topic, payload)
        elif what is not None and self._node is not None and self._node.born:
            metrics = metrics_data(self.points, what)
            for start in range(0, len(metrics), _ROWS_A_MESSAGE):
                part = metrics[start : start + _ROWS_A_MESSAGE]
                data = self._node.data(int(machine_s() * 1000), part)
                self._publish(self._topic("NDATA"), data, retain=False)

    def _publish(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        with self._guard:
            # A slow broker is waited for here; what it cannot take piles up in our bounded line.
            while self._in_flight >= _MOST_IN_FLIGHT and self.online and not self._ends:
                self._guard.wait(_LOOK_S)
            self._in_flight += 1
        found = self._client.publish(topic, payload, qos=1, retain=retain)
        if found.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            with self._guard:
                self._in_flight -= 1
                self.dropped += 1
