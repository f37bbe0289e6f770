"""Links over time: the trend of success, times on spare channels, completeness."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from heatloop.app.link_history import LinkHistories
from heatloop.app.platform import Platform
from heatloop.app.views.link_history import CompleteDay, CompletePeriod, LinkHistory
from heatloop.app.views.links import LinkRowView
from heatloop.kernel.clock import utc
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import packed
from heatloop.web.params import AssetCode
from heatloop.web.routes.links import From, To

router = APIRouter(prefix="/links", tags=["links"])
Gateway = Annotated[str, Query(max_length=40, description="Gateway code; empty for all")]


def _histories(platform: Platform) -> LinkHistories:
    return LinkHistories(platform.world, platform.records, platform.settings.company.time_zone)


@router.get("/history", summary="Success by hour or day, and times on the spare channel")
async def get_link_history(
    platform: Platformed,
    viewer: Viewer,
    start: From,
    end: To,
    by: Literal["hour", "day"] = "hour",
    gateway: Gateway = "",
) -> LinkHistory:
    """Return how links inside the viewer's scope did; days are those of the company's zone."""
    span = (start.timestamp(), end.timestamp())
    return await asyncio.to_thread(_histories(platform).history, viewer.scope, *span, by, gateway)


@router.get(
    "/gateways/{code}/devices",
    summary="How well a gateway's devices are read",
    response_model=list[LinkRowView],
)
async def get_gateway_devices(
    request: Request, code: AssetCode, platform: Platformed, viewer: Viewer, start: From, end: To
) -> Response:
    """Return the gateway's devices, worst first."""
    span = (start.timestamp(), end.timestamp())
    found = await asyncio.to_thread(_histories(platform).devices, viewer.scope, code, *span)
    return await packed(request, found)


@router.get("/completeness", summary="Stored over expected samples of a period, by day")
async def get_completeness_of_period(
    platform: Platformed, viewer: Viewer, start: From, end: To
) -> CompletePeriod:
    """Return what the gap audit would count, without reasons and without a signature."""
    found: dict[str, Any] = await platform.gap_audit.counted(
        viewer.scope, int(start.timestamp()), int(end.timestamp())
    )
    return CompletePeriod(
        start=utc(found["from"]),
        end=utc(found["to"]),
        expected=found["expected"],
        stored=found["stored"],
        share_pct=found["share_pct"],
        rule_pct=found["rule_pct"],
        passed=None if found["share_pct"] is None else found["passed"],
        days=[
            CompleteDay(
                date=day["date"],
                expected=day["expected"],
                stored=day["stored"],
                share_pct=day["share_pct"],
            )
            for day in found["days"]
        ],
    )
