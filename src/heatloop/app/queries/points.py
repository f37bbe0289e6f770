"""Points with their latest value."""

from __future__ import annotations

import math

from heatloop.app.refusals import Refused
from heatloop.app.views.plant import PointPage, PointView
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point


def view(world: World, point: Point) -> PointView:
    """Return a point as people read it."""
    kind = point_kinds()[point.kind]
    access, low, high = kind.access, kind.low, kind.high
    try:
        binding = world.ledger.binding_of(point.code)
        access = binding.access
        low = low if binding.low is None else binding.low
        high = high if binding.high is None else binding.high
    except InputError:
        access = "r"  # Nothing measures it, so nothing can write it either.
    last = world.latest.last(point.key)
    number = f" {point.n}" if point.n else ""
    return PointView(
        code=point.code,
        key=point.key,
        asset=point.asset,
        kind=point.kind,
        n=point.n,
        zh=kind.zh + number,
        en=kind.en + number,
        unit=kind.unit,
        decimals=kind.decimals,
        access=access,
        low=low,
        high=high,
        value=last[0] if last is not None and math.isfinite(last[0]) else None,
        quality=None if last is None else Quality(last[1]).name.lower(),
        at=None if last is None else utc(last[2]),
    )


def page(
    world: World, scope: Scope, asset: str, kind: str, q: str, page: int, size: int
) -> PointPage:
    """Return a page of points inside a scope, filtered."""
    if asset:
        found = world.ledger.points_of(world.asset(scope, asset).code)
    else:
        codes = world.codes_in(scope)
        every = world.ledger.points.values()
        found = [p for p in every if codes is None or p.asset in codes]
    if kind:
        found = [p for p in found if p.kind == kind]
    if q:
        found = [p for p in found if _matches(world, p, q.casefold())]
    start = (page - 1) * size
    items = [view(world, point) for point in found[start : start + size]]
    return PointPage(total=len(found), items=items)


def _matches(world: World, point: Point, words: str) -> bool:
    kind = point_kinds()[point.kind]
    asset = world.ledger.assets[point.asset]
    texts = (point.code, kind.zh, kind.en, asset.zh, asset.en)
    return any(words in text.casefold() for text in texts)


def latest(world: World, scope: Scope, codes: list[str]) -> list[PointView]:
    """Return named points with their latest value.

    Raises:
        Refused: One of them does not exist inside the scope.
    """
    if not codes:
        raise Refused("invalid", place="codes", detail="empty")
    return [view(world, world.point(scope, code)) for code in codes]
