"""Forecasts as people read them: the service, one subject's chart, weekly skill."""

from __future__ import annotations

import numpy as np

from heatloop.app.dispatch_periods import DispatchPeriods
from heatloop.app.forecast_history import Subject, past_of
from heatloop.app.forecast_quarters import quartered
from heatloop.app.forecast_weather import measured
from heatloop.app.forecasts import HINDCAST, Forecasts
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.forecasts import (
    ForecastIssuePage,
    ForecastIssueView,
    ForecastSkill,
    ForecastSkillRow,
    ForecastStatus,
    ForecastStep,
    ForecastSubject,
    ForecastView,
)
from heatloop.app.weather_read import WeatherRead
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S
from heatloop.store.records import Records
from heatloop.store.records.forecast import IssueRow, SeriesRow

_ORDER = {"source": 0, "substation": 1, "building": 2}
_ROUND = 3


def issue_view(row: IssueRow) -> ForecastIssueView:
    """Return an issue as people read it."""
    return ForecastIssueView(
        number=row.number,
        known=utc(row.known_at),
        start=utc(row.start_s),
        reason=row.reason,
        weather=row.weather,
        subjects=row.subjects,
        failed=row.failed,
        took_s=round(row.took_s, 2),
    )


def plain(value: float | np.floating | None, digits: int = _ROUND) -> float | None:
    """Return a figure for the interface, None where there is none."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


class ForecastRead:
    """Reads forecasts.

    Args:
        world: The present.
        records: Issues.
        historian: What came.
        weather: Weather that is coming.
        forecasts: The service.
        periods: Plans.
        enabled: Whether forecasts are issued.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        weather: WeatherRead,
        forecasts: Forecasts,
        periods: DispatchPeriods,
        enabled: bool,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._weather, self._forecasts, self._periods = weather, forecasts, periods
        self._enabled = enabled

    def _mine(self, scope: Scope, kind: str, find: str) -> list[Subject]:
        """Return the subjects inside a scope, sources first."""
        assets, needle = self._world.ledger.assets, find.strip().lower()
        found = [
            each
            for each in self._forecasts.subjects()
            if (not kind or each.kind == kind)
            and self._world.sees(scope, each.code)
            and (not needle or needle in " ".join(_words(assets[each.code], each.code)).lower())
        ]
        return sorted(found, key=lambda each: (_ORDER[each.kind], each.code))

    def _subject(self, scope: Scope, code: str) -> Subject:
        self._world.asset(scope, code)
        for each in self._forecasts.subjects():
            if each.code == code:
                return each
        raise Refused("not_found", thing=code)

    def status(self, scope: Scope, *, kind: str, find: str, page: int, size: int) -> ForecastStatus:
        """Return how forecasting is doing, and a page of what is forecast inside a scope."""
        now_s, service = self._world.now_s(), self._forecasts
        mine = self._mine(scope, kind, find)
        shown = mine[(page - 1) * size : page * size]
        return ForecastStatus(
            plant_time=utc(now_s),
            enabled=self._enabled,
            running=service.running,
            late=service.is_late(now_s),
            failure=service.failure,
            next_due=utc(service.next_due()),
            last=None if service.last is None else issue_view(service.last),
            total=len(mine),
            subjects=[self._subject_view(each, now_s) for each in shown],
        )

    def _subject_view(self, subject: Subject, now_s: float) -> ForecastSubject:
        asset = self._world.ledger.assets[subject.code]
        row = self._forecasts.latest_series().get(subject.code)
        mean = peak = None
        if row is not None:
            times = row.start_s + row.step_s * np.arange(row.bands.shape[1])
            ahead = (times + row.step_s > now_s) & (times < now_s + DAY_S)
            middle = row.bands[1][ahead & np.isfinite(row.bands[1])]
            if len(middle):
                mean, peak = plain(middle.mean(), 1), plain(middle.max(), 1)
        return ForecastSubject(
            code=subject.code,
            zh=asset.zh,
            en=asset.en,
            kind=subject.kind,
            quantity=subject.quantity,
            next_day=mean,
            peak=peak,
            model="" if row is None else row.source,
        )

    async def issues(self, *, page: int, size: int) -> ForecastIssuePage:
        """Return a page of issues, newest first."""
        total, rows = await in_thread(
            self._records.forecasts.issues,
            known_at=self._world.now_s(),
            offset=(page - 1) * size,
            limit=size,
        )
        return ForecastIssuePage(total=total, items=[issue_view(row) for row in rows])

    async def view(
        self, scope: Scope, code: str, *, known_at_s: float | None, step_s: int, back_h: int
    ) -> ForecastView:
        """Return the forecast of a subject as it was known at a time, with what came before it.

        Args:
            scope: What the reader may see.
            code: Asset code.
            known_at_s: Plant time; None for now.
            step_s: 900 or 3600.
            back_h: Hours of the past shown before its first step.

        Raises:
            Refused: There is no such subject inside the scope.
        """
        subject, now_s = self._subject(scope, code), self._world.now_s()
        known_at = now_s if known_at_s is None else min(known_at_s, now_s)
        issue, row = await self._known(code, known_at, step_s)
        start = int(now_s // HOUR_S * HOUR_S) if row is None else int(row.start_s)
        count = 0 if row is None else row.bands.shape[1]
        begin = start - back_h * HOUR_S
        end = start + count * step_s
        actual = await self._actual(subject, begin, max(end, start), step_s)
        outdoor = await self._outdoor(begin, end, step_s, known_at)
        asset = self._world.ledger.assets[code]
        facts = {} if row is None else row.facts
        steps = []
        for at in range((end - begin) // step_s):
            at_s = begin + at * step_s
            step = at - (start - begin) // step_s
            told = row is not None and step >= 0
            low, middle, high = row.bands[:, step] if row is not None and told else (None,) * 3
            band = self._periods.in_force(code, subject.quantity, at_s + step_s / 2.0)
            steps.append(
                ForecastStep(
                    at=utc(at_s),
                    actual=plain(actual[at]),
                    low=plain(low),
                    middle=plain(middle),
                    high=plain(high),
                    outdoor_c=plain(outdoor[at], 1),
                    plan_low=None if band is None else plain(band[0]),
                    plan_high=None if band is None else plain(band[2]),
                )
            )
        return ForecastView(
            code=code,
            zh=asset.zh,
            en=asset.en,
            kind=subject.kind,
            quantity=subject.quantity,
            step_s=step_s,
            issue=None if issue is None else issue_view(issue),
            model="" if row is None else row.source,
            weights=facts.get("weights", {}),
            skill=facts.get("skill", {}),
            baseline=facts.get("baseline", {}),
            steps=steps,
        )

    async def _known(
        self, code: str, known_at: float, step_s: int
    ) -> tuple[IssueRow | None, SeriesRow | None]:
        """Return the newest issue known at a time that has this subject, hindcasts left out."""
        store = self._records.forecasts
        reasons = ("schedule", "weather", "request", "start")
        _, issues = await in_thread(store.issues, known_at=known_at, reasons=reasons, limit=3)
        for issue in issues:
            rows = await in_thread(store.series, issue, [code])
            by_step = {row.step_s: row for row in rows}
            if step_s in by_step or HOUR_S in by_step:
                row = by_step.get(step_s)
                if row is None:
                    continue
                # What explains a forecast is kept once, with its hours.
                hours = by_step.get(HOUR_S, row)
                own = SeriesRow(
                    subject=code,
                    quantity=row.quantity,
                    start_s=row.start_s,
                    step_s=row.step_s,
                    bands=row.bands,
                    known_at=row.known_at,
                    source=hours.source,
                    facts=hours.facts,
                )
                return issue, own
        return None, None

    async def _actual(self, subject: Subject, begin: int, end: int, step_s: int) -> np.ndarray:
        fine = step_s < HOUR_S
        past = await past_of(
            self._historian, [subject], begin, end, TEN_MINUTES_S if fine else HOUR_S
        )
        past = quartered(past) if fine else past
        values = past.values[:, 0].copy()
        # The step that runs is not over yet.
        values[past.times_s + step_s > self._world.now_s()] = np.nan
        return values

    async def _outdoor(self, begin: int, end: int, step_s: int, known_at: float) -> np.ndarray:
        hour = int(self._world.now_s() // HOUR_S * HOUR_S)
        split = min(max(hour, begin), max(end, begin))
        columns = await measured(self._world, self._historian, begin, split)
        values = columns["temperature_c"]
        told = await self._weather.forecast_as_of(max(known_at, split), split, end)
        ahead = np.full((end - split) // HOUR_S, np.nan)
        if told is not None:
            for each in told.hours:
                at = int((each.at_s - split) // HOUR_S)
                if 0 <= at < len(ahead) and each.temperature_c is not None:
                    ahead[at] = each.temperature_c
        hours = np.concatenate([values, ahead])
        # The hour that runs is measured no more and not forecast any more.
        if 0 < len(values) < len(hours) and np.isnan(hours[len(values)]):
            at = len(values)
            hours[at] = np.mean([hours[at - 1], hours[min(at + 1, len(hours) - 1)]])
        return np.repeat(hours, HOUR_S // step_s)

    async def skill(
        self,
        scope: Scope,
        *,
        week_s: float | None,
        kind: str,
        find: str,
        page: int,
        size: int,
    ) -> ForecastSkill:
        """Return the skill of a week, the newest when none is named."""
        store = self._records.forecasts
        weeks = await in_thread(store.weeks)
        now_s = self._world.now_s()
        week = week_s if week_s is not None else (weeks[0] if weeks else now_s)
        rows = {row.subject: row for row in await in_thread(store.skill, week)}
        mine = [each for each in self._mine(scope, kind, find) if each.code in rows]
        shown = mine[(page - 1) * size : page * size]
        _, issues = await in_thread(
            store.issues, known_at=now_s, since_s=week, reasons=(HINDCAST,), limit=100
        )
        hindcast = sum(week <= issue.start_s < week + 7 * DAY_S for issue in issues)
        assets = self._world.ledger.assets
        return ForecastSkill(
            week=utc(week),
            weeks=[utc(each) for each in weeks],
            hindcast_days=hindcast,
            total=len(mine),
            rows=[
                ForecastSkillRow(
                    code=each.code,
                    zh=assets[each.code].zh,
                    en=assets[each.code].en,
                    kind=each.kind,
                    quantity=each.quantity,
                    hours=rows[each.code].hours,
                    mean=plain(rows[each.code].mean),
                    mae=plain(rows[each.code].mae),
                    rmse=plain(rows[each.code].rmse),
                    mape_pct=plain(rows[each.code].mape_pct, 2),
                    coverage_pct=plain(rows[each.code].coverage_pct, 1),
                    naive_mae=plain(rows[each.code].naive_mae),
                    naive_mape_pct=plain(rows[each.code].naive_mape_pct, 2),
                )
                for each in shown
            ],
        )


def _words(asset: object, code: str) -> tuple[str, str, str]:
    return code, str(getattr(asset, "zh", "")), str(getattr(asset, "en", ""))
