"""What a probe is asked and what it finds: addresses as URLs, and offers of a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from heatloop.kernel.errors import InputError

Progress = Callable[[float, str], None]
"""Told the share done so far, 0 to 1, and what is being done."""
Value = float | int | str | bool | None


def no_progress(share: float, doing: str) -> None:
    """Tell nobody."""
    del share, doing


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a device is and how to speak to it."""

    url: str
    """As it was given, without a password."""
    scheme: str
    """Before `://`."""
    host: str
    """Address, or a serial port that begins with `/`."""
    port: int
    """TCP or UDP port; 0 for serial ports."""
    path: str = ""
    """After the address: node, topic, resource."""
    user: str = ""
    """Before `@`."""
    password: str = ""
    """Between `:` and `@`; never shown."""
    options: Mapping[str, str] = field(default_factory=dict)
    """After `?`."""
    timeout_s: float = 1.0
    """Longest wait for one answer."""

    @property
    def place(self) -> str:
        """The address for people."""
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Return an option that is a whole number.

        Raises:
            InputError: It is none, or out of range.
        """
        text = self.options.get(name, "")
        if not text:
            return default
        if not text.isdecimal() or not low <= int(text) <= high:
            fix = f"use {name}={low} to {high}"
            raise InputError("option is not in range", thing=f"{name}={text}", fix=fix)
        return int(text)

    def span(self, name: str, default: tuple[int, int], low: int, high: int) -> range:
        """Return an option that is `n` or `n-m`.

        Raises:
            InputError: It is neither, or out of range.
        """
        text = self.options.get(name, "")
        if not text:
            return range(default[0], default[1] + 1)
        first, _, last = text.partition("-")
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and low <= int(first) <= int(last) <= high):
            fix = f"use {name}={low} or {name}={low}-{high}"
            raise InputError("option is no span", thing=f"{name}={text}", fix=fix)
        return range(int(first), int(last) + 1)

    def known(self, *names: str) -> None:
        """Return if there are only these options.

        Raises:
            InputError: There is another one.
        """
        for name in self.options:
            if name not in names:
                fix = f"use {', '.join(names)}" if names else "leave it out"
                raise InputError("unknown option", thing=name, place=self.url, fix=fix)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """What a run of registers may mean."""

    dtype: str
    """A type of `protocols.dtypes`."""
    word_order: str
    """Byte order of values over several registers."""
    value: float
    """What it would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One value a device offers."""

    source: str
    """What a profile calls it: table, node, record, object, metric."""
    label: str = ""
    """For people."""
    value: Value = None
    """As it is now; None: none."""
    unit: str = ""
    """As the device says."""
    dtype: str = ""
    """As the device says; of registers, the most plausible one."""
    register: int | None = None
    """First register, for protocols that have them."""
    word_order: str = ""
    """Of the most plausible type."""
    access: str = "r"
    """`r` or `rw`, where the device says so."""
    quality: str = "good"
    """As the device says."""
    moves: bool = False
    """Whether it changed between two readings."""
    guesses: tuple[Guess, ...] = ()
    """Other types the registers may have, most plausible first."""


@dataclass(kw_only=True, slots=True)
class Report:
    """What a probe found."""

    url: str
    """Where, without a password."""
    protocol: str
    """Row of `field_protocols.csv`."""
    device: dict[str, str] = field(default_factory=dict)
    """What the device says about itself, and how it was reached."""
    found: list[dict[str, str]] = field(default_factory=list)
    """Devices found on a line or network, each with the URL to ask it alone."""
    offers: list[Offer] = field(default_factory=list)
    """Its values."""
    notes: list[str] = field(default_factory=list)
    """What was tried, refused or left out."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; empty fields of offers are left out."""
        shown = asdict(self)
        shown["offers"] = [
            {k: v for k, v in offer.items() if v not in ("", None, (), False) or k == "value"}
            for offer in shown["offers"]
        ]
        return shown


def split_url(url: str, ports: Mapping[str, int], timeout_s: float) -> Target:
    """Return the parts of a device's URL.

    Args:
        url: As typed.
        ports: Usual port by scheme; 0: a serial port may be meant.
        timeout_s: Longest wait for one answer.

    Raises:
        InputError: It is no URL of a known scheme.
    """
    known = ", ".join(f"{scheme}://" for scheme in ports)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise InputError(f"no address of a device: {error}", thing=_shown(url)) from error
    if parts.scheme not in ports:
        thing = parts.scheme or _shown(url)
        raise InputError("unknown protocol", thing=thing, fix=f"use one of {known}")
    path = unquote(parts.path)
    if not host and path.startswith("/dev/"):
        host, path, port = path, "", 0
    if not host:
        fix = f"write {parts.scheme}://192.168.1.10:{ports[parts.scheme] or 502}"
        raise InputError("no address", thing=_shown(url), fix=fix)
    if len(options) != len(dict(options)):
        raise InputError("an option stands twice", thing=_shown(url))
    return Target(
        url=_shown(url),
        scheme=parts.scheme,
        host=host,
        port=port if port is not None else ports[parts.scheme],
        path=path.strip("/"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        options=dict(options),
        timeout_s=timeout_s,
    )


def _shown(url: str) -> str:
    """Return the URL without a password."""
    head, at, rest = url.rpartition("@")
    if not at or ":" not in head.partition("://")[2]:
        return url
    return f"{head.rpartition(':')[0]}@{rest}"
