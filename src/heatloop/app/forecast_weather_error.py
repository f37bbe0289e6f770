"""How far weather forecasts were off by lead: what makes a band of heat as wide as it must be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.app.forecast_weather import FORECAST, PERSISTENCE, WeatherTable, ahead
from heatloop.app.weather_read import WeatherRead
from heatloop.forecast.forecaster import typical_error_k
from heatloop.store.historian.port import DAY_S, HOUR_S

Floats = NDArray[np.float64]
_DAYS = 21
_DAY = DAY_S // HOUR_S
_AROUND_H = 4
_PRIOR_HOURS = 27.0
"""Belief in the usual error of public services, as hours seen: three days of those around."""
_PRIOR_DAYS = 3.0
_LEAST_HOURS = 48
_WORST = 2.5
"""Persistence of the weather nobody could compare yet, over the usual error."""


async def outdoor_error(
    weather: WeatherRead, table: WeatherTable, issue_s: int, known_at_s: float
) -> Floats | None:
    """Return the standard error of the outdoor temperature ahead, K, shape (n_hour_ahead,).

    Forecasts of the last three weeks, as they were known at this time of day, are compared with
    what was measured. None where the weather ahead is what came.

    Args:
        weather: Forecasts as they were known.
        table: Weather of the issue, from `weather_table`.
        issue_s: First hour of the part ahead.
        known_at_s: When the forecast of the part ahead was asked for.
    """
    seen = table.columns["temperature_c"][table.times_s < issue_s]
    hours = len(table.times_s) - len(seen)
    if table.source == PERSISTENCE:
        return persistence_error(seen, hours)
    if table.source != FORECAST:
        return None
    misses = np.full((_DAYS, hours), np.nan)
    for n in range(1, _DAYS + 1):
        start = len(seen) - n * _DAY
        if start < 0:
            break
        told = await weather.forecast_as_of(
            known_at_s - n * DAY_S, issue_s - n * DAY_S, issue_s - n * DAY_S + (hours + 1) * HOUR_S
        )
        came = seen[start : start + hours]
        forecast = ahead(told, issue_s - n * DAY_S, hours)["temperature_c"]
        misses[n - 1, : len(came)] = forecast[: len(came)] - came
    return forecast_error(misses)


def forecast_error(misses: Floats) -> Floats:
    """Return the usual error of weather services, stretched lead by lead to what was seen.

    Args:
        misses: Forecast less measured temperature by day and lead, nan where unknown,
            shape (n_day, n_hour).
    """
    hours = misses.shape[1]
    usual = typical_error_k(hours, HOUR_S)
    share = (misses / usual) ** 2
    ratio = np.empty(hours)
    for lead in range(hours):
        part = share[:, max(lead - _AROUND_H, 0) : lead + _AROUND_H + 1]
        known = part[np.isfinite(part)]
        ratio[lead] = (known.sum() + _PRIOR_HOURS) / (len(known) + _PRIOR_HOURS)
    # A spread known from few days that hang together is itself uncertain: Student's 90 % quantile
    # over the normal one, two days counted as one.
    days = float(np.isfinite(misses).any(axis=1).sum())
    wider = 1.0 + 0.66 / (_PRIOR_DAYS + 0.5 * days)
    return np.asarray(usual * np.sqrt(ratio) * wider)


def persistence_error(seen: Floats, hours: int) -> Floats:
    """Return the error of taking the last day's weather for the days ahead, shape (hours,).

    Args:
        seen: Measured temperature by the hour, newest last, nan where unknown.
        hours: How many are ahead.
    """
    error = _WORST * typical_error_k(hours, HOUR_S)
    for first in range(0, hours, _DAY):
        back = first + _DAY
        change = seen[back:] - seen[:-back]
        known = change[np.isfinite(change)]
        if len(known) >= _LEAST_HOURS:
            error[first : first + _DAY] = np.sqrt(np.mean(known**2))
    return error
