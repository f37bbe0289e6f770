"""What a forecast may look at: arrays by origin, lead and series, none of them from the future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.grid import Grid, smoothed

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

OUTDOOR, WIND, SUN = "outdoor_c", "wind_ms", "sun_w_m2"
_BASE_C = 18.0
_KNOTS_C = (5.0, -5.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Design:
    """Inputs of the linear and of the boosted model for some origins."""

    origins: Index
    """First step forecast by each, shape (n_origin,)."""
    linear: Floats
    """Inputs of the ridge, shape (n_origin, n_lead, n_series, n_input)."""
    more: Floats
    """Further inputs of the trees, shape (n_origin, n_lead, n_series, n_more)."""
    linear_is_load: NDArray[np.bool_]
    """Which of the ridge's inputs are loads, shape (n_input,)."""
    more_is_load: NDArray[np.bool_]
    """Which of the further inputs are loads, shape (n_more,)."""
    target: Floats
    """What came, nan where unknown, shape (n_origin, n_lead, n_series)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """A grid made ready: gaps of the load bridged, weather smoothed, the calendar worked out."""

    grid: Grid
    """The measured columns."""
    filled: Floats
    """Load with gaps bridged by the baseline, for lags only, shape (n, n_series)."""
    known: Floats
    """Load as measured, nan from the moment of issue on, shape (n, n_series)."""
    expected: Floats
    """The baseline's value, shape (n, n_series)."""
    weather: Mapping[str, Floats]
    """Columns without gaps, shape (n, n_series) or (n, 1)."""
    offday: Floats
    """1 on weekends and holidays, shape (n,)."""


def prepare(grid: Grid, expected: Floats, offday: Floats, until: int) -> Prepared:
    """Return the grid made ready.

    Args:
        grid: Measured columns.
        expected: The baseline's value of each step, shape (n, n_series).
        offday: 1 on weekends and holidays, shape (n,).
        until: Steps before this one are known.
    """
    known = grid.load.copy()
    known[until:] = np.nan
    return Prepared(
        grid=grid,
        known=known,
        filled=np.where(np.isfinite(known), known, expected),
        expected=expected,
        weather=grid.weather,
        offday=offday,
    )


