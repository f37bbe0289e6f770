"""Asks the sources of weather in their order, and says once when one is out and when it is back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.alarming import Alarming
from heatloop.app.world import World
from heatloop.bridge.weather.client import Resting
from heatloop.bridge.weather.model import Hour, Report, WeatherSource
from heatloop.kernel.errors import HeatloopError, InputError

_log = structlog.get_logger("heatloop.weather")
SOURCE_OUT, NO_FORECAST = "weather_source", "weather_forecast"
FAILURES_BEFORE_ALARM = 2
LEAST_HORIZON_S = 24 * 3600.0
"""A forecast that reaches less far ahead is none."""
_PRIORITY, _NO_FORECAST_PRIORITY = 4, 3
# The clock a source keeps and plant time may lie this far apart.
_APART_S = 3 * 3600.0


@dataclass(kw_only=True, slots=True)
class Standing:
    """A source and how it is doing."""

    source: WeatherSource
    """The source."""
    last_ok: float | None = None
    """Plant time of its last good answer."""
    last_try: float | None = None
    """Plant time it was last asked."""
    issued_s: float | None = None
    """When its last forecast was issued."""
    last_hour_s: float = 0.0
    """Last hour of its last forecast."""
    failures: int = 0
    """Failures in a row."""
    resting: bool = False
    """Whether it asked to be left alone."""
    error: str = ""
    """What was wrong the last time."""
    present: Hour | None = None
    """The present weather it told last."""

    @property
    def state(self) -> str:
        """Return `ok`, `waiting`, `failed` or `resting`."""
        if self.failures:
            return "resting" if self.resting else "failed"
        return "waiting" if self.last_ok is None else "ok"


class WeatherWatch:
    """Keeps the standing of every source.

    Args:
        world: The present.
        alarming: Told when a source is out.
        sources: In their order.
        hours: How far ahead forecasts are asked for.
        refresh_s: How often, plant time.
        relied_on: Names of sources the company named; only their outage is an alarm.
    """

    def __init__(
        self,
        world: World,
        alarming: Alarming,
        sources: Sequence[WeatherSource],
        *,
        hours: int,
        refresh_s: float,
        relied_on: Collection[str],
    ) -> None:
        self._world, self._alarming = world, alarming
        self._hours, self._refresh_s = hours, refresh_s
        self._relied_on = frozenset(relied_on)
        self.standings = [Standing(source=source) for source in sources]

    async def refresh(self, now_s: float, *, force: bool = False) -> Report | None:
        """Ask in order until one source is good; return what was newly told, None without any.

        A source that told enough within the period is not asked again; one that failed is tried
        again each time, so the preferred one takes over as soon as it is back.
        """
        for standing in self.standings:
            fresh = standing.last_ok is not None and now_s - standing.last_ok < self._refresh_s
            if fresh and not standing.failures and not force:
                return None
            report = await self._ask(standing, now_s)
            if report is not None:
                return report
        return None

    async def _ask(self, standing: Standing, now_s: float) -> Report | None:
        source = standing.source
        standing.last_try = now_s
        try:
            report = await source.fetch(self._hours, now_s)
            self._check(report, now_s)
        except HeatloopError as error:
            await self._failed(standing, error, now_s)
            return None
        except Exception as error:  # noqa: BLE001 - whatever a provider sends, the rest goes on
            strange = InputError(f"an answer nobody expected: {error!r}"[:300], thing=source.name)
            await self._failed(standing, strange, now_s)
            return None
        if standing.failures:
            _log.info("weather source is back", source=source.name)
        standing.failures, standing.resting = 0, False
        standing.error = "; ".join(report.left_out[:5])
        standing.last_ok, standing.issued_s = now_s, report.issued_s
        standing.last_hour_s = report.hours[-1].at_s if report.hours else 0.0
        standing.present = report.present
        await self._say(source.name, out=False, now_s=now_s)
        return report

    def _check(self, report: Report, now_s: float) -> None:
        """Return if a forecast is one of the coming hours.

        Raises:
            InputError: It is of other times, or too short.
        """
        if not report.hours or abs(report.hours[0].at_s - now_s) > _APART_S:
            raise InputError(
                "the forecast is not of the coming hours",
                thing=report.source,
                fix="compare this machine's clock with the source's",
            )
        if report.hours[-1].at_s - now_s < LEAST_HORIZON_S:
            raise InputError("the forecast is too short", thing=report.source)

    async def _failed(self, standing: Standing, error: HeatloopError, now_s: float) -> None:
        if not standing.failures:
            _log.warning("weather source is out", source=standing.source.name, error=str(error))
        standing.failures += 1
        standing.resting = isinstance(error, Resting)
        standing.error = f"{error.message} {error.place}".strip()[:300]
        if standing.failures >= FAILURES_BEFORE_ALARM:
            await self._say(standing.source.name, out=True, now_s=now_s)

    async def _say(self, name: str, *, out: bool, now_s: float) -> None:
        on = out and name in self._relied_on
        await self.alarm(f"{SOURCE_OUT}.{name}", on=on, now_s=now_s, priority=_PRIORITY)

    async def horizon(self, last_s: float | None, now_s: float) -> None:
        """Say so when no forecast reaches a day ahead although there are sources of forecasts."""
        mine = [each for each in self.standings if each.source.name in self._relied_on]
        asked = bool(mine) and all(standing.last_try is not None for standing in mine)
        short = last_s is None or last_s - now_s < LEAST_HORIZON_S
        await self.alarm(
            NO_FORECAST, on=short and asked, now_s=now_s, priority=_NO_FORECAST_PRIORITY
        )

    async def alarm(self, rule: str, *, on: bool, now_s: float, priority: int) -> None:
        """Raise an alarm of the company that is not active yet, or clear one that is."""
        subject = next((asset.code for asset in self._world.ledger.of_kind("company")), "")
        if not subject:
            return
        active = self._alarming.active_of({rule.partition(".")[0]}).get((subject, rule))
        if on and active is None:
            alarm = lifecycle.raise_(subject, rule, now_s, priority=priority)
            change = AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s)
        elif not on and active is not None:
            change = AlarmChange(change=Change.CLEAR, alarm=active, at=now_s)
        else:
            return
        for job in self._alarming.apply([change]):
            await job
