"""Who is signed in; only hashes of tokens are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, delete, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.schema import session
from heatloop.store.records.values import from_text, words


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRow:
    """A signed-in browser."""

    token_hash: str
    """Hash of the token in its cookie."""
    user: str
    """Login name."""
    created_at: float
    """Machine time of sign-in."""
    seen_at: float
    """Machine time of the last request noted."""
    expires_at: float
    """Machine time it ends at the latest."""
    address: str
    """Where it signed in from."""
    kind: str
    """`person`, or `display` for a wall display that may only look."""
    factors: frozenset[str]
    """What was proved: password, totp, certificate, oidc."""
    proved_at: float
    """Machine time of the last full proof of identity."""
    device: str
    """What the browser says it is."""


def _read(row: Row[tuple[object, ...]]) -> SessionRow:
    plain = dict(row._mapping)
    plain["factors"] = frozenset(from_text(plain["factors"]))
    return SessionRow(**plain)


class Sessions:
    """Sessions by token hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        token_hash: str,
        *,
        user: str,
        at: float,
        expires_at: float,
        address: str = "",
        kind: str = "person",
        factors: Iterable[str] = (),
        proved_at: float | None = None,
        device: str = "",
        replaces: str = "",
        seen_at: float | None = None,
    ) -> None:
        """Begin a session, in the place of another if one is named."""
        row = {
            "token_hash": token_hash,
            "user": user,
            "created_at": at,
            "seen_at": at if seen_at is None else seen_at,
            "expires_at": expires_at,
            "address": address,
            "kind": kind,
            "factors": words(factors),
            "proved_at": at if proved_at is None else proved_at,
            "device": device[:200],
        }
        with self._database.write() as connection:
            if replaces:
                connection.execute(delete(session).where(session.c.token_hash == replaces))
            connection.execute(session.insert().values(row))

    def get(self, token_hash: str) -> SessionRow | None:
        """Return a session, or None; the caller checks its times."""
        query = select(session).where(session.c.token_hash == token_hash)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def of(self, user: str) -> Sequence[SessionRow]:
        """Return the sessions of a user, newest first; the caller checks their times."""
        query = select(session).where(session.c.user == user).order_by(session.c.created_at.desc())
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def touch(
        self,
        token_hash: str,
        *,
        at: float,
        expires_at: float | None = None,
        proved_at: float | None = None,
    ) -> bool:
        """Note that a session was used; return whether it still stands."""
        values = {"seen_at": at}
        values |= {} if expires_at is None else {"expires_at": expires_at}
        values |= {} if proved_at is None else {"proved_at": proved_at}
        change = update(session).where(session.c.token_hash == token_hash).values(**values)
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def delete(self, token_hash: str) -> None:
        """End a session; an unknown one is ignored."""
        with self._database.write() as connection:
            connection.execute(delete(session).where(session.c.token_hash == token_hash))

    def delete_of(self, user: str, *, keep: str = "") -> int:
        """End all sessions of a user but one; return how many."""
        these = (session.c.user == user) & (session.c.token_hash != keep)
        with self._database.write() as connection:
            return connection.execute(delete(session).where(these)).rowcount

    def purge(self, *, at: float) -> int:
        """Forget sessions that ended before this time; return how many."""
        with self._database.write() as connection:
            return connection.execute(delete(session).where(session.c.expires_at < at)).rowcount
