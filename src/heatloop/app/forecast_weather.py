"""The weather forecasts are made with: what was measured, and what was forecast, with known-at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.forecast_history import FIELDS, table_of
from heatloop.app.history import AsyncHistorian
from heatloop.app.weather_points import KEPT_KINDS, STATION_KINDS, kept_keys
from heatloop.app.weather_read import ForecastAsOf, WeatherRead
from heatloop.app.world import World
from heatloop.store.historian.port import DAY_S, HOUR_S

Floats = NDArray[np.float64]
SUN = "solar_w_m2"
QUANTITIES = ("temperature_c", "wind_ms", SUN, "humidity_pct")
"""Columns handed to the forecaster."""
FORECAST, PERSISTENCE, OBSERVED = "forecast", "persistence", "observed"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WeatherTable:
    """Weather on one grid of time."""

    times_s: NDArray[np.int64]
    """Start of each hour, shape (n,)."""
    columns: dict[str, Floats]
    """By quantity, shape (n,); nan where nobody knows."""
    source: str
    """What the part ahead is: `forecast`, `persistence` or `observed`."""
    error_k: Floats | None = None
    """Standard error of the temperature ahead, shape (n_hour_ahead,); None: it is certain."""


def _keys(world: World) -> dict[str, list[int]]:
    """Return point keys by quantity, those that are believed first."""
    found: dict[str, list[int]] = {name: [] for name in QUANTITIES}
    for node in world.layout.weather:
        for name in QUANTITIES:
            key = node.keys.get(STATION_KINDS[name])
            if key is not None:
                found[name].append(key)
    for name, (_, key) in kept_keys(world).items():
        if name in found and name in KEPT_KINDS:
            found[name].append(key)
    return found


async def measured(
    world: World, historian: AsyncHistorian, start_s: int, end_s: int
) -> dict[str, Floats]:
    """Return the measured weather of [start, end) by the hour; nan where nobody measured it."""
    steps = (end_s - start_s) // HOUR_S
    by_name = _keys(world)
    keys = sorted({key for several in by_name.values() for key in several})
    columns = {name: np.full(steps, np.nan) for name in QUANTITIES}
    if not keys or steps <= 0:
        return columns
    rows = await historian.rollup(np.asarray(keys, "u4"), start_s, end_s, HOUR_S, fields=FIELDS)
    table = table_of(rows, keys, start_s, steps, HOUR_S)
    for name, several in by_name.items():
        for key in several:
            own = table[:, keys.index(key)]
            columns[name] = np.where(np.isfinite(columns[name]), columns[name], own)
    return columns


async def weather_table(
    world: World,
    historian: AsyncHistorian,
    weather: WeatherRead,
    *,
    start_s: int,
    issue_s: int,
    end_s: int,
    known_at_s: float,
) -> WeatherTable:
    """Return measured weather up to an issue and forecast weather after it, by the hour.

    Args:
        world: Which points.
        historian: What was measured.
        weather: What was forecast.
        start_s: First hour.
        issue_s: Nothing measured from this hour on is used.
        end_s: End.
        known_at_s: No forecast that became known later is used.
    """
    columns = await measured(world, historian, start_s, issue_s)
    hours = (end_s - issue_s) // HOUR_S
    told = ahead(await weather.forecast_as_of(known_at_s, issue_s, end_s + HOUR_S), issue_s, hours)
    source = FORECAST if np.isfinite(told["temperature_c"]).any() else PERSISTENCE
    for name, values in columns.items():
        columns[name] = np.concatenate([values, _filled(told[name], values)])
    times = np.arange(start_s, end_s, HOUR_S, dtype="i8")
    return WeatherTable(times_s=times, columns=columns, source=source)


def ahead(told: ForecastAsOf | None, start_s: int, hours: int) -> dict[str, Floats]:
    """Return a forecast as means of hours, as weather is measured; nan where it says nothing.

    A service tells the state at a time and the radiation of the hour before it. Gaps of some hours
    are bridged by straight lines.

    Args:
        told: The forecast, up to an hour past the last one wanted.
        start_s: Begin of the first hour.
        hours: How many hours.
    """
    found = {name: np.full(hours, np.nan) for name in QUANTITIES}
    if told is None:
        return found
    begins = start_s + HOUR_S * np.arange(hours)
    for name in QUANTITIES:
        known = [(each.at_s, each.value(name)) for each in told.hours]
        pairs = [(at, float(value)) for at, value in known if value is not None]
        if len(pairs) >= 2:
            at, values = np.array(pairs).T
            meant = begins + (HOUR_S if name == SUN else HOUR_S / 2)
            # The hour that runs has no forecast any more; the next one stands for it.
            found[name] = np.interp(meant, at, values)
            found[name][begins > at[-1]] = np.nan
    return found


def _filled(ahead: Floats, before: Floats) -> Floats:
    """Return the weather ahead, where it is not known as it was a day before."""
    day = DAY_S // HOUR_S
    last = before[-day:]
    if len(last) < day:
        return ahead
    again = np.resize(last, len(ahead))
    return np.where(np.isfinite(ahead), ahead, again)
