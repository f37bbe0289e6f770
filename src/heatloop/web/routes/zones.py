"""The boundary between the zones: how fresh the streams are, and what happened to them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from heatloop.app.views.zones import GateRecordPage, ZoneEventPage, ZoneState
from heatloop.web.access import Platformed, Viewer
from heatloop.web.params import Page, Size

router = APIRouter(prefix="/zone", tags=["zones"])
GateKind = Annotated[
    Literal["", "weather_forecast", "sensor_reading", "case_label", "wish", "billing_state"],
    Query(description="Schema"),
]
GateState = Annotated[
    Literal["", "waiting", "sent", "accepted", "refused"], Query(description="How it stands")
]


@router.get("", summary="Which zone this is, and how fresh it is")
async def get_zone(platform: Platformed, viewer: Viewer) -> ZoneState:
    """Return the zone of this process and both directions of the boundary."""
    return await platform.zones.state()


@router.get("/events", summary="What happened at the boundary")
async def list_zone_events(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> ZoneEventPage:
    """Return a page of refusals, gaps and silences, newest first."""
    return await platform.zones.event_page(page, size)


@router.get("/gate", summary="Records of the reverse gate")
async def list_gate_records(
    platform: Platformed,
    viewer: Viewer,
    kind: GateKind = "",
    state: GateState = "",
    page: Page = 1,
    size: Size = 100,
) -> GateRecordPage:
    """Return a page of records that came, or were sent, through the gate, newest first."""
    return await platform.zones.records_page(kind, state, page, size)
