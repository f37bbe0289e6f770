"""Verification: plans, tasks drawn from them, and field readings beside what was uploaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.governance_schema import (
    verification_item,
    verification_plan,
    verification_task,
)
from heatloop.store.records.values import from_text, page, to_text

OPEN, DONE, GIVEN_UP = "open", "done", "given_up"
OVERDUE = "overdue"
"""Open after its time; a way to ask, not a state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRow:
    """What is verified regularly."""

    id: str
    """Id."""
    name: str
    """What people call it."""
    asset: str
    """Asset whose points are drawn; empty: the whole company."""
    kinds: tuple[str, ...]
    """Point kinds; empty: all that a person can read."""
    points: int
    """Points drawn each time."""
    every_s: float
    """Plant seconds between tasks."""
    answer_s: float
    """Plant seconds until a task is overdue."""
    active: bool
    """Whether tasks are made."""
    next_at: float
    """Plant time of the next task."""
    user: str
    """Who made it."""
    at: float
    """Plant time it was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRow:
    """A verification task."""

    id: str
    """Id."""
    plan: str
    """Plan; empty: made by hand."""
    name: str
    """What people call it."""
    asset: str
    """Asset whose points were drawn; empty: the whole company."""
    user: str
    """Who made it."""
    made_at: float
    """Plant time."""
    due_at: float
    """Plant time until which it is to be done."""
    state: str = OPEN
    """`open`, `done` or `given_up`."""
    ended_at: float | None = None
    """Plant time."""
    note: str = ""
    """What was written at its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemRow:
    """One point of a task."""

    task: str
    """Task."""
    point: str
    """Point code."""
    kind: str
    """Point kind."""
    tolerance: float
    """How far reading and upload may be apart, in the point's unit."""
    reading: float | None = None
    """What was read in the field."""
    read_at: float | None = None
    """Plant time of that."""
    user: str = ""
    """Who read it."""
    uploaded: float | None = None
    """What was uploaded for that time."""
    quality: int | None = None
    """Its quality code."""
    note: str = ""
    """What the reader wrote."""

    @property
    def error(self) -> float | None:
        """Return uploaded minus read, None while one is missing."""
        if self.reading is None or self.uploaded is None:
            return None
        return self.uploaded - self.reading

    @property
    def within(self) -> bool | None:
        """Return whether they agree; a reading nothing was uploaded for does not."""
        if self.reading is None:
            return None
        error = self.error
        return error is not None and abs(error) <= self.tolerance


def _plan(row: Row[Any]) -> PlanRow:
    plain = dict(row._mapping)
    return PlanRow(**(plain | {"kinds": tuple(from_text(plain["kinds"]))}))


