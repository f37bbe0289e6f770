"""Read models of data quality: abnormal data, how fast it is handled, completeness by place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCaseView:
    """One case of abnormal data as people read it."""

    id: str
    """Id."""
    asset: str
    """Asset code."""
    asset_zh: str
    """Chinese name of the asset."""
    asset_en: str
    """English name of the asset."""
    point: str | None
    """Point code; None when all of the asset is concerned."""
    kind_zh: str
    """Chinese name of what the point measures."""
    kind_en: str
    """English name of what the point measures."""
    unit: str
    """Unit of value and expected."""
    rule: str
    """Rule that spoke."""
    rule_zh: str
    """Chinese name of the rule."""
    rule_en: str
    """English name of the rule."""
    severity: int
    """1 info, 2 low, 3 medium, 4 high."""
    start: datetime
    """First sample concerned."""
    end: datetime
    """Last sample concerned."""
    samples: int
    """Samples concerned."""
    value: float | None
    """A value that shows it."""
    expected: float | None
    """What was expected there."""
    text_zh: str
    """What it means, in Chinese."""
    text_en: str
    """What it means, in English."""
    found: datetime
    """When it was found."""
    state: str
    """`open` or `handled`."""
    cause: str | None
    """Cause code, once handled."""
    correction: str | None
    """`none`, `estimate` or `mark_bad`, once handled."""
    method: str | None
    """How the estimates were made."""
    corrected: int
    """Samples that were corrected; the values measured are kept beside."""
    note: str
    """What the reviewer wrote."""
    reviewer: str | None
    """Who handled it."""
    handled: datetime | None
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCasePage:
    """A page of abnormal data."""

    total: int
    """Rows in all."""
    items: list[QualityCaseView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CountOf:
    """How many of something."""

    name: str
    """Code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    count: int
    """How many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QualitySummary:
    """How the queue stands."""

    open: int
    """Open cases."""
    open_by_rule: list[CountOf]
    """Open cases by rule, most first."""
    open_high: int
    """Open cases of high severity."""
    handled: int
    """Cases handled in the last 30 days."""
    median_handling_h: float | None
    """Median time from found to handled in these, hours; None without any."""
    causes: list[CountOf]
    """What may be given as cause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceCompleteness:
    """How complete the data of one place were on a day."""

    asset: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    points: int
    """Points of the place."""
    expected: int
    """Slots that should be there."""
    stored: int
    """Slots that are there."""
    good: int
    """Of these, of quality good."""
    share_pct: float | None
    """Stored over expected."""
    worst_point: str | None
    """Its least complete point."""
    worst_pct: float | None
    """Stored over expected of that point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCompleteness:
    """How complete a day was, of the whole scope and place by place."""

    date: str
    """Day in the company's time zone."""
    expected: int
    """Slots that should be there."""
    stored: int
    """Slots that are there."""
    good: int
    """Of these, of quality good."""
    share_pct: float | None
    """Stored over expected."""
    required_pct: float
    """What is required of a company (clause 6.1.2 a)."""
    places: list[PlaceCompleteness]
    """Least complete places first."""
