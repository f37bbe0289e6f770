"""Stored series of an asset as a table for the batch rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.batch.model import Floats, Series, Table
from heatloop.ingest.batch.profiles import series_of
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Point

_CHECKED = ("process", "metering", "weather")
_COMPUTED = ("twin_", "water_loss", "leak_")
COUNTER_TOP = float(2**32 - 1)


def checked_points(ledger: Ledger, asset: str) -> list[Point]:
    """Return the measured points of an asset that the batch rules look at, by key."""
    kinds = point_kinds()
    return sorted(
        (
            point
            for point in ledger.points_of(asset)
            if kinds[point.kind].class_ in _CHECKED and not point.kind.startswith(_COMPUTED)
        ),
        key=lambda point: point.key,
    )


def points_around(ledger: Ledger, asset: str) -> list[Point]:
    """Return an asset's points and those that move with them, by key.

    A unit is judged beside the primary side of its station, a station beside its first unit.
    """
    around = [asset]
    kind = ledger.assets[asset].kind
    if kind == "unit":
        around.append(ledger.assets[asset].parent)
    elif kind == "substation":
        around += [child.code for child in ledger.children(asset) if child.kind == "unit"][:1]
    found = [point for code in around if code in ledger.assets for point in
             checked_points(ledger, code)]  # fmt: skip
    return sorted(found, key=lambda point: point.key)


def tops(ledger: Ledger, points: Sequence[Point]) -> dict[str, float]:
    """Return where each counter rolls over: its register's top in the point's unit."""
    known = {binding.point: binding.factor for binding in ledger.bindings}
    return {
        point.code: COUNTER_TOP * known[point.code]
        for point in points
        if point.code in known and point_kinds()[point.kind].class_ == "metering"
    }


def table_of(
    place: str,
    points: Sequence[Point],
    columns: Columns,
    tops_of: dict[str, float],
    slots: NDArray[np.uint32] | None = None,
) -> Table:
    """Return samples as a table; what was estimated or bad before counts as missing.

    Args:
        place: Asset code.
        points: Its columns.
        columns: Samples of these points, ordered by (key, slot).
        tops_of: Where counters roll over, by point code.
        slots: The rows wanted; None: every slot of any point.
    """
    times = np.unique(columns.slots) if slots is None else slots
    series: list[Series] = []
    for point in points:
        values = values_at(columns, point.key, times)
        if np.isfinite(values).any():
            top = tops_of.get(point.code, 0.0)
            series.append(series_of(point.code, point.kind, values, top=top))
    return Table(times_s=times.astype("f8"), series=tuple(series), place=place)


def values_at(columns: Columns, key: int, slots: NDArray[np.uint32]) -> Floats:
    """Return the measured values of a point at slots, nan where there is none to go by."""
    begin, end = np.searchsorted(columns.keys, [key, key + 1])
    values = np.full(slots.size, np.nan)
    mine = columns.take(np.arange(begin, end))
    usable = ~np.isin(mine.quality, (Quality.ESTIMATED, Quality.STALE, Quality.BAD))
    at = np.searchsorted(slots, mine.slots)
    inside = usable & (at < slots.size)
    inside[inside] = slots[at[inside]] == mine.slots[inside]
    values[at[inside]] = mine.values[inside]
    return values
