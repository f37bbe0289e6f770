"""Which model is believed how much, by what each did in the last weeks; none that loses to naive.

The components are ridge, boosted trees, change-point baseline and persistence, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COMPONENTS = ("ridge", "boosted", "baseline", "persistence")
_PRIOR = np.array([0.4, 0.6, 0.0, 0.0])
_PRIOR_PULL = 0.06
_HALF_LIFE_DAYS = 14.0
_LEAST_DAYS = 5
_TREES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Blend:
    """Weights of the components for each series."""

    weights: Floats
    """Shape (n_component, n_series)."""
    mae: Floats
    """Recent error of the blend, each forecast made before its day, shape (n_series,)."""
    persistence_mae: Floats
    """The same of persistence."""
    days: int
    """Days this rests on."""

    def mean_weights(self) -> dict[str, float]:
        """Return the mean weight of each component over the series."""
        return dict(zip(COMPONENTS, np.mean(self.weights, axis=1).tolist(), strict=True))

    def mix(self, parts: Floats) -> Floats:
        """Return the weighted sum; the weight of what is missing goes to the rest.

        Args:
            parts: Shape (..., n_component, n_lead, n_series).
        """
        weight = self.weights[:, None, :] * np.isfinite(parts)
        total = weight.sum(axis=-3)
        mixed = (weight * np.nan_to_num(parts)).sum(axis=-3) / np.where(total > 0, total, np.nan)
        # Nothing believed is at hand: the baseline, else yesterday.
        for spare in (2, 0, 3):
            mixed = np.where(np.isfinite(mixed), mixed, parts[..., spare, :, :])
        return np.asarray(mixed)


def choose(parts: Floats, actual: Floats) -> Blend:
    """Return the weights that would have done best, drawn to the usual ones.

    Args:
        parts: Past forecasts, oldest first, shape (n_origin, n_component, n_lead, n_series).
        actual: What came, shape (n_origin, n_lead, n_series).
    """
    days, series = len(parts), actual.shape[-1]
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(parts).any(axis=(0, 2)))
    if days < _LEAST_DAYS:
        weights = np.where(usable, _PRIOR[:, None], 0.0)
        nothing = np.full(series, np.nan)
        return Blend(weights=weights, mae=nothing, persistence_mae=nothing, days=days)
    # Trees may be told for some leads only: compare where everybody spoke.
    spoke = np.isfinite(np.where(usable[:, None, :], parts, 0.0)).all(axis=1) & np.isfinite(actual)
    age = 0.5 ** (np.arange(days)[::-1] / _HALF_LIFE_DAYS)
    w = np.where(spoke, age[:, None, None], 0.0)
    total = np.maximum(w.sum(axis=(0, 1)), 1e-12)
    filled, target = np.nan_to_num(parts), np.nan_to_num(actual)
    best = np.full(series, np.inf)
    weights = np.zeros((len(COMPONENTS), series))
    mae = np.full(series, np.nan)
    for candidate in _candidates():
        error = np.einsum("c,ocls->ols", candidate, filled) - target
        absolute = (w * np.abs(error)).sum(axis=(0, 1)) / total
        square = np.sqrt((w * error**2).sum(axis=(0, 1)) / total)
        loss = (absolute + square) * (1.0 + _PRIOR_PULL * np.abs(candidate - _PRIOR).sum())
        allowed = (usable | (candidate[:, None] == 0.0)).all(axis=0)
        better = allowed & (loss < best)
        best = np.where(better, loss, best)
        weights = np.where(better, candidate[:, None], weights)
        mae = np.where(better, absolute, mae)
    naive = (w * np.abs(filled[:, 3] - target)).sum(axis=(0, 1)) / total
    lost = np.asarray((mae >= naive) & usable[3])
    weights[:, lost] = np.array([0.0, 0.0, 0.0, 1.0])[:, None]
    return Blend(weights=weights, mae=np.where(lost, naive, mae), persistence_mae=naive, days=days)


def _candidates() -> list[Floats]:
    found = [np.array([1.0 - b, b, 0.0, 0.0]) for b in _TREES]
    for base, naive in ((0.2, 0.0), (0.4, 0.0), (0.0, 0.2), (0.2, 0.2)):
        found += [(1.0 - base - naive) * f + np.array([0, 0, base, naive]) for f in found[:6]]
    return [*found, np.array([0.0, 0.0, 1.0, 0.0])]
