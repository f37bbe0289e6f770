"""Secondary balance: how the buildings of a unit share its water, and valve settings for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heatloop.app.views.balance import BalancePage, BalanceView
from heatloop.web.access import Platformed, Viewer
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/balance", tags=["strategies"])

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
UnitCode = Annotated[
    str,
    Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$", description="One unit; empty: all in sight"),
]


@router.get("", summary="Units by how unequally their buildings are fed")
async def list_balance(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 50
) -> BalancePage:
    """Return a page of units, the worst first, and those nothing is known of last."""
    return await platform.balance.page(viewer.scope, page, size)


@router.get(
    "/export",
    summary="Valve settings of buildings as a workbook for technicians",
    response_class=Response,
    responses={200: {"content": {_XLSX: _BINARY}}},
)
async def export_balance(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    wish: Wished,
    unit: UnitCode = "",
    language: Annotated[str, Query(pattern="^(zh|en)$", description="zh or en")] = "zh",
) -> Response:
    """Return a list of buildings with present and proposed openings, by unit, the worst first."""
    export = await decided(request, viewer, "secondary balance", wish)
    data, name = await platform.balance_export.make(viewer, unit, language)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return sent(export, Response(data, media_type=_XLSX, headers=headers))


@router.get("/{unit}", summary="A unit's buildings with present and proposed openings")
async def get_balance(unit: AssetCode, platform: Platformed, viewer: Viewer) -> BalanceView:
    """Return what each building gets of its share, or why nothing is proposed; writes nothing."""
    return await platform.balance.one(viewer.scope, unit)
