"""Drift of a model: its daily errors leave the place where they stood when it was accepted.

Reference: two-sided cumulative sums, Page, Biometrika 41 (1954), doi 10.1093/biomet/41.1-2.100;
k = 0.5 and h = 5 standard deviations: Montgomery, Statistical Quality Control, 9.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.learning.daily import DayErrors

SLACK, LIMIT = 0.5, 5.0
_LEAST_SIGMA_K = 0.08
"""Errors smaller than sensors can tell are no drift."""
_UNSEEN = 1.25
"""Days not learned from are foretold so much worse."""
_MOST_A_DAY = 4.0
"""One wild day alone raises no alarm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """Where a model's daily bias usually stands."""

    mean_k: float
    """Mean."""
    sigma_k: float
    """Standard deviation of days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The state of the watch."""

    score: float
    """Largest cumulative sum now, in standard deviations; the limit is `LIMIT`."""
    found: bool
    """Whether the model drifts."""
    since_day: int | None
    """First day of the change, by the sum that tells it; None without one."""


def usual_of(errors: DayErrors) -> Usual:
    """Return where a model's bias stands, by median and absolute deviation of its days.

    Args:
        errors: Days the model is accepted by; without any: nothing is known, sigma 0.3 K.
    """
    if len(errors.day) < 3:
        mean = float(np.mean(errors.bias_k)) if len(errors.day) else 0.0
        return Usual(mean_k=mean, sigma_k=0.3)
    mean = float(np.median(errors.bias_k))
    sigma = 1.4826 * float(np.median(np.abs(errors.bias_k - mean)))
    return Usual(mean_k=mean, sigma_k=max(sigma, _LEAST_SIGMA_K))


def usual_after(learned: DayErrors, foretold: DayErrors) -> Usual:
    """Return where the bias of a model stands that has just won, so that it is watched at once.

    Args:
        learned: Errors on the days it was learned from.
        foretold: Errors of its forerunner on days that one had not learned from.
    """
    inside, outside = usual_of(learned), usual_of(foretold)
    sigma = max(_UNSEEN * inside.sigma_k, outside.sigma_k)
    return Usual(mean_k=inside.mean_k, sigma_k=sigma)


def watch(errors: DayErrors, usual: Usual) -> Drift:
    """Return whether daily errors drifted from where they usually stand.

    Args:
        errors: Days since the model was accepted, ascending.
        usual: Where they stood then.
    """
    high = low = 0.0
    high_since = low_since = None
    found = False
    since: int | None = None
    for day, bias in zip(errors.day.tolist(), errors.bias_k.tolist(), strict=True):
        z = float(np.clip((bias - usual.mean_k) / usual.sigma_k, -_MOST_A_DAY, _MOST_A_DAY))
        if high <= 0.0:
            high_since = day
        if low <= 0.0:
            low_since = day
        high, low = max(0.0, high + z - SLACK), max(0.0, low - z - SLACK)
        if max(high, low) > LIMIT:
            found, since = True, high_since if high >= low else low_since
    return Drift(score=max(high, low), found=found, since_day=since)
