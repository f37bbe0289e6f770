"""Exponentially weighted ridge with shrinkage: one line for all leads, and one a lead drawn to it.

All series are solved together. Sums of squares and products are kept by lead and series, so that
a window of origins that moves by a week is a matter of the rows that come and go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ridge:
    """Coefficients of inputs that were made comparable."""

    centre: Floats
    """Mean of each input, shape (n_series, n_input)."""
    scale: Floats
    """Spread of each input, same shape; infinite for constants."""
    pooled: Floats
    """Coefficients for all leads, same shape."""
    by_lead: Floats
    """What a lead adds, shape (n_lead, n_series, n_input + 1); the last one is its constant."""

    def predict(self, inputs: Floats) -> Floats:
        """Return forecasts, shape (n_origin, n_lead, n_series).

        Args:
            inputs: Shape (n_origin, n_lead, n_series, n_input).
        """
        z = (inputs - self.centre) / self.scale
        own = self.by_lead[..., :-1] + self.pooled
        return np.asarray(np.einsum("olsp,lsp->ols", z, own) + self.by_lead[..., -1])


class RidgeWindow:
    """Learns ridges from windows of the same origins.

    Args:
        inputs: Shape (n_origin, n_lead, n_series, n_input), newest origin first.
        target: Shape (n_origin, n_lead, n_series), nan where unknown.
        half_life: Origins after which one weighs half.
    """

    def __init__(self, inputs: Floats, target: Floats, half_life: float) -> None:
        rows, leads, series, count = inputs.shape
        good = np.isfinite(target)
        known = np.maximum(good.sum(axis=(0, 1)), 1)
        # One, the inputs and the target above each other; what has no target is zero.
        self._table = np.empty((leads, series, count + 2, rows))
        self._table[:, :, 0] = good.transpose(1, 2, 0)
        self._centre, self._spread = np.zeros((2, series, count))
        for n in range(count):
            column = np.where(good, inputs[..., n], 0.0)
            self._centre[:, n] = column.sum(axis=(0, 1)) / known
            column = np.where(good, column - self._centre[:, n], 0.0)
            spread = np.sqrt(np.einsum("ols,ols->s", column, column) / known)
            self._spread[:, n] = np.where(spread > 0.0, spread, 1.0)
            self._table[:, :, n + 1] = (column / self._spread[:, n]).transpose(1, 2, 0)
        self._mean = np.where(good, target, 0.0).sum(axis=(0, 1)) / known
        self._table[:, :, -1] = np.where(good, target - self._mean, 0.0).transpose(1, 2, 0)
        self._half_life = half_life
        self._sums: Floats | None = None
        self._low = self._high = 0

    def fit(
        self, low: int, high: int, late: Flags, *, pooled_pull: float, lead_pull: float
    ) -> Ridge:
        """Return the ridge of origins in [low, high), the first of them weighing one.

        Args:
            low: First origin.
            high: End.
            late: Targets of the first origins that were not known yet, shape (n_late, n_lead).
            pooled_pull: Pull of the common coefficients to zero, in equivalent origins.
            lead_pull: Pull of a lead's own coefficients to none, in equivalent origins.
        """
        whole = min(low + len(late), high)
        sums = self._moved(whole, high).copy()
        if whole > low:
            sums += self._part(low, whole, ~late[: whole - low])
        sums *= 2.0 ** (low / self._half_life)
        return self._solved(sums, pooled_pull, lead_pull)

    def _part(self, low: int, high: int, used: Flags | None = None) -> Floats:
        """Return weighted sums of products over [low, high), (n_lead, n_series, n, n)."""
        root = 0.5 ** (np.arange(low, high) / (2.0 * self._half_life))
        weight = root if used is None else (root[:, None] * used).T[:, None, None, :]
        a = self._table[..., low:high] * weight
        return np.asarray(a @ a.swapaxes(-1, -2))

    def _moved(self, low: int, high: int) -> Floats:
        """Return the sums of [low, high), from those of the window before."""
        if self._sums is None or low >= self._high or high <= self._low or low > self._low:
            self._sums = self._part(low, high)
        else:
            if low < self._low:
                self._sums += self._part(low, self._low)
            if high > self._high:
                self._sums += self._part(self._high, high)
            elif high < self._high:
                self._sums -= self._part(high, self._high)
        self._low, self._high = low, high
        return self._sums

    def _solved(self, sums: Floats, pooled_pull: float, lead_pull: float) -> Ridge:
        leads, series, count = *sums.shape[:2], sums.shape[2] - 2
        by_lead = np.maximum(sums[..., 0, 0], 1e-12)[..., None]
        total = np.maximum(sums[..., 0, 0].sum(axis=0), 1e-12)[:, None]
        centre = sums[..., 0, 1:-1].sum(axis=0) / total
        square = np.einsum("lspp->sp", sums[..., 1:-1, 1:-1]) / total
        spread = np.sqrt(np.maximum(square - centre**2, 0.0))
        raw = self._centre + self._spread * centre
        least = np.maximum(_LEAST_SPREAD * (1.0 + np.abs(raw)) / self._spread, _LEAST_SPREAD)
        scale = np.where(spread > least, spread, np.inf)
        # A constant a lead first: profiles over the day are no matter of slopes.
        mean = sums[..., 0, 1:] / by_lead
        around = sums[..., 1:, 1:] - by_lead[..., None] * mean[..., :, None] * mean[..., None, :]
        gram = around[..., :-1, :-1] / (scale[:, :, None] * scale[:, None, :])
        moment = around[..., :-1, -1] / scale
        eye = np.eye(count)
        # In units of a lead's weight, so that the pull means origins whatever the number of leads.
        pooled = _solve(gram.sum(axis=0) + pooled_pull * leads * eye, moment.sum(axis=0))
        left = moment - np.einsum("lspq,sq->lsp", gram, pooled)
        own = _solve(gram + lead_pull * eye, left)
        middle = np.where(sums[..., 0, :1] > 0.0, (mean[..., :-1] - centre) / scale, 0.0)
        constant = self._mean + mean[..., -1] - np.einsum("lsp,lsp->ls", middle, own + pooled)
        return Ridge(
            centre=raw,
            scale=self._spread * scale,
            pooled=pooled,
            by_lead=np.concatenate([own, constant.reshape(leads, series, 1)], axis=-1),
        )


def _solve(matrix: Floats, right: Floats) -> Floats:
    return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0])
