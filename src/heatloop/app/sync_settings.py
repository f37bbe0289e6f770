"""Settings of the exchange with billing and customer systems."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
SYSTEM = re.compile(r"^[a-z][a-z0-9_-]{0,31}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncSettings:
    """Other systems that records are exchanged with."""

    speakers: tuple[str, ...] = ()
    """`system=user`: who may speak for a system; empty: every integrator for every system."""
    drop_folder: str = ""
    """Folder read for files `<system>.<anything>.csv|json`; empty: none."""
    pull_url: str = ""
    """Address another system is asked at; empty: none is asked."""
    pull_system: str = "billing"
    """What that system is called."""
    pull_token_file: str = ""
    """File with the bearer token for it."""
    pull_ca_file: str = ""
    """PEM of its certificate authority; empty: the system's."""
    timeout_s: float = 20.0
    """How long an answer is waited for, machine time."""
    period_s: float = 60.0
    """How often folder and system are looked at, plant time, 10 to 240."""


def check_sync(sync: SyncSettings) -> None:
    """Return if records can be exchanged so.

    Raises:
        ConfigError: A speaker, an address or a figure is not possible.
    """
    for pair in sync.speakers:
        system, _, user = pair.partition("=")
        if not SYSTEM.match(system.strip()) or not user.strip():
            raise ConfigError(
                "no pair of system and user", thing=f"sync.speakers: {pair}", fix="billing=user"
            )
    if not SYSTEM.match(sync.pull_system):
        raise ConfigError("no name of a system", thing=f"sync.pull_system = {sync.pull_system}")
    if not 10.0 <= sync.period_s <= 240.0:
        # A change must show within five minutes; a longer period could not keep that.
        raise ConfigError(
            "out of range", thing=f"sync.period_s = {sync.period_s:g}", fix="give 10 to 240"
        )
    if not 1.0 <= sync.timeout_s <= 120.0:
        raise ConfigError(
            "out of range", thing=f"sync.timeout_s = {sync.timeout_s:g}", fix="give 1 to 120"
        )
    if not sync.pull_url:
        return
    parts = urlsplit(sync.pull_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("not an address", thing=f"sync.pull_url = {sync.pull_url}")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "personal data would leave this machine in plain HTTP",
            thing=f"sync.pull_url = {sync.pull_url}",
            fix="use https",
        )
