"""The audit trail: one chain of hashes, written by one at a time, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from heatloop.kernel.errors import InputError
from heatloop.security.chain import chain_hash
from heatloop.store.records.database import Database
from heatloop.store.records.values import from_text, page, to_text
from heatloop.store.records.work_schema import audit_entry, audit_head

_CHUNK = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRow:
    """One entry of the trail."""

    seq: int
    """Place in the chain, from 1."""
    at: float
    """Machine time."""
    user: str
    """Who."""
    action: str
    """What."""
    subject: str
    """On what."""
    detail: Mapping[str, Any]
    """Further facts."""
    hash: str
    """Chained to the entry before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditWish:
    """What somebody wants to have written down."""

    at: float
    """Machine time."""
    user: str
    """Who."""
    action: str
    """What."""
    subject: str
    """On what."""
    detail: Mapping[str, Any]
    """Further facts, plain values."""


class Audit:
    """The trail, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, *, at: float, user: str, action: str, subject: str, detail: Mapping[str, Any]
    ) -> tuple[int, str]:
        """Write one entry; return its place and its hash.

        Raises:
            InputError: The detail holds more than plain, finite values.
        """
        wish = AuditWish(at=at, user=user, action=action, subject=subject, detail=detail)
        return self.append_many([wish])[0]

    def append_many(self, wishes: Sequence[AuditWish]) -> Sequence[tuple[int, str]]:
        """Write several entries in one commit, all or none; return place and hash of each."""
        rows: list[dict[str, Any]] = []
        with self._database.write() as connection:
            # The head row is locked until the commit: the chain has one writer at a time.
            head = connection.execute(select(audit_head).with_for_update()).one()
            seq, previous = int(head.seq), str(head.hash)
            for wish in wishes:
                seq += 1
                row = {
                    "seq": seq,
                    "at": float(wish.at),
                    "user": wish.user,
                    "action": wish.action,
                    "subject": wish.subject,
                    "detail": to_text(dict(wish.detail)),
                }
                previous = chain_hash(previous, row)
                rows.append(row | {"hash": previous})
            if rows:
                connection.execute(audit_entry.insert(), rows)
                connection.execute(update(audit_head).values(seq=seq, hash=previous))
        return [(row["seq"], row["hash"]) for row in rows]

    def list(
        self,
        *,
        user: str = "",
        action: str = "",
        subject: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[AuditRow]]:
        """Return how many entries fit, and a page of them, newest first."""
        query = select(audit_entry).order_by(audit_entry.c.seq.desc())
        if user:
            query = query.where(audit_entry.c.user == user)
        if action:
            query = query.where(audit_entry.c.action == action)
        if subject:
            query = query.where(audit_entry.c.subject == subject)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def verify(self) -> tuple[int, int | None]:
        """Compute every hash again; return how many entries there are and the first broken one.

        An entry is broken when it was changed, when one before it is missing, or when the chain
        does not end where the head says.
        """
        count, previous = 0, ""
        with self._database.read() as connection:
            for row in _all(connection):
                count += 1
                plain = dict(row._mapping)
                stored = plain.pop("hash")
                if plain["seq"] != count or not _fits(previous, plain, stored):
                    return count, count
                previous = stored
            head = connection.execute(select(audit_head)).one_or_none()
        if head is None or (head.seq, head.hash) != (count, previous):
            return count, count + 1
        return count, None


def _all(connection: Connection) -> Iterator[Row[Any]]:
    last = 0
    while True:
        query = select(audit_entry).where(audit_entry.c.seq > last).order_by(audit_entry.c.seq)
        rows = connection.execute(query.limit(_CHUNK)).all()
        yield from rows
        if len(rows) < _CHUNK:
            return
        last = rows[-1].seq


def _fits(previous: str, plain: dict[str, Any], stored: str) -> bool:
    try:
        return chain_hash(previous, plain) == stored
    except InputError:
        return False


def _read(row: Row[Any]) -> AuditRow:
    plain = dict(row._mapping)
    plain["detail"] = from_text(plain["detail"])
    return AuditRow(**plain)
