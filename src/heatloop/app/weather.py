"""The weather: one present out of several sources, and forecasts with the time they were known.

Every ten minutes of plant time the own station is read and compared, and sources that are due are
asked. A forecast is added and never changed, so "as known at" a time is answered exactly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.live import Hub
from heatloop.app.refusals import Refused
from heatloop.app.views.weather import WeatherImported
from heatloop.app.weather_doubts import case_of, compare, reference
from heatloop.app.weather_points import aged, columns_of, kept_keys, station_hour
from heatloop.app.weather_read import PRESENT_S, WeatherRead
from heatloop.app.weather_sources import STATION
from heatloop.app.weather_views import row_of
from heatloop.app.weather_watch import WeatherWatch
from heatloop.app.world import World
from heatloop.bridge.weather.compare import Limits, doubted
from heatloop.bridge.weather.model import Hour
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.records import Records

PERIOD_S = 600.0
"""How often the present is looked at, plant time."""
_DAY_S = 86400.0
_KEPT_S = 3.5 * 365 * _DAY_S


class Weather(WeatherRead):
    """Keeps the weather.

    Args:
        world: The present.
        records: Forecasts and observations.
        historian: Points of the weather in force.
        hub: Told when values changed.
        audit: Trail of what people do.
        watch: The sources.
        order: Names of the sources in the order they are believed about the present.
        limit_k: How far the own station may lie from the service.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        hub: Hub,
        audit: Audit,
        *,
        watch: WeatherWatch,
        order: Sequence[str],
        limit_k: float,
    ) -> None:
        limits = Limits(temperature_k=limit_k)
        super().__init__(world, records, watch=watch, order=order, limits=limits)
        self._historian, self._hub, self._audit = historian, hub, audit
        self._one_at_a_time = asyncio.Lock()
        self._done = -1.0

    async def run(self, due: float) -> None:
        """Ask who is due, read the station, compare, keep; the same due time again is done."""
        async with self._one_at_a_time:
            if due <= self._done:
                return
            self._done = due
            await self._refresh(due, force=False)
            await self._look(due)
        if due % _DAY_S < PERIOD_S:
            await in_thread(self._records.weather.forget, due - _KEPT_S)

    async def _refresh(self, now_s: float, *, force: bool) -> None:
        report = await self._watch.refresh(now_s, force=force)
        weather = self._records.weather
        if report is not None:
            # What is learned while waiting for an answer is known when the answer is there.
            known_s = max(now_s, self._world.now_s())
            hours = [row_of(hour) for hour in report.hours]
            await in_thread(
                weather.add_forecast,
                source=report.source,
                known_at=known_s,
                issued_at=report.issued_s,
                hours=hours,
            )
            if report.present is not None:
                await in_thread(weather.observe, report.source, known_s, [row_of(report.present)])
        newest = await in_thread(weather.issue_at, self._world.now_s())
        await self._watch.horizon(None if newest is None else newest.last_s, now_s)

    async def _look(self, now_s: float) -> None:
        """Compare the own station, and keep what the weather is."""
        self._reference = await reference(self._records, self._watch, now_s)
        station = station_hour(self._world, now_s)
        if station is not None:
            code, told = station
            found = compare(told, self._reference, self._limits)
            for doubt in found:
                await in_thread(
                    self._records.quality.put, [case_of(self._world, code, doubt, now_s)]
                )
            row = row_of(doubted(told, found))
            await in_thread(self._records.weather.observe, STATION, now_s, [row])
        hour = self.present(now_s).hour
        keys = kept_keys(self._world)
        if hour is None or not keys:
            return
        columns = columns_of(aged(hour, now_s, PRESENT_S), keys, int(now_s))
        if columns.keys.size:
            await self._historian.append(columns)
            self._world.latest.update(columns)
            self._hub.values_changed()

    async def refresh_now(self, by: Principal) -> None:
        """Ask the sources at once."""
        now_s = self._world.now_s()
        async with self._one_at_a_time:
            await self._refresh(now_s, force=True)
            await self._look(now_s)
        await self._audit.add(by.user, "weather.refresh", "weather", at=now_s)

    async def take_in(self, by: Principal, source: str, hours: Sequence[Hour]) -> WeatherImported:
        """Keep observations from outside; they never become the weather of now.

        Raises:
            Refused: An hour holds nothing.
        """
        empty = [hour for hour in hours if hour.empty]
        if empty:
            raise Refused("invalid", thing=source, detail=f"{len(empty)} hours without a value")
        rows = [row_of(hour) for hour in sorted(hours, key=lambda hour: hour.at_s)]
        now_s = self._world.now_s()
        stored = await in_thread(self._records.weather.observe, source, now_s, rows)
        first, last = utc(rows[0]["at_s"]), utc(rows[-1]["at_s"])
        await self._audit.add(
            by.user,
            "weather.import",
            source,
            hours=stored,
            first=first.isoformat(),
            last=last.isoformat(),
        )
        return WeatherImported(source=source, stored=stored, first=first, last=last)
