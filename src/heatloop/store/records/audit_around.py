"""What stands around the trail: checkpoints, sealed and dropped periods, how far copies are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, select, text, update

from heatloop.store.records.audit_rows import Checkpoint, CopyMark, Period
from heatloop.store.records.audit_schema import audit_checkpoint, audit_copy, audit_period
from heatloop.store.records.database import Database
from heatloop.store.records.governance_schema import record_change
from heatloop.store.records.values import from_text
from heatloop.store.records.work_schema import audit_entry


class AuditAround:
    """Kept beside the trail; none of it can change an entry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_checkpoint(self, point: Checkpoint) -> None:
        """Keep a checkpoint; one that is there stays."""
        with self._database.write() as connection:
            there = select(audit_checkpoint.c.seq).where(audit_checkpoint.c.seq == point.seq)
            if connection.execute(there).first() is None:
                connection.execute(audit_checkpoint.insert().values(asdict(point)))

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint."""
        query = select(audit_checkpoint).order_by(audit_checkpoint.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Checkpoint(**row._mapping)

    def count_checkpoints(self) -> int:
        """Return how many checkpoints there are."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(audit_checkpoint)
            return int(connection.execute(query).scalar_one())

    def periods(self) -> Sequence[Period]:
        """Return the sealed periods, oldest first."""
        query = select(audit_period).order_by(audit_period.c.first_seq)
        with self._database.read() as connection:
            return [Period(**row._mapping) for row in connection.execute(query)]

    def next_period(self, before: float) -> tuple[int, int]:
        """Return first and last entry a new period would have; last is 0 when there is none.

        Args:
            before: Machine second after the last it may hold.
        """
        with self._database.read() as connection:
            sealed = connection.execute(select(func.max(audit_period.c.last_seq))).scalar()
            first = int(sealed or 0) + 1
            # Clocks may step back: the period ends before the first entry that is too young.
            young = select(func.min(audit_entry.c.seq)).where(
                audit_entry.c.seq >= first, audit_entry.c.at >= before
            )
            end = connection.execute(young).scalar()
            if end is None:
                every = select(func.max(audit_entry.c.seq)).where(audit_entry.c.seq >= first)
                end = int(connection.execute(every).scalar() or 0) + 1
        return first, max(int(end) - 1, 0)

    def add_period(self, period: Period) -> None:
        """Keep that a period is sealed."""
        with self._database.write() as connection:
            connection.execute(audit_period.insert().values(asdict(period)))

    def drop(self, period: Period, *, at: float, by: str) -> int:
        """Drop the entries of a sealed period that is old enough; return how many went.

        The database itself refuses it for any other.
        """
        c = audit_period.c
        mark = update(audit_period).where(c.first_seq == period.first_seq, c.dropped_at.is_(None))
        gone = audit_entry.c.seq.between(period.first_seq, period.last_seq)
        with self._database.write() as connection:
            connection.execute(mark.values(dropped_at=at, dropped_by=by))
            if connection.dialect.name == "sqlite":
                return int(connection.execute(delete(audit_entry).where(gone)).rowcount)
            # The program's role may not delete; the owner's function looks for itself.
            call = text("SELECT audit_drop_period(:first)")
            return int(connection.execute(call, {"first": period.first_seq}).scalar_one())

    def changes_by(self, user: str, since: float, until: float) -> list[dict[str, Any]]:
        """Return what a user changed in the records in a while, as the journal has it."""
        c = record_change.c
        query = (
            select(record_change)
            .where(c.user == user, c.at >= since, c.at <= until)
            .order_by(c.number)
            .limit(50)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            {
                "table": row.record_table,
                "record": row.record_id,
                "operation": row.operation,
                "at": float(row.at),
                "before": None if row.before is None else from_text(row.before),
                "after": None if row.after is None else from_text(row.after),
            }
            for row in rows
        ]

    def mark(self, target: str) -> CopyMark | None:
        """Return how far a copy has come."""
        query = select(audit_copy).where(audit_copy.c.target == target)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else CopyMark(**row._mapping)

    def put_mark(self, mark: CopyMark) -> None:
        """Note how far a copy has come."""
        with self._database.write() as connection:
            self._database.put(connection, audit_copy, asdict(mark))

    def oldest_after(self, seq: int) -> float | None:
        """Return when the first entry behind one was written, machine time."""
        query = select(audit_entry.c.at).where(audit_entry.c.seq > seq)
        with self._database.read() as connection:
            at = connection.execute(query.order_by(audit_entry.c.seq).limit(1)).scalar()
        return None if at is None else float(at)
