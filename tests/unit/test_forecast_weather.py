"""The weather forecasts are made with: means of hours, and how far such forecasts were off."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from heatloop.app.forecast_issue import Issuer
from heatloop.app.forecast_settings import ForecastSettings, check_forecast
from heatloop.app.forecast_weather import FORECAST, OBSERVED, PERSISTENCE, WeatherTable, ahead
from heatloop.app.forecast_weather_error import forecast_error, outdoor_error, persistence_error
from heatloop.app.weather_read import ForecastAsOf, WeatherRead
from heatloop.bridge.weather.model import Hour
from heatloop.forecast.forecaster import LoadForecaster, typical_error_k
from heatloop.kernel.errors import ConfigError
from tests.unit.forecast_towns import heat, hours, outdoor

HOUR, DAY = 3600, 86400
NOW = 1_800_000_000 // DAY * DAY


def told(start: int, hours: int, miss: float = 0.0) -> ForecastAsOf:
    """A temperature that rises by a kelvin an hour, and sun of 100 W/m2 in the third hour."""
    rows = [
        Hour(
            at_s=start + n * HOUR,
            temperature_c=(start + n * HOUR - NOW) / HOUR + miss,
            solar_w_m2=100.0 if n == 3 else 0.0,
        )
        for n in range(hours)
    ]
    return ForecastAsOf(source="any", known_s=start, issued_s=None, hours=tuple(rows))


def table(source: str, hours: int = 72, days: int = 40) -> WeatherTable:
    times = np.arange(NOW - days * DAY, NOW + hours * HOUR, HOUR)
    rising = (times - NOW) / HOUR + 0.5
    return WeatherTable(times_s=times, columns={"temperature_c": rising}, source=source)


class Told:
    """A service that is always off by so much from the second day on."""

    def __init__(self, miss: float) -> None:
        self.miss, self.asked = miss, list[float]()

    async def forecast_as_of(
        self, known_at_s: float, start_s: float, end_s: float, source: str = ""
    ) -> ForecastAsOf:
        assert known_at_s <= start_s
        self.asked.append(known_at_s)
        return told(int(start_s), int(end_s - start_s) // HOUR, self.miss)


def test_a_forecast_is_told_as_means_of_hours_as_weather_is_measured() -> None:
    found = ahead(told(NOW, 6), NOW, 5)
    np.testing.assert_allclose(found["temperature_c"], [0.5, 1.5, 2.5, 3.5, 4.5])
    # Radiation told for three o'clock is the mean of the hour from two to three.
    np.testing.assert_allclose(found["solar_w_m2"], [0.0, 0.0, 100.0, 0.0, 0.0])
    assert np.isnan(found["wind_ms"]).all()
    beyond = ahead(told(NOW, 3), NOW, 5)["temperature_c"]
    assert np.isnan(beyond[3:]).all()
    assert np.isfinite(beyond[:3]).all()


async def test_the_error_is_what_past_forecasts_were_off_by() -> None:
    good, bad = Told(0.0), Told(6.0)
    usual = typical_error_k(72, HOUR)
    for service, low, high in ((good, 0.0, 0.7), (bad, 1.5, 10.0)):
        error = await outdoor_error(cast(WeatherRead, service), table(FORECAST), NOW, float(NOW))
        assert error is not None
        ratio = error / usual
        assert (ratio > low).all()
        assert (ratio < high).all()
        assert max(service.asked) <= NOW - DAY  # only forecasts whose hours have come
        if service is bad:
            assert np.abs(error[24:48].mean() - 6.0) < 1.0


async def test_weather_that_came_is_certain_and_yesterdays_is_not() -> None:
    nobody = cast(WeatherRead, Told(0.0))
    assert await outdoor_error(nobody, table(OBSERVED), NOW, float(NOW)) is None
    error = await outdoor_error(nobody, table(PERSISTENCE), NOW, float(NOW))
    assert error is not None
    # It rises by 24 K a day: so much is yesterday's off, and more the day after.
    np.testing.assert_allclose(error[[0, 24, 48]], [24.0, 48.0, 72.0])
    unknown = persistence_error(np.full(10, np.nan), 24)
    assert (unknown > typical_error_k(24, HOUR)).all()


def test_without_any_comparison_the_usual_error_is_taken() -> None:
    ratio = forecast_error(np.full((3, 48), np.nan)) / typical_error_k(48, HOUR)
    # A fifth wider, for nobody knows how good this service is.
    np.testing.assert_allclose(ratio, 1.22)


def test_bands_of_live_forecasts_cover_what_they_say() -> None:
    """Thirty issues, each by a fresh worker, on weather forecasts half as bad again as usual."""
    days, issues, steps = 70, 30, 48
    times = hours(days)
    sky = outdoor(times)
    load = heat(times, sky)
    rng = np.random.default_rng(5)
    wave = np.empty((days, steps))
    wave[:, 0] = rng.normal(size=days)
    for lead in range(1, steps):  # errors of one issue hang together from hour to hour
        wave[:, lead] = 0.95 * wave[:, lead - 1] + np.sqrt(1 - 0.95**2) * rng.normal(size=days)
    miss = 1.5 * typical_error_k(steps, HOUR) * wave
    inside: dict[bool, list[float]] = {True: [], False: []}
    for day in range(days - issues - 2, days - 2):
        told, now = sky.copy(), day * 24
        told[now : now + steps] += miss[day]
        known = np.full((21, steps), np.nan)
        for n in range(1, 22):
            known[n - 1, : n * 24] = miss[day - n][: n * 24]
        for learnt in (True, False):
            bands = LoadForecaster(zone="UTC", holidays="").predict(
                times, load, {"outdoor_c": told}, start_s=times[now], steps=steps,
                outdoor_error_k=forecast_error(known) if learnt else None,
            )  # fmt: skip
            came = load[now : now + steps]
            inside[learnt].append(float(np.mean((came >= bands.low) & (came <= bands.high))))
    assert 0.74 <= np.mean(inside[True]) <= 0.88
    assert np.mean(inside[False]) < 0.6  # as if the weather ahead were certain


def test_history_reaches_into_the_last_season() -> None:
    settings = ForecastSettings(history_days=120, heating_seasons=("11-15/03-15",))
    nothing = cast(Any, None)
    issuer = Issuer(nothing, nothing, settings, "Asia/Shanghai")
    first_day = 1_794_700_800 // DAY * DAY  # 15 November 2026
    back = (first_day - issuer.begin(first_day)) // DAY
    assert back == 364  # all of last winter but its first day, and the summer between
    assert (first_day + 200 * DAY - issuer.begin(first_day + 200 * DAY)) // DAY == 199
    plain = Issuer(nothing, nothing, ForecastSettings(history_days=120), "Asia/Shanghai")
    assert (first_day - plain.begin(first_day)) // DAY == 120


def test_a_season_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"forecast.heating_seasons = winter"):
        check_forecast(ForecastSettings(heating_seasons=("winter",)))
