"""Read models of watching: events, registers, the self-assessment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityEventView:
    """Something that happened to the platform's security."""

    number: int
    """Number."""
    kind: str
    """Kind."""
    zh: str
    """Chinese name of the kind."""
    en: str
    """English name of the kind."""
    severity: int
    """1 (critical) to 4 (to know)."""
    subject: str
    """Whom or what it concerns."""
    address: str
    """Where it came from."""
    first_at: datetime
    """Machine time of the first time."""
    last_at: datetime
    """Machine time of the last time."""
    count: int
    """How often."""
    facts: dict[str, Any]
    """Further facts of the last time."""
    advice_zh: str
    """What to do, in Chinese."""
    advice_en: str
    """What to do, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityEventPage:
    """A page of events, newest first."""

    total: int
    """How many there are."""
    items: list[SecurityEventView]
    """The page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchRuleView:
    """A rule that makes events of signals."""

    kind: str
    """Kind of event."""
    zh: str
    """The rule in words, Chinese."""
    en: str
    """The rule in words, English."""
    count: int
    """How many signals."""
    window_s: float
    """Within which machine time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityKindView:
    """A kind of event."""

    code: str
    """What programs test for."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    severity: int
    """1 (critical) to 4 (to know)."""
    alarm: bool
    """Whether it raises an alarm."""
    advice_zh: str
    """What to do, in Chinese."""
    advice_en: str
    """What to do, in English."""
    rules: list[WatchRuleView]
    """Rules that make it; empty where it is noted directly."""
    week: int
    """How often it happened in the last seven days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityKindList:
    """All kinds of events."""

    items: list[SecurityKindView]
    """The kinds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterEntry:
    """An entry of a security register."""

    number: int
    """Number."""
    register: str
    """`antivirus`, `vulnerability`, `ports`, `filing` or `exception`."""
    code: str
    """Tool, system, or item of the assessment."""
    state: str
    """`ok`, `findings`, `failed` for scans; `held` or `withdrawn` else."""
    user: str
    """Who entered it."""
    at: datetime
    """Machine time it holds from."""
    until: datetime | None
    """Machine time it holds until."""
    body: dict[str, Any]
    """Further facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterPage:
    """A page of a register, newest first."""

    total: int
    """How many entries there are."""
    items: list[RegisterEntry]
    """The page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyView:
    """Something to be done again and again."""

    register: str
    """Register its results are in."""
    last_at: datetime | None
    """When it was done last."""
    due_at: datetime | None
    """When it is due; None when nothing is entered that could be due."""
    overdue: bool
    """Whether that is past."""
    state: str
    """What came of it last; empty before the first time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyList:
    """What is due."""

    items: list[DutyView]
    """The duties."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssessedItem:
    """One item of the self-assessment."""

    code: str
    """Item of the assessment, for example `L3-CES1-14`."""
    chapter: str
    """Chapter of GB/T 22239 it is of."""
    zh: str
    """What is asked, in Chinese."""
    en: str
    """What is asked, in English."""
    kind: str
    """`probe`, `register` or `not_software`."""
    result: str
    """`pass`, `fail`, `compensated` or `not_software`."""
    found_zh: str
    """What was found, in Chinese."""
    found_en: str
    """What was found, in English."""
    compensating: str
    """Compensating measure on record, if there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """The self-assessment against GB/T 22239 level 3."""

    at: datetime
    """Machine time."""
    version: str
    """Version of the platform."""
    company_zh: str
    """Company, Chinese."""
    company_en: str
    """Company, English."""
    demo: bool
    """Whether it is a demonstration."""
    counts: dict[str, int]
    """Items by result."""
    items: list[AssessedItem]
    """Every item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PortScanView:
    """Which ports answer, against which may."""

    target: str
    """Host that was tried."""
    open: list[int]
    """Ports that answer."""
    allowed: list[int]
    """Ports that are declared."""
    undeclared: list[int]
    """Ports that answer and are not declared."""
