"""Settings of the audit trail; there is none that switches it off."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError
from heatloop.security.chain import DIGESTS, SHA256, SM3

LEAST_KEPT_DAYS = 1096


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """The chain, its checkpoints and its copies (machine time)."""

    algorithm: str = ""
    """`sha256` or `sm3`; empty: that of the suite. The chain says where it changed."""
    checkpoint_entries: int = 1000
    """A signed checkpoint follows at the latest this many entries behind the last."""
    copy_to: str = ""
    """Folder (of another machine) or `s3://bucket/prefix` the trail is copied to."""
    syslog: str = ""
    """`host:port` of a syslog server over TLS (RFC 5425); empty: none."""
    syslog_ca: str = ""
    """PEM of the server's certificate authority; empty: the system's."""
    syslog_certificate: str = ""
    """PEM of our own certificate for that server; empty: none."""
    syslog_key: str = ""
    """PEM of its key."""
    copy_every_s: float = 10.0
    """How often the copies are brought up to date, 1 to 50."""
    copy_late_s: float = 60.0
    """A copy further behind raises an alarm."""
    sealed_to: str = ""
    """Folder or `s3://...` sealed periods are kept in; empty: `audit` in the data folder."""


def check_audit(audit: AuditSettings) -> None:
    """Return if the trail can be kept so.

    Raises:
        ConfigError: It cannot.
    """
    if audit.algorithm not in DIGESTS:
        raise ConfigError(
            "no such chain algorithm",
            thing=f"audit.algorithm = {audit.algorithm}",
            fix="sha256 or sm3",
        )
    if not 10 <= audit.checkpoint_entries <= 100_000:
        raise ConfigError(
            "out of range",
            thing=f"audit.checkpoint_entries = {audit.checkpoint_entries}",
            fix="give 10 to 100000",
        )
    if not (1.0 <= audit.copy_every_s <= 50.0 and audit.copy_late_s > audit.copy_every_s):
        raise ConfigError(
            "the copy would always be late",
            thing=f"audit.copy_every_s = {audit.copy_every_s:g}",
            fix="give 1 to 50 s, less than audit.copy_late_s",
        )
    host, _, port = audit.syslog.rpartition(":")
    if audit.syslog and not (host and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError(
            "no address of a syslog server",
            thing=f"audit.syslog = {audit.syslog}",
            fix="give host:6514",
        )
    if bool(audit.syslog_certificate) != bool(audit.syslog_key):
        raise ConfigError(
            "a client certificate needs its key",
            thing="audit.syslog_key",
            fix="give audit.syslog_certificate and audit.syslog_key",
        )


def chain_algorithm(audit: AuditSettings, suite: str) -> str:
    """Return what new entries are hashed with."""
    return audit.algorithm or (SM3 if suite == "sm" else SHA256)
