"""The explained baseline: a change-point line per hour of day (ASHRAE Guideline 14, model 3P).

Heat = base + slope * max(balance temperature - outdoor temperature, 0), the balance temperature one
per series, base and slope for each time of day. It needs little history and its numbers mean
something, so it is the fallback of a young station and what is told to people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.features import OUTDOOR
from heatloop.forecast.grid import Grid, smoothed

Floats = NDArray[np.float64]

_BALANCES_C = tuple(np.arange(24.0, 7.9, -2.0))
_GAIN = 0.005
"""A lower balance temperature must explain so much more; else the line goes on to zero."""
_WARM_SHARE = 0.02
_HALF_LIFE_DAYS = 30.0
_SHRINK = 4.0
"""Days of belief in the slope of the whole day, against that of one time of day."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Baseline:
    """A change-point line of each series."""

    balance_c: Floats
    """Outdoor temperature above which no heating is needed, shape (n_series,); nan: no weather."""
    base: Floats
    """Load at and above it, by time of day, shape (n_per_day, n_series)."""
    slope: Floats
    """Load per kelvin below it, by time of day, same shape."""
    warm: NDArray[np.bool_]
    """Series that have seen days above their balance temperature, shape (n_series,)."""
    expected: Floats
    """Value of each step of the grid, shape (n, n_series)."""

    def explained(self, series: int) -> dict[str, float]:
        """Return the line in numbers; W/K holds where the load is in kW.

        Where no warm day was seen, the balance temperature is where the line comes to zero.
        """
        balance = float(self.balance_c[series])
        slope, base = float(np.mean(self.slope[:, series])), float(np.mean(self.base[:, series]))
        if not self.warm[series] and slope > 0.0:
            balance, base = min(max(balance + base / slope, 5.0), 35.0), 0.0
        return {"balance_c": balance, "w_k": slope * 1000.0, "base": base}


