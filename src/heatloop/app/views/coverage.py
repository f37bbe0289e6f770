"""Read models of coverage: live data from source to user, periods as they really are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StageCoverage:
    """One of the five stages from source to user (clause 6.1.2 h)."""

    stage: str
    """`source`, `primary`, `station`, `secondary` or `user`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    assets: int
    """Assets that stand at this stage."""
    measured: int
    """Of these, with a point bound to a device."""
    live: int
    """Of these, with a value that is neither stale nor bad and not too old."""
    share_pct: float | None
    """Live over all; None without assets."""
    missing: list[str]
    """The first assets without live data, 100 at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageFinding:
    """A stage that is missing or thin."""

    stage: str
    """Stage."""
    zh: str
    """What is wrong, in Chinese."""
    en: str
    """What is wrong, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How much of the way from source to user is seen."""

    at: datetime
    """Plant time."""
    stages: list[StageCoverage]
    """The five stages in order."""
    findings: list[CoverageFinding]
    """Missing and thin stages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodRow:
    """How often a point really came."""

    point: str
    """Point code."""
    device: str
    """Device that gives it."""
    period_s: int
    """Configured period, plant seconds."""
    effective_s: float | None
    """Mean time between samples; None with fewer than two."""
    deviation_pct: float | None
    """Effective against configured."""
    p99_s: float | None
    """99th percentile of the time between samples."""
    longest_s: float | None
    """Longest time between samples."""
    samples: int
    """Samples in the span."""
    within: bool
    """Whether the effective period is within 10 % of the configured one."""
    fast_enough: bool | None
    """Whether the 99th percentile is at most 30 s; None where that is not asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodReport:
    """Effective acquisition periods (clauses 6.1.2 b and e)."""

    start: datetime
    """Start of the span."""
    end: datetime
    """End of the span."""
    tolerance_pct: float
    """How far the effective period may be off."""
    limit_s: float
    """Longest 99th percentile at sources and stations."""
    points: int
    """Points looked at."""
    within: int
    """Points whose effective period is within the tolerance."""
    silent: int
    """Points with fewer than two samples."""
    asked_fast: int
    """Points of sources and stations the limit holds for."""
    slow: int
    """Of these, violators."""
    p99_s: float | None
    """99th percentile over all intervals of these points."""
    total: int
    """Rows in all."""
    items: list[PeriodRow]
    """This page, violators first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MachinePart:
    """A resource of a machine."""

    name: str
    """`cpu`, `memory` or `disk`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    used: float | None
    """What is used, in the unit."""
    total: float | None
    """What there is."""
    unit: str
    """Unit."""
    headroom_pct: float | None
    """What is free."""
    enough: bool | None
    """Whether that is at least 20 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A machine the platform runs on or watches."""

    code: str
    """Asset code; empty for the machine this platform runs on."""
    name: str
    """Name."""
    kind: str
    """What it is."""
    at: datetime | None
    """Plant time of the values."""
    parts: list[MachinePart]
    """Its resources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Infrastructure:
    """Machines and what they have left (clause 6.2 a)."""

    at: datetime
    """Plant time."""
    headroom_pct: float
    """Least share that must be free."""
    machines: list[Machine]
    """Machines, this one first."""
    warnings: list[str]
    """Machine and resource that are short."""
