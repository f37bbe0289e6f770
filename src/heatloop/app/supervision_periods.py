"""Past dispatch periods as people read them: plan, forecast, what came, deviations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date

import numpy as np

from heatloop.alarms.texts import rule_texts
from heatloop.app.dispatch_periods import DispatchPeriods, hourly
from heatloop.app.forecast_history import SUPPLY, Floats, Subject, past_of, subjects_of
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.plan_deviation import RULE
from heatloop.app.refusals import Refused
from heatloop.app.supervision_figures import Period, PeriodSubject, figures_of, hours_of
from heatloop.app.views.supervision import (
    DeviationEvent,
    DispatchPeriodHours,
    DispatchPeriodPage,
    DispatchPeriodRow,
    DispatchPeriodView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.historian.port import HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.forecast import IssueRow, SeriesRow

_MOST_EVENTS = 200
_EVENTS_READ = 20_000
_BEGIN_S = HOUR_S
"""An issue that starts so soon after midnight is the one the period began with."""


class PastPeriods:
    """Reads dispatch periods; what it reads is kept by others.

    Args:
        world: The present.
        records: Plans, forecasts, alarms.
        historian: What came.
        periods: The days of the company.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        periods: DispatchPeriods,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._periods = periods

    async def page(self, *, page: int, size: int) -> DispatchPeriodPage:
        """Return a page of dispatch periods, newest first."""
        store, periods = self._records.forecasts, self._periods
        _, planned = await in_thread(store.periods, limit=4000)
        _, issues = await in_thread(store.issues, known_at=self._world.now_s(), limit=20_000)
        found: dict[date, DispatchPeriodRow] = {}
        counts = {periods.day(start): count for start, count in planned}
        began: dict[date, str] = {}
        for issue in sorted(issues, key=lambda row: -row.known_at):
            day = periods.day(issue.start_s)
            if issue.start_s - periods.range(day)[0] < _BEGIN_S:
                began[day] = issue.reason  # The earliest known comes last and stays.
        today = periods.day(self._world.now_s())
        # Tomorrow is planned as well, and not a period to look back at.
        for day in {each for each in (*counts, *began) if each <= today}:
            row = DispatchPeriodRow(
                day=day, planned=counts.get(day, 0), forecast=began.get(day, "")
            )
            found[day] = row
        ordered = [found[day] for day in sorted(found, reverse=True)]
        return DispatchPeriodPage(
            total=len(ordered), items=ordered[(page - 1) * size : page * size]
        )

    async def read(self, scope: Scope, day: date, only: str = "") -> Period:
        """Return plan, forecast and what came of a period, inside a scope.

        Args:
            scope: What the reader may see.
            day: Local day.
            only: Only of this subject; empty for all.

        Raises:
            Refused: Nothing was planned or forecast for that day.
        """
        store, (start, end) = self._records.forecasts, self._periods.range(day)
        issue = await in_thread(store.issue_for, start, start + _BEGIN_S, known_at=np.inf)
        wanted = None if not only else frozenset((only,))
        plans = await in_thread(store.plan, start, wanted)
        told: list[SeriesRow] = []
        if issue is not None:
            told = await in_thread(store.series, issue, wanted, HOUR_S)
        if not plans and not told:
            raise Refused("not_found", thing=day.isoformat())
        subjects = {(each.code, each.quantity): each for each in self._measured(scope)}
        planned = {(row.subject, row.quantity): row for row in plans}
        forecast = {(row.subject, row.quantity): row for row in told}
        keys = [key for key in subjects if key in planned or key in forecast]
        mine = [subjects[key] for key in keys]
        past = await past_of(self._historian, mine, start, end)
        return await asyncio.to_thread(
            self._joined, day, (start, end), issue, mine, past.values, planned, forecast
        )

    def _measured(self, scope: Scope) -> Iterable[Subject]:
        """Yield what can be supervised inside a scope: heat, and supply temperatures of units."""
        world = self._world
        for each in subjects_of(world, rooms=False):
            if world.sees(scope, each.code):
                yield each
        for code, (unit, _) in world.layout.units.items():
            key = unit.keys.get("secondary_supply_temperature")
            if key is not None and world.sees(scope, code):
                yield Subject(code=code, kind="unit", quantity=SUPPLY, keys=(key,))

    def _joined(
        self,
        day: date,
        span: tuple[int, int],
        issue: IssueRow | None,
        subjects: list[Subject],
        actual: Floats,
        planned: dict[tuple[str, str], SeriesRow],
        forecast: dict[tuple[str, str], SeriesRow],
    ) -> Period:
        nothing = np.full((3, actual.shape[0]), np.nan)
        found = []
        for at, each in enumerate(subjects):
            plan = planned.get((each.code, each.quantity))
            told = forecast.get((each.code, each.quantity))
            found.append(
                PeriodSubject(
                    code=each.code,
                    quantity=each.quantity,
                    plan=nothing if plan is None else hourly(plan, *span).bands,
                    forecast=nothing if told is None else hourly(told, *span).bands,
                    actual=actual[:, at],
                )
            )
        return Period(day=day, start_s=span[0], end_s=span[1], issue=issue, subjects=found)

    async def period(self, scope: Scope, day: date, *, page: int, size: int) -> DispatchPeriodView:
        """Return a period with a page of its subjects.

        Raises:
            Refused: Nothing was planned or forecast for that day.
        """
        period = await self.read(scope, day)
        shown = period.subjects[(page - 1) * size : page * size]
        total, events = await self.events(scope, period)
        issue, assets = period.issue, self._world.ledger.assets
        return DispatchPeriodView(
            day=day,
            start=utc(period.start_s),
            end=utc(period.end_s),
            complete=period.end_s <= self._world.now_s(),
            forecast="" if issue is None else issue.reason,
            forecast_known=None if issue is None else utc(issue.known_at),
            total=len(period.subjects),
            subjects=[figures_of(assets[each.code], each) for each in shown],
            events_total=total,
            events=events,
        )

    async def hours(self, scope: Scope, day: date, code: str, quantity: str) -> DispatchPeriodHours:
        """Return the hours of one subject in a period.

        Raises:
            Refused: There is no such subject, or nothing was planned or forecast for it.
        """
        asset = self._world.asset(scope, code)
        period = await self.read(scope, day, code)
        for each in period.subjects:
            if each.code == code and each.quantity == quantity:
                return DispatchPeriodHours(
                    code=code, zh=asset.zh, en=asset.en, quantity=quantity,
                    hours=hours_of(period, each),
                )  # fmt: skip
        raise Refused("not_found", thing=code)

    async def events(self, scope: Scope, period: Period) -> tuple[int, list[DeviationEvent]]:
        """Return how many deviations were reported in a period, and the newest of them."""
        subjects = [each.code for each in period.subjects]
        _, rows = await in_thread(
            self._records.alarms.list,
            subjects=subjects,
            start=float(period.start_s),
            end=float(period.end_s),
            limit=_EVENTS_READ,
        )
        mine = [row for row in rows if row.alarm.rule.partition(".")[0] == RULE]
        assets = self._world.ledger.assets
        found = []
        for row in mine[:_MOST_EVENTS]:
            alarm, asset = row.alarm, assets[row.alarm.subject]
            zh, en = rule_texts(alarm.rule)
            found.append(
                DeviationEvent(
                    code=alarm.subject, zh=asset.zh, en=asset.en, rule_zh=zh, rule_en=en,
                    onset=utc(alarm.onset), value=alarm.value, limit=alarm.limit,
                    state=str(alarm.state),
                )
            )  # fmt: skip
        return len(mine), found
