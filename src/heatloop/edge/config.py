"""A gateway's own settings: one small TOML file; every other thing comes signed by the platform.

::

    gateway = "GW0001"
    platform_url = "http://127.0.0.1:8080"
    data = "."                      # keys, profile, spool; relative to this file
    token_file = "token"            # one-time enrolment token, needed the first time only
    clock_socket = "../run/city.sock"   # leave out to use the machine's clock
    coap_host = "127.0.0.1"
    coap_port = 15683               # 0: no room collectors report here
    ca_file = ""                    # PEM of the platform's own certificate authority
    spool_max_mb = 2048
    timeout_s = 1.0                 # longest wait for a device's answer
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
    token_file: Path | None = None
    """File with the one-time enrolment token."""
    clock_socket: Path | None = None
    """Unix socket that publishes plant time; None: the machine's clock."""
    coap_host: str = "127.0.0.1"
    """Address room collectors report to."""
    coap_port: int = 0
    """UDP port they report to; 0: none."""
    ca_file: Path | None = None
    """Certificate authority of the platform; None: the system's."""
    spool_max_mb: int = 2048
    """Size at which the spool takes no more samples."""
    timeout_s: float = 1.0
    """Longest wait for a device's answer, machine time."""


_TEXT = ("gateway", "platform_url", "coap_host")
_PATHS = ("data", "token_file", "clock_socket", "ca_file")
_NUMBERS = {
    "coap_port": (int, 0, 65535),
    "spool_max_mb": (int, 1, 10_000_000),
    "timeout_s": (float, 0.05, 60.0),
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
    _check_url(config.platform_url, path)
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
    if key in _PATHS:
        return (path.parent / value).resolve() if value else None
    return value


def _check_url(url: str, path: Path) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("not an http(s) address", thing="platform_url", place=str(path))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "plain http leaves this machine",
            thing="platform_url",
            place=str(path),
            fix="use https",
        )
