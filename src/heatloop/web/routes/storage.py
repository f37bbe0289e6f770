"""History as statistics, and the store itself: size, compression, capacity, retention."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.queries import statistics
from heatloop.app.storage import Storage
from heatloop.app.views.history import Statistics
from heatloop.app.views.storage import (
    CapacityForecast,
    CompressionReport,
    RetentionReport,
    StorageReport,
)
from heatloop.web.access import Platformed, Viewer
from heatloop.web.params import Codes, Time, split_codes
from heatloop.web.routes.keeping import SystemKeeper

router = APIRouter(tags=["history"])


class RetentionRun(BaseModel):
    """An order to remove what has had its time."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    reason: Annotated[str, Field(max_length=400)] = ""
    """What for; kept in the audit trail."""


@router.get("/history/statistics", summary="Statistics of hours, days, months and seasons")
async def get_statistics(
    platform: Platformed,
    viewer: Viewer,
    points: Codes,
    start: Time,
    end: Time,
    step: Literal["hour", "day", "month", "season"] = "day",
) -> Statistics:
    """Return count, least, mean, greatest, integral, last and counts by quality of each window."""
    ask = statistics.Ask(
        codes=split_codes(points, 50),
        start_s=start.timestamp(),
        end_s=end.timestamp(),
        step=step,
    )
    zone = platform.settings.company.time_zone
    return await statistics.statistics(platform.world, platform.historian, viewer.scope, ask, zone)


@router.get("/storage", summary="What the store keeps")
async def get_storage(platform: Platformed, _: SystemKeeper) -> StorageReport:
    """Return every table with rows and bytes."""
    return await Storage.of(platform).report()


@router.get("/storage/compression", summary="How well samples compress, and that nothing is lost")
async def get_compression(
    platform: Platformed,
    _: SystemKeeper,
    kinds: Annotated[bool, Query(description="Measure every point kind: takes a minute")] = False,
) -> CompressionReport:
    """Return bytes a sample before and after, and what reading back samples found."""
    return await Storage.of(platform).compression(kinds=kinds)


@router.get("/storage/forecast", summary="How long the machine suffices")
async def get_capacity(platform: Platformed, _: SystemKeeper) -> CapacityForecast:
    """Return CPU, memory and disk with their headroom, and the days until the disk is full."""
    return await Storage.of(platform).forecast()


@router.get("/storage/retention", summary="How long data are kept, and what has expired")
async def get_retention(platform: Platformed, _: SystemKeeper) -> RetentionReport:
    """Return what the next run would remove; nothing is removed."""
    return await Storage.of(platform).retention()


@router.post("/storage/retention", summary="Remove what has expired")
async def run_retention(
    body: RetentionRun, platform: Platformed, user: SystemKeeper
) -> RetentionReport:
    """Remove what has had its time now instead of tonight."""
    return await Storage.of(platform).expire(user.user, body.reason)
