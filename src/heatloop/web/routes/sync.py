"""The exchange with billing and customer systems: records in, changes out, conflicts decided."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.refusals import Forbidden
from heatloop.app.views.sync import (
    SyncChanges,
    SyncConflict,
    SyncConflictPage,
    SyncRecordPage,
    SyncRule,
    SyncRun,
    SyncRunPage,
    SyncState,
)
from heatloop.bridge.sync.records import Incoming
from heatloop.security.access import Principal, Role
from heatloop.web.access import LedgerKeeper, Platformed, Viewer, needs_role, platform_of
from heatloop.web.params import Ident, Page, Size, Word

router = APIRouter(prefix="/sync", tags=["sync"])

MOST_RECORDS = 1000
SystemName = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z][a-z0-9_-]*$")]
SystemWord = Annotated[str, Query(max_length=32, pattern=r"^([a-z][a-z0-9_-]*)?$")]
Text = Annotated[str, Field(max_length=2000)]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]


async def integrator(
    request: Request, by: Annotated[Principal, Depends(needs_role(Role.INTEGRATOR))]
) -> Principal:
    """Let only integrators of the whole company pass; refusals are audited.

    Raises:
        Forbidden: He is none.
    """
    if not by.scope.holds(""):
        path = request.url.path
        await platform_of(request).audit.refused(by.user, request.method, path)
        raise Forbidden("forbidden", thing=by.user, place=f"integrator {path}")
    return by


Integrator = Annotated[Principal, Depends(integrator)]


class IncomingRecord(BaseModel):
    """One record of another system."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    entity: Literal["contract", "flat", "building", "community", "ticket"]
    """What it is about."""
    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
    """Its id in the other system."""
    code: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Asset code here, if the other system knows it."""
    parent: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""
    """Flat or building of a new contract: an asset code, or the other system's id of it."""
    revision: Annotated[int, Field(ge=0, le=2**53)]
    """Rises with every change in the other system."""
    changed: AwareDatetime
    """When it was changed there."""
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 over the canonical JSON of entity, id, revision, deleted and fields."""
    deleted: bool = False
    """Whether it is gone there."""
    fields: Annotated[
        dict[Annotated[str, Field(max_length=40)], bool | Whole | Number | Text | None],
        Field(max_length=40),
    ]
    """Its fields; those left out stay as they are."""

    def incoming(self) -> Incoming:
        """Return it as the sync rooms know it."""
        return Incoming(
            entity=self.entity,
            source_id=self.id,
            code=self.code,
            parent=self.parent,
            revision=self.revision,
            changed_s=self.changed.timestamp(),
            checksum=self.checksum,
            deleted=self.deleted,
            fields=dict(self.fields),
        )


class RecordBatch(BaseModel):
    """Records of one system."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    system: SystemName
    """The other system, for example `billing` or `customer`."""
    records: Annotated[list[IncomingRecord], Field(min_length=1, max_length=MOST_RECORDS)]
    """The records, in any order; sent again they change nothing."""


class Decision(BaseModel):
    """What somebody decided about a conflict."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    take: Literal["theirs", "ours", "link"]
    """Whose value holds; `link` ties an unmatched record to the asset `code`."""
    code: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Asset code, for `link`."""
    note: Annotated[str, Field(max_length=400)] = ""
    """Why."""


@router.get("/state", summary="How the exchange stands")
async def get_sync_state(platform: Platformed, viewer: Viewer) -> SyncState:
    """Return each system with its last exchange and its open conflicts."""
    return await platform.sync.state()


@router.get("/rules", summary="Who owns which field")
async def list_sync_rules(platform: Platformed, viewer: Viewer) -> list[SyncRule]:
    """Return the rules by which conflicts are settled."""
    return platform.sync.rules()


@router.post("/records", summary="Send changed records")
async def push_sync_records(
    platform: Platformed,
    by: Integrator,
    body: RecordBatch,
    dry_run: Annotated[bool, Query(description="Say what would happen, keep nothing")] = False,
) -> SyncRun:
    """Take in a batch; a record known already changes nothing, one that is wrong stops no other."""
    records = [record.incoming() for record in body.records]
    return await platform.sync.push(by, body.system, records, dry_run=dry_run)


@router.get("/records", summary="What other systems last said")
async def list_sync_records(
    platform: Platformed,
    viewer: Viewer,
    system: SystemWord = "",
    entity: Literal["", "contract", "flat", "building", "community", "ticket"] = "",
    code: Word = "",
    page: Page = 1,
    size: Size = 100,
) -> SyncRecordPage:
    """Return a page of records of things inside the viewer's scope, personal data masked."""
    return await platform.sync.records(
        viewer.scope, system=system, entity=entity, code=code, page=page, size=size
    )


@router.get("/tickets", summary="Tickets of the customer system")
async def list_sync_tickets(
    platform: Platformed, viewer: Viewer, code: Word = "", page: Page = 1, size: Size = 100
) -> SyncRecordPage:
    """Return a page of tickets about things inside the viewer's scope, newest first."""
    return await platform.sync.records(
        viewer.scope, system="", entity="ticket", code=code, page=page, size=size
    )


@router.get("/runs", summary="Exchanges")
async def list_sync_runs(
    platform: Platformed, viewer: Viewer, system: SystemWord = "", page: Page = 1, size: Size = 50
) -> SyncRunPage:
    """Return a page of exchanges, newest first."""
    return await platform.sync.runs(viewer.scope, system=system, page=page, size=size)


@router.get("/conflicts", summary="Where systems disagree")
async def list_sync_conflicts(
    platform: Platformed,
    viewer: Viewer,
    state: Literal["open", "settled", "decided", "gone", "all"] = "open",
    system: SystemWord = "",
    entity: Literal["", "contract", "flat", "building", "community", "ticket"] = "",
    page: Page = 1,
    size: Size = 100,
) -> SyncConflictPage:
    """Return a page of conflicts inside the viewer's scope, newest first."""
    return await platform.sync.conflicts(
        viewer.scope, state=state, system=system, entity=entity, page=page, size=size
    )


@router.post("/conflicts/{id}/decide", summary="Decide a conflict")
async def decide_sync_conflict(
    id: Ident,  # noqa: A002 - the name the interface has
    body: Decision,
    platform: Platformed,
    by: LedgerKeeper,
) -> SyncConflict:
    """Take their value or keep ours, also against what a rule settled; the other side learns it."""
    return await platform.sync.decide(by, id, take=body.take, code=body.code, note=body.note)


@router.get("/changes", summary="What changed here, for the other side")
async def list_sync_changes(
    platform: Platformed,
    by: Integrator,
    since: Annotated[str, Query(max_length=20, pattern=r"^\d*$")] = "",
    system: SystemWord = "",
    size: Size = 200,
) -> SyncChanges:
    """Return changes after a cursor; those that came from `system` itself are left out."""
    return await platform.sync.changes(since=int(since or 0), system=system, size=size)


@router.post("/pull/{system}", summary="Ask the other system now")
async def pull_sync(
    system: Annotated[str, Path(max_length=32, pattern=r"^[a-z][a-z0-9_-]*$")],
    platform: Platformed,
    by: LedgerKeeper,
) -> SyncRun:
    """Ask the other system for what changed since the last time, without waiting for the job."""
    return await platform.sync.pull_now(by, system)
