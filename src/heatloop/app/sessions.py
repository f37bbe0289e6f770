"""Signing in: passwords checked in their own line, lock-out, sessions that end by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.identity_settings import NEWEST, REFUSE
from heatloop.app.people import People
from heatloop.app.refusals import Refused
from heatloop.app.sessions_guard import Attempt, SignInGuard
from heatloop.app.sessions_hashing import Hashing
from heatloop.app.sessions_model import (
    DISPLAY,
    OIDC,
    PASSWORD,
    PERSON,
    PROGRAM,
    SECOND,
    Session,
    is_powerful,
    narrowed,
)
from heatloop.app.setting_sections import Settings
from heatloop.kernel.clock import machine_s
from heatloop.security.access import Permission
from heatloop.security.passwords import new_token, token_hash
from heatloop.store.records import Records
from heatloop.store.records.sessions import SessionRow
from heatloop.store.records.users import UserRow

__all__ = ["Place", "Session", "Sessions"]

_TOUCH_S = 60.0
KEY_PREFIX = "hlk_"
"""How a program's key begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where somebody signs in."""

    address: str = ""
    """Address of the peer."""
    device: str = ""
    """What the browser says it is."""
    cookie: str = ""
    """Its device cookie."""


class Programs(Protocol):
    """Who comes with a key instead of a session."""

    async def find(self, token: str, address: str | None) -> Session | None:
        """Return what a key may do, if it is good."""


def _quiet(kind: str, subject: str, address: str = "", **facts: object) -> None:
    """Note nothing: nobody watches."""


class Sessions:
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

    async def sign_in(
        self,
        user: str,
        password: str,
        address: str,
        *,
        device: str = "",
        cookie: str = "",
        kind: str = PERSON,
    ) -> tuple[str, Session]:
        """Return a new token and session; a second factor may still be wanted of it.

        Args:
            user: Login name, in any case.
            password: What was typed.
            address: Address of the peer.
            device: What the browser says it is.
            cookie: Its device cookie.
            kind: `person`, or `program` for the check of a password that opens no screen.

        Raises:
            Refused: Name or password is wrong, the user is locked out, too many wait, or he is
                signed in elsewhere and may not be twice.
        """
        who = self.guard.attempt(user, address, cookie)
        await self._unlocked(who, user)
        account = await in_thread(self.records.users.find, user)
        # An unknown user takes as long as a wrong password, or names could be found by time.
        hashed = account.password_hash if account else None
        good = await self.hashing.verify(hashed, password, who.source)
        if account is None or account.disabled or not good:
            await self.failed(who, user)
            raise Refused("bad_credentials")
        return await self.begin(
            account,
            frozenset((PASSWORD,)),
            Place(address=address, device=device, cookie=cookie),
            kind=kind,
        )

    async def _unlocked(self, who: Attempt, user: str) -> None:
        try:
            self.guard.check(who)
        except Refused:
            await self.audit.refused(user, "LOCKED", "session")
            raise

    async def attempt(self, session: Session, place: Place) -> Attempt:
        """Return who gives another proof; it counts like a sign-in.

        Raises:
            Refused: He is locked out.
        """
        who = self.guard.attempt(session.principal.user, place.address, place.cookie)
        await self._unlocked(who, session.principal.user)
        return who

    async def failed(self, who: Attempt, user: str, step: str = "") -> None:
        """Count and write down a failure."""
        locked = self.guard.failed(who)
        self.note("sign_in_failed", user, who.address, locked=locked)
        more = {"step": step} if step else {}
        await self.audit.add(
            user, "session.failed", user, address=who.address, locked=locked, **more
        )

    async def begin(
        self,
        account: UserRow,
        factors: frozenset[str],
        place: Place,
        *,
        kind: str = PERSON,
        replaces: Session | None = None,
    ) -> tuple[str, Session]:
        """Return a new token and session of somebody who proved who he is.

        Args:
            account: Whose.
            factors: What was proved.
            place: Where.
            kind: What the session is for.
            replaces: The session this one takes the place of: its token is dead from now on.

        Raises:
            Refused: He is signed in elsewhere and may not be twice.
        """
        token, now = new_token(), machine_s()
        created = now if replaces is None else replaces.created_s
        days = self.identity.display_days
        lives_s = days * 86400.0 if kind == DISPLAY else self.policy.max_hours * 3600.0
        created = now if kind == DISPLAY else created
        row = SessionRow(
            token_hash=token_hash(token),
            user=account.name,
            created_at=created,
            seen_at=now,
            expires_at=created + lives_s,
            address=place.address,
            kind=kind,
            factors=factors,
            proved_at=now,
            device=place.device,
        )
        session = await self._session(row, account)
        complete = kind != PROGRAM and not session.must_prove
        if complete:
            old = replaces.token_hash if replaces else ""
            await self._beside(session, old)
        await in_thread(
            self.records.sessions.create,
            row.token_hash,
            user=row.user,
            at=created,
            seen_at=now,
            expires_at=row.expires_at,
            address=row.address,
            kind=kind,
            factors=factors,
            proved_at=now,
            device=row.device,
            replaces=replaces.token_hash if replaces else "",
        )
        if replaces is not None:
            self._drop(replaces.token_hash)
        self._known[row.token_hash] = session
        self._touched[row.token_hash] = now
        if not session.must_prove:
            self.guard.passed(self.guard.attempt(account.name, place.address, place.cookie))
            await in_thread(self.records.users.seen, account.name, at=now)
            self.note("sign_in", account.name, place.address)
        await self.audit.add(
            account.name,
            "session.open",
            account.name,
            address=place.address,
            factors=sorted(factors),
            **({"kind": kind} if kind != PERSON else {}),
        )
        return token, session

    async def _beside(self, session: Session, replaced: str) -> None:
        """Apply what is agreed on several sessions of one user."""
        user, now = session.principal.user, machine_s()
        others = [
            row
            for row in await in_thread(self.records.sessions.of, user)
            if row.token_hash != replaced
            and row.kind == PERSON
            and self._stands(row.kind, row.created_at, self._seen(row), now)
            and (not session.methods or row.factors & SECOND)
        ]
        if not others or session.kind != PERSON:
            return
        if self.identity.concurrent == REFUSE:
            await self.audit.refused(user, "CONCURRENT", "session")
            raise Refused("already_signed_in", thing=user)
        places = sorted({row.address for row in others} - {session.address})
        if places:
            self.note("two_places", user, session.address, others=", ".join(places))
            await self.audit.add(
                user, "session.two_places", user, address=session.address, others=places
            )
        if self.identity.concurrent == NEWEST:
            for row in others:
                await self.end_hash(user, row.token_hash, "session.replaced")

    def _seen(self, row: SessionRow) -> float:
        known = self._known.get(row.token_hash)
        return row.seen_at if known is None else known.seen_s

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
            if not await in_thread(self.records.sessions.touch, hashed, at=now):
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
