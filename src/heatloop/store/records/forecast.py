"""Forecasts as they were issued, what was planned for each dispatch period, and weekly skill."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select

from heatloop.store.records.database import Database
from heatloop.store.records.forecast_schema import (
    forecast_issue,
    forecast_series,
    forecast_skill,
    period_plan,
)
from heatloop.store.records.values import page

_NONE = np.int16(-32768)
_MOST = 32767
# SQLite takes no more than 32,766 values in one statement.
_CODES_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueRow:
    """One run of the forecaster."""

    number: int
    """Number."""
    known_at: float
    """Plant time it became known; a back-test may not use it earlier."""
    start_s: float
    """First step."""
    reason: str
    """`schedule`, `weather`, `request`, `start` or `hindcast`."""
    weather: str
    """What weather it was made with: `forecast`, `persistence` or `observed`."""
    subjects: int
    """Subjects forecast."""
    failed: int
    """Subjects that could not be."""
    took_s: float
    """Machine time it took."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeriesRow:
    """The forecast or plan of one subject."""

    subject: str
    """Asset code."""
    quantity: str
    """`heat_kw`, `room_c` or `supply_c`."""
    start_s: float
    """First step, plant time."""
    step_s: int
    """Length of a step."""
    bands: NDArray[np.float64]
    """Low, middle, high, shape (3, n_step); nan where nothing is known."""
    known_at: float = 0.0
    """Plant time it became known."""
    source: str = ""
    """What made it: model of a forecast, strategy of a plan."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What explains it: balance temperature, W/K, weights, skill."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SkillRow:
    """How right the forecasts of a subject were in a week, day-ahead and hour by hour."""

    week_s: float
    """Start of the week, plant time."""
    subject: str
    """Asset code."""
    quantity: str
    """`heat_kw` or `room_c`."""
    hours: int
    """Hours compared."""
    mean: float | None
    """Mean of what came, kW or degC."""
    mae: float | None
    """Mean absolute error."""
    rmse: float | None
    """Root mean square error."""
    mape_pct: float | None
    """Mean absolute error over the value, hours above a tenth of the mean, %."""
    coverage_pct: float | None
    """Hours inside the 10-90 % band, %."""
    naive_mae: float | None
    """Mean absolute error of yesterday's values."""
    naive_mape_pct: float | None
    """The same over the value, %."""


def pack(bands: NDArray[np.float64]) -> tuple[float, bytes]:
    """Return (scale, bytes) of bands of shape (3, n_step): i2 times the scale, 1/32767 of the peak.

    Records are read back by period: 15-minute bands of three days take 1.7 kB a subject so.
    """
    finite = np.isfinite(bands)
    peak = float(np.abs(bands[finite]).max()) if finite.any() else 0.0
    scale = peak / _MOST if peak > 0.0 else 1.0
    coded = np.full(bands.shape, _NONE, "<i2")
    coded[finite] = np.round(bands[finite] / scale)
    return scale, coded.tobytes()


def unpack(scale: float, body: bytes) -> NDArray[np.float64]:
    """Return bands of shape (3, n_step)."""
    coded = np.frombuffer(body, "<i2").reshape(3, -1)
    return np.where(coded == _NONE, np.nan, coded * scale)


