"""Second factors of accounts: secrets sealed, recovery codes hashed, every code good once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, delete, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.identity_schema import recovery_code, user_factor
from heatloop.store.records.sealing import Sealer

TOTP, KEY = "totp", "key"


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorRow:
    """A second factor."""

    id: str
    """Its name."""
    user: str
    """Whose it is."""
    kind: str
    """`totp` or `key`."""
    label: str
    """What the person calls it."""
    algorithm: str
    """Digest of codes, or kind of key."""
    secret: bytes
    """Secret of codes; empty for keys."""
    public: bytes
    """Public key, DER; empty for codes."""
    fingerprint: str
    """SHA-256 of the public key, hexadecimal; empty for codes."""
    subject: str
    """Subject of the certificate; empty without one."""
    confirmed: bool
    """Whether it was used once, and so counts."""
    last_step: int
    """Last time step accepted."""
    created_at: float
    """Machine time."""
    used_at: float | None
    """Machine time of the last use."""
    ends_at: float | None
    """Machine time its certificate ends."""


def _bound(factor: str) -> bytes:
    return f"user_factor|{factor}".encode()


class Factors:
    """Second factors and recovery codes by user."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def _read(self, row: Row[tuple[object, ...]]) -> FactorRow:
        plain = dict(row._mapping)
        sealed = plain.pop("sealed")
        secret = b""
        if sealed is not None:
            secret = bytes.fromhex(self._sealer.open(_bound(plain["id"]), sealed)["secret"])
        plain["public"] = bytes(plain["public"] or b"")
        return FactorRow(secret=secret, **plain)

    def add(self, row: FactorRow) -> None:
        """Add a factor; one of the same kind that was never confirmed gives way.

        Raises:
            ConfigError: There is no data key to seal its secret with.
        """
        sealed = self._sealer.seal(_bound(row.id), {"secret": row.secret.hex()})
        values = {name: getattr(row, name) for name in FactorRow.__slots__ if name != "secret"}
        values["sealed"] = sealed if row.secret else None
        values["public"] = row.public or None
        with self._database.write() as connection:
            connection.execute(
                delete(user_factor).where(
                    user_factor.c.user == row.user,
                    user_factor.c.kind == row.kind,
                    ~user_factor.c.confirmed,
                )
            )
            connection.execute(user_factor.insert().values(values))

    def of(self, user: str, *, confirmed: bool = True) -> Sequence[FactorRow]:
        """Return the factors of a user, oldest first.

        Args:
            user: Login name.
            confirmed: Whether only those that count.
        """
        query = select(user_factor).where(user_factor.c.user == user)
        if confirmed:
            query = query.where(user_factor.c.confirmed)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(user_factor.c.created_at)).all()
        return [self._read(row) for row in rows]

    def kinds(self, user: str) -> frozenset[str]:
        """Return which kinds of factors a user has; opens no secret."""
        query = select(user_factor.c.kind).where(
            user_factor.c.user == user, user_factor.c.confirmed
        )
        with self._database.read() as connection:
            return frozenset(row[0] for row in connection.execute(query))

    def holders(self) -> frozenset[str]:
        """Return the users who have a second factor."""
        query = select(user_factor.c.user).where(user_factor.c.confirmed).distinct()
        with self._database.read() as connection:
            return frozenset(row[0] for row in connection.execute(query))

    def use_step(self, factor: str, step: int, *, at: float) -> bool:
        """Take a time step, and confirm the factor; False if it or a later one was taken."""
        change = (
            update(user_factor)
            .where(user_factor.c.id == factor, user_factor.c.last_step < step)
            .values(last_step=step, used_at=at, confirmed=True)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def used(self, factor: str, *, at: float) -> None:
        """Note the use of a key."""
        change = update(user_factor).where(user_factor.c.id == factor).values(used_at=at)
        with self._database.write() as connection:
            connection.execute(change)

    def remove(self, user: str, factor: str) -> bool:
        """Remove a factor; return whether it was there."""
        these = (user_factor.c.user == user) & (user_factor.c.id == factor)
        with self._database.write() as connection:
            return connection.execute(delete(user_factor).where(these)).rowcount == 1

    def remove_all(self, user: str) -> int:
        """Remove all factors and recovery codes of a user; return how many factors."""
        with self._database.write() as connection:
            connection.execute(delete(recovery_code).where(recovery_code.c.user == user))
            gone = delete(user_factor).where(user_factor.c.user == user)
            return connection.execute(gone).rowcount

    def set_recovery(self, user: str, hashes: Iterable[str]) -> None:
        """Replace the recovery codes of a user."""
        with self._database.write() as connection:
            connection.execute(delete(recovery_code).where(recovery_code.c.user == user))
            connection.execute(
                recovery_code.insert(), [{"user": user, "code_hash": each} for each in hashes]
            )

    def use_recovery(self, user: str, code_hash: str, *, at: float) -> bool:
        """Take a recovery code; False if there is none such left."""
        these = (
            (recovery_code.c.user == user)
            & (recovery_code.c.code_hash == code_hash)
            & recovery_code.c.used_at.is_(None)
        )
        with self._database.write() as connection:
            taken = update(recovery_code).where(these).values(used_at=at)
            return connection.execute(taken).rowcount == 1

    def recovery_left(self, user: str) -> int:
        """Return how many recovery codes are left."""
        query = select(func.count()).where(
            recovery_code.c.user == user, recovery_code.c.used_at.is_(None)
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())
