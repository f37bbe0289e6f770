"""What comes back every day: errors at the same hour are taken out of the target.

Sun, people and water on its way are never modelled quite right, and what is wrong today is wrong
tomorrow at the same hour. The level is left to the observer: the course has no mean.

Reference: repetitive control, Hara et al. (1988), doi 10.1109/9.1274.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_DAY_S, _STEP_S = 86400.0, 900.0
_N = 96
_HALF = 4
"""Errors are taken over an hour before and after: quicker ones are nobody's habit."""
_GAIN, _KEEP = 0.4, 0.97
_MOST_K = 0.5
_ERROR_K = 1.0
"""Greater errors have other reasons than the hour."""


@dataclass(kw_only=True, slots=True)
class DailyCourse:
    """By how much the target of one unit is moved in each quarter of an hour of the day."""

    moved_k: Floats = field(default_factory=lambda: np.zeros(_N))
    """Shape (96,)."""
    error_k: Floats = field(default_factory=lambda: np.full(_N, np.nan))
    """Last error at each, shape (96,)."""
    late_k: list[float] = field(default_factory=list)
    """Errors of the last quarters of an hour, the newest last."""

    def learn(self, now_s: float, error_k: float) -> None:
        """Take up by how much rooms are warmer than wanted; called every quarter of an hour.

        Args:
            now_s: Plant time.
            error_k: Rooms over what was wanted without the course; nan: unknown.
        """
        if not math.isfinite(error_k) or abs(error_k) > _ERROR_K:
            self.late_k.clear()
            return
        self.late_k.append(error_k)
        if len(self.late_k) < 2 * _HALF + 1:
            return
        self.late_k = self.late_k[-2 * _HALF - 1 :]
        at = int(now_s % _DAY_S // _STEP_S) - _HALF
        error = self.error_k[at] = float(np.mean(self.late_k))
        # What is wrong all day long is the level's.
        moved = _KEEP * float(self.moved_k[at]) - _GAIN * (error - float(np.nanmean(self.error_k)))
        self.moved_k[at] = min(max(moved, -_MOST_K), _MOST_K)

    def ahead_k(self, now_s: float, n_step: int) -> Floats:
        """Return what is added to the target over the steps ahead, shape (n_step,).

        Args:
            now_s: Plant time.
            n_step: Steps of a quarter of an hour.
        """
        first = int(now_s % _DAY_S // _STEP_S) + 1
        course = self.moved_k - self.moved_k.mean()
        return np.asarray(course[(first + np.arange(n_step)) % _N])