class ForecastRecords:
    """Issues are only ever added; old ones are thinned and then removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        series: Sequence[SeriesRow],
        *,
        known_at: float,
        start_s: float,
        reason: str,
        weather: str,
        failed: int = 0,
        took_s: float = 0.0,
    ) -> int:
        """Keep an issue and return its number.

        Args:
            series: The forecasts.
            known_at: Plant time it became known.
            start_s: First step.
            reason: Why it was made.
            weather: What weather it was made with.
            failed: Subjects that could not be forecast.
            took_s: Machine time it took.
        """
        head = {
            "known_at": known_at,
            "start_s": start_s,
            "reason": reason,
            "weather": weather,
            "subjects": len({each.subject for each in series}),
            "failed": failed,
            "took_s": took_s,
        }
        with self._database.write() as connection:
            made = connection.execute(
                forecast_issue.insert().values(head).returning(forecast_issue.c.number)
            )
            number = int(made.scalar_one())
            rows = []
            for each in series:
                scale, body = pack(each.bands)
                facts = json.dumps({"model": each.source, **each.facts}, ensure_ascii=False)
                rows.append(
                    {
                        "issue": number,
                        "subject": each.subject,
                        "step_s": each.step_s,
                        "quantity": each.quantity,
                        "scale": scale,
                        "bands": body,
                        "facts": facts,
                    }
                )
            if rows:
                connection.execute(forecast_series.insert(), rows)
        return number

    def issues(
        self,
        *,
        known_at: float,
        since_s: float = 0.0,
        reasons: Collection[str] = (),
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, list[IssueRow]]:
        """Return how many issues were known at a time and start later than `since_s`, and a page.

        Args:
            known_at: Plant time; nothing that became known later is given.
            since_s: Least start.
            reasons: Only these; empty for all.
            offset: Rows to leave out.
            limit: Rows to give, newest first.
        """
        c = forecast_issue.c
        query = select(forecast_issue).where(c.known_at <= known_at, c.start_s >= since_s)
        if reasons:
            query = query.where(c.reason.in_(list(reasons)))
        query = query.order_by(c.known_at.desc(), c.number.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [IssueRow(**row._mapping) for row in rows]

    def issue_for(self, start_s: float, end_s: float, *, known_at: float) -> IssueRow | None:
        """Return the first issue that starts in [start, end) and was known at a time.

        It is the one a dispatch period that begins at `start_s` was planned with.
        """
        c = forecast_issue.c
        query = (
            select(forecast_issue)
            .where(c.start_s >= start_s, c.start_s < end_s, c.known_at <= known_at)
            .order_by(c.start_s, c.known_at, c.number)
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else IssueRow(**row._mapping)

    def series(
        self, issue: IssueRow, subjects: Collection[str] | None = None, step_s: int = 0
    ) -> list[SeriesRow]:
        """Return the forecasts of an issue, by subject.

        Args:
            issue: The issue.
            subjects: Only of these; None for all.
            step_s: Only of this step; 0 for all.
        """
        c = forecast_series.c
        query = select(forecast_series).where(c.issue == issue.number)
        if step_s:
            query = query.where(c.step_s == step_s)
        if subjects is not None and len(subjects) <= _CODES_AT_ONCE:
            query = query.where(c.subject.in_(list(subjects)))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.subject, c.step_s)).all()
        found = []
        for row in rows:
            if subjects is not None and row.subject not in subjects:
                continue
            facts = json.loads(row.facts)
            found.append(
                SeriesRow(
                    subject=row.subject,
                    quantity=row.quantity,
                    start_s=issue.start_s,
                    step_s=row.step_s,
                    bands=unpack(row.scale, row.bands),
                    known_at=issue.known_at,
                    source=str(facts.pop("model", "")),
                    facts=facts,
                )
            )
        return found

    def put_plan(self, plans: Iterable[SeriesRow]) -> int:
        """Keep what is planned for a dispatch period in place of what was; return how many."""
        count = 0
        with self._database.write() as connection:
            for each in plans:
                scale, body = pack(each.bands)
                row = {
                    "start_s": each.start_s,
                    "subject": each.subject,
                    "quantity": each.quantity,
                    "step_s": each.step_s,
                    "scale": scale,
                    "bands": body,
                    "source": each.source,
                    "known_at": each.known_at,
                }
                self._database.put(connection, period_plan, row)
                count += 1
        return count

    def plan(self, start_s: float, subjects: Collection[str] | None = None) -> list[SeriesRow]:
        """Return what was planned for the dispatch period that begins at a time, by subject."""
        c = period_plan.c
        query = select(period_plan).where(c.start_s == start_s)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.subject, c.quantity)).all()
        return [
            SeriesRow(
                subject=row.subject,
                quantity=row.quantity,
                start_s=row.start_s,
                step_s=row.step_s,
                bands=unpack(row.scale, row.bands),
                known_at=row.known_at,
                source=row.source,
            )
            for row in rows
            if subjects is None or row.subject in subjects
        ]

    def periods(self, *, offset: int = 0, limit: int = 100) -> tuple[int, list[tuple[float, int]]]:
        """Return how many dispatch periods were planned, and (start, subjects) newest first."""
        c = period_plan.c
        query = (
            select(c.start_s, func.count(c.subject.distinct()))
            .group_by(c.start_s)
            .order_by(c.start_s.desc())
        )
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [(float(start), int(count)) for start, count in map(tuple, rows)]

    def put_skill(self, rows: Iterable[SkillRow]) -> None:
        """Keep the skill of a week; told again replaces it."""
        with self._database.write() as connection:
            for row in rows:
                values = {name: getattr(row, name) for name in SkillRow.__slots__}
                self._database.put(connection, forecast_skill, values)

    def skill(self, week_s: float) -> list[SkillRow]:
        """Return the skill of the week that begins at a time, by subject."""
        c = forecast_skill.c
        query = select(forecast_skill).where(c.week_s == week_s).order_by(c.subject)
        with self._database.read() as connection:
            return [SkillRow(**row._mapping) for row in connection.execute(query)]

    def weeks(self, limit: int = 60) -> list[float]:
        """Return the starts of the weeks whose skill is kept, newest first."""
        c = forecast_skill.c
        query = select(c.week_s).distinct().order_by(c.week_s.desc()).limit(limit)
        with self._database.read() as connection:
            return [float(row.week_s) for row in connection.execute(query)]

    def thin(self, before: float, keep_starts: Collection[float]) -> int:
        """Remove issues known before a time but those that start at one of these; return how many.

        Args:
            before: Plant time.
            keep_starts: Starts of dispatch periods, whose first forecast stays.
        """
        c = forecast_issue.c
        with self._database.read() as connection:
            rows = connection.execute(select(c.number, c.start_s).where(c.known_at < before)).all()
        kept = frozenset(keep_starts)
        gone = [row.number for row in rows if row.start_s not in kept]
        return self._remove(gone)

    def forget(self, before: float) -> int:
        """Remove issues, plans and skill of before a time; return how many issues and plans."""
        c = forecast_issue.c
        with self._database.read() as connection:
            rows = connection.execute(select(c.number).where(c.known_at < before)).all()
        count = self._remove([row.number for row in rows])
        with self._database.write() as connection:
            connection.execute(delete(forecast_skill).where(forecast_skill.c.week_s < before))
            plans = delete(period_plan).where(period_plan.c.start_s < before)
            return count + int(connection.execute(plans).rowcount)

    def _remove(self, numbers: list[int]) -> int:
        for at in range(0, len(numbers), _CODES_AT_ONCE):
            some = numbers[at : at + _CODES_AT_ONCE]
            with self._database.write() as connection:
                series = delete(forecast_series).where(forecast_series.c.issue.in_(some))
                connection.execute(series)
                connection.execute(delete(forecast_issue).where(forecast_issue.c.number.in_(some)))
        return len(numbers)
