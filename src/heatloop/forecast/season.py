"""When a load is heated: seasons people set, and unheated stretches seen in what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.calendar import heating_seasons
from heatloop.forecast.grid import Grid
from heatloop.forecast.season_dates import Season

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_HEATED_SHARE, _UNHEATED_SHARE = 0.25, 0.05
_SURE_DAYS = 2
_GAP_DAYS, _LEAST_SEASON_DAYS = 28, 30
_REST_DAYS = 28


def season_days(seasons: Sequence[Season], start: date, days: int) -> Flags:
    """Return which days are heated by the seasons set, shape (days,); all if none is set.

    A winter that is given by its dates is not taken from a season of every winter.
    """
    if not seasons:
        return np.ones(days, bool)
    years = range(start.year - 1, (start + timedelta(days=days)).year + 1)
    given = [span for each in seasons if each.first[0] for span in each.spans(())]
    usual = [span for each in seasons if not each.first[0] for span in each.spans(years)]
    kept = [u for u in usual if not any(u[0] <= g[1] and g[0] <= u[1] for g in given)]
    heated = np.zeros(days, bool)
    for first, last in (*given, *kept):
        low, high = (first - start).days, (last - start).days + 1
        heated[max(low, 0) : max(high, 0)] = True
    return heated


def heated_steps(grid: Grid, issue: int, seasons: Sequence[Season]) -> Flags | None:
    """Return which steps are heated, shape (n, n_series); None where all are.

    Seasons that are set say what comes; what was measured has the last word on the past, and on
    the days ahead where the last two days were clearly otherwise than set. Without any, stretches
    of four weeks without heat part the past into seasons, and what comes is as the last day was.

    Args:
        grid: Measured columns; load from `issue` on is not looked at.
        issue: First step forecast.
        seasons: First and last days people have set.
    """
    per_day = grid.per_day
    days, known_days = -(-len(grid.load) // per_day), issue // per_day
    daily = _daily(grid.load[:issue], per_day, days)
    if seasons:
        start = datetime.fromtimestamp(grid.start_s, UTC).date()
        told = season_days(seasons, start, days)
        heated = np.stack([_corrected(told, column, known_days) for column in daily.T], axis=1)
    else:
        heated = np.stack([_seen(column) for column in daily.T], axis=1)
    if heated.all():
        return None
    return np.asarray(np.repeat(heated, per_day, axis=0)[: len(grid.load)])


def _daily(known: Floats, per_day: int, days: int) -> Floats:
    whole = np.full((days * per_day, known.shape[1]), np.nan)
    whole[: len(known)] = known
    folded = whole.reshape(days, per_day, -1)
    count = np.isfinite(folded).sum(axis=1)
    return np.asarray(np.where(count > 0, np.nansum(folded, axis=1) / np.maximum(count, 1), np.nan))


def _corrected(told: Flags, daily: Floats, known_days: int) -> Flags:
    """Return the days heated: as set, corrected by what was measured where the two part."""
    heated = told.copy()
    known = np.isfinite(daily)
    if not (known & told).any():
        return heated
    on = float(np.median(daily[known & told]))
    off = float(np.median(daily[known & ~told])) if (known & ~told).any() else 0.0
    if on <= off:
        return heated
    early = known & ~told & (daily > off + _HEATED_SHARE * (on - off))
    cold = known & told & (daily <= off + _UNHEATED_SHARE * (on - off))
    heated |= early
    turns = np.flatnonzero(np.diff(told.astype(np.int8))) + 1
    edges = [0, *turns.tolist(), len(told)]
    for first, end in pairwise(edges):
        if not told[first]:
            late = early[max(first, known_days - _SURE_DAYS) : min(end, known_days)]
            if first < known_days < end and len(late) == _SURE_DAYS and late.all():
                heated[known_days:end] = True
            continue
        # A season that began late or ended early; zeros amid it are the load's nature.
        before, after = _leading(cold[first:end]), _leading(cold[first:end][::-1])
        if before >= _SURE_DAYS:
            heated[first : end if first + before == known_days else first + before] = False
        if end <= known_days and after >= _SURE_DAYS:
            heated[end - after : end] = False
    return heated


def _leading(flags: Flags) -> int:
    return int(np.argmin(np.append(flags, False)))


def _seen(daily: Floats) -> Flags:
    """Return the days that lie in a season seen in the load; all where there are no seasons."""
    everything = np.ones(len(daily), bool)
    found = heating_seasons(daily, gap_days=_GAP_DAYS)
    if not found:
        return everything
    # Days nobody measured are no sign that heating is over.
    over = int(np.isfinite(daily[found[-1][1] + 1 :]).sum()) > _GAP_DAYS
    past = found if over else found[:-1]
    # Loads of a few days now and then, as of a stand-by boiler, have no seasons.
    if not past or min(last - first + 1 for first, last in past[-2:]) < _LEAST_SEASON_DAYS:
        return everything
    heated = np.zeros(len(daily), bool)
    for first, last in found:
        heated[first : last + 1] = True
    if found[0][0] <= _GAP_DAYS:
        heated[: found[0][0]] = True
    if not over:
        heated[found[-1][1] :] = True
    return heated


def resting(grid: Grid, issue: int, steps: int, heated: Flags) -> Floats:
    """Return 10 %, 50 % and 90 % quantiles of unheated steps, shape (3, steps, n_series).

    What the last unheated days with data held at that time of day; zero where there are none.

    Args:
        grid: Measured columns.
        issue: First step forecast.
        steps: How many steps ahead.
        heated: Which steps are heated, shape (n, n_series).
    """
    per_day = grid.per_day
    days = -(-issue // per_day)
    load = np.full((days * per_day, grid.load.shape[1]), np.nan)
    load[:issue] = np.where(heated[:issue], np.nan, grid.load[:issue])
    at = (issue + np.arange(steps)) % per_day
    told = np.zeros((3, steps, load.shape[1]))
    for column in range(load.shape[1]):
        folded = load[:, column].reshape(days, per_day)
        rows = folded[np.isfinite(folded).any(axis=1)][-_REST_DAYS:]
        if len(rows):
            usual = np.nanmedian(rows)
            filled = np.where(np.isfinite(rows), rows, usual)
            told[:, :, column] = np.quantile(filled, (0.1, 0.5, 0.9), axis=0)[:, at]
    return told
