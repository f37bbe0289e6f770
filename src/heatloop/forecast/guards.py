"""What must not teach a forecaster: stuck meters and spikes; and when a load has drifted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STUCK_H = 12
_SPIKE = 4.0
_DRIFT_DAYS, _DRIFT_LIMIT = 3, 3.0


def trusted(load: Floats, step_s: int, floor: float | None) -> Floats:
    """Return loads with what cannot be right made nan.

    A value other than zero repeated for half a day is a stuck meter, unless the meter is so coarse
    that it repeats itself all the time; four times the 99 % quantile, or a value below the floor,
    is a spike.

    Args:
        load: Shape (n, n_series).
        step_s: Length of a step.
        floor: Least possible value, None if there is none.
    """
    result = load.copy()
    for column in range(load.shape[1]):
        values = result[:, column]
        good = np.isfinite(values)
        if not good.any():
            continue
        if floor is not None:
            values[good & (values < floor)] = np.nan
            top = float(np.nanquantile(values, 0.99)) if np.isfinite(values).any() else 0.0
            if top > 0:
                values[np.isfinite(values) & (values > _SPIKE * top)] = np.nan
        values[_stuck(values, _STUCK_H * 3600 // step_s)] = np.nan
    return result


def _stuck(values: Floats, most: int) -> NDArray[np.bool_]:
    """Return where the same value other than zero stands too long."""
    change = np.flatnonzero(np.diff(values) != 0.0) + 1  # nan differs from everything
    first = np.concatenate([[0], change])
    length = np.diff(np.concatenate([first, [len(values)]]))
    long = (length >= max(most, 3)) & np.isfinite(values[first]) & (values[first] != 0.0)
    marked = np.repeat(long, length)
    # A coarse meter or a constant consumer: repeating is its nature.
    return marked if marked.mean() < 0.2 else np.zeros(len(values), bool)


def drifted(errors: Floats) -> NDArray[np.bool_]:
    """Return whether the last days' errors lean to one side as they did not before.

    Args:
        errors: Mean error of each past day, oldest first, shape (n_day, n_series).
    """
    if len(errors) < _DRIFT_DAYS + 7:
        return np.zeros(errors.shape[1], bool)
    before, now = errors[:-_DRIFT_DAYS], errors[-_DRIFT_DAYS:]
    count = np.maximum(np.isfinite(before).sum(axis=0), 1)
    mean = np.nansum(before, axis=0) / count
    spread = np.sqrt(np.nansum((before - mean) ** 2, axis=0) / count)
    lean = np.nansum(now, axis=0) / np.maximum(np.isfinite(now).sum(axis=0), 1) - mean
    return np.asarray((np.abs(lean) > _DRIFT_LIMIT * spread / np.sqrt(_DRIFT_DAYS)) & (count >= 7))
