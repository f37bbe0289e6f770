"""The winter: reproducible, cold in spells, sunny by day."""

import numpy as np
import pytest

from heatloop.demo.weather import WeatherSettings, Winter, gain_factor

JANUARY = 1767571200.0
HOURS = JANUARY + 3600.0 * np.arange(24 * 60)


def test_it_is_the_same_whenever_it_is_asked():
    first, again = Winter(7), Winter(7)
    assert [first.at(t) for t in HOURS[:50]] == [again.at(t) for t in reversed(HOURS[:50])][::-1]
    assert first.at(JANUARY) != Winter(8).at(JANUARY)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_has_cold_spells_and_milder_days(seed):
    daily = np.array([Winter(seed).at(t).outdoor_c for t in HOURS]).reshape(-1, 24).mean(axis=1)
    assert -16.0 < daily.mean() < -6.0
    assert daily.min() < -13.5
    assert daily.max() > daily.min() + 7.0
    assert np.abs(np.diff(daily)).max() < 9.0


def test_the_sun_shines_by_day_and_clouds_hold_it_back():
    winter = Winter(1)
    noon, midnight = JANUARY + 4 * 3600.0, JANUARY + 16 * 3600.0
    days = [noon + 86400.0 * i for i in range(30)]
    sun = np.array([winter.at(t).sun_w_m2 for t in days])
    assert 300.0 < sun.max() < 600.0
    assert winter.at(midnight).sun_w_m2 == 0.0
    cloudy = WeatherSettings().changed(cloud_factor=3.0)
    assert all(winter.at(t, cloudy).sun_w_m2 <= winter.at(t).sun_w_m2 for t in days)


def test_july_is_winter_too():
    assert Winter(1).at(JANUARY + 181 * 86400.0).outdoor_c < 8.0
    mean = np.mean(
        [Winter(1).at(JANUARY + 181 * 86400.0 + 3600.0 * i).outdoor_c for i in range(240)]
    )
    assert mean < 0.0


def test_settings_shift_and_are_kept_in_bounds():
    winter, colder = Winter(1), WeatherSettings().changed(offset_k=-6.0)
    gap = winter.at(JANUARY, colder).outdoor_c - winter.at(JANUARY).outdoor_c
    assert gap == pytest.approx(-6.0)
    assert WeatherSettings().changed(offset_k=-900.0).offset_k == -25.0
    calm = WeatherSettings().changed(wind_factor=0.0)
    assert winter.at(JANUARY, calm).wind_ms == 0.0


def test_the_days_range_holds_the_present():
    winter = Winter(1)
    for t in HOURS[:48]:
        low, high = winter.day_range_c(t)
        assert low <= winter.at(t).outdoor_c <= high


def test_people_warm_their_flats_most_in_the_evening():
    factors = [gain_factor(JANUARY + 1800.0 * i) for i in range(48)]
    assert np.mean(factors) == pytest.approx(1.0, abs=0.06)
    # 19:30 local is 11:30 UTC.
    assert np.argmax(factors) == 23
