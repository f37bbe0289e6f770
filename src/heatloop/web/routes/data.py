"""How whole the data are, and the ledger as files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from heatloop.app.governance import Governance
from heatloop.app.governance_purpose import purpose_named
from heatloop.app.queries import wholeness
from heatloop.app.refusals import Forbidden
from heatloop.app.views.system import LedgerImported
from heatloop.app.views.work import Completeness, GapPage, QuarantinePage
from heatloop.plant.data_classes import field_grades
from heatloop.plant.personal_register import ABOUT_PEOPLE
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.bodies import BadRowView
from heatloop.web.errors import ErrorEnvelope
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Page, Size
from heatloop.web.upload import file_of

router = APIRouter(tags=["data"])
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.get("/gaps", summary="Missing spans and their causes")
async def list_gaps(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> GapPage:
    """Return a page of gaps, newest first."""
    return await wholeness.gaps(platform.world, platform.records, viewer.scope, page, size)


@router.get("/quarantine", summary="What was sent but not stored, and why")
async def list_quarantine(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> QuarantinePage:
    """Return a page of quarantine, newest first."""
    return await wholeness.quarantine(platform.world, platform.records, viewer.scope, page, size)


@router.get("/completeness", summary="Stored over expected values of a day")
async def get_completeness(
    platform: Platformed, viewer: Viewer, date: Annotated[dt.date, Query()]
) -> Completeness:
    """Return the day's completeness with the least complete points first."""
    return await wholeness.completeness(
        platform.world,
        platform.historian,
        viewer.scope,
        date,
        platform.settings.company.time_zone,
    )


@router.get(
    "/ledger/export",
    summary="The ledger as a file",
    response_class=Response,
    responses={
        200: {
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in (_XLSX, "application/zip")
            }
        }
    },
)
async def export_ledger(
    request: Request,
    platform: Platformed,
    by: LedgerKeeper,
    wish: Wished,
    format: Literal["xlsx", "csv"] = "xlsx",  # noqa: A002 - the name the interface has
    personal: Literal["masked", "full"] = "masked",
) -> Response:
    """Return one workbook, or a zip of one csv a sheet.

    Sensitive values are masked, and stay as they are when the file is read in again; `full` needs
    an approval ticket for personal and household data.
    """
    if not by.scope.holds(""):
        raise Forbidden("forbidden", thing="ledger", detail="the whole company")
    door = await decided(request, by, "ledger", wish)
    tag = await Governance.of(platform).release(
        by,
        purpose=purpose_named(),
        what="ledger",
        datasets=sorted({name for place, name, _ in field_grades() if place == "ledger"}),
        without=() if personal == "full" else ABOUT_PEOPLE,
    )
    body = await platform.ledgers.export(by, format, full=personal == "full")
    media, name = (_XLSX, "ledger.xlsx") if format == "xlsx" else ("application/zip", "ledger.zip")
    disposition = f'attachment; filename="{name}"'
    headers = {"content-disposition": disposition, "cache-control": "no-store", **tag.headers()}
    return sent(door, Response(body, media_type=media, headers=headers))


@router.post(
    "/ledger/import",
    summary="Read a ledger file",
    openapi_extra=_UPLOAD,
    responses={422: {"model": ErrorEnvelope, "description": "All bad rows; nothing imported"}},
)
async def import_ledger(
    request: Request, platform: Platformed, by: LedgerKeeper, dry_run: bool = False
) -> LedgerImported:
    """Check every row; import all of it or nothing."""
    limit = platform.settings.server.max_upload_mb * 1024 * 1024
    name, data = await file_of(request, limit)
    return await platform.ledgers.load_file(by, name, data, dry_run=dry_run)


BadRow = BadRowView
