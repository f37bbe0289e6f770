"""Read models of the system itself: health, information, people, audit, gateways, ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the system and whether it works."""

    name: str
    """Name."""
    layer: str
    """`device`, `data` or `application` (clause 4.1)."""
    ok: bool
    """Whether it works."""
    detail: str
    """A fact about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Whether everything works."""

    status: str
    """`ok` or `degraded`."""
    layers: dict[str, bool]
    """Whether every part of each layer works."""
    parts: list[Part]
    """The parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Info:
    """What the sign-in page may know."""

    version: str
    """Version of the platform."""
    demo: bool
    """Whether this is a demonstration."""
    company_zh: str
    """Chinese name of the company."""
    company_en: str
    """English name of the company."""
    time_zone: str
    """IANA zone of the company."""
    plant_time: datetime
    """Plant time."""
    speed: float
    """Plant seconds a machine second; 0 in lockstep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionView:
    """Who is signed in."""

    user: str
    """User name."""
    roles: list[str]
    """Roles."""
    permissions: list[str]
    """What the roles permit."""
    scope: list[str]
    """Subtree paths the user may see; an empty path is everything."""
    must_change: bool
    """Whether the password must be changed before anything else."""
    must_prove: bool = False
    """Whether the second factor is still to be given."""
    must_enrol: bool = False
    """Whether a second factor must be set up before anything else."""
    factors: list[str]
    """What was proved: password, totp, certificate, oidc, key."""
    methods: list[str]
    """Second factors the account has: totp, key."""
    kind: str = "person"
    """`person`, `display` (a wall display that may only look) or `program`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UserView:
    """A user."""

    name: str
    """User name."""
    full_name: str
    """Name of the person."""
    roles: list[str]
    """Roles."""
    scope: list[str]
    """Subtree paths."""
    disabled: bool
    """Whether sign-in is refused."""
    must_change: bool
    """Whether the password must be changed at the next sign-in."""
    second_factor: bool = False
    """Whether the user has a second factor."""
    wants_second: bool = False
    """Whether the user's rights ask for one."""
    locked: bool = False
    """Whether failures lock sign-in from somewhere."""
    seen_at: datetime | None = None
    """Machine time of the last sign-in."""
    password_at: datetime | None = None
    """Machine time the password was set."""
    disabled_reason: str = ""
    """Why sign-in is refused: empty, `administrator` or `stale`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UserCreated:
    """A new user and the password to hand over, shown once."""

    user: UserView
    """The user."""
    password: str
    """First password; must be changed at the first sign-in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One line of the audit trail."""

    seq: int
    """Number in the chain."""
    at: datetime
    """Machine time."""
    user: str
    """Who."""
    role: str
    """His roles at that moment, joined by `|`."""
    address: str
    """From where; empty for what nobody asked for."""
    request: str
    """Id of the request it was part of."""
    action: str
    """What."""
    subject: str
    """On what."""
    result: str
    """`done`, `refused` or `failed`."""
    detail: dict[str, object]
    """Facts, with before and after where something changed."""
    hash: str
    """Hash of this entry chained to the one before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditPage:
    """A page of the audit trail, newest first."""

    total: int
    """Entries in all."""
    items: list[AuditEntry]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditVerdict:
    """Whether the audit trail is whole."""

    ok: bool
    """Whether every hash fits."""
    entries: int
    """Entries checked."""
    first_broken: int | None
    """First entry that does not fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayView:
    """A gateway and the state of its link."""

    code: str
    """Gateway code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`station` or `collector`."""
    channel: str
    """Main channel."""
    monthly_cost_yuan: float
    capacity_kbps: float
    spare_channel: str
    spare_monthly_cost_yuan: float
    spare_capacity_kbps: float
    carries: str | None
    """Channel in use: `main` or `spare`; None while it is not connected."""
    """Cost of the channel."""
    enrolled: bool
    """Whether it has exchanged keys."""
    connected: bool
    """Whether its link is up."""
    last_seen: datetime | None
    """Machine time of the last message."""
    epoch: str | None
    """Spool epoch, hexadecimal."""
    through: int | None
    """Last sequence stored of that epoch."""
    profile_version: int
    """Version of the profile it works with."""
    devices: int
    """Devices it reads."""
    points: int
    """Points it reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayList:
    """All gateways the reader may see."""

    items: list[GatewayView]
    """Gateways."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolled:
    """What a gateway gets when it enrols."""

    platform_public_key: str
    """Ed25519 public key, hexadecimal."""
    profile: dict[str, object]
    """Signed document of the edge profile."""
    platform_public_keys: list[str]
    """All signing keys to trust, hexadecimal, the current one first."""
    keys_seq: int
    """Number of the newest document about these keys."""
    gateway_urls: list[str]
    """Listeners for gateways, with certificates on both sides; empty: the same as for people."""
    certificate: str
    """The gateway's certificate, PEM; empty when it asked for none."""
    ca: str
    """Certificate of the platform's authority, PEM; empty likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerImported:
    """A ledger was read."""

    ok: bool
    """Always true; errors come as 422 with all bad rows."""
    version: int
    """Version now in force, or the version it would get in a dry run."""
    dry_run: bool
    """Whether nothing was changed."""
    assets: int
    """Assets."""
    points: int
    """Points."""
