"""Robust straight fits and scales that grow with how restless a moment is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats

_MOST_ROWS = 5_000
_ROUNDS = 5
_RIDGE = 1e-2
_BLOCK = 64
_BINS = (0.0, 0.5, 0.75, 0.9, 0.97, 0.99, 1.0)


def robust_sd(values: Floats) -> float:
    """Return a standard deviation that outliers do not move; 0 of nothing."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0
    return 1.4826 * float(np.median(np.abs(known - np.median(known))))


def spread(values: Floats) -> float:
    """Return half the width that holds the middle 90 %, which few equal values do not shrink."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0
    low, high = np.quantile(known, (0.05, 0.95))
    return float(high - low) / 3.29


def fit(features: Floats, wanted: Floats, usable: Bools) -> Floats:
    """Return the coefficients of a robust ridge fit, shape (n_feature,).

    Args:
        features: Shape (n_row, n_feature), finite in usable rows.
        wanted: Shape (n_row,).
        usable: Rows to learn from, shape (n_row,).
    """
    rows = np.flatnonzero(usable)
    if rows.size > _MOST_ROWS:
        rows = rows[:: rows.size // _MOST_ROWS + 1]
    none = np.zeros(features.shape[1])
    if rows.size < 3 * features.shape[1]:
        return none
    x, y = features[rows], wanted[rows]
    scale = np.sqrt(np.mean(x * x, axis=0))
    scale[scale == 0.0] = 1.0
    x = x / scale
    weights = np.ones(rows.size)
    solved = none
    for _ in range(_ROUNDS):
        weighted = x * weights[:, None]
        square = _square(weighted, x)
        square[np.diag_indices_from(square)] += _RIDGE * rows.size / x.shape[1]
        solved = np.linalg.solve(square, np.einsum("ij,i->j", weighted, y))
        left = np.abs(y - predict(x, solved))
        # The middle may fit exactly (a plant at rest): then the 80th in a hundred tells.
        size = max(float(np.median(left)), 0.3 * float(np.quantile(left, 0.8)), 1e-9)
        weights = np.minimum(1.0, 2.5 * size / np.maximum(left, 1e-12))
    coefficients: Floats = solved / scale
    return coefficients


def predict(features: Floats, coefficients: Floats) -> Floats:
    """Return the fitted value of each row, shape (n_row,).

    Not by a matrix product: a library with threads of its own makes hundreds of such small ones
    many times slower on a busy machine.
    """
    return np.asarray(np.einsum("ij,j->i", features, coefficients))


def _square(left: Floats, right: Floats) -> Floats:
    """Return left' right in blocks too small to be handed out to threads."""
    count, width = right.shape
    blocks = -(-count // _BLOCK)
    padded = np.zeros((2, blocks * _BLOCK, width))
    padded[0, :count], padded[1, :count] = left, right
    a, b = padded.reshape(2, blocks, _BLOCK, width)
    return np.asarray(np.matmul(a.transpose(0, 2, 1), b).sum(axis=0))


def unrest_of(left: Floats, features: Floats, levels: Floats, usable: Bools) -> Floats:
    """Return a number that rises with how large a residual is to be expected, shape (n_row,).

    Args:
        left: Absolute residuals, shape (n_row,).
        features: How everything moves around each row, shape (n_row, n_feature).
        levels: Where everything stands (a plant at rest behaves otherwise), shape (n_row, n_level).
        usable: Rows to learn from, shape (n_row,).
    """
    if usable.sum() < 50:
        return np.zeros(left.shape)
    moves = np.abs(features)
    wide = np.maximum(np.quantile(moves[usable], 0.9, axis=0), 1e-9)
    low, high = np.quantile(levels[usable], (0.02, 0.98), axis=0)
    place = np.clip((levels - low) / np.maximum(high - low, 1e-9), -0.5, 1.5)
    # The logarithm tells a trickle of flow from none and from full flow.
    columns = np.hstack(
        (
            np.log(moves / wide + 0.05),
            place,
            place * place,
            np.log(np.maximum(place, 0.0) + 0.02),
            np.ones((left.size, 1)),
        )
    )
    size = np.log(left + 0.05 * max(float(np.quantile(left[usable], 0.9)), 1e-9))
    return predict(columns, fit(columns, size, usable))


def scale_by_unrest(left: Floats, unrest: Floats, floor: float) -> Floats:
    """Return the usual size of a residual at moments as restless as each, shape (n_row,).

    Args:
        left: Absolute residuals, nan where unknown, shape (n_row,).
        unrest: How much moves around each row, any unit, shape (n_row,).
        floor: Never less than this.
    """
    known = np.isfinite(left) & np.isfinite(unrest)
    if known.sum() < 50:
        return np.full(left.shape, max(floor, 1e-9) * 3.0)
    edges = np.quantile(unrest[known], _BINS)
    places, sizes = [], []
    for low, high in pairwise(edges):
        inside = known & (unrest >= low) & (unrest <= high)
        if inside.sum() < 20:
            continue
        places.append(float(np.mean(unrest[inside])))
        sizes.append(float(np.quantile(left[inside], 0.9)) / 1.645)
    steps = np.maximum.accumulate(np.maximum(sizes, floor))
    usual: Floats = np.interp(unrest, places, steps)
    usual[~np.isfinite(usual)] = steps[-1]
    return usual
