"""Control strategies by unit and version: what was meant, why, until when, and who agreed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.strategy_schema import strategy_version as table
from heatloop.store.records.values import from_text, page, to_text

OBSERVED, PROPOSED, APPROVED, REJECTED = "observed", "proposed", "approved", "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStrategy:
    """A strategy to keep."""

    unit: str
    """Unit code."""
    made_at: float
    """Plant time it was made."""
    start_s: float
    """Start of its first step."""
    step_s: int
    """Length of a step of `values`."""
    valid_until: float
    """Plant time after which it is not followed."""
    regulation: str
    """`quality` or `quantity`."""
    model: str
    """Model it was made with: `champion ...` or `design`."""
    reason: str
    """Why, in a word the screens translate."""
    relaxed: tuple[str, ...]
    """What could not be kept, in such words."""
    fallback: bool
    """Whether it is the weather curve."""
    state: str
    """`observed`, `proposed`, `approved` or `rejected`."""
    decided_by: str
    """Who decided that; empty: nobody yet."""
    target_c: float
    """Room temperature wanted."""
    values: dict[str, list[float]]
    """By quantity: supply_c, flow_m3h, pump_hz, room_c, heat_kw by step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyRow:
    """A strategy as it is kept."""

    number: int
    """Number over all units."""
    version: int
    """Version of the unit, from 1."""
    decided_at: float | None
    """Plant time of the decision."""
    note: str
    """What the one who decided said."""
    strategy: NewStrategy
    """The rest."""


class Strategies:
    """Strategies by unit; one is never changed but for the decision on it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, strategies: Sequence[NewStrategy]) -> list[tuple[int, int]]:
        """Keep new versions and return (number, version) of each, in their order."""
        made: list[tuple[int, int]] = []
        with self._database.write() as connection:
            units = sorted({each.unit for each in strategies})
            newest: dict[str, int] = {}
            for at in range(0, len(units), 500):
                query = (
                    select(table.c.unit, func.max(table.c.version))
                    .where(table.c.unit.in_(units[at : at + 500]))
                    .group_by(table.c.unit)
                )
                newest |= {row[0]: int(row[1]) for row in connection.execute(query)}
            for each in strategies:
                version = newest[each.unit] = newest.get(each.unit, 0) + 1
                values = {
                    name: getattr(each, name)
                    for name in each.__slots__
                    if name not in ("values", "relaxed")
                }
                decided = each.made_at if each.decided_by else None
                row = table.insert().values(
                    **values,
                    version=version,
                    relaxed=to_text(list(each.relaxed)),
                    body=to_text(each.values),
                    note="",
                    decided_at=decided,
                )
                done = connection.execute(row.returning(table.c.number))
                made.append((int(done.scalar_one()), version))
        return made

    def get(self, unit: str, version: int) -> StrategyRow | None:
        """Return one version, or None."""
        query = select(table).where(table.c.unit == unit, table.c.version == version)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def list(self, unit: str, *, offset: int, limit: int) -> tuple[int, Sequence[StrategyRow]]:
        """Return how many versions a unit has, and a page of them, newest first."""
        query = select(table).where(table.c.unit == unit).order_by(table.c.version.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def live(self, now_s: float) -> Sequence[StrategyRow]:
        """Return the newest version of every unit as far as it is still valid."""
        newest = (
            select(table.c.unit, func.max(table.c.version).label("version"))
            .where(table.c.valid_until > now_s)
            .group_by(table.c.unit)
            .subquery()
        )
        query = select(table).join(
            newest, (table.c.unit == newest.c.unit) & (table.c.version == newest.c.version)
        )
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def decide(self, unit: str, version: int, *, state: str, by: str, at: float, note: str) -> bool:
        """Note a decision; False where there is no such version or it was decided before."""
        query = (
            update(table)
            .where(table.c.unit == unit, table.c.version == version, table.c.state != state)
            .values(state=state, decided_by=by, decided_at=at, note=note)
        )
        with self._database.write() as connection:
            return bool(connection.execute(query).rowcount)

    def forget(self, before: float) -> int:
        """Remove versions made before a time and no longer valid; return how many."""
        query = delete(table).where(table.c.made_at < before, table.c.valid_until < before)
        with self._database.write() as connection:
            return int(connection.execute(query).rowcount)


def _read(row: Row[Any]) -> StrategyRow:
    plain = dict(row._mapping)
    own = {name: plain.pop(name) for name in ("number", "version", "decided_at", "note")}
    body, relaxed = from_text(plain.pop("body")), tuple(from_text(plain.pop("relaxed")))
    return StrategyRow(**own, strategy=NewStrategy(**plain, relaxed=relaxed, values=body))
