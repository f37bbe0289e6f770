"""Supervision: plan bands now, past dispatch periods, automatic ratio, share of smart devices."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response

from heatloop.app.supervision_tables import period_sheets
from heatloop.app.views.supervision import (
    AutomaticReport,
    DispatchPeriodHours,
    DispatchPeriodPage,
    DispatchPeriodView,
    SmartReport,
    SupervisionNow,
)
from heatloop.store.tables import write_tables
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import packed
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/supervision", tags=["supervision"])
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIP = "application/zip"
Day = Annotated[date, Path(description="Local day")]
Quantity = Annotated[Literal["", "heat_kw", "supply_c"], Query(description="Only this quantity")]


@router.get("", summary="Operation beside its planned band", response_model=SupervisionNow)
async def get_supervision(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    quantity: Quantity = "",
    state: Annotated[
        Literal["", "outside", "inside", "above", "below", "unknown"],
        Query(description="Only values in this state"),
    ] = "",
    find: Annotated[str, Query(max_length=80, description="Part of a code or name")] = "",
    page: Page = 1,
    size: Size = 100,
) -> Response:
    """Return the last comparison of every station and unit inside the scope, outside ones first."""
    found = platform.supervision.now(
        viewer.scope, quantity=quantity, state=state, find=find, page=page, size=size
    )
    return await packed(request, found)


@router.get("/automatic", summary="Automatic-operation ratio", response_model=AutomaticReport)
async def get_automatic_ratio(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    days: Annotated[int, Query(ge=1, le=200, description="Days back from now")] = 7,
    page: Page = 1,
    size: Size = 100,
) -> Response:
    """Return hours in automatic over heating hours by substation, the lowest first."""
    found = await platform.supervision.automatic(viewer.scope, days=days, page=page, size=size)
    return await packed(request, found)


@router.get("/smart-devices", summary="Share of smart devices by class")
async def get_smart_devices(platform: Platformed, viewer: Viewer) -> SmartReport:
    """Return how many devices are digital, tell their state and can be set from afar."""
    return await asyncio.to_thread(platform.supervision.smart, viewer.scope)


@router.get("/periods", summary="Dispatch periods")
async def list_dispatch_periods(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> DispatchPeriodPage:
    """Return a page of local days that were planned or forecast, newest first."""
    del viewer
    return await platform.supervision.past.page(page=page, size=size)


@router.get("/periods/{day}", summary="A dispatch period", response_model=DispatchPeriodView)
async def get_dispatch_period(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    day: Day,
    page: Page = 1,
    size: Size = 100,
) -> Response:
    """Return plan, forecast, what came and deviations of a local day inside the scope."""
    found = await platform.supervision.past.period(viewer.scope, day, page=page, size=size)
    return await packed(request, found)


@router.get(
    "/periods/{day}/export",
    summary="A dispatch period as a file",
    response_class=Response,
    responses={
        200: {
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}} for media in (_XLSX, _ZIP)
            }
        }
    },
)
async def export_dispatch_period(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    day: Day,
    wish: Wished,
    format: Literal["xlsx", "csv"] = "xlsx",  # noqa: A002 - the name the interface has
) -> Response:
    """Return a workbook, or a zip of CSV files: subjects, hours, deviations."""
    door = await decided(request, viewer, f"dispatch period {day.isoformat()}", wish)
    period = await platform.supervision.past.read(viewer.scope, day)
    _, events = await platform.supervision.past.events(viewer.scope, period)
    zone = ZoneInfo(platform.settings.company.time_zone)
    sheets = await asyncio.to_thread(
        period_sheets, platform.world.ledger.assets, period, events, zone
    )
    body = await asyncio.to_thread(write_tables, sheets, format)
    ending, media = ("xlsx", _XLSX) if format == "xlsx" else ("zip", _ZIP)
    disposition = f'attachment; filename="dispatch-period-{day.isoformat()}.{ending}"'
    headers = {"content-disposition": disposition}
    return sent(door, Response(body, media_type=media, headers=headers))


@router.get(
    "/periods/{day}/{code}",
    summary="One subject in a dispatch period",
    response_model=DispatchPeriodHours,
)
async def get_dispatch_period_hours(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    day: Day,
    code: AssetCode,
    quantity: Annotated[Literal["heat_kw", "supply_c"], Query(description="Which")] = "heat_kw",
) -> Response:
    """Return the hours of a subject: planned band, first forecast, what came."""
    found = await platform.supervision.past.hours(viewer.scope, day, code, quantity)
    return await packed(request, found)
