"""A gateway's own settings: one small TOML file; every other thing comes signed by the platform.

::

    gateway = "GW0001"
    platform_url = "http://127.0.0.1:8080"
    standby_urls = "https://b.example:8443"     # further instances, commas between; empty: none
    data = "."                      # keys, profile, spool; relative to this file
    token_file = "token"            # one-time enrolment token, needed the first time only
    clock_socket = "../run/city.sock"   # leave out to use the machine's clock
    coap_host = "127.0.0.1"
    coap_port = 15683               # 0: no room collectors report here
    http_host = "127.0.0.1"         # pushed JSON reports, LoRaWAN uplinks, wireless M-Bus
    http_port = 18080               # 0: none
    http_certificate = ""           # PEM; without it plain HTTP (a device-side protocol)
    http_key = ""
    wmbus_host = "127.0.0.1"        # lines of hexadecimal telegrams over TCP
    wmbus_port = 0
    file_drop = ""                  # folder watched for tables; empty: none
    zone = "Asia/Shanghai"          # of times that devices and files write without one
    secrets = "secrets"             # folder of tokens, keys and passwords of devices
    ca_file = ""                    # PEM of the platform's own certificate authority
    gateway_urls = ""               # the platform's listeners for gateways; empty: as it told
    suite = "international"         # or "sm": what this gateway's own key signs by
    spool_max_mb = 2048
    spool_when_full = "drop_oldest" # or "refuse_new"
    timeout_s = 1.0                 # longest wait for a device's answer
    channel = "ethernet"            # what the way to platform_url is made of, as in the ledger
    spare_url = "mqtts://broker.example:8883"   # spare channel of another nature; empty: none
    spare_channel = "4g"
    spare_user = "GW0001"
    spare_password_file = "broker.password"
    spare_ca_file = ""
    failover_s = 15.0               # the main channel may be away so long, machine time
    failback_s = 60.0               # and must be well so long before it is used again
    away_patience_s = 60.0          # longest wait of one tick for a platform that is away
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeConfig:
    """Settings of one gateway."""

    gateway: str
    """Gateway code."""
    platform_url: str
    """`https://...`; plain http only to this machine."""
    data: Path
    """Folder of keys, profile and spool."""
    standby_urls: str = ""
    """Addresses of further instances of the platform, separated by commas; tried in turn."""
    token_file: Path | None = None
    """File with the one-time enrolment token."""
    clock_socket: Path | None = None
    """Unix socket that publishes plant time; None: the machine's clock."""
    coap_host: str = "127.0.0.1"
    """Address room collectors report to."""
    coap_port: int = 0
    """UDP port they report to; 0: none."""
    http_host: str = "127.0.0.1"
    """Address devices and platforms push to."""
    http_port: int = 0
    """TCP port they push to; 0: none."""
    http_certificate: Path | None = None
    """PEM of the certificate there; None: plain HTTP."""
    http_key: Path | None = None
    """PEM of its private key."""
    wmbus_host: str = "127.0.0.1"
    """Address wireless M-Bus receivers connect to."""
    wmbus_port: int = 0
    """TCP port they connect to; 0: none."""
    file_drop: Path | None = None
    """Folder watched for tables; None: none."""
    zone: str = "Asia/Shanghai"
    """IANA zone of times that devices and files write without one."""
    secrets: Path | None = None
    """Folder of tokens, keys and passwords of devices; None: `secrets` in `data`."""
    ca_file: Path | None = None
    """Certificate authority of the platform; None: the system's."""
    gateway_urls: str = ""
    """Addresses of the platform's listeners for gateways, commas between; empty: as it told."""
    suite: str = "international"
    """What the gateway's own key signs by, made at enrolment."""
    spool_max_mb: int = 2048
    """Size at which the spool is full."""
    spool_when_full: str = "drop_oldest"
    """What a full spool does without: the oldest samples, or new ones (`refuse_new`)."""
    timeout_s: float = 1.0
    """Longest wait for a device's answer, machine time."""
    channel: str = "ethernet"
    """What the main channel is made of, as in the ledger."""
    spare_url: str = ""
    """`mqtts://host:port` of a broker; plain mqtt only to this machine; empty: no spare channel."""
    spare_channel: str = "4g"
    """What the spare channel is made of."""
    spare_user: str = ""
    """User name at the broker."""
    spare_password_file: Path | None = None
    """File with the password at the broker."""
    spare_ca_file: Path | None = None
    """Certificate authority of the broker; None: the system's."""
    failover_s: float = 15.0
    """How long the main channel may be away before the spare is used, machine time."""
    failback_s: float = 60.0
    """How long the main channel must be well before it is used again, machine time."""
    away_patience_s: float = 60.0
    """Longest wait of one tick in lockstep for a platform that is away, machine time."""

    @property
    def platform_urls(self) -> tuple[str, ...]:
        """Return the addresses of all instances of the platform, the first one to try first."""
        further = (url.strip() for url in self.standby_urls.split(","))
        return (self.platform_url, *(url for url in further if url))

    @property
    def link_urls(self) -> tuple[str, ...]:
        """Return the addresses of the listeners for gateways, as far as they are set."""
        return tuple(url.strip() for url in self.gateway_urls.split(",") if url.strip())


