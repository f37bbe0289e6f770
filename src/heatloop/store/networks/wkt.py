"""Geometry in a cell: WKT text or a JSON list of points."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from heatloop.kernel.errors import InputError

_WKT = re.compile(
    r"\s*(?:SRID=\d+;)?\s*(MULTI)?(LINESTRING|POINT)\s*(?:Z|M|ZM)?\s*\((.*)\)\s*",
    re.IGNORECASE | re.DOTALL,
)
_MOST = 1_000_000


def read_points(cell: Any, place: str) -> tuple[tuple[float, float], ...]:
    """Return the points of a cell: `LINESTRING (x y, x y)`, `POINT (x y)` or `[[x, y], ...]`.

    Raises:
        InputError: It is neither.
    """
    if isinstance(cell, list):
        return _from_lists(cell, place)
    text = str(cell).strip()
    if len(text) > _MOST:
        raise _wrong(text, place)
    if text.startswith("["):
        try:
            return _from_lists(json.loads(text), place)
        except (json.JSONDecodeError, RecursionError) as error:
            raise _wrong(text, place) from error
    found = _WKT.fullmatch(text)
    if found is None:
        raise _wrong(text, place)
    inside = found[3].strip()
    if found[1]:
        if not (inside.startswith("(") and inside.endswith(")")) or inside.count("(") != 1:
            raise InputError(
                "a line of several parts", thing=text[:60], place=place, fix="split it into lines"
            )
        inside = inside[1:-1]
    try:
        lists = [[float(number) for number in point.split()] for point in inside.split(",")]
    except ValueError as error:
        raise _wrong(text, place) from error
    return _from_lists(lists, place)


def write_points(points: tuple[tuple[float, float], ...]) -> str:
    """Return a line as WKT; numbers read back as they were."""
    return f"LINESTRING ({', '.join(f'{x!r} {y!r}' for x, y in points)})"


def _from_lists(lists: Any, place: str) -> tuple[tuple[float, float], ...]:
    points = []
    for point in lists:
        if not isinstance(point, list) or len(point) < 2:
            raise _wrong(str(lists), place)
        x, y = point[0], point[1]
        numbers = isinstance(x, int | float) and isinstance(y, int | float)
        if not numbers or isinstance(x, bool) or isinstance(y, bool):
            raise _wrong(str(lists), place)
        if not (abs(x) < math.inf and abs(y) < math.inf):
            raise _wrong(str(lists), place)
        points.append((float(x), float(y)))
    return tuple(points)


def _wrong(text: str, place: str) -> InputError:
    return InputError(
        "no geometry",
        thing=text[:60],
        place=place,
        fix="write LINESTRING (x y, x y), POINT (x y) or [[x, y], [x, y]]",
    )
