"""Corrections of abnormal data: revisions laid over what was measured, never instead of it."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

import numpy as np

from heatloop.app.history import AsyncHistorian
from heatloop.app.quality_causes import Correction
from heatloop.app.quality_tables import points_around, table_of, tops
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.ingest.batch.model import Rule, Verdict
from heatloop.ingest.batch.repair import Method, estimates
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.records.quality import CaseRow

_MARGIN_S = 86400
_MOST_ROWS = 1_500_000
_LONGEST_S = 31 * 86400


@runtime_checkable
class Reviser(Protocol):
    """A historian that takes revisions."""

    async def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        ...


async def correct(
    world: World, historian: AsyncHistorian, row: CaseRow, correction: Correction, user: str
) -> tuple[str, int]:
    """Lay a correction over the samples of a case.

    Returns:
        The methods used and how many samples were corrected.

    Raises:
        Refused: The case names no point, is too long, or nothing can be estimated honestly.
    """
    assert isinstance(historian, Reviser)
    point = world.ledger.points.get(row.point)
    if point is None:
        raise Refused("no_estimate", thing=row.id, place="correction", detail="no single point")
    start, end = int(row.start_s), int(row.end_s)
    if end - start > _LONGEST_S:
        raise Refused("range_invalid", detail=f"{end - start} s", place="correction")
    if correction is Correction.MARK_BAD:
        made = await historian.raw([point.key], start, end + 1, _MOST_ROWS)
        made = made._replace(quality=np.full(len(made.keys), Quality.BAD, "u1"))
        method = "marked_bad"
    else:
        made, method = await _estimated(world, historian, point, start, end)
    if not len(made.keys):
        raise Refused("no_estimate", thing=row.point, place="correction")
    await historian.revise(made, method=method, who=user)
    return method, len(made.keys)


async def _estimated(
    world: World, historian: AsyncHistorian, point: Point, start: int, end: int
) -> tuple[Columns, str]:
    """Return estimates for every slot of a point from `start` to `end`, stored or missing."""
    points = points_around(world.ledger, point.asset)
    if point not in points:
        points = sorted([*points, point], key=lambda each: each.key)
    margin = max(_MARGIN_S, 40 * int(point_kinds()[point.kind].period_s))
    keys = np.array([each.key for each in points], "u4")
    columns = await historian.raw(keys, max(start - margin, 0), end + margin, _MOST_ROWS)
    return await asyncio.to_thread(_made, world, point, points, columns, start, end)


def _made(
    world: World, point: Point, points: list[Point], columns: Columns, start: int, end: int
) -> tuple[Columns, str]:
    period_s = int(point_kinds()[point.kind].period_s)
    expected = np.arange(-(-start // period_s) * period_s, end + 1, period_s, dtype="u4")
    mine = columns.slots[columns.keys == point.key]
    slots = np.unique(np.r_[mine, expected])
    table = table_of(point.asset, points, columns, tops(world.ledger, points), slots)
    names = [series.name for series in table.series]
    if point.code not in names:
        return Columns.empty(), ""
    at = names.index(point.code)
    inside = (slots >= start) & (slots <= end)
    rules = np.zeros((slots.size, len(names)), "u1")
    rules[inside, at] = Rule.LEVEL
    verdict = Verdict(table=table, rules=rules, expected=np.full(rules.shape, np.nan))
    values, methods = estimates(verdict)
    chosen = np.flatnonzero(inside & np.isfinite(values[:, at]))
    used = sorted({Method(int(each)).name.lower() for each in methods[chosen, at]})
    made = Columns(
        np.full(chosen.size, point.key, "u4"),
        slots[chosen].astype("u4"),
        values[chosen, at],
        np.full(chosen.size, Quality.ESTIMATED, "u1"),
    )
    return made, "+".join(used)
