"""Lock-out after failures that keeps guessers out and never the person himself.

A browser that has signed in carries a *device cookie* for that user (an authenticated statement,
no right by itself). Its failures are counted for itself. Who comes without one is counted by user
and address, by user over all addresses, and by address over all users: so an attacker can lock
out strangers' browsers, and never a dispatcher at the desk he works at every day.

Reference: OWASP, device cookies; GB/T 22239 8.1.4.1 b.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s

_MOST = 20_000
_ACCOUNT_TIMES, _SOURCE_TIMES = 10, 20
_NONCE_BYTES, _TAG_BYTES = 12, 16
DEVICE_DAYS = 180
"""Life of a device cookie."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_s: float = 0.0
    locked_until_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """Somebody at the door."""

    user: str
    """Login name, without case."""
    address: str
    """Where he comes from."""
    device: str = ""
    """Nonce of his device cookie; empty for a stranger's browser."""

    @property
    def source(self) -> str:
        """Return who shares a part of the queue; empty for a known browser."""
        return "" if self.device else self.address or "?"


class SignInGuard:
    """Counts failures."""

    def __init__(self, *, lock_after: int, lock_minutes: float, secret: bytes) -> None:
        self._after, self._lock_s = lock_after, lock_minutes * 60.0
        self._key = hmac.digest(secret, b"heatloop-device-cookie", hashlib.sha256)
        self._known: dict[tuple[str, ...], _Failures] = {}

    def device_cookie(self, user: str) -> str:
        """Return a fresh device cookie for a user."""
        raw = int(machine_s()).to_bytes(6, "big") + secrets.token_bytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(raw + self._tag(user, raw)).decode().rstrip("=")

    def _tag(self, user: str, raw: bytes) -> bytes:
        return hmac.digest(self._key, user.casefold().encode() + b"\x00" + raw, "sha256")[
            :_TAG_BYTES
        ]

    def attempt(self, user: str, address: str, cookie: str = "") -> Attempt:
        """Return who is at the door."""
        name, device = user.casefold(), ""
        try:
            blob = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        except ValueError:
            blob = b""
        raw, tag = blob[:-_TAG_BYTES], blob[-_TAG_BYTES:]
        if len(raw) == 6 + _NONCE_BYTES and hmac.compare_digest(tag, self._tag(name, raw)):
            age_s = machine_s() - int.from_bytes(raw[:6], "big")
            device = raw[6:].hex() if 0 <= age_s + 60.0 <= DEVICE_DAYS * 86400.0 else ""
        return Attempt(user=name, address=address, device=device)

    def _limits(self, who: Attempt) -> dict[tuple[str, ...], int]:
        if who.device:
            return {("device", who.user, who.device): self._after}
        return {
            ("place", who.user, who.address): self._after,
            ("account", who.user): self._after * _ACCOUNT_TIMES,
            ("source", "", who.address): self._after * _SOURCE_TIMES,
        }

    def check(self, who: Attempt) -> None:
        """Return if he may try.

        Raises:
            Refused: He is locked out.
        """
        now = machine_s()
        for key in self._limits(who):
            known = self._known.get(key)
            if known is not None and now < known.locked_until_s:
                raise Refused("locked_out", thing=who.user)

    def failed(self, who: Attempt) -> bool:
        """Count a failure; return whether it locked something."""
        now, locked = machine_s(), False
        if len(self._known) > _MOST:
            self._forget(now)
        for key, limit in self._limits(who).items():
            known = self._known.setdefault(key, _Failures())
            if now - known.last_s > self._lock_s:
                known.count = 0
            known.count += 1
            known.last_s = now
            if known.count >= limit:
                known.count, known.locked_until_s, locked = 0, now + self._lock_s, True
        return locked

    def passed(self, who: Attempt) -> None:
        """Forget the failures of who has come in; those of others against him stay."""
        for key in self._limits(who):
            if key[0] in ("device", "place"):
                self._known.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop what no longer matters; the oldest half when everything still does."""
        alive = {
            key: each
            for key, each in self._known.items()
            if now < each.locked_until_s or now - each.last_s <= self._lock_s
        }
        if len(alive) > _MOST // 2:
            newest = sorted(alive, key=lambda key: alive[key].last_s)[-_MOST // 2 :]
            alive = {key: alive[key] for key in newest}
        self._known = alive

    def locked(self) -> frozenset[str]:
        """Return the users, without case, somebody is locked out of now."""
        now = machine_s()
        return frozenset(
            key[1] for key, each in self._known.items() if key[1] and now < each.locked_until_s
        )

    def unlock(self, user: str) -> bool:
        """Forget all failures of a user; return whether he was locked out."""
        name = user.casefold()
        was = name in self.locked()
        self._known = {key: each for key, each in self._known.items() if key[1] != name}
        return was
