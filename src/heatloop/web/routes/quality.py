"""Abnormal data: list, handle, figures; completeness of a day place by place."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.quality import Quality
from heatloop.app.quality_causes import Correction
from heatloop.app.quality_completeness import completeness
from heatloop.app.views.quality import (
    QualityCasePage,
    QualityCaseView,
    QualityCompleteness,
    QualitySummary,
)
from heatloop.web.access import Acknowledger, Platformed, Viewer
from heatloop.web.params import Ident, Page, Size, Word

router = APIRouter(prefix="/quality", tags=["quality"])


class CaseHandling(BaseModel):
    """What was the matter with abnormal data, and what is to be done about it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    cause: Annotated[str, Field(min_length=1, max_length=40)]
    """One of the causes of the summary."""
    correction: Literal["none", "estimate", "mark_bad"] = "none"
    """`estimate` lays estimates over the samples, `mark_bad` a mark; what was measured is kept."""
    note: Annotated[str, Field(max_length=1000)] = ""
    """What else there is to say."""


@router.get("/cases", summary="Abnormal data, the weightiest first")
async def list_quality_cases(
    platform: Platformed,
    viewer: Viewer,
    state: Literal["open", "handled", "all"] = "open",
    rule: Word = "",
    point: Word = "",
    severity: Annotated[int, Query(ge=1, le=4, description="At least this severe")] = 1,
    page: Page = 1,
    size: Size = 100,
) -> QualityCasePage:
    """Return a page of cases inside the viewer's scope."""
    return await Quality.of(platform).page(
        viewer.scope,
        state=state,
        rule=rule,
        point=point,
        least_severity=severity,
        page=page,
        size=size,
    )


@router.get("/cases/{id}", summary="One case of abnormal data")
async def get_quality_case(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    viewer: Viewer,
) -> QualityCaseView:
    """Return a case inside the viewer's scope."""
    return await Quality.of(platform).one(viewer.scope, id)


@router.post("/cases/{id}/handle", summary="Close a case with cause and correction")
async def handle_quality_case(
    id: Ident,  # noqa: A002 - the name the interface has
    body: CaseHandling,
    platform: Platformed,
    user: Acknowledger,
) -> QualityCaseView:
    """Record cause, correction and reviewer; corrections need the right to manage the ledger."""
    return await Quality.of(platform).handle(
        user, id, cause=body.cause, correction=Correction(body.correction), note=body.note
    )


@router.get("/summary", summary="How the queue of abnormal data stands")
async def get_quality_summary(platform: Platformed, viewer: Viewer) -> QualitySummary:
    """Return open cases by rule and the median time to handle."""
    return await Quality.of(platform).summary(viewer.scope)


@router.get("/completeness", summary="Completeness of a day by place")
async def get_quality_completeness(
    platform: Platformed, viewer: Viewer, date: Annotated[dt.date, Query()]
) -> QualityCompleteness:
    """Return stored over expected samples of the scope and of every place, least complete first."""
    return await completeness(
        platform.world,
        platform.historian,
        viewer.scope,
        date,
        platform.settings.company.time_zone,
    )
