"""Roll-ups in numpy: statistics of sorted samples, and of smaller windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.store.historian.periods import Periods
from heatloop.store.historian.port import (
    GAP_PERIODS,
    HOUR_S,
    TEN_MINUTES_S,
    UNUSED,
    Origin,
    RollupColumns,
)


def _starts(*sorted_columns: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return where each run of equal rows begins."""
    changed = np.zeros(len(sorted_columns[0]), np.bool_)
    for column in sorted_columns:
        changed[1:] |= column[1:] != column[:-1]
    changed[:1] = True
    return np.flatnonzero(changed)


def from_samples(rows: Columns, periods: Periods) -> RollupColumns:
    """Return 10-minute windows of samples ordered by (key, slot), one row a slot."""
    if not len(rows.keys):
        return RollupColumns.empty()
    windows = rows.slots - rows.slots % TEN_MINUTES_S
    starts = _starts(rows.keys, windows)
    used = ~np.isin(rows.quality, UNUSED)
    values = np.where(used, rows.values, np.nan)
    parts = RollupColumns(
        keys=rows.keys,
        slots=windows,
        count=used.astype("u4"),
        low=values,
        mean=values,
        high=values,
        integral=_shares(rows, windows, used, periods),
        last=values,
        good_count=(rows.quality == Quality.GOOD).astype("u4"),
        uncertain_count=(rows.quality == Quality.UNCERTAIN).astype("u4"),
        bad_count=(rows.quality == Quality.BAD).astype("u4"),
        stale_count=(rows.quality == Quality.STALE).astype("u4"),
        estimated_count=(rows.quality == Quality.ESTIMATED).astype("u4"),
        origin=np.zeros(len(windows), "u1"),
    )
    return _reduce(parts, starts, windows[starts])


def _shares(
    rows: Columns, windows: NDArray[np.uint32], used: NDArray[np.bool_], periods: Periods
) -> NDArray[np.float64]:
    """Return what each sample adds to its window's integral, value x hours; the rule of `port`."""
    out = np.zeros(len(rows.keys))
    at = np.flatnonzero(used)
    if not len(at):
        return out
    keys, window, value = rows.keys[at], windows[at], rows.values[at]
    slot, period = rows.slots[at].astype("i8"), periods.of(keys)
    first = np.ones(len(at), np.bool_)
    first[1:] = (keys[1:] != keys[:-1]) | (window[1:] != window[:-1])
    last = np.append(first[1:], True)

    def bridged(length_s: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.where(length_s <= GAP_PERIODS * period, length_s, 0).astype("f8")

    # The half of a trapezoid next to a sample, or the whole of an edge of the window.
    before = slot - np.where(first, window, np.append(0, slot[:-1]))
    after = np.where(last, window.astype("i8") + TEN_MINUTES_S, np.append(slot[1:], 0)) - slot
    # Both ends of a trapezoid see the same length and period, so they agree on bridging it.
    seconds = bridged(before) * np.where(first, 1.0, 0.5) + bridged(after) * np.where(
        last, 1.0, 0.5
    )
    seconds = np.where(period > TEN_MINUTES_S, period, seconds)
    out[at] = value * seconds / HOUR_S
    return out


def derive(parts: RollupColumns, window: int) -> RollupColumns:
    """Return one larger window per key, where any part of it was measured.

    Args:
        parts: All smaller windows inside the larger one, ordered by (key, slot).
        window: Start of the larger window, plant seconds.
    """
    out = gather(parts, window)
    return out.take(out.origin != Origin.SIMULATED)


def gather(parts: RollupColumns, window: int) -> RollupColumns:
    """Return one larger window per key, measured or not; see `derive`."""
    if not len(parts):
        return parts
    starts = _starts(parts.keys)
    return _reduce(parts, starts, np.full(len(starts), window, "u4"))


def regroup(parts: RollupColumns, windows: NDArray[np.uint32]) -> RollupColumns:
    """Return windows as larger ones, such as days as months.

    Args:
        parts: Windows ordered by (key, slot).
        windows: Start of the larger window each belongs to, rising with the slot, shape (n_row,).
    """
    if not len(parts):
        return parts
    starts = _starts(parts.keys, windows)
    return _reduce(parts, starts, windows[starts])


def joined(parts: Sequence[RollupColumns]) -> RollupColumns:
    """Return the rows of all, one after the other."""
    if not parts:
        return RollupColumns.empty()
    both = zip(*(part.columns for part in parts), strict=True)
    return RollupColumns(*(np.concatenate(columns) for columns in both))


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
    # All measured, all simulated, or mixed: the least and greatest code tell.
    one = np.minimum.reduceat(parts.origin, starts) == np.maximum.reduceat(parts.origin, starts)
    none = count == 0

    def tally(column: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return np.add.reduceat(column, starts).astype("u4")

    integral = np.add.reduceat(np.where(parts.count > 0, parts.integral, 0.0), starts)
    return RollupColumns(
        keys=parts.keys[starts],
        slots=windows,
        count=count.astype("u4"),
        low=np.fmin.reduceat(parts.low, starts),
        mean=np.divide(total, count, out=np.full(len(starts), np.nan), where=~none),
        high=np.fmax.reduceat(parts.high, starts),
        integral=np.where(none, np.nan, integral),
        last=np.where(latest >= 0, parts.last[latest], np.nan),
        good_count=tally(parts.good_count),
        uncertain_count=tally(parts.uncertain_count),
        bad_count=tally(parts.bad_count),
        stale_count=tally(parts.stale_count),
        estimated_count=tally(parts.estimated_count),
        origin=np.where(one, parts.origin[starts], Origin.MIXED).astype("u1"),
    )
