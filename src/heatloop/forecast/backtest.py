"""A back-test with a rolling origin: each forecast is made from what was known at its moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.bands import Floats
from heatloop.forecast.forecaster import LoadForecaster
from heatloop.forecast.grid import DAY_S, wall_clock
from heatloop.forecast.metrics import band_scores, scores
from heatloop.kernel.errors import InputError

Ahead = Callable[[float], Mapping[str, Floats]]
"""Weather as it was forecast at a moment: whole columns, as measured before it."""
LEAST_DAYS = 14
"""Days of data before the first forecast."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Backtest:
    """Forecasts beside what came, one row an origin."""

    start_s: Floats
    """First step of each forecast, shape (n_origin,)."""
    actual: Floats
    """Shape (n_origin, n_lead, n_series), nan where unknown."""
    low: Floats
    """10 % quantile, same shape."""
    middle: Floats
    """Median, same shape."""
    high: Floats
    """90 % quantile, same shape."""
    persistence: Floats
    """The same time of the last day known, same shape."""
    weekly: Floats
    """The same time of the last week known, same shape."""
    naive_error: Floats
    """Mean absolute error of a day's persistence before the first origin, shape (n_series,)."""
    training_s: float
    """Seconds spent learning and forecasting."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Mean weight of each component at the last origin."""
    explained: Mapping[str, float] = field(default_factory=dict)
    """The change-point line of the first series at the last origin."""

    def report(self, series: int | None = None) -> dict[str, dict[str, float]]:
        """Return scores of the model, of persistence and of the weekly naive.

        Args:
            series: One series; None: all together.
        """
        pick = slice(None) if series is None else slice(series, series + 1)
        y = self.actual[..., pick]
        naive = (
            float(np.nanmean(self.naive_error[pick]))
            if np.isfinite(self.naive_error[pick]).any()
            else float("nan")
        )
        model = scores(y, self.middle[..., pick], naive)
        model |= band_scores(y, self.low[..., pick], self.middle[..., pick], self.high[..., pick])
        found = {"model": model}
        for name, values in (("persistence_24h", self.persistence), ("weekly_naive", self.weekly)):
            found[name] = scores(y, values[..., pick], naive)
        return found


def origins_of(
    times_s: Floats, zone: str, from_s: float, issue_h: float, every_h: float, horizon_s: float
) -> Floats:
    """Return the moments of issue, seconds since 1970 UTC, at even steps of the wall clock.

    Args:
        times_s: Measured times, ascending.
        zone: Zone of the wall clock.
        from_s: None before this.
        issue_h: Hour of the day.
        every_h: Hours between issues, a divisor or multiple of 24.
        horizon_s: At least the first day of it must lie within the data.
    """
    grid = np.arange(np.floor(from_s / 900.0) * 900.0, times_s[-1] + 900.0, 900.0)
    wall = wall_clock(grid, zone)
    chosen = grid[(np.mod(wall - issue_h * 3600.0, every_h * 3600.0) == 0.0) & (grid >= from_s)]
    last = times_s[-1] - min(horizon_s, DAY_S) + 3600.0
    return np.asarray(chosen[chosen <= last])


