"""What the interface tells about keys, re-sealing and certificates; never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyView:
    """A key of the platform."""

    kind: str
    """`data` or `signing`."""
    id: str
    """Id of the key."""
    algorithm: str
    """What it is for."""
    current: bool
    """Whether new values are sealed, new documents signed with it."""
    made_at: datetime | None
    """When; None: not known."""
    source: str
    """`file`, `environment`, or the plug-in that holds it."""
    values: int
    """Sealed values that need it; data keys only."""
    public_key: str
    """Public key, hexadecimal; signing keys only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealView:
    """A run over all sealed values."""

    number: int
    """Number of the run."""
    key_id: str
    """Key everything is to be sealed with."""
    user: str
    """Who asked for it."""
    state: str
    """`running`, `done` or `broken`; a broken one goes on by itself at the next start."""
    done: int
    """Values looked at."""
    total: int
    """Values there were at the start."""
    started_at: datetime
    """Begin."""
    ended_at: datetime | None
    """End."""
    note: str
    """What went wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyList:
    """The platform's keys."""

    suite: str
    """Suite new keys are made for."""
    suites: list[str]
    """Suites that may be configured."""
    keys: list[KeyView]
    """Keys by kind, oldest first."""
    reseal: ResealView | None
    """The latest re-sealing run."""
    gateways_behind: list[str]
    """Gateways that have not confirmed the newest signing keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCertificate:
    """A gateway's certificate."""

    certificate: str
    """PEM."""
    ca: str
    """Certificate of the platform's authority, PEM."""
    not_after: datetime
    """When it ends."""
    gateway_urls: list[str]
    """Listeners for gateways; one without a host is on the host the gateway knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateView:
    """A certificate that was issued."""

    serial: str
    """Serial number, hexadecimal."""
    gateway: str
    """Gateway code."""
    fingerprint: str
    """SHA-256, hexadecimal."""
    state: str
    """`valid`, `ended` or `revoked`."""
    not_before: datetime
    """Begin."""
    not_after: datetime
    """End."""
    issued_by: str
    """`enrol` or `renew`."""
    revoked_at: datetime | None
    """When it was revoked."""
    reason: str
    """Why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateList:
    """Certificates of gateways."""

    required: bool
    """Whether gateways need one."""
    urls: list[str]
    """Where they come to."""
    total: int
    """How many there are."""
    items: list[CertificateView]
    """Newest first, at most 1,000."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """What was revoked."""

    count: int
    """Certificates that held until now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRule:
    """How exports may go out."""

    plain: str
    """What the settings say of exports in clear: `reason`, `refused` or `free`."""
    may_plain: bool
    """Whether who asks may have them in clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportTicket:
    """A choice made beforehand."""

    ticket: str
    """To be named by the export."""
