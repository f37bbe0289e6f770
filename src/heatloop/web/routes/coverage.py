"""Coverage from source to user, real acquisition periods, and what the machines have left."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from heatloop.app.coverage import coverage
from heatloop.app.coverage_machines import infrastructure
from heatloop.app.coverage_periods import period_report
from heatloop.app.views.coverage import Coverage, Infrastructure, PeriodReport
from heatloop.web.access import Platformed, Viewer
from heatloop.web.params import Page, Size, Word

router = APIRouter(prefix="/coverage", tags=["coverage"])


@router.get("", summary="Live data from source to user")
async def get_coverage(platform: Platformed, viewer: Viewer) -> Coverage:
    """Return how many assets of each of the five stages have live data."""
    return coverage(platform.world, viewer.scope)


@router.get("/periods", summary="How often points really come")
async def get_periods(
    platform: Platformed,
    viewer: Viewer,
    asset: Word = "",
    minutes: Annotated[int, Query(ge=5, le=1440, description="Up to now, plant time")] = 60,
    page: Page = 1,
    size: Size = 100,
) -> PeriodReport:
    """Return effective periods and the intervals' 99th percentile, violators first."""
    return await period_report(
        platform.world,
        platform.historian,
        viewer.scope,
        asset=asset,
        minutes=minutes,
        page=page,
        size=size,
    )


@router.get("/infrastructure", summary="Machines and what they have left")
async def get_infrastructure(platform: Platformed, viewer: Viewer) -> Infrastructure:
    """Return CPU, memory and disk of this machine and of the IT assets that are watched."""
    return await infrastructure(platform, viewer.scope)
