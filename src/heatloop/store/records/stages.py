"""How far the strategy may go at each unit, with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.work_schema import unit_stage


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRow:
    """One stage a unit had or has."""

    unit: str
    """Unit code."""
    stage: str
    """`observe`, `advise` or `automatic`."""
    manual_setpoint_c: float | None
    """Supply set-point a person chose, if any."""
    user: str
    """Who set it."""
    at: float
    """Plant time."""
    current: bool
    """Whether it holds now."""


def _read(row: Row[tuple[object, ...]]) -> StageRow:
    plain = dict(row._mapping)
    del plain["number"]
    return StageRow(**plain)


class Stages:
    """Stages by unit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(
        self, unit: str, stage: str, *, by: str, at: float, manual_setpoint_c: float | None = None
    ) -> None:
        """Set a unit's stage; the old one stays in the history."""
        old = update(unit_stage).where(unit_stage.c.unit == unit, unit_stage.c.current)
        row = {"unit": unit, "stage": stage, "manual_setpoint_c": manual_setpoint_c}
        with self._database.write() as connection:
            connection.execute(old.values(current=False))
            connection.execute(unit_stage.insert().values(**row, user=by, at=at, current=True))

    def get(self, unit: str) -> StageRow | None:
        """Return the stage that holds, or None."""
        query = select(unit_stage).where(unit_stage.c.unit == unit, unit_stage.c.current)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def all(self) -> dict[str, str]:
        """Return unit -> stage of every unit that was ever set."""
        query = select(unit_stage.c.unit, unit_stage.c.stage).where(unit_stage.c.current)
        with self._database.read() as connection:
            return {row.unit: row.stage for row in connection.execute(query)}

    def history(self, unit: str) -> Sequence[StageRow]:
        """Return every stage a unit had, newest first."""
        query = select(unit_stage).where(unit_stage.c.unit == unit)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(unit_stage.c.number.desc()))
            return [_read(row) for row in rows]
