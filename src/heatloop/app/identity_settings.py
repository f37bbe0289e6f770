"""Settings of identity: passwords, second factors, sessions side by side, identity providers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError, InputError
from heatloop.security.access import roles_of
from heatloop.security.passwords import MAX_LENGTH, MIN_LENGTH, PasswordPolicy
from heatloop.security.totp import ALGORITHMS

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
AUTO, REQUIRED, OFF = "auto", "required", "off"
ALLOW, NEWEST, REFUSE = "allow", "newest", "refuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentitySettings:
    """Who may come in, and how he proves it (machine time)."""

    min_length: int = 8
    """Fewest characters of a password."""
    classes: int = 3
    """How many of small, capital, digit, other a password needs."""
    history: int = 5
    """Former passwords that may not come back; 0: none."""
    max_age_days: float = 90.0
    """A password older than this must be changed; 0: never."""
    second_factor: str = AUTO
    """`required` of administrators, dispatchers and everybody who may command; `off`: only asked
    of those who have one; `auto`: required, except in a demonstration."""
    totp_algorithm: str = "sha1"
    """Digest of new one-time codes: `sha1` (every phone program), `sha256` or `sm3`."""
    totp_issuer: str = "heatloop"
    """What a phone program shows beside the codes."""
    certificate_ca_file: str = ""
    """PEM of the authorities whose certificates count as a factor; empty: any registered key."""
    concurrent: str = ALLOW
    """Several sessions of one user: `allow`, `newest` (ends the others) or `refuse`."""
    display_days: float = 30.0
    """A wall display, which may only look, is signed out after this long; it is never idle."""
    stale_days: float = 90.0
    """An account unused for this long is disabled; 0: never."""
    service_key_days: float = 365.0
    """Longest life of a program's key."""
    hash_threads: int = 1
    """Passwords checked at a time."""
    hash_queue: int = 16
    """Sign-ins that may wait for that; more are told to come back."""

    @property
    def policy(self) -> PasswordPolicy:
        """Return what a password must be."""
        return PasswordPolicy(min_length=self.min_length, min_classes=self.classes)

    def wants_second(self, *, demo: bool) -> bool:
        """Return whether powerful accounts must have a second factor."""
        return self.second_factor == REQUIRED or (self.second_factor == AUTO and not demo)


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcSettings:
    """The company's own identity provider (OpenID Connect, authorization code with PKCE)."""

    issuer: str = ""
    """Address of the provider; https, or http on this machine; empty: none."""
    client_id: str = ""
    """What the provider calls this platform."""
    client_secret_file: str = ""
    """File with the secret; empty: a public client, PKCE alone."""
    public_url: str = ""
    """Address people reach this platform by; the call-back lies below it."""
    name_zh: str = "单位统一身份认证"
    """Chinese name on the sign-in page."""
    name_en: str = "company sign-in"
    """English name on the sign-in page."""
    scopes: str = "openid profile"
    """What is asked for."""
    user_claim: str = "preferred_username"
    """Claim that gives the login name."""
    name_claim: str = "name"
    """Claim that gives the person's name."""
    roles_claim: str = "roles"
    """Claim with the groups, a path such as `realm_access.roles`."""
    roles: tuple[str, ...] = ()
    """`group=role` pairs; empty: roles are given here, not there."""
    create_users: bool = False
    """Whether somebody unknown here gets an account by signing in."""
    link_existing: bool = False
    """Whether an account of the same name is taken for the same person."""
    trusted_amr: tuple[str, ...] = ()
    """Methods (`amr`) that stand for a second factor done there, for example `otp`, `hwk`."""
    trusted_acr: tuple[str, ...] = ()
    """Levels (`acr`) that do."""

    @property
    def callback(self) -> str:
        """Return where the provider sends people back to."""
        return self.public_url.rstrip("/") + "/api/v1/session/oidc/callback"

    def role_of(self, group: str) -> str | None:
        """Return the role a group stands for."""
        pairs = (pair.partition("=") for pair in self.roles)
        return next((role.strip() for name, _, role in pairs if name.strip() == group), None)


def check_identity(identity: IdentitySettings, oidc: OidcSettings) -> None:
    """Return if these settings may be started with.

    Raises:
        ConfigError: A number is out of range, a word unknown, or the provider is reached openly.
    """
    _check_words(identity)
    if not MIN_LENGTH <= identity.min_length <= MAX_LENGTH // 2 or not 3 <= identity.classes <= 4:
        raise _bad("min_length", "give min_length 8 to 64 and classes 3 or 4")
    if not 0 <= identity.history <= 24:
        raise _bad("history", "give 0 to 24")
    for name in ("max_age_days", "stale_days"):
        if not 0.0 <= getattr(identity, name) <= 3650.0:
            raise _bad(name, "give 0 to 3650 days")
    for name in ("display_days", "service_key_days"):
        if not 0.0 < getattr(identity, name) <= 3650.0:
            raise _bad(name, "give up to 3650 days")
    if not (1 <= identity.hash_threads <= 16 and 1 <= identity.hash_queue <= 1000):
        raise _bad("hash_threads", "give 1 to 16 threads and a queue of 1 to 1000")
    if oidc.issuer:
        _check_provider(oidc)


def _bad(name: str, fix: str, section: str = "identity") -> ConfigError:
    return ConfigError("not a usable setting", thing=f"{section}.{name}", fix=fix)


def _check_words(identity: IdentitySettings) -> None:
    for name, known in (
        ("second_factor", (AUTO, REQUIRED, OFF)),
        ("totp_algorithm", tuple(ALGORITHMS)),
        ("concurrent", (ALLOW, NEWEST, REFUSE)),
    ):
        if getattr(identity, name) not in known:
            raise _bad(name, "use one of: " + ", ".join(known))
    if not identity.totp_issuer.strip() or ":" in identity.totp_issuer:
        raise _bad("totp_issuer", "give a name without a colon")


def _check_provider(oidc: OidcSettings) -> None:
    for name in ("issuer", "public_url"):
        parts = urlsplit(getattr(oidc, name))
        local = parts.hostname in _LOOPBACK
        if not parts.hostname or parts.scheme not in (("https", "http") if local else ("https",)):
            raise _bad(name, "give an https address", "oidc")
    if not oidc.client_id:
        raise _bad("client_id", "give the id the provider has for this platform", "oidc")
    if "openid" not in oidc.scopes.split():
        raise _bad("scopes", "ask for openid", "oidc")
    for pair in oidc.roles:
        group, _, role = pair.partition("=")
        try:
            roles_of([role.strip()])
        except InputError as error:
            raise _bad("roles", error.fix, "oidc") from error
        if not group.strip():
            raise _bad("roles", 'give "group=role"', "oidc")
