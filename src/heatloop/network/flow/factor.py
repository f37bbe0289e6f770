"""LDL^T of a symmetric matrix on a fixed pattern, and solves with it; all indices are ranks."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints


@compiled
def factorise(
    column: Ints, rows: Ints, updates: Ints, target: Ints, low: Floats, diag: Floats, first: int
) -> None:
    """Turn `low` and `diag` (lower entries and diagonal of the matrix) into L and D, in place.

    Args:
        column: Start of each column, shape (n + 1,).
        rows: Row of each entry, rising within a column, shape (n_entry,).
        updates: Start of each column's updates, shape (n + 1,).
        target: Entry each update goes to, shape (n_update,).
        low: Entries below the diagonal, shape (n_entry,).
        diag: Diagonal, shape (n,).
        first: Rank to begin with; what comes before is left alone.
    """
    for k in range(first, len(diag)):
        begin, last = column[k], column[k + 1]
        at = updates[k]
        pivot = 1.0 / diag[k]
        for i in range(begin, last):
            raw = low[i]
            share = raw * pivot
            diag[rows[i]] -= raw * share
            for j in range(i + 1, last):
                low[target[at]] -= share * low[j]
                at += 1
        for i in range(begin, last):
            low[i] *= pivot


@compiled
def substitute(column: Ints, rows: Ints, low: Floats, diag: Floats, x: Floats, first: int) -> None:
    """Solve L D L^T x = b in place from rank `first` on, shape (n,)."""
    n = len(diag)
    for k in range(first, n):
        value = x[k]
        if value != 0.0:
            for i in range(column[k], column[k + 1]):
                x[rows[i]] -= low[i] * value
    for k in range(n - 1, first - 1, -1):
        value = x[k] / diag[k]
        for i in range(column[k], column[k + 1]):
            value -= low[i] * x[rows[i]]
        x[k] = value
