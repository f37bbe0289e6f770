"""Forecasts of heat load and room temperature: status, one subject's forecast, weekly skill."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from heatloop.app.views.forecasts import (
    ForecastIssuePage,
    ForecastSkill,
    ForecastStatus,
    ForecastView,
)
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.answers import packed
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/forecasts", tags=["forecasts"])

MaybeTime = Annotated[AwareDatetime | None, Query(description="ISO 8601 with offset")]
Kind = Annotated[
    Literal["", "source", "substation", "building"], Query(description="Only subjects of a kind")
]
Find = Annotated[str, Query(max_length=80, description="Part of a code or name")]


@router.get("", summary="How forecasting is doing, and what is forecast")
async def get_forecast_status(
    platform: Platformed,
    viewer: Viewer,
    kind: Kind = "",
    find: Find = "",
    page: Page = 1,
    size: Size = 100,
) -> ForecastStatus:
    """Return the newest issue, when the next is due, and a page of subjects inside the scope."""
    return platform.forecast_read.status(viewer.scope, kind=kind, find=find, page=page, size=size)


@router.get("/issues", summary="Runs of the forecaster")
async def list_forecast_issues(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> ForecastIssuePage:
    """Return a page of issues, newest first, with why and with what weather they were made."""
    del viewer
    return await platform.forecast_read.issues(page=page, size=size)


@router.get("/skill", summary="How right day-ahead forecasts were, by week")
async def get_forecast_skill(
    platform: Platformed,
    viewer: Viewer,
    week: MaybeTime = None,
    kind: Kind = "",
    find: Find = "",
    page: Page = 1,
    size: Size = 100,
) -> ForecastSkill:
    """Return the skill of a week beside persistence; the newest week when none is named."""
    return await platform.forecast_read.skill(
        viewer.scope,
        week_s=None if week is None else week.timestamp(),
        kind=kind,
        find=find,
        page=page,
        size=size,
    )


@router.post("/issue", summary="Have forecasts made now", status_code=202)
async def request_forecast(platform: Platformed, by: Commander) -> ForecastStatus:
    """Have an issue made as soon as workers are free; the answer does not wait for it."""
    await platform.forecasts.request(by)
    return platform.forecast_read.status(by.scope, kind="", find="", page=1, size=1)


@router.get("/{code}", summary="The forecast of one subject", response_model=ForecastView)
async def get_forecast(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    code: AssetCode,
    known_at: MaybeTime = None,
    step: Annotated[
        Literal["900", "3600"], Query(description="Length of a step, s; rooms: 3600")
    ] = "3600",
    back: Annotated[int, Query(ge=0, le=168, description="Hours shown before it")] = 48,
) -> Response:
    """Return the forecast as it was known at a time, beside what came, with what explains it."""
    found = await platform.forecast_read.view(
        viewer.scope,
        code,
        known_at_s=None if known_at is None else known_at.timestamp(),
        step_s=int(step),
        back_h=back,
    )
    return await packed(request, found)
