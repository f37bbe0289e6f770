"""Days of the past to be forecast as they would have been: skill is known from the first start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np

from heatloop.app.dispatch_periods import DispatchPeriods
from heatloop.app.forecast_issue import Issuer
from heatloop.app.forecast_weather import OBSERVED, WeatherTable, measured
from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.store.historian.port import DAY_S, HOUR_S

_DAYS = 7
_LEAST_HISTORY_S = 3 * DAY_S


async def hindcast_weather(
    world: World,
    historian: AsyncHistorian,
    issuer: Issuer,
    periods: DispatchPeriods,
    start_s: int,
) -> AsyncIterator[tuple[int, WeatherTable]]:
    """Yield the start of each of the last days, and the weather observed before and after it.

    No forecast of that weather was known. Nothing is yielded where too little was measured.

    Args:
        world: Which points.
        historian: What was measured.
        issuer: How far back and ahead it looks.
        periods: The days of the company.
        start_s: Now.
    """
    today = periods.day(start_s)
    starts = [periods.range(today - timedelta(days=n))[0] for n in range(_DAYS, -1, -1)]
    begin = issuer.begin(starts[0])
    columns = await measured(world, historian, begin, start_s)
    first = np.flatnonzero(np.isfinite(columns["temperature_c"]))
    if not len(first) or starts[0] - (begin + first[0] * HOUR_S) < _LEAST_HISTORY_S:
        return
    for start in starts:
        end = issuer.end(start)
        steps = (end - begin) // HOUR_S
        yield (
            start,
            WeatherTable(
                times_s=np.arange(begin, end, HOUR_S, dtype="i8"),
                columns={name: _reach(values, steps) for name, values in columns.items()},
                source=OBSERVED,
            ),
        )


def _reach(values: np.ndarray[Any, np.dtype[np.float64]], steps: int) -> Any:
    """Return a column of this many steps, the last known day again where it ends."""
    if len(values) >= steps:
        return values[:steps]
    day = values[-24:]
    return np.concatenate([values, np.resize(day, steps - len(values))])