def design(ready: Prepared, origins: Index, steps: int, *, more: bool) -> Design:
    """Return the inputs for some origins; each sees loads before itself only.

    Args:
        ready: From `prepare`.
        origins: First steps forecast, all at the same time of day.
        steps: How many steps ahead.
        more: Whether to work out what only the trees use.
    """
    day = ready.grid.per_day
    lead = np.arange(steps)
    at = origins[:, None] + lead
    whole_days = (lead // day + 1) * day
    maker = _Maker(ready, origins, at, at - whole_days, at - whole_days - day)
    linear, linear_is_load = maker.linear()
    target = np.where((at < len(ready.known))[..., None], _take(ready.known, at), np.nan)
    rest, rest_is_load = maker.more() if more else ([], [])
    return Design(
        origins=origins,
        linear=_stacked(linear),
        more=_stacked(rest) if more else np.empty((*target.shape, 0)),
        linear_is_load=np.array(linear_is_load, bool),
        more_is_load=np.array(rest_is_load, bool),
        target=target,
    )


def _stacked(columns: list[Floats]) -> Floats:
    """Return inputs along the last axis; each lies in one piece, as they are used one by one."""
    return np.moveaxis(np.stack(columns), 0, -1)


def _take(values: Floats, at: Index) -> Floats:
    """Return rows by index, kept inside the array."""
    return np.asarray(values[np.clip(at, 0, len(values) - 1)])


class _Maker:
    def __init__(self, ready: Prepared, origins: Index, at: Index, lag: Index, lag2: Index) -> None:
        self._ready, self._origins, self._at, self._lag, self._lag2 = ready, origins, at, lag, lag2
        self._day = ready.grid.per_day
        self._shape = (*at.shape, ready.filled.shape[1])

    def _wide(self, values: Floats) -> Floats:
        return np.broadcast_to(values, self._shape)

    def _before(self, values: Floats, steps: int) -> Floats:
        """Return the mean over the last steps before each origin, (n_origin, 1, n_series)."""
        total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        low = np.clip(self._origins - steps, 0, len(values))
        return np.asarray(((total[self._origins] - total[low]) / steps)[:, None, :])

    def linear(self) -> tuple[list[Floats], list[bool]]:
        """Return the inputs of the ridge, and which of them are loads."""
        y = self._ready.filled
        week = -(-(self._at - self._origins[:, None] + 1) // (7 * self._day)) * 7 * self._day
        lagged = _take(y, self._lag)
        recent = self._before(y, self._day)
        columns = [
            lagged,
            _take(y, self._lag2),
            _take(y, self._at - week),
            self._wide(recent),
            self._wide(self._before(y, max(self._day // 8, 1))),
            np.mean([_take(y, self._lag - k * self._day) for k in range(7)], axis=0),
        ]
        loads = len(columns)
        off = self._ready.offday[:, None]
        columns += [_take(off, self._at), _take(off, self._lag)]
        for name, values in self._ready.weather.items():
            columns += self._of_weather(name, values)
        is_load = [n < loads for n in range(len(columns))]
        return [self._wide(c) for c in columns], is_load

    def _of_weather(self, name: str, values: Floats) -> list[Floats]:
        if name == OUTDOOR:
            hour = max(self._day // 24, 1)
            fast, slow = smoothed(values, 3 * hour), smoothed(values, 24 * hour)
            need = np.maximum(_BASE_C - fast, 0.0)
            columns = [_take(need, self._at), _take(need, self._lag)]
            columns += [_take(slow, self._at), _take(slow, self._lag), _take(values, self._at)]
            columns += [np.maximum(knot - _take(fast, self._at), 0.0) for knot in _KNOTS_C]
            return columns
        return [_take(values, self._at), _take(values, self._lag)]

    def more(self) -> tuple[list[Floats], list[bool]]:
        """Return the further inputs of the trees, and which of them are loads."""
        y, expected = self._ready.filled, self._ready.expected
        hour = max(self._day // 24, 1)
        before = self._origins[:, None] - 1
        columns = [_take(expected, self._at), _take(expected, self._lag)]
        columns += [_take(y, self._lag + k * hour) for k in (-2, -1)]
        # Steps after the lagged one may lie past the origin: only what is known then.
        columns += [_take(y, np.minimum(self._lag + k * hour, before)) for k in (1, 2)]
        columns.append(_take(y, self._lag2 - self._day))
        columns.append(self._wide(self._before(y - expected, self._day)))
        columns.append(self._wide(self._before(y, 7 * self._day)))
        loads = len(columns)
        columns += self._of_clock(hour) + self._of_outdoor(hour)
        return [self._wide(c) for c in columns], [n < loads for n in range(len(columns))]

    def _of_clock(self, hour: int) -> list[Floats]:
        grid = self._ready.grid
        lead = (self._at - self._origins[:, None]) / hour
        of_day = self._at % self._day * (grid.step_s / 3600.0)
        weekday = (grid.start_s + self._at * grid.step_s) // 86400 + 3
        return [lead[..., None], of_day[..., None], (weekday % 7)[..., None].astype(float)]

    def _of_outdoor(self, hour: int) -> list[Floats]:
        outdoor = self._ready.weather.get(OUTDOOR)
        if outdoor is None:
            return []
        # Nothing past the last step forecast: no weather is known of it.
        last = self._at[:, -1:]
        columns = [
            _take(outdoor, np.minimum(self._at + k * hour, last))
            for k in (-12, -8, -5, -3, -2, -1, 1, 3)
        ]
        columns.append(_take(smoothed(outdoor, 72 * hour), self._at))
        columns.append(_take(outdoor, self._at) - _take(outdoor, self._lag))
        return columns
