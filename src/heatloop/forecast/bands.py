"""A forecast with its band: plain arrays, and the message form of one series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.messages import Forecast

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bands:
    """What one or many series are expected to be, with 10 % and 90 % quantiles."""

    start_s: float
    """Beginning of the first step."""
    step_s: int
    """Length of a step."""
    low: Floats
    """10 % quantile, shape (n_step,) or (n_step, n_series)."""
    middle: Floats
    """Median, same shape; nan where a series has no history to go by."""
    high: Floats
    """90 % quantile, same shape."""

    def of(self, series: int) -> Bands:
        """Return one series of many, arrays of shape (n_step,)."""
        if self.middle.ndim == 1:
            return self
        return Bands(
            start_s=self.start_s,
            step_s=self.step_s,
            low=self.low[:, series],
            middle=self.middle[:, series],
            high=self.high[:, series],
        )

    def message(self, subject: str, known_at: float) -> Forecast:
        """Return the message form of a single series.

        Args:
            subject: Point or asset code.
            known_at: When the forecast was made.
        """
        return Forecast(
            subject=subject,
            known_at=known_at,
            start=self.start_s,
            step_s=self.step_s,
            low=[float(x) for x in self.low],
            middle=[float(x) for x in self.middle],
            high=[float(x) for x in self.high],
        )
