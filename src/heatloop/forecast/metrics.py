"""How good a forecast was, in the figures the field uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)
_LOW_SHARE = 0.1


def scores(actual: Floats, forecast: Floats, naive_error: float = float("nan")) -> dict[str, float]:
    """Return the point scores over the steps where both are known.

    Args:
        actual: What came, any shape.
        forecast: What was expected, same shape.
        naive_error: Mean absolute error of the day-before forecast on the training part, which
            MASE divides by (Hyndman and Koehler, doi 10.1016/j.ijforecast.2006.03.001, with a
            season of a day).

    Returns:
        n, mae, rmse, bias in the series' unit; mape_pct over steps above 10 % of the mean;
        cvrmse_pct (ASHRAE Guideline 14); mase; r2.
    """
    known = np.isfinite(actual) & np.isfinite(forecast)
    y, p = actual[known], forecast[known]
    if not len(y):
        return {"n": 0.0}
    error = p - y
    mean = float(np.mean(y))
    big = y > _LOW_SHARE * mean
    rmse = float(np.sqrt(np.mean(error**2)))
    spread = float(np.sum((y - mean) ** 2))
    mae = float(np.mean(np.abs(error)))
    return {
        "n": float(len(y)),
        "mean": mean,
        "mae": mae,
        "rmse": rmse,
        "bias": float(np.mean(error)),
        "mape_pct": float(100.0 * np.mean(np.abs(error[big]) / y[big])) if big.any() else np.nan,
        "cvrmse_pct": 100.0 * rmse / mean if mean > 0 else np.nan,
        "mase": mae / naive_error if naive_error > 0 else np.nan,
        "r2": 1.0 - float(np.sum(error**2)) / spread if spread > 0 else np.nan,
    }


def band_scores(actual: Floats, low: Floats, middle: Floats, high: Floats) -> dict[str, float]:
    """Return pinball loss (mean of the three quantiles) and what the 80 % band covers."""
    known = np.isfinite(actual) & np.isfinite(low) & np.isfinite(high)
    y = actual[known]
    if not len(y):
        return {}
    loss = [
        float(np.mean(np.maximum(q * (y - f[known]), (q - 1.0) * (y - f[known]))))
        for q, f in zip(QUANTILES, (low, middle, high), strict=True)
    ]
    inside = (y >= low[known]) & (y <= high[known])
    return {
        "pinball": float(np.mean(loss)),
        "coverage80": float(np.mean(inside)),
        "below_low": float(np.mean(y < low[known])),
        "above_high": float(np.mean(y > high[known])),
        "width": float(np.mean(high[known] - low[known])),
    }
