"""What the customer zone tells, and what it may hand back through the reverse gate."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.views.system import Health, Info
from heatloop.app.views.zones import (
    FindingView,
    GateSent,
    IncidentView,
    PlaceAnswer,
    PlacePage,
    PlainAlarmPage,
    ZoneHours,
    ZonePointPage,
    ZoneWeather,
)
from heatloop.app.zone_customer import CustomerPlatform
from heatloop.app.zone_read import ZoneRead
from heatloop.security.access import Principal, Role
from heatloop.web.access import Viewer, needs_role
from heatloop.web.params import AssetCode, Page, Size, Word

status = APIRouter(tags=["status"])
router = APIRouter(prefix="/zone", tags=["zones"])


def customer(request: Request) -> CustomerPlatform:
    """Return the customer zone this application serves."""
    return cast(CustomerPlatform, request.app.state.platform)


Customer = Annotated[CustomerPlatform, Depends(customer)]


def reading(platform: Customer) -> ZoneRead:
    """Return what answers out of the feed."""
    return ZoneRead(platform.zones, platform.records)


Reading = Annotated[ZoneRead, Depends(reading)]


Asker = Annotated[
    Principal,
    Depends(needs_role(Role.CUSTOMER_SERVICE, Role.HEAT_USER, Role.MANAGER, Role.INTEGRATOR)),
]
Labeller = Annotated[
    Principal, Depends(needs_role(Role.CUSTOMER_SERVICE, Role.FIELD_TECHNICIAN, Role.INTEGRATOR))
]
Integrator = Annotated[Principal, Depends(needs_role(Role.INTEGRATOR))]
Code = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Wish(_Body):
    """How warm somebody would like it."""

    place: Code
    """Flat or building."""
    room_c: Annotated[float, Field(ge=10, le=30, allow_inf_nan=False)]
    """Room temperature, degC; the control zone has narrower bounds."""
    until: AwareDatetime
    """Plant time it holds until."""


class BillingState(_Body):
    """How an account stands; no name, no amount."""

    place: Code
    """Flat or building."""
    state: Literal["paid", "owing", "suspended", "exempt"]
    """How it stands."""
    since: AwareDatetime
    """Since when."""


class SensorReading(_Body):
    """A reading of a point nobody measures in the field."""

    point: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9_.-]+$")]
    """Point code."""
    at: AwareDatetime
    """When it was read."""
    value: Annotated[float, Field(ge=-1000, le=1e6, allow_inf_nan=False)]
    """Value, in the point's unit."""


class CaseLabel(_Body):
    """What a case turned out to be."""

    place: Code
    """Flat or building."""
    opened: AwareDatetime
    """When it was opened."""
    closed: AwareDatetime
    """When it was closed."""
    label: Literal[
        "network_leak", "station_fault", "building_imbalance", "riser_air", "flat_valve",
        "flat_filter", "sensor_fault", "heat_source", "window_open", "no_fault", "other",
    ]  # fmt: skip
    """What it was."""


class ForecastHour(_Body):
    """The weather of one hour."""

    at: AwareDatetime
    """The hour."""
    condition: Annotated[float | None, Field(ge=0, le=99)] = None
    """WMO 4677 code of the sky."""
    temperature_c: Annotated[float | None, Field(ge=-60, le=60)] = None
    """Air temperature, degC."""
    humidity_pct: Annotated[float | None, Field(ge=0, le=100)] = None
    """Relative humidity, %."""
    wind_ms: Annotated[float | None, Field(ge=0, le=120)] = None
    """Wind speed, m/s."""
    wind_deg: Annotated[float | None, Field(ge=0, le=360)] = None
    """Direction the wind comes from, degrees."""
    solar_w_m2: Annotated[float | None, Field(ge=0, le=1600)] = None
    """Global radiation, W/m2."""


class Forecast(_Body):
    """A forecast of a service only this zone can reach."""

    source: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_-]*$")]
    """The service."""
    issued: AwareDatetime
    """When it was issued."""
    hours: Annotated[list[ForecastHour], Field(min_length=1, max_length=400)]
    """Its hours."""


@status.get("/health", summary="Health of every part by layer")
async def get_health(platform: Customer) -> Health:
    """Return the state of every part of this zone."""
    return await platform.health.report()


@status.get("/info", summary="Version, company and plant time")
async def get_info(platform: Customer) -> Info:
    """Return what the sign-in page shows."""
    return platform.health.info()


@router.get("/places", summary="Buildings and flats")
async def list_zone_places(
    read: Reading, viewer: Viewer, q: Word = "", page: Page = 1, size: Size = 100
) -> PlacePage:
    """Return a page of places whose name, code or door number holds the words."""
    return read.places(viewer.scope, q, page, size)


@router.get("/places/{code}", summary="What can be said of a building or a flat")
async def get_zone_answer(code: AssetCode, read: Reading, viewer: Viewer) -> PlaceAnswer:
    """Return room temperature, probable cause and time to cold, and how old they are."""
    return read.answer(viewer.scope, code)


