"""One issue of forecasts: the past is read, workers learn and forecast, answers are put in order.

The hours come from months of hourly history. The quarters of an hour come from the last weeks and
are moved so that their mean is the hour's forecast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from heatloop.app.fleet import Failure, Fleet
from heatloop.app.forecast_history import HEAT, Floats, Past, Subject, past_of
from heatloop.app.forecast_quarters import QUARTER_S, agreed, quartered, refined
from heatloop.app.forecast_settings import ForecastSettings
from heatloop.app.forecast_weather import WeatherTable
from heatloop.app.history import AsyncHistorian
from heatloop.forecast.fleet import FleetBatch, Issued, refit_and_forecast, train_boosted
from heatloop.forecast.season import season_days
from heatloop.forecast.season_dates import seasons_of
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S
from heatloop.store.records.forecast import SeriesRow

_QUARTER_DAYS, _ROOM_DAYS = 28, 45
_TIMEOUT_S = 1800.0
_NAMES = {
    "temperature_c": "outdoor_c",
    "wind_ms": "wind_ms",
    "solar_w_m2": "sun_w_m2",
    "humidity_pct": "humidity_pct",
}
_TRAINING_SUBJECTS = 400
_MOST_DAYS = 400


@dataclass(kw_only=True, slots=True)
class Issue:
    """What came of one issue."""

    hours: list[SeriesRow] = field(default_factory=list)
    """Forecasts by the hour."""
    quarters: list[SeriesRow] = field(default_factory=list)
    """The same by the quarter of an hour, heat only."""
    failures: list[Failure] = field(default_factory=list)
    """Subjects without one."""


class Issuer:
    """Makes issues.

    Args:
        historian: The past.
        fleet: Who works.
        settings: How far back and ahead.
        time_zone: IANA zone of calendars.
    """

    def __init__(
        self, historian: AsyncHistorian, fleet: Fleet, settings: ForecastSettings, time_zone: str
    ) -> None:
        self._historian, self._fleet = historian, fleet
        self._settings, self._zone = settings, time_zone
        self._seasons = seasons_of(settings.heating_seasons)

    def begin(self, start_s: int) -> int:
        """Return the first hour of history an issue looks at.

        Days outside the heating seasons set are not counted: the first days of a winter are
        forecast by what was learnt in the last one.
        """
        wanted = self._settings.history_days
        if not self._seasons or wanted >= _MOST_DAYS:
            return start_s - wanted * DAY_S
        first = datetime.fromtimestamp(start_s - _MOST_DAYS * DAY_S, UTC).date()
        heated = np.cumsum(season_days(self._seasons, first, _MOST_DAYS)[::-1])
        return start_s - min(int(np.searchsorted(heated, wanted)) + 1, _MOST_DAYS) * DAY_S

    def end(self, start_s: int) -> int:
        """Return the end of the horizon."""
        return start_s + self._settings.horizon_h * HOUR_S

    async def train(
        self,
        subjects: Sequence[Subject],
        weather: WeatherTable,
        start_s: int,
        before: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any] | None:
        """Return the model learnt over all heat subjects together, None when there is none.

        Args:
            subjects: Of what; a spread-out sample of them is learnt from.
            weather: From the beginning of history to the end of the horizon.
            start_s: Nothing from this time on is learnt from.
            before: What this gave last; its trees are kept to judge past days by.
        """
        heat = [each for each in subjects if each.quantity == HEAT]
        if not heat:
            return None
        stride = max(len(heat) // _TRAINING_SUBJECTS, 1)
        some = heat[::stride]
        past = await past_of(self._historian, some, self.begin(start_s), start_s)
        batch = await asyncio.to_thread(self._batch, some, past, weather, start_s, HOUR_S)
        batch = replace(batch, boosted=before)
        found = await self._fleet.map(train_boosted, [batch], timeout_s=_TIMEOUT_S)
        return found.answers[0]

    async def run(
        self,
        subjects: Sequence[Subject],
        weather: WeatherTable,
        start_s: int,
        boosted: Mapping[str, Any] | None,
        *,
        quarters: bool = True,
    ) -> Issue:
        """Return forecasts from a time on.

        Args:
            subjects: Of what.
            weather: From the beginning of history to the end of the horizon.
            start_s: First hour; nothing measured from it on is used.
            boosted: What `train` gave.
            quarters: Whether quarters of an hour are wanted too.
        """
        issue = Issue()
        for group in self._groups(subjects):
            heat = group[0].quantity == HEAT
            begin = self.begin(start_s)
            if not heat:
                begin = max(begin, start_s - _ROOM_DAYS * DAY_S)
            made = await self._forecast(group, weather, begin, start_s, HOUR_S, boosted, issue)
            issue.hours += made
            if heat and quarters:
                begin = max(self.begin(start_s), start_s - _QUARTER_DAYS * DAY_S)
                fine = await self._forecast(
                    group, weather, begin, start_s, QUARTER_S, None, Issue()
                )
                known = {row.subject: row for row in fine if np.isfinite(row.bands).all()}
                issue.quarters += [
                    agreed(known.get(row.subject) or refined(row), row) for row in made
                ]
        return issue

    def _groups(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        """Yield subjects of one quantity, as many as all workers take at a time."""
        size = self._settings.batch * max(self._fleet.width, 1)
        for quantity in dict.fromkeys(each.quantity for each in subjects):
            own = [each for each in subjects if each.quantity == quantity]
            for at in range(0, len(own), size):
                yield own[at : at + size]

    async def _forecast(
        self,
        group: Sequence[Subject],
        weather: WeatherTable,
        begin: int,
        start_s: int,
        step_s: int,
        boosted: Mapping[str, Any] | None,
        issue: Issue,
    ) -> list[SeriesRow]:
        fine = step_s < HOUR_S
        past = await past_of(
            self._historian, group, begin, start_s, TEN_MINUTES_S if fine else HOUR_S
        )
        if fine:
            past = await asyncio.to_thread(quartered, past)
        size = self._settings.batch
        items: list[FleetBatch] = []
        parts = [group[at : at + size] for at in range(0, len(group), size)]
        for number, part in enumerate(parts):
            own = Past(
                times_s=past.times_s, values=past.values[:, number * size : (number + 1) * size]
            )
            batch = await asyncio.to_thread(self._batch, part, own, weather, start_s, step_s)
            heat = part[0].quantity == HEAT
            items.append(replace(batch, boosted=boosted if heat else None))
        names = [f"{part[0].code}..{part[-1].code}" for part in parts]
        found = await self._fleet.map(refit_and_forecast, items, names=names, timeout_s=_TIMEOUT_S)
        rows: list[SeriesRow] = []
        failed = {each.name: each.reason for each in found.failures}
        for part, name, answer in zip(parts, names, found.answers, strict=True):
            if answer is None:
                reason = failed.get(name, "")
                issue.failures += [Failure(name=each.code, reason=reason) for each in part]
                continue
            made = {each.subject: each for each in answer}
            for subject in part:
                row = _row(subject, made.get(subject.code))
                if row is None:
                    issue.failures.append(Failure(name=subject.code, reason="no usable history"))
                else:
                    rows.append(row)
        return rows

    def _batch(
        self,
        subjects: Sequence[Subject],
        past: Past,
        weather: WeatherTable,
        start_s: int,
        step_s: int,
    ) -> FleetBatch:
        """Return history and weather on one grid that reaches through the horizon."""
        end = self.end(start_s)
        begin = int(past.times_s[0]) if len(past.times_s) else start_s
        times = np.arange(begin, end, step_s, dtype=float)
        load = np.full((len(times), len(subjects)), np.nan)
        load[: len(past.values)] = past.values
        # Days before the first sample teach nothing and take room.
        known = np.flatnonzero(np.isfinite(load).any(axis=1))
        first = int(known[0]) if len(known) else max(len(past.values) - 1, 0)
        times, load = times[first:], load[first:]
        return FleetBatch(
            subjects=tuple(each.code for each in subjects),
            start_s=float(start_s),
            steps=(end - start_s) // step_s,
            step_s=step_s,
            zone=self._zone,
            times_s=times,
            load=load,
            weather=_on_grid(weather, times, step_s),
            floor=0.0 if subjects[0].quantity == HEAT else None,
            seasons=self._seasons,
            outdoor_error_k=_error(weather, (end - start_s) // step_s),
        )


def _error(weather: WeatherTable, steps: int) -> Floats | None:
    """Return the error of the outdoor temperature ahead at each step."""
    if weather.error_k is None:
        return None
    return np.asarray(np.repeat(weather.error_k, steps // len(weather.error_k)))


def _on_grid(weather: WeatherTable, times: Floats, step_s: int) -> dict[str, Floats]:
    """Return the weather at steps: hours as they are, quarters on lines between the hours' middles.

    What nobody has ever known is left out.
    """
    found: dict[str, Floats] = {}
    for name, values in weather.columns.items():
        known = np.isfinite(values)
        if not known.any():
            continue
        if step_s == HOUR_S:
            at = np.searchsorted(weather.times_s, times)
            found[_NAMES[name]] = values[np.minimum(at, len(values) - 1)]
        else:
            middles = weather.times_s[known] + HOUR_S / 2.0
            found[_NAMES[name]] = np.interp(times + step_s / 2.0, middles, values[known])
    return found


def _row(subject: Subject, made: Issued | None) -> SeriesRow | None:
    if made is None or not np.isfinite(made.bands.middle).any():
        return None
    bands = np.stack([made.bands.low, made.bands.middle, made.bands.high])
    return SeriesRow(
        subject=subject.code,
        quantity=subject.quantity,
        start_s=made.bands.start_s,
        step_s=made.bands.step_s,
        bands=bands.reshape(3, -1),
        source=made.method,
        facts={
            "weights": _plain(made.weights),
            "skill": _plain(made.skill),
            "baseline": _plain(made.baseline),
        },
    )


def _plain(figures: Mapping[str, float]) -> dict[str, float]:
    return {k: round(float(v), 4) for k, v in figures.items() if np.isfinite(v)}
