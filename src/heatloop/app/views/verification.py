"""Read models of verification: readings taken in the field against what was uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationPlanView:
    """What is checked regularly."""

    id: str
    """Id."""
    name: str
    """What people call it."""
    asset: str
    """Asset whose points are drawn, with all below; empty: the whole company."""
    kinds: list[str]
    """Point kinds drawn; empty: all that a person can read."""
    points: int
    """Points drawn each time."""
    every_days: float
    """Days between tasks."""
    days_to_answer: float
    """Days until a task is overdue."""
    active: bool
    """Whether tasks are made."""
    next: datetime | None
    """Plant time of the next task."""
    made_by: str
    """Who made it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationPlanPage:
    """Plans by name."""

    total: int
    """Plans in all."""
    items: list[VerificationPlanView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationItemView:
    """One point of a task."""

    point: str
    """Point code."""
    asset_zh: str
    """Chinese name of the asset."""
    asset_en: str
    """English name of the asset."""
    zh: str
    """Chinese name of the kind."""
    en: str
    """English name of the kind."""
    unit: str
    """Unit."""
    reading: float | None
    """What was read in the field; None: not yet."""
    read: datetime | None
    """Plant time of the reading."""
    by: str | None
    """Who read it."""
    uploaded: float | None
    """What the platform has for that time."""
    uploaded_quality: str | None
    """Its quality."""
    error: float | None
    """Uploaded minus read."""
    tolerance: float
    """How far they may be apart."""
    within: bool | None
    """Whether they agree; None while one is missing."""
    note: str
    """What the reader wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationTaskView:
    """A verification task."""

    id: str
    """Id."""
    plan: str | None
    """Plan it comes from; None: made by hand."""
    name: str
    """What people call it."""
    asset: str
    """Asset whose points were drawn; empty: the whole company."""
    made: datetime
    """Plant time it was made."""
    made_by: str
    """Who made it."""
    due: datetime
    """Plant time until which it is to be done."""
    state: str
    """`open`, `done` or `given_up`."""
    overdue: bool
    """Whether it is open after its time."""
    points: int
    """Points drawn."""
    read: int
    """Points read."""
    failed: int
    """Points that do not agree."""
    ended: datetime | None
    """When it ended."""
    note: str
    """What was written at its end."""
    items: list[VerificationItemView]
    """Its points; empty in lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationTaskPage:
    """A page of tasks, newest first."""

    total: int
    """Tasks in all."""
    overdue: int
    """Overdue ones among all."""
    items: list[VerificationTaskView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorStatistics:
    """How far uploaded values and field readings were apart, for one point kind."""

    kind: str
    """Point kind."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit."""
    readings: int
    """Readings compared."""
    bias: float
    """Mean of uploaded minus read."""
    rms: float
    """Root mean square."""
    p95: float
    """95th percentile of the amount."""
    worst: float
    """Greatest amount."""
    tolerance: float
    """How far they may be apart."""
    within_pct: float
    """Share of readings that agree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationStatistics:
    """What verification found in a period (clause 9.2.1)."""

    start: datetime
    """Start of the period."""
    end: datetime
    """End of the period."""
    tasks: int
    """Tasks made in it."""
    done: int
    """Of these, done."""
    overdue: int
    """Open tasks whose time is over."""
    readings: int
    """Readings compared."""
    within_pct: float | None
    """Share of readings that agree."""
    kinds: list[ErrorStatistics]
    """By point kind, the worst share first."""
