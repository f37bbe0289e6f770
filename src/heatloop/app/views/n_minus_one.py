"""Read models of the N-1 check and of the report before the season."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NMinusOneRow:
    """What the failure of a source or unit would leave uncovered."""

    subject: str
    """Code of the source or unit."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    whole_source: bool
    """Whether a whole source."""
    lost_kw: float
    """Heat that could not be made."""
    left_kw: float
    """Most heat of what is left."""
    uncovered_kw: float
    """Demand beyond that."""
    covered_pct: float
    """Share of the demand that is covered."""
    storage_h: float | None
    """Hours storage covers the rest; None: nothing is uncovered."""
    houses_h: float | None
    """Hours until rooms reach the least temperature after that; None: never."""
    holds: bool
    """Whether the least share is covered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NMinusOneView:
    """The N-1 check of a network."""

    network: str
    """Network."""
    at: datetime
    """Plant time of the check."""
    outdoor_c: float
    """Outdoor temperature it holds for."""
    need_kw: float
    """Demand at that temperature."""
    least_pct: float
    """Share that must be covered (CJJ/T 34)."""
    least_room_c: float
    """Room temperature that must not be passed."""
    rows: list[NMinusOneRow]
    """The worst first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonBranch:
    """What a failure leaves a branch of the company."""

    branch: str
    """Branch; empty: none."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    stations: int
    """Its stations."""
    short: int
    """Those that get less than the least share."""
    worst: str
    """Station that gets least."""
    worst_pct: float
    """Share of its heat it gets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonCase:
    """A failure in the report before the season."""

    subject: str
    """What fails."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`source`, `unit`, `pump` or `booster`."""
    covered_pct: float
    """Share of all heat that is given."""
    worst: str
    """Unit that gets least."""
    worst_pct: float
    """Share it gets."""
    missing_kpa: float
    """Head the sources lack for it."""
    storage_h: float | None
    """Hours storage covers the rest; None: nothing is uncovered, or nobody asked."""
    houses_h: float | None
    """Hours until rooms reach the least temperature after that; None: never."""
    holds: bool
    """Whether every station gets the least share."""
    why: str
    """Why flows are not known; empty: they are."""
    branches: list[SeasonBranch]
    """Branches, the worst first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonReport:
    """The N-1 report of a network before the season."""

    network: str
    """Network."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    at: datetime
    """Plant time of the check."""
    ledger_version: int
    """Ledger it holds for."""
    outdoor_c: float
    """Outdoor temperature it holds for."""
    need_kw: float
    """Demand at that temperature."""
    least_pct: float
    """Share every station must get."""
    holds: bool
    """Whether it does in every case."""
    pumps_known: bool
    """Whether the ledger names the main pumps of all sources."""
    cases: list[SeasonCase]
    """Failures, the worst first."""
