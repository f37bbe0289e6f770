"""What is kept of issued forecasts: bands with the time they became known, and their skill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from heatloop.app.dispatch_periods import DispatchPeriods
from heatloop.app.forecast_history import Subject, past_of
from heatloop.app.forecast_issue import Issue
from heatloop.app.forecast_settings import ForecastSettings
from heatloop.app.forecast_skill import skill_of
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.world import World
from heatloop.store.historian.port import DAY_S
from heatloop.store.records import Records
from heatloop.store.records.forecast import IssueRow


class ForecastKeep:
    """Keeps issues, works out the skill of weeks, and forgets what is old.

    Args:
        world: The present.
        records: Where it is kept.
        historian: What came.
        periods: The days of the company.
        settings: How long.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        periods: DispatchPeriods,
        settings: ForecastSettings,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._periods, self._settings = periods, settings

    async def add(
        self, issue: Issue, *, reason: str, weather: str, start_s: int, took_s: float
    ) -> IssueRow:
        """Keep an issue as known from now on; return its row.

        Args:
            issue: The forecasts.
            reason: Why they were made.
            weather: What the weather ahead was.
            start_s: First hour.
            took_s: Machine time it took.
        """
        known_at = self._world.now_s()
        number = await in_thread(
            self._records.forecasts.add,
            [*issue.hours, *issue.quarters],
            known_at=known_at,
            start_s=float(start_s),
            reason=reason,
            weather=weather,
            failed=len(issue.failures),
            took_s=took_s,
        )
        return IssueRow(
            number=number,
            known_at=known_at,
            start_s=float(start_s),
            reason=reason,
            weather=weather,
            subjects=len(issue.hours),
            failed=len(issue.failures),
            took_s=took_s,
        )

    async def skill(self, subjects: Sequence[Subject], start_s: int) -> None:
        """Work out the skill of the running week and of the one before."""
        today = self._periods.day(start_s)
        monday = today - timedelta(days=today.weekday())
        for first in (monday - timedelta(days=7), monday):
            days = [self._periods.range(first + timedelta(days=n)) for n in range(7)]
            begin, end = days[0][0], min(days[-1][1], start_s)
            if end - begin < DAY_S:
                continue
            past = await past_of(self._historian, subjects, begin - DAY_S, end)
            rows = await in_thread(skill_of, self._records.forecasts, subjects, past, days)
            await in_thread(self._records.forecasts.put_skill, rows)

    async def thin(self) -> None:
        """Forget issues but those that began a day, and days that are long over."""
        store, now_s = self._records.forecasts, self._world.now_s()
        kept = now_s - self._settings.kept_days * DAY_S
        day = self._periods.day(now_s)
        starts = [
            float(self._periods.range(day - timedelta(days=n))[0])
            for n in range(self._settings.periods_days)
        ]
        await in_thread(store.thin, kept, starts)
        await in_thread(store.forget, now_s - self._settings.periods_days * DAY_S)
