"""Settings of the work done for many stations at a time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSettings:
    """Who works for many stations at a time."""

    url: str = ""
    """Scheduler of a Dask cluster, `tls://host:8786`, `tcp://` inside the control zone only;
    empty: processes of this machine."""
    workers: int = 1
    """Processes of this machine, without a cluster."""
    tls_ca: str = ""
    """PEM file of the authority the cluster's certificates are from."""
    tls_certificate: str = ""
    """PEM file of the platform's own certificate for the cluster."""
    tls_key: str = ""
    """PEM file of its key."""
    plain: bool = False
    """Whether `tcp://` may leave this machine; whoever reaches a scheduler runs programs there."""
    connect_s: float = 10.0
    """How long the scheduler is waited for, machine time."""


def check_fleet(fleet: FleetSettings) -> None:
    """Return if the fleet can work so.

    Raises:
        ConfigError: No address of a scheduler, TLS without its files, plain TCP away from this
            machine that nobody has allowed, or a number out of range.
    """
    if not (1 <= fleet.workers <= 64 and 1.0 <= fleet.connect_s <= 300.0):
        raise ConfigError(
            "the fleet cannot work so",
            thing="fleet",
            fix="give 1 to 64 workers, connect_s 1 to 300",
        )
    if not fleet.url:
        return
    parts = urlsplit(fleet.url)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port:
        raise ConfigError(
            "no address of a scheduler",
            thing=f"fleet.url = {fleet.url}",
            fix="give tls://host:port",
        )
    if parts.scheme == "tls" and not (fleet.tls_ca and fleet.tls_certificate and fleet.tls_key):
        raise ConfigError(
            "TLS to the cluster needs three files",
            thing="fleet.tls_ca",
            fix="give fleet.tls_ca, fleet.tls_certificate and fleet.tls_key",
        )
    if parts.scheme == "tcp" and parts.hostname not in _LOOPBACK and not fleet.plain:
        raise ConfigError(
            "plain TCP to the cluster leaves this machine",
            thing=f"fleet.url = {fleet.url}",
            fix="use tls://, or set fleet.plain where only the control zone reaches the scheduler",
        )
