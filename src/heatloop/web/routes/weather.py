"""The weather: now, forecasts as they were known at any time, observations, how right it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.views.weather import (
    WeatherForecastView,
    WeatherImported,
    WeatherNow,
    WeatherObservationPage,
    WeatherSkill,
)
from heatloop.bridge.weather.model import Hour
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.params import Page, Size

router = APIRouter(prefix="/weather", tags=["weather"])

MaybeTime = Annotated[AwareDatetime | None, Query(description="ISO 8601 with offset")]
Source = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.:@-]*$")]
Hours = Annotated[int, Query(ge=1, le=384, description="Hours ahead, when no end is given")]


def _value(low: float, high: float) -> object:
    return Field(default=None, ge=low, le=high, allow_inf_nan=False)


class ObservedHour(BaseModel):
    """The weather at one time; leave out what is not known."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    at: AwareDatetime
    """Time it holds for."""
    condition: Annotated[int | None, _value(0, 99)]
    """WMO 4677 code of the sky."""
    temperature_c: Annotated[float | None, _value(-60, 60)]
    """Air temperature, degC."""
    humidity_pct: Annotated[float | None, _value(0, 100)]
    """Relative humidity, %."""
    temperature_max_c: Annotated[float | None, _value(-60, 60)]
    """Highest temperature of the local day, degC."""
    temperature_min_c: Annotated[float | None, _value(-60, 60)]
    """Lowest temperature of the local day, degC."""
    wind_deg: Annotated[float | None, _value(0, 360)]
    """Direction the wind comes from, degrees."""
    wind_ms: Annotated[float | None, _value(0, 120)]
    """Wind speed, m/s."""
    solar_w_m2: Annotated[float | None, _value(0, 1600)]
    """Global radiation, W/m2."""
    direct_w_m2: Annotated[float | None, _value(0, 1600)]
    """Direct normal radiation, W/m2."""
    diffuse_w_m2: Annotated[float | None, _value(0, 1600)]
    """Diffuse radiation, W/m2."""

    def hour(self) -> Hour:
        """Return it as the weather rooms know it."""
        return Hour(at_s=self.at.timestamp(), **self.model_dump(exclude={"at"}))


class ObservationImport(BaseModel):
    """Observations from a file or another program."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    source: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$")]
    """Name they are kept under; `file:` is put before it."""
    hours: Annotated[list[ObservedHour], Field(min_length=1, max_length=10_000)]
    """The observations; an hour sent again is replaced."""


@router.get("", summary="The weather of now, and the sources")
async def get_weather(platform: Platformed, viewer: Viewer) -> WeatherNow:
    """Return the present weather from the source in force, and how every source is doing."""
    return await platform.weather.now()


@router.get("/forecast", summary="The forecast as it was known at a time")
async def get_weather_forecast(
    platform: Platformed,
    viewer: Viewer,
    known_at: MaybeTime = None,
    start: MaybeTime = None,
    end: MaybeTime = None,
    hours: Hours = 72,
    source: Source = "",
) -> WeatherForecastView:
    """Return the newest forecast known at `known_at` (now when left out), nothing later."""
    return await platform.weather.forecast_view(
        known_at_s=None if known_at is None else known_at.timestamp(),
        start_s=None if start is None else start.timestamp(),
        end_s=None if end is None else end.timestamp(),
        hours=hours,
        source=source,
    )


@router.get("/observations", summary="What sources said the weather was")
async def list_weather_observations(
    platform: Platformed,
    viewer: Viewer,
    start: MaybeTime = None,
    end: MaybeTime = None,
    source: Source = "",
    page: Page = 1,
    size: Size = 100,
) -> WeatherObservationPage:
    """Return a page of observations, newest first."""
    return await platform.weather.observations(
        start_s=None if start is None else start.timestamp(),
        end_s=None if end is None else end.timestamp(),
        source=source,
        page=page,
        size=size,
    )


@router.get("/skill", summary="How right forecasts were, by lead time")
async def get_weather_skill(
    platform: Platformed,
    viewer: Viewer,
    days: Annotated[int, Query(ge=1, le=31, description="Days back from now")] = 14,
    observed_by: Source = "",
) -> WeatherSkill:
    """Compare forecasts with what was observed since; the own station counts as the truth."""
    return await platform.weather.skill(days=days, observed_by=observed_by)


@router.post("/refresh", summary="Ask the sources now")
async def refresh_weather(platform: Platformed, by: LedgerKeeper) -> WeatherNow:
    """Ask the sources in their order; one that asked to be left alone is left alone."""
    await platform.weather.refresh_now(by)
    return await platform.weather.now()


@router.post("/observations", summary="Take in observations")
async def import_weather_observations(
    platform: Platformed, by: LedgerKeeper, body: ObservationImport
) -> WeatherImported:
    """Keep observations from a file or another program; they never become the weather of now."""
    return await platform.weather.take_in(
        by, f"file:{body.source}", [hour.hour() for hour in body.hours]
    )
