"""Read models of the plant: overview, substations, assets and points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitCard:
    """A heating unit as the overview and the station page show it."""

    code: str
    """Unit code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    emitter: str
    """`radiator` or `floor`."""
    zone: str
    """`high`, `low` or `single`."""
    supply_c: float | None
    """Secondary supply temperature, degC."""
    return_c: float | None
    """Secondary return temperature, degC."""
    setpoint_c: float | None
    """Secondary supply temperature set-point, degC."""
    mode: str | None
    """Station mode: `local`, `remote_manual`, `automatic`; None when not known."""
    stage: str
    """Strategy stage: `observe`, `advise`, `automatic`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubstationCard:
    """A substation as the overview shows it."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    branch: str
    """Code of the branch that runs it."""
    lat: float | None
    """Latitude, degrees north."""
    lon: float | None
    """Longitude, degrees east."""
    heated_area_m2: float
    """Heated area."""
    state: str
    """`normal`, `warning`, `alarm` or `offline`."""
    alarms: int
    """Open alarms."""
    primary_supply_c: float | None
    """Primary supply temperature."""
    primary_return_c: float | None
    """Primary return temperature."""
    heat_power_kw: float | None
    """Heat taken from the primary side."""
    units: list[UnitCard]
    """Its units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCard:
    """A heat source as the overview shows it."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    state: str
    """`normal`, `warning`, `alarm` or `offline`."""
    alarms: int
    """Open alarms."""
    rated_load_kw: float | None
    """Rated load."""
    supply_c: float | None
    """Supply temperature."""
    return_c: float | None
    """Return temperature."""
    supply_kpa: float | None
    """Supply pressure, gauge."""
    return_kpa: float | None
    """Return pressure, gauge."""
    flow_m3h: float | None
    """Flow."""
    heat_power_kw: float | None
    """Heat given to the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The company (or the part of it the reader may see) in ten numbers."""

    substations: int
    """Substations."""
    online: int
    """Substations with fresh values."""
    alarms_active: int
    """Open alarms."""
    alarms_unacknowledged: int
    """Open alarms nobody has acknowledged."""
    heat_power_kw: float | None
    """Heat taken by the substations."""
    heated_area_m2: float
    """Heated area."""
    room_mean_c: float | None
    """Mean of fresh room temperatures."""
    room_share_18_pct: float | None
    """Share of fresh room temperatures of 18 degC and more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """Everything the first screen shows."""

    plant_time: datetime
    """Plant time."""
    speed: float
    """Plant seconds a machine second; 0 in lockstep."""
    outdoor_temperature_c: float | None
    """Outdoor temperature."""
    totals: Totals
    """The whole in numbers."""
    sources: list[SourceCard]
    """Heat sources."""
    substations: list[SubstationCard]
    """Substations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetView:
    """An asset of the ledger."""

    code: str
    """Permanent code."""
    kind: str
    """Asset kind."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    parent: str
    """Code of the parent."""
    organisation: str
    """Code of the organisation that answers for it."""
    org_path: str
    """Path in the organisation."""
    heat_path: str
    """Path on the heat path."""
    attributes: dict[str, str | float | bool]
    """Attributes; personal ones are masked, those beyond the reader's label are ***."""
    masked: list[str]
    """Personal fields shown masked; one at a time may be revealed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointView:
    """A point with its latest value."""

    code: str
    """Permanent code."""
    key: int
    """Key used by the live stream and by bulk data."""
    asset: str
    """Asset code."""
    kind: str
    """Point kind."""
    n: int
    """Number among the asset's points of the kind."""
    zh: str
    """Chinese name of the kind."""
    en: str
    """English name of the kind."""
    unit: str
    """Unit of the value."""
    decimals: int
    """Decimals worth showing."""
    access: str
    """`r` or `rw`."""
    low: float | None
    """Low end of the measuring range, or the lowest value that may be written."""
    high: float | None
    """High end of the measuring range, or the highest value that may be written."""
    value: float | None
    """Latest value."""
    quality: str | None
    """`good`, `uncertain`, `bad`, `stale` or `estimated`; None when nothing is known."""
    at: datetime | None
    """Time of the latest value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetPage:
    """A page of assets."""

    total: int
    """Rows in all."""
    items: list[AssetView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPage:
    """A page of points."""

    total: int
    """Rows in all."""
    items: list[PointView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetDetail:
    """An asset with what hangs below it."""

    asset: AssetView
    """The asset."""
    children: list[AssetView]
    """Children on the heat path and in the organisation, at most 500."""
    points: list[PointView]
    """Its own points."""
