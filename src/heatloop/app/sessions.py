"""Signing in: argon2 in a thread, lock-out after failures, sessions that end when idle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.people import People
from heatloop.app.refusals import Refused
from heatloop.app.setting_sections import SessionSettings
from heatloop.app.views.system import SessionView
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.security.access import FIRST_LOGIN, Principal
from heatloop.security.passwords import (
    check_password,
    hash_password,
    new_token,
    random_password,
    token_hash,
    verify_password,
)
from heatloop.store.records import Records

_TOUCH_S = 60.0
_HASHES_AT_A_TIME = 2
_MOST_LOCKS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody signed in."""

    token_hash: str
    """What the records know the session by."""
    principal: Principal
    """Who it is."""
    must_change: bool
    """Whether the password must be changed first."""
    created_s: float
    """Machine time of signing in."""
    seen_s: float
    """Machine time of the last request."""

    def view(self) -> SessionView:
        """Return the session as the screens see it."""
        return SessionView(
            user=self.principal.user,
            roles=sorted(self.principal.roles),
            permissions=sorted(self.principal.permissions),
            scope=sorted(self.principal.scope.paths),
            must_change=self.must_change,
        )


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until_s: float = 0.0


@cache
def _nobody_hash() -> str:
    return hash_password(random_password())


class Sessions:
    """Keeps who is signed in; the records know the same, so a restart signs nobody out."""

    def __init__(
        self,
        records: Records,
        people: People,
        audit: Audit,
        policy: SessionSettings,
        first_login: Path | None = None,
    ) -> None:
        self._records, self._people, self._audit, self._policy = records, people, audit, policy
        self._first_login = first_login
        self._known: dict[str, Session] = {}
        self._touched: dict[str, float] = {}
        self._failures: dict[str, _Failures] = {}
        # Argon2 takes 64 MiB and a core for a moment: a flood of sign-ins must not take all.
        self._hashing = asyncio.Semaphore(_HASHES_AT_A_TIME)
        people.when_changed(self._forget_user)

    async def sign_in(self, user: str, password: str, address: str) -> tuple[str, Session]:
        """Return a new token and session.

        Raises:
            Refused: Name or password is wrong, or the user is locked out.
        """
        failures = self._failures.get(user)
        if failures is not None and machine_s() < failures.locked_until_s:
            await self._audit.refused(user, "LOCKED", "session")
            raise Refused("locked_out", thing=user)
        account = await in_thread(self._records.users.get, user)
        # An unknown user takes as long as a wrong password, or names could be found by time.
        good = await self._verify(password, account.password_hash if account else _nobody_hash())
        if account is None or account.disabled or not good:
            await self._failed(user, address)
            raise Refused("bad_credentials")
        self._failures.pop(user, None)
        token, now = new_token(), machine_s()
        session = Session(
            token_hash=token_hash(token),
            principal=await self._people.principal(account),
            must_change=account.must_change,
            created_s=now,
            seen_s=now,
        )
        await in_thread(
            self._records.sessions.create,
            session.token_hash,
            user=user,
            at=now,
            expires_at=now + self._policy.max_hours * 3600.0,
            address=address,
        )
        self._known[session.token_hash] = session
        self._touched[session.token_hash] = now
        await self._audit.add(user, "session.open", user, address=address)
        return token, session

    async def _verify(self, password: str, hashed: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(verify_password, hashed, password)

    async def _failed(self, user: str, address: str) -> None:
        if len(self._failures) > _MOST_LOCKS:
            self._failures.clear()
        failures = self._failures.setdefault(user, _Failures())
        failures.count += 1
        locked = failures.count >= self._policy.lock_after
        if locked:
            failures.count = 0
            failures.locked_until_s = machine_s() + self._policy.lock_minutes * 60.0
        await self._audit.add(user, "session.failed", user, address=address, locked=locked)

    async def find(self, token: str) -> Session | None:
        """Return the session of a token, and count this as activity."""
        if not token:
            return None
        hashed = token_hash(token)
        session = self._known.get(hashed) or await self._load(hashed)
        now = machine_s()
        if session is None or not self._holds(session, now):
            if session is not None:
                await self._end(session, "session.expired")
            return None
        session = replace(session, seen_s=now)
        self._known[hashed] = session
        if now - self._touched.get(hashed, 0.0) > _TOUCH_S:
            self._touched[hashed] = now
            await in_thread(self._records.sessions.touch, hashed, at=now)
        return session

    def _holds(self, session: Session, now_s: float) -> bool:
        policy = self._policy
        idle = now_s - session.seen_s > policy.idle_minutes * 60.0
        return not idle and now_s - session.created_s <= policy.max_hours * 3600.0

    async def holds(self, token: str) -> bool:
        """Return whether a session still stands, without counting this as activity."""
        session = self._known.get(token_hash(token))
        return session is not None and self._holds(session, machine_s())

    async def _load(self, hashed: str) -> Session | None:
        row = await in_thread(self._records.sessions.get, hashed)
        if row is None:
            return None
        account = await in_thread(self._records.users.get, row.user)
        if account is None or account.disabled:
            return None
        return Session(
            token_hash=hashed,
            principal=await self._people.principal(account),
            must_change=account.must_change,
            created_s=row.created_at,
            seen_s=row.seen_at,
        )

    async def sign_out(self, token: str) -> None:
        """End a session; one that has ended already is left."""
        session = self._known.get(token_hash(token)) or await self._load(token_hash(token))
        if session is not None:
            await self._end(session, "session.close")

    async def _end(self, session: Session, action: str) -> None:
        self._known.pop(session.token_hash, None)
        self._touched.pop(session.token_hash, None)
        await in_thread(self._records.sessions.delete, session.token_hash)
        await self._audit.add(session.principal.user, action, session.principal.user)

    async def change_password(self, token: str, old: str, new: str) -> None:
        """Change the password of whoever holds this token.

        Raises:
            Refused: Nobody is signed in, the old password is wrong or the new one too weak.
        """
        session = await self.find(token)
        if session is None:
            raise Refused("unauthenticated")
        user = session.principal.user
        account = await in_thread(self._records.users.get, user)
        if account is None:
            raise Refused("unauthenticated")
        if not await self._verify(old, account.password_hash):
            await self._failed(user, "password change")
            raise Refused("bad_credentials")
        try:
            check_password(new, user)
        except InputError as error:
            raise Refused("weak_password", detail=error.message) from error
        if old == new:
            raise Refused("weak_password", detail="the same as before")
        async with self._hashing:
            hashed = await asyncio.to_thread(hash_password, new)
        now = machine_s()
        await in_thread(self._records.users.set_password, user, hashed, must_change=False, at=now)
        if user == FIRST_LOGIN and self._first_login is not None:
            # What stands there opens nothing any more, and nobody should print it.
            self._first_login.unlink(missing_ok=True)
        # That ended every session of the user; the one in use goes on.
        self._forget_user(user)
        await in_thread(
            self._records.sessions.create,
            session.token_hash,
            user=user,
            at=session.created_s,
            expires_at=session.created_s + self._policy.max_hours * 3600.0,
        )
        self._known[session.token_hash] = replace(session, must_change=False)
        await self._audit.add(user, "user.password", user)

    def _forget_user(self, user: str) -> None:
        """Read a user's sessions again, because his rights changed."""
        for hashed in [h for h, s in self._known.items() if s.principal.user == user]:
            self._known.pop(hashed)
