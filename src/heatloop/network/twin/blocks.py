"""LDL^T of a symmetric matrix of 2 x 2 blocks, solves, and its inverse on the pattern.

The twin's equations have two unknowns a node (its pressure and the multiplier of its balance). As
one block they have a pivot that never vanishes, although the matrix is indefinite. Entries below
the diagonal are (4,): row by row; diagonal blocks (3,): top left, off, bottom right.
"""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints


@compiled
def factorise_blocks(
    column: Ints, rows: Ints, updates: Ints, target: Ints, low: Floats, diag: Floats
) -> None:
    """Turn the matrix into L (in `low`) and the inverses of the blocks of D (in `diag`), in place.

    Args:
        column: Start of each column, see `ordering.pattern`, shape (n + 1,).
        rows: Row of each entry, shape (n_entry,).
        updates: Start of each column's updates, shape (n + 1,).
        target: Entry each update goes to, shape (n_update,).
        low: Blocks below the diagonal, shape (n_entry, 4).
        diag: Diagonal blocks, shape (n, 3).
    """
    for k in range(len(diag)):
        a, b, c = diag[k, 0], diag[k, 1], diag[k, 2]
        det = a * c - b * b
        a, b, c = c / det, -b / det, a / det
        diag[k, 0], diag[k, 1], diag[k, 2] = a, b, c
        at = updates[k]
        last = column[k + 1]
        for i in range(column[k], last):
            r0, r1, r2, r3 = low[i, 0], low[i, 1], low[i, 2], low[i, 3]
            # share = raw D^-1; the update is share_j raw_i^T.
            s0, s1 = r0 * a + r1 * b, r0 * b + r1 * c
            s2, s3 = r2 * a + r3 * b, r2 * b + r3 * c
            row = rows[i]
            diag[row, 0] -= s0 * r0 + s1 * r1
            diag[row, 1] -= s0 * r2 + s1 * r3
            diag[row, 2] -= s2 * r2 + s3 * r3
            for j in range(i + 1, last):
                t = target[at]
                at += 1
                q0, q1, q2, q3 = low[j, 0], low[j, 1], low[j, 2], low[j, 3]
                low[t, 0] -= q0 * s0 + q1 * s1
                low[t, 1] -= q0 * s2 + q1 * s3
                low[t, 2] -= q2 * s0 + q3 * s1
                low[t, 3] -= q2 * s2 + q3 * s3
            low[i, 0], low[i, 1], low[i, 2], low[i, 3] = r0, r1, r2, r3
        for i in range(column[k], last):
            r0, r1, r2, r3 = low[i, 0], low[i, 1], low[i, 2], low[i, 3]
            low[i, 0], low[i, 1] = r0 * a + r1 * b, r0 * b + r1 * c
            low[i, 2], low[i, 3] = r2 * a + r3 * b, r2 * b + r3 * c


@compiled
def substitute_blocks(column: Ints, rows: Ints, low: Floats, diag: Floats, x: Floats) -> None:
    """Solve L D L^T x = b in place, x of shape (n, 2)."""
    n = len(diag)
    for k in range(n):
        u, v = x[k, 0], x[k, 1]
        for i in range(column[k], column[k + 1]):
            r = rows[i]
            x[r, 0] -= low[i, 0] * u + low[i, 1] * v
            x[r, 1] -= low[i, 2] * u + low[i, 3] * v
    for k in range(n - 1, -1, -1):
        u = diag[k, 0] * x[k, 0] + diag[k, 1] * x[k, 1]
        v = diag[k, 1] * x[k, 0] + diag[k, 2] * x[k, 1]
        for i in range(column[k], column[k + 1]):
            r = rows[i]
            u -= low[i, 0] * x[r, 0] + low[i, 2] * x[r, 1]
            v -= low[i, 1] * x[r, 0] + low[i, 3] * x[r, 1]
        x[k, 0], x[k, 1] = u, v


@compiled
def inverse_blocks(
    column: Ints,
    rows: Ints,
    updates: Ints,
    target: Ints,
    low: Floats,
    diag: Floats,
    z_low: Floats,
    z_diag: Floats,
) -> None:
    """Write the inverse's blocks at the places of the factor into `z_low` and `z_diag`.

    Reference: Takahashi, Fagan and Chin 1973; Erisman and Tinney 1975 (doi 10.1145/360680.360704).
    """
    z_low[:] = 0.0
    for k in range(len(diag) - 1, -1, -1):
        first, last = column[k], column[k + 1]
        at = updates[k]
        for i in range(first, last):
            l0, l1, l2, l3 = low[i, 0], low[i, 1], low[i, 2], low[i, 3]
            row = rows[i]
            a, b, c = z_diag[row, 0], z_diag[row, 1], z_diag[row, 2]
            z_low[i, 0] -= a * l0 + b * l2
            z_low[i, 1] -= a * l1 + b * l3
            z_low[i, 2] -= b * l0 + c * l2
            z_low[i, 3] -= b * l1 + c * l3
            for j in range(i + 1, last):
                t = target[at]
                at += 1
                p0, p1, p2, p3 = z_low[t, 0], z_low[t, 1], z_low[t, 2], z_low[t, 3]
                z_low[j, 0] -= p0 * l0 + p1 * l2
                z_low[j, 1] -= p0 * l1 + p1 * l3
                z_low[j, 2] -= p2 * l0 + p3 * l2
                z_low[j, 3] -= p2 * l1 + p3 * l3
                q0, q1, q2, q3 = low[j, 0], low[j, 1], low[j, 2], low[j, 3]
                z_low[i, 0] -= p0 * q0 + p2 * q2
                z_low[i, 1] -= p0 * q1 + p2 * q3
                z_low[i, 2] -= p1 * q0 + p3 * q2
                z_low[i, 3] -= p1 * q1 + p3 * q3
        a, b, c = diag[k, 0], diag[k, 1], diag[k, 2]
        for i in range(first, last):
            a -= low[i, 0] * z_low[i, 0] + low[i, 2] * z_low[i, 2]
            b -= low[i, 0] * z_low[i, 1] + low[i, 2] * z_low[i, 3]
            c -= low[i, 1] * z_low[i, 1] + low[i, 3] * z_low[i, 3]
        z_diag[k, 0], z_diag[k, 1], z_diag[k, 2] = a, b, c
