"""One's own account: password, sessions, and what `account_factors` adds."""

from __future__ import annotations

from heatloop.app.account_factors import AccountFactors, factor_view
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.sessions import Place
from heatloop.app.sessions_model import DISPLAY, PERSON, Session, is_powerful
from heatloop.app.views.identity import AccountView, OwnSession
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.security.access import FIRST_LOGIN
from heatloop.security.passwords import check_password
from heatloop.store.records.users import UserRow

_ID = 16


class Account(AccountFactors):
    """Everything one may do about oneself."""

    async def view(self, session: Session) -> AccountView:
        """Return the account as its owner sees it."""
        row = await self._row(session)
        factors = await in_thread(self._records.factors.of, row.name)
        since, days = row.password_at or row.created_at, self._identity.max_age_days
        return AccountView(
            user=row.name,
            full_name=row.full_name,
            password_at=utc(row.password_at) if row.password_at else None,
            password_ends_at=utc(since + days * 86400.0) if days and since else None,
            wants_second=self._sessions.wants_second and is_powerful(session.principal),
            factors=[factor_view(each) for each in factors],
            recovery_left=await in_thread(self._records.factors.recovery_left, row.name),
        )

    async def change_password(
        self, session: Session, old: str, new: str, place: Place
    ) -> tuple[str, Session]:
        """Change one's password; every other session ends and this one gets another token.

        Raises:
            Refused: The old password is wrong, the new one is too weak or was used before.
        """
        if session.must_prove or session.kind != PERSON:
            raise Refused("second_factor_required" if session.must_prove else "forbidden")
        row = await self._row(session)
        who = await self._sessions.attempt(session, place)
        if not await self._sessions.hashing.verify(row.password_hash, old, who.source):
            await self._sessions.failed(who, row.name, "password change")
            raise Refused("bad_credentials")
        await self._acceptable(row, old, new)
        hashed = await self._sessions.hashing.make(new)
        now = machine_s()
        await in_thread(
            self._records.users.set_password, row.name, hashed, must_change=False, at=now
        )
        kept = max(self._identity.history - 1, 0)
        await in_thread(self._records.users.forget_passwords, row.name, kept)
        if row.name == FIRST_LOGIN and self._sessions.first_login is not None:
            # What stands there opens nothing any more, and nobody should print it.
            self._sessions.first_login.unlink(missing_ok=True)
        # That ended every session of the user; the one in use goes on under another token.
        self._sessions.forget(row.name)
        await self._audit.add(row.name, "user.password", row.name)
        return await self._sessions.begin(
            await self._row(session), session.factors, place, replaces=session
        )

    async def _acceptable(self, row: UserRow, old: str, new: str) -> None:
        policy = self._identity.policy
        try:
            check_password(new, row.name, policy)
        except InputError as error:
            raise Refused("weak_password", detail=error.message) from error
        if old == new:
            raise Refused("weak_password", detail="the same as before")
        most = max(self._identity.history - 1, 0)
        former = await in_thread(self._records.users.former_passwords, row.name, most)
        if await self._sessions.hashing.among(tuple(former), new):
            raise Refused("password_used", detail=str(self._identity.history))

    async def own_sessions(self, session: Session) -> list[OwnSession]:
        """Return the sessions of one's account."""
        return [
            OwnSession(
                id=row.token_hash[:_ID],
                current=row.token_hash == session.token_hash,
                kind=row.kind,
                address=row.address,
                device=row.device,
                factors=sorted(row.factors),
                created_at=utc(row.created_at),
                seen_at=utc(row.seen_at),
            )
            for row in await self._sessions.sessions_of(session.principal.user)
        ]

    async def end_session(self, session: Session, ident: str) -> None:
        """End one of one's sessions.

        Raises:
            Refused: There is none such.
        """
        user = session.principal.user
        for row in await self._sessions.sessions_of(user):
            if row.token_hash[:_ID] == ident:
                await self._sessions.end_hash(user, row.token_hash, "session.close")
                return
        raise Refused("not_found", thing=ident)

    async def end_others(self, session: Session) -> int:
        """End all of one's sessions but this one; return how many."""
        return await self._sessions.end_all(session.principal.user, keep=session.token_hash)

    async def become_display(self, session: Session, place: Place) -> tuple[str, Session]:
        """Turn a session into that of a wall display: it may look, and is never idle."""
        if session.kind != PERSON or session.waits_for:
            raise Refused("forbidden", thing=session.principal.user)
        return await self._sessions.begin(
            await self._row(session), session.factors, place, kind=DISPLAY, replaces=session
        )
