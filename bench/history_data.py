"""Samples of the real shape: 4,000 substations of 60 points, with the meters' noise and steps.

They are twelve stations of the small city's winter day, each copy shifted in time, so that no two
stations show the same at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.loop_ledger import POINTS, STATIONS, city_readings
from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.port import DAY_S, HOUR_S, Origin, RollupColumns

START_S = 1_766_246_400
TICK_S = 30
SHIFT_TICKS = 7
HEAT_POWER = 1
"""Place of a point of heat power among the 60 of a station."""


@dataclass(frozen=True, slots=True)
class City:
    """What the meters of a city show, tick by tick."""

    readings: NDArray[np.float64]
    """Shape (n_tick, 12 stations, 60 points); the day repeats."""
    stations: int
    """Substations."""

    @classmethod
    def make(cls, stations: int, ticks: int) -> City:
        """Simulate so many ticks of a winter day."""
        return cls(np.stack(city_readings(START_S, ticks)), stations)

    @property
    def keys(self) -> NDArray[np.uint32]:
        """Return the keys of all points."""
        return np.arange(1, self.stations * POINTS + 1, dtype="u4")

    @property
    def heat_keys(self) -> NDArray[np.uint32]:
        """Return the key of one point a station, its heat power."""
        return np.arange(self.stations, dtype="u4") * np.uint32(POINTS) + np.uint32(1 + HEAT_POWER)

    def tick(self, number: int) -> Columns:
        """Return one sweep of all points."""
        station = np.arange(self.stations)
        shown = self.readings[
            (number + station * SHIFT_TICKS) % len(self.readings), station % STATIONS
        ]
        rows = self.stations * POINTS
        slots = np.full(rows, START_S + TICK_S * number, "u4")
        return Columns(self.keys, slots, shown.ravel(), np.zeros(rows, "u1"))

    def ticks(self, first: int, many: int) -> Columns:
        """Return sweeps one after the other."""
        return concat([self.tick(number) for number in range(first, first + many)])


def windows(
    keys: NDArray[np.uint32], start_s: int, many: int, step_s: int, per: int = 2_000
) -> Iterator[RollupColumns]:
    """Yield roll-up windows of a winter: a daily and a yearly wave with noise, by runs of points.

    Args:
        keys: Points.
        start_s: First window.
        many: Windows a point.
        step_s: Length of a window.
        per: Points a run.
    """
    random = np.random.default_rng(7)
    slots = np.arange(start_s, start_s + many * step_s, step_s, dtype="u4")
    wave = 400 + 150 * np.sin(slots / (58 * DAY_S)) + 60 * np.sin(slots / (DAY_S / 6.28))
    count = DAY_S // TICK_S * step_s // DAY_S
    for at in range(0, len(keys), per):
        some = keys[at : at + per]
        rows = len(some) * many
        mean = np.round(np.tile(wave, len(some)) + random.normal(0, 5, rows), 1)
        each, none = np.full(rows, count, "u4"), np.zeros(rows, "u4")
        yield RollupColumns(
            keys=np.repeat(some, many),
            slots=np.tile(slots, len(some)),
            count=each,
            low=mean - 12,
            mean=mean,
            high=mean + 12,
            integral=mean * (step_s / HOUR_S),
            last=mean + 1,
            good_count=each,
            uncertain_count=none,
            bad_count=none,
            stale_count=none,
            estimated_count=none,
            origin=np.full(rows, Origin.SIMULATED, "u1"),
        )
