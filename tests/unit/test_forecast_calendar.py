"""Days off of the calendar, by notice and by rule."""

from datetime import date

import numpy as np

from heatloop.forecast.calendar import day_off, days_off, heating_seasons, holiday


def test_notice_beats_the_weekday() -> None:
    assert day_off(date(2024, 2, 12), "CN")  # Monday of Spring Festival
    assert holiday(date(2024, 2, 12)) == "spring_festival"
    assert not day_off(date(2024, 2, 4), "CN")  # Sunday worked for it
    assert day_off(date(2024, 2, 4), "")
    assert not day_off(date(2024, 2, 12), "")


def test_a_year_without_notice_follows_the_rules() -> None:
    off = {date(2028, 1, 1), date(2028, 1, 25), date(2028, 2, 1), date(2028, 5, 28)}
    assert all(day_off(day, "CN") for day in off)
    assert not day_off(date(2028, 1, 24), "CN")
    assert not day_off(date(2028, 2, 2), "CN")


def test_days_off_is_an_array_from_a_day_on() -> None:
    assert days_off(date(2025, 1, 24), 7, "CN").tolist() == [0, 1, 0, 0, 1, 1, 1]


def test_heating_seasons_part_at_the_summer() -> None:
    daily = np.concatenate([np.full(100, 50.0), np.full(200, 0.5), np.full(80, 60.0)])
    daily[50] = np.nan
    daily[60:65] = 0.0
    assert heating_seasons(daily) == [(0, 99), (300, 379)]
