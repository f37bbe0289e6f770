"""Signing in: passwords checked in their own line, lock-out, several sessions of one user."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.app.history import in_thread
from heatloop.app.identity_settings import NEWEST, REFUSE
from heatloop.app.refusals import Refused
from heatloop.app.sessions_guard import Attempt
from heatloop.app.sessions_model import (
    DISPLAY,
    PASSWORD,
    PERSON,
    PROGRAM,
    SECOND,
    Session,
)
from heatloop.app.sessions_store import KEY_PREFIX, SessionStore
from heatloop.kernel.clock import machine_s
from heatloop.security.passwords import new_token, token_hash
from heatloop.store.records.sessions import SessionRow
from heatloop.store.records.users import UserRow

__all__ = ["KEY_PREFIX", "Place", "Session", "Sessions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where somebody signs in."""

    address: str = ""
    """Address of the peer."""
    device: str = ""
    """What the browser says it is."""
    cookie: str = ""
    """Its device cookie."""


class Sessions(SessionStore):
    """Lets people in."""

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