class Verifications:
    """Plans, tasks and items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_plan(self, row: PlanRow) -> None:
        """Keep a plan, new or changed."""
        plain = asdict(row) | {"kinds": to_text(list(row.kinds))}
        with self._database.write() as connection:
            self._database.put(connection, verification_plan, plain)

    def plan(self, id: str) -> PlanRow | None:  # noqa: A002 - the name the column has
        """Return a plan, or None."""
        query = select(verification_plan).where(verification_plan.c.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _plan(row)

    def plans(
        self, *, assets: Collection[str] | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[PlanRow]]:
        """Return how many plans there are, and a page of them by name."""
        c = verification_plan.c
        query = select(verification_plan).order_by(c.name, c.id)
        if assets is not None:
            query = query.where(self._database.among(c.asset, assets))
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_plan(row) for row in rows]

    def due_plans(self, at: float) -> Sequence[PlanRow]:
        """Return active plans whose next task is due at a plant time."""
        c = verification_plan.c
        query = select(verification_plan).where(c.active, c.next_at <= at).order_by(c.next_at)
        with self._database.read() as connection:
            return [_plan(row) for row in connection.execute(query)]

    def add_task(self, row: TaskRow, items: Iterable[ItemRow], next_at: float | None) -> bool:
        """Keep a task with its points; return False when its plan made this one already.

        Args:
            row: The task.
            items: Its points.
            next_at: When its plan makes the next one; None: it has no plan.
        """
        with self._database.write() as connection:
            if not self._database.insert_new(connection, verification_task, asdict(row)):
                return False
            rows = [asdict(item) for item in items]
            if rows:
                connection.execute(verification_item.insert(), rows)
            if next_at is not None:
                mine = update(verification_plan).where(verification_plan.c.id == row.plan)
                connection.execute(mine.values(next_at=next_at))
        return True

    def task(self, id: str) -> tuple[TaskRow, Sequence[ItemRow]] | None:  # noqa: A002
        """Return a task with its points, or None."""
        items = select(verification_item).where(verification_item.c.task == id)
        with self._database.read() as connection:
            query = select(verification_task).where(verification_task.c.id == id)
            row = connection.execute(query).first()
            if row is None:
                return None
            found = connection.execute(items.order_by(verification_item.c.point)).all()
        return TaskRow(**row._mapping), [ItemRow(**each._mapping) for each in found]

    def tasks(
        self,
        *,
        assets: Collection[str] | None = None,
        state: str = "",
        at: float,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[TaskRow]]:
        """Return how many tasks fit, and a page of them, newest first."""
        c = verification_task.c
        query = select(verification_task).order_by(c.made_at.desc(), c.id)
        if assets is not None:
            query = query.where(self._database.among(c.asset, assets))
        if state == OVERDUE:
            query = query.where(c.state == OPEN, c.due_at < at)
        elif state:
            query = query.where(c.state == state)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [TaskRow(**row._mapping) for row in rows]

    def items(self, tasks: Collection[str]) -> dict[str, list[ItemRow]]:
        """Return the points of tasks."""
        found: dict[str, list[ItemRow]] = {task: [] for task in tasks}
        among = self._database.among(verification_item.c.task, tasks)
        with self._database.read() as connection:
            for row in connection.execute(select(verification_item).where(among)):
                found[row.task].append(ItemRow(**row._mapping))
        return found

    def read(self, rows: Iterable[ItemRow]) -> bool:
        """Keep readings of points of an open task, all or none; return whether it was open."""
        c = verification_item.c
        wanted = list(rows)
        tasks = select(verification_task.c.state).where(
            self._database.among(verification_task.c.id, {row.task for row in wanted})
        )
        with self._database.write() as connection:
            if set(connection.execute(tasks).scalars()) != {OPEN}:
                return False
            for row in wanted:
                mine = update(verification_item).where(c.task == row.task, c.point == row.point)
                plain = asdict(row)
                del plain["task"], plain["point"]
                connection.execute(mine.values(**plain))
        return True

    def end(self, id: str, *, state: str, at: float, note: str) -> bool:  # noqa: A002
        """End an open task; return whether it was open."""
        c = verification_task.c
        change = update(verification_task).where(c.id == id, c.state == OPEN)
        with self._database.write() as connection:
            done = connection.execute(change.values(state=state, ended_at=at, note=note))
            return done.rowcount == 1

    def readings(self, since: float, *, assets: Collection[str] | None = None) -> Sequence[ItemRow]:
        """Return every point read since a plant time, at most 100,000, newest first."""
        c, t = verification_item.c, verification_task.c
        query = select(verification_item).join(verification_task, t.id == c.task)
        query = query.where(c.read_at >= since).order_by(c.read_at.desc())
        if assets is not None:
            query = query.where(self._database.among(t.asset, assets))
        with self._database.read() as connection:
            return [ItemRow(**r._mapping) for r in connection.execute(query.limit(100_000))]

    def counts(
        self, since: float, at: float, *, assets: Collection[str] | None = None
    ) -> tuple[int, int, int]:
        """Return tasks made since a plant time, those of them done, and all that are overdue."""
        c = verification_task.c

        def number(*conditions: Any) -> int:
            query = select(func.count()).select_from(verification_task).where(*conditions)
            if assets is not None:
                query = query.where(self._database.among(c.asset, assets))
            return int(connection.execute(query).scalar_one())

        with self._database.read() as connection:
            made = number(c.made_at >= since)
            done = number(c.made_at >= since, c.state == DONE)
            return made, done, number(c.state == OPEN, c.due_at < at)
