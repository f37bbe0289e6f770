"""Settings of the open interfaces: subscriptions, MQTT, OPC UA, webhooks, metrics, extensions."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscribeSettings:
    """Subscriptions of other programs."""

    max_subscribers: int = 100
    """Subscriptions at a time."""
    kept_rows: int = 2_000_000
    """Values kept in memory for those who are slow or come back, 17 bytes each."""
    fill_hours: float = 168.0
    """How far back a gap is filled from the historian, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttOutSettings:
    """A broker of somebody else that gets values and alarms."""

    url: str = ""
    """`mqtts://host:port`; plain mqtt only to this machine; empty: off."""
    user: str = ""
    """User name at the broker."""
    password_file: str = ""
    """File with the password at the broker."""
    ca_file: str = ""
    """PEM of the broker's certificate authority; empty: the system's."""
    certificate_file: str = ""
    """PEM of our own certificate, for brokers that ask for one."""
    key_file: str = ""
    """PEM of its key."""
    prefix: str = "heatloop"
    """First part of every topic."""
    assets: str = ""
    """Codes of the assets whose subtrees are published, by commas; empty: everything."""
    kinds: str = ""
    """Point kinds that are published, by commas; empty: all."""
    alarms: bool = True
    """Whether alarms are published."""
    sparkplug: bool = False
    """Whether values go out as Sparkplug B instead of JSON."""
    group: str = "heatloop"
    """Sparkplug B group."""
    queue: int = 200_000
    """Messages kept while the broker is away or slow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcUaSettings:
    """The read-only OPC UA server."""

    enabled: bool = False
    """Whether it runs."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 4840
    """Port to listen on; 0: any that is free."""
    assets: str = ""
    """Codes of the assets whose subtrees are shown, by commas; empty: everything."""
    max_sessions: int = 20
    """Clients at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSettings:
    """Webhooks."""

    enabled: bool = True
    """Whether events are put in line and delivered."""
    allow_private: bool = False
    """Whether deliveries may go to this machine and to private networks."""
    allow_http: bool = False
    """Whether deliveries may go without TLS."""
    ca_file: str = ""
    """PEM of a certificate authority receivers may be signed by; empty: the system's."""
    timeout_s: float = 10.0
    """Longest time for a delivery, machine time."""
    most_waiting: int = 10_000
    """Deliveries a webhook may have in line; the oldest beyond are given up."""
    delivered_days: float = 7.0
    """How long what was delivered is remembered, machine time."""
    dead_days: float = 30.0
    """How long what was given up is kept, machine time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsSettings:
    """Figures for Prometheus."""

    enabled: bool = True
    """Whether `/metrics` answers."""
    loopback: bool = True
    """Whether programs on this machine may read without a token."""
    token_file: str = ""
    """File with the bearer token of others; empty: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionSettings:
    """Extension modules."""

    disabled: str = ""
    """Names of modules that do not run, by commas."""
    max_failures: int = 5
    """Failures in a row after which a plug-in is stopped."""
    timeout_s: float = 10.0
    """Longest a plug-in may take for one call, machine time."""


def words(text: str) -> tuple[str, ...]:
    """Return the words of a comma list."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def check_open(
    subscribe: SubscribeSettings,
    mqtt: MqttOutSettings,
    opc_ua: OpcUaSettings,
    webhooks: WebhookSettings,
    extensions: ExtensionSettings,
) -> None:
    """Return when these settings may be started with.

    Raises:
        ConfigError: A number is out of bounds, or an address is not allowed.
    """
    _within("subscribe.max_subscribers", subscribe.max_subscribers, 0, 10_000)
    _within("subscribe.kept_rows", subscribe.kept_rows, 1_000, 100_000_000)
    _within("subscribe.fill_hours", subscribe.fill_hours, 0, 24 * 400)
    _within("opc_ua.port", opc_ua.port, 0, 65_535)
    _within("opc_ua.max_sessions", opc_ua.max_sessions, 1, 1_000)
    _within("webhooks.timeout_s", webhooks.timeout_s, 0.1, 60.0)
    _within("webhooks.most_waiting", webhooks.most_waiting, 1, 1_000_000)
    _within("webhooks.delivered_days", webhooks.delivered_days, 0.0, 3_650.0)
    _within("webhooks.dead_days", webhooks.dead_days, 1.0, 3_650.0)
    _within("extensions.max_failures", extensions.max_failures, 1, 1_000)
    _within("extensions.timeout_s", extensions.timeout_s, 0.1, 600.0)
    _within("mqtt_out.queue", mqtt.queue, 1_000, 10_000_000)
    _check_broker(mqtt)


def _within(thing: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(
            "setting is out of bounds", thing=f"{thing} = {value}", fix=f"give {low:g} to {high:g}"
        )


def _check_broker(mqtt: MqttOutSettings) -> None:
    if not mqtt.url:
        return
    parts = urlsplit(mqtt.url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        fix = "give mqtts://host:port"
        raise ConfigError("not a broker's address", thing="mqtt_out.url", fix=fix)
    if parts.scheme == "mqtt" and parts.hostname not in _LOOPBACK:
        raise ConfigError("plain mqtt leaves this machine", thing="mqtt_out.url", fix="use mqtts")
    for name, word in (("prefix", mqtt.prefix), ("group", mqtt.group)):
        if not word or any(letter in word for letter in "+#\x00") or word.startswith(("/", "$")):
            fix = "leave out + and #, and begin with a letter"
            raise ConfigError("no part of a topic", thing=f"mqtt_out.{name}", fix=fix)
    if bool(mqtt.certificate_file) != bool(mqtt.key_file):
        raise ConfigError(
            "a client certificate needs its key",
            thing="mqtt_out.key_file",
            fix="give both mqtt_out.certificate_file and mqtt_out.key_file",
        )
