"""The demo city's heat meters over a winter, and its weather forecasts as they were issued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.demo.city import City
from heatloop.demo.forecasts import forecast
from heatloop.forecast.bands import Floats

START_S = 1_793_462_400.0
"""1 November 2026, 00:00 in Shanghai."""
_HOUR_S, _SEED = 3600.0, 7


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CityWinter:
    """Hourly columns of a city."""

    city: City
    """The city at the end."""
    times_s: Floats
    """Beginning of each hour, shape (n,)."""
    load_kw: Floats
    """Mean heat of each station by its meter, last of all together, (n, n_station + 1)."""
    weather: dict[str, Floats]
    """As measured, mean of each hour."""

    def ahead(self, origin_s: float) -> dict[str, Floats]:
        """Return the weather as it was known at a moment: measured before, forecast after."""
        now = int((origin_s - self.times_s[0]) / _HOUR_S)
        told = forecast(
            self.city.winter, self.city.weather_settings, self.city.seed, origin_s, 120
        )["hours"]
        at = np.array([row["at_s"] for row in told], float)
        columns = {}
        for name, key in (("outdoor_c", "temperature_c"), ("wind_ms", "wind_ms"),
                          ("sun_w_m2", "solar_w_m2")):  # fmt: skip
            values = self.weather[name].copy()
            # Told for the hour's beginning (sun: for the hour before it); columns hold means.
            middle = self.times_s[now:] + (_HOUR_S if name == "sun_w_m2" else 0.5 * _HOUR_S)
            values[now:] = np.interp(middle, at, np.array([row[key] for row in told], float))
            columns[name] = values
        return columns


def winter(size: str, days: int) -> CityWinter:
    """Return a city's hours, regulated by its own curves; only meters are looked at.

    Args:
        size: A name of `demo.sizes.SIZES`.
        days: Length.
    """
    city = City(_SEED, size, START_S)
    city.controllers.self_regulating = True
    counters = [
        index for index, b in enumerate(city.memory.measured) if b.kind == "primary_heat_total"
    ]
    hours = days * 24
    seen = np.empty((hours + 1, len(counters)))
    sky = np.zeros((hours, 3))
    seen[0] = city.shown[counters]
    for hour in range(hours):
        for _ in range(12):
            city.step(300.0, show=False)
            now = city.weather
            sky[hour] += (now.outdoor_c / 12, now.wind_ms / 12, now.sun_w_m2 / 12)
        city.show()
        seen[hour + 1] = city.shown[counters]
    load = np.diff(seen, axis=0)
    return CityWinter(
        city=city,
        times_s=START_S + _HOUR_S * np.arange(hours, dtype=np.float64),
        load_kw=np.column_stack([load, load.sum(axis=1)]),
        weather={"outdoor_c": sky[:, 0], "wind_ms": sky[:, 1], "sun_w_m2": sky[:, 2]},
    )
