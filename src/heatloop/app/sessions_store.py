"""Sessions as they stand: found by token, ended by time, by hand and by changed rights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.people import People
from heatloop.app.sessions_guard import SignInGuard
from heatloop.app.sessions_hashing import Hashing
from heatloop.app.sessions_model import (
    DISPLAY,
    OIDC,
    SECOND,
    Session,
    is_powerful,
    narrowed,
)
from heatloop.app.setting_sections import Settings
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError
from heatloop.security.access import Permission
from heatloop.security.passwords import token_hash
from heatloop.store.records import Records
from heatloop.store.records.sessions import SessionRow
from heatloop.store.records.users import UserRow

_TOUCH_S = 60.0
KEY_PREFIX = "hlk_"
"""How a program's key begins."""


class Programs(Protocol):
    """Who comes with a key instead of a session."""

    async def find(self, token: str, address: str | None) -> Session | None:
        """Return what a key may do, if it is good."""


def _quiet(kind: str, subject: str, address: str = "", **facts: object) -> None:
    """Note nothing: nobody watches."""


class SessionStore:
    """Keeps who is signed in; the records know the same, so a restart signs nobody out."""

    def __init__(
        self,
        records: Records,
        people: People,
        audit: Audit,
        settings: Settings,
        secret: bytes,
        first_login: Path | None = None,
    ) -> None:
        """Begin with nobody.

        Args:
            records: Keeps sessions.
            people: Knows what an account may do.
            audit: The trail.
            settings: Sections `session` and `identity`.
            secret: Key of device cookies.
            first_login: File with the first password; goes when it is changed.
        """
        self.records, self.people, self.audit = records, people, audit
        self.policy, self.identity = settings.session, settings.identity
        self.wants_second = settings.identity.wants_second(demo=settings.company.demo)
        self.first_login = first_login
        self.guard = SignInGuard(
            lock_after=self.policy.lock_after,
            lock_minutes=self.policy.lock_minutes,
            secret=secret,
        )
        self.hashing = Hashing(self.identity.hash_threads, self.identity.hash_queue)
        self.programs: Programs | None = None
        self.note: Callable[..., object] = _quiet
        self._known: dict[str, Session] = {}
        self._touched: dict[str, float] = {}
        people.when_changed(self.forget)

    async def find(self, token: str, address: str | None = None) -> Session | None:
        """Return the session of a token, and count this as activity.

        Args:
            token: Session token, or a program's key.
            address: Where a program comes from; None if that was checked when its connection
                was opened.
        """
        if not token:
            return None
        if token.startswith(KEY_PREFIX):
            return await self.programs.find(token, address) if self.programs else None
        hashed = token_hash(token)
        session = self._known.get(hashed) or await self._load(hashed)
        now = machine_s()
        if session is None:
            return None
        if not self._stands(session.kind, session.created_s, session.seen_s, now):
            await self._end(session, "session.expired")
            return None
        session = replace(session, seen_s=now)
        self._known[hashed] = session
        if now - self._touched.get(hashed, 0.0) > _TOUCH_S:
            self._touched[hashed] = now
            try:
                stands = await in_thread(self.records.sessions.touch, hashed, at=now)
            except LinkError:
                stands = True  # The records are away: an emergency stop must go on.
            if not stands:
                # Another instance, or the records themselves, ended it.
                self._drop(hashed)
                return None
        return session

    def _stands(self, kind: str, created_s: float, seen_s: float, now_s: float) -> bool:
        if kind == DISPLAY:
            return now_s - created_s <= self.identity.display_days * 86400.0
        idle = now_s - seen_s > self.policy.idle_minutes * 60.0
        return not idle and now_s - created_s <= self.policy.max_hours * 3600.0

    async def holds(self, token: str) -> bool:
        """Return whether a session still stands, without counting this as activity."""
        if token.startswith(KEY_PREFIX):
            return await self.find(token) is not None
        session = self._known.get(token_hash(token))
        return session is not None and self._stands(
            session.kind, session.created_s, session.seen_s, machine_s()
        )

    async def _load(self, hashed: str) -> Session | None:
        row = await in_thread(self.records.sessions.get, hashed)
        if row is None:
            return None
        account = await in_thread(self.records.users.get, row.user)
        if account is None or account.disabled:
            return None
        return await self._session(row, account)

    async def _session(self, row: SessionRow, account: UserRow) -> Session:
        principal = await self.people.principal(account)
        methods = await in_thread(self.records.factors.kinds, account.name)
        proved = bool(row.factors & SECOND)
        must_enrol = self.wants_second and not methods and not proved and is_powerful(principal)
        display = row.kind == DISPLAY
        if display:
            principal = narrowed(principal, frozenset((Permission.VIEW,)))
        return Session(
            token_hash=row.token_hash,
            principal=principal,
            # The provider of the identity looks after passwords of those who come by it.
            must_change=OIDC not in row.factors and self.must_change(account),
            must_prove=bool(methods) and not proved and not display,
            must_enrol=must_enrol and not display,
            methods=methods,
            created_s=row.created_at,
            seen_s=row.seen_at,
            factors=row.factors,
            proved_s=row.proved_at,
            kind=row.kind,
            address=row.address,
            device=row.device,
        )

    def must_change(self, account: UserRow) -> bool:
        """Return whether a password was made by somebody else, or is too old."""
        since = account.password_at or account.created_at
        days = self.identity.max_age_days
        old = bool(days and since) and machine_s() - since > days * 86400.0
        return account.must_change or old

    def _seen(self, row: SessionRow) -> float:
        known = self._known.get(row.token_hash)
        return row.seen_at if known is None else known.seen_s

    async def sessions_of(self, user: str) -> Sequence[SessionRow]:
        """Return the sessions of a user that stand, newest first."""
        now = machine_s()
        return [
            replace(row, seen_at=self._seen(row))
            for row in await in_thread(self.records.sessions.of, user)
            if self._stands(row.kind, row.created_at, self._seen(row), now)
        ]

    async def prove(self, session: Session) -> Session:
        """Note that somebody just proved again who he is."""
        now = machine_s()
        await in_thread(self.records.sessions.touch, session.token_hash, at=now, proved_at=now)
        session = replace(session, proved_s=now, seen_s=now)
        self._known[session.token_hash] = session
        return session

    async def sign_out(self, token: str) -> None:
        """End a session; one that has ended already is left."""
        hashed = token_hash(token)
        session = self._known.get(hashed) or await self._load(hashed)
        if session is not None:
            await self._end(session, "session.close")

    async def _end(self, session: Session, action: str) -> None:
        await self.end_hash(session.principal.user, session.token_hash, action)

    async def end_hash(self, user: str, hashed: str, action: str, by: str = "") -> None:
        """End a session by what the records know it by, and write it down."""
        self._drop(hashed)
        await in_thread(self.records.sessions.delete, hashed)
        await self.audit.add(by or user, action, user)

    async def end_all(self, user: str, *, keep: str = "", by: str = "") -> int:
        """End all sessions of a user but one; return how many there were."""
        for hashed in [h for h, s in self._known.items() if s.principal.user == user]:
            if hashed != keep:
                self._drop(hashed)
        gone = await in_thread(self.records.sessions.delete_of, user, keep=keep)
        await self.audit.add(by or user, "session.end_all", user, sessions=gone)
        return gone

    def _drop(self, hashed: str) -> None:
        self._known.pop(hashed, None)
        self._touched.pop(hashed, None)

    def forget(self, user: str) -> None:
        """Read a user's sessions again, because his rights or factors changed."""
        for hashed in [h for h, s in self._known.items() if s.principal.user == user]:
            self._known.pop(hashed)

    def close(self) -> None:
        """Let the threads go."""
        self.hashing.close()
