"""Links: how well they work, what they cost, and the audit of what they delivered."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from heatloop.app.link_history import part_of
from heatloop.app.link_report import LinkReports
from heatloop.app.link_tables import report_sheets
from heatloop.app.views.links import LinkReportView, LinksNow, SignedDocument, VerifiedDocument
from heatloop.kernel.errors import HeatloopError
from heatloop.security.keys import open_document, sign_document
from heatloop.store.tables import write_tables
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import packed
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Word

router = APIRouter(prefix="/links", tags=["links"])
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
From = Annotated[AwareDatetime, Query(alias="from", description="ISO 8601 with offset")]
To = Annotated[AwareDatetime, Query(alias="to", description="ISO 8601 with offset")]


class DocumentBody(BaseModel):
    """A signed document to be checked."""

    body: str = Field(max_length=16 << 20)
    key_id: str = Field(max_length=64)
    alg: str = Field(max_length=32)
    signature: str = Field(max_length=256)


@router.get("", summary="Links now: success, bandwidth, blind spots, cost", response_model=LinksNow)
async def get_links(request: Request, platform: Platformed, viewer: Viewer) -> Response:
    """Return the last 24 hours of links inside the viewer's scope."""
    reports = LinkReports(platform.world, platform.records)
    return await packed(request, await asyncio.to_thread(reports.now, viewer.scope))


@router.get(
    "/report",
    summary="Links over a period",
    response_model=LinkReportView,
    responses={200: {"content": {_XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_link_report(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    start: From,
    end: To,
    wish: Wished,
    by: Literal["gateway", "device", "channel"] = "gateway",
    format: Literal["json", "xlsx"] = "json",  # noqa: A002 - the name the interface has
) -> Response:
    """Return success, round trips, bandwidth and signal; hours count by their begin."""
    reports = LinkReports(platform.world, platform.records)
    found = await asyncio.to_thread(
        reports.report, viewer.scope, start.timestamp(), end.timestamp(), by
    )
    if format == "json":
        return await packed(request, found)
    door = await decided(request, viewer, f"links {by}", wish)
    body = await asyncio.to_thread(write_tables, report_sheets(found))
    disposition = f'attachment; filename="links-{by}.xlsx"'
    headers = {"content-disposition": disposition}
    return sent(door, Response(body, media_type=_XLSX, headers=headers))


@router.get("/audit", summary="Every expected sample: stored, explained or unexplained; signed")
async def get_gap_audit(
    platform: Platformed, viewer: Viewer, start: From, end: To, organisation: Word = ""
) -> SignedDocument:
    """Return the audit of a period inside the viewer's scope, under the platform's signature."""
    scope = part_of(platform.world, viewer.scope, organisation)
    found = await platform.gap_audit.run(scope, int(start.timestamp()), int(end.timestamp()))
    signed = await asyncio.to_thread(sign_document, platform.keys.signing, found)
    await platform.audit.add(
        viewer.user, "gap_audit", f"{found['from']} {found['to']}", unexplained=found["unexplained"]
    )
    return SignedDocument(**signed)


@router.post("/audit/verify", summary="Whether a signed audit is this platform's and unchanged")
async def verify_gap_audit(
    document: DocumentBody, platform: Platformed, viewer: Viewer
) -> VerifiedDocument:
    """Check a document's signature against the platform's own key."""
    del viewer
    # A document signed before a change of key is the platform's own as well.
    ring = platform.keys.ring
    try:
        found = await asyncio.to_thread(open_document, ring, document.model_dump())
    except HeatloopError as error:
        return VerifiedDocument(valid=False, reason=error.message, kind=None)
    return VerifiedDocument(valid=True, reason="", kind=str(found.get("kind", "")))