@router.get("/alarms", summary="Open alarms of the plant in plain words")
async def list_zone_alarms(
    read: Reading, viewer: Viewer, place: Word = "", page: Page = 1, size: Size = 100
) -> PlainAlarmPage:
    """Return a page of alarms, the gravest first."""
    return read.alarms(viewer.scope, place, page, size)


@router.get("/incidents", summary="Trouble that concerns many")
async def list_zone_incidents(read: Reading, viewer: Viewer) -> list[IncidentView]:
    """Return incidents with the buildings they concern, the newest first."""
    return read.incidents(viewer.scope)


@router.get("/findings", summary="What is believed to be wrong")
async def list_zone_findings(read: Reading, viewer: Viewer) -> list[FindingView]:
    """Return findings of the network."""
    return read.findings(viewer.scope)


@router.get("/weather", summary="The weather now and as forecast")
async def get_zone_weather(read: Reading, viewer: Viewer) -> ZoneWeather:
    """Return what the control zone knows of the weather."""
    return read.weather()


@router.get("/points", summary="Newest values")
async def list_zone_points(
    read: Reading, viewer: Viewer, asset: Word = "", page: Page = 1, size: Size = 100
) -> ZonePointPage:
    """Return a page of newest values, of one asset or of all."""
    return read.points(viewer.scope, asset, page, size)


@router.get("/points/{code}/hours", summary="Hourly means of a point")
async def get_zone_hours(
    code: Annotated[str, Field(max_length=120, pattern=r"^[A-Za-z0-9_.-]+$")],
    read: Reading,
    viewer: Viewer,
    days: Annotated[int, Query(ge=1, le=31, description="Days back")] = 7,
) -> ZoneHours:
    """Return hourly means of the last days."""
    return await read.hours(viewer.scope, code, days)


@router.post("/wishes", status_code=202, summary="Hand in wishes for a room temperature")
async def send_wishes(
    body: Annotated[list[Wish], Field(min_length=1, max_length=500)],
    platform: Customer,
    read: Reading,
    by: Asker,
) -> GateSent:
    """Send wishes to the control zone, which decides what comes of them."""
    for wish in body:
        read.sees_place(by.scope, wish.place)
    rows = [
        {"place": wish.place, "room_c": wish.room_c, "until_s": wish.until.timestamp()}
        for wish in body
    ]
    return await _send(platform, by, "wish", rows)


@router.post("/labels", status_code=202, summary="Hand in what closed cases turned out to be")
async def send_labels(
    body: Annotated[list[CaseLabel], Field(min_length=1, max_length=500)],
    platform: Customer,
    read: Reading,
    by: Labeller,
) -> GateSent:
    """Send labels of closed cases, from which diagnosis learns."""
    for label in body:
        read.sees_place(by.scope, label.place)
    rows = [
        {
            "place": each.place,
            "opened_s": each.opened.timestamp(),
            "closed_s": each.closed.timestamp(),
            "label": each.label,
        }
        for each in body
    ]
    return await _send(platform, by, "case_label", rows)


@router.post("/billing", status_code=202, summary="Hand in how accounts stand")
async def send_billing(
    body: Annotated[list[BillingState], Field(min_length=1, max_length=1000)],
    platform: Customer,
    read: Reading,
    by: Integrator,
) -> GateSent:
    """Send billing states of flats and buildings."""
    for each in body:
        read.sees_place(by.scope, each.place)
    rows = [
        {"place": each.place, "state": each.state, "since_s": each.since.timestamp()}
        for each in body
    ]
    return await _send(platform, by, "billing_state", rows)


@router.post("/readings", status_code=202, summary="Hand in sensor readings")
async def send_readings(
    body: Annotated[list[SensorReading], Field(min_length=1, max_length=1000)],
    platform: Customer,
    by: Integrator,
) -> GateSent:
    """Send readings of sensors that only reach this zone."""
    for each in body:
        platform.world.point(by.scope, each.point)
    rows = [
        {"point": each.point, "at_s": each.at.timestamp(), "value": each.value} for each in body
    ]
    return await _send(platform, by, "sensor_reading", rows)


@router.post("/forecasts", status_code=202, summary="Hand in a weather forecast")
async def send_forecast(body: Forecast, platform: Customer, by: Integrator) -> GateSent:
    """Send a forecast of a service only this zone can reach."""
    hours = [
        {**hour.model_dump(exclude={"at"}), "at_s": hour.at.timestamp()} for hour in body.hours
    ]
    row = {"source": body.source, "issued_s": body.issued.timestamp(), "hours": hours}
    return await _send(platform, by, "weather_forecast", [row])


async def _send(
    platform: CustomerPlatform, by: Principal, kind: str, rows: list[dict[str, object]]
) -> GateSent:
    ids = await platform.zones.sending().hand_in(kind, rows)
    await platform.audit.add(by.user, "zone.send", kind, records=len(ids))
    return GateSent(ids=ids)
