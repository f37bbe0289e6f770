"""The network: map and state, profiles, who feeds whom, outages, what-ifs, sizing."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.queries import (
    network_now,
    network_profile,
    network_questions,
    network_shape,
    sizing,
)
from heatloop.app.queries.network_shape import DOWNSTREAM, UPSTREAM, Traced
from heatloop.app.queries.sizing import SizingReport
from heatloop.app.twin_state import WhatIf
from heatloop.app.views.network import NetworkView, OutageView, PressureProfile, WhatIfView
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import pack
from heatloop.web.export_door import Wished, decided, sent

router = APIRouter(tags=["network"])
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST = 200
Asset = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
AssetQuery = Annotated[str, Query(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
Percent = Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)]
Speed = Annotated[float, Field(ge=0.0, le=2.0, allow_inf_nan=False)]
Lift = Annotated[float, Field(ge=0.0, le=3000.0, allow_inf_nan=False)]
Warm = Annotated[float, Field(ge=20.0, le=150.0, allow_inf_nan=False)]


class WhatIfRequest(BaseModel):
    """A change to think through; everything by asset code."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    close: Annotated[list[Asset], Field(max_length=_MOST)] = Field(default_factory=list)
    """Pipes, valve nodes, units, stations or sources that are shut."""
    opening: Annotated[dict[Asset, Percent], Field(max_length=_MOST)] = Field(default_factory=dict)
    """Opening of control valves of units, substations and isolation stations, %."""
    pump_speed: Annotated[dict[Asset, Speed], Field(max_length=_MOST)] = Field(default_factory=dict)
    """Speed of pumps of sources, booster and isolation stations over their present speed."""
    source_dp_kpa: Annotated[dict[Asset, Lift], Field(max_length=_MOST)] = Field(
        default_factory=dict
    )
    """Differential pressure of heat sources."""
    source_supply_c: Annotated[dict[Asset, Warm], Field(max_length=_MOST)] = Field(
        default_factory=dict
    )
    """Supply temperature of heat sources; what arrives when the water has travelled."""


@router.get("/network", summary="The network with its estimated state", response_model=NetworkView)
def get_network(request: Request, platform: Platformed, viewer: Viewer) -> Response:
    """Return places, pipes and suspicious readings inside the viewer's scope."""
    return pack(request, network_now.network(platform.world, viewer.scope, platform.twin))


@router.get("/network/profile", summary="Pressures along the way to a place")
def get_profile(platform: Platformed, viewer: Viewer, to: AssetQuery) -> PressureProfile:
    """Return the pressure profile from the source to a station, unit or pipe node."""
    return network_profile.profile(platform.world, viewer.scope, platform.twin, to)


@router.get("/network/trace", summary="What an asset feeds, or what feeds it")
def get_trace(
    platform: Platformed,
    viewer: Viewer,
    asset: AssetQuery,
    way: Literal["up", "down"] = "down",
) -> Traced:
    """Return the assets upstream or downstream along the supply pipes as they are laid."""
    direction = UPSTREAM if way == "up" else DOWNSTREAM
    return network_shape.network_trace(platform.world, viewer.scope, asset, direction)


@router.get("/network/outage", summary="What closing a pipe means, and its burst")
def get_outage(platform: Platformed, viewer: Viewer, segment: AssetQuery) -> OutageView:
    """Return users and areas without supply, and the valves to close around a burst."""
    return network_questions.outage(platform.world, viewer.scope, segment)


@router.post("/network/what-if", summary="What a change would do to the network now")
async def ask_what_if(
    body: WhatIfRequest,
    platform: Platformed,
    viewer: Viewer,
    most: Annotated[int, Query(ge=1, le=5_000, description="Units listed at most")] = 200,
) -> WhatIfView:
    """Return the change at every unit, worst first; refused without a fresh estimate.

    Control valves stay where they are: it is what happens before stations regulate against it.
    Nothing is written to any device.
    """
    what = WhatIf(
        close=tuple(body.close),
        opening=dict(body.opening),
        pump_speed=dict(body.pump_speed),
        source_dp_kpa=dict(body.source_dp_kpa),
        source_supply_c=dict(body.source_supply_c),
    )
    return await network_questions.what_if(platform.world, viewer.scope, platform.twin, what, most)


@router.get("/network/sizing", summary="Installed against needed capacity of every station")
def get_sizing(platform: Platformed, viewer: Viewer, listed: bool = False) -> SizingReport:
    """Return exchangers and pumps against the design load; `listed` leaves out good ones."""
    return sizing.report(platform.world, viewer.scope, only_listed=listed)


@router.get(
    "/network/sizing.xlsx",
    summary="The sizing report as a workbook",
    response_class=Response,
    responses={200: {"content": {_XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export_sizing(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    wish: Wished,
    language: Literal["zh", "en"] = "zh",
) -> Response:
    """Return the whole report as an Excel workbook."""
    door = await decided(request, viewer, "sizing", wish)
    found = await asyncio.to_thread(sizing.report, platform.world, viewer.scope)
    body = await asyncio.to_thread(sizing.workbook, found, language)
    headers = {"content-disposition": 'attachment; filename="sizing.xlsx"'}
    return sent(door, Response(body, media_type=_XLSX, headers=headers))
