"""Bands that cover what they say: widths of the models, stretched by recent errors, lead by lead.

Split conformal with the asymmetric score of conformalised quantile regression (Romano, Patterson
and Candes, arXiv 1905.03222), taken over the last weeks' forecasts as they were issued.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TAIL = 0.1
_ENOUGH = 80
_FLOOR_SHARE = 0.02


def widths(middle: Floats, low: Floats, high: Floats, scale: Floats) -> Floats:
    """Return the distances of the models' own quantiles, shape (2, ..., n_lead, n_series).

    Where there are none (no trees yet), one common width leaves all to the errors.
    """
    least = _FLOOR_SHARE * np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)
    plain = np.broadcast_to(5.0 * least, middle.shape)
    down = np.where(np.isfinite(low), np.maximum(middle - low, least), plain)
    up = np.where(np.isfinite(high), np.maximum(high - middle, least), plain)
    return np.stack([down, up])


def stretch(errors: Floats, width: Floats, day: int) -> Floats:
    """Return factors on the widths, shape (2, n_lead, n_series): down and up.

    Args:
        errors: Actual less forecast of past origins, nan where unknown,
            shape (n_origin, n_lead, n_series).
        width: Of the same, shape (2, n_origin, n_lead, n_series).
        day: Steps a day.
    """
    origins, leads, series = errors.shape
    factors = np.full((2, leads, series), 1.0)
    if not origins:
        return factors
    ratio = np.stack([-errors, errors]) / width
    reach = 0
    counts = np.isfinite(errors).any(axis=2).sum(axis=0)
    for lead in range(leads):
        reach = min(reach, day)
        while _counted(counts, lead, reach) < _ENOUGH and reach < leads:
            reach += 1
        part = ratio[:, :, max(lead - reach, 0) : lead + reach + 1]
        factors[:, lead] = _upper(part.reshape(2, -1, series))
        reach = max(reach - 1, 0)
    return factors


def _counted(counts: NDArray[np.intp], lead: int, reach: int) -> int:
    return int(counts[max(lead - reach, 0) : lead + reach + 1].sum())


def _upper(values: Floats) -> Floats:
    """Return the 90 % quantile by rank, at least zero, shape (2, n_series)."""
    ordered = np.sort(values, axis=1)  # nan last
    count = np.isfinite(values).sum(axis=1)
    rank = np.ceil(count * (1.0 - _TAIL)).astype(np.intp) - 1
    rank = np.clip(rank, 0, np.maximum(count - 1, 0))
    picked = np.take_along_axis(ordered, rank[:, None, :], axis=1)[:, 0]
    return np.asarray(np.where(count >= 5, np.maximum(picked, 0.0), 1.0))
