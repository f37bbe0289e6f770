"""Time series side by side: buckets of time, filled gaps, and the value known at a moment.

Series are given as arrays of slots (plant seconds since 1970 UTC, rising) and values; nan is a
missing value and never counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Floats = NDArray[np.float64]
Slots = NDArray[np.int64]
HOLD, LINEAR, NONE = "hold", "linear", "none"


class Buckets(NamedTuple):
    """Windows that hold at least one value, each column of shape (n_window,)."""

    starts: Slots
    """First second of the window."""
    counts: NDArray[np.int64]
    """Values in it."""
    mean: Floats
    """Their mean."""
    low: Floats
    """Least of them."""
    high: Floats
    """Greatest of them."""
    first: Floats
    """Value of the earliest slot."""
    last: Floats
    """Value of the latest slot."""


def _checked(slots: NDArray[np.integer], values: Floats, rising: bool) -> tuple[Slots, Floats]:
    at, found = np.asarray(slots, np.int64), np.asarray(values, np.float64)
    if at.ndim != 1 or at.shape != found.shape:
        raise InputError(
            "slots and values differ in length", thing="series", fix="give one value a slot"
        )
    if rising and np.any(np.diff(at) < 0):
        raise InputError("slots do not rise", thing="series", fix="sort by slot first")
    return at, found


def _positive(step_s: int, what: str) -> None:
    if step_s <= 0:
        raise InputError("must be above 0", thing=what, place=str(step_s), fix="give seconds")


def time_bucket(
    slots: NDArray[np.integer], values: Floats, step_s: int, *, origin_s: int = 0
) -> Buckets:
    """Return what happened in each window of time.

    Args:
        slots: Plant seconds in any order, shape (n,).
        values: Shape (n,); nan does not count.
        step_s: Length of a window.
        origin_s: A second at which some window begins, for days of a zone for example.

    Raises:
        InputError: Lengths differ or the step is not positive.
    """
    _positive(step_s, "step_s")
    at, found = _checked(slots, values, rising=False)
    known = ~np.isnan(found)
    at, found = at[known], found[known]
    order = np.argsort(at, kind="stable")
    at, found = at[order], found[order]
    window = (at - origin_s) // step_s * step_s + origin_s
    starts, begin, count = np.unique(window, return_index=True, return_counts=True)
    if not len(starts):
        empty = np.empty(0)
        return Buckets(starts, count.astype(np.int64), *(empty.copy() for _ in range(5)))
    return Buckets(
        starts=starts,
        counts=count.astype(np.int64),
        mean=np.add.reduceat(found, begin) / count,
        low=np.minimum.reduceat(found, begin),
        high=np.maximum.reduceat(found, begin),
        first=found[begin],
        last=found[begin + count - 1],
    )


def gap_fill(
    slots: NDArray[np.integer],
    values: Floats,
    start_s: int,
    end_s: int,
    step_s: int,
    *,
    how: str = HOLD,
    most_s: int | None = None,
) -> tuple[Slots, Floats, NDArray[np.bool_]]:
    """Return a series on an even grid, with gaps filled and marked.

    Args:
        slots: Rising plant seconds, shape (n,); several in one step: the last counts.
        values: Shape (n,); nan is a gap.
        start_s: First slot of the grid.
        end_s: End of the grid, not part of it.
        step_s: Distance between slots.
        how: `hold` the last value, `linear` between neighbours, or `none`.
        most_s: Longest gap (between known values) that is filled; None: any.

    Returns:
        Slots, values (nan where not filled) and which were filled, each of shape (n_step,).

    Raises:
        InputError: Slots do not rise, the step is not positive, or there is no such way.
    """
    _positive(step_s, "step_s")
    if how not in (HOLD, LINEAR, NONE):
        raise InputError("no such way to fill", thing=how, fix=f"use {HOLD}, {LINEAR} or {NONE}")
    at, found = _checked(slots, values, rising=True)
    grid = np.arange(start_s, end_s, step_s, dtype=np.int64)
    filled = np.full(len(grid), np.nan)
    known = ~np.isnan(found)
    at, found = at[known], found[known]
    step = (at - start_s) // step_s
    inside = (step >= 0) & (step < len(grid))
    filled[step[inside]] = found[inside]
    own = ~np.isnan(filled)
    if how == NONE or not len(at):
        return grid, filled, np.zeros(len(grid), np.bool_)
    before = np.searchsorted(at, grid, side="right") - 1
    after = before + 1
    has_before, has_after = before >= 0, after < len(at)
    earlier = at[np.maximum(before, 0)]
    later = at[np.minimum(after, len(at) - 1)]
    can = ~own & has_before
    if how == LINEAR:
        can &= has_after
        share = (grid - earlier) / np.maximum(later - earlier, 1)
        rise = found[np.minimum(after, len(at) - 1)] - found[np.maximum(before, 0)]
        made = found[np.maximum(before, 0)] + share * rise
        gap = later - earlier
    else:
        made = found[np.maximum(before, 0)]
        gap = grid - earlier
    if most_s is not None:
        can &= gap <= most_s
    filled[can] = made[can]
    return grid, filled, can


def as_of_join(
    left_slots: NDArray[np.integer],
    right_slots: NDArray[np.integer],
    right_values: Floats,
    *,
    most_s: int | None = None,
    exact: bool = True,
) -> tuple[Floats, Slots]:
    """Return what the right series last said at each slot of the left one; never the future.

    Args:
        left_slots: Plant seconds in any order, shape (n_left,).
        right_slots: Rising plant seconds, shape (n_right,).
        right_values: Shape (n_right,); nan is passed over.
        most_s: Oldest value that still counts; None: any.
        exact: Whether a value of the same second counts.

    Returns:
        Value (nan: none) and its age in seconds (-1: none), each of shape (n_left,).

    Raises:
        InputError: Right slots do not rise, or lengths differ.
    """
    at, found = _checked(right_slots, right_values, rising=True)
    known = ~np.isnan(found)
    at, found = at[known], found[known]
    wanted = np.asarray(left_slots, np.int64)
    index = np.searchsorted(at, wanted, side="right" if exact else "left") - 1
    if not len(at):
        return np.full(len(wanted), np.nan), np.full(len(wanted), -1, np.int64)
    age = wanted - at[np.maximum(index, 0)]
    good = index >= 0
    if most_s is not None:
        good &= age <= most_s
    values = np.where(good, found[np.maximum(index, 0)], np.nan)
    return values, np.where(good, age, -1)
