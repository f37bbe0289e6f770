"""Data assets as people decided about them, approval tickets, and the journal of changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, select, text, update

from heatloop.store.records.database import Database
from heatloop.store.records.governance_journal import present_sql, table_named
from heatloop.store.records.governance_schema import data_asset, data_permit, record_change
from heatloop.store.records.values import from_text, page, to_text, words

REQUESTED, APPROVED, REFUSED = "requested", "approved", "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetRow:
    """What people decided about a data asset."""

    code: str
    """Class of data."""
    body: dict[str, Any]
    """Fields that differ from what the tables say."""
    user: str
    """Who last changed it."""
    at: float
    """Machine time of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitRow:
    """An approval ticket."""

    id: str
    """Id."""
    user: str
    """Who asked."""
    purpose: str
    """What for."""
    classes: tuple[str, ...]
    """Classes of data."""
    level: str
    """Highest level."""
    subject: str
    """Asset it is limited to; empty: no limit."""
    reason: str
    """Why."""
    state: str
    """`requested`, `approved` or `refused`."""
    asked_at: float
    """Machine time."""
    decided_by: str = ""
    """Who decided."""
    decided_at: float | None = None
    """Machine time."""
    note: str = ""
    """What the decider wrote."""
    expires_at: float | None = None
    """Machine time it ends."""
    uses: int = 0
    """Exports made with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRow:
    """One entry of the journal."""

    number: int
    """Place in the journal."""
    operation: str
    """`baseline`, `insert`, `update` or `delete`."""
    at: float
    """Machine time."""
    user: str
    """Who."""
    before: dict[str, Any] | None
    """The record before."""
    after: dict[str, Any] | None
    """The record after."""


def _permit(row: Row[Any]) -> PermitRow:
    plain = dict(row._mapping)
    plain["classes"] = tuple(from_text(plain["classes"]))
    return PermitRow(**plain)


class Governance:
    """Assets, tickets and changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._postgres = database.dialect.name == "postgresql"

    def assets(self) -> dict[str, AssetRow]:
        """Return what people decided, by asset."""
        with self._database.read() as connection:
            rows = connection.execute(select(data_asset)).all()
        return {r.code: AssetRow(**{**r._mapping, "body": from_text(r.body)}) for r in rows}

    def set_asset(self, code: str, body: dict[str, Any], *, user: str, at: float) -> None:
        """Keep what people decided about an asset."""
        row = {"code": code, "body": to_text(body), "user": user, "at": at}
        with self._database.write() as connection:
            self._database.put(connection, data_asset, row)

    def add_permit(self, row: PermitRow) -> None:
        """Keep a new ticket."""
        plain = asdict(row) | {"classes": words(row.classes)}
        with self._database.write() as connection:
            connection.execute(data_permit.insert().values(**plain))

    def permit(self, id: str) -> PermitRow | None:  # noqa: A002 - the name the column has
        """Return a ticket, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(data_permit).where(data_permit.c.id == id)).first()
        return None if row is None else _permit(row)

    def permits(
        self, *, user: str = "", state: str = "", at: float, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[PermitRow]]:
        """Return how many tickets fit, and a page of them, newest first.

        Args:
            user: Only this one's; empty: all.
            state: Only these; `expired` are approved ones whose time is over.
            at: Machine time now.
            offset: Tickets left out.
            limit: Tickets returned at most.
        """
        c = data_permit.c
        query = select(data_permit).order_by(c.asked_at.desc(), c.id)
        if user:
            query = query.where(c.user == user)
        if state == "expired":
            query = query.where(c.state == APPROVED, c.expires_at <= at)
        elif state == APPROVED:
            query = query.where(c.state == APPROVED, c.expires_at > at)
        elif state:
            query = query.where(c.state == state)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_permit(row) for row in rows]

    def in_force(self, user: str, at: float) -> Sequence[PermitRow]:
        """Return a user's tickets that are approved and not over, newest first."""
        return self.permits(user=user, state=APPROVED, at=at, limit=1000)[1]

    def decide(
        self,
        id: str,  # noqa: A002 - the name the column has
        *,
        state: str,
        by: str,
        at: float,
        note: str,
        expires_at: float | None,
    ) -> bool:
        """Decide on a ticket that was asked for; return whether it still waited."""
        c = data_permit.c
        change = update(data_permit).where(c.id == id, c.state == REQUESTED)
        values = {
            "state": state, "decided_by": by, "decided_at": at, "note": note,
            "expires_at": expires_at,
        }  # fmt: skip
        with self._database.write() as connection:
            return connection.execute(change.values(**values)).rowcount == 1

    def use(self, id: str, at: float) -> bool:  # noqa: A002 - the name the column has
        """Count an export made with a ticket; return whether it was still in force."""
        c = data_permit.c
        change = update(data_permit).where(c.id == id, c.state == APPROVED, c.expires_at > at)
        with self._database.write() as connection:
            return connection.execute(change.values(uses=c.uses + 1)).rowcount == 1

    def changes(self, table: str, id: str, limit: int = 10_000) -> Sequence[ChangeRow]:  # noqa: A002
        """Return the changes of a record, oldest first."""
        c = record_change.c
        query = select(record_change).where(c.record_table == table, c.record_id == id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.number).limit(limit)).all()
        return [_change(row) for row in rows]

    def present(self, table: str, id: str) -> dict[str, Any] | None:  # noqa: A002
        """Return a record as the journal writes it, None when there is none.

        Raises:
            InputError: There is no such table.
        """
        inner = present_sql(table_named(table), self._postgres)
        query = text(f"SELECT body FROM ({inner}) p WHERE p.id = :id")
        with self._database.read() as connection:
            found = connection.execute(query, {"id": id}).first()
        return None if found is None else dict(json.loads(found.body))

    def count(self, table: str) -> int:
        """Return how many records a table has.

        Raises:
            InputError: There is no such table.
        """
        with self._database.read() as connection:
            query = select(func.count()).select_from(table_named(table))
            return int(connection.execute(query).scalar_one())

    def nth_id(self, table: str, number: int) -> str | None:
        """Return the key of a record by its place, None when there are fewer.

        Raises:
            InputError: There is no such table.
        """
        known = table_named(table)
        inner = present_sql(known, self._postgres)
        query = text(f"SELECT p.id FROM ({inner}) p ORDER BY p.id LIMIT 1 OFFSET :number")
        with self._database.read() as connection:
            found = connection.execute(query, {"number": number}).first()
        return None if found is None else str(found.id)


