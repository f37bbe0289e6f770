"""Forecasts beside what came: hours matched with the observations of one source."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence

from heatloop.bridge.weather.skill import JUDGED, Pair, Skill, skill
from heatloop.store.records.weather import WeatherRecords, WeatherRow

_NEAR_S, _HOUR_S = 900.0, 3600.0
_MEAN = ("solar_w_m2",)
_MOST_ROWS = 100_000
_LEAST_IN_HOUR = 3


class Observed:
    """Observations of one source, found by time.

    Args:
        rows: By time; only those of quality good count.
    """

    def __init__(self, rows: Sequence[WeatherRow]) -> None:
        sure = [row for row in rows if row.values["quality"] == 0]
        self._rows = sorted(sure, key=lambda row: row.at_s)
        self._times = [row.at_s for row in self._rows]

    def value(self, quantity: str, at_s: float) -> float | None:
        """Return what was observed: nearest within a quarter of an hour, or the hour's mean."""
        if quantity in _MEAN:
            begin = bisect.bisect_right(self._times, at_s - _HOUR_S)
            end = bisect.bisect_right(self._times, at_s)
            known = [
                value
                for row in self._rows[begin:end]
                if (value := row.values[quantity]) is not None
            ]
            if len(known) >= _LEAST_IN_HOUR:
                return math.fsum(known) / len(known)
            # A file has one value an hour, which is the hour's mean already.
            if not known or self._times[end - 1] != at_s:
                return None
            return float(known[-1])
        place = bisect.bisect_left(self._times, at_s)
        near = [
            self._rows[i]
            for i in (place - 1, place)
            if 0 <= i < len(self._rows) and abs(self._times[i] - at_s) <= _NEAR_S
        ]
        near.sort(key=lambda row: abs(row.at_s - at_s))
        return next((v for row in near if (v := row.values[quantity]) is not None), None)


def skill_of(records: WeatherRecords, start_s: float, end_s: float, truth: str) -> list[Skill]:
    """Return how right the forecasts of the hours in [start, end) were; call it in a thread.

    Args:
        records: Forecasts and observations.
        start_s: First hour.
        end_s: End of the hours.
        truth: Source whose observations count.
    """
    _, rows = records.observations(
        start_s=start_s - _HOUR_S, end_s=end_s, source=truth, limit=_MOST_ROWS
    )
    if not rows:
        return []
    return skill(_pairs(records, Observed(rows), start_s, end_s))


def _pairs(
    records: WeatherRecords, observed: Observed, start_s: float, end_s: float
) -> Iterator[Pair]:
    seen: dict[tuple[str, float], float | None] = {}
    for source, known_s, row in records.forecasts_of(start_s, end_s, _MOST_ROWS):
        lead_h = (row.at_s - known_s) / _HOUR_S
        for quantity in JUDGED:
            forecast = row.values[quantity]
            if forecast is None:
                continue
            place = (quantity, row.at_s)
            if place not in seen:
                seen[place] = observed.value(quantity, row.at_s)
            came = seen[place]
            if came is not None:
                yield Pair(source, quantity, lead_h, forecast, came)
