"""Security events, and what was entered in the security registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Text, delete, func, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from heatloop.kernel.errors import LinkError
from heatloop.store.records.database import Database
from heatloop.store.records.schema import metadata
from heatloop.store.records.values import from_text, page, to_text
from heatloop.store.records.watch_schema import security_entry, security_event


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """Something that happened, the same again and again within a while as one row."""

    number: int
    """Number; 0 while it is not written."""
    kind: str
    """Kind of event."""
    subject: str
    """Whom or what it concerns."""
    address: str
    """Where it came from, as far as that is known."""
    first_at: float
    """Machine time of the first time."""
    last_at: float
    """Machine time of the last time."""
    count: int
    """How often."""
    severity: int
    """1 (critical) to 4 (to know)."""
    facts: Mapping[str, Any]
    """Further facts of the last time, plain values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    """One entry of a security register."""

    number: int
    """Number, rising."""
    register: str
    """`antivirus`, `vulnerability`, `ports`, `filing` or `exception`."""
    code: str
    """What it is about: a tool, a system, an item of the assessment."""
    state: str
    """What came of it."""
    user: str
    """Who entered it."""
    at: float
    """Machine time it holds from."""
    until: float | None
    """Machine time it holds until; None without an end."""
    body: Mapping[str, Any]
    """Further facts, plain values."""


class WatchRecords:
    """Events and registers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, rows: Sequence[EventRow]) -> list[int]:
        """Write new rows, and what changed of known ones; return the number of each."""
        numbers: list[int] = []
        with self._database.write() as connection:
            for row in rows:
                if row.number:
                    mine = update(security_event).where(security_event.c.number == row.number)
                    connection.execute(
                        mine.values(
                            last_at=row.last_at, count=row.count, facts=to_text(dict(row.facts))
                        )
                    )
                    numbers.append(row.number)
                    continue
                values = {
                    "kind": row.kind,
                    "subject": row.subject,
                    "address": row.address,
                    "first_at": row.first_at,
                    "last_at": row.last_at,
                    "count": row.count,
                    "severity": row.severity,
                    "facts": to_text(dict(row.facts)),
                }
                new = insert(security_event).values(**values).returning(security_event.c.number)
                numbers.append(int(connection.execute(new).scalar_one()))
        return numbers

    def events(
        self,
        *,
        kinds: Sequence[str] = (),
        severity: int | None = None,
        word: str = "",
        start: float | None = None,
        end: float | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[int, list[EventRow]]:
        """Return how many events there are, and a page of them, the newest first.

        Args:
            kinds: Of these kinds; empty for all.
            severity: At least this grave.
            word: Part of subject or address.
            start: Last seen at or after, machine time.
            end: First seen before, machine time.
            offset: Rows to skip.
            limit: Rows at most.
        """
        event = security_event.c
        query = select(security_event).order_by(event.last_at.desc(), event.number.desc())
        if kinds:
            query = query.where(event.kind.in_(list(kinds)))
        if severity is not None:
            query = query.where(event.severity <= severity)
        if word:
            query = query.where(
                event.subject.contains(word, autoescape=True)
                | event.address.contains(word, autoescape=True)
            )
        if start is not None:
            query = query.where(event.last_at >= start)
        if end is not None:
            query = query.where(event.first_at < end)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_event(row) for row in rows]

    def counted(self, *, since: float) -> dict[str, int]:
        """Return how often each kind happened in rows last seen since a machine time."""
        event = security_event.c
        query = select(event.kind, func.sum(event.count)).where(event.last_at >= since)
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(event.kind)).all()
        return {kind: int(count) for kind, count in rows}

    def forget(self, *, before: float) -> int:
        """Delete events last seen before a machine time; return how many."""
        old = delete(security_event).where(security_event.c.last_at < before)
        with self._database.write() as connection:
            return int(connection.execute(old).rowcount)

    def enter(
        self,
        register: str,
        *,
        code: str,
        state: str,
        user: str,
        at: float,
        until: float | None,
        body: Mapping[str, Any],
    ) -> EntryRow:
        """Enter something; return the entry."""
        values = {
            "register": register,
            "code": code,
            "state": state,
            "user": user,
            "at": at,
            "until": until,
            "body": to_text(dict(body)),
        }
        new = insert(security_entry).values(**values).returning(*security_entry.c)
        with self._database.write() as connection:
            return _entry(connection.execute(new).one())

    def withdraw(self, number: int, *, at: float) -> EntryRow | None:
        """Let an entry hold only until now; return it, None when there is none."""
        entry = security_entry.c
        mine = update(security_entry).where(entry.number == number)
        with self._database.write() as connection:
            row = connection.execute(mine.values(until=at).returning(*entry)).first()
        return None if row is None else _entry(row)

    def entries(
        self, register: str, *, code: str = "", offset: int = 0, limit: int = 50
    ) -> tuple[int, list[EntryRow]]:
        """Return how many entries a register has, and a page of them, the newest first."""
        entry = security_entry.c
        query = select(security_entry).where(entry.register == register)
        if code:
            query = query.where(entry.code == code)
        query = query.order_by(entry.at.desc(), entry.number.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_entry(row) for row in rows]

    def newest(self, register: str) -> EntryRow | None:
        """Return the newest entry of a register."""
        _, rows = self.entries(register, limit=1)
        return rows[0] if rows else None


def _event(row: Row[Any]) -> EventRow:
    values = {name: getattr(row, name) for name in EventRow.__slots__}
    values["facts"] = from_text(row.facts)
    return EventRow(**values)


def _entry(row: Row[Any]) -> EntryRow:
    values = {name: getattr(row, name) for name in EntryRow.__slots__}
    values["body"] = from_text(row.body)
    return EntryRow(**values)


_TRIES = (
    "UPDATE audit_entry SET subject = subject WHERE seq = (SELECT max(seq) FROM audit_entry)",
    "DELETE FROM audit_entry WHERE seq = (SELECT max(seq) FROM audit_entry)",
)


class _Undo(Exception):
    """Takes back what should not have been possible."""


def trail_refuses_change(database: Database) -> list[str]:
    """Try to change and to delete an audit entry; return what was let through, undone again."""
    let: list[str] = []
    for statement in _TRIES:
        try:
            with database.write() as connection:
                connection.exec_driver_sql(statement)
                raise _Undo
        except _Undo:
            let.append(statement.partition(" ")[0])
        except (DBAPIError, LinkError):
            continue
    return let


def clear_text(database: Database, words: Sequence[str]) -> list[str]:
    """Return the tables in whose text columns one of these words stands readable."""
    found: list[str] = []
    with database.read() as connection:
        for name in _PERSONAL_TABLES:
            table = metadata.tables.get(name)
            if table is None:
                continue
            columns = [column for column in table.columns if isinstance(column.type, Text)]
            tests = [column.contains(w, autoescape=True) for column in columns for w in words]
            if tests and connection.execute(select(table).where(or_(*tests)).limit(1)).first():
                found.append(name)
    return found


_PERSONAL_TABLES = ("ledger_row", "sync_record", "sync_conflict", "sync_change", "record_change")
"""Where personal data of the ledger and of other systems could come to rest."""