def backtest(
    forecaster: LoadForecaster,
    times_s: Floats,
    load: Floats,
    weather: Mapping[str, Floats],
    origins_s: Floats,
    steps: int,
    *,
    stopwatch: Callable[[], float],
    ahead: Ahead | None = None,
    outdoor_error_k: Floats | None = None,
    told: Callable[[int], None] = lambda _: None,
    boost: bool = True,
) -> Backtest:
    """Return forecasts made one after another.

    At each origin the forecaster is handed columns that end with its horizon and whose load from
    the origin on is blank, so it cannot look ahead. Weather ahead is what `ahead` says was
    forecast; without it the weather that came, a perfect forecast.

    Args:
        forecaster: A fresh one.
        times_s: On the forecaster's steps, ascending, shape (n,).
        load: Shape (n, n_series).
        weather: By name, shape (n,) or (n, n_series).
        origins_s: Moments of issue, ascending.
        steps: How many steps ahead.
        stopwatch: Seconds of whatever clock measures the effort.
        ahead: Weather columns as known at a moment, of the same length as `times_s`.
        outdoor_error_k: Standard error of its outdoor temperature by lead, shape (steps,).
        told: Called with the number of origins done.
        boost: Whether to train the trees.

    Raises:
        InputError: Too little data before the first origin, or no origin at all.
    """
    if not len(origins_s):
        raise InputError(
            "没有可回测的起报时刻 no moment of issue lies in the data",
            fix="choose an earlier --from or a shorter horizon",
        )
    step = forecaster.step_s
    before = times_s < origins_s[0]
    days = len(np.unique(times_s[before & np.isfinite(load).any(axis=1)] // DAY_S))
    if days < LEAST_DAYS:
        raise InputError(
            f"起报前只有 {days} 天数据 only {days} days of data before the first forecast",
            fix=f"at least {LEAST_DAYS} are needed: choose a later --from",
        )
    shape = (len(origins_s), steps, load.shape[1])
    low, middle, high = (np.full(shape, np.nan) for _ in range(3))
    spent, last = 0.0, None
    for k, origin in enumerate(origins_s.tolist()):
        end = int(np.searchsorted(times_s, origin + steps * step - 0.5))
        blank = np.where((times_s[:end] < origin)[:, None], load[:end], np.nan)
        seen = weather if ahead is None else ahead(origin)
        columns = {name: values[:end] for name, values in seen.items()}
        began = stopwatch()
        if boost:
            forecaster.fit(times_s[:end], blank, columns, start_s=origin, steps=steps)
        last = forecaster.outcome(
            times_s[:end],
            blank,
            columns,
            start_s=origin,
            steps=steps,
            outdoor_error_k=outdoor_error_k,
        )
        spent += stopwatch() - began
        low[k], middle[k], high[k] = last.low, last.middle, last.high
        told(k + 1)
    actual, persistence, weekly = _beside(times_s, load, origins_s, steps, step)
    return Backtest(
        start_s=origins_s,
        actual=actual,
        low=low,
        middle=middle,
        high=high,
        persistence=persistence,
        weekly=weekly,
        naive_error=_naive_error(times_s[before], load[before], step),
        training_s=spent,
        weights={} if last is None else last.blend.mean_weights(),
        explained={} if last is None else last.baseline.explained(0),
    )


def _beside(
    times_s: Floats, load: Floats, origins_s: Floats, steps: int, step: int
) -> tuple[Floats, Floats, Floats]:
    """Return what came and what two naive forecasts would have said."""
    ahead_s = np.arange(steps) * float(step)
    at = origins_s[:, None] + ahead_s
    day = at - (ahead_s // DAY_S + 1) * DAY_S
    week = at - (ahead_s // (7 * DAY_S) + 1) * 7 * DAY_S
    # Where yesterday is missing the day before stands in, and so on for a week.
    persistence = _look(times_s, load, day)
    for _ in range(6):
        day = day - DAY_S
        persistence = np.where(np.isfinite(persistence), persistence, _look(times_s, load, day))
    return _look(times_s, load, at), persistence, _look(times_s, load, week)


def _look(times_s: Floats, load: Floats, at_s: Floats) -> Floats:
    place: NDArray[np.intp] = np.searchsorted(times_s, at_s - 0.5)
    inside = np.minimum(place, len(times_s) - 1)
    found = np.abs(times_s[inside] - at_s) < 0.5
    return np.asarray(np.where(found[..., None], load[inside], np.nan))


def _naive_error(times_s: Floats, load: Floats, step: int) -> Floats:
    error = np.abs(load - _look(times_s, load, times_s - DAY_S))
    count = np.isfinite(error).sum(axis=0)
    return np.asarray(np.where(count > 0, np.nansum(error, axis=0) / np.maximum(count, 1), np.nan))
