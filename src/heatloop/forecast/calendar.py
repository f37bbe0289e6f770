"""Days off: weekends, Chinese public holidays with their make-up work days, and the heating season.

`holidays_cn.csv` holds the days of the State Council's yearly notices. A year whose notice is not
in the table is worked out by the rules of the regulation on public holidays (as of 2025) from the
lunar dates of `lunar_festivals.csv`, without make-up days, which no rule foretells.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FIXED = ((1, 1, 1), (4, 5, 1), (5, 1, 5), (10, 1, 7))
"""Month, day, length: New Year, Qingming, Labour Day, National Day."""


def day_off(day: date, holidays: str) -> bool:
    """Return whether people stay at home.

    Args:
        day: Calendar day.
        holidays: "CN", or "" for weekends only.
    """
    weekend = day.weekday() >= 5
    if holidays != "CN":
        return weekend
    noticed, years = _notices()
    if day.year in years:
        kind = noticed.get(day)
        return weekend if kind is None else kind == "off"
    return weekend or day in _by_rule(day.year)


def holiday(day: date) -> str:
    """Return the public holiday a Chinese day off belongs to, "" if none."""
    return {row: name for row, kind, name in _rows() if kind == "off"}.get(day, "")


def days_off(start_day: date, days: int, holidays: str) -> Floats:
    """Return 1 for each day off, shape (days,)."""
    return np.array(
        [float(day_off(start_day + timedelta(days=n), holidays)) for n in range(days)], float
    )


def heating_seasons(
    daily: Floats, least: float = 0.05, gap_days: int = 14
) -> list[tuple[int, int]]:
    """Return first and last day of each stretch of heating seen in daily means of a load.

    A stretch ends where some weeks stay below a share of the load's usual height.

    Args:
        daily: Mean load of each day, nan where unknown, shape (n_day,).
        least: Share of the 90 % quantile below which a day counts as unheated.
        gap_days: Days below it after which the stretch is over.
    """
    known = np.isfinite(daily)
    if not known.any():
        return []
    heated = np.flatnonzero(known & (daily > least * np.nanquantile(daily, 0.9)))
    if not len(heated):
        return []
    breaks = np.flatnonzero(np.diff(heated) > gap_days)
    first = np.concatenate([[0], breaks + 1])
    last = np.concatenate([breaks, [len(heated) - 1]])
    return [(int(heated[a]), int(heated[b])) for a, b in zip(first, last, strict=True)]


@cache
def _rows() -> tuple[tuple[date, str, str], ...]:
    return tuple(
        (date.fromisoformat(row["date"]), row["kind"], row["holiday"])
        for row in _table("holidays_cn.csv")
    )


@cache
def _notices() -> tuple[dict[date, str], frozenset[int]]:
    kinds = {day: kind for day, kind, _ in _rows()}
    return kinds, frozenset(day.year for day in kinds)


@cache
def _by_rule(year: int) -> frozenset[date]:
    found = {
        date(year, month, first) + timedelta(days=n)
        for month, first, length in _FIXED
        for n in range(length)
    }
    for row in _table("lunar_festivals.csv"):
        if int(row["year"]) == year:
            new_year = date.fromisoformat(row["spring_festival"])
            # New Year's Eve and the seven days after it.
            found |= {new_year + timedelta(days=n) for n in range(-1, 7)}
            found |= {date.fromisoformat(row[name]) for name in ("dragon_boat", "mid_autumn")}
    return frozenset(found)


def _table(name: str) -> list[dict[str, str]]:
    text = files("heatloop.forecast").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
