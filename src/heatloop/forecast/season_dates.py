"""Heating seasons as people set them: first and last days, of one winter or of every winter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from heatloop.kernel.errors import InputError

_DAY = r"(?:(\d{4})-)?(\d{1,2})-(\d{1,2})"
_FORM = re.compile(rf"\s*{_DAY}\s*/\s*{_DAY}\s*")
_LEAP_YEAR = 2024


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """First and last day of heating: of one winter, or of every winter."""

    first: tuple[int, int, int]
    """Year, month, day; year 0 for every winter."""
    last: tuple[int, int, int]
    """The same of the last day."""

    def spans(self, years: Sequence[int]) -> list[tuple[date, date]]:
        """Return first and last days of the winters that begin in these years."""
        if self.first[0]:
            return [(date(*self.first), date(*self.last))]
        over = self.last[1:] < self.first[1:]
        return [(_date(y, self.first), _date(y + 1 if over else y, self.last)) for y in years]


def seasons_of(words: Sequence[str]) -> tuple[Season, ...]:
    """Return seasons from words: `11-15/03-15`, or of one winter `2025-11-08/2026-03-31`.

    Raises:
        InputError: It is no such word, no such day, or ends before it begins.
    """
    return tuple(_season(word) for word in words)


def _season(word: str) -> Season:
    found = _FORM.fullmatch(word)
    wrong = InputError(
        "不是采暖期 not a heating season", thing=word, fix="11-15/03-15 or 2025-11-08/2026-03-31"
    )
    if found is None:
        raise wrong
    first, last = ((int(found[k] or 0), int(found[k + 1]), int(found[k + 2])) for k in (1, 4))
    if bool(first[0]) != bool(last[0]):
        raise wrong
    try:
        days = [date(y or _LEAP_YEAR, m, d) for y, m, d in (first, last)]
    except ValueError as error:
        raise wrong from error
    if first[0] and not 0 <= (days[1] - days[0]).days < 366:
        raise wrong
    return Season(first=first, last=last)


def _date(year: int, day: tuple[int, int, int]) -> date:
    try:
        return date(year, *day[1:])
    except ValueError:  # 29 February of a year that has none
        return date(year, 3, 1)
