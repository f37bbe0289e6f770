"""The table of a back-test: found columns, even steps, and what was odd about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from heatloop.cli.clean_files import Floats, numbers, read
from heatloop.cli.clean_times import time_heading, times
from heatloop.forecast.features import OUTDOOR
from heatloop.forecast.grid import DAY_S, wall_clock
from heatloop.kernel.errors import InputError

_STEPS_S = (900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
_OUTDOOR_WORDS = (
    "outdoor", "outside", "ambient", "t_amb", "t_out", "tout", "tamb", "t_ext", "air_temp",
    "air_t", "drybulb", "dry_bulb", "aussen", "室外", "气温", "外温", "环境温度", "temp",
)  # fmt: skip
_ZERO_CELSIUS_K = 273.15
_LEAST_KNOWN, _LEAST_DAYS, _MOST_WEATHER = 0.3, 5, 1e5
_LATEST_S = 7.26e9
"""About the year 2200."""
_LEAST_RISING = 48
_WILD = 10.0
"""Readings above so many times the 99 % quantile are no readings: not learned, not scored."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """A table at even steps of wall-clock time."""

    times_s: Floats
    """Wall-clock seconds of each step, without holes, shape (n,)."""
    load: Floats
    """Mean of what fell into the step, nan where nothing did, shape (n,)."""
    weather: dict[str, Floats]
    """By name, `outdoor_c` the temperature, shape (n,)."""
    step_s: int
    """Length of a step."""
    zone: str
    """Zone of the wall clock, "" if the table does not tell."""
    notes: dict[str, object]
    """What was odd."""


def measured(
    path: Path, time: str, target: str, weather: list[str], zone: str, step_s: int
) -> Measured:
    """Return the table.

    Args:
        path: File.
        time: Heading of the time column, "" to look for it.
        target: Heading of the load.
        weather: Headings of what is known ahead.
        zone: Zone of naive times; "" takes them as wall clock of an unknown place.
        step_s: Length of a step; 0 finds it.

    Raises:
        InputError: A column is missing or holds nothing usable.
    """
    table = read(path)
    if not table.num_rows:
        raise InputError("表中没有数据 the table is empty", thing=str(path))
    heading = time_heading(table, time)
    _check_column(table, target, heading)
    for name in weather:
        if name == target:
            raise InputError(
                "预测目标不能作为已知量 the target is not known ahead",
                thing=name,
                fix="leave it out of --weather",
            )
        _check_column(table, name, heading)
    own = getattr(table.schema.field(heading).type, "tz", None)
    place = zone or str(own or "UTC")
    found = times(table, heading, place)
    # Counts since another epoch, or of no time at all, are no times of a plant.
    readable = np.isfinite(found.seconds) & (np.abs(found.seconds) < _LATEST_S)
    if not readable.any():
        raise InputError(
            "时间列不是时间 this column holds no times of this age",
            thing=heading,
            fix="give --time, or write 2026-01-31 08:15:00",
        )
    order = np.argsort(found.seconds[readable], kind="stable")
    seconds = found.seconds[readable][order]
    wall = wall_clock(seconds, place)
    step = step_s or _step_of(wall)

    def column(name: str) -> Floats:
        return numbers(table, name)[readable][order]

    start = float(np.floor(wall.min() / step) * step)
    bins = np.floor((wall - start) / step + 1e-6).astype(np.intp)
    size = int(bins.max()) + 1
    if size > 20 * 366 * DAY_S // step:
        raise InputError(
            "时间跨度超过二十年 the times span more than twenty years",
            thing=heading,
            fix="check the time column",
        )
    load = column(target)
    if not np.isfinite(load).any():
        raise InputError(
            "目标列没有数值 the target holds no numbers", thing=target, fix="check --target"
        )
    wild = np.abs(load) > _WILD * np.nanquantile(np.abs(load), 0.99)
    load[wild] = np.nan
    notes: dict[str, object] = {
        "implausible": int(wild.sum()),
        "rows": table.num_rows,
        "unreadable_times": int((~readable).sum()),
        "double_steps": int(len(bins) - len(np.unique(bins))),
        "cumulative": _rises(load),
        "missing_steps": int(size - len(np.unique(bins[np.isfinite(load)]))),
    }
    columns, outdoor, dropped = _weather({name: column(name) for name in weather}, load, wall)
    notes["outdoor_column"] = outdoor
    notes["dropped_weather"] = dropped
    return Measured(
        times_s=start + step * np.arange(size, dtype=float),
        load=_binned(load, bins, size),
        weather={name: _binned(values, bins, size) for name, values in columns.items()},
        step_s=step,
        zone=zone or str(own or ""),
        notes=notes,
    )


def _check_column(table: pa.Table, name: str, time: str) -> None:
    if name not in table.column_names:
        raise InputError(
            "没有这一列 no such column",
            thing=name,
            fix=f"use one of: {', '.join(table.column_names[:20])}",
        )
    if name == time:
        raise InputError("这是时间列 this is the time column", thing=name)
    kind = table.schema.field(name).type
    if pat.is_timestamp(kind) or pat.is_date(kind):
        raise InputError("不是数值列 this column holds times, not numbers", thing=name)


def _rises(load: Floats) -> bool:
    """Return whether the values only ever rise, as a meter's reading does."""
    change = np.diff(load[np.isfinite(load)])
    return bool(len(change) >= _LEAST_RISING and np.mean(change >= 0.0) > 0.99 and change.any())


