"""One issue of a forecast: all components, their past, the blend and the band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.baseline import Baseline, fit_baseline
from heatloop.forecast.blend import COMPONENTS, Blend, choose
from heatloop.forecast.book import (
    BLOCK_DAYS,
    BOOK_DAYS,
    RIDGE_DAYS,
    Book,
    Lines,
    components,
    fill_book,
    missing_pages,
    wall_s,
)
from heatloop.forecast.boosted import Boosted
from heatloop.forecast.calendar import days_off
from heatloop.forecast.conformal import stretch, widths
from heatloop.forecast.features import OUTDOOR, Prepared, design, prepare
from heatloop.forecast.grid import DAY_S, Grid
from heatloop.forecast.guards import drifted

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_LEAST_SHARE = 0.5
_Z90 = 1.2816


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outcome:
    """A forecast on the wall clock, with what it rests on."""

    low: Floats
    """10 % quantile, shape (n_lead, n_series)."""
    middle: Floats
    """Median, same shape."""
    high: Floats
    """90 % quantile, same shape."""
    blend: Blend
    """Weights and recent skill."""
    baseline: Baseline
    """The line that explains the load."""
    drift: NDArray[np.bool_]
    """Series whose last days do not fit what was learned, shape (n_series,)."""


def past_origins(grid: Grid, issue: int, steps: int, most: int) -> Index:
    """Return earlier moments of issue whose first day is known, newest first.

    Args:
        grid: Measured columns.
        issue: First step forecast.
        steps: How many steps ahead.
        most: How many at most.
    """
    day = grid.per_day
    candidates = np.arange(issue - day, -1, -day, dtype=np.intp)
    good = np.isfinite(grid.load).mean(axis=1)
    total = np.concatenate([[0.0], np.cumsum(good)])
    ends = np.minimum(candidates + min(day, steps), issue)
    share = (total[ends] - total[candidates]) / np.maximum(ends - candidates, 1)
    least = min(_LEAST_SHARE, 0.5 * float(share.max(initial=0.0)) + 1e-9)
    return np.asarray(candidates[share >= least][:most])


def ready_at(grid: Grid, issue: int, holidays: str) -> tuple[Baseline, Prepared]:
    """Return the baseline and the columns as they are known at an issue."""
    baseline = fit_baseline(grid, issue, RIDGE_DAYS)
    start = datetime.fromtimestamp(grid.start_s, UTC).date()
    days = days_off(start, len(grid.load) * grid.step_s // DAY_S + 1, holidays)
    offday = np.repeat(days, grid.per_day)[: len(grid.load)]
    return baseline, prepare(grid, baseline.expected, offday, issue)


def scale_of(grid: Grid, issue: int) -> Floats:
    """Return the height of each series in its last 60 days with data, shape (n_series,)."""
    known = grid.load[:issue]
    rows = np.flatnonzero(np.isfinite(known).any(axis=1))[-60 * grid.per_day :]
    part = np.abs(known[rows])
    count = np.isfinite(part).sum(axis=0)
    return np.asarray(np.where(count > 0, np.nansum(part, axis=0) / np.maximum(count, 1), np.nan))


def issue_forecast(
    grid: Grid,
    issue: int,
    steps: int,
    *,
    holidays: str,
    floor: float | None,
    trees: Sequence[Boosted],
    book: Book,
    thin: int = 1,
    outdoor_error_k: Floats | None = None,
) -> Outcome:
    """Return the forecast made at a moment, and keep its components in the book.

    Args:
        grid: Columns through the horizon; load from `issue` on is not looked at.
        issue: First step forecast.
        steps: How many steps ahead.
        holidays: "CN" or "".
        floor: Least possible value.
        trees: Trained ones, oldest first; each speaks for times after its training only.
        book: Past forecasts at this time of day; missing ones are made up as they would have been.
        thin: In the past, trees are asked for every so many leads only.
        outdoor_error_k: Standard error of the outdoor temperature forecast by lead, shape
            (n_lead,). Forecasts of the past that were made up afterwards saw the weather that
            came, so their errors lack this part and it is added to the band.
    """
    known = grid.load.copy()
    known[issue:] = np.nan
    grid = replace(grid, load=known)
    baseline, ready = ready_at(grid, issue, holidays)
    history = past_origins(grid, issue, steps, RIDGE_DAYS + BOOK_DAYS)
    scale = scale_of(grid, issue)
    missing = missing_pages(book, grid, history)
    # Only days that are learned from; the inputs of trees only where trees will speak.
    learned = history[: (missing[-1] + 1 if missing else 0) + RIDGE_DAYS]
    lines = Lines(design(ready, learned, steps, more=False))
    pages = np.concatenate([history[missing], [issue]])
    now = design(ready, pages, steps, more=bool(trees))
    fill_book(book, grid, now, history, missing, lines, trees, scale, thin)
    line = lines.learned(0, issue)
    current = components(now, len(missing), line, baseline, trees, scale, grid, 1)
    current[-1] = 0.0
    book[wall_s(grid, issue)] = current
    past = history[:BOOK_DAYS][::-1]
    told = np.array([book[wall_s(grid, o)] for o in past]).reshape(-1, *current.shape)
    actual = _actual(grid, past, steps)
    count = len(COMPONENTS)
    blend, drift = _weigh(told[:, :count], actual)
    middle = blend.mix(current[:count])
    mixed = blend.mix(told[:, :count]) if len(told) else actual
    low, high = _band(middle, current, mixed, told, actual, scale, grid.per_day)
    if outdoor_error_k is not None and OUTDOOR in grid.weather:
        blind = float(np.mean(told[:, -1])) if len(told) else 1.0
        colder, less = _colder(ready, baseline, issue, outdoor_error_k)
        page = design(colder, np.array([issue]), steps, more=bool(trees))
        cold = components(page, 0, line, less, trees, scale, grid, 1)
        extra = _Z90 * np.sqrt(blind) * np.nan_to_num(blend.mix(cold[:count]) - middle)
        low, high = middle - np.hypot(middle - low, extra), middle + np.hypot(high - middle, extra)
    if floor is not None:
        low, middle, high = (np.maximum(x, floor) for x in (low, middle, high))
    _forget(book, grid, past, issue)
    return Outcome(low=low, middle=middle, high=high, blend=blend, baseline=baseline, drift=drift)


def _colder(
    ready: Prepared, baseline: Baseline, issue: int, error_k: Floats
) -> tuple[Prepared, Baseline]:
    """Return inputs and baseline as they would be were it colder ahead by the weather's error.

    What the models make of it is how much of that error becomes one of heat.
    """
    outdoor, ahead = ready.weather[OUTDOOR].copy(), slice(issue, issue + len(error_k))
    outdoor[ahead] -= error_k[: len(outdoor) - issue, None]
    at = np.arange(issue, min(issue + len(error_k), len(baseline.expected)))
    expected = baseline.expected.copy()
    expected[at] += baseline.slope[at % ready.grid.per_day] * error_k[: len(at), None]
    weather = {**ready.weather, OUTDOOR: outdoor}
    cold = replace(
        ready,
        weather=weather,
        expected=expected,
        filled=np.where(np.isfinite(ready.known), ready.known, expected),
    )
    return cold, replace(baseline, expected=expected)


def _weigh(told: Floats, actual: Floats) -> tuple[Blend, NDArray[np.bool_]]:
    blend = choose(told, actual)
    if not len(told):
        return blend, np.zeros(actual.shape[-1], bool)
    errors = actual - blend.mix(told)
    count = np.isfinite(errors).sum(axis=1)
    daily = np.where(count > 0, np.nansum(errors, axis=1) / np.maximum(count, 1), np.nan)
    drift = drifted(daily)
    if drift.any() and len(told) > BLOCK_DAYS:
        # What was good a month ago says little now: the last week alone decides.
        late = choose(told[-BLOCK_DAYS:], actual[-BLOCK_DAYS:])
        blend = replace(blend, weights=np.where(drift, late.weights, blend.weights))
    return blend, drift


def _band(
    middle: Floats,
    current: Floats,
    mixed: Floats,
    told: Floats,
    actual: Floats,
    scale: Floats,
    day: int,
) -> tuple[Floats, Floats]:
    count = len(COMPONENTS)

    def own(parts: Floats, centre: Floats) -> Floats:
        """The trees' quantiles are laid around the blend, not around their own median."""
        shift = centre - parts[..., 1, :, :]
        return widths(
            centre, parts[..., count, :, :] + shift, parts[..., count + 1, :, :] + shift, scale
        )

    width = own(current, middle)
    if not len(told):
        return middle - width[0], middle + width[1]
    has = np.isfinite(told[:, 1]).any(axis=(0, 1)) & np.isfinite(current[1]).any(axis=0)
    errors = np.where(np.isfinite(told[:, 1]) | ~has, actual - mixed, np.nan)
    factor = stretch(errors, own(told, mixed), day)
    return middle - factor[0] * width[0], middle + factor[1] * width[1]


def _actual(grid: Grid, origins: Index, steps: int) -> Floats:
    at = origins[:, None] + np.arange(steps)
    inside = (at < len(grid.load))[..., None]
    return np.where(inside, grid.load[np.minimum(at, len(grid.load) - 1)], np.nan)


def _forget(book: Book, grid: Grid, past: Index, issue: int) -> None:
    kept = {wall_s(grid, o) for o in past} | {wall_s(grid, issue)}
    for old in [wall for wall in book if wall not in kept]:
        del book[old]
