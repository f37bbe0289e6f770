"""Abnormal data: cases found by the checks, handled by people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, case, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.quality_schema import quality_case
from heatloop.store.records.values import page

OPEN, HANDLED = "open", "handled"
NEAR_S = 3600.0
"""A finding of the same rule at the same point within this time of an open case widens it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRow:
    """One case of abnormal data."""

    id: str
    """Id, from point, rule and start."""
    asset: str
    """Asset code."""
    point: str
    """Point code; empty when all of the asset is concerned."""
    rule: str
    """Rule that spoke."""
    severity: int
    """1 info, 2 low, 3 medium, 4 high."""
    start_s: float
    """Plant time of the first sample concerned."""
    end_s: float
    """Plant time of the last."""
    samples: int
    """Samples concerned."""
    value: float | None
    """A value that shows it."""
    expected: float | None
    """What was expected there."""
    text_zh: str
    """What it means, in Chinese."""
    text_en: str
    """What it means, in English."""
    found_at: float
    """Plant time it was found."""
    state: str = OPEN
    """`open` or `handled`."""
    cause: str = ""
    """Cause code, once handled."""
    correction: str = ""
    """What was done, once handled."""
    method: str = ""
    """How estimates were made, if any."""
    corrected: int = 0
    """Samples that were corrected."""
    note: str = ""
    """What the reviewer wrote."""
    reviewer: str = ""
    """Who handled it."""
    handled_at: float | None = None
    """Plant time of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFigures:
    """How many cases there are."""

    open_by_rule: dict[str, int]
    """Open cases by rule."""
    open_by_severity: dict[int, int]
    """Open cases by severity."""
    handled: int
    """Cases handled in the period asked for."""
    handling_s: Sequence[float]
    """Plant time each of them took, newest first, at most 10,000."""


def _read(row: Row[tuple[object, ...]]) -> CaseRow:
    return CaseRow(**row._mapping)


class QualityCases:
    """Cases by id; a handled case is never changed again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[CaseRow]) -> int:
        """Keep findings; one that touches an open case of its point and rule widens that.

        Returns:
            How many new cases there are.
        """
        c = quality_case.c
        new = 0
        with self._database.write() as connection:
            for row in rows:
                same = select(quality_case).where(
                    c.point == row.point,
                    c.asset == row.asset,
                    c.rule == row.rule,
                    c.end_s >= row.start_s - NEAR_S,
                    c.start_s <= row.end_s + NEAR_S,
                )
                # An open one is widened; inside a handled one nothing new was found.
                found = connection.execute(
                    same.order_by(case((c.state == OPEN, 0), else_=1), c.start_s)
                ).first()
                if found is None:
                    new += self._database.insert_new(connection, quality_case, asdict(row))
                    continue
                known = _read(found)
                if known.state != OPEN:
                    if row.end_s > known.end_s + NEAR_S:
                        new += self._database.insert_new(connection, quality_case, asdict(row))
                    continue
                wider = {
                    "start_s": min(known.start_s, row.start_s),
                    "end_s": max(known.end_s, row.end_s),
                    "samples": known.samples + row.samples
                    if row.start_s > known.end_s
                    else max(known.samples, row.samples),
                    "severity": max(known.severity, row.severity),
                    "value": row.value,
                    "expected": row.expected,
                    "text_zh": row.text_zh,
                    "text_en": row.text_en,
                }
                change = update(quality_case).where(c.id == known.id, c.state == OPEN)
                connection.execute(change.values(**wider))
        return new

    def get(self, id: str) -> CaseRow | None:  # noqa: A002 - the name the column has
        """Return one case, or None."""
        query = select(quality_case).where(quality_case.c.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def list(
        self,
        *,
        assets: Collection[str] | None = None,
        state: str = "",
        rule: str = "",
        point: str = "",
        least_severity: int = 1,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[CaseRow]]:
        """Return how many cases fit, and a page of them, the weightiest and newest first."""
        c = quality_case.c
        query = select(quality_case).where(c.severity >= least_severity)
        if assets is not None:
            query = query.where(self._database.among(c.asset, assets))
        for column, wanted in ((c.state, state), (c.rule, rule), (c.point, point)):
            if wanted:
                query = query.where(column == wanted)
        query = query.order_by(c.severity.desc(), c.start_s.desc(), c.id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_read(row) for row in rows]

    def handle(
        self,
        id: str,  # noqa: A002 - the name the column has
        *,
        cause: str,
        correction: str,
        method: str,
        corrected: int,
        note: str,
        reviewer: str,
        at: float,
    ) -> bool:
        """Close an open case; return whether it was open."""
        c = quality_case.c
        change = update(quality_case).where(c.id == id, c.state == OPEN)
        values = {
            "state": HANDLED, "cause": cause, "correction": correction, "method": method,
            "corrected": corrected, "note": note, "reviewer": reviewer, "handled_at": at,
        }  # fmt: skip
        with self._database.write() as connection:
            return connection.execute(change.values(**values)).rowcount == 1

    def figures(self, *, assets: Collection[str] | None = None, since: float) -> CaseFigures:
        """Return counts of open cases, and how long those handled since a plant time took."""
        c = quality_case.c

        def within(query: Any) -> Any:
            return query if assets is None else query.where(self._database.among(c.asset, assets))

        number = func.count()
        by_rule = within(select(c.rule, number).where(c.state == OPEN)).group_by(c.rule)
        by_weight = within(select(c.severity, number).where(c.state == OPEN)).group_by(c.severity)
        done = within(
            select(c.found_at, c.handled_at).where(c.state == HANDLED, c.handled_at >= since)
        ).order_by(c.handled_at.desc())
        with self._database.read() as connection:
            rules = {str(rule): int(count) for rule, count in connection.execute(by_rule)}
            weights = {int(weight): int(count) for weight, count in connection.execute(by_weight)}
            times = connection.execute(done.limit(10_000)).all()
            total = connection.execute(
                select(func.count()).select_from(done.order_by(None).subquery())
            ).scalar_one()
        took = [max(float(end) - float(start), 0.0) for start, end in times]
        return CaseFigures(
            open_by_rule=rules, open_by_severity=weights, handled=int(total), handling_s=took
        )
