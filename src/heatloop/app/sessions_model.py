"""What a session is: who, by which proofs, and what still stands between him and the platform."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from heatloop.app.views.system import SessionView
from heatloop.security.access import ADMINISTRATORS, Permission, Principal, Role

PASSWORD, TOTP, CERTIFICATE, OIDC, KEY = "password", "totp", "certificate", "oidc", "key"
OIDC_STRONG = "oidc_strong"
"""The identity provider itself asked for a second factor."""
SECOND = frozenset((TOTP, CERTIFICATE, OIDC_STRONG))
"""Factors that count as the second."""
PERSON, DISPLAY, PROGRAM = "person", "display", "program"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody signed in."""

    token_hash: str
    """What the records know the session by; empty for a program's key."""
    principal: Principal
    """Who it is."""
    must_change: bool
    """Whether the password must be changed first."""
    created_s: float
    """Machine time of signing in."""
    seen_s: float
    """Machine time of the last request."""
    factors: frozenset[str] = field(default_factory=frozenset)
    """What was proved: password, totp, certificate, oidc, key."""
    proved_s: float = 0.0
    """Machine time of the last full proof of identity."""
    must_prove: bool = False
    """Whether the second factor is still to be given."""
    must_enrol: bool = False
    """Whether a second factor must be set up first."""
    methods: frozenset[str] = field(default_factory=frozenset)
    """Second factors the account has: totp, key."""
    kind: str = PERSON
    """`person`, `display` or `program`."""
    address: str = ""
    """Where it signed in from."""
    device: str = ""
    """What the browser says it is."""

    @property
    def waits_for(self) -> str:
        """Return the refusal everything but the next step gets; empty when nothing is missing."""
        if self.must_prove:
            return "second_factor_required"
        if self.must_change:
            return "password_change_required"
        return "enrolment_required" if self.must_enrol else ""

    def view(self) -> SessionView:
        """Return the session as the screens see it."""
        return SessionView(
            user=self.principal.user,
            roles=sorted(self.principal.roles),
            permissions=sorted(self.principal.permissions),
            scope=sorted(self.principal.scope.paths),
            must_change=self.must_change,
            must_prove=self.must_prove,
            must_enrol=self.must_enrol,
            factors=sorted(self.factors),
            methods=sorted(self.methods),
            kind=self.kind,
        )


def is_powerful(principal: Principal) -> bool:
    """Return whether an account may do enough harm to need a second factor."""
    roles = principal.roles
    return (
        bool(roles & ADMINISTRATORS)
        or Role.DISPATCHER in roles
        or Permission.COMMAND in principal.permissions
    )


def narrowed(principal: Principal, permissions: frozenset[Permission]) -> Principal:
    """Return somebody with no more than these of his rights."""
    made = replace(principal)  # label and all
    object.__setattr__(made, "permissions", principal.permissions & permissions)
    return made
