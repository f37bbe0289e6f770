"""What was sent and not stored, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from heatloop.store.records.database import Database
from heatloop.store.records.values import page
from heatloop.store.records.work_schema import quarantine

SAME_S = 3600.0
"""The same reason from the same gateway within this time is counted, not written again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineRow:
    """Something refused."""

    number: int
    """Number."""
    gateway: str
    """Gateway code."""
    reason: str
    """Reason code."""
    detail: str
    """What exactly."""
    rows: int
    """Rows concerned, over all times."""
    times: int
    """How often."""
    at: float
    """Machine time of the first."""
    last_at: float
    """Machine time of the last."""


class Quarantine:
    """Refused things, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, gateway: str, at: float, reason: str, detail: str, rows: int) -> None:
        """Write one down; a flood of the same is counted."""
        q = quarantine.c
        same = select(q.number).where(
            q.gateway == gateway, q.reason == reason, q.detail == detail, q.at >= at - SAME_S
        )
        with self._database.write() as connection:
            number = connection.execute(same.order_by(q.number.desc()).limit(1)).scalar()
            if number is not None:
                counted = update(quarantine).where(q.number == number)
                connection.execute(
                    counted.values(rows=q.rows + rows, times=q.times + 1, last_at=at)
                )
                return
            row = {"gateway": gateway, "reason": reason, "detail": detail, "rows": rows}
            connection.execute(quarantine.insert().values(**row, times=1, at=at, last_at=at))

    def list(
        self,
        *,
        gateways: Collection[str] | None = None,
        reason: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[QuarantineRow]]:
        """Return how many entries fit, and a page of them, newest first."""
        query = select(quarantine).order_by(quarantine.c.number.desc())
        if gateways is not None:
            query = query.where(self._database.among(quarantine.c.gateway, gateways))
        if reason:
            query = query.where(quarantine.c.reason == reason)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [QuarantineRow(**row._mapping) for row in rows]