_PATHS = (
    "data",
    "token_file",
    "clock_socket",
    "ca_file",
    "file_drop",
    "http_certificate",
    "http_key",
    "secrets",
    "spare_password_file",
    "spare_ca_file",
)
_CHOICES = {
    "spool_when_full": ("drop_oldest", "refuse_new"),
    "suite": ("international", "sm"),
}
_NUMBERS = {
    "coap_port": (int, 0, 65535),
    "http_port": (int, 0, 65535),
    "wmbus_port": (int, 0, 65535),
    "spool_max_mb": (int, 1, 10_000_000),
    "timeout_s": (float, 0.05, 60.0),
    "failover_s": (float, 0.5, 600.0),
    "failback_s": (float, 0.5, 86_400.0),
    "away_patience_s": (float, 0.0, 600.0),
}


def load_config(path: Path) -> EdgeConfig:
    """Read a gateway's settings.

    Raises:
        ConfigError: The file cannot be read, or a key is unknown, missing or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"settings cannot be read: {error}", thing=str(path)) from error
    lines = text.splitlines()
    values: dict[str, Any] = {}
    for key, value in document.items():
        line = next((n for n, t in enumerate(lines, 1) if t.split("=")[0].strip() == key), 0)
        values[key] = _checked(key, value, path, line)
    for key in ("gateway", "platform_url", "data"):
        if not values.get(key):
            raise ConfigError("setting is missing", thing=key, place=str(path), fix="add it")
    config = EdgeConfig(**values)
    for number, url in enumerate(config.platform_urls):
        _check_url(url, path, thing="standby_urls" if number else "platform_url")
    for url in config.link_urls:
        _check_url(url, path, thing="gateway_urls")
    if len({urlsplit(url).scheme for url in config.platform_urls}) > 1:
        raise ConfigError(
            "instances are reached by http and by https",
            thing="standby_urls",
            place=str(path),
            fix="use one scheme for all",
        )
    if config.spare_url:
        _check_url(config.spare_url, path, thing="spare_url", plain="mqtt", safe="mqtts")
        if config.spare_channel == config.channel:
            raise ConfigError(
                "main and spare channel are of one nature",
                thing="spare_channel",
                place=str(path),
                fix="give a spare that does not fail with the main one",
            )
    return config


def _checked(key: str, value: Any, path: Path, line: int) -> Any:
    place = f"{path} line {line}"
    known = {f.name for f in fields(EdgeConfig)}
    if key not in known:
        fix = f"use one of: {', '.join(sorted(known))}"
        raise ConfigError("unknown setting", thing=key, place=place, fix=fix)
    if key in _NUMBERS:
        kind, low, high = _NUMBERS[key]
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or kind(value) != value or not low <= value <= high:
            fix = f"give {'a whole number' if kind is int else 'a number'} {low} to {high}"
            raise ConfigError("setting is not in range", thing=key, place=place, fix=fix)
        return kind(value)
    if not isinstance(value, str):
        raise ConfigError("setting is not text", thing=key, place=place, fix="put it in quotes")
    if key in _CHOICES and value not in _CHOICES[key]:
        fix = f"use one of: {', '.join(_CHOICES[key])}"
        raise ConfigError("setting is not one of the choices", thing=key, place=place, fix=fix)
    if key in _PATHS:
        return (path.parent / value).resolve() if value else None
    return value


def _check_url(
    url: str, path: Path, *, thing: str = "platform_url", plain: str = "http", safe: str = "https"
) -> None:
    parts = urlsplit(url)
    if parts.scheme not in (plain, safe) or not parts.hostname:
        raise ConfigError(f"not a {plain}(s) address", thing=thing, place=str(path))
    if parts.scheme == plain and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            f"plain {plain} leaves this machine",
            thing=thing,
            place=str(path),
            fix=f"use {safe}",
        )
