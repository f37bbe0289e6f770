"""The book of past forecasts: what each component said of each day before it came.

Days on which nothing was issued are made up afterwards, a week at a time, from what was known
before that week; so a fresh process has a past to judge its models by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.baseline import Baseline, fit_baseline
from heatloop.forecast.blend import COMPONENTS
from heatloop.forecast.boosted import Boosted
from heatloop.forecast.features import Design
from heatloop.forecast.grid import Grid
from heatloop.forecast.ridge import Ridge, RidgeWindow

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

Book = dict[float, Floats]
"""Past forecasts by wall-clock time of issue: (n_component + 3, n_lead, n_series); behind the
components stand the trees' low and high, and 1 where the forecast was made up afterwards."""
_EXTRA = 3
BLOCK_DAYS = 7
_LEAST_DAYS = 10
_HALF_LIFE_DAYS = 40.0
_POOLED_PULL, _LEAD_PULL = 0.1, 10.0
RIDGE_DAYS, BOOK_DAYS, BOOST_DAYS = 140, 28, 400


def wall_s(grid: Grid, step: int) -> float:
    """Return the wall-clock time at which a step begins."""
    return float(grid.start_s + int(step) * grid.step_s)


def missing_pages(book: Book, grid: Grid, history: Index) -> list[int]:
    """Return which of the past origins, newest first, have no page in the book."""
    reach = min(BOOK_DAYS, len(history))
    return [k for k in range(reach) if wall_s(grid, history[k]) not in book]


class Lines:
    """Learns ridges from what was known before a moment.

    Args:
        made: Inputs and targets of past origins, newest first.
    """

    def __init__(self, made: Design) -> None:
        self._made = made
        self._window: RidgeWindow | None = None

    def learned(self, first: int, until: int) -> tuple[Ridge, Floats] | None:
        """Return the ridge learned before a step, and 0 or nan for series it knows or not.

        Args:
            first: Row of the newest origin before it; later calls ask for newer ones.
            until: Targets from this step on are not known.
        """
        made = self._made
        older = np.arange(first, min(first + RIDGE_DAYS, len(made.origins)))
        if len(older) < _LEAST_DAYS:
            return None
        if self._window is None:
            self._window = RidgeWindow(made.linear, made.target, _HALF_LIFE_DAYS)
        late = made.origins[older][:, None] + np.arange(made.target.shape[1]) >= until
        late = late[: int(np.flatnonzero(late.any(axis=1)).max(initial=-1)) + 1]
        end = int(older[-1]) + 1
        ridge = self._window.fit(first, end, late, pooled_pull=_POOLED_PULL, lead_pull=_LEAD_PULL)
        known = np.isfinite(made.target[first:end])
        known[: len(late)] &= ~late[..., None]
        enough = known.any(axis=1).sum(axis=0) >= _LEAST_DAYS
        return ridge, np.where(enough, 0.0, np.nan)


def fill_book(
    book: Book,
    grid: Grid,
    made: Design,
    history: Index,
    missing: Sequence[int],
    lines: Lines,
    trees: Sequence[Boosted],
    scale: Floats,
    thin: int,
) -> None:
    """Make past forecasts that were not issued, a week at a time, from what was known before it.

    Args:
        book: Gets the pages.
        grid: Measured columns.
        made: Inputs of the missing ones, in their order.
        history: All past origins, newest first.
        missing: Which of them have no page.
        lines: Learns ridges.
        trees: Trained ones, oldest first.
        scale: Height of each series.
        thin: Trees are asked for every so many leads only.
    """
    rows = {k: row for row, k in enumerate(missing)}
    left = list(missing)
    while left:
        block, left = left[-BLOCK_DAYS:], left[:-BLOCK_DAYS]
        first = int(history[block[-1]])
        baseline = fit_baseline(grid, first, RIDGE_DAYS)
        line = lines.learned(block[-1] + 1, first)
        for k in block:
            book[wall_s(grid, history[k])] = components(
                made, rows[k], line, baseline, trees, scale, grid, thin
            )


def components(
    made: Design,
    row: int,
    line: tuple[Ridge, Floats] | None,
    baseline: Baseline,
    trees: Sequence[Boosted],
    scale: Floats,
    grid: Grid,
    thin: int,
) -> Floats:
    """Return one origin's page of the book, made up afterwards."""
    origin, steps = int(made.origins[row]), made.target.shape[1]
    result = np.full((len(COMPONENTS) + _EXTRA, *made.target.shape[1:]), np.nan)
    at = origin + np.arange(steps)
    if line is not None:
        result[0] = line[0].predict(made.linear[row : row + 1])[0] + line[1]
    spoken = [t for t in trees if t.until_s <= wall_s(grid, origin)]
    if spoken and spoken[-1].inputs == made.linear.shape[-1] + made.more.shape[-1]:
        leads = np.arange(0, steps, thin)
        part = replace(
            made,
            origins=made.origins[row : row + 1],
            linear=made.linear[row : row + 1, leads],
            more=made.more[row : row + 1, leads],
            target=made.target[row : row + 1, leads],
        )
        low, middle, high = spoken[-1].predict(part, scale)[:, 0]
        result[1, leads], result[-3, leads], result[-2, leads] = middle, low, high
    any_known = np.isfinite(grid.load[:origin]).any(axis=0)
    end = len(grid.load) - 1
    result[2] = np.where(any_known, baseline.expected[np.minimum(at, end)], np.nan)
    back = np.maximum(at - (np.arange(steps) // grid.per_day + 1) * grid.per_day, 0)
    naive = np.where(np.isfinite(grid.load[back]), grid.load[back], baseline.expected[back])
    result[3] = np.where(any_known, naive, np.nan)
    result[-1] = 1.0
    return result
