"""Rows of many points over many slots, put in an order in which per-point memory makes sense."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rounds(at: NDArray[np.intp], slots: NDArray[np.int64]) -> list[NDArray[np.intp] | slice]:
    """Return the rows in rounds: each round holds a point at most once, slots rise from one on.

    Args:
        at: Point of each row, shape (n_row,).
        slots: Slot of each row, shape (n_row,).
    """
    if at.size < 2 or (at[1:] > at[:-1]).all():
        return [slice(None)]
    order = np.lexsort((slots, at))
    sorted_at = at[order]
    starts = np.flatnonzero(np.r_[True, sorted_at[1:] != sorted_at[:-1]])
    rank = np.arange(at.size) - np.repeat(starts, np.diff(np.r_[starts, at.size]))
    if int(rank.max()) == 0:
        return [slice(None)]
    by_rank = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank))
    return [order[part] for part in np.split(by_rank, ends[:-1])]
