"""Read models of lineage: where a number comes from, down to the raw samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LineagePoint:
    """A point at the root of a number."""

    point: str
    """Point code."""
    asset: str
    """Asset it belongs to."""
    kind: str
    """Point kind."""
    zh: str
    """Chinese name of the kind."""
    en: str
    """English name of the kind."""
    unit: str
    """House unit."""
    role: str
    """`measured`, `twin_input`, `balance_input` or `counted`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageBinding:
    """How a point's raw value is read."""

    since: datetime
    """Plant time from which it holds."""
    device: str
    """Device code."""
    gateway: str
    """Gateway that reads it."""
    protocol: str
    """Field protocol."""
    profile: str
    """Device profile."""
    register: int
    """First register, or index of a report's field."""
    source: str
    """What the device calls the value."""
    dtype: str
    """Type of the raw value."""
    factor: float
    """Raw to house unit."""
    offset: float
    """Raw to house unit."""
    period_s: int
    """Scheduled period, plant seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageReception:
    """What is known of a gateway's deliveries."""

    gateway: str
    """Gateway."""
    epoch: str
    """Spool epoch, hexadecimal."""
    through: int
    """Last sequence stored of that epoch."""
    at: datetime
    """Machine time of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageSample:
    """One sample as readers get it, and what lies below it."""

    at: datetime
    """Slot."""
    value: float | None
    """Value readers get."""
    quality: str
    """Quality readers get."""
    measured: float | None
    """Value that was received; None when nothing was."""
    measured_quality: str | None
    """Quality it was received with."""
    reception: str | None
    """Reception counter of the measured value, in decimal digits."""
    versions: int
    """How many versions of it the store still has; engines merge earlier ones away in time."""
    revision: int | None
    """Index into `revisions` of what lies over it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageRevision:
    """A repair laid over raw samples."""

    method: str
    """How the values were made."""
    who: str
    """Who laid it over."""
    start: datetime
    """First slot."""
    end: datetime
    """Last slot."""
    samples: int
    """Samples."""
    case: str | None
    """Case of abnormal data it belongs to."""
    rule: str | None
    """Rule that spoke."""
    cause: str | None
    """Cause the reviewer gave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageWindow:
    """A roll-up window."""

    start: datetime
    """Start."""
    step_s: int
    """Length, plant seconds."""
    samples: int
    """Samples in its statistics."""
    good: int
    """Of these, of quality good."""
    mean: float | None
    """Mean."""
    last: float | None
    """Last value."""
    origin: str
    """`measured`, `simulated` or `mixed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCount:
    """Samples of one quality."""

    quality: str
    """Quality."""
    samples: int
    """How many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """Where the values of a point in a span come from."""

    point: LineagePoint
    """The point."""
    start: datetime
    """Start of the span."""
    end: datetime
    """End, not included."""
    ledger_version: int
    """Ledger the point and its bindings are taken from."""
    profile_version: int | None
    """Profile the gateway works with; None: nothing measures it."""
    computed_by: str | None
    """What computes the point (`twin`, `leak_watch`); None: it is measured."""
    inputs: list[LineagePoint]
    """Points it is computed from; empty for measured ones."""
    inputs_total: int
    """How many there are; the list holds 500 at most."""
    bindings: list[LineageBinding]
    """How it is read, oldest first."""
    receptions: list[LineageReception]
    """What came from its gateways."""
    samples: list[LineageSample]
    """Samples, oldest first, as many as asked for."""
    samples_total: int
    """Samples in the span."""
    raw_kept: bool
    """Whether what was received is there below what readers get."""
    qualities: list[QualityCount]
    """Samples by quality."""
    revisions: list[LineageRevision]
    """Repairs inside the span, oldest first."""
    windows: list[LineageWindow]
    """Roll-up windows that hold the samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureTerm:
    """One part of a figure."""

    point: LineagePoint
    """Point it comes from."""
    factor: float
    """What its value is multiplied by in the figure."""
    value: float | None
    """Its value in the span; None where nothing is known."""
    unit: str
    """Unit of the value."""
    samples: int
    """Raw samples behind it."""
    expected: int
    """Samples that should be behind it."""
    windows: int
    """Roll-up windows behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureLineage:
    """Where a key figure comes from."""

    figure: str
    """`completeness`, `heat_balance` or `water_balance`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    asset: str
    """Asset it is about; empty: the whole scope."""
    start: datetime
    """Start of the span."""
    end: datetime
    """End, not included."""
    value: float | None
    """The figure."""
    unit: str
    """Its unit."""
    formula: str
    """How the terms make the figure."""
    terms: list[FigureTerm]
    """Its terms, at most 500."""
    terms_total: int
    """Terms in all."""
