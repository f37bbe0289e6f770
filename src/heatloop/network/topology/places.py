"""Places on the map: polygons, distances and nearest things, in WGS84 or in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index
from heatloop.network.model.net import Flags

EARTH_M = 6_371_008.8
"""Mean radius of the earth."""
_BLOCK = 256
Rings: TypeAlias = Sequence[Sequence[tuple[float, float]]]
"""A polygon: its outline, then its holes; points are (lon, lat) or (x, y)."""


def _ring(points: Sequence[tuple[float, float]]) -> Floats:
    ring = np.asarray(points, np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 3 or not np.isfinite(ring).all():
        raise InputError(
            "an outline needs three points of two numbers",
            thing="polygon",
            place=f"{len(points)} points",
            fix="give [[lon, lat], ...]",
        )
    return ring if np.array_equal(ring[0], ring[-1]) else np.vstack([ring, ring[:1]])


def _in_ring(points: Floats, ring: Floats) -> tuple[Flags, Flags]:
    """Return which points lie inside a closed ring, and which on its line."""
    x, y = points[:, 0], points[:, 1]
    inside, on = np.zeros(len(points), np.bool_), np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in zip(ring[:-1].tolist(), ring[1:].tolist(), strict=True):
        across = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
        # Half-open in y, so that a ray through a corner meets one of its two edges.
        meets = ((y0 <= y) != (y1 <= y)) & ((across > 0.0) == (y1 > y0))
        inside ^= meets
        within = (np.minimum(x0, x1) <= x) & (x <= np.maximum(x0, x1))
        within &= (np.minimum(y0, y1) <= y) & (y <= np.maximum(y0, y1))
        on |= within & (across == 0.0)
    return inside, on


def in_polygon(points: Floats, rings: Rings, *, degrees: bool = True) -> Flags:
    """Return which points lie in a polygon; its line counts as inside, that of a hole as well.

    Args:
        points: (lon, lat) or (x, y), shape (n, 2); nan is outside.
        rings: The outline, then the holes.
        degrees: WGS84; longitudes are then taken the short way round from the outline's first
            point, so that a polygon may cross the 180th meridian.

    Raises:
        InputError: A ring is no ring.

    Reference: ray casting, Shimrat (doi 10.1145/368637.368653).
    """
    outlines = [_ring(ring) for ring in rings]
    if not outlines:
        raise InputError("a polygon needs an outline", thing="polygon", fix="give one ring")
    at = np.array(points, np.float64).reshape(-1, 2)
    if degrees:
        origin = outlines[0][0, 0]
        for column in (at, *outlines):
            turned = (column[:, 0] - origin) > 180.0
            column[turned, 0] -= 360.0
            column[(column[:, 0] - origin) < -180.0, 0] += 360.0
    inside, on = _in_ring(at, outlines[0])
    found = inside | on
    for hole in outlines[1:]:
        inside, on = _in_ring(at, hole)
        found &= ~inside | on
    return np.asarray(found & np.isfinite(at).all(axis=1))


def in_polygons(points: Floats, polygons: Sequence[Rings], *, degrees: bool = True) -> Flags:
    """Return which points lie in any of several polygons; see `in_polygon`."""
    found = np.zeros(len(points), np.bool_)
    for rings in polygons:
        found |= in_polygon(points, rings, degrees=degrees)
    return found


def distance_m(points: Floats, to: tuple[float, float]) -> Floats:
    """Return the great-circle distance of WGS84 points from one, shape (n,).

    Args:
        points: (lon, lat), shape (n, 2).
        to: (lon, lat).

    Reference: haversine formula; the ellipsoid's flattening makes at most 0.5 % difference.
    """
    lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
    lon0, lat0 = math.radians(to[0]), math.radians(to[1])
    half = np.sin((lat - lat0) / 2.0) ** 2
    half += np.cos(lat) * math.cos(lat0) * np.sin((lon - lon0) / 2.0) ** 2
    return np.asarray(2.0 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def to_metres(points: Floats, origin: tuple[float, float]) -> Floats:
    """Return WGS84 points as metres east and north of an origin, shape (n, 2).

    Good to 1e-4 within 20 km of it, which is a city.

    Args:
        points: (lon, lat), shape (n, 2).
        origin: (lon, lat).
    """
    east = (points[:, 0] - origin[0] + 180.0) % 360.0 - 180.0
    scale = math.radians(1.0) * EARTH_M
    return np.column_stack(
        [east * scale * math.cos(math.radians(origin[1])), (points[:, 1] - origin[1]) * scale]
    )


def segment_distance_m(points: Floats, starts: Floats, ends: Floats) -> tuple[Floats, Index]:
    """Return each point's distance from the nearest straight segment, and which one it is.

    Args:
        points: Metres, shape (n, 2); nan gives inf.
        starts: Metres, shape (m, 2).
        ends: Metres, shape (m, 2).

    Returns:
        Distance and number of the segment, each of shape (n,).
    """
    far = np.full(len(points), np.inf)
    which = np.full(len(points), -1, np.intp)
    if not len(starts):
        return far, which
    along = ends - starts
    square = np.maximum((along**2).sum(axis=1), 1e-18)
    for first in range(0, len(points), _BLOCK):
        part = points[first : first + _BLOCK]
        offset = part[:, None, :] - starts[None, :, :]
        share = np.clip((offset * along).sum(axis=2) / square, 0.0, 1.0)
        gap = ((offset - share[:, :, None] * along) ** 2).sum(axis=2)
        gap = np.where(np.isfinite(gap), gap, np.inf)
        nearest = gap.argmin(axis=1)
        rows = np.arange(len(part))
        far[first : first + _BLOCK] = np.sqrt(gap[rows, nearest])
        which[first : first + _BLOCK] = nearest
    which[~np.isfinite(far)] = -1
    return far, which


def nearest_point(points: Floats, to: tuple[float, float], *, degrees: bool = True) -> int:
    """Return the number of the point nearest to a place.

    Args:
        points: (lon, lat) or metres, shape (n, 2); nan is passed over.
        to: The place.
        degrees: WGS84.

    Raises:
        InputError: No point has a place.
    """
    far = distance_m(points, to) if degrees else np.hypot(*(points - np.array(to)).T)
    far = np.where(np.isfinite(far), far, np.inf)
    if not len(far) or not np.isfinite(far.min()):
        raise InputError("nothing here has a place on the map", thing="nodes", fix="give x and y")
    return int(far.argmin())