def _change(row: Row[Any]) -> ChangeRow:
    def plain(cell: str | None) -> dict[str, Any] | None:
        return None if cell is None else json.loads(cell)

    return ChangeRow(
        number=row.number,
        operation=row.operation,
        at=row.at,
        user=row.user,
        before=plain(row.before),
        after=plain(row.after),
    )


def misfits(changes: Sequence[ChangeRow], present: dict[str, Any] | None) -> Iterator[str]:
    """Yield what does not fit in the history of a record.

    Args:
        changes: Its changes, oldest first.
        present: The record as it is; None when it does not exist.
    """
    if not changes:
        yield "no change is written down"
        return
    if changes[0].operation not in ("insert", "baseline"):
        yield f"begins with {changes[0].operation}"
    held: dict[str, Any] | None = None
    for at, change in enumerate(changes):
        if not change.user or not change.at > 0.0:
            yield f"change {change.number} has no actor or no time"
        if at and _open(change.before) != _open(held):
            yield f"change {change.number} does not start from what was there"
        held = change.after
    if _open(held) != _open(present):
        yield "the changes do not lead to what is there"


def _open(row: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave secrets out: only that they changed is written down."""
    if row is None:
        return None
    return {k: v for k, v in row.items() if not (isinstance(v, str) and v.startswith("***"))}
