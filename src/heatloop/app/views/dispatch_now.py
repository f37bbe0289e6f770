"""Read models of dispatch as it stands: what is followed, failures, figures and outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heatloop.app.views.dispatch import DispatchNetworkView, DispatchPlanRow


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchEvent:
    """A failure of a heat source and what followed."""

    source: str
    """Heat source."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    network: str
    """Network."""
    units: list[str]
    """Units that had failed when it began."""
    onset: datetime
    """When it was seen."""
    plan: int | None
    """First plan made after it; None: none yet."""
    plan_after_s: float | None
    """Seconds from the failure to that plan."""
    covered_pct: float | None
    """Smallest share of the demand that plan covers."""
    least_pct: float
    """Share consumers must get."""
    closed: datetime | None
    """When heat was dispatched anew or the source was back."""
    open: bool
    """Whether it goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchSourceCap:
    """Most heat a source gives by the plan that is followed."""

    source: str
    """Heat source."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    now_kw: float
    """Now."""
    least_kw: float
    """Least within the next day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchFollowing:
    """How far plans of a network act on the stations."""

    network: str
    """Network."""
    stage: str
    """`observe`: nothing; `advise`: caps of approved plans; `automatic`: of every plan made."""
    stage_by: str
    """Who set it; empty: nobody."""
    plan: int | None
    """Plan whose caps hold; None: none does."""
    why: str
    """Why none does: `observe`, `no_plan`, `too_old`; empty else."""
    until: datetime | None
    """When it grows too old unless another comes."""
    delivered_pct: float
    """Share of the sources' heat that reaches the stations; losses are taken off the caps."""
    cap_kw: float | None
    """Most heat of all its stations now."""
    sources: list[DispatchSourceCap]
    """Its sources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchNow:
    """Networks, and the plan that is in force or proposed for each."""

    plant_time: datetime
    """Plant time."""
    networks: list[DispatchNetworkView]
    """Networks."""
    proposed: list[DispatchPlanRow]
    """Newest proposal of each network that waits."""
    approved: list[DispatchPlanRow]
    """Newest approved plan of each network."""
    failed: list[str]
    """Units that say they have failed."""
    following: list[DispatchFollowing]
    """How far plans act, by network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchFigure:
    """A figure dispatch works with."""

    subject: str
    """Asset, fuel, `electricity` or `company`."""
    name: str
    """Name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit."""
    value: float
    """Value in force."""
    low: float
    """Least that may be entered."""
    high: float
    """Most that may be entered."""
    entered: bool
    """Whether a person entered it; else ledger or default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchFigureEntry:
    """A figure as it was entered."""

    number: int
    """Number."""
    subject: str
    """Asset, fuel or tariff."""
    name: str
    """Name."""
    value: float
    """Value."""
    valid_from: datetime
    """From when it holds."""
    note: str
    """Where it comes from."""
    by: str
    """Who entered it."""
    at: datetime
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchFigurePage:
    """A page of entries."""

    total: int
    """Entries in all."""
    items: list[DispatchFigureEntry]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchOutage:
    """A time in which a unit or source may not run."""

    number: int
    """Number."""
    subject: str
    """Asset code."""
    kind: str
    """`maintenance` or `failure`."""
    start: datetime
    """From when."""
    end: datetime
    """Until when."""
    note: str
    """Why."""
    by: str
    """Who entered it."""
