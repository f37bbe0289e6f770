"""Forecasts in operation: issued on schedule and when the weather forecast moves, and kept.

Learning and forecasting are done by workers; what is here decides when, keeps what came with the
time it became known, and raises an alarm when an issue is late. Nothing else waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import structlog

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.dispatch_periods import DispatchPeriods
from heatloop.app.fleet import Fleet
from heatloop.app.forecast_hindcasts import hindcast_weather
from heatloop.app.forecast_history import Subject, subjects_of
from heatloop.app.forecast_issue import Issuer
from heatloop.app.forecast_keep import ForecastKeep
from heatloop.app.forecast_late import LateWatch
from heatloop.app.forecast_settings import ForecastSettings
from heatloop.app.forecast_weather import OBSERVED, WeatherTable, ahead, weather_table
from heatloop.app.forecast_weather_error import outdoor_error
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.refusals import Refused
from heatloop.app.weather_read import WeatherRead
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.messages import Forecast
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Principal
from heatloop.store.historian.port import DAY_S, HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.forecast import IssueRow, SeriesRow

_log = structlog.get_logger("heatloop.forecasts")
LOOK_S = 600.0
"""How often it is looked whether an issue is due, plant time."""
SCHEDULE, WEATHER, REQUEST, START, HINDCAST = "schedule", "weather", "request", "start", "hindcast"
_WARM_UP_S = 20.0
_BOOST_S = 7 * DAY_S
_LEAST_HOURS = 6


class Forecasts:
    """Issues, keeps and gives forecasts.

    Args:
        world: The present.
        records: Where issues are kept.
        historian: The past.
        weather: What the weather will be.
        fleet: Who works.
        periods: Plans that follow from forecasts.
        alarming: Told when an issue is late.
        audit: Trail of what people ask for.
        settings: How often, how far.
        time_zone: IANA zone of the company.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        weather: WeatherRead,
        fleet: Fleet,
        periods: DispatchPeriods,
        alarming: Alarming,
        audit: Audit,
        settings: ForecastSettings,
        time_zone: str,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._weather, self._periods = weather, periods
        self._audit, self._settings = audit, settings
        self._late = LateWatch(world, alarming)
        self._keep = ForecastKeep(world, records, historian, periods, settings)
        self._issuer = Issuer(historian, fleet, settings, time_zone)
        self._latest: dict[str, SeriesRow] = {}
        self._subjects: list[Subject] = []
        self._ledger: Ledger | None = None
        self._boosted: Mapping[str, Any] | None = None
        self._boosted_s = -np.inf
        self._used: dict[int, float] = {}
        self._wanted = False
        self._first_machine_s: float | None = None
        self.last: IssueRow | None = None
        """The newest issue."""
        self.failure = ""
        """Why the last try gave nothing; empty when it did."""
        self.running = False
        """Whether an issue is being made."""
        self.after: list[Callable[[IssueRow], Coroutine[Any, Any, None]]] = []
        """Called after every issue."""

    async def load(self) -> None:
        """Take up what was issued before a restart."""
        store, now_s = self._records.forecasts, self._world.now_s()
        _, rows = await in_thread(store.issues, known_at=now_s, limit=20)
        for row in rows:
            if row.reason != HINDCAST:
                self.last = row
                series = await in_thread(store.series, row, step_s=HOUR_S)
                self._latest = {each.subject: each for each in series}
                break
        await self._periods.load()

    def latest(self, subject: str) -> Forecast | None:
        """Return the newest forecast of a source, substation or building by the hour."""
        row = self._latest.get(subject)
        if row is None:
            return None
        low, middle, high = (band.tolist() for band in row.bands)
        return Forecast(
            subject=subject,
            known_at=row.known_at,
            start=row.start_s,
            step_s=row.step_s,
            low=low,
            middle=middle,
            high=high,
        )

    def latest_series(self) -> Mapping[str, SeriesRow]:
        """Return the newest forecasts by subject, by the hour."""
        return self._latest

    def subjects(self) -> list[Subject]:
        """Return what is forecast of the ledger in force."""
        if self._ledger is not self._world.ledger:
            self._ledger = self._world.ledger
            self._subjects = subjects_of(self._world, rooms=self._settings.rooms)
        return self._subjects

    def due_start(self, at_s: float) -> int:
        """Return the start of the scheduled issue a time belongs to."""
        start, _ = self._periods.range(self._periods.day(at_s))
        step = int(self._settings.interval_h * HOUR_S)
        return start + int(at_s - start) // step * step

    def next_due(self) -> float:
        """Return when the next scheduled issue starts, plant time."""
        return self.due_start(self._world.now_s()) + self._settings.interval_h * HOUR_S

    async def request(self, by: Principal) -> None:
        """Have an issue made as soon as the workers are free."""
        self._wanted = True
        await self._audit.add(by.user, "forecast.request", "forecast", at=self._world.now_s())

    async def run(self, due: float) -> None:
        """Issue when it is time; late or failed issues are an alarm."""
        if not self._settings.enabled:
            return
        if self._first_machine_s is None:
            self._first_machine_s = machine_s()
        young = machine_s() - self._first_machine_s < _WARM_UP_S
        if young and self.last is None and not self._wanted:
            return  # The platform has just started: gateways and screens come first.
        await self._periods.follow(due)
        wish = await self._reason(due)
        if wish is not None:
            reason, start_s = wish
            self.running, self._wanted = True, False
            try:
                await self._issue(reason, start_s)
                self.failure = ""
            except Refused as refused:
                self.failure = str(refused)
            except Exception as error:
                self.failure = repr(error)[:400]
                raise
            finally:
                self.running = False
                await self._tell_late(self._world.now_s())
        else:
            await self._tell_late(due)

    async def _reason(self, due: float) -> tuple[str, int] | None:
        """Return why and from when an issue is to be made now, None when none is."""
        scheduled = self.due_start(due)
        hour = int(due // HOUR_S * HOUR_S)
        if self.last is None:
            return START, hour
        if self.last.start_s < scheduled:
            return SCHEDULE, scheduled
        if self._wanted:
            return REQUEST, hour
        if hour > self.last.start_s and await self._moved(due):
            return WEATHER, hour
        return None

    async def _moved(self, due: float) -> bool:
        """Return whether the weather of the next 24 hours is forecast otherwise than it was."""
        hour, hours = int(due // HOUR_S * HOUR_S), DAY_S // HOUR_S
        told = await self._weather.forecast_as_of(
            self._world.now_s(), hour, hour + (hours + 1) * HOUR_S
        )
        cold = ahead(told, hour, hours)["temperature_c"]
        used = [self._used.get(hour + n * HOUR_S, np.nan) for n in range(hours)]
        change = np.abs(cold - np.array(used))
        known = change[np.isfinite(change)]
        return len(known) >= _LEAST_HOURS and bool(known.mean() >= self._settings.weather_change_k)

    async def _issue(self, reason: str, start_s: int) -> None:
        subjects = self.subjects()
        if not subjects:
            raise Refused("unavailable", thing="forecast", detail="no source or station is metered")
        if self.last is None:
            await self._hindcasts(subjects, start_s)
        began = machine_s()
        weather = await self._weather_table(start_s)
        if start_s - self._boosted_s >= _BOOST_S:
            await self._train(subjects, weather, start_s)
        issue = await self._issuer.run(subjects, weather, start_s, self._boosted)
        if not issue.hours:
            detail = issue.failures[0].reason if issue.failures else ""
            raise Refused("unavailable", thing="forecast", detail=detail)
        row = await self._keep.add(
            issue,
            reason=reason,
            weather=weather.source,
            start_s=start_s,
            took_s=machine_s() - began,
        )
        self.last = row
        self._latest = {each.subject: replace(each, known_at=row.known_at) for each in issue.hours}
        at, cold = weather.times_s.tolist(), weather.columns["temperature_c"].tolist()
        outdoor = dict(zip(at, cold, strict=True))
        self._used = {t: c for t, c in outdoor.items() if t >= start_s and np.isfinite(c)}
        await self._periods.take(issue.hours, outdoor, from_s=float(start_s), known_at=row.known_at)
        await self._keep.skill(subjects, start_s)
        await self._keep.thin()
        for call in self.after:
            await call(row)
        _log.info(
            "forecasts issued",
            reason=reason,
            subjects=row.subjects,
            failed=row.failed,
            weather=row.weather,
            took_s=round(row.took_s, 1),
        )

    async def _hindcasts(self, subjects: list[Subject], start_s: int) -> None:
        """Forecast the last days as they would have been, marked as such; never in force."""
        async for start, table in hindcast_weather(
            self._world, self._historian, self._issuer, self._periods, start_s
        ):
            if self._boosted is None:
                await self._train(subjects, table, start)
            began = machine_s()
            issue = await self._issuer.run(subjects, table, start, self._boosted, quarters=False)
            if issue.hours:
                await self._keep.add(
                    issue,
                    reason=HINDCAST,
                    weather=OBSERVED,
                    start_s=start,
                    took_s=machine_s() - began,
                )

    async def _train(self, subjects: list[Subject], weather: WeatherTable, start_s: int) -> None:
        trained = await self._issuer.train(subjects, weather, start_s, self._boosted)
        self._boosted = trained or self._boosted
        self._boosted_s = start_s

    async def _weather_table(self, start_s: int) -> WeatherTable:
        """Return measured weather and its forecast, with how far such forecasts were off."""
        known_at_s = self._world.now_s()
        table = await weather_table(
            self._world,
            self._historian,
            self._weather,
            start_s=self._issuer.begin(start_s),
            issue_s=start_s,
            end_s=self._issuer.end(start_s),
            known_at_s=known_at_s,
        )
        error_k = await outdoor_error(self._weather, table, start_s, known_at_s)
        return replace(table, error_k=error_k)

    def is_late(self, now_s: float) -> bool:
        """Return whether an issue should have been made by now and was not."""
        if not self._settings.enabled:
            return False
        scheduled = self.due_start(now_s)
        behind = self.last is None or self.last.start_s < scheduled
        return self._late.is_late(now_s, scheduled, behind=behind)

    async def _tell_late(self, now_s: float) -> None:
        await self._late.tell(now_s, late=self.is_late(now_s), detail=self.failure)
