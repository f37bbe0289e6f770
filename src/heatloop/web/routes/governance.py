"""Data governance: grades, the data-asset register, approval tickets, the history of records."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.governance import AssetChange, Governance
from heatloop.app.governance_grades import fields, grading
from heatloop.app.governance_history import Histories
from heatloop.app.governance_permits import Permits
from heatloop.app.views.governance import (
    AccessVerdict,
    DataAssetPage,
    DataAssetView,
    FieldGradePage,
    GradingView,
    HistoryCheck,
    HistoryTables,
    PermitPage,
    PermitView,
    RecordHistory,
)
from heatloop.security.access import Permission, Principal
from heatloop.web.access import Auditor, Platformed, UserKeeper, needs
from heatloop.web.params import AssetCode, Codes, Ident, Page, Size, Word, split_codes

router = APIRouter(tags=["governance"])

Purpose = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
ClassName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
TableName = Annotated[str, Path(max_length=64, pattern=r"^[a-z_]+$")]
RecordId = Annotated[
    str, Path(min_length=1, max_length=400, description="Primary key, `|` between")
]


Reader = Annotated[
    Principal, Depends(needs(Permission.VIEW, Permission.MANAGE_USERS, Permission.AUDIT))
]
"""Whoever may look at the plant, at people or at the audit trail."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class AssetDecision(_Body):
    """What people decide about a data asset; fields left out stay."""

    owner: Annotated[str, Field(max_length=120)] | None = None
    """Who owns it."""
    custodian: Annotated[str, Field(max_length=120)] | None = None
    """Who keeps it."""
    uses: Annotated[list[Purpose], Field(max_length=20)] | None = None
    """Permitted purposes."""
    consent: Literal["not_needed", "needed", "contract", "given"] | None = None
    """How the persons concerned agreed."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How long it is kept; audit and process data never less than three years."""
    note: Annotated[str, Field(max_length=1000)] | None = None
    """What else there is to say."""


class PermitRequest(_Body):
    """What somebody wants to export, and why."""

    purpose: Purpose
    """One of the purposes of the grading."""
    classes: Annotated[list[ClassName], Field(min_length=1, max_length=20)]
    """Classes of data."""
    level: Literal["L1", "L2", "L3", "L4"] = "L3"
    """Highest level."""
    subject: Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    """Asset to limit it to, with all below."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """Why."""


class PermitDecision(_Body):
    """Whether an export may happen."""

    approve: bool
    """Whether it may."""
    hours: Annotated[float, Field(gt=0, le=720)] = 24.0
    """How long, machine time."""
    note: Annotated[str, Field(max_length=1000)] = ""
    """Why, or why not."""


@router.get("/governance/grading", summary="Classes, levels, purposes and clearances")
async def get_grading(platform: Platformed, by: Reader) -> GradingView:
    """Return the closed lists governance works with."""
    return grading()


@router.get("/governance/fields", summary="The grade of every field")
async def list_field_grades(
    platform: Platformed,
    by: Reader,
    place: Literal["", "records", "historian", "ledger", "view"] = "",
    class_name: Word = "",
    level: Literal["", "L1", "L2", "L3", "L4"] = "",
    q: Word = "",
    page: Page = 1,
    size: Size = 100,
) -> FieldGradePage:
    """Return a page of graded fields, in the order of the table."""
    return fields(place=place, class_name=class_name, level=level, q=q, page=page, size=size)


@router.get("/governance/assets", summary="The data-asset register")
async def list_data_assets(platform: Platformed, by: Reader) -> DataAssetPage:
    """Return every data asset with owner, custodian, permitted uses, consent and retention."""
    return await Governance.of(platform).assets()


@router.patch("/governance/assets/{code}", summary="Decide about a data asset")
async def change_data_asset(
    code: AssetCode, body: AssetDecision, platform: Platformed, by: UserKeeper
) -> DataAssetView:
    """Change what people decide; what was before stays in the history."""
    change = AssetChange(**body.model_dump(exclude_none=True))
    return await Governance.of(platform).change_asset(by, code, change)


@router.get("/governance/permits", summary="Approval tickets, newest first")
async def list_permits(
    platform: Platformed,
    by: Reader,
    state: Literal["", "requested", "approved", "refused", "expired"] = "",
    page: Page = 1,
    size: Size = 100,
) -> PermitPage:
    """Return a page of tickets: all for who decides and for auditors, else one's own."""
    return await Permits.of(platform).page(by, state=state, page=page, size=size)


@router.post("/governance/permits", status_code=201, summary="Ask for an export")
async def request_permit(body: PermitRequest, platform: Platformed, by: Reader) -> PermitView:
    """Ask for an approval ticket; somebody else decides."""
    return await Permits.of(platform).request(
        by,
        purpose=body.purpose,
        classes=body.classes,
        level=body.level,
        subject=body.subject,
        reason=body.reason,
    )


@router.post("/governance/permits/{id}/decision", summary="Approve or refuse an export")
async def decide_permit(
    id: Ident,  # noqa: A002 - the name the interface has
    body: PermitDecision,
    platform: Platformed,
    by: UserKeeper,
) -> PermitView:
    """Decide on another person's request, for a limited time."""
    return await Permits.of(platform).decide(
        by, id, approve=body.approve, hours=body.hours, note=body.note
    )


@router.get("/governance/access", summary="Whether an export would pass")
async def check_access(
    platform: Platformed,
    by: Reader,
    purpose: Annotated[str, Query(min_length=1, max_length=40)] = "operation",
    points: Codes = "",
    asset: Word = "",
    dataset: Word = "",
) -> AccessVerdict:
    """Say whether these points, or a dataset of the grading, may be exported for a purpose."""
    return await Governance.of(platform).check(
        by, purpose=purpose, points=split_codes(points, 2000), asset=asset, dataset=dataset
    )


@router.get("/history-of", summary="Tables whose records have a history")
async def list_history_tables(platform: Platformed, by: Auditor) -> HistoryTables:
    """Return every table, how it keeps its history, and how many records it has."""
    return await Histories.of(platform).tables()


@router.get("/history-of/{table}/{id}", summary="Everything that happened to a record")
async def get_history_of(
    table: TableName,
    id: RecordId,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: Auditor,
) -> RecordHistory:
    """Return every insert, update and delete with actor, time, old and new."""
    return await Histories.of(platform).of_record(by, table, id)


@router.get("/history-check", summary="Check the history of records drawn at random")
async def check_histories(
    platform: Platformed,
    by: Auditor,
    records: Annotated[int, Query(ge=1, le=1000)] = 100,
    seed: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> HistoryCheck:
    """Draw records, put their changes together and compare with what they are."""
    return await Histories.of(platform).check(records, seed)
