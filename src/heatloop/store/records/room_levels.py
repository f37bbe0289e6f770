"""Room levels by unit and version as they were learnt, and the targets people set for units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select

from heatloop.store.records.database import Database
from heatloop.store.records.room_levels_schema import room_level as table
from heatloop.store.records.room_levels_schema import room_target
from heatloop.store.records.values import from_text, page, to_text

_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelPoint:
    """A level in one stretch of weather."""

    outdoor_c: float
    """Mean outdoor temperature of the stretch."""
    before_c: float
    """What the unit's rooms were kept at on the curve, as its own collectors show it."""
    shift_k: float
    """Wanted over that."""
    cold_before_pct: float | None
    """Room-hours its collectors showed cold; None: they are too few to say."""
    cold_expected_pct: float | None
    """The same as expected at the new level with steady rooms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewLevel:
    """What a night found of a unit."""

    unit: str
    """Unit code."""
    at: float
    """Plant time of the night."""
    state: str
    """`learnt`, `few_collectors` (kept, not shifted), `renewed`, or why there is no level."""
    begin_s: float
    """First moment it was learnt from."""
    until_s: float
    """End of what it was learnt from."""
    days: int
    """Days on the curve that counted."""
    collectors: int
    """Trusted collectors."""
    off_k: float
    """What collectors of its kind are taken to read too low."""
    points: tuple[LevelPoint, ...]
    """By stretch of weather, the colder first; empty: no level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelRow:
    """A night's finding as it is kept."""

    version: int
    """Version of the unit, from 1."""
    level: NewLevel
    """The rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetRow:
    """What a person set for a unit."""

    unit: str
    """Unit code."""
    target_c: float
    """Room temperature wanted."""
    at: float
    """Plant time it was set."""
    user: str
    """Who set it."""
    note: str
    """Why."""


class RoomLevelRecords:
    """Levels are only added; a target is replaced or removed, which the audit trail remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, levels: Sequence[NewLevel]) -> list[LevelRow]:
        """Keep new versions, at most one of a unit, and return them in their order."""
        made: list[LevelRow] = []
        with self._database.write() as connection:
            newest: dict[str, int] = {}
            for part in _parts([each.unit for each in levels]):
                query = select(table.c.unit, func.max(table.c.version))
                query = query.where(table.c.unit.in_(part)).group_by(table.c.unit)
                newest |= {row[0]: int(row[1]) for row in connection.execute(query)}
            made = [LevelRow(version=newest.get(each.unit, 0) + 1, level=each) for each in levels]
            rows = [
                {name: getattr(row.level, name) for name in NewLevel.__slots__}
                | {
                    "version": row.version,
                    "points": to_text([asdict(point) for point in row.level.points]),
                }
                for row in made
            ]
            if rows:
                connection.execute(table.insert(), rows)
        return made

    def newest(self) -> Sequence[LevelRow]:
        """Return the newest version of every unit, by unit."""
        last = select(table.c.unit, func.max(table.c.version).label("version"))
        last_of = last.group_by(table.c.unit).subquery()
        query = select(table).join(
            last_of, (table.c.unit == last_of.c.unit) & (table.c.version == last_of.c.version)
        )
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query.order_by(table.c.unit))]

    def list(self, unit: str, *, offset: int, limit: int) -> tuple[int, Sequence[LevelRow]]:
        """Return how many versions a unit has, and a page of them, newest first."""
        query = select(table).where(table.c.unit == unit).order_by(table.c.version.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def forget(self, before: float) -> int:
        """Remove versions made before a time but the newest of each unit; return how many."""
        last = select(func.max(table.c.number)).group_by(table.c.unit)
        query = delete(table).where(table.c.at < before, table.c.number.not_in(last))
        with self._database.write() as connection:
            return int(connection.execute(query).rowcount)

    def targets(self) -> Sequence[TargetRow]:
        """Return what is set for single units, by unit."""
        with self._database.read() as connection:
            rows = connection.execute(select(room_target).order_by(room_target.c.unit))
            return [TargetRow(**row._mapping) for row in rows]

    def set_target(self, row: TargetRow) -> None:
        """Set a unit's own target in place of what was set before."""
        with self._database.write() as connection:
            connection.execute(delete(room_target).where(room_target.c.unit == row.unit))
            connection.execute(room_target.insert(), asdict(row))

    def clear_target(self, unit: str) -> bool:
        """Remove a unit's own target; False where there is none."""
        with self._database.write() as connection:
            query = delete(room_target).where(room_target.c.unit == unit)
            return bool(connection.execute(query).rowcount)


def _parts(units: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(units), _AT_ONCE):
        yield units[at : at + _AT_ONCE]


def _read(row: Row[Any]) -> LevelRow:
    plain = dict(row._mapping)
    del plain["number"]
    version = plain.pop("version")
    points = tuple(LevelPoint(**each) for each in from_text(plain.pop("points")))
    return LevelRow(version=version, level=NewLevel(**plain, points=points))
