"""Keeping: backups and their checks, integrity of samples, maintenance, files."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.keeping import (
    IntegrityPage,
    KeepingRun,
    KeepingRunPage,
    KeepingState,
    KeptFile,
    KeptFilePage,
    MaintenanceAction,
    MaintenancePage,
)
from heatloop.security.access import Permission, Principal, Role
from heatloop.store.files import KEPT_MEDIA, MAX_BYTES
from heatloop.web.access import Platformed, Viewer, needs, needs_role
from heatloop.web.params import Ident, Page, Size
from heatloop.web.upload import file_of

router = APIRouter(prefix="/keeping", tags=["keeping"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
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


class RunKind(StrEnum):
    """Which runs to list."""

    FULL = "full"
    INCREMENTAL = "incremental"
    VERIFY = "verify"
    DRILL = "drill"
    RESTORE = "restore"


class Action(StrEnum):
    """What can be done to the databases."""

    VACUUM = "vacuum"
    REINDEX = "reindex"
    ANALYZE = "analyze"
    INTEGRITY = "integrity"
    MIGRATE = "migrate"
    COMPACT = "compact"


class BackupRequest(BaseModel):
    """A backup to the place the settings name."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    full: bool = False
    """Everything anew, leaning on no earlier backup."""
    verify: bool = False
    """Restore it on trial afterwards; full backups are always."""


class VerifyRequest(BaseModel):
    """A trial restore."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    run: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Backup to restore; empty: the newest."""
    drill: bool = False
    """Count it as the quarterly restore drill."""


class ActionRequest(BaseModel):
    """A maintenance action."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    action: Action
    """What to do."""
    reason: Annotated[str, Field(max_length=400)] = ""
    """What for; kept in the audit trail."""


FileKeeper = Annotated[Principal, Depends(needs(Permission.KEEP_DEVICES))]
SystemKeeper = Annotated[Principal, Depends(needs_role(Role.SYSTEM_ADMIN))]
Digest = Annotated[str, Path(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")]


@router.get("/state", summary="Whether everything is kept as it should be")
async def get_keeping_state(platform: Platformed, _: SystemKeeper) -> KeepingState:
    """Return backups, checks and integrity in a few figures."""
    return await platform.keeping.backups.state()


@router.get("/backups", summary="Backups, trial restores and drills, newest first")
async def list_keeping_runs(
    platform: Platformed,
    _: SystemKeeper,
    kind: RunKind | None = None,
    page: Page = 1,
    size: Size = 50,
) -> KeepingRunPage:
    """Return a page of runs."""
    return await platform.keeping.backups.runs("" if kind is None else kind.value, page, size)


@router.get("/backups/{run}", summary="One backup, trial restore or drill")
async def get_keeping_run(run: Ident, platform: Platformed, _: SystemKeeper) -> KeepingRun:
    """Return a run, with its progress while it lasts."""
    return await platform.keeping.backups.run(run)


@router.post("/backups", status_code=202, summary="Start a backup")
async def start_backup(body: BackupRequest, platform: Platformed, user: SystemKeeper) -> KeepingRun:
    """Begin a backup; ask for the run to see how it goes."""
    backups = platform.keeping.backups
    return await backups.start_backup(user.user, full=body.full, verify=body.verify)


@router.post("/verify", status_code=202, summary="Restore a backup on trial")
async def start_verify(body: VerifyRequest, platform: Platformed, user: SystemKeeper) -> KeepingRun:
    """Begin a trial restore into a scratch folder and compare counts and digests."""
    return await platform.keeping.backups.start_verify(user.user, body.run, drill=body.drill)


@router.get("/integrity", summary="Digests of days and roots of months")
async def get_integrity(
    platform: Platformed,
    _: Viewer,
    misfits: Annotated[bool, Query(description="Only days that lost their digest")] = False,
    versions: Annotated[bool, Query(description="Former versions too")] = False,
    page: Page = 1,
    size: Size = 50,
) -> IntegrityPage:
    """Return a page of day digests, newest first."""
    return await platform.keeping.integrity.page(misfits, versions, page, size)


@router.post("/integrity", status_code=202, summary="Check all digests now")
async def start_integrity(platform: Platformed, user: SystemKeeper) -> IntegrityPage:
    """Begin to compute the digest of every day again."""
    return await platform.keeping.integrity.start(user.user)


@router.get("/actions", summary="Maintenance actions, newest first")
async def list_maintenance(
    platform: Platformed, _: SystemKeeper, page: Page = 1, size: Size = 50
) -> MaintenancePage:
    """Return a page of actions."""
    return await platform.keeping.maintenance.page(page, size)


@router.post("/actions", status_code=202, summary="Start a maintenance action")
async def start_maintenance(
    body: ActionRequest, platform: Platformed, user: SystemKeeper
) -> MaintenanceAction:
    """Begin an action; one at a time."""
    return await platform.keeping.maintenance.start(user.user, body.action.value, body.reason)


@router.get("/files", summary="Kept files, newest first")
async def list_kept_files(
    platform: Platformed, _: SystemKeeper, page: Page = 1, size: Size = 50
) -> KeptFilePage:
    """Return a page of files with their checksums."""
    return await platform.keeping.files.page(page, size)


@router.post("/files", status_code=201, summary="Send a file", openapi_extra=_UPLOAD)
async def add_kept_file(request: Request, platform: Platformed, user: FileKeeper) -> KeptFile:
    """Keep a photo (PNG, JPEG, WebP), voice (WAV, Ogg, MP3, M4A, WebM), PDF or JSON."""
    name, data = await file_of(request, MAX_BYTES + 64 * 1024)
    return await platform.keeping.files.add(user, name, data)


@router.get(
    "/files/{sha256}",
    summary="A kept file",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(KEPT_MEDIA, _BINARY)}},
)
async def get_kept_file(sha256: Digest, platform: Platformed, _: Viewer) -> Response:
    """Return a file whose checksum was just checked; never shown inside another site's page."""
    row, data = await platform.keeping.files.get(sha256)
    return Response(
        data,
        media_type=row.media,
        headers={
            "content-disposition": "attachment",
            "x-content-type-options": "nosniff",
            "etag": f'"{sha256}"',
        },
    )
