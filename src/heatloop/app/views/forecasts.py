"""Read models of forecasts: how the service is doing, one subject's forecast, how right it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastIssueView:
    """One run of the forecaster."""

    number: int
    """Number."""
    known: datetime
    """When it became known."""
    start: datetime
    """First hour."""
    reason: str
    """`schedule`, `weather`, `request`, `start` or `hindcast`."""
    weather: str
    """Weather it was made with: `forecast`, `persistence` or `observed`."""
    subjects: int
    """Subjects forecast."""
    failed: int
    """Subjects that could not be."""
    took_s: float
    """Machine time it took, s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastSubject:
    """Something that is forecast, with what its newest forecast says of the next day."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`source`, `substation` or `building`."""
    quantity: str
    """`heat_kw` or `room_c`."""
    next_day: float | None
    """Mean of the next 24 hours, kW or degC; None without a forecast."""
    peak: float | None
    """Highest hour of the next 24."""
    model: str
    """`blend`, `ridge`, `baseline`, `persistence` or what else was good enough; empty: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastStatus:
    """How forecasting is doing, and what is forecast."""

    plant_time: datetime
    """Now."""
    enabled: bool
    """Whether forecasts are issued."""
    running: bool
    """Whether an issue is being made."""
    late: bool
    """Whether an issue is late."""
    failure: str
    """Why the last try gave nothing; empty when it did."""
    next_due: datetime
    """Start of the next scheduled issue."""
    last: ForecastIssueView | None
    """The newest issue."""
    total: int
    """Subjects inside the reader's scope that fit."""
    subjects: list[ForecastSubject]
    """A page of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastIssuePage:
    """A page of issues, newest first."""

    total: int
    """Issues there are."""
    items: list[ForecastIssueView]
    """The page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastStep:
    """One step of a chart: what came, what was expected, and the weather."""

    at: datetime
    """Begin of the step."""
    actual: float | None
    """What came."""
    low: float | None
    """10 % quantile."""
    middle: float | None
    """Median."""
    high: float | None
    """90 % quantile."""
    outdoor_c: float | None
    """Outdoor temperature, measured or forecast, degC."""
    plan_low: float | None
    """Low end of the planned band."""
    plan_high: float | None
    """High end of the planned band."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastView:
    """The forecast of one subject as it was known at a time."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`source`, `substation` or `building`."""
    quantity: str
    """`heat_kw` or `room_c`."""
    step_s: int
    """Length of a step."""
    issue: ForecastIssueView | None
    """The issue; None: none was known."""
    model: str
    """What made it."""
    weights: dict[str, float]
    """Share of each model in a blend."""
    skill: dict[str, float]
    """Figures of the last days the models were chosen by."""
    baseline: dict[str, float]
    """What explains it: `balance_c`, `w_k` and the rest of the change-point line."""
    steps: list[ForecastStep]
    """Past and coming steps by time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastSkillRow:
    """How right the day-ahead forecasts of a subject were in a week."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`source`, `substation` or `building`."""
    quantity: str
    """`heat_kw` or `room_c`."""
    hours: int
    """Hours compared."""
    mean: float | None
    """Mean of what came."""
    mae: float | None
    """Mean absolute error."""
    rmse: float | None
    """Root mean square error."""
    mape_pct: float | None
    """Mean absolute error over the value, hours above a tenth of the mean, %."""
    coverage_pct: float | None
    """Hours inside the 10-90 % band, %."""
    naive_mae: float | None
    """Mean absolute error of the day before (persistence)."""
    naive_mape_pct: float | None
    """The same over the value, %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastSkill:
    """Skill of a week."""

    week: datetime
    """Begin of the week; Monday, local midnight."""
    weeks: list[datetime]
    """Weeks there is skill of, newest first."""
    hindcast_days: int
    """Days of the week judged by a hindcast: forecasts that were not in force."""
    total: int
    """Subjects inside the reader's scope that fit."""
    rows: list[ForecastSkillRow]
    """A page of them, sources first, then substations, then buildings."""
