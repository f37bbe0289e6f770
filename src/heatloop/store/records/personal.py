"""Consents, reveals of personal data, and what was erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.personal_schema import personal_consent, personal_reveal, personal_run
from heatloop.store.records.values import from_text, page, to_text


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRow:
    """That somebody agreed to a use of his data, or took it back."""

    id: str
    """Id."""
    subject: str
    """Whom it is about: a contract or person of the ledger."""
    purpose: str
    """What he agreed to."""
    basis: str
    """`consent`, `contract` or `legal`."""
    note: str
    """How he said so."""
    user: str
    """Who wrote it down."""
    given_at: float
    """Machine time since when."""
    withdrawn_at: float | None = None
    """Machine time it was taken back."""
    withdrawn_by: str = ""
    """Who wrote that down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """An erasure, or a dry run of one."""

    id: str
    """Id."""
    kind: str
    """`erase` or `retention`."""
    dry_run: bool
    """Whether nothing was changed."""
    subject: str
    """Whom it was about; empty: everybody."""
    reason: str
    """Why."""
    user: str
    """Who."""
    at: float
    """Machine time."""
    body: dict[str, Any]
    """What was done; never a personal value."""


class Personal:
    """What people agreed to, what was looked at, and what was erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_consent(self, row: ConsentRow) -> None:
        """Write down a consent."""
        with self._database.write() as connection:
            connection.execute(personal_consent.insert().values(**asdict(row)))

    def withdraw(self, id: str, *, by: str, at: float) -> bool:  # noqa: A002 - the column's name
        """Take a consent back; return whether it stood."""
        c = personal_consent.c
        change = update(personal_consent).where(c.id == id, c.withdrawn_at.is_(None))
        with self._database.write() as connection:
            done = connection.execute(change.values(withdrawn_at=at, withdrawn_by=by))
            return done.rowcount == 1

    def consent(self, id: str) -> ConsentRow | None:  # noqa: A002 - the column's name
        """Return a consent, or None."""
        query = select(personal_consent).where(personal_consent.c.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else ConsentRow(**row._mapping)

    def consents(
        self, *, subject: str = "", subjects: Collection[str] | None = None,
        offset: int = 0, limit: int = 100,
    ) -> tuple[int, Sequence[ConsentRow]]:  # fmt: skip
        """Return how many consents fit, and a page of them, newest first.

        Args:
            subject: Only his; empty: everybody's.
            subjects: Only these; None: any.
            offset: Rows left out.
            limit: Rows returned at most.
        """
        c = personal_consent.c
        query = select(personal_consent).order_by(c.given_at.desc(), c.id)
        if subject:
            query = query.where(c.subject == subject)
        if subjects is not None:
            query = query.where(self._database.among(c.subject, subjects))
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [ConsentRow(**row._mapping) for row in rows]

    def objecting(self, purpose: str) -> set[str]:
        """Return the subjects whose last word about a purpose was that they take it back."""
        c = personal_consent.c
        query = select(personal_consent).where(c.purpose == purpose).order_by(c.given_at, c.id)
        found: set[str] = set()
        with self._database.read() as connection:
            for row in connection.execute(query):
                (found.discard if row.withdrawn_at is None else found.add)(row.subject)
        return found

    def add_reveal(self, *, at: float, user: str, subject: str, field: str, reason: str) -> None:
        """Count that somebody looked at a personal value."""
        row = {"at": at, "user": user, "subject": subject, "field": field, "reason": reason}
        with self._database.write() as connection:
            connection.execute(personal_reveal.insert().values(**row))

    def reveals(self, user: str, since: float) -> int:
        """Return how many values a user looked at since a machine time."""
        c = personal_reveal.c
        query = select(func.count()).where(c.user == user, c.at >= since)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def add_run(self, row: RunRow) -> None:
        """Write down an erasure or its dry run."""
        with self._database.write() as connection:
            plain = asdict(row) | {"body": to_text(row.body)}
            connection.execute(personal_run.insert().values(**plain))

    def runs(self, *, offset: int = 0, limit: int = 50) -> tuple[int, Sequence[RunRow]]:
        """Return how many erasures there were, and a page of them, newest first."""
        query = select(personal_run).order_by(personal_run.c.at.desc(), personal_run.c.id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [RunRow(**{**row._mapping, "body": from_text(row.body)}) for row in rows]
