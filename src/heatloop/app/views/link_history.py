"""Read models of links over time: success by hour or day, changes of channel, completeness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkStep:
    """Success in one hour, or in one day of the company's zone."""

    at: datetime
    """Begin of the hour or day."""
    asked: int
    """Messages that should have come."""
    answered: int
    """Messages that came."""
    success_pct: float | None
    """Answered over asked; None when nothing was asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpareSpan:
    """One time on the spare channel."""

    gateway: str
    """Gateway code."""
    since: datetime
    """When the spare channel took over."""
    until: datetime | None
    """When the main channel carried again; None while it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkHistory:
    """How links did over a period."""

    start: datetime
    """Begin."""
    end: datetime
    """End."""
    by: str
    """`hour` or `day`."""
    success_rule_pct: float
    """Least success rate."""
    steps: list[LinkStep]
    """In order; hours and days in which nothing was counted are left out."""
    asked: int
    """Messages of the whole period that should have come."""
    answered: int
    """Messages that came."""
    success_pct: float | None
    """Answered over asked; None when nothing was asked."""
    devices: int
    """Devices something was asked of."""
    devices_below: int
    """Those of them below the rule."""
    spare_spans: list[SpareSpan]
    """Times on the spare channel that touch the period, newest first, at most 500."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteDay:
    """A day's expected and stored samples."""

    date: str
    """Day in the company's zone."""
    expected: int
    """Samples that should be there."""
    stored: int
    """Samples that are there."""
    share_pct: float | None
    """Stored over expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletePeriod:
    """How complete a period is, counted as the gap audit counts."""

    start: datetime
    """Begin."""
    end: datetime
    """End of what is over and has had time to arrive."""
    expected: int
    """Samples that should be there."""
    stored: int
    """Samples that are there."""
    share_pct: float | None
    """Stored over expected."""
    rule_pct: float
    """Least share (clause 6.1.2 a)."""
    passed: bool | None
    """Whether it is kept; None when nothing was expected."""
    days: list[CompleteDay]
    """In order."""
