"""The weather as it is read: the present out of several sources, forecasts as they were known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.weather import (
    WeatherForecastHour,
    WeatherForecastView,
    WeatherNow,
    WeatherObservationPage,
    WeatherSkill,
    WeatherSkillRow,
)
from heatloop.app.weather_doubts import compare
from heatloop.app.weather_points import kept_keys, station_hour
from heatloop.app.weather_skill import skill_of
from heatloop.app.weather_sources import STATION
from heatloop.app.weather_views import (
    hour_of,
    observation,
    quantities,
    source_view,
    station_view,
    values,
)
from heatloop.app.weather_watch import WeatherWatch
from heatloop.app.world import World
from heatloop.bridge.weather.compare import Limits, doubted
from heatloop.bridge.weather.model import QUANTITIES, Hour
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.store.records import Records

PRESENT_S = 5400.0
"""What a source said longer ago is no present."""
_HOUR_S, _DAY_S = 3600.0, 86400.0
_MOST_AHEAD_S = 400 * _HOUR_S


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastAsOf:
    """The newest forecast that was known at a time; nothing that became known later is in it."""

    source: str
    """Source."""
    known_s: float
    """Plant time it became known."""
    issued_s: float | None
    """When the source issued it, as it says."""
    hours: tuple[Hour, ...]
    """The hours asked for, by time; fewer where the forecast ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """The weather of now."""

    source: str = ""
    """Source; empty: nobody knows."""
    hour: Hour | None = None
    """The weather."""
    filled: dict[str, str] = field(default_factory=dict)
    """Source of quantities the first one does not give."""


