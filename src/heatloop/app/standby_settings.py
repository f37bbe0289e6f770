"""The settings of redundancy: several platform instances over shared stores."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RedundancySettings:
    """Several platform instances over the same records and the same historian (machine time)."""

    enabled: bool = False
    """Whether another instance may take over from this one."""
    name: str = ""
    """Name of this instance, unlike every other one's; empty: the machine's host name."""
    url: str = ""
    """Address people and gateways reach this instance at, told by the others."""
    lease_s: float = 10.0
    """How long the active instance may be silent before another one takes over."""
    refresh_s: float = 5.0
    """How often an instance that stands by reads again what it shows."""

    @property
    def own_name(self) -> str:
        """Return the name this instance goes by."""
        return self.name or socket.gethostname()


def check_redundancy(redundancy: RedundancySettings, records_url: str) -> None:
    """Check that these settings may be started with.

    Raises:
        ConfigError: They may not.
    """
    if not redundancy.enabled:
        return
    if not records_url.startswith("postgresql"):
        raise ConfigError(
            "instances share their records, and SQLite cannot be shared",
            thing="storage.records_url",
            fix="give postgresql://user@host/database",
        )
    if not _NAME.fullmatch(redundancy.own_name):
        raise ConfigError(
            "not a name of an instance",
            thing=f"redundancy.name = {redundancy.own_name[:80]}",
            fix="give letters, digits, points and dashes",
        )
    if redundancy.url and urlsplit(redundancy.url).scheme not in ("http", "https"):
        raise ConfigError(
            "not an address", thing=f"redundancy.url = {redundancy.url[:80]}", fix="https://..."
        )
    if not (1.0 <= redundancy.lease_s <= 20.0 and 0.2 <= redundancy.refresh_s <= 60.0):
        raise ConfigError(
            "an instance cannot stand by so",
            thing="redundancy",
            fix="give lease_s 1 to 20 and refresh_s 0.2 to 60",
        )
