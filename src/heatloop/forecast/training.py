"""What boosted trees are trained on: days of a sample of series, at the times of day of issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heatloop.forecast.book import BOOST_DAYS
from heatloop.forecast.boosted import Boosted, train
from heatloop.forecast.engine import past_origins, ready_at, scale_of
from heatloop.forecast.features import design
from heatloop.forecast.grid import Grid

_MOST_SERIES = 40
_ROWS = 120_000


def trained(
    grid: Grid, issue: int, steps: int, phases_h: Sequence[int], holidays: str
) -> Boosted | None:
    """Return trees that have seen what lies before an issue, None where that is too little.

    Args:
        grid: Measured columns; a sample of the series is learned from.
        issue: Nothing from this step on is looked at.
        steps: How many steps ahead.
        phases_h: Hours before `issue` of the times of day learned from.
        holidays: "CN" or "".
    """
    series = grid.load.shape[1]
    chosen = np.arange(series)
    if series > _MOST_SERIES:
        chosen = np.sort(np.random.default_rng(11).choice(series, _MOST_SERIES, replace=False))
    known = grid.load[:, chosen]
    known[issue:] = np.nan
    part = replace(
        grid,
        load=known,
        weather={
            name: values if values.shape[1] == 1 else values[:, chosen]
            for name, values in grid.weather.items()
        },
    )
    parts = []
    # As many days as the rows allow, evenly over the phases; at least a season.
    days = max(min(BOOST_DAYS, _ROWS // (steps * len(chosen) * len(phases_h))), 60)
    _, ready = ready_at(part, issue, holidays)
    scale = scale_of(part, issue)
    for phase in phases_h:
        at = issue - phase * 3600 // grid.step_s
        origins = past_origins(part, at, steps, days)[::-1]
        if len(origins):
            parts.append((design(ready, origins, steps, more=True), scale))
    return train(parts, float(grid.start_s + issue * grid.step_s)) if parts else None
