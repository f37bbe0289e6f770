"""Keys of programs: hashed, scoped, with an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select, update

from heatloop.kernel.errors import InputError
from heatloop.store.records.database import Database
from heatloop.store.records.identity_schema import service_key
from heatloop.store.records.values import from_text, words

_LISTS = ("roles", "permissions", "scope", "addresses")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceKeyRow:
    """A program's key."""

    id: str
    """Readable front part of the key."""
    name: str
    """Name of the service account; stands in the audit trail."""
    purpose: str
    """What it is for."""
    user: str
    """Whose rights it borrows."""
    secret_hash: str
    """Hash of the secret part."""
    roles: tuple[str, ...]
    """Roles; the owner must hold them."""
    permissions: tuple[str, ...]
    """Of the roles' rights only these; empty: all of them."""
    scope: tuple[str, ...]
    """Subtree paths."""
    addresses: tuple[str, ...]
    """Networks it may come from; empty: any."""
    created_by: str
    """Who made it."""
    created_at: float
    """Machine time."""
    expires_at: float
    """Machine time it ends."""
    used_at: float | None
    """Machine time of the last use noted."""
    used_from: str
    """Where it was used from."""
    revoked_at: float | None
    """Machine time it was taken back."""


def _read(row: Row[tuple[object, ...]]) -> ServiceKeyRow:
    plain = dict(row._mapping)
    for name in _LISTS:
        plain[name] = tuple(from_text(plain[name]))
    return ServiceKeyRow(**plain)


class ServiceKeys:
    """Keys by their readable part; taken back, never deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, row: ServiceKeyRow) -> None:
        """Add a key.

        Raises:
            InputError: There is one of this name.
        """
        values = {name: getattr(row, name) for name in ServiceKeyRow.__slots__}
        values |= {name: words(values[name]) for name in _LISTS}
        with self._database.write() as connection:
            if not self._database.insert_new(connection, service_key, values):
                raise InputError(
                    "service account exists", thing=row.name, fix="choose another name"
                )

    def get(self, key: str) -> ServiceKeyRow | None:
        """Return a key, or None."""
        query = select(service_key).where(service_key.c.id == key)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def list(self) -> Sequence[ServiceKeyRow]:
        """Return all keys by name."""
        query = select(service_key).order_by(service_key.c.name)
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def used(self, key: str, *, at: float, address: str) -> None:
        """Note a use."""
        change = update(service_key).where(service_key.c.id == key)
        with self._database.write() as connection:
            connection.execute(change.values(used_at=at, used_from=address))

    def revoke(self, key: str, *, at: float) -> bool:
        """Take a key back; return whether it was good until now."""
        these = (service_key.c.id == key) & service_key.c.revoked_at.is_(None)
        with self._database.write() as connection:
            return (
                connection.execute(update(service_key).where(these).values(revoked_at=at)).rowcount
                == 1
            )

    def renew(self, key: str, secret_hash: str, *, expires_at: float) -> bool:
        """Give a key another secret; return whether it was there and not taken back."""
        these = (service_key.c.id == key) & service_key.c.revoked_at.is_(None)
        values = {"secret_hash": secret_hash, "expires_at": expires_at}
        with self._database.write() as connection:
            return connection.execute(update(service_key).where(these).values(values)).rowcount == 1
