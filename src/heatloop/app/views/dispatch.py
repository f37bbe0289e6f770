"""Read models of dispatch: networks, plans and what was relaxed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchNetworkView:
    """Heat sources that feed one network."""

    code: str
    """Code of its first source."""
    zh: str
    """Chinese name of that source."""
    en: str
    """English name of that source."""
    sources: list[str]
    """Codes of its sources."""
    load_kw: float
    """Design load."""
    area_m2: float
    """Heated area."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchRelaxation:
    """A soft limit a plan could not keep."""

    name: str
    """`unserved`, `surplus`, `source`, `storage_end` or `reserve`."""
    subject: str
    """Source or storage; empty for the network."""
    cause: str
    """`capacity`, `ramp`, `least_load` or `limit`."""
    start: datetime
    """From when."""
    end: datetime
    """Until when."""
    most_kw: float
    """Greatest amount, kW; kWh for a storage's end."""
    total_kwh: float
    """Amount over the time, kWh."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchCosts:
    """What a plan costs, yuan."""

    fuel_yuan: float
    """Fuel."""
    co2_yuan: float
    """CO2."""
    power_yuan: float
    """Electricity bought less sold."""
    start_yuan: float
    """Starts."""
    other_yuan: float
    """Water, wear and upkeep."""
    bill_yuan: float
    """All of these."""
    penalty_yuan: float
    """Worth of the soft limits missed; not paid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchUnitSeries:
    """What a unit is to do."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    source: str
    """Heat source it stands in."""
    kind: str
    """Kind of unit."""
    most_kw: float
    """Most heat."""
    heat_kw: list[float]
    """Heat a step, kW."""
    power_kw: list[float]
    """Electricity given out (negative: taken) a step, kW."""
    reach_kw: list[float] = field(default_factory=list)
    """Most heat it could give a step while it runs as planned, kW."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchStorageSeries:
    """What a storage tank is to do."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    capacity_kwh: float
    """Heat between empty and full."""
    charge_kw: list[float]
    """Heat into it (negative: out of it) a step, kW."""
    level_kwh: list[float]
    """Heat in it at the end of each step, kWh."""
    source: str = ""
    """Heat source it stands in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPlanRow:
    """A plan in a list."""

    number: int
    """Version."""
    network: str
    """Network."""
    reason: str
    """`schedule`, `manual`, `failure` or `what_if`, with the codes that are out after a colon."""
    state: str
    """`proposed`, `approved`, `rejected`, `superseded` or `what_if`."""
    result: str
    """`optimal`, `feasible` or `fallback`."""
    made: datetime
    """When it was made."""
    start: datetime
    """First step."""
    hours: float
    """Hours it covers."""
    bill_yuan: float
    """What it costs."""
    split_yuan: float
    """What the proportional split would cost."""
    unserved_kwh: float
    """Demand not met."""
    by: str
    """Who asked for it; `schedule` for the platform."""
    decided_by: str
    """Who approved or rejected it."""
    decided: datetime | None
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPlanPage:
    """A page of plans."""

    total: int
    """Plans in all."""
    items: list[DispatchPlanRow]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchSetpoint:
    """A set-point a plan asks for now; advice until a person or an automatic stage sends it."""

    point: str
    """Point code."""
    value: float
    """In the point's unit."""
    unit: str
    """Unit."""
    present: float | None
    """Value it has now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPlanView:
    """A plan with all its figures."""

    plan: DispatchPlanRow
    """Its head."""
    step_s: int
    """Length of a step."""
    explained: str
    """Why it is a fallback, in the solver's words; empty else."""
    kept: bool
    """Whether units go on as the plan before had them, another being hardly cheaper."""
    gap: float | None
    """Proven distance from the least cost, relative; None when nothing is proven."""
    demand_from: str
    """`forecast`, `weather` (degrees of the forecast weather) or `present` (weather as now)."""
    demand_kw: list[float]
    """Demand a step."""
    unserved_kw: list[float]
    """Demand not met a step."""
    surplus_kw: list[float]
    """Heat nobody takes a step."""
    sell_yuan_kwh: list[float]
    """Price of electricity sold a step."""
    least_covered_pct: float
    """Smallest share of the demand that is covered in any step."""
    minimum_pct: float
    """Share consumers must get when a source fails."""
    units: list[DispatchUnitSeries]
    """Units."""
    storages: list[DispatchStorageSeries]
    """Storage tanks."""
    relaxations: list[DispatchRelaxation]
    """Soft limits missed."""
    costs: DispatchCosts
    """Costs."""
    setpoints: list[DispatchSetpoint]
    """Set-points it asks for now; empty for a plan that does not cover now."""
