"""Read models of control strategies: what station control means to do with each unit, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyCard:
    """A unit and the strategy made for it last."""

    unit: str
    """Unit code."""
    zh: str
    """Chinese name of the unit."""
    en: str
    """English name of the unit."""
    station: str
    """Code of its station."""
    station_zh: str
    """Chinese name of its station."""
    station_en: str
    """English name of its station."""
    stage: str
    """Strategy stage: `observe`, `advise` or `automatic`."""
    mode: str | None
    """Station mode: `local`, `remote_manual` or `automatic`; None: not known."""
    version: int | None
    """Version; None: there is no strategy."""
    state: str | None
    """`observed`, `proposed`, `approved` or `rejected`."""
    followed: bool
    """Whether it is proposed to the arbiter now; else the weather curve goes on alone."""
    reason: str
    """Chief reason, a word the screens translate."""
    relaxed: list[str]
    """What could not be kept and what was missing, in such words."""
    made: datetime | None
    """When it was made."""
    valid_until: datetime | None
    """How long it holds."""
    regulation: str
    """`quality` (supply temperature) or `quantity` (flow)."""
    model: str
    """`champion` (learnt) or `design` (from the ledger)."""
    target_c: float | None
    """Room temperature wanted, degC."""
    target_source: str
    """Where that comes from: `all` (set for all), `unit` (set for it), `learnt`; or empty."""
    room_c: float | None
    """Rooms as estimated now, degC."""
    supply_c: float | None
    """Supply temperature meant for now, degC."""
    setpoint_c: float | None
    """Supply temperature set-point read back, degC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyPage:
    """Units with their strategies."""

    total: int
    """Units inside the scope."""
    reason: str
    """Why none are made: `starting`, `off`, `no_forecast`, `no_units`, `unavailable`; or empty."""
    detail: str
    """The same in an English sentence."""
    scarce: bool
    """Whether the heat sources' cap made heat dearer."""
    violation_pct: float
    """Excess over that cap that is left, %."""
    failed: int
    """Units that could not be planned."""
    items: list[StrategyCard]
    """A page of them, by code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyStep:
    """What is meant for one step."""

    at: datetime
    """Start of the step."""
    supply_c: float | None
    """Supply temperature, degC."""
    flow_m3h: float | None
    """Circulation, m3/h."""
    pump_hz: float | None
    """Pump speed, Hz."""
    room_c: float | None
    """Room expected at its end, degC."""
    heat_kw: float | None
    """Heat drawn, kW."""
    outdoor_c: float | None
    """Outdoor temperature it was planned for, degC; None with an older version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtedSensor:
    """A room sensor that does not count."""

    point: str
    """Point code."""
    reason: str
    """`range`, `frozen`, `stray` or `untrusted`."""
    trust: float
    """0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyVersion:
    """One version of a unit's strategy."""

    unit: str
    """Unit code."""
    version: int
    """Version, from 1."""
    made: datetime
    """When it was made."""
    valid_until: datetime
    """How long it holds."""
    state: str
    """`observed`, `proposed`, `approved` or `rejected`."""
    decided_by: str
    """Who decided; `stage:automatic` when the stage did."""
    decided: datetime | None
    """When."""
    note: str
    """What was said."""
    reason: str
    """Chief reason."""
    relaxed: list[str]
    """What could not be kept and what was missing."""
    fallback: bool
    """Whether it is the weather curve."""
    regulation: str
    """`quality` or `quantity`."""
    model: str
    """`champion` or `design`."""
    target_c: float
    """Room temperature wanted, degC."""
    steps: list[StrategyStep]
    """Hour by hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyVersionPage:
    """Versions of a unit's strategy."""

    total: int
    """Versions kept."""
    items: list[StrategyVersion]
    """A page of them, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyView:
    """A unit's strategy as it is now, in quarters of an hour."""

    card: StrategyCard
    """The chief figures."""
    wall_c: float | None
    """Walls as estimated, degC."""
    unknown_heat_kw: float | None
    """Heat the model does not know of, kW."""
    sensors: int
    """Room sensors that count."""
    doubted: list[DoubtedSensor]
    """Those that do not."""
    low_c: float | None
    """Lower end of the comfort band, degC."""
    high_c: float | None
    """Upper end of the comfort band, degC."""
    steps: list[StrategyStep]
    """The plan."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLevelPoint:
    """A unit's level in one stretch of weather."""

    outdoor_c: float
    """Mean outdoor temperature of the stretch, degC."""
    before_c: float
    """What its rooms were kept at on the curve, as its own collectors show it, degC."""
    shift_k: float
    """Wanted over that, common to all units with emitters of its kind, K."""
    level_c: float
    """Level that follows, degC."""
    cold_before_pct: float | None
    """Room-hours its collectors showed cold, %; None: they are too few to say."""
    cold_expected_pct: float | None
    """The same as expected at the level with steady rooms, %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLevelVersion:
    """What one night found of a unit's level."""

    version: int
    """Version of the unit, from 1."""
    made: datetime
    """When."""
    valid_until: datetime
    """How long it holds when no other follows."""
    state: str
    """`learnt`, `few_collectors` (kept, not shifted), `renewed` (nothing newer to learn from), or
    why there is none: `no_meter`, `no_model`, `no_collectors`, `few_days`."""
    data_from: datetime
    """Begin of what it was learnt from."""
    data_until: datetime
    """End of it."""
    history_days: int
    """Days looked back."""
    days: int
    """Days on the curve among them that counted."""
    collectors: int
    """Trusted collectors."""
    off_k: float
    """What collectors of its kind are taken to read too low, K."""
    points: list[RoomLevelPoint]
    """By stretch of weather, the colder first; empty: no level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLevelVersionPage:
    """What the nights found of a unit's level."""

    total: int
    """Versions kept."""
    items: list[RoomLevelVersion]
    """A page of them, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLevelView:
    """What is wanted of a unit's rooms, and where it comes from."""

    unit: str
    """Unit code."""
    zh: str
    """Chinese name of the unit."""
    en: str
    """English name of the unit."""
    target_c: float
    """Room temperature wanted in the weather to come, without users' wishes, degC."""
    source: str
    """`all` (set for all), `unit` (set for this unit) or `learnt`."""
    why: str
    """Why the learnt level is as it is or is not followed, a word the screens translate."""
    low_c: float
    """Least a person may set, degC."""
    high_c: float
    """Most a person may set, degC."""
    own_c: float | None
    """Set for this unit, degC; None: nothing."""
    own_by: str
    """Who set it."""
    own_at: datetime | None
    """When."""
    own_note: str
    """Why."""
    learnt_c: float | None
    """Learnt level in the weather to come, followed or not, degC; None: no fresh one."""
    version: RoomLevelVersion | None
    """What the last night found; None: there was none yet."""
    failure: str
    """Why the last night failed, in an English sentence; else empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLevelPage:
    """Units with what is wanted of their rooms."""

    total: int
    """Units inside the scope."""
    learnt: int
    """Of these with a learnt level."""
    own: int
    """Of these with a target of their own."""
    level: str
    """What holds for units without their own: `set` or `learnt`."""
    target_room_c: float
    """The figure set for all, degC."""
    items: list[RoomLevelView]
    """A page of them, by code."""
