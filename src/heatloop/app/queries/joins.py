"""Series on one grid, gaps filled and marked, and series joined as of a moment (clause 6.2 g)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.queries.samples import checked_range
from heatloop.app.refusals import Refused
from heatloop.app.views.bulk import Grid, GridSeries, Joined, JoinedSeries
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.joins import HOLD, LINEAR, NONE, as_of_join, gap_fill, time_bucket
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point

FILLS = {"none": NONE, "previous": HOLD, "linear": LINEAR}
STATISTICS = ("mean", "low", "high", "first", "last")
_MOST_CELLS = 400_000
_MOST_ROWS = 3_000_000
_MOST_LEFT = 50_000
_LOOK_S = 86400
_JOIN_LOOK_S = 7 * 86400


async def resample(
    world: World,
    historian: AsyncHistorian,
    scope: Scope,
    codes: list[str],
    start_s: float,
    end_s: float,
    *,
    step_s: int,
    statistic: str,
    fill: str,
    max_gap_s: int,
    zone: str,
) -> Grid:
    """Return points on one even grid; filled values are marked, bad and stale samples left out.

    Args:
        world: The present.
        historian: Time series.
        scope: What the reader may see.
        codes: Point codes.
        start_s: Begin, plant seconds; the grid begins at the step it lies in.
        end_s: End.
        step_s: Length of a step.
        statistic: Of the samples of a step.
        fill: `none`, `previous` or `linear`.
        max_gap_s: Longest distance between measured values that is filled; 0: any.
        zone: Zone whose midnight steps begin at.

    Raises:
        Refused: A point is not inside the scope, the range is not valid, or it is too much.
    """
    points = _points(world, scope, codes)
    start, end = checked_range(start_s, end_s)
    origin = int(datetime.fromtimestamp(start, ZoneInfo(zone))
                 .replace(hour=0, minute=0, second=0, microsecond=0).timestamp())  # fmt: skip
    first = (start - origin) // step_s * step_s + origin
    steps = -(-(end - first) // step_s)
    if steps * len(points) > _MOST_CELLS:
        raise Refused("range_invalid", detail=f"{steps} x {len(points)} > {_MOST_CELLS}")
    look = 0 if fill == "none" else max(max_gap_s or _LOOK_S, step_s)
    rows = await _read(historian, points, first - look, end + look)

    def made() -> list[GridSeries]:
        return [_on_grid(point, _of(rows, point.key), first, end, step_s, origin, statistic,
                         FILLS[fill], max_gap_s) for point in points]  # fmt: skip

    return Grid(
        step_s=step_s,
        statistic=statistic,
        fill=fill,
        max_gap_s=max_gap_s,
        at=[utc(at) for at in range(first, end, step_s)],
        series=await asyncio.to_thread(made),
    )


async def join(
    world: World,
    historian: AsyncHistorian,
    scope: Scope,
    left: str,
    right: list[str],
    start_s: float,
    end_s: float,
    *,
    tolerance_s: int,
) -> Joined:
    """Return a point's samples, each with what others last said by then; never the future.

    Args:
        world: The present.
        historian: Time series.
        scope: What the reader may see.
        left: Code of the point whose samples count.
        right: Codes of the others.
        start_s: Begin, plant seconds.
        end_s: End.
        tolerance_s: Oldest value that counts; 0: any of the last seven days.

    Raises:
        Refused: A point is not inside the scope, the range is not valid, or it is too much.
    """
    base = world.point(scope, left)
    others = _points(world, scope, right)
    start, end = checked_range(start_s, end_s)
    rows = await historian.raw([base.key], start, end, _MOST_LEFT + 1)
    truncated = len(rows.keys) > _MOST_LEFT
    rows = rows.take(np.arange(min(len(rows.keys), _MOST_LEFT)))
    until = int(rows.slots[-1]) + 1 if len(rows.slots) else start
    look = tolerance_s or _JOIN_LOOK_S
    known = await _read(historian, others, start - look, until)

    def made() -> list[JoinedSeries]:
        return [_joined(point, rows, _of(known, point.key), look) for point in others]

    values = _usable(rows)
    return Joined(
        left=base.code,
        unit=point_kinds()[base.kind].unit,
        tolerance_s=tolerance_s,
        at=[utc(at) for at in rows.slots.tolist()],
        value=_listed(values),
        right=await asyncio.to_thread(made),
        truncated=truncated,
    )


def _points(world: World, scope: Scope, codes: list[str]) -> list[Point]:
    if not codes:
        raise Refused("invalid", place="points", detail="empty")
    return [world.point(scope, code) for code in codes]


async def _read(
    historian: AsyncHistorian, points: list[Point], start_s: int, end_s: int
) -> Columns:
    keys = np.asarray(sorted({point.key for point in points}), "u4")
    rows = await historian.raw(keys, max(start_s, 0), max(end_s, 0), _MOST_ROWS)
    if len(rows.keys) >= _MOST_ROWS:
        raise Refused("range_invalid", detail=f">= {_MOST_ROWS} rows", place="start, end, points")
    return rows


def _of(rows: Columns, key: int) -> Columns:
    low, high = np.searchsorted(rows.keys, np.asarray([key, key + 1], "u4"))
    return rows.take(np.arange(int(low), int(high)))


def _usable(rows: Columns) -> NDArray[np.float64]:
    """Return the values with nan for samples nobody should count on."""
    doubtful = np.isin(rows.quality, (Quality.BAD, Quality.STALE))
    return np.where(doubtful | ~np.isfinite(rows.values), np.nan, rows.values)


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    plain: list[float | None] = values.tolist()
    for at in np.flatnonzero(~np.isfinite(values)).tolist():
        plain[at] = None
    return plain


def _on_grid(
    point: Point, rows: Columns, first: int, end: int, step_s: int, origin: int, statistic: str,
    how: str, max_gap_s: int,
) -> GridSeries:  # fmt: skip
    kind = point_kinds()[point.kind]
    found = time_bucket(rows.slots, _usable(rows), step_s, origin_s=origin)
    values: NDArray[np.float64] = getattr(found, statistic)
    grid, filled, made = gap_fill(
        found.starts, values, first, end, step_s, how=how, most_s=max_gap_s or None
    )
    counts = np.zeros(len(grid), np.int64)
    at = (found.starts - first) // step_s
    inside = (at >= 0) & (at < len(grid))
    counts[at[inside]] = found.counts[inside]
    return GridSeries(
        point=point.code,
        zh=kind.zh,
        en=kind.en,
        unit=kind.unit,
        value=_listed(filled),
        filled=made.tolist(),
        count=counts.tolist(),
    )


def _joined(point: Point, left: Columns, right: Columns, most_s: int) -> JoinedSeries:
    values, ages = as_of_join(left.slots, right.slots, _usable(right), most_s=most_s)
    return JoinedSeries(
        point=point.code,
        unit=point_kinds()[point.kind].unit,
        value=_listed(values),
        age_s=[None if age < 0 else age for age in ages.tolist()],
    )
