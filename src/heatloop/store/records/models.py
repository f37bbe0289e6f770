"""Learnt models by unit: every version kept, with its card, its events and its daily errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.models_schema import (
    model_day,
    model_event,
    model_standing,
    model_version,
)
from heatloop.store.records.values import from_text, page, to_text


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRow:
    """A version."""

    unit: str
    """Unit."""
    kind: str
    """Kind of model."""
    version: int
    """Number within unit and kind, from 1."""
    stage: str
    """What it is now."""
    learned: bool
    """False: from the design."""
    at: float
    """Plant time it was made."""
    begin_s: float
    """First moment it learned from."""
    until_s: float
    """End of what it learned from."""
    parent: int
    """Version it was learned from; 0: none."""
    digest: str
    """Hash of the history it learned from."""
    model: dict[str, Any]
    """Its figures."""
    card: dict[str, Any]
    """What else is known of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """Something that happened to a version."""

    at: float
    """Plant time."""
    unit: str
    """Unit."""
    kind: str
    """Kind of model."""
    version: int
    """Version."""
    action: str
    """What."""
    reason: str
    """Why."""
    by: str
    """Who; `learning` for the platform itself."""
    detail: dict[str, Any]
    """Figures of the decision."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingRow:
    """Who takes part for a unit."""

    unit: str
    """Unit."""
    kind: str
    """Kind of model."""
    at: float
    """Plant time of the last night."""
    mae_k: float | None
    """Mean error of the champion over the last days."""
    drift: float
    """Drift score."""
    state: str
    """How the last night went."""
    body: dict[str, Any]
    """The rest."""


class ModelRecords:
    """Versions are never changed but in their stage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self,
        standing: StandingRow,
        *,
        version: VersionRow | None = None,
        stages: Mapping[int, str] | None = None,
        events: Iterable[EventRow] = (),
        days: Iterable[tuple[int, int, float, float]] = (),
    ) -> None:
        """Keep a night of a unit, all of it or nothing.

        Args:
            standing: Who takes part now.
            version: A version that was made.
            stages: New stage by version.
            events: What happened.
            days: (version, day, mae, bias) rows; those there already are replaced.
        """
        unit, kind = standing.unit, standing.kind
        with self._database.write() as connection:
            if version is not None:
                row = {name: getattr(version, name) for name in VersionRow.__slots__}
                row |= {"model": to_text(version.model), "card": to_text(version.card)}
                connection.execute(model_version.insert(), row)
            c = model_version.c
            for number, stage in (stages or {}).items():
                connection.execute(
                    update(model_version)
                    .where(c.unit == unit, c.kind == kind, c.version == number)
                    .values(stage=stage)
                )
            rows = [
                {name: getattr(each, name) for name in EventRow.__slots__}
                | {"detail": to_text(each.detail)}
                for each in events
            ]
            if rows:
                connection.execute(model_event.insert(), rows)
            self._put_days(connection, unit, kind, list(days))
            s = model_standing.c
            connection.execute(delete(model_standing).where(s.unit == unit, s.kind == kind))
            row = {name: getattr(standing, name) for name in StandingRow.__slots__}
            connection.execute(model_standing.insert(), row | {"body": to_text(standing.body)})

    def _put_days(
        self, connection: Any, unit: str, kind: str, days: list[tuple[int, int, float, float]]
    ) -> None:
        c = model_day.c
        for version in {each[0] for each in days}:
            own = [each[1] for each in days if each[0] == version]
            connection.execute(
                delete(model_day).where(
                    c.unit == unit,
                    c.kind == kind,
                    c.version == version,
                    c.day >= min(own),
                    c.day <= max(own),
                )
            )
        if days:
            connection.execute(
                model_day.insert(),
                [
                    {
                        "unit": unit,
                        "kind": kind,
                        "version": version,
                        "day": day,
                        "mae_k": mae,
                        "bias_k": bias,
                    }
                    for version, day, mae, bias in days
                ],
            )

    def standings(self, kind: str) -> Sequence[StandingRow]:
        """Return who takes part, for every unit, by unit."""
        query = select(model_standing).where(model_standing.c.kind == kind)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(model_standing.c.unit)).all()
        return [StandingRow(**{**row._mapping, "body": from_text(row.body)}) for row in rows]

    def versions(
        self, unit: str, kind: str, *, offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[VersionRow]]:
        """Return how many versions a unit has, and a page of them, newest first."""
        c = model_version.c
        query = select(model_version).where(c.unit == unit, c.kind == kind)
        with self._database.read() as connection:
            total, rows = page(
                connection, query.order_by(c.version.desc()), offset=offset, limit=limit
            )
        return total, [_version(row) for row in rows]

    def version(self, unit: str, kind: str, number: int) -> VersionRow | None:
        """Return a version, None if there is none."""
        c = model_version.c
        query = select(model_version).where(c.unit == unit, c.kind == kind, c.version == number)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _version(row)

    def events(
        self, *, unit: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[EventRow]]:
        """Return how many events there are, of a unit or of all, and a page, newest first."""
        c = model_event.c
        query = select(model_event)
        if unit:
            query = query.where(c.unit == unit)
        with self._database.read() as connection:
            total, rows = page(
                connection,
                query.order_by(c.at.desc(), c.number.desc()),
                offset=offset,
                limit=limit,
            )
        found = []
        for row in rows:
            plain = {**row._mapping, "detail": from_text(row.detail)}
            plain.pop("number")
            found.append(EventRow(**plain))
        return total, found

    def days(self, unit: str, kind: str, since: int) -> Sequence[tuple[int, int, float, float]]:
        """Return (version, day, mae, bias) of a unit from a day on, by day."""
        c = model_day.c
        query = (
            select(c.version, c.day, c.mae_k, c.bias_k)
            .where(c.unit == unit, c.kind == kind, c.day >= since)
            .order_by(c.day, c.version)
        )
        with self._database.read() as connection:
            return [(r.version, r.day, r.mae_k, r.bias_k) for r in connection.execute(query)]


def _version(row: Row[Any]) -> VersionRow:
    plain = {**row._mapping, "model": from_text(row.model), "card": from_text(row.card)}
    plain.pop("number")
    return VersionRow(**plain)
