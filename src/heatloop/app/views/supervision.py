"""Read models of supervision: plan and actual, dispatch periods, automatic ratio, smart devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanStanding:
    """One value beside its planned band."""

    code: str
    """Asset code of the source, substation or unit."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    station: str
    """Substation it belongs to; the source itself for sources."""
    quantity: str
    """`heat_kw` or `supply_c`."""
    actual: float | None
    """Value now; None: nobody knows."""
    low: float
    """Low end of the band."""
    plan: float
    """What was planned."""
    high: float
    """High end of the band."""
    state: str
    """`inside`, `above`, `below` or `unknown`."""
    since: datetime
    """Since when it is so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisionNow:
    """Operation beside its plan."""

    at: datetime | None
    """When it was last compared; None: not yet."""
    counts: dict[str, int]
    """Values by state."""
    total: int
    """Values inside the reader's scope that fit."""
    rows: list[PlanStanding]
    """A page of them; those outside their band first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodRow:
    """One dispatch period in the list."""

    day: date
    """Local day."""
    planned: int
    """Subjects that were planned."""
    forecast: str
    """Why its first forecast was made: `schedule`, `hindcast` ...; empty: there was none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodPage:
    """A page of dispatch periods, newest first."""

    total: int
    """Periods there are."""
    items: list[DispatchPeriodRow]
    """The page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodSubject:
    """One subject in a period; heat as energy, temperatures as means, of the hours compared."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    quantity: str
    """`heat_kw` or `supply_c`."""
    unit: str
    """`kWh` or `degC`."""
    plan: float | None
    """Planned, of hours with a plan and a value."""
    forecast: float | None
    """Forecast at the period's begin, of hours with a value."""
    actual: float | None
    """What came, of all hours with a value."""
    plan_actual: float | None
    """What came in the hours with a plan."""
    forecast_actual: float | None
    """What came in the hours with a forecast."""
    deviation_pct: float | None
    """What came against the plan, same hours, %."""
    hours: int
    """Hours compared with the plan."""
    outside: int
    """Hours outside the planned band."""
    forecast_mape_pct: float | None
    """Mean absolute error of the forecast over the value, %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationEvent:
    """A deviation that was reported in the period."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    rule_zh: str
    """What deviated, Chinese."""
    rule_en: str
    """What deviated, English."""
    onset: datetime
    """When it began."""
    value: float | None
    """Value then."""
    limit: float | None
    """End of the band it left by."""
    state: str
    """State of the alarm now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodView:
    """A dispatch period: plan, forecast, what came, deviations."""

    day: date
    """Local day."""
    start: datetime
    """First second."""
    end: datetime
    """First second of the next."""
    complete: bool
    """Whether it is over."""
    forecast: str
    """Why its first forecast was made; empty: there was none."""
    forecast_known: datetime | None
    """When that became known."""
    total: int
    """Subjects inside the reader's scope."""
    subjects: list[DispatchPeriodSubject]
    """A page of them."""
    events_total: int
    """Deviations reported inside the reader's scope."""
    events: list[DeviationEvent]
    """The newest of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodHour:
    """One hour of one subject."""

    at: datetime
    """Begin of the hour."""
    plan_low: float | None
    """Low end of the planned band."""
    plan: float | None
    """What was planned."""
    plan_high: float | None
    """High end of the planned band."""
    forecast_low: float | None
    """10 % quantile of the first forecast."""
    forecast: float | None
    """Median of the first forecast."""
    forecast_high: float | None
    """90 % quantile of the first forecast."""
    actual: float | None
    """What came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchPeriodHours:
    """The hours of one subject in a period."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    quantity: str
    """`heat_kw` or `supply_c`."""
    hours: list[DispatchPeriodHour]
    """By time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutomaticRow:
    """How a substation was run."""

    code: str
    """Substation code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    heating_h: float
    """Hours its units heated, summed."""
    automatic_h: float
    """Of these in mode automatic."""
    platform_h: float
    """Of these with the platform allowed to write."""
    unknown_h: float
    """Heating hours without a known mode; not automatic."""
    automatic_pct: float | None
    """Automatic over heating hours, %; None when it did not heat."""
    platform_pct: float | None
    """Hours under the platform over heating hours, %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutomaticReport:
    """Automatic-operation ratio of a period."""

    start: datetime
    """First hour."""
    end: datetime
    """End."""
    heating_h: float
    """Heating hours of all units inside the reader's scope."""
    automatic_pct: float | None
    """Of these in mode automatic, %."""
    platform_pct: float | None
    """Of these under the platform, %."""
    total: int
    """Substations."""
    rows: list[AutomaticRow]
    """A page of them, the lowest ratio first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SmartClass:
    """How the devices of a class are equipped."""

    name: str
    """Class."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    group: str
    """`operating`, `control` or `sensor`."""
    main: bool
    """Whether it is on the list of main devices."""
    total: int
    """Devices."""
    digital: int
    """With digital communication."""
    status: int
    """Telling their state."""
    remote: int
    """Set from afar."""
    smart: int
    """With all three."""
    share_pct: float
    """Smart over all, %."""
    lacking: list[str]
    """Points of devices that lack something, the first of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SmartReport:
    """Share of smart devices by class."""

    main_total: int
    """Main devices."""
    main_smart: int
    """Main devices that are smart."""
    main_pct: float | None
    """Share of the main list, %; None without any."""
    classes: list[SmartClass]
    """By class."""
