"""Questions about places: stations in a polygon, near a point or pipe, nearest pipe (6.2 g)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from heatloop.app.layout import number
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.network.arrays import Floats, Index
from heatloop.network.topology.places import (
    distance_m,
    in_polygons,
    nearest_point,
    segment_distance_m,
    to_metres,
)
from heatloop.plant.ledger import Ledger

_MOST_CORNERS = 10_000
_FAR_M = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A station and where it is."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    lat: float
    """Latitude, degrees north."""
    lon: float
    """Longitude, degrees east."""
    distance_m: float | None
    """Distance from what was asked; None for polygons."""


@dataclass(frozen=True, slots=True)
class _Map:
    stations: tuple[str, ...]
    places: Floats
    """(lon, lat) of each station, shape (n, 2)."""
    origin: tuple[float, float]
    pipes: tuple[str, ...]
    starts_m: Floats
    ends_m: Floats


@lru_cache(maxsize=1)
def _map(ledger: Ledger) -> _Map:
    """Return places as arrays; kept for the ledger in force."""
    stations = [
        asset
        for kind in ("substation", "isolation_station", "booster_station", "heat_source")
        for asset in ledger.of_kind(kind)
    ]
    found = {asset.code: _place(ledger, asset.code) for asset in stations}
    known = {code: place for code, place in found.items() if place is not None}
    places = np.array(list(known.values()), np.float64).reshape(-1, 2)
    origin = (float(places[:, 0].mean()), float(places[:, 1].mean())) if len(places) else (0.0, 0.0)
    pipes, ends = [], []
    for pipe in ledger.of_kind("pipe_segment"):
        start = _place(ledger, str(pipe.attributes.get("from_node", "")))
        end = _place(ledger, str(pipe.attributes.get("to_node", "")))
        if start is not None and end is not None:
            pipes.append(pipe.code)
            ends.append((*start, *end))
    corners = np.array(ends, np.float64).reshape(-1, 4)
    return _Map(
        stations=tuple(known),
        places=places,
        origin=origin,
        pipes=tuple(pipes),
        starts_m=to_metres(corners[:, :2], origin),
        ends_m=to_metres(corners[:, 2:], origin),
    )


def _place(ledger: Ledger, code: str) -> tuple[float, float] | None:
    asset = ledger.assets.get(code)
    if asset is None:
        return None
    lon, lat = number(asset, "lon"), number(asset, "lat")
    return None if lon is None or lat is None else (lon, lat)


def _places(
    world: World, scope: Scope, picked: Iterable[int], far: Floats | None, kinds: Sequence[str]
) -> list[Place]:
    where = _map(world.ledger)
    found = []
    for index in picked:
        asset = world.ledger.assets[where.stations[index]]
        if asset.kind in kinds and world.sees(scope, asset.code):
            lon, lat = where.places[index].tolist()
            away = None if far is None else float(far[index])
            found.append(
                Place(code=asset.code, zh=asset.zh, en=asset.en, lat=lat, lon=lon, distance_m=away)
            )
    return found


def _rings(geometry: Mapping[str, Any]) -> list[list[list[tuple[float, float]]]]:
    """Return the polygons of a GeoJSON geometry."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    try:
        polygons = [coordinates] if kind == "Polygon" else coordinates
        if kind not in ("Polygon", "MultiPolygon") or not isinstance(polygons, list):
            raise Refused("invalid", thing="geometry", detail="Polygon | MultiPolygon")
        found = [
            [[(float(point[0]), float(point[1])) for point in ring] for ring in polygon]
            for polygon in polygons
        ]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
        raise Refused("invalid", thing="geometry", detail="[[[lon, lat], ...]]") from error
    if sum(len(ring) for polygon in found for ring in polygon) > _MOST_CORNERS:
        raise Refused("too_large", thing="geometry")
    return found


def stations_in(
    world: World,
    scope: Scope,
    geometry: Mapping[str, Any],
    kinds: Sequence[str] = ("substation",),
) -> list[Place]:
    """Return the stations inside a polygon, in code order.

    Args:
        world: The present.
        scope: What the reader may see.
        geometry: GeoJSON Polygon (with holes) or MultiPolygon, WGS84.
        kinds: Asset kinds that count.

    Raises:
        Refused: The geometry is none.
    """
    where = _map(world.ledger)
    try:
        inside = in_polygons(where.places, _rings(geometry))
    except Refused:
        raise
    except InputError as error:
        raise Refused("invalid", thing=error.thing, detail=error.message) from error
    return _places(world, scope, np.flatnonzero(inside).tolist(), None, kinds)


def stations_near(
    world: World,
    scope: Scope,
    lat: float,
    lon: float,
    within_m: float,
    kinds: Sequence[str] = ("substation",),
) -> list[Place]:
    """Return the stations within a distance of a point, nearest first.

    Raises:
        Refused: The distance is out of range.
    """
    if not 0.0 <= within_m <= _FAR_M:
        raise Refused("invalid", thing="within_m", detail=f"0 .. {_FAR_M:g}")
    where = _map(world.ledger)
    far = distance_m(where.places, (lon, lat))
    picked = [index for index in np.argsort(far, kind="stable").tolist() if far[index] <= within_m]
    return _places(world, scope, picked, far, kinds)


def stations_near_pipe(
    world: World,
    scope: Scope,
    pipe: str,
    within_m: float,
    kinds: Sequence[str] = ("substation",),
) -> list[Place]:
    """Return the stations within a distance of a pipe segment, nearest first.

    Raises:
        Refused: There is no such pipe inside the scope, or it has no place.
    """
    if not 0.0 <= within_m <= _FAR_M:
        raise Refused("invalid", thing="within_m", detail=f"0 .. {_FAR_M:g}")
    where = _map(world.ledger)
    code = world.asset(scope, pipe).code
    if code not in where.pipes:
        raise Refused("not_found", thing=code)
    at = where.pipes.index(code)
    far, _ = segment_distance_m(
        to_metres(where.places, where.origin), where.starts_m[[at]], where.ends_m[[at]]
    )
    picked = [index for index in np.argsort(far, kind="stable").tolist() if far[index] <= within_m]
    return _places(world, scope, picked, far, kinds)


def nearest_pipe(world: World, scope: Scope, lat: float, lon: float) -> tuple[str, float] | None:
    """Return the code of the pipe segment nearest to a point and its distance; None: none placed.

    Only segments inside the scope count.
    """
    where = _map(world.ledger)
    seen = [index for index, code in enumerate(where.pipes) if world.sees(scope, code)]
    point = to_metres(np.array([[lon, lat]]), where.origin)
    chosen: Index = np.array(seen, np.intp)
    far, which = segment_distance_m(point, where.starts_m[chosen], where.ends_m[chosen])
    return (where.pipes[seen[int(which[0])]], float(far[0])) if which[0] >= 0 else None


def nearest_station(world: World, scope: Scope, lat: float, lon: float) -> Place | None:
    """Return the substation nearest to a point inside the scope; None: none placed."""
    where = _map(world.ledger)
    seen = [
        index
        for index, code in enumerate(where.stations)
        if world.ledger.assets[code].kind == "substation" and world.sees(scope, code)
    ]
    if not seen:
        return None
    at = seen[nearest_point(where.places[seen], (lon, lat))]
    far = distance_m(where.places, (lon, lat))
    return _places(world, scope, [at], far, ("substation",))[0]