def _step_of(wall: Floats) -> int:
    gaps = np.diff(wall)
    gaps = gaps[gaps > 1.0]
    if not len(gaps):
        raise InputError("只有一个时刻 there is only one moment", fix="give more rows")
    middle = float(np.median(gaps))
    return min(_STEPS_S, key=lambda step: abs(np.log(step / middle)))


def _binned(values: Floats, bins: np.ndarray, size: int) -> Floats:
    good = np.isfinite(values)
    count = np.bincount(bins[good], minlength=size)
    total = np.bincount(bins[good], values[good], minlength=size)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _weather(
    given: dict[str, Floats], load: Floats, wall: Floats
) -> tuple[dict[str, Floats], str | None, list[str]]:
    """Return usable columns with the outdoor one renamed, its heading, and those left out."""
    usable: dict[str, Floats] = {}
    dropped = []
    for name, values in given.items():
        limited = np.where(np.abs(values) < _MOST_WEATHER, values, np.nan)
        if np.isfinite(limited).mean() < _LEAST_KNOWN or np.nanstd(limited) == 0.0:
            dropped.append(name)
        else:
            usable[name] = limited
    outdoor = _outdoor(usable, load, wall)
    result: dict[str, Floats] = {}
    for name, values in usable.items():
        if name == outdoor:
            if np.nanmedian(values) > 200.0:
                values = values - _ZERO_CELSIUS_K
            result[OUTDOOR] = np.where(np.abs(values) <= 60.0, values, np.nan)
        else:
            result["x_" + name] = values
    return result, outdoor, dropped


def _ranks(values: Floats) -> Floats:
    """Return ranks, so that one wild reading does not decide."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)


def _outdoor(columns: dict[str, Floats], load: Floats, wall: Floats) -> str | None:
    """Return the heading of the outdoor temperature, by name or by what the load falls with."""
    # Means of days: within a day the load follows people more than the weather.
    days = np.unique(wall // DAY_S, return_inverse=True)[1]
    size = int(days.max()) + 1
    heat = _binned(load, days, size)
    falls = {}
    for name, values in columns.items():
        daily = _binned(np.where(np.abs(values) < _MOST_WEATHER, values, np.nan), days, size)
        both = np.isfinite(daily) & np.isfinite(heat)
        if both.sum() >= _LEAST_DAYS and np.std(heat[both]) > 0 and np.std(daily[both]) > 0:
            falls[name] = -float(np.corrcoef(_ranks(daily[both]), _ranks(heat[both]))[0, 1])
    named = [n for n in columns if any(word in n.lower() for word in _OUTDOOR_WORDS)]
    best = max(named, key=lambda n: falls.get(n, -1.0), default=None)
    if best is not None and falls.get(best, 0.0) > 0.1:
        return best
    other = max(falls, key=lambda n: falls[n], default=None)
    return other if other is not None and falls[other] > 0.4 else None
