"""Which of two models foretells better: a paired test over days that neither has learned from.

Days hang together (a cold spell lasts), so they are drawn again in blocks.

Reference: moving-block bootstrap, Kuensch, Annals of Statistics 17 (1989),
doi 10.1214/aos/1176347265; paired comparison of forecasts, Diebold and Mariano 1995; of very few
days with Student's distribution, Harvey, Leybourne and Newbold, Int. J. Forecasting 13 (1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from heatloop.control.learning.daily import DayErrors

SIGNIFICANCE = 0.05
"""Chance that a model no better is taken for better."""
LEAST_DAYS = 5
LEAST_GAIN_PCT = 3.0
"""Smaller gains are not worth another model."""
_BLOCK, _DRAWS, _SEED = 2, 4000, 20240607
_LEAST_SPREAD_K = 0.03
"""Sensors tell no gains closer than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How two models compare."""

    days: int
    """Days both were judged on."""
    old_mae_k: float
    """Mean of the one that stands."""
    new_mae_k: float
    """Mean of the other."""
    p_value: float
    """Chance of such a gain if the other were no better; 1 without enough days."""
    better: bool
    """Whether the other one is better: significantly, and by enough."""

    @property
    def gain_pct(self) -> float:
        """Return by how much the other one's error is smaller."""
        return 100.0 * (1.0 - self.new_mae_k / self.old_mae_k) if self.old_mae_k > 0.0 else 0.0


def compare(
    old: DayErrors,
    new: DayErrors,
    *,
    least_days: int = LEAST_DAYS,
    significance: float = SIGNIFICANCE,
    least_gain_pct: float = LEAST_GAIN_PCT,
) -> Verdict:
    """Return whether another model foretells better than the one that stands.

    Args:
        old: Errors of the model that stands.
        new: Errors of the other, on days it has not learned from.
        least_days: Fewer common days decide nothing.
        significance: Level of the one-sided test.
        least_gain_pct: Smallest gain that counts.
    """
    days, a, b = np.intersect1d(old.day, new.day, return_indices=True)
    if len(days) < max(least_days, 1):
        means = (
            float(old.mae_k[a].mean()) if len(days) else 0.0,
            float(new.mae_k[b].mean()) if len(days) else 0.0,
        )
        return Verdict(
            days=len(days), old_mae_k=means[0], new_mae_k=means[1], p_value=1.0, better=False
        )
    gain = old.mae_k[a] - new.mae_k[b]
    p_value = _chance(gain) if len(gain) >= LEAST_DAYS else _few_chance(gain)
    verdict = Verdict(
        days=len(days),
        old_mae_k=float(old.mae_k[a].mean()),
        new_mae_k=float(new.mae_k[b].mean()),
        p_value=p_value,
        better=False,
    )
    won = p_value <= significance and verdict.gain_pct >= least_gain_pct
    return Verdict(
        days=verdict.days,
        old_mae_k=verdict.old_mae_k,
        new_mae_k=verdict.new_mae_k,
        p_value=p_value,
        better=won,
    )


def _chance(gain: np.ndarray) -> float:
    """Return the chance of so large a mean gain if the true one were 0, one-sided."""
    n = len(gain)
    block = min(_BLOCK, n)
    rng = np.random.default_rng(_SEED)
    many = -(-n // block)
    start = rng.integers(0, n - block + 1, (_DRAWS, many))
    index = (start[:, :, None] + np.arange(block)).reshape(_DRAWS, -1)[:, :n]
    drawn = gain[index].mean(axis=1)
    # The bootstrap world is centred on its own mean; a spread of few days is too small by n-1.
    spread = (drawn - drawn.mean()) * np.sqrt(n / max(n - 1, 1))
    return float((1 + np.sum(spread >= gain.mean())) / (_DRAWS + 1))


def _few_chance(gain: np.ndarray) -> float:
    """Return the same by Student's distribution, for days too few to be drawn again."""
    n = len(gain)
    if n < 2:
        return 1.0
    error = max(float(np.std(gain, ddof=1)), _LEAST_SPREAD_K) / np.sqrt(n)
    return float(stdtr(n - 1, -float(gain.mean()) / error))
