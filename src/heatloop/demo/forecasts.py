"""The city's weather forecast: its winter with the errors forecasts have, never the winter itself.

A run of the "model" starts every six hours and is out two hours later. Errors grow with lead time
as those of public services do (temperature: about 1.1 K after 6 h, 1.6 K after a day, 2.5 K after
three and 3 K after five days, root mean square); they hang together from hour to hour and mostly
from run to run. The same seed and run give the same forecast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.weather import LOCAL_OFFSET_S, Weather, WeatherSettings, Winter

RUN_S, LATE_S = 6 * 3600, 2 * 3600
MOST_HOURS = 384
_HOUR_S, _DAY_S = 3600, 86400
_KNOT_S = 9 * 3600.0
# Error of the temperature at a lead of d days: _BASE_K + _GROWTH_K * sqrt(d), rms.
_BASE_K, _GROWTH_K = 0.3, 1.05
_WIND_SHARE, _CLOUD_SHARE, _HUMIDITY_PCT = 0.55, 0.13, 5.0
_WIND_DEG = 12.0
# Neighbouring runs share most of their error.
_SHARED, _OWN = 0.8, 0.6
# Smooth noise between knots of a normal draw has less than unit spread.
_SPREAD = 0.81


def forecast(
    winter: Winter, settings: WeatherSettings, seed: int, now_s: float, hours: int
) -> dict[str, Any]:
    """Return the newest forecast that is out at a plant time, from local midnight on.

    Args:
        winter: The city's weather.
        settings: What an operator of the demo changed.
        seed: The city's seed.
        now_s: Plant time.
        hours: Hours ahead, at most 384.
    """
    issued_s = int((now_s - LATE_S) // RUN_S * RUN_S)
    midnight_s = int((now_s + LOCAL_OFFSET_S) // _DAY_S * _DAY_S) - LOCAL_OFFSET_S
    last_s = int(now_s // _HOUR_S + min(max(hours, 1), MOST_HOURS)) * _HOUR_S
    times = list(range(midnight_s, last_s + 1, _HOUR_S))
    errors = _errors(seed, issued_s, np.array(times, float))
    rows = [_row(at_s, winter, settings, error) for at_s, error in zip(times, errors, strict=True)]
    _add_extremes(rows)
    return {"issued_s": issued_s, "hours": rows}


def _errors(seed: int, issued_s: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit errors grown by lead, shape (n_time, 5): K, wind, cloud, humidity, direction."""
    days = np.maximum(times - issued_s, 0.0) / _DAY_S
    growth = _BASE_K + _GROWTH_K * np.sqrt(days)
    run = issued_s // RUN_S
    columns = []
    for quantity in range(5):
        common = _smooth((seed, 11, quantity), times)
        own = _smooth((seed, 12, quantity, run), times)
        columns.append((_SHARED * common + _OWN * own) / _SPREAD * growth)
    return np.column_stack(columns)


def _smooth(key: tuple[int, ...], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise of one key, the same at the same time, with a knot every nine hours."""
    place = times / _KNOT_S
    low = np.floor(place).astype(int)
    part = place - low
    part = part * part * (3.0 - 2.0 * part)
    knots = range(int(low.min()), int(low.max()) + 2)
    drawn = {knot: float(np.random.default_rng((*key, knot)).standard_normal()) for knot in knots}
    begin = np.array([drawn[knot] for knot in low.tolist()])
    end = np.array([drawn[knot + 1] for knot in low.tolist()])
    smooth: NDArray[np.float64] = begin * (1.0 - part) + end * part
    return smooth


def _row(
    at_s: int, winter: Winter, settings: WeatherSettings, error: NDArray[np.float64]
) -> dict[str, Any]:
    true = winter.at(at_s, settings)
    kelvin, wind, cloud, humidity, direction = error.tolist()
    covered = min(max(true.cloud + _CLOUD_SHARE * cloud, 0.0), 1.0)
    sun = _mean_sun(at_s, winter, settings, true, covered)
    return {
        "at_s": at_s,
        "condition": true.condition if abs(covered - true.cloud) < 0.2 else _sky(covered),
        "temperature_c": round(true.outdoor_c + kelvin, 1),
        "humidity_pct": round(min(max(true.humidity_pct + _HUMIDITY_PCT * humidity, 10.0), 100.0)),
        "wind_deg": round((true.wind_deg + _WIND_DEG * direction) % 360.0),
        "wind_ms": round(max(true.wind_ms + _WIND_SHARE * wind, 0.0), 1),
        "solar_w_m2": round(sun),
    }


def _mean_sun(
    at_s: int, winter: Winter, settings: WeatherSettings, true: Weather, covered: float
) -> float:
    """Return radiation of the hour before, with the sky as it is forecast."""
    through, told = 1.0 - 0.78 * true.cloud**2.6, 1.0 - 0.78 * covered**2.6
    quarters = [winter.at(at_s - _HOUR_S + 900 * n, settings).sun_w_m2 for n in (1, 2, 3, 4)]
    return float(math.fsum(quarters) / len(quarters) * told / max(through, 0.1))


def _sky(covered: float) -> int:
    return 0 if covered < 0.25 else 2 if covered < 0.7 else 3


def _add_extremes(rows: list[dict[str, Any]]) -> None:
    """Add the day's extremes to the hours of days that are forecast whole."""
    days: dict[int, list[float]] = {}
    for row in rows:
        days.setdefault((row["at_s"] + LOCAL_OFFSET_S) // _DAY_S, []).append(row["temperature_c"])
    for row in rows:
        known = days[(row["at_s"] + LOCAL_OFFSET_S) // _DAY_S]
        if len(known) == 24:
            row["temperature_max_c"], row["temperature_min_c"] = max(known), min(known)
