"""Read models of the weather: now, forecasts as they were known, observations, how right it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherValues:
    """The weather at one time; what a source does not give is None."""

    at: datetime
    """Time it holds for; radiation is the mean of the hour before it."""
    condition: int | None
    """WMO 4677 code of the sky."""
    condition_zh: str
    """The sky in Chinese."""
    condition_en: str
    """The sky in English."""
    temperature_c: float | None
    """Air temperature, degC."""
    humidity_pct: float | None
    """Relative humidity, %."""
    temperature_max_c: float | None
    """Highest temperature of the local day, degC."""
    temperature_min_c: float | None
    """Lowest temperature of the local day, degC."""
    wind_deg: float | None
    """Direction the wind comes from, degrees clockwise from north."""
    wind_ms: float | None
    """Wind speed, m/s."""
    solar_w_m2: float | None
    """Global radiation on the level, W/m2."""
    direct_w_m2: float | None
    """Direct radiation at right angles to the sun, W/m2."""
    diffuse_w_m2: float | None
    """Diffuse radiation on the level, W/m2."""
    quality: str
    """`good`, `uncertain`, `bad`, `stale` or `estimated`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherQuantity:
    """What one of the values is."""

    name: str
    """Field of `WeatherValues`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit."""
    decimals: int
    """Decimals worth showing."""
    point: str | None
    """Code of the point it is kept in; None where the ledger has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSourceView:
    """A source of weather and how it is doing."""

    name: str
    """Name in the settings."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    rank: int
    """Place in the order: 1 is asked first."""
    in_force: bool
    """Whether the weather of now comes from it."""
    state: str
    """`ok`, `waiting` (not asked yet), `failed` or `resting` (asked to wait by the source)."""
    forecasts: bool
    """Whether it gives forecasts."""
    observes: bool
    """Whether it gives the present."""
    last_ok: datetime | None
    """Plant time of its last good answer."""
    last_try: datetime | None
    """Plant time it was last asked."""
    issued: datetime | None
    """When its last forecast was issued, as it says itself."""
    horizon_h: int
    """Hours its last forecast reaches ahead."""
    failures: int
    """Failures in a row."""
    error: str
    """What was wrong the last time; empty: nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherNow:
    """The weather of now, where it comes from, and all sources."""

    plant_time: datetime
    """Plant time."""
    source: str | None
    """Source in force; None: no source knows the present."""
    fallback: bool
    """Whether another source than the first one that gives the present is in force."""
    weather: WeatherValues | None
    """The weather; None: no source knows."""
    filled: dict[str, str]
    """Values the source in force does not give, with the source they come from."""
    forecast_source: str | None
    """Source of the newest forecast."""
    forecast_known: datetime | None
    """When that became known."""
    forecast_horizon_h: float
    """Hours it still reaches ahead."""
    sources: list[WeatherSourceView]
    """All sources in their order."""
    quantities: list[WeatherQuantity]
    """What the values are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherForecastHour:
    """One hour of a forecast."""

    lead_h: float
    """Hours between the forecast becoming known and this hour."""
    weather: WeatherValues
    """The weather forecast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherForecastView:
    """The newest forecast there was at a time."""

    as_of: datetime
    """Nothing that became known later is in it."""
    source: str | None
    """Source; None: there was no forecast."""
    issued: datetime | None
    """When the source issued it, as it says itself."""
    known: datetime | None
    """When it became known here."""
    hours: list[WeatherForecastHour]
    """The hours asked for, in the order of time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherObservation:
    """What a source said the weather was."""

    source: str
    """Source."""
    known: datetime
    """When it became known here."""
    weather: WeatherValues
    """The weather."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherObservationPage:
    """A page of observations."""

    total: int
    """Rows in all."""
    items: list[WeatherObservation]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSkillRow:
    """How right forecasts were at some lead time."""

    source: str
    """Source of the forecasts."""
    quantity: str
    """Field of `WeatherValues`."""
    lead_from_h: int
    """Shortest lead of the band."""
    lead_to_h: int
    """Longest lead of the band (not in it)."""
    count: int
    """Hours compared."""
    bias: float
    """Mean of forecast less observation, in the quantity's unit."""
    mae: float
    """Mean absolute error."""
    rmse: float
    """Root of the mean squared error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSkill:
    """How right the forecasts of a span were, by lead time."""

    start: datetime
    """First hour compared."""
    end: datetime
    """End of the span."""
    observed_by: str
    """Source that counts as the truth."""
    rows: list[WeatherSkillRow]
    """By source, quantity and lead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherImported:
    """What an import of observations did."""

    source: str
    """Name they are kept under."""
    stored: int
    """Hours stored."""
    first: datetime
    """First hour."""
    last: datetime
    """Last hour."""