class WeatherRead:
    """Reads the weather.

    Args:
        world: The present.
        records: Forecasts and observations.
        watch: The sources.
        order: Names of the sources in the order they are believed about the present.
        limits: How far the own station may lie from a service.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        *,
        watch: WeatherWatch,
        order: Sequence[str],
        limits: Limits,
    ) -> None:
        self._world, self._records, self._watch = world, records, watch
        self._order, self._limits = list(order), limits
        self._reference: Hour | None = None

    def _station(self, now_s: float) -> Hour | None:
        """Return what the own station measures now, uncertain where it is doubted."""
        station = station_hour(self._world, now_s)
        if station is None:
            return None
        return doubted(station[1], compare(station[1], self._reference, self._limits))

    def present(self, now_s: float) -> Present:
        """Return the weather of now: of the first source in the order that is sure, else the first.

        What that source does not give is filled in from the next sure ones. A source's present
        older than an hour and a half is none.
        """
        known: list[tuple[str, Hour]] = []
        for name in self._order:
            hour = self._told(name, now_s)
            if hour is not None and now_s - hour.at_s <= PRESENT_S:
                known.append((name, hour))
        sure = [each for each in known if each[1].quality is Quality.GOOD]
        if not known:
            return Present()
        name, hour = (sure or known)[0]
        filled: dict[str, str] = {}
        values: dict[str, float | None] = {each: hour.value(each) for each in QUANTITIES}
        for quantity in QUANTITIES:
            for other, told in sure:
                if values[quantity] is None and told.value(quantity) is not None:
                    values[quantity], filled[quantity] = told.value(quantity), other
        return Present(source=name, hour=Hour.of(hour.at_s, values, hour.quality), filled=filled)

    def _told(self, name: str, now_s: float) -> Hour | None:
        """Return what a source says of now; what it said before it failed is no present."""
        if name == STATION:
            return self._station(now_s)
        for standing in self._watch.standings:
            if standing.source.name == name and not standing.failures:
                return standing.present
        return None

    def _first(self) -> str:
        """Return the first source in the order that gives the present."""
        observing = {s.source.name for s in self._watch.standings if s.source.observes}
        return next(name for name in self._order if name == STATION or name in observing)

    async def forecast_as_of(
        self, known_at_s: float, start_s: float, end_s: float, source: str = ""
    ) -> ForecastAsOf | None:
        """Return the forecast of [start, end) that was the newest at a time, None without any.

        Args:
            known_at_s: Plant time; nothing that became known after it is used.
            start_s: First hour.
            end_s: End of the hours.
            source: Only forecasts of this source; empty: of any.
        """
        weather = self._records.weather
        issue = await in_thread(weather.issue_at, known_at_s, source)
        if issue is None:
            return None
        rows = await in_thread(weather.hours_of, issue.number, start_s, end_s)
        return ForecastAsOf(
            source=issue.source,
            known_s=issue.known_at,
            issued_s=issue.issued_at,
            hours=tuple(hour_of(row) for row in rows),
        )

    async def now(self) -> WeatherNow:
        """Return the present weather and how every source is doing."""
        now_s = self._world.now_s()
        present = self.present(now_s)
        name, hour = present.source, present.hour
        station = self._station(now_s)
        issue = await in_thread(self._records.weather.issue_at, now_s)
        views = []
        standings = {standing.source.name: standing for standing in self._watch.standings}
        for rank, each in enumerate(self._order, 1):
            if each == STATION:
                has_any = bool(self._world.layout.weather)
                views.append(
                    station_view(station, rank=rank, in_force=name == STATION, has_any=has_any)
                )
            elif each in standings:
                views.append(
                    source_view(standings[each], rank=rank, in_force=name == each, now_s=now_s)
                )
        return WeatherNow(
            plant_time=utc(now_s),
            source=name or None,
            fallback=bool(name) and name != self._first(),
            weather=None if hour is None else values(hour),
            filled=present.filled,
            forecast_source=None if issue is None else issue.source,
            forecast_known=None if issue is None else utc(issue.known_at),
            forecast_horizon_h=0.0
            if issue is None
            else round(max(issue.last_s - now_s, 0.0) / _HOUR_S, 1),
            sources=views,
            quantities=quantities(kept_keys(self._world)),
        )

    async def forecast_view(
        self,
        *,
        known_at_s: float | None,
        start_s: float | None,
        end_s: float | None,
        hours: int,
        source: str,
    ) -> WeatherForecastView:
        """Return the forecast as it was known at a time, for people.

        Raises:
            Refused: The range is empty or too long.
        """
        as_of = self._world.now_s() if known_at_s is None else known_at_s
        # The hour that runs is no forecast any more.
        begin = (as_of // _HOUR_S + 1) * _HOUR_S if start_s is None else start_s
        end = begin + hours * _HOUR_S if end_s is None else end_s
        if not begin < end or end - begin > _MOST_AHEAD_S:
            raise Refused("range_invalid", detail=f"{(end - begin) / _HOUR_S:g} h")
        found = await self.forecast_as_of(as_of, begin, end, source)
        return WeatherForecastView(
            as_of=utc(as_of),
            source=None if found is None else found.source,
            issued=None if found is None or found.issued_s is None else utc(found.issued_s),
            known=None if found is None else utc(found.known_s),
            hours=[]
            if found is None
            else [
                WeatherForecastHour(
                    lead_h=round((hour.at_s - found.known_s) / _HOUR_S, 2), weather=values(hour)
                )
                for hour in found.hours
            ],
        )

    async def observations(
        self, *, start_s: float | None, end_s: float | None, source: str, page: int, size: int
    ) -> WeatherObservationPage:
        """Return a page of observations, newest first; the last day when no range is given.

        Raises:
            Refused: The range is empty.
        """
        end = self._world.now_s() + 1.0 if end_s is None else end_s
        start = end - _DAY_S if start_s is None else start_s
        if not start < end:
            raise Refused("range_invalid")
        total, rows = await in_thread(
            self._records.weather.observations,
            start_s=start,
            end_s=end,
            source=source,
            offset=(page - 1) * size,
            limit=size,
        )
        return WeatherObservationPage(total=total, items=[observation(row) for row in rows])

    async def skill(self, *, days: int, observed_by: str) -> WeatherSkill:
        """Return how right the forecasts of the last days were."""
        end = self._world.now_s()
        start, truth = end - days * _DAY_S, observed_by or STATION
        found = await in_thread(skill_of, self._records.weather, start, end, truth)
        return WeatherSkill(
            start=utc(start),
            end=utc(end),
            observed_by=truth,
            rows=[
                WeatherSkillRow(
                    source=row.source,
                    quantity=row.quantity,
                    lead_from_h=row.lead_from_h,
                    lead_to_h=row.lead_to_h,
                    count=row.count,
                    bias=round(row.bias, 4),
                    mae=round(row.mae, 4),
                    rmse=round(row.rmse, 4),
                )
                for row in found
            ],
        )
