"""Who is signed in; only hashes of tokens are kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.schema import session


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


class Sessions:
    """Sessions by token hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, token_hash: str, *, user: str, at: float, expires_at: float, address: str = ""
    ) -> None:
        """Begin a session."""
        row = SessionRow(
            token_hash=token_hash,
            user=user,
            created_at=at,
            seen_at=at,
            expires_at=expires_at,
            address=address,
        )
        values = {name: getattr(row, name) for name in SessionRow.__slots__}
        with self._database.write() as connection:
            connection.execute(session.insert().values(values))

    def get(self, token_hash: str) -> SessionRow | None:
        """Return a session, or None; the caller checks its times."""
        query = select(session).where(session.c.token_hash == token_hash)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else SessionRow(**row._mapping)

    def touch(self, token_hash: str, *, at: float, expires_at: float | None = None) -> None:
        """Note that a session was used, and let it end later if asked."""
        values = {"seen_at": at} | ({} if expires_at is None else {"expires_at": expires_at})
        change = update(session).where(session.c.token_hash == token_hash).values(**values)
        with self._database.write() as connection:
            connection.execute(change)

    def delete(self, token_hash: str) -> None:
        """End a session; an unknown one is ignored."""
        with self._database.write() as connection:
            connection.execute(delete(session).where(session.c.token_hash == token_hash))

    def delete_of(self, user: str) -> int:
        """End all sessions of a user; return how many."""
        with self._database.write() as connection:
            return connection.execute(delete(session).where(session.c.user == user)).rowcount

    def purge(self, *, at: float) -> int:
        """Forget sessions that ended before this time; return how many."""
        with self._database.write() as connection:
            return connection.execute(delete(session).where(session.c.expires_at < at)).rowcount
