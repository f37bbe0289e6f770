"""What the security administrator does for people who cannot get in, or should not any more."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.people import People
from heatloop.app.refusals import Refused
from heatloop.app.sessions import Sessions
from heatloop.security.access import Principal
from heatloop.store.records import Records


class PeopleCare:
    """Unlocks, takes lost factors away, signs people out."""

    def __init__(self, sessions: Sessions, people: People, records: Records) -> None:
        self._sessions, self._people, self._records = sessions, people, records

    async def _there(self, name: str) -> None:
        if await in_thread(self._records.users.get, name) is None:
            raise Refused("not_found", thing=name)

    async def unlock(self, by: Principal, name: str) -> None:
        """Forget a user's failed sign-ins.

        Raises:
            Refused: There is no such user.
        """
        await self._there(name)
        was = self._sessions.guard.unlock(name)
        await self._sessions.audit.add(by.user, "user.unlock", name, was_locked=was)

    async def reset_factors(self, by: Principal, name: str) -> int:
        """Take all second factors of a user away and sign him out; return how many there were.

        Raises:
            Refused: There is no such user.
        """
        await self._there(name)
        gone = await in_thread(self._records.factors.remove_all, name)
        self._people.changed(name)
        await self._sessions.audit.add(by.user, "factor.reset", name, factors=gone)
        await self._sessions.end_all(name, by=by.user)
        return gone

    async def sign_out(self, by: Principal, name: str) -> int:
        """End all sessions of a user; return how many there were.

        Raises:
            Refused: There is no such user.
        """
        await self._there(name)
        return await self._sessions.end_all(name, by=by.user)
