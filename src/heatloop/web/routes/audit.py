"""The audit trail: search, check, export, state; seals and drops for its administrator alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.views.audit import (
    AuditCheck,
    AuditDetail,
    AuditDropped,
    AuditSealed,
    AuditState,
)
from heatloop.app.views.system import AuditPage, AuditVerdict
from heatloop.security.access import Permission, Principal
from heatloop.store.records.audit_rows import AuditQuery
from heatloop.web.access import Auditor, Platformed, needs
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Page, Word

router = APIRouter(tags=["audit"])
Keeper = Annotated[Principal, Depends(needs(Permission.KEEP_AUDIT))]
_TYPES = {"jsonl": "application/jsonl", "pdf": "application/pdf"}
_FILE = {"type": "string", "format": "binary"}
_Seq = Annotated[int, Field(ge=1, le=2**53)]


class SealRequest(BaseModel):
    """Which entries to seal."""

    model_config = ConfigDict(extra="forbid")

    before: AwareDatetime
    """Entries written before this time; the last day stays open."""


class RestartRequest(BaseModel):
    """A copy to begin anew."""

    model_config = ConfigDict(extra="forbid")

    target: Annotated[str, Field(min_length=1, max_length=400)]
    """Which copy."""
    reason: Annotated[str, Field(min_length=5, max_length=400)]
    """Why the trail differs from it; kept in the trail."""


def _time(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def asked(
    user: Word = "",
    action: Annotated[
        str, Query(max_length=120, description="An action, or with a dot at the end all of a kind")
    ] = "",
    subject: Annotated[str, Query(max_length=200, description="Part of the subject")] = "",
    result: Literal["", "done", "refused", "failed"] = "",
    address: Annotated[str, Query(max_length=64, description="Beginning of the address")] = "",
    request: Annotated[str, Query(max_length=32, pattern=r"^[0-9a-f]*$")] = "",
    start: Annotated[AwareDatetime | None, Query(description="First moment")] = None,
    end: Annotated[AwareDatetime | None, Query(description="Moment after the last")] = None,
) -> AuditQuery:
    """Return which entries are asked for."""
    return AuditQuery(
        user=user,
        action=action,
        subject=subject,
        result=result,
        address=address,
        request=request,
        since=_time(start),
        until=_time(end),
    )


Asked = Annotated[AuditQuery, Depends(asked)]


@router.get("/audit", summary="Audit trail, newest first")
async def list_audit(
    platform: Platformed,
    _: Auditor,
    query: Asked,
    page: Page = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """Return a page of the audit trail."""
    return await platform.audit.page(query, page, size)


@router.get("/audit/verify", summary="Check the audit chain and wait for it")
async def verify_audit(platform: Platformed, _: Auditor) -> AuditVerdict:
    """Compute every hash again and say whether the trail is whole."""
    return await platform.audit.verify()


@router.get("/audit/state", summary="Where the chain ends, its copies, periods and journal")
async def get_audit_state(platform: Platformed, _: Auditor) -> AuditState:
    """Return how the trail stands."""
    return await platform.audit_room.state()


@router.get("/audit/check", summary="The last check of the chain, or the one under way")
async def get_audit_check(platform: Platformed, _: Auditor) -> AuditCheck:
    """Return its progress, and what it found."""
    return platform.audit_room.check()


@router.post("/audit/check", status_code=202, summary="Check the whole chain")
async def start_audit_check(platform: Platformed, by: Auditor) -> AuditCheck:
    """Begin to compute every hash and check every signature again."""
    return await platform.audit_room.start_check(by.user)


@router.get(
    "/audit/export",
    summary="Entries as a signed file",
    response_class=Response,
    responses={200: {"content": {kind: {"schema": _FILE} for kind in _TYPES.values()}}},
)
async def export_audit(
    request: Request,
    platform: Platformed,
    by: Auditor,
    wish: Wished,
    query: Asked,
    format: Literal["jsonl", "pdf"] = "jsonl",  # noqa: A002 - what it is called in the address
) -> Response:
    """Return entries, oldest first; the signature over the file is in X-Heatloop-Signature."""
    door = await decided(request, by, f"audit {format}", wish)
    data, signature = await platform.audit_room.export(by.user, query, format)
    headers = {
        "content-disposition": f'attachment; filename="audit.{format}"',
        "x-heatloop-signature": signature,
    }
    return sent(door, Response(data, media_type=_TYPES[format], headers=headers))


@router.get("/audit/entries/{seq}", summary="An entry with what belongs to it")
async def get_audit_entry(seq: _Seq, platform: Platformed, _: Auditor) -> AuditDetail:
    """Return an entry, the others of its request, and the records changed with it."""
    return await platform.audit_room.detail(seq)


@router.post("/audit/periods", summary="Seal old entries into a signed file")
async def seal_audit(body: SealRequest, platform: Platformed, by: Keeper) -> AuditSealed:
    """Seal what was written before a time; nothing is dropped."""
    period = await platform.audit_room.seal(by.user, body.before.timestamp())
    return AuditSealed(period=period)


@router.delete("/audit/periods/{first_seq}/entries", summary="Drop entries of a sealed period")
async def drop_audit(first_seq: _Seq, platform: Platformed, by: Keeper) -> AuditDropped:
    """Drop entries that are sealed and three years old; the chain goes on to verify."""
    period, gone = await platform.audit_room.drop(by.user, first_seq)
    return AuditDropped(first_seq=period.first_seq, last_seq=period.last_seq, entries=gone)


@router.post("/audit/copies/restart", status_code=204, summary="Begin a copy anew")
async def restart_audit_copy(body: RestartRequest, platform: Platformed, by: Keeper) -> None:
    """Begin a copy from the first entry that is here; what was copied before stays there."""
    await platform.audit_room.restart_copy(by.user, body.target, body.reason)
