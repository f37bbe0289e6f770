"""Heating seasons: as set, as measured, and what a forecast makes of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from heatloop.forecast.bands import Bands, Floats
from heatloop.forecast.forecaster import LoadForecaster
from heatloop.forecast.season import season_days
from heatloop.forecast.season_dates import seasons_of
from heatloop.kernel.errors import InputError
from tests.unit.forecast_towns import START_S, heat, hours, outdoor

# The made-up towns begin on 14 November 2023; heating from the 24th on, to 22 January.
FIRST, LAST, DAYS = 10, 70, 120


def town() -> tuple[Floats, Floats, dict[str, Floats]]:
    times = hours(DAYS)
    sky = outdoor(times)
    day = np.arange(DAYS * 24) // 24
    load = np.where((day >= FIRST) & (day < LAST), heat(times, sky), 0.0)
    return times, load, {"outdoor_c": sky}


def told(issue_day: int, load: Floats, *words: str, steps: int = 72) -> Bands:
    times, _, weather = town()
    made = LoadForecaster(zone="UTC", holidays="", seasons=seasons_of(words))
    start = START_S + issue_day * 86400.0
    return made.predict(times, load, weather, start_s=start, steps=steps)


def test_a_season_of_every_winter_and_one_given_by_its_dates() -> None:
    usual = season_days(seasons_of(["11-15/03-15"]), date(2024, 1, 1), 730)
    assert usual.sum() == 75 + 47 + 74 + 46  # 2024 is a leap year
    both = seasons_of(["11-15/03-15", "2024-11-08/2025-03-31"])
    days = season_days(both, date(2024, 11, 1), 400)
    assert [int(k) for k in np.flatnonzero(np.diff(days.astype(int)))] == [6, 150, 378]
    assert season_days((), date(2024, 1, 1), 3).all()


@pytest.mark.parametrize(
    "word", ["", "winter", "11-15", "13-01/03-15", "2024-11-15/03-15", "2025-11-15/2025-03-15"]
)
def test_words_that_are_no_season_are_named(word: str) -> None:
    with pytest.raises(InputError, match="not a heating season"):
        seasons_of([word])


def test_the_day_after_the_last_is_forecast_unheated_and_the_last_is_not() -> None:
    _, load, _ = town()
    bands = told(LAST - 1, load, "11-24/01-22")
    actual = load[(LAST - 1) * 24 :][:72]
    assert np.abs(bands.middle[:24] / actual[:24] - 1.0).mean() < 0.06
    assert not bands.middle[24:].any()
    blind = told(LAST - 1, load)
    assert np.mean(blind.middle[24:]) > 50.0


def test_the_first_days_of_heating_use_last_season() -> None:
    """A second winter begins; its first day is set, what it needs was learnt in the first."""
    times, load, weather = town()
    again = np.where(np.arange(DAYS) >= 110, 1.0, 0.0).repeat(24)
    load = np.where(again > 0, heat(times, weather["outdoor_c"]), load)
    words = ("2023-11-24/2024-01-22", "2024-03-03/2024-03-30")
    bands = told(110, load, *words)
    actual = load[110 * 24 :][:72]
    assert np.abs(bands.middle / actual - 1.0).mean() < 0.1
    assert not told(110, load).middle.any()  # nobody could know
    # From the second day on the load itself shows it; zeros of the summer teach nothing.
    later, blind = told(112, load, *words, steps=24), told(112, load, steps=24)
    for each in (later, blind):
        assert np.abs(each.middle / load[112 * 24 :][:24] - 1.0).mean() < 0.1


def test_heating_that_goes_on_after_the_last_day_is_believed() -> None:
    _, load, _ = town()
    bands = told(60, load, "11-24/12-31", steps=24)  # day 60 is 13 January
    assert np.abs(bands.middle / load[60 * 24 :][:24] - 1.0).mean() < 0.08


def test_heating_that_has_not_begun_is_believed_too() -> None:
    """A second winter was due two days ago; that nothing came says more than the date."""
    _, load, _ = town()
    words = ("2023-11-24/2024-01-22", "2024-03-03/2024-03-30")
    assert told(111, load, *words, steps=24).middle.mean() > 50.0
    assert not told(112, load, *words, steps=24).middle.any()


def test_a_load_now_and_then_has_no_seasons() -> None:
    day = np.arange(DAYS * 24) // 24
    load = np.where(day % 40 < 3, 500.0, 0.0)  # a stand-by boiler
    assert not told(100, load, steps=24).middle.any()


def test_hot_water_in_summer_stays_what_it_was() -> None:
    _, load, _ = town()
    water = 12.0 + 6.0 * np.cos(np.arange(len(load)) / 24.0 * 2.0 * np.pi)
    bands = told(100, load + water, "11-24/01-22", steps=24)
    np.testing.assert_allclose(bands.middle, water[:24], rtol=1e-9)


def test_seasons_are_kept_with_the_state() -> None:
    made = LoadForecaster(zone="UTC", seasons=seasons_of(["11-15/03-15"]))
    assert LoadForecaster.from_state(made.state()).seasons == made.seasons
