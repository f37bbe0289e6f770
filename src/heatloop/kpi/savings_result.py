"""What the savings ledger concludes: the verdict, the figures of each day and their sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What can be said."""

    SAVING = "saving"
    """The whole interval lies above 0."""
    NOT_PROVEN = "not_proven"
    """The interval holds 0, or no tuned curve is known to measure by: no proven saving."""
    LOSS = "loss"
    """The whole interval lies below 0."""
    TOO_FEW_DAYS = "too_few_days"
    """Too few days to say anything."""


class Against(StrEnum):
    """What the strategy is measured against."""

    TUNED = "tuned"
    """The tuned curve."""
    STANDING = "standing"
    """The standing curve, for want of a tuned one; that proves no saving."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DaySaving:
    """One day of the strategy."""

    number: int
    """Days since 1970-01-01, local."""
    actual_yuan: float
    """What it cost."""
    expected_yuan: float
    """What the tuned curve would have cost."""
    saving_yuan: float
    """Difference."""
    low_yuan: float
    """Lower end of its interval."""
    high_yuan: float
    """Upper end."""
    total_yuan: float
    """All savings up to here."""
    total_low_yuan: float
    """Lower end."""
    total_high_yuan: float
    """Upper end."""
    heat_kwh: float
    """Heat saved; this part is without interval."""
    cold_yuan: float
    """Charge for cold rooms in the actual cost."""
    tuning_yuan: float
    """What the tuned curve alone would have saved against the standing one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What the strategy saved."""

    verdict: Verdict
    """What can be said."""
    against: Against
    """What it is measured against."""
    days: tuple[DaySaving, ...]
    """By day; empty if there are too few."""
    saving_yuan: float
    """Over all days of the strategy."""
    low_yuan: float
    """Lower end of the interval."""
    high_yuan: float
    """Upper end."""
    expected_yuan: float
    """What the tuned curve would have cost."""
    tuning_yuan: float
    """What tuning alone would have saved, of no saving of the strategy."""
    level: float
    """Of the interval, 0 to 1."""
    baseline_days: int
    """Days learned from."""
    strategy_days: int
    """Days judged."""
    cvrmse: float
    """Error of the regression on its own days over their mean; nan without one."""
    base_c: float
    """Outdoor temperature from which heat is needed; nan without one."""

    @property
    def saving_pct(self) -> float:
        """Return the saving over what the curve would have cost, %; nan without days."""
        return 100.0 * self.saving_yuan / self.expected_yuan if self.expected_yuan else math.nan

    @property
    def interval_pct(self) -> tuple[float, float]:
        """Return both ends of the interval, %; nan without days."""
        if not self.expected_yuan:
            return math.nan, math.nan
        scale = 100.0 / self.expected_yuan
        return self.low_yuan * scale, self.high_yuan * scale


def verdict_of(low_yuan: float, high_yuan: float) -> Verdict:
    """Return what an interval proves."""
    if low_yuan > 0.0:
        return Verdict.SAVING
    return Verdict.LOSS if high_yuan < 0.0 else Verdict.NOT_PROVEN
