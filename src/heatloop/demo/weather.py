"""A northern winter that is the same every time: weather as a function of seed and plant time.

Nothing is kept between calls, so a city can be started, stopped and replayed at any moment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

LATITUDE = 43.88
LONGITUDE = 125.32
LOCAL_OFFSET_S = 8 * 3600
_DAY_S = 86400.0
_TABLE = 4096
_CLEAR, _PARTLY, _OVERCAST, _LIGHT_SNOW, _SNOW = 0, 2, 3, 71, 73
"""WMO 4677 present-weather codes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """The weather at one moment."""

    outdoor_c: float
    """Air temperature."""
    wind_ms: float
    """Wind speed."""
    wind_deg: float
    """Direction it comes from."""
    sun_w_m2: float
    """Global horizontal radiation."""
    humidity_pct: float
    """Relative humidity."""
    cloud: float
    """Share of the sky covered, 0 to 1."""
    condition: int
    """WMO 4677 code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSettings:
    """What an operator of the demo can change."""

    offset_k: float = 0.0
    """Added to the temperature."""
    wind_factor: float = 1.0
    """Multiplies the wind."""
    cloud_factor: float = 1.0
    """Multiplies the cloud cover."""

    def changed(self, **values: float) -> WeatherSettings:
        """Return the settings with these values, each kept in a sensible range."""
        limits = {"offset_k": (-25.0, 25.0), "wind_factor": (0.0, 4.0), "cloud_factor": (0.0, 3.0)}
        kept = {
            name: min(max(float(value), limits[name][0]), limits[name][1])
            for name, value in values.items()
        }
        return replace(self, **kept)


class Winter:
    """The weather of one seed.

    Synoptic swings of 2 to 9 days (cold spells) lie under a daily wave that clouds damp. It stays
    winter all year round: the seasonal mean never rises above -3 degC.
    """

    __slots__ = ("_noise", "_waves")

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng((seed, 2))
        periods = (2.3, 3.7, 5.9, 9.1)
        heights = (1.6, 2.2, 2.6, 2.2)
        self._waves = tuple(
            (period * _DAY_S, height, float(rng.uniform(0.0, 2.0 * math.pi)))
            for period, height in zip(periods, heights, strict=True)
        )
        self._noise: list[list[float]] = [rng.uniform(-1.0, 1.0, _TABLE).tolist() for _ in range(4)]

    def at(self, plant_s: float, settings: WeatherSettings | None = None) -> Weather:
        """Return the weather at a plant time."""
        settings = settings or WeatherSettings()
        cloud = 0.5 + 0.55 * self._smooth(0, plant_s, 9.0) + 0.2 * self._smooth(1, plant_s, 2.0)
        cloud = min(max(cloud * settings.cloud_factor, 0.0), 1.0)
        wind = 3.2 + 2.6 * self._smooth(2, plant_s, 7.0) + 1.0 * self._smooth(1, plant_s, 0.7)
        wind = max(wind, 0.2) * settings.wind_factor
        local = (plant_s + LOCAL_OFFSET_S) % _DAY_S / 3600.0
        daily = (5.2 - 3.2 * cloud) * math.cos(2.0 * math.pi * (local - 14.5) / 24.0)
        temperature = _seasonal_c(plant_s) + daily + 0.8 * self._smooth(3, plant_s, 3.0)
        temperature += sum(
            height * math.sin(2.0 * math.pi * plant_s / period + phase)
            for period, height, phase in self._waves
        )
        temperature += settings.offset_k
        clear = _clear_sky_w_m2(plant_s)
        humidity = 48.0 + 30.0 * cloud - 1.6 * daily + 6.0 * self._smooth(1, plant_s, 4.0)
        return Weather(
            outdoor_c=temperature,
            wind_ms=wind,
            wind_deg=(285.0 + 70.0 * self._smooth(3, plant_s, 11.0)) % 360.0,
            sun_w_m2=clear * (1.0 - 0.78 * cloud**2.6),
            humidity_pct=min(max(humidity, 15.0), 98.0),
            cloud=cloud,
            condition=_condition(cloud, humidity),
        )

    def day_range_c(
        self, plant_s: float, settings: WeatherSettings | None = None
    ) -> tuple[float, float]:
        """Return the lowest and highest temperature of the local day so far."""
        midnight = plant_s - (plant_s + LOCAL_OFFSET_S) % _DAY_S
        count = int((plant_s - midnight) // 1800.0) + 1
        moments = [midnight + 1800.0 * i for i in range(count)] + [plant_s]
        found = [self.at(moment, settings).outdoor_c for moment in moments]
        return min(found), max(found)

    def _smooth(self, table: int, plant_s: float, hours: float) -> float:
        """Return smooth noise in -1..1 with one knot every so many hours."""
        place = plant_s / (3600.0 * hours)
        low = math.floor(place)
        part = place - low
        part = part * part * (3.0 - 2.0 * part)
        row = self._noise[table]
        return row[low % _TABLE] * (1.0 - part) + row[(low + 1) % _TABLE] * part


def _seasonal_c(plant_s: float) -> float:
    day = plant_s / _DAY_S % 365.2425
    return min(-7.0 - 4.5 * math.cos(2.0 * math.pi * (day - 18.0) / 365.2425), -3.0)


def _clear_sky_w_m2(plant_s: float) -> float:
    """Return clear-sky global radiation (Haurwitz, doi 10.1175/1520-0469(1945)002)."""
    day = plant_s / _DAY_S % 365.2425
    # Always a winter sun, to go with the winter air.
    winter_day = day if day < 90.0 or day > 300.0 else 60.0
    declination = math.radians(-23.44 * math.cos(2.0 * math.pi * (winter_day + 10.0) / 365.24))
    solar_hours = (plant_s / 3600.0 + LONGITUDE / 15.0) % 24.0
    angle = math.radians(15.0 * (solar_hours - 12.0))
    latitude = math.radians(LATITUDE)
    height = math.sin(latitude) * math.sin(declination)
    height += math.cos(latitude) * math.cos(declination) * math.cos(angle)
    return 1098.0 * height * math.exp(-0.057 / height) if height > 0.01 else 0.0


def _condition(cloud: float, humidity: float) -> int:
    if cloud < 0.25:
        return _CLEAR
    if cloud < 0.7:
        return _PARTLY
    if humidity < 76.0:
        return _OVERCAST
    return _SNOW if humidity > 84.0 else _LIGHT_SNOW


def gain_factor(plant_s: float) -> float:
    """Return people's and appliances' heat over its daily mean, by local time."""
    local = (plant_s + LOCAL_OFFSET_S) % _DAY_S / 3600.0
    evening = math.exp(-(((local - 19.5) / 2.4) ** 2))
    morning = math.exp(-(((local - 7.3) / 1.3) ** 2))
    return 0.72 + 1.05 * evening + 0.55 * morning
