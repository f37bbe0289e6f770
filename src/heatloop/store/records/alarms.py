"""Every alarm from onset to end, and who saw it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, select, update

from heatloop.kernel.messages import Alarm, AlarmState
from heatloop.store.records.database import Database
from heatloop.store.records.values import page
from heatloop.store.records.work_schema import alarm as alarms
from heatloop.store.records.work_schema import alarm_event

_FIELDS = [field.name for field in fields(Alarm)]
_RETURNED = (AlarmState.RETURNED, AlarmState.CLEARED)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmRow:
    """An alarm and what happened to it."""

    alarm: Alarm
    """The alarm in its present state."""
    cleared: float | None
    """Plant time its cause went away."""
    acknowledged_by: str | None
    """Who has seen it."""
    acknowledged_at: float | None
    """Plant time of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmStep:
    """One step in the life of an alarm."""

    state: str
    """State entered."""
    at: float
    """Plant time."""
    user: str
    """Who caused it, if a person did."""
    note: str
    """What happened."""


def _read(row: Row[Any]) -> AlarmRow:
    return AlarmRow(
        alarm=Alarm(**{name: row._mapping[name] for name in _FIELDS}),
        cleared=row.cleared_at,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
    )


class Alarms:
    """Alarms by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, alarm: Alarm, *, at: float, event: str = "") -> bool:
        """Keep an alarm in its present state; return whether it was new.

        The same alarm raised again is one alarm, and one that is cleared stays cleared.

        Args:
            alarm: The alarm in its new state.
            at: Plant time of the change.
            event: What happened, for its history.
        """
        with self._database.write() as connection:
            ended = at if alarm.state in _RETURNED else None
            row = alarm.to_dict() | {"state": str(alarm.state), "cleared_at": ended}
            if self._database.insert_new(connection, alarms, row):
                _note(connection, alarm, at, "", event)
                return True
            self._move(connection, alarm, at, "", event)
            return False

    def acknowledge(self, alarm: Alarm, *, by: str, at: float) -> bool:
        """Keep who has seen an alarm; return whether that changed it.

        Args:
            alarm: The alarm in its state after the acknowledgement.
            by: Who.
            at: Plant time.
        """
        with self._database.write() as connection:
            if not self._move(connection, alarm, at, by, "acknowledge"):
                return False
            unseen = update(alarms).where(
                alarms.c.id == alarm.id, alarms.c.acknowledged_at.is_(None)
            )
            connection.execute(unseen.values(acknowledged_by=by, acknowledged_at=at))
            return True

    def _move(self, connection: Connection, alarm: Alarm, at: float, by: str, event: str) -> bool:
        state = str(alarm.state)
        known = (alarms.c.id == alarm.id, alarms.c.state != AlarmState.CLEARED.value)
        change = update(alarms).where(*known, alarms.c.state != state).values(state=state)
        if connection.execute(change).rowcount != 1:
            return False
        if alarm.state in _RETURNED:
            first = update(alarms).where(alarms.c.id == alarm.id, alarms.c.cleared_at.is_(None))
            connection.execute(first.values(cleared_at=at))
        else:
            again = update(alarms).where(alarms.c.id == alarm.id)
            connection.execute(again.values(cleared_at=None))
        _note(connection, alarm, at, by, event)
        return True

    def get(self, alarm_id: str) -> AlarmRow | None:
        """Return an alarm, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(alarms).where(alarms.c.id == alarm_id)).one_or_none()
        return None if row is None else _read(row)

    def list_open(self) -> Sequence[AlarmRow]:
        """Return the alarms that have not ended, in the order of onset."""
        query = select(alarms).where(alarms.c.state != AlarmState.CLEARED.value)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(alarms.c.onset, alarms.c.id))
            return [_read(row) for row in rows]

    def list(
        self,
        *,
        subjects: Collection[str] | None = None,
        priority: int | None = None,
        state: str = "",
        start: float | None = None,
        end: float | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[AlarmRow]]:
        """Return how many alarms fit, and a page of them, newest first.

        Args:
            subjects: Points and assets; None for all.
            priority: 1 to 4; None for all.
            state: One `AlarmState`, or `open`; empty for all.
            start: Earliest onset, plant time.
            end: Onset before this, plant time.
            offset: Rows to skip.
            limit: Rows to give.
        """
        query = select(alarms).order_by(alarms.c.onset.desc(), alarms.c.id.desc())
        if subjects is not None:
            query = query.where(self._database.among(alarms.c.subject, subjects))
        if priority is not None:
            query = query.where(alarms.c.priority == priority)
        if state == "open":
            query = query.where(alarms.c.state != AlarmState.CLEARED.value)
        elif state:
            query = query.where(alarms.c.state == state)
        if start is not None:
            query = query.where(alarms.c.onset >= start)
        if end is not None:
            query = query.where(alarms.c.onset < end)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def events(self, alarm_id: str) -> Sequence[AlarmStep]:
        """Return the steps of an alarm in order."""
        query = select(alarm_event).where(alarm_event.c.alarm == alarm_id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(alarm_event.c.number))
            return [
                AlarmStep(state=row.state, at=row.at, user=row.user, note=row.note) for row in rows
            ]


def _note(connection: Connection, alarm: Alarm, at: float, by: str, note: str) -> None:
    row = {"alarm": alarm.id, "state": str(alarm.state), "at": at, "user": by, "note": note}
    connection.execute(alarm_event.insert().values(row))
