"""How complete a day was: of the whole scope, and station by station (clause 6.1.2 a)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.app.history import AsyncHistorian
from heatloop.app.views.quality import PlaceCompleteness, QualityCompleteness
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point

REQUIRED_PCT = 98.0
_PLACES = ("substation", "heat_source", "isolation_station", "booster_station", "weather_station")
_MOST_PLACES = 500


async def completeness(
    world: World, historian: AsyncHistorian, scope: Scope, day: dt.date, time_zone: str
) -> QualityCompleteness:
    """Return stored over expected samples of the part of a day that is over.

    Points on units, buildings and flats count for the station they hang on.
    """
    points = sorted(
        (p for p in _polled(world) if world.sees(scope, p.asset)), key=lambda point: point.key
    )
    periods = np.array([point_kinds()[p.kind].period_s for p in points], "i8")
    start_s, end_s = _part_that_is_over(world, day, ZoneInfo(time_zone))
    # Slots are whole multiples of the period: this counts those inside the span.
    expected = (end_s - 1) // periods - (start_s - 1) // periods if len(points) else periods
    counts = await historian.completeness(np.array([p.key for p in points], "u4"), day)
    stored = np.minimum(counts.received.astype("i8"), expected)
    good = np.minimum(counts.good.astype("i8"), expected)
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for at, point in enumerate(points):
        rows[_place(world, point.asset)].append(at)
    places = [
        _of_place(world, code, points, expected[at], stored[at], good[at], at)
        for code, at in rows.items()
    ]
    places.sort(key=lambda place: 100.0 if place.share_pct is None else place.share_pct)
    total = int(expected.sum())
    return QualityCompleteness(
        date=day.isoformat(),
        expected=total,
        stored=int(stored.sum()),
        good=int(good.sum()),
        share_pct=_share(int(stored.sum()), total),
        required_pct=REQUIRED_PCT,
        places=places[:_MOST_PLACES],
    )


def _polled(world: World) -> list[Point]:
    """Return the points that a device is asked for; computed ones have no slot to miss."""
    bound = {binding.point for binding in world.ledger.bindings}
    return [point for code, point in world.ledger.points.items() if code in bound]


def _place(world: World, asset: str) -> str:
    """Return the station an asset hangs on, or itself."""
    for code in reversed(world.ledger.heat_path(asset).split("/")):
        found = world.ledger.assets.get(code)
        if found is not None and found.kind in _PLACES:
            return code
    return asset


def _part_that_is_over(world: World, day: dt.date, zone: ZoneInfo) -> tuple[int, int]:
    start = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + dt.timedelta(days=1)
    end = dt.datetime(after.year, after.month, after.day, tzinfo=zone)
    start_s = int(start.timestamp())
    return start_s, max(start_s, min(int(end.timestamp()), int(world.settled_s())))


def _of_place(
    world: World,
    code: str,
    points: list[Point],
    expected: np.typing.NDArray[np.int64],
    stored: np.typing.NDArray[np.int64],
    good: np.typing.NDArray[np.int64],
    at: list[int],
) -> PlaceCompleteness:
    asset = world.ledger.assets[code]
    total = int(expected.sum())
    shares = np.where(expected > 0, stored / np.maximum(expected, 1), 1.0)
    worst = int(np.argmin(shares)) if shares.size else -1
    return PlaceCompleteness(
        asset=code,
        zh=asset.zh,
        en=asset.en,
        points=len(at),
        expected=total,
        stored=int(stored.sum()),
        good=int(good.sum()),
        share_pct=_share(int(stored.sum()), total),
        worst_point=points[at[worst]].code if worst >= 0 else None,
        worst_pct=round(100.0 * float(shares[worst]), 3) if worst >= 0 else None,
    )


def _share(stored: int, expected: int) -> float | None:
    return round(100.0 * stored / expected, 3) if expected else None
