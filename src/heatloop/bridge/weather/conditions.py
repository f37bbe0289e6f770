"""Words for the sky: WMO 4677 codes in two languages, and other people's codes as these."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import cache
from importlib import resources

from heatloop.kernel.errors import InputError


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@cache
def conditions() -> Mapping[int, tuple[str, str]]:
    """Return (Chinese, English) by code."""
    return {int(row["code"]): (row["zh"], row["en"]) for row in _rows("conditions.csv")}


@cache
def _icons() -> Mapping[int, int]:
    return {int(row["icon"]): int(row["code"]) for row in _rows("qweather_icons.csv")}


def words(code: int | None) -> tuple[str, str]:
    """Return (Chinese, English) of a code; one without words is shown by its number."""
    if code is None:
        return "", ""
    return conditions().get(code, (f"天气代码 {code}", f"weather code {code}"))


def from_qweather(icon: object) -> int | None:
    """Return the code of a QWeather icon; None for 900, 901 (hot, cold), 999 and new ones.

    Raises:
        InputError: It is no number.
    """
    try:
        return _icons().get(int(str(icon)))
    except ValueError as error:
        raise InputError("not a condition code", thing=str(icon)[:20]) from error
