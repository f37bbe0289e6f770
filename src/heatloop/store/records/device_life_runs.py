"""Functional tests and pre-season checks: their course, signed result and report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.device_life_schema import device_run
from heatloop.store.records.values import from_text, page, to_text

OPEN = ("running", "restoring")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run."""

    id: str
    """Id."""
    kind: str
    """`acceptance` or `season`."""
    subject: str
    """Serial number, or the asset a season check covers."""
    station: str
    """Station it works on."""
    state: str
    """`running`, `restoring`, `passed`, `failed` or `aborted`."""
    user: str
    """Who started it."""
    started_at: float
    """Plant time."""
    ended_at: float | None
    """Plant time; None while it runs."""
    body: Mapping[str, Any]
    """Its course, plain values."""
    document: Mapping[str, str]
    """Signed result; empty until it has ended."""
    pdf: str
    """SHA-256 of the report; empty until there is one."""
    pdf_signature: str
    """Detached signature over the report's bytes, hexadecimal."""
    key_id: str
    """Key that signed both."""


def _read(row: Row[Any]) -> RunRow:
    plain = dict(row._mapping)
    plain["body"], plain["document"] = from_text(plain["body"]), from_text(plain["document"])
    return RunRow(**plain)


class DeviceRuns:
    """Runs by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: RunRow) -> None:
        """Keep a run as it is now."""
        row = {name: getattr(run, name) for name in RunRow.__slots__}
        row["body"], row["document"] = to_text(dict(run.body)), to_text(dict(run.document))
        with self._database.write() as connection:
            self._database.put(connection, device_run, row)

    def sign(
        self, run_id: str, *, document: Mapping[str, str], pdf: str, signature: str, key_id: str
    ) -> None:
        """Keep the signed result and the report of a run that has ended."""
        mine = update(device_run).where(device_run.c.id == run_id)
        values = {"document": to_text(dict(document)), "pdf": pdf, "pdf_signature": signature}
        with self._database.write() as connection:
            connection.execute(mine.values(**values, key_id=key_id))

    def get(self, run_id: str) -> RunRow | None:
        """Return a run, or None."""
        with self._database.read() as connection:
            row = connection.execute(
                select(device_run).where(device_run.c.id == run_id)
            ).one_or_none()
        return None if row is None else _read(row)

    def list_open(self) -> Sequence[RunRow]:
        """Return the runs that had not ended when the process did."""
        query = select(device_run).where(device_run.c.state.in_(OPEN))
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def list(
        self,
        *,
        kind: str = "",
        subjects: Collection[str] | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[RunRow]]:
        """Return how many runs there are, and a page of them, newest first."""
        query = select(device_run).order_by(device_run.c.started_at.desc(), device_run.c.id.desc())
        if kind:
            query = query.where(device_run.c.kind == kind)
        if subjects is not None:
            query = query.where(self._database.among(device_run.c.subject, subjects))
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def last(self, subject: str) -> RunRow | None:
        """Return the newest acceptance of a device that ran to its end, or None."""
        query = select(device_run).where(
            device_run.c.subject == subject,
            device_run.c.kind == "acceptance",
            device_run.c.state.in_(("passed", "failed")),
        )
        with self._database.read() as connection:
            row = connection.execute(
                query.order_by(device_run.c.started_at.desc(), device_run.c.id.desc()).limit(1)
            ).one_or_none()
        return None if row is None else _read(row)
