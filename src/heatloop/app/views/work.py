"""Read models of daily work: alarms, commands, trends, gaps and quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmView:
    """An alarm as people read it."""

    id: str
    """Id, the same at edge and centre."""
    subject: str
    """Asset code."""
    subject_zh: str
    """Chinese name of the asset."""
    subject_en: str
    """English name of the asset."""
    point: str | None
    """Point code, if a point is concerned."""
    kind: str | None
    """Point kind."""
    rule: str
    """Rule that was broken."""
    text_zh: str
    """What it means, in Chinese."""
    text_en: str
    """What it means, in English."""
    priority: int
    """1 critical, 2 high, 3 medium, 4 low."""
    onset: datetime
    """When it began."""
    cleared: datetime | None
    """When the condition went away."""
    state: str
    """`active`, `acknowledged`, `returned` or `cleared`."""
    acknowledged_by: str | None
    """Who acknowledged it."""
    acknowledged_at: datetime | None
    """When."""
    value: float | None
    """Value at onset."""
    limit: float | None
    """Limit that was crossed."""
    unit: str | None
    """Unit of value and limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmPage:
    """A page of alarms."""

    total: int
    """Rows in all."""
    items: list[AlarmView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandEvent:
    """One step in the life of a command."""

    state: str
    """State entered."""
    at: datetime
    """When."""
    reason: str
    """Why, if there is something to say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorStep:
    """One step before a command was signed."""

    step: str
    """`proposed`, `bounds`, `physics`, `confirmed`, `proved`, `second`, `break_glass`, `signed`."""
    ok: bool
    """Whether it was passed."""
    at: datetime
    """When, by the machine's clock."""
    by: str
    """Who took it; empty: the platform."""
    detail: str
    """Facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandView:
    """A command as people read it."""

    id: str
    """Id."""
    point: str
    """Point to set."""
    value: float
    """In the point's unit."""
    mode: str
    """`manual`, `automatic` or `emergency`."""
    state: str
    """`queued`, `sent`, `acknowledged`, `verified`, `failed` or `expired`."""
    issued: datetime
    """When it was signed."""
    expires: datetime
    """After this it must not be done."""
    requested_by: str
    """User, or the job that asked."""
    reason: str
    """Why."""
    events: list[CommandEvent]
    """Its life so far."""
    command_class: str
    """`normal`, `dangerous` or `network`."""
    proposal: str
    """Proposal it came from; empty for what programs ask."""
    passed: list[DoorStep]
    """What it passed before it was signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandPage:
    """A page of commands."""

    total: int
    """Rows in all."""
    items: list[CommandView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageView:
    """The strategy stage of a unit."""

    code: str
    """Unit code."""
    stage: str
    """`observe`, `advise` or `automatic`."""
    by: str
    """Who set it."""
    at: datetime
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One line of a trend."""

    point: str
    """Point code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit."""
    at: list[int]
    """Times, ms since 1970 UTC."""
    value: list[float | None]
    """Values (means of roll-ups); None for bad quality."""
    low: list[float | None]
    """Lowest in the step; empty at step raw."""
    high: list[float | None]
    """Highest in the step; empty at step raw."""
    quality: list[int]
    """Quality codes."""
    simulated_until: int | None
    """Values up to this time (ms) were made by a simulation when the store was seeded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trends:
    """Lines over time."""

    step: str
    """`raw`, `10m`, `1h` or `1d`."""
    thinned: bool
    """Whether rows were left out to keep max_points (first and last and extremes are kept)."""
    series: list[Series]
    """One line a point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GapView:
    """A span in which values are missing, and why."""

    gateway: str
    """Gateway code."""
    device: str
    """Device code."""
    start: datetime
    """First missing slot."""
    end: datetime | None
    """Last missing slot; None while it lasts."""
    cause: str
    """Cause code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GapPage:
    """A page of gaps."""

    total: int
    """Rows in all."""
    items: list[GapView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineView:
    """Something a gateway sent that was not stored, and why."""

    id: int
    """Number."""
    gateway: str
    """Gateway code."""
    at: datetime
    """Machine time of reception."""
    reason: str
    """Reason code."""
    detail: str
    """What exactly."""
    rows: int
    """Rows concerned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinePage:
    """A page of quarantine."""

    total: int
    """Rows in all."""
    items: list[QuarantineView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletenessRow:
    """How complete one point is on one day."""

    point: str
    """Point code."""
    expected: int
    """Slots that should be there."""
    stored: int
    """Slots that are there."""
    share_pct: float
    """Stored over expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completeness:
    """How complete a day is."""

    date: str
    """Day in the company's time zone."""
    expected: int
    """Slots that should be there."""
    stored: int
    """Slots that are there."""
    share_pct: float | None
    """Stored over expected."""
    points: list[CompletenessRow]
    """The least complete points first, at most 500."""
