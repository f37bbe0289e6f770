"""The tuned curves savings are measured against: kept once, only a person's decision changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.savings_schema import savings_baseline
from heatloop.store.records.values import from_text, page, to_text


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineRow:
    """What a unit's savings are measured against from a day on."""

    subject: str
    """Unit."""
    version: int
    """From 1 within the unit."""
    at: float
    """Plant time it was made."""
    from_day: int
    """First day it judges, days since 1970-01-01, local; all days it was made of lie before."""
    seen_from_day: int
    """First day of the weather it was made of."""
    seen_until_day: int
    """Last day of it."""
    model_version: int
    """Version of the building model it was tried on; 0: none."""
    baseline: str
    """`tuned`, `standing` or `refused`."""
    reason: str
    """Why it was refused; empty when it was not."""
    body: dict[str, Any]
    """Knobs, figures of the trial, the unit as it was tried."""
    digest: str
    """SHA-256 of weather, model and unit it was made of."""
    entry: int = 0
    """Entry of the ledger that tells of it."""
    approval: str = ""
    """`approved` or `withdrawn` for running it on switch-back days; empty: undecided."""
    decided_by: str = ""
    """Who decided."""
    decided_at: float | None = None
    """When."""
    note: str = ""
    """Why."""

    def told(self) -> dict[str, Any]:
        """Return what the chain proves of it: all that never changes."""
        changing = ("entry", "approval", "decided_by", "decided_at", "note")
        return {name: getattr(self, name) for name in self.__slots__ if name not in changing}


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """What a person decided on a tuned curve."""

    subject: str
    """Unit."""
    version: int
    """Version."""
    approval: str
    """`approved` or `withdrawn`."""
    by: str
    """Who."""
    at: float
    """When."""
    note: str
    """Why."""


class BaselineRecords:
    """Reads them; they are written with their entry of the chain (`SavingsRecords.add`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> Sequence[BaselineRow]:
        """Return the newest of every unit."""
        c = savings_baseline.c
        last = (
            select(c.subject, func.max(c.version).label("version")).group_by(c.subject).subquery()
        )
        query = select(savings_baseline).join(
            last, (c.subject == last.c.subject) & (c.version == last.c.version)
        )
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query.order_by(c.subject))]

    def of(
        self, subject: str, *, offset: int = 0, limit: int = 20
    ) -> tuple[int, Sequence[BaselineRow]]:
        """Return how many a unit has, and a page of them, newest first."""
        c = savings_baseline.c
        query = select(savings_baseline).where(c.subject == subject).order_by(c.version.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_row(row) for row in rows]

    def all(self) -> Sequence[BaselineRow]:
        """Return every one, for checking the chain."""
        c = savings_baseline.c
        query = select(savings_baseline).order_by(c.subject, c.version)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]


def put_baselines(connection: Connection, entry: int, rows: Sequence[BaselineRow]) -> None:
    """Keep new ones under their entry."""
    if rows:
        plain = [
            {name: getattr(row, name) for name in BaselineRow.__slots__}
            | {"body": to_text(row.body), "entry": entry}
            for row in rows
        ]
        connection.execute(savings_baseline.insert(), plain)


def put_approval(connection: Connection, decided: Approval) -> None:
    """Keep what a person decided."""
    c = savings_baseline.c
    connection.execute(
        update(savings_baseline)
        .where(c.subject == decided.subject, c.version == decided.version)
        .values(
            approval=decided.approval,
            decided_by=decided.by,
            decided_at=decided.at,
            note=decided.note,
        )
    )


def _row(row: Row[Any]) -> BaselineRow:
    return BaselineRow(**{**row._mapping, "body": from_text(row.body)})
