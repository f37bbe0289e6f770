"""Roll-ups in numpy: statistics of sorted samples, and of smaller windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.store.historian.port import TEN_MINUTES_S, UNUSED, Origin, RollupColumns


def _starts(*sorted_columns: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return where each run of equal rows begins."""
    changed = np.zeros(len(sorted_columns[0]), np.bool_)
    for column in sorted_columns:
        changed[1:] |= column[1:] != column[:-1]
    changed[:1] = True
    return np.flatnonzero(changed)


def from_samples(rows: Columns) -> RollupColumns:
    """Return 10-minute windows of samples ordered by (key, slot), one row a slot."""
    if not len(rows.keys):
        return RollupColumns.empty()
    windows = rows.slots - rows.slots % TEN_MINUTES_S
    starts = _starts(rows.keys, windows)
    used = ~np.isin(rows.quality, UNUSED)
    values = np.where(used, rows.values, np.nan)
    parts = RollupColumns(
        rows.keys,
        windows,
        used.astype("u4"),
        values,
        values,
        values,
        values,
        (rows.quality == Quality.GOOD).astype("u4"),
        np.zeros(len(windows), "u1"),
    )
    return _reduce(parts, starts, windows[starts])


def derive(parts: RollupColumns, window: int) -> RollupColumns:
    """Return one larger window per key, where any part of it was measured.

    Args:
        parts: All smaller windows inside the larger one, ordered by (key, slot).
        window: Start of the larger window, plant seconds.
    """
    if not len(parts):
        return parts
    starts = _starts(parts.keys)
    out = _reduce(parts, starts, np.full(len(starts), window, "u4"))
    measured = np.add.reduceat((parts.origin != Origin.SIMULATED).astype("u4"), starts) > 0
    return out.take(measured)


def overlay(old: RollupColumns, new: RollupColumns) -> RollupColumns:
    """Return all rows, those of `new` in the place of equal (key, slot) of `old`, ordered."""
    both = [np.concatenate(pair) for pair in zip(old.columns, new.columns, strict=True)]
    order = np.lexsort((np.arange(len(both[0])), both[1], both[0]))
    ranked = RollupColumns(*both).take(order)
    last = np.append(_starts(ranked.keys, ranked.slots)[1:], len(order)) - 1
    return ranked.take(last[last >= 0])


def _reduce(
    parts: RollupColumns, starts: NDArray[np.intp], windows: NDArray[np.uint32]
) -> RollupColumns:
    count = np.add.reduceat(parts.count, starts)
    total = np.add.reduceat(np.where(parts.count > 0, parts.mean * parts.count, 0.0), starts)
    # The last part that has samples: its place, carried as a rising number.
    place = np.where(parts.count > 0, np.arange(len(parts)), -1)
    latest = np.maximum.reduceat(place, starts)
    simulated = np.add.reduceat((parts.origin != Origin.MEASURED).astype("u4"), starts)
    return RollupColumns(
        parts.keys[starts],
        windows,
        count.astype("u4"),
        np.fmin.reduceat(parts.low, starts),
        np.divide(total, count, out=np.full(len(starts), np.nan), where=count > 0),
        np.fmax.reduceat(parts.high, starts),
        np.where(latest >= 0, parts.last[latest], np.nan),
        np.add.reduceat(parts.good_count, starts).astype("u4"),
        np.where(simulated > 0, Origin.MIXED, Origin.MEASURED).astype("u1"),
    )
