"""Gateways as the platform knows them: enrolment, keys, spool epochs, last seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.store.records.database import Database
from heatloop.store.records.schema import gateway, gateway_epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRow:
    """A gateway."""

    code: str
    """Gateway code."""
    token_hash: str | None
    """Hash of an enrolment token that was not used yet."""
    public_key: bytes | None
    """Ed25519 public key it enrolled with."""
    key_id: str
    """Id of that key."""
    enrolled_at: float | None
    """Machine time."""
    seen_at: float | None
    """Machine time of its last message."""
    profile_version: int
    """Edge profile it said it works with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochRow:
    """How far a spool epoch of a gateway is stored."""

    gateway: str
    """Gateway code."""
    epoch: int
    """Random u64 of the spool."""
    through: int
    """Last sequence stored."""
    at: float
    """Machine time of that."""


class Gateways:
    """Gateways by code."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[str] = set()

    def set_token(self, code: str, token_hash: str) -> None:
        """Let a gateway enrol once with this token; a token not used before is void."""
        with self._database.write() as connection:
            self._ensure(connection, code)
            change = update(gateway).where(gateway.c.code == code).values(token_hash=token_hash)
            connection.execute(change)

    def enrol(
        self, code: str, *, token_hash: str, public_key: bytes, key_id: str, at: float
    ) -> None:
        """Take a gateway's public key in exchange for its token, which is used up.

        Raises:
            UnsafeError: No such token waits for this gateway.
        """
        waiting = update(gateway).where(gateway.c.code == code, gateway.c.token_hash == token_hash)
        values = {"public_key": public_key, "key_id": key_id, "enrolled_at": at}
        with self._database.write() as connection:
            if connection.execute(waiting.values(**values, token_hash=None)).rowcount != 1:
                raise UnsafeError(
                    "enrolment token is not valid", thing=code, fix="make a new token for it"
                )

    def get(self, code: str) -> GatewayRow | None:
        """Return a gateway, or None if nothing is known of it."""
        with self._database.read() as connection:
            row = connection.execute(select(gateway).where(gateway.c.code == code)).one_or_none()
        return None if row is None else GatewayRow(**row._mapping)

    def list(self) -> Sequence[GatewayRow]:
        """Return all gateways by code."""
        with self._database.read() as connection:
            rows = connection.execute(select(gateway).order_by(gateway.c.code))
            return [GatewayRow(**row._mapping) for row in rows]

    def seen(self, code: str, *, at: float, profile_version: int | None = None) -> None:
        """Note that a gateway was heard."""
        values: dict[str, Any] = {"seen_at": at}
        if profile_version is not None:
            values["profile_version"] = profile_version
        with self._database.write() as connection:
            self._ensure(connection, code)
            connection.execute(update(gateway).where(gateway.c.code == code).values(**values))

    def through(self, code: str, epoch: int) -> int:
        """Return the last sequence stored of a spool epoch, 0 if none is."""
        query = select(gateway_epoch.c.through).where(
            gateway_epoch.c.gateway == code, gateway_epoch.c.epoch == _text(epoch)
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def epochs(self, code: str = "") -> Sequence[EpochRow]:
        """Return the spool epochs of a gateway, or of all, the latest heard of last."""
        query = select(gateway_epoch).order_by(gateway_epoch.c.at, gateway_epoch.c.epoch)
        if code:
            query = query.where(gateway_epoch.c.gateway == code)
        with self._database.read() as connection:
            return [_epoch(row) for row in connection.execute(query)]

    def advance(self, code: str, epoch: int, through: int, *, at: float) -> None:
        """Note the last sequence stored of a spool epoch; it never goes back."""
        self.advance_many([(code, epoch, through)], at=at)

    def advance_many(self, steps: Iterable[tuple[str, int, int]], *, at: float) -> None:
        """Note (gateway, epoch, through) of several gateways in one commit."""
        rows = [
            {"gateway": code, "epoch": _text(epoch), "through": through, "at": at}
            for code, epoch, through in steps
        ]
        if not rows:
            return
        new = [
            {"code": row["gateway"], "key_id": "", "profile_version": 0}
            for row in rows
            if row["gateway"] not in self._known
        ]
        ahead = self._database.insert(gateway_epoch)
        ahead = ahead.on_conflict_do_update(
            index_elements=["gateway", "epoch"],
            set_={"through": ahead.excluded.through, "at": ahead.excluded.at},
            where=gateway_epoch.c.through < ahead.excluded.through,
        )
        with self._database.write() as connection:
            # Many rows a statement: thousands of gateways may be acknowledged at a time.
            if new:
                connection.execute(self._database.insert(gateway).on_conflict_do_nothing(), new)
            connection.execute(ahead, rows)
        self._known.update(str(row["gateway"]) for row in rows)

    def _ensure(self, connection: Any, code: str) -> None:
        row = {"code": code, "key_id": "", "profile_version": 0}
        self._database.insert_new(connection, gateway, row)


def _text(epoch: int) -> str:
    if not 0 <= epoch < 1 << 64:
        raise InputError("a spool epoch is a u64", thing=str(epoch), fix="send the spool's own")
    return f"{epoch:016x}"


def _epoch(row: Row[Any]) -> EpochRow:
    return EpochRow(gateway=row.gateway, epoch=int(row.epoch, 16), through=row.through, at=row.at)
