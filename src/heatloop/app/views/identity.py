"""Read models of identity: one's account, its factors and sessions, programs' keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInOptions:
    """What the sign-in page may know before anybody is signed in."""

    min_length: int
    """Fewest characters of a password."""
    classes: int
    """How many of small, capital, digit, other a password needs."""
    history: int
    """Former passwords that may not come back."""
    provider: bool
    """Whether one may sign in at the company's identity provider."""
    provider_zh: str
    """Its Chinese name."""
    provider_en: str
    """Its English name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorView:
    """A second factor."""

    id: str
    """Its name."""
    kind: str
    """`totp` or `key`."""
    label: str
    """What the person calls it."""
    algorithm: str
    """Digest of codes, or kind of key."""
    subject: str
    """Subject of the certificate."""
    created_at: datetime
    """Machine time."""
    used_at: datetime | None
    """Machine time of the last use."""
    ends_at: datetime | None
    """Machine time its certificate ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountView:
    """One's own account."""

    user: str
    """Login name."""
    full_name: str
    """Name of the person."""
    password_at: datetime | None
    """Machine time the password was set."""
    password_ends_at: datetime | None
    """Machine time it must be changed; None: never."""
    wants_second: bool
    """Whether these rights ask for a second factor."""
    factors: list[FactorView]
    """Second factors."""
    recovery_left: int
    """Recovery codes left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TotpOffer:
    """What a phone program needs to make one-time codes; shown once."""

    id: str
    """Name of the factor."""
    secret: str
    """Secret, base 32, to be typed where no picture can be taken."""
    uri: str
    """What the picture holds."""
    picture: str
    """QR code as SVG in a data address."""
    algorithm: str
    """Digest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodes:
    """Codes for the day the phone is lost; shown once."""

    codes: list[str]
    """Each is good once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """Something to sign with one's key."""

    challenge: str
    """Sign `heatloop-sign-in`, a zero byte, and this text."""
    seconds: float
    """How long it holds."""
    keys: list[FactorView]
    """Keys that may sign."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSession:
    """A session of one's own."""

    id: str
    """First part of what the records know it by."""
    current: bool
    """Whether it is the one that asks."""
    kind: str
    """`person` or `display`."""
    address: str
    """Where it signed in from."""
    device: str
    """What the browser says it is."""
    factors: list[str]
    """What was proved."""
    created_at: datetime
    """Machine time of signing in."""
    seen_at: datetime
    """Machine time of the last request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Sessions were ended."""

    sessions: int
    """How many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceKeyView:
    """A program's key, without its secret."""

    id: str
    """Readable front part."""
    name: str
    """Name of the service account."""
    purpose: str
    """What it is for."""
    owner: str
    """Whose rights it borrows."""
    roles: list[str]
    """Roles."""
    permissions: list[str]
    """What it may do."""
    scope: list[str]
    """Subtree paths."""
    addresses: list[str]
    """Networks it may come from; empty: any."""
    state: str
    """`active`, `expired`, `revoked` or `owner_disabled`."""
    created_by: str
    """Who made it."""
    created_at: datetime
    """Machine time."""
    expires_at: datetime
    """Machine time it ends."""
    used_at: datetime | None
    """Machine time of the last use."""
    used_from: str
    """Where it was used from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceKeyMade:
    """A new key, shown once."""

    key: ServiceKeyView
    """The key."""
    secret: str
    """What the program sends as `Authorization: Bearer`."""
