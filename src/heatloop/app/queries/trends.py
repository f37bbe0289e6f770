"""Lines over time: the finest step that fits the screen, thinned without losing extremes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.queries.samples import checked_range
from heatloop.app.refusals import Refused
from heatloop.app.views.work import Series, Trends
from heatloop.app.world import World
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.historian.port import Origin, RollupColumns

STEPS_S = {"10m": 600, "1h": 3600, "1d": 86400}
_RAW_ROWS = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What lines are wanted."""

    codes: list[str]
    """Point codes."""
    start_s: float
    """Start, plant seconds."""
    end_s: float
    """End, plant seconds."""
    step: str
    """`auto`, `raw`, `10m`, `1h` or `1d`."""
    max_points: int
    """Most values a line."""


def step_for(points: list[Point], span_s: float, max_points: int) -> str:
    """Return the finest step at which every line has at most `max_points` values."""
    fastest = min(point_kinds()[point.kind].period_s for point in points)
    if span_s / fastest <= max_points:
        return "raw"
    for name, step_s in STEPS_S.items():
        if span_s / step_s <= max_points:
            return name
    return "1d"


async def trends(world: World, historian: AsyncHistorian, scope: Scope, ask: Ask) -> Trends:
    """Return one line per point.

    Raises:
        Refused: A point is not inside the scope, or the range is not valid.
    """
    points = [world.point(scope, code) for code in ask.codes]
    if not points:
        raise Refused("invalid", place="points", detail="empty")
    start_s, end_s = checked_range(ask.start_s, ask.end_s)
    step = step_for(points, end_s - start_s, ask.max_points) if ask.step == "auto" else ask.step
    keys = np.asarray(sorted({point.key for point in points}), "u4")
    if step == "raw":
        raw = await historian.raw(keys, start_s, end_s, _RAW_ROWS)
        made = await asyncio.to_thread(
            lambda: [_raw_line(point, raw, ask.max_points) for point in points]
        )
    else:
        rows = await historian.rollup(keys, start_s, end_s, STEPS_S[step])
        made = await asyncio.to_thread(
            lambda: [_rollup_line(point, rows, STEPS_S[step], ask.max_points) for point in points]
        )
    return Trends(
        step=step, thinned=any(thin for _, thin in made), series=[line for line, _ in made]
    )


def _words(point: Point) -> dict[str, Any]:
    kind = point_kinds()[point.kind]
    return {"point": point.code, "zh": kind.zh, "en": kind.en, "unit": kind.unit}


def _span(keys: NDArray[np.uint32], key: int) -> slice:
    """Return where a key's rows stand; rows are ordered by key."""
    wanted = np.asarray([key, key + 1], keys.dtype if len(keys) else "u4")
    low, high = np.searchsorted(keys, wanted)
    return slice(int(low), int(high))


def thin(values: NDArray[np.float64], most: int) -> NDArray[np.intp] | None:
    """Return which rows to keep so that at most `most` are left, None when all are.

    Each of most/2 equal stretches gives its lowest and highest row, so no peak is lost.
    """
    if len(values) <= most:
        return None
    edges = np.linspace(0, len(values), max(most // 2 - 1, 1) + 1).astype(int)
    picked = [0, len(values) - 1]
    for start, end in pairwise(edges.tolist()):
        stretch = values[start:end]
        finite = np.flatnonzero(np.isfinite(stretch))
        if len(finite):
            picked.append(start + int(finite[stretch[finite].argmin()]))
            picked.append(start + int(finite[stretch[finite].argmax()]))
        else:
            picked.append(int(start))
    return np.unique(np.asarray(picked, np.intp))


def _listed(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> list[float | None]:
    plain: list[float | None] = values.tolist()
    for at in np.flatnonzero(missing | ~np.isfinite(values)).tolist():
        plain[at] = None
    return plain


def _raw_line(point: Point, columns: Columns, most: int) -> tuple[Series, bool]:
    span = _span(columns.keys, point.key)
    slots, values, quality = columns.slots[span], columns.values[span], columns.quality[span]
    keep = thin(values, most)
    if keep is not None:
        slots, values, quality = slots[keep], values[keep], quality[keep]
    line = Series(
        **_words(point),
        at=(slots.astype("i8") * 1000).tolist(),
        value=_listed(values, quality == Quality.BAD),
        low=[],
        high=[],
        quality=quality.tolist(),
        simulated_until=None,
    )
    return line, keep is not None


def _rollup_line(point: Point, rows: RollupColumns, step_s: int, most: int) -> tuple[Series, bool]:
    mine = rows.take(_indices(rows.keys, point.key))
    keep = thin(mine.mean, most)
    simulated = np.flatnonzero(mine.origin != Origin.MEASURED)
    until = int(mine.slots[simulated[-1]] + step_s) * 1000 if len(simulated) else None
    if keep is not None:
        mine = mine.take(keep)
    none = mine.count == 0
    # A window with any doubtful sample says so; one without samples is bad.
    doubtful = np.where(mine.good_count == mine.count, Quality.GOOD, Quality.UNCERTAIN)
    line = Series(
        **_words(point),
        at=(mine.slots.astype("i8") * 1000).tolist(),
        value=_listed(mine.mean, none),
        low=_listed(mine.low, none),
        high=_listed(mine.high, none),
        quality=np.where(none, Quality.BAD, doubtful).tolist(),
        simulated_until=until,
    )
    return line, keep is not None


def _indices(keys: NDArray[np.uint32], key: int) -> NDArray[np.intp]:
    span = _span(keys, key)
    return np.arange(span.start, span.stop)
