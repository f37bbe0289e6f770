"""Columns on an even grid of wall-clock time, the one shape everything else here works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Floats = NDArray[np.float64]
DAY_S = 86400
_MOST_YEARS = 20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Grid:
    """Load and weather at even steps of wall-clock time.

    People and night set-backs follow the wall clock, so where summer time exists the grid does
    too: the hour that runs twice is averaged, the one that is skipped stays empty.
    """

    start_s: int
    """Wall-clock seconds of the first step, a multiple of a day."""
    step_s: int
    """Length of a step, divides a day."""
    load: Floats
    """Shape (n, n_series), nan where missing or of bad quality."""
    weather: Mapping[str, Floats]
    """By name, shape (n, 1) or (n, n_series), without gaps."""

    @property
    def per_day(self) -> int:
        """Steps a day."""
        return DAY_S // self.step_s

    @property
    def time_of_day_h(self) -> Floats:
        """Hour of the day of each step, shape (n,)."""
        n = np.arange(len(self.load))
        return np.asarray(n % self.per_day * (self.step_s / 3600.0))

    def at(self, wall_s: float) -> int:
        """Return the step that begins at a wall-clock time."""
        return round((wall_s - self.start_s) / self.step_s)


def wall_clock(times_s: Floats, zone: str) -> Floats:
    """Return times of plant as seconds of wall-clock time.

    Args:
        times_s: Seconds since 1970 UTC, ascending, shape (n,).
        zone: IANA zone; "UTC" leaves them alone.

    Raises:
        InputError: There is no such zone.
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError("没有这个时区 no such time zone", thing=zone) from error
    days = np.floor(times_s / DAY_S)
    shift = np.empty(len(times_s))
    for day in np.unique(days):
        here = days == day
        first, last = (_offset_s(day * DAY_S + s, place) for s in (0, DAY_S - 1))
        if first == last:
            shift[here] = first
        else:
            shift[here] = [_offset_s(t, place) for t in times_s[here]]
    return np.asarray(times_s + shift)


def _offset_s(time_s: float, place: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(time_s, UTC).astimezone(place).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def gridded(
    times_s: Floats, load: Floats, weather: Mapping[str, Floats], step_s: int, zone: str
) -> Grid:
    """Return columns on a grid.

    Args:
        times_s: Beginning of each step, seconds since 1970 UTC, ascending, shape (n,).
        load: Shape (n,) or (n, n_series), nan where missing.
        weather: By name, shape (n,) or (n, n_series).
        step_s: Length of a step, divides a day.
        zone: IANA zone of the wall clock.

    Raises:
        InputError: Columns do not fit together, or span an impossible time.
    """
    times_s = np.asarray(times_s, float)
    load = _wide(load, len(times_s), "load")
    if not len(times_s):
        raise InputError("没有数据 no rows", thing="load")
    if step_s <= 0 or DAY_S % step_s:
        raise InputError("步长须整除一天 a step must divide a day", thing=f"{step_s} s")
    wall = wall_clock(times_s, zone)
    start = int(wall.min() // DAY_S) * DAY_S
    place = np.floor((wall - start) / step_s + 1e-6).astype(np.intp)
    size = int(place.max()) + 1
    if size > _MOST_YEARS * 366 * DAY_S // step_s:
        raise InputError("时间跨度过长 the times span too long", thing=f"{size} steps")
    return Grid(
        start_s=start,
        step_s=step_s,
        load=_placed(load, place, size),
        weather={
            name: _bridged(_placed(_wide(values, len(times_s), name), place, size))
            for name, values in weather.items()
        },
    )


def _wide(values: Floats, rows: int, name: str) -> Floats:
    values = np.asarray(values, float)
    wide = values[:, None] if values.ndim == 1 else values
    if wide.ndim != 2 or len(wide) != rows:
        raise InputError(
            "行数不一致 columns differ in length", thing=name, place=f"{len(values)} / {rows}"
        )
    return wide


def _placed(values: Floats, place: NDArray[np.intp], size: int) -> Floats:
    """Return the mean of what falls into each step, nan where nothing does."""
    if len(np.unique(place)) == len(place):
        alone = np.full((size, values.shape[1]), np.nan)
        alone[place] = np.where(np.isfinite(values), values, np.nan)
        return alone
    result = np.full((size, values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        good = np.isfinite(values[:, column])
        count = np.bincount(place[good], minlength=size)
        total = np.bincount(place[good], values[good, column], minlength=size)
        result[:, column] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def _bridged(values: Floats) -> Floats:
    """Return weather with gaps bridged by straight lines, its ends held."""
    result = values.copy()
    n = np.arange(len(values))
    for column in range(values.shape[1]):
        good = np.isfinite(values[:, column])
        if good.all():
            continue
        result[:, column] = (
            np.interp(n, n[good], values[good, column]) if good.any() else np.zeros(len(n))
        )
    return result


def smoothed(values: Floats, steps: float) -> Floats:
    """Return exponential smoothing with a time constant in steps, along the first axis."""
    from scipy.signal import lfilter

    keep = float(np.exp(-1.0 / steps))
    first = values[:1]
    result, _ = lfilter([1.0 - keep], [1.0, -keep], values, axis=0, zi=first * keep)
    return np.asarray(result)
