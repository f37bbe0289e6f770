"""The demo's control API: time, weather and faults of the city; only the command line mounts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Path as PathParam
from pydantic import BaseModel, Field

from heatloop.demo.clock_service import request
from heatloop.kernel.errors import LinkError


class CityWeather(BaseModel):
    """The weather over the city, and what was added to the drawn winter."""

    outdoor_c: float
    wind_ms: float
    sun_w_m2: float
    offset_k: float
    wind_factor: float
    cloud_factor: float


class CityFault(BaseModel):
    """A fault that can be switched on."""

    id: str
    zh: str
    en: str
    subject: str
    active: bool


class CityStatus(BaseModel):
    """How the city's time, weather and faults stand."""

    speed: float
    lockstep: bool
    plant_time: str
    weather: CityWeather
    faults: list[CityFault]


class SpeedRequest(BaseModel):
    """A new speed of plant time."""

    speed: float = Field(ge=1, le=60, description="plant seconds a machine second")


class WeatherRequest(BaseModel):
    """What to add to the drawn winter."""

    offset_k: float = Field(0.0, ge=-25, le=25)
    wind_factor: float = Field(1.0, ge=0, le=5)
    cloud_factor: float = Field(1.0, ge=0, le=1, description="share of the sun that comes through")


class FaultRequest(BaseModel):
    """Whether a fault is on."""

    active: bool


async def ask_city(socket: Path, op: str, **arguments: Any) -> dict[str, Any]:
    """Send one control request to the city and return its reply.

    Raises:
        LinkError: The city does not answer.
        InputError: The city refused the request.
    """
    try:
        return await request(socket, op, **arguments)
    except (OSError, TimeoutError) as error:
        raise LinkError(
            "the city does not answer", thing=str(socket), fix="look into logs/city.log"
        ) from error


def demo_router(
    socket: Path, viewer: Callable[..., Any], demonstrator: Callable[..., Any]
) -> APIRouter:
    """Return the routes below `/demo`.

    Args:
        socket: The city's control socket.
        viewer: Dependency that lets those pass who may look.
        demonstrator: Dependency that lets those pass who may change the city.
    """
    router = APIRouter(prefix="/demo", tags=["demo"])

    async def status() -> CityStatus:
        return CityStatus.model_validate(await ask_city(socket, "status"))

    async def get_demo_status() -> CityStatus:
        """Return time, weather and faults of the city."""
        return await status()

    async def put_demo_speed(body: SpeedRequest) -> CityStatus:
        """Change the speed of plant time."""
        await ask_city(socket, "speed", speed=body.speed)
        return await status()

    async def put_demo_weather(body: WeatherRequest) -> CityStatus:
        """Make the winter colder, windier or cloudier."""
        await ask_city(socket, "weather", **body.model_dump())
        return await status()

    async def put_demo_fault(
        fault: Annotated[str, PathParam(max_length=80)], body: FaultRequest
    ) -> CityStatus:
        """Switch a fault on or off."""
        await ask_city(socket, "fault", id=fault, active=body.active)
        return await status()

    look, change = [Depends(viewer)], [Depends(demonstrator)]
    routes: list[tuple[str, str, Callable[..., Awaitable[CityStatus]], list[Any], str]] = [
        ("/status", "GET", get_demo_status, look, "The city's time, weather and faults"),
        ("/speed", "PUT", put_demo_speed, change, "Change speed"),
        ("/weather", "PUT", put_demo_weather, change, "Change weather"),
        ("/faults/{fault}", "PUT", put_demo_fault, change, "Switch a fault"),
    ]
    for path, method, endpoint, depends, summary in routes:
        router.add_api_route(
            path, endpoint, methods=[method], dependencies=depends, summary=summary
        )
    return router
