"""The savings ledger: what was saved against the tuned curve, how sure, and the chain behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.savings import (
    SavingsCheck,
    SavingsEntryPage,
    SavingsOverview,
    SavingsUnit,
)
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/savings", tags=["savings"])


class CurveDecision(BaseModel):
    """Whether a unit runs its tuned curve on switch-back days."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    """The curve in force."""
    approve: bool
    """False: the standing curve runs."""
    note: Annotated[str, Field(max_length=500)] = ""
    """Kept with the decision and in the chain."""


@router.get("", summary="What was saved, by unit and together")
async def get_savings(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> SavingsOverview:
    """Return all units in sight as they were judged last, cold rooms charged."""
    return await platform.savings_views.overview(viewer.scope, page=page, size=size)


@router.get("/entries", summary="Entries of the ledger")
async def list_savings_entries(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 20
) -> SavingsEntryPage:
    """Return a page of entries, newest first, with their hashes."""
    return await platform.savings_views.entries(viewer.scope, page=page, size=size)


@router.post("/verify", summary="Check the chain")
async def verify_savings(platform: Platformed, viewer: Viewer) -> SavingsCheck:
    """Recompute every hash from the first entry on and compare the days with their entries."""
    return await platform.savings.verify(viewer)


@router.get(
    "/export",
    summary="All days as a table",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_savings(
    request: Request, platform: Platformed, viewer: Viewer, wish: Wished
) -> Response:
    """Return every day of the units in sight with its figures and the entry that proves it."""
    export = await decided(request, viewer, "savings", wish)
    text = await platform.savings_export.export(viewer)
    headers = {"content-disposition": 'attachment; filename="savings.csv"'}
    return sent(export, Response(text, media_type="text/csv; charset=utf-8", headers=headers))


@router.get("/units/{code}", summary="One unit day by day")
async def get_savings_unit(platform: Platformed, viewer: Viewer, code: AssetCode) -> SavingsUnit:
    """Return what each day cost, what the tuned curve would have cost, and the interval."""
    return await platform.savings_views.unit(viewer.scope, code)


@router.post("/units/{code}/curve", summary="Decide on a unit's tuned curve")
async def decide_savings_curve(
    platform: Platformed, by: Commander, code: AssetCode, body: CurveDecision
) -> SavingsUnit:
    """Approve the tuned curve in force for the unit's switch-back days, or withdraw that."""
    await platform.savings.baselines.decide(
        by, code, body.version, approve=body.approve, note=body.note
    )
    return await platform.savings_views.unit(by.scope, code)


@router.post("/units/{code}/tune", summary="Tune a unit's curve now")
async def tune_savings_curve(platform: Platformed, by: Commander, code: AssetCode) -> SavingsUnit:
    """Tune at once as by week; a curve in force stays unless it is clearly beaten."""
    await platform.savings.baselines.tune_now(by, code)
    return await platform.savings_views.unit(by.scope, code)
