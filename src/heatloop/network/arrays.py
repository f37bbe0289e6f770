"""The kinds of arrays, and sums by group."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.intp]


def summed(group: Index, values: Floats, count: int) -> Floats:
    """Return the sum of the values of each group, shape (count,).

    Args:
        group: Group of each value, shape (n,).
        values: Shape (n,).
        count: Number of groups.
    """
    return np.bincount(group, values, count).astype(np.float64, copy=False)
