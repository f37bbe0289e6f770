"""Who asks at the command door, and how surely it is he."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from heatloop.security.access import Principal

Writes = Sequence[tuple[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Somebody signed in, as the door sees him."""

    principal: Principal
    """Who he is and what he may."""
    session: str
    """Hash that names his session: a token is worth nothing in another one."""
    proved_s: float
    """Machine time he last proved who he is."""
    factors: frozenset[str]
    """By what."""
    address: str = ""
    """Where he comes from."""

    @property
    def user(self) -> str:
        """Return his login name."""
        return self.principal.user


def door_token_hash(token: str) -> str:
    """Return what is kept of a confirmation token."""
    return hashlib.sha256(b"heatloop-door\x00" + token.encode()).hexdigest()
