"""Read models of the savings ledger: what was saved, day by day, and whether the chain holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsFigure:
    """What was saved by one unit, or by all together."""

    subject: str
    """Unit code, or `all`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    verdict: str
    """`saving`, `not_proven`, `loss` or `too_few_days`."""
    against: str
    """What it was measured against: `tuned` or, without proof, `standing` curve."""
    baseline: str
    """What it is measured against from now on: `tuned`, `standing` or `refused`."""
    reason: str
    """Why that was refused, in a word the screens translate; empty when it was not."""
    curve: int
    """Version of that; 0: none."""
    saving_yuan: float
    """Saved, cold rooms charged."""
    low_yuan: float
    """Lower end of the interval."""
    high_yuan: float
    """Upper end."""
    expected_yuan: float
    """What the tuned curve would have cost."""
    tuning_yuan: float
    """What the tuned curve alone would have saved against the standing one."""
    saving_pct: float | None
    """Saving over that, %."""
    low_pct: float | None
    """Lower end, %."""
    high_pct: float | None
    """Upper end, %."""
    baseline_days: int
    """Days on a curve that were learned from."""
    strategy_days: int
    """Days of the strategy that were judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsOverview:
    """All units as they were judged last."""

    at: datetime | None
    """When; None: never."""
    entry: int | None
    """Entry of the ledger it stands in."""
    level_pct: float
    """Of the intervals."""
    total: SavingsFigure | None
    """All units in sight together."""
    count: int
    """Units in sight."""
    items: list[SavingsFigure]
    """A page of them, largest saving first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsDay:
    """One day of a unit."""

    day: date
    """Local day."""
    mode: str
    """`curve` (standing), `tuned`, `strategy` or `other`."""
    heat_kwh: float
    """Heat."""
    cost_yuan: float
    """Heat, electricity and the charge for cold rooms."""
    cold_yuan: float
    """That charge alone."""
    outdoor_c: float
    """Mean outdoor temperature."""
    tuning_yuan: float | None
    """What the tuned curve would have saved against the standing one; None: not known."""
    expected_yuan: float | None
    """What the tuned curve would have cost; only of judged days."""
    saving_yuan: float | None
    """Difference."""
    low_yuan: float | None
    """Lower end of its interval."""
    high_yuan: float | None
    """Upper end."""
    total_yuan: float | None
    """All savings up to here."""
    total_low_yuan: float | None
    """Lower end."""
    total_high_yuan: float | None
    """Upper end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsCurve:
    """A curve a unit's savings are measured against, or why there is none."""

    version: int
    """From 1 within the unit."""
    at: datetime
    """When it was made."""
    from_day: date
    """First day it judges."""
    seen_from: date
    """First day of the weather it was made of."""
    seen_until: date
    """Last day of it."""
    model_version: int
    """Version of the building model it was tried on; 0: none."""
    baseline: str
    """`tuned`, `standing` (nothing better was found) or `refused`."""
    reason: str
    """Why it was refused, in a word the screens translate."""
    settings: dict[str, float]
    """Knobs by name: slope, shift, damping, set-back, flow."""
    figures: dict[str, float]
    """Figures of the trial, on days it was not tuned on."""
    check: dict[str, float]
    """How the building model stands beside what was measured."""
    trial: dict[str, Any]
    """The unit as it was tried: limits, rooms wanted, pumps."""
    standing: dict[str, float]
    """Design state of the standing curve."""
    digest: str
    """SHA-256 of weather, model and unit."""
    entry: int
    """Entry of the ledger that tells of it."""
    approval: str
    """`approved` or `withdrawn` for running it on switch-back days; empty: undecided."""
    decided_by: str
    """Who decided."""
    decided_at: datetime | None
    """When."""
    note: str
    """Why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsUnit:
    """A unit's savings day by day."""

    figure: SavingsFigure
    """What was saved."""
    cvrmse_pct: float | None
    """Error of the regression on its own days, %."""
    base_c: float | None
    """Outdoor temperature from which heat is needed."""
    switch_back: bool
    """Whether the unit is back on a curve today so that savings stay provable."""
    switch_back_curve: str
    """Which one it runs on such days: `tuned` if that is approved, else `standing`."""
    failure: str
    """Why its last tuning failed; empty when it did not."""
    curves: list[SavingsCurve]
    """What it is and was measured against, newest first."""
    days: list[SavingsDay]
    """By day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsEntry:
    """An entry of the ledger."""

    number: int
    """From 1, without gaps."""
    at: datetime
    """When it was written."""
    who: str
    """Who wrote it."""
    subject: str
    """Unit code, or `all`."""
    kind: str
    """`days`, `assessment`, `baselines` or `approval`."""
    content: dict[str, Any]
    """Figures, of units in sight."""
    before: str
    """Hash of the entry before."""
    digest: str
    """Its own hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsEntryPage:
    """A page of entries."""

    total: int
    """Rows in all."""
    items: list[SavingsEntry]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavingsCheck:
    """Whether the chain holds."""

    whole: bool
    """Whether every entry fits the one before it and days stand as they were told."""
    entries: int
    """Entries."""
    broken: int | None
    """First entry that does not fit."""
    last: str
    """Hash of the newest entry; whoever notes it elsewhere can prove that nothing was rewritten."""
