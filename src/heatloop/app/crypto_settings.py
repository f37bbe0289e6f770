"""Settings of cryptography: the suite, exports in clear, certificates of gateways."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError
from heatloop.security.providers import suites

PLAIN_EXPORTS = ("reason", "refused", "free")
GATEWAY_TLS = ("auto", "required", "optional")


@dataclass(frozen=True, kw_only=True, slots=True)
class CryptoSettings:
    """What new values are sealed and signed with, and what may leave in clear."""

    suite: str = "international"
    """`international`, `sm`, or a plug-in's name; older values stay readable."""
    plain_exports: str = "reason"
    """Exports in clear: `reason` (a right and a reason), `refused`, or `free` (demonstrations)."""
    gateway_tls: str = "auto"
    """Certificates of gateways: `required`, `optional`; `auto`: required away from loopback."""
    gateway_host: str = ""
    """Address of the gateways' own listener; empty: that of the server."""
    gateway_port: int = 0
    """Port of the gateways' own listener, with certificates on both sides; 0: the server's port
    and one where certificates are required, else none."""
    gateway_url: str = ""
    """What gateways are told to connect to, `https://name:port`; empty: the host they know, and
    that port."""
    certificate_days: float = 90.0
    """Life of a gateway's certificate."""
    redirect_port: int = 0
    """Port that answers plain HTTP with a redirect to HTTPS; 0: none."""


def check_crypto(crypto: CryptoSettings) -> None:
    """Return if these settings may be started with.

    Raises:
        ConfigError: A word is unknown, or a number out of range.
    """
    for name, known in (("plain_exports", PLAIN_EXPORTS), ("gateway_tls", GATEWAY_TLS)):
        if getattr(crypto, name) not in known:
            raise ConfigError(
                "setting is not one of the choices",
                thing=f"crypto.{name} = {getattr(crypto, name)}"[:80],
                fix=f"use one of: {', '.join(known)}",
            )
    if crypto.suite not in suites():
        raise ConfigError(
            "unknown suite of algorithms",
            thing=f"crypto.suite = {crypto.suite}"[:80],
            fix=f"use one of: {', '.join(suites())}",
        )
    for name in ("gateway_port", "redirect_port"):
        if not 0 <= getattr(crypto, name) <= 65535:
            raise ConfigError("no such port", thing=f"crypto.{name}", fix="give 0-65535")
    if not 0.001 <= crypto.certificate_days <= 825:
        raise ConfigError(
            "a gateway's certificate cannot live so long",
            thing="crypto.certificate_days",
            fix="give 0.001 to 825 days",
        )
