"""Where key figures come from: each term with its point and the samples behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.lineage import line_of
from heatloop.app.platform import Platform
from heatloop.app.queries.samples import checked_range
from heatloop.app.refusals import Refused
from heatloop.app.views.lineage import FigureLineage, FigureTerm
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.historian.port import HOUR_S, TEN_MINUTES_S, RollupColumns

_LONGEST_S = 400 * 86400
_SHORT_S = 3 * 86400
_MOST_TERMS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Figure:
    zh: str
    en: str
    unit: str
    formula: str
    kinds: Mapping[str, float]
    """Point kinds and the factor of each; empty: every point."""


FIGURES: Mapping[str, _Figure] = {
    "completeness": _Figure(
        zh="数据完整率",
        en="completeness of data",
        unit="%",
        formula="100 x sum(stored samples) / sum(expected samples)",
        kinds={},
    ),
    "heat_balance": _Figure(
        zh="一次网热量平衡（热源供热 - 热力站用热）",
        en="heat balance of the primary network (given by sources - taken by stations)",
        unit="kWh",
        formula="sum(factor x (last reading - reading before the span))",
        kinds={"source_heat_total": 1.0, "primary_heat_total": -1.0},
    ),
    "water_balance": _Figure(
        zh="补水量",
        en="make-up water",
        unit="m3",
        formula="sum(factor x (last reading - reading before the span))",
        kinds={"source_makeup_total": 1.0, "makeup_total": 1.0},
    ),
}
"""Figures whose lineage is known."""


async def figure_lineage(
    platform: Platform, scope: Scope, name: str, asset: str, start: float, end: float
) -> FigureLineage:
    """Return a figure with its terms.

    Args:
        platform: Where to look.
        scope: What the reader may see.
        name: Key of `FIGURES`.
        asset: Asset to limit it to, with all below; empty: the whole scope.
        start: Plant time.
        end: Plant time, not included.

    Raises:
        Refused: The asset is not inside the scope, or the span is not valid.
    """
    figure = FIGURES[name]
    start_s, end_s = checked_range(start, end)
    if end_s - start_s > _LONGEST_S:
        raise Refused("range_invalid", detail="400 d", place="start, end")
    points = _points(platform, scope, figure, asset)
    keys = np.asarray([point.key for point in points], "u4")
    counts = await platform.historian.received(keys, start_s, end_s)
    step = TEN_MINUTES_S if end_s - start_s <= _SHORT_S else HOUR_S
    rows = RollupColumns.empty()
    if figure.kinds and len(keys):
        # A counter's reading before the span is the last of the window before it.
        rows = await platform.historian.rollup(keys, max(start_s - step, 0), end_s, step)
    seen_to = min(end_s, int(platform.world.now_s()))
    terms: list[FigureTerm] = []
    for at, point in enumerate(points):
        period = int(point_kinds()[point.kind].period_s)
        expected = max((seen_to - 1) // period - (start_s - 1) // period, 0)
        received = int(counts.received[at])
        begin, after = np.searchsorted(rows.keys, [point.key, point.key + 1])
        value, windows = _moved(rows.take(np.arange(begin, after)), start_s)
        if not figure.kinds:
            value = 100.0 * min(received, expected) / expected if expected else None
        terms.append(
            FigureTerm(
                point=line_of(point, "counted"),
                factor=figure.kinds.get(point.kind, 1.0),
                value=value,
                unit=figure.unit,
                samples=received,
                expected=expected,
                windows=windows,
            )
        )
    terms.sort(key=lambda term: (term.value is not None, term.value or 0.0))
    return FigureLineage(
        figure=name,
        zh=figure.zh,
        en=figure.en,
        asset=asset,
        start=utc(start_s),
        end=utc(end_s),
        value=_value(figure, terms),
        unit=figure.unit,
        formula=figure.formula,
        terms=terms[:_MOST_TERMS],
        terms_total=len(terms),
    )


def _points(platform: Platform, scope: Scope, figure: _Figure, asset: str) -> list[Point]:
    world = platform.world
    if asset:
        codes = world.at_or_below(world.asset(scope, asset).code)
        found = [point for code in sorted(codes) for point in world.ledger.points_of(code)]
    else:
        found = list(world.ledger.points.values())
    wanted = [p for p in found if not figure.kinds or p.kind in figure.kinds]
    wanted = [p for p in wanted if world.sees(scope, p.asset)]
    return sorted(wanted, key=lambda point: point.key)


def _moved(rows: RollupColumns, start_s: int) -> tuple[float | None, int]:
    """Return how far a counter moved in a span, None when not known, and the windows behind it."""
    known: NDArray[np.bool_] = np.isfinite(rows.last)
    last, slots = rows.last[known], rows.slots[known]
    inside = int((slots >= start_s).sum())
    if not inside or len(last) < 2:
        return None, inside
    steps = np.diff(last)
    # A counter that was replaced or rolled over begins anew: what it shows is what it counted.
    moved = float(np.where(steps < 0, last[1:], steps).sum())
    return (moved if math.isfinite(moved) else None), inside


def _value(figure: _Figure, terms: list[FigureTerm]) -> float | None:
    if not figure.kinds:
        expected = sum(term.expected for term in terms)
        stored = sum(min(term.samples, term.expected) for term in terms)
        return 100.0 * stored / expected if expected else None
    known = [term.factor * term.value for term in terms if term.value is not None]
    return sum(known) if known else None
