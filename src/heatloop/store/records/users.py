"""Who may sign in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, delete, select, update

from heatloop.kernel.errors import InputError
from heatloop.store.records.database import Database
from heatloop.store.records.identity_schema import former_password, user_provider
from heatloop.store.records.schema import session, user
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.values import from_text, words


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRow:
    """A user account."""

    name: str
    """Login name."""
    full_name: str
    """Name of the person."""
    password_hash: str
    """As `security.passwords.hash_password` made it."""
    roles: tuple[str, ...]
    """Roles."""
    scope: tuple[str, ...]
    """Subtree paths; an empty path is everything."""
    disabled: bool
    """Whether sign-in is refused."""
    must_change: bool
    """Whether the password must be changed at the next sign-in."""
    created_at: float
    """Machine time."""
    changed_at: float
    """Machine time of the last change."""
    name_key: str
    """The name without case; no two accounts share it."""
    password_at: float | None
    """Machine time the password was set; None: before this was written down."""
    seen_at: float | None
    """Machine time of the last sign-in."""
    disabled_reason: str
    """Why sign-in is refused: empty, `administrator` or `stale`."""

    def idle_since_s(self) -> float:
        """Return the machine time since when nothing was done with this account."""
        return max(self.seen_at or 0.0, self.created_at, self.changed_at)


class Users:
    """User accounts by name; disabled, never deleted, so that the audit keeps its sense."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def create(
        self,
        name: str,
        *,
        password_hash: str,
        roles: Iterable[str],
        scope: Iterable[str],
        at: float,
        full_name: str = "",
        must_change: bool = True,
    ) -> UserRow:
        """Add a user.

        Raises:
            InputError: There is one of this name, in whatever case.
        """
        row = {
            "name": name,
            **self._named(name, full_name),
            "password_hash": password_hash,
            "roles": words(roles),
            "scope": words(scope),
            "disabled": False,
            "must_change": must_change,
            "created_at": at,
            "changed_at": at,
            "name_key": name.casefold(),
            "password_at": at,
            "disabled_reason": "",
        }
        with self._database.write() as connection:
            if not self._database.insert_new(connection, user, row):
                raise InputError("user exists", thing=name, fix="choose another name")
            return self._read(connection.execute(select(user).where(user.c.name == name)).one())

    def get(self, name: str) -> UserRow | None:
        """Return a user, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(user).where(user.c.name == name)).one_or_none()
        return None if row is None else self._read(row)

    def find(self, typed: str) -> UserRow | None:
        """Return the user of a name typed in any case, or None."""
        query = select(user).where(user.c.name_key == typed.casefold())
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._read(row)

    def list(self) -> Sequence[UserRow]:
        """Return all users by name."""
        with self._database.read() as connection:
            return [
                self._read(row) for row in connection.execute(select(user).order_by(user.c.name))
            ]

    def seen(self, name: str, *, at: float) -> None:
        """Note a sign-in."""
        change = update(user).where(user.c.name == name).values(seen_at=at)
        with self._database.write() as connection:
            connection.execute(change)

    def set_password(
        self, name: str, password_hash: str, *, at: float, must_change: bool = False
    ) -> None:
        """Change a password, keeping the hash of the former; every session of the user ends.

        Raises:
            InputError: There is no such user.
        """
        with self._database.write() as connection:
            old = connection.execute(
                select(user.c.password_hash).where(user.c.name == name)
            ).scalar_one_or_none()
            if old:
                connection.execute(
                    former_password.insert().values(user=name, password_hash=old, at=at)
                )
        values = {"password_hash": password_hash, "must_change": must_change, "password_at": at}
        self._change(name, values, at, end_sessions=True)

    def former_passwords(self, name: str, most: int) -> Sequence[str]:
        """Return the hashes of the last passwords before the present one, newest first."""
        rows = former_password
        query = (
            select(rows.c.password_hash)
            .where(rows.c.user == name)
            .order_by(rows.c.number.desc())
            .limit(most)
        )
        with self._database.read() as connection:
            return [row[0] for row in connection.execute(query)]

    def forget_passwords(self, name: str, keep: int) -> None:
        """Drop hashes of former passwords beyond the last `keep`."""
        rows = former_password
        kept = (
            select(rows.c.number)
            .where(rows.c.user == name)
            .order_by(rows.c.number.desc())
            .limit(keep)
        )
        with self._database.write() as connection:
            connection.execute(
                delete(rows).where(
                    rows.c.user == name, rows.c.number.not_in(kept.subquery().select())
                )
            )

    def update(
        self,
        name: str,
        *,
        at: float,
        roles: Iterable[str] | None = None,
        scope: Iterable[str] | None = None,
        full_name: str | None = None,
        disabled: bool | None = None,
        reason: str = "administrator",
    ) -> UserRow:
        """Change what is given; who is disabled or gets other rights is signed out.

        Raises:
            InputError: There is no such user.
        """
        values: dict[str, object] = {}
        if roles is not None:
            values["roles"] = words(roles)
        if scope is not None:
            values["scope"] = words(scope)
        if disabled is not None:
            values["disabled"] = disabled
            values["disabled_reason"] = reason if disabled else ""
        ends = bool(values)
        if full_name is not None:
            values |= self._named(name, full_name)
        return self._change(name, values, at, end_sessions=ends)

    def disable(self, name: str, *, at: float, reason: str = "administrator") -> UserRow:
        """Refuse the user's sign-in from now on, and end his sessions."""
        return self.update(name, at=at, disabled=True, reason=reason)

    def of_provider(self, issuer: str, subject: str) -> UserRow | None:
        """Return whom an identity provider knows by this subject, or None."""
        query = (
            select(user)
            .join(user_provider, user_provider.c.user == user.c.name)
            .where(user_provider.c.issuer == issuer, user_provider.c.subject == subject)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._read(row)

    def link_provider(self, name: str, issuer: str, subject: str, *, at: float) -> None:
        """Note whom an identity provider means by this subject."""
        row = {"issuer": issuer, "subject": subject, "user": name, "created_at": at}
        with self._database.write() as connection:
            self._database.put(connection, user_provider, row)

    def seal_names(self) -> int:
        """Seal full names that still stand in clear from before they were; return how many."""
        query = select(user.c.name, user.c.full_name).where(user.c.full_name != "")
        with self._database.write() as connection:
            rows = connection.execute(query).all()
            for row in rows:
                sealed = self._named(row.name, row.full_name)
                connection.execute(update(user).where(user.c.name == row.name).values(**sealed))
        return len(rows)

    def _named(self, name: str, full_name: str) -> dict[str, object]:
        """Return the columns of a full name, which is a personal value."""
        value = {"full_name": full_name}
        return {
            "full_name": "",
            "sealed": self._sealer.seal(_aad(name), value) if full_name else None,
        }

    def _read(self, row: Row[tuple[object, ...]]) -> UserRow:
        plain = dict(row._mapping)
        sealed = plain.pop("sealed")
        if sealed is not None:
            plain |= self._sealer.open(_aad(str(plain["name"])), sealed)
        plain["roles"], plain["scope"] = (tuple(from_text(plain[n])) for n in ("roles", "scope"))
        return UserRow(**plain)

    def _change(
        self, name: str, values: dict[str, object], at: float, *, end_sessions: bool
    ) -> UserRow:
        change = update(user).where(user.c.name == name).values(**values, changed_at=at)
        with self._database.write() as connection:
            if connection.execute(change).rowcount != 1:
                raise InputError("no such user", thing=name, fix="check the name")
            if end_sessions:
                connection.execute(session.delete().where(session.c.user == name))
            return self._read(connection.execute(select(user).where(user.c.name == name)).one())


def _aad(name: str) -> bytes:
    return f"user_account/{name}".encode()