def fit_baseline(grid: Grid, until: int, days: int) -> Baseline:
    """Return the change-point line learned from the last days that hold data.

    Args:
        grid: Measured columns.
        until: Steps before this one are known.
        days: How many days with data to look at.
    """
    day = grid.per_day
    whole = -(-len(grid.load) // day)
    load = np.full((whole * day, grid.load.shape[1]), np.nan)
    load[:until] = grid.load[:until]
    folded = load.reshape(whole, day, -1)
    seen = np.flatnonzero(np.isfinite(folded).any(axis=(1, 2)))[-days:]
    age = np.arange(len(seen))[::-1]
    weight = 0.5 ** (age / _HALF_LIFE_DAYS)
    outdoor = grid.weather.get(OUTDOOR)
    y = folded[seen]
    if outdoor is None:
        base = _mean(y, weight)
        whole_base = np.tile(base, (whole, 1))[: len(grid.load)]
        nothing = np.full(base.shape[1], np.nan)
        return Baseline(
            balance_c=nothing,
            base=base,
            slope=np.zeros_like(base),
            warm=np.zeros(base.shape[1], bool),
            expected=whole_base,
        )
    return _scan(grid, y, seen, weight, _felt(outdoor, day))


def _felt(outdoor: Floats, day: int) -> tuple[Floats, ...]:
    """Return what buildings may feel of the weather: heavy and light walls mixed, heavy, light."""
    hour = max(day / 24.0, 1.0)
    light = smoothed(outdoor, 3.0 * hour)
    mixed = 0.6 * smoothed(outdoor, 18.0 * hour) + 0.4 * light
    return np.asarray(mixed), smoothed(outdoor, 24.0 * hour), light


def _mean(y: Floats, weight: Floats) -> Floats:
    good = np.isfinite(y)
    w = weight[:, None, None] * good
    total = np.sum(w, axis=0)
    mean = np.sum(w * np.where(good, y, 0.0), axis=0) / np.maximum(total, 1e-12)
    all_day = np.sum(mean * total, axis=0) / np.maximum(total.sum(axis=0), 1e-12)
    return np.asarray(np.where(total > 0, mean, all_day))


def _scan(
    grid: Grid, y: Floats, seen: NDArray[np.intp], weight: Floats, felts: tuple[Floats, ...]
) -> Baseline:
    day, series = grid.per_day, grid.load.shape[1]
    size = len(grid.load)
    hour = np.arange(size) % day
    best = np.full(series, np.inf)
    balance = np.full(series, np.nan)
    base, slope = np.zeros((day, series)), np.zeros((day, series))
    warm, expected = np.zeros(series, bool), np.full((size, series), np.nan)
    sums = _Sums(y, weight)
    for felt in felts:
        at = np.minimum(seen[:, None] * day + np.arange(day), size - 1)
        began = best.copy()
        need = np.maximum(np.array(_BALANCES_C)[:, None, None, None] - felt[at], 0.0)
        for k, (a, b, error) in enumerate(sums.lines(need)):
            better = error < best * (1.0 - _GAIN)
            best = np.where(better, error, best)
            balance = np.where(better, _BALANCES_C[k], balance)
            warm = np.where(better, sums.share(need[k] <= 0.0) >= _WARM_SHARE, warm)
            base, slope = np.where(better, a, base), np.where(better, b, slope)
        told = base[hour] + slope[hour] * np.maximum(np.nan_to_num(balance) - felt, 0.0)
        expected = np.where((best < began) | np.isnan(expected), told, expected)
    return Baseline(balance_c=balance, base=base, slope=slope, warm=warm, expected=expected)


class _Sums:
    """What lines by time of day are learned from.

    Args:
        y: Loads, nan where unknown, shape (n_day, n_per_day, n_series).
        weight: Of each day, shape (n_day,).
    """

    def __init__(self, y: Floats, weight: Floats) -> None:
        good = np.isfinite(y)
        w = weight[:, None, None] * good
        y0 = np.where(good, y, 0.0)
        self._total = np.maximum(w.sum(axis=0), 1e-12)
        self._mean = (w * y0).sum(axis=0) / self._total
        off = w * np.where(good, y - self._mean, 0.0)
        self._square = np.einsum("dhs,dhs->hs", off, np.where(good, y - self._mean, 0.0))
        # By time of day, then series, then day: as products of matrices want them.
        self._good, self._weight, self._off = (
            np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (good.astype(float), w, off)
        )
        self._steps = np.maximum(good.sum(axis=(0, 1)), 1)

    def _product(self, x: Floats, of: Floats) -> Floats:
        """Return sums over days, shape (n_candidate, n_per_day, n_series)."""
        if x.shape[-1] == 1:
            return np.asarray((x[..., 0].transpose(2, 0, 1) @ of).swapaxes(0, 1))
        return np.asarray(np.einsum("cdhs,hds->chs", x, of))

    def share(self, which: NDArray[np.bool_]) -> Floats:
        """Return the share of known steps among some, shape (n_series,).

        Args:
            which: Shape (n_day, n_per_day, 1 or n_series).
        """
        found = self._product(which[None].astype(float), self._good)[0]
        return np.asarray(found.sum(axis=0) / self._steps)

    def lines(self, x: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield base and slope by time of day, slope drawn to the day's own, and squared errors.

        Args:
            x: Candidates of what loads rise with, shape (n_candidate, n_day, n_per_day, 1 or
                n_series).
        """
        total = self._total
        sums = zip(
            self._product(x, self._weight),
            self._product(x * x, self._weight),
            self._product(x, self._off),
            strict=True,
        )
        for first, second, sxy in sums:
            mx = first / total
            sxx = np.maximum(second - first * mx, 0.0)
            common = sxy.sum(axis=0) / np.maximum(sxx.sum(axis=0), 1e-9)
            spread = sxx.sum(axis=0) / np.maximum(total.sum(axis=0), 1e-12)
            pull = _SHRINK * np.maximum(spread, 1e-6)
            slope = np.maximum((sxy + pull * common) / (sxx + pull), 0.0)
            error = self._square - 2.0 * slope * sxy + slope**2 * sxx
            yield self._mean - slope * mx, slope, error.sum(axis=0)
