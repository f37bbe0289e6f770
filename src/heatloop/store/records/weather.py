"""Weather as it was forecast and observed, each with the time it became known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select

from heatloop.store.records.database import Database
from heatloop.store.records.values import page
from heatloop.store.records.weather_schema import (
    weather_forecast,
    weather_issue,
    weather_observation,
)

Values = Mapping[str, float | int | None]
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRow:
    """One forecast that became known."""

    number: int
    """Number."""
    source: str
    """Source."""
    known_at: float
    """Plant time it became known."""
    issued_at: float | None
    """When the source issued it, as it says."""
    first_s: float
    """First hour."""
    last_s: float
    """Last hour."""
    hours: int
    """Hours in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherRow:
    """The weather at one time."""

    at_s: float
    """Time it holds for."""
    values: dict[str, Any]
    """By column: condition, quantities with their unit in the name, quality."""
    source: str = ""
    """Source."""
    known_at: float = 0.0
    """Plant time it became known."""


class WeatherRecords:
    """Forecasts are only ever added; an observation told again replaces the one before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_forecast(
        self,
        *,
        source: str,
        known_at: float,
        issued_at: float | None,
        hours: Sequence[Values],
    ) -> int:
        """Keep a forecast and return its number.

        Args:
            source: Source.
            known_at: Plant time it became known.
            issued_at: When the source issued it.
            hours: Rows with `at_s` and the columns of a forecast, by time; at least one.
        """
        head = {
            "source": source,
            "known_at": known_at,
            "issued_at": issued_at,
            "first_s": hours[0]["at_s"],
            "last_s": hours[-1]["at_s"],
            "hours": len(hours),
        }
        with self._database.write() as connection:
            made = connection.execute(
                weather_issue.insert().values(head).returning(weather_issue.c.number)
            )
            number = int(made.scalar_one())
            connection.execute(
                weather_forecast.insert(), [{"issue": number, **row} for row in hours]
            )
        return number

    def issue_at(self, known_at: float, source: str = "") -> IssueRow | None:
        """Return the newest forecast that was known at a time, of one source or of any."""
        c = weather_issue.c
        query = select(weather_issue).where(c.known_at <= known_at)
        if source:
            query = query.where(c.source == source)
        query = query.order_by(c.known_at.desc(), c.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else IssueRow(**row._mapping)

    def hours_of(self, issue: int, start_s: float, end_s: float) -> Sequence[WeatherRow]:
        """Return the hours of a forecast in [start, end), by time."""
        c = weather_forecast.c
        query = (
            select(weather_forecast)
            .where(c.issue == issue, c.at_s >= start_s, c.at_s < end_s)
            .order_by(c.at_s)
        )
        with self._database.read() as connection:
            return [_row(dict(row._mapping), ("issue",)) for row in connection.execute(query)]

    def forecasts_of(
        self, start_s: float, end_s: float, limit: int
    ) -> Sequence[tuple[str, float, WeatherRow]]:
        """Return (source, known, hour) of every forecast made of the hours in [start, end).

        Args:
            start_s: First hour.
            end_s: End of the hours.
            limit: Rows to give, the newest forecasts first.
        """
        f, i = weather_forecast.c, weather_issue.c
        query = (
            select(i.source.label("by"), i.known_at.label("known"), weather_forecast)
            .join(weather_issue, i.number == f.issue)
            .where(f.at_s >= start_s, f.at_s < end_s, i.known_at <= f.at_s)
            .order_by(i.known_at.desc(), f.at_s)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                (row.by, row.known, _row(dict(row._mapping), ("issue", "by", "known")))
                for row in connection.execute(query)
            ]

    def observe(self, source: str, known_at: float, hours: Iterable[Values]) -> int:
        """Keep observations; return how many."""
        count = 0
        with self._database.write() as connection:
            for row in hours:
                full = {"source": source, "known_at": known_at, **row}
                self._database.put(connection, weather_observation, full)
                count += 1
        return count

    def observations(
        self,
        *,
        start_s: float,
        end_s: float,
        source: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[WeatherRow]]:
        """Return how many observations lie in [start, end), and a page of them, newest first."""
        c = weather_observation.c
        query = select(weather_observation).where(c.at_s >= start_s, c.at_s < end_s)
        if source:
            query = query.where(c.source == source)
        query = query.order_by(c.at_s.desc(), c.source)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_row(dict(row._mapping), ()) for row in rows]

    def last_observation(self, source: str) -> WeatherRow | None:
        """Return the newest observation of a source, None without any."""
        c = weather_observation.c
        query = select(weather_observation).where(c.source == source)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(c.at_s.desc()).limit(1)).one_or_none()
        return None if row is None else _row(dict(row._mapping), ())

    def forget(self, before: float) -> int:
        """Remove forecasts known, and observations of times, before a time; return how many."""
        with self._database.write() as connection:
            old = select(weather_issue.c.number).where(weather_issue.c.known_at < before)
            connection.execute(delete(weather_forecast).where(weather_forecast.c.issue.in_(old)))
            issues = connection.execute(
                delete(weather_issue).where(weather_issue.c.known_at < before)
            ).rowcount
            seen = connection.execute(
                delete(weather_observation).where(weather_observation.c.at_s < before)
            ).rowcount
        return int(issues) + int(seen)

    def counts(self) -> tuple[int, int]:
        """Return how many forecasts and observations are kept."""
        with self._database.read() as connection:
            issues = connection.execute(select(func.count()).select_from(weather_issue))
            seen = connection.execute(select(func.count()).select_from(weather_observation))
            return int(issues.scalar_one()), int(seen.scalar_one())


def _row(mapping: Mapping[str, Any], aside: tuple[str, ...]) -> WeatherRow:
    values = {name: value for name, value in mapping.items() if name not in aside}
    return WeatherRow(
        at_s=float(values.pop("at_s")),
        source=str(values.pop("source", "")),
        known_at=float(values.pop("known_at", 0.0)),
        values=values,
    )
