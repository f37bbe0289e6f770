"""Settings of watching: rates, addresses of administrators, declared ports, scans."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from heatloop.kernel.errors import ConfigError

Network = IPv4Network | IPv6Network
SELF = f"self-{secrets.token_hex(8)}"
"""The address the self-assessment asks the application from; nobody else can know it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchSettings:
    """What is watched, and how much one address or user may ask (machine time)."""

    limits: bool = True
    """Whether requests are limited; without limits one client can take all."""
    address_per_s: float = 200.0
    """Requests an address may send in the long run, a second."""
    address_burst: float = 2000.0
    """Requests an address may send at once."""
    user_per_s: float = 100.0
    """Requests a signed-in session or a key may send in the long run, a second."""
    user_burst: float = 1000.0
    """Requests a session or a key may send at once."""
    admin_from: tuple[str, ...] = ()
    """Networks administration is allowed from, as `10.1.2.0/24`; empty: from anywhere."""
    ports: tuple[str, ...] = ()
    """TCP ports that may be open beside the platform's own, as `22` or `1883`."""
    scan_ports: bool = True
    """Whether this machine's own addresses are tried once a day."""
    clamd: str = ""
    """Unix socket of a ClamAV daemon; empty: `clamscan`, if it is installed."""
    virus_database: str = ""
    """Signature file or folder of `clamscan`; empty: its own."""
    scan_uploads: bool = False
    """Whether every upload is scanned and refused when that is not possible."""
    antivirus_days: float = 7.0
    """How often a virus scan is due."""
    vulnerability_days: float = 30.0
    """How often a vulnerability scan is due."""
    patch_days: float = 30.0
    """How long a known high or critical vulnerability may stay."""
    certificate_days: float = 30.0
    """How long before its end a certificate raises an alarm."""
    filing_days: float = 60.0
    """How long before it is due the annual assessment raises an alarm."""


def check_watch(watch: WatchSettings) -> None:
    """Return if these settings can be worked with.

    Raises:
        ConfigError: A network or port is none, or a rate or period is not positive.
    """
    networks_of(watch.admin_from)
    ports_of(watch.ports)
    for name in WatchSettings.__slots__:
        value = getattr(watch, name)
        if isinstance(value, float) and not 0.0 < value <= 1e6:
            raise ConfigError(
                "must be greater than 0", thing=f"watch.{name} = {value}", fix="give 1 or more"
            )


def networks_of(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Return networks from their texts.

    Raises:
        ConfigError: One is no network.
    """
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigError(
            f"not a network: {error}", thing="watch.admin_from", fix="give 10.1.2.0/24"
        ) from error


def ports_of(texts: tuple[str, ...]) -> frozenset[int]:
    """Return TCP ports from their texts.

    Raises:
        ConfigError: One is no port.
    """
    found = set()
    for text in texts:
        if not text.isdigit() or not 0 < int(text) <= 65535:
            raise ConfigError("not a port", thing=f"watch.ports = {text}", fix="give 1 to 65535")
        found.add(int(text))
    return frozenset(found)


def within(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether an address is in one of the networks; what is no address is not."""
    try:
        here = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(here, "ipv4_mapped", None) or here
    return any(mapped in network for network in networks if network.version == mapped.version)
