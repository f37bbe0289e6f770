"""Data in bulk: samples and roll-ups as Arrow, Parquet, CSV or Excel; series on a grid, joined."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.export_seal import Wish
from heatloop.app.queries import joins
from heatloop.app.queries.bulk_export import EXCEL_MEDIA, Wanted
from heatloop.app.queries.semantic import Selection
from heatloop.app.views.bulk import BulkPlan, Grid, Joined
from heatloop.security.access import Principal
from heatloop.store.bulk_arrow import MEDIA
from heatloop.web.access import Platformed, Viewer, platform_of
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Codes, Time, split_codes
from heatloop.web.routes.semantic import Selected

router = APIRouter(tags=["bulk"])
Kind = Literal["arrow", "parquet", "csv", "xlsx"]
Step = Literal["10m", "1h", "1d"]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file; `X-Heatloop-Labels` holds class and owner as JSON",
        "content": dict.fromkeys((*MEDIA.values(), EXCEL_MEDIA), _BINARY),
    }
}
_Text = Annotated[str, Field(max_length=200)]
_Texts = Annotated[list[_Text], Field(max_length=64)]


class PointChoice(BaseModel):
    """Which points; what is empty does not narrow, several values are alternatives."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    points: Annotated[list[_Text], Field(max_length=50_000)] = Field(default_factory=list)
    """Point codes."""
    asset: _Texts = Field(default_factory=list)
    """Asset codes: their points and those of everything below."""
    kind: _Texts = Field(default_factory=list)
    """Point kinds."""
    medium: _Texts = Field(default_factory=list)
    """Tag."""
    side: _Texts = Field(default_factory=list)
    """Tag."""
    quantity: _Texts = Field(default_factory=list)
    """Tag."""
    role: _Texts = Field(default_factory=list)
    """Tag."""
    stage: _Texts = Field(default_factory=list)
    """Tag."""
    asset_kind: _Texts = Field(default_factory=list)
    """Kinds of asset the points belong to."""
    scope: Annotated[str, Field(max_length=400)] = ""
    """Path in the organisation or on the heat path."""
    within: Annotated[str, Field(max_length=20_000)] = ""
    """GeoJSON Polygon, or lon,lat;lon,lat;lon,lat."""
    upstream_of: Annotated[str, Field(max_length=40)] = ""
    """Asset code."""
    downstream_of: Annotated[str, Field(max_length=40)] = ""
    """Asset code."""
    q: _Text = ""
    """Question in words."""
    everything: bool = False
    """Every point of the scope."""

    def selection(self) -> Selection:
        """Return what is wanted."""
        given: dict[str, Any] = self.model_dump()
        given["codes"] = given.pop("points")
        for name, value in given.items():
            given[name] = tuple(value) if isinstance(value, list) else value
        return Selection(**given)


class BulkRequest(BaseModel):
    """An export."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    choose: PointChoice
    """Which points."""
    start: AwareDatetime
    """Begin."""
    end: AwareDatetime
    """End."""
    format: Kind = "arrow"
    """Kind of file."""
    compressed: bool = False
    """Arrow: columns compressed with Zstandard."""


class RollupRequest(BulkRequest):
    """An export of roll-ups."""

    step: Step = "1h"
    """Length of a window."""


async def _file(request: Request, by: Principal, wanted: Wanted, wish: Wish) -> Response:
    platform = platform_of(request)
    door = await decided(request, by, f"bulk {wanted.step or 'samples'}", wish)
    export = await platform.bulk.prepare(by, wanted)
    await platform.bulk.announce(export)
    headers = {
        "content-disposition": f'attachment; filename="{export.file_name}"',
        "x-heatloop-labels": json.dumps(dict(export.labels)),
        "x-heatloop-demo": "1" if platform.settings.company.demo else "0",
        # Bulk data are compressed by their format or not at all.
        "content-encoding": "identity",
        "cache-control": "no-store",
    }
    if wanted.kind == "xlsx":
        body = await platform.bulk.workbook(export)
        return sent(door, Response(body, media_type=export.media, headers=headers))
    stream = platform.bulk.stream(export)
    return sent(door, StreamingResponse(stream, media_type=export.media, headers=headers))


@router.get(
    "/bulk/samples",
    summary="Stored samples as a file",
    response_class=StreamingResponse,
    responses=_FILES,
)
async def export_samples(
    request: Request,
    viewer: Viewer,
    wish: Wished,
    wanted: Selected,
    start: Time,
    end: Time,
    format: Kind = "arrow",  # noqa: A002 - the name the interface has
    compressed: bool = False,
) -> Response:
    """Stream code, time (UTC), value, quality and unit; Excel holds at most 100,000 rows."""
    return await _file(request, viewer, _wanted(wanted, start, end, format, compressed), wish)


@router.post(
    "/bulk/samples",
    summary="Stored samples as a file, points in the body",
    response_class=StreamingResponse,
    responses=_FILES,
)
async def request_samples(
    request: Request, viewer: Viewer, wish: Wished, body: BulkRequest
) -> Response:
    """Do the same for long lists of points."""
    chosen = body.choose.selection()
    wanted = _wanted(chosen, body.start, body.end, body.format, body.compressed)
    return await _file(request, viewer, wanted, wish)


@router.get(
    "/bulk/rollups",
    summary="Roll-ups as a file",
    response_class=StreamingResponse,
    responses=_FILES,
)
async def export_rollups(
    request: Request,
    viewer: Viewer,
    wish: Wished,
    wanted: Selected,
    start: Time,
    end: Time,
    step: Step = "1h",
    format: Kind = "arrow",  # noqa: A002 - the name the interface has
    compressed: bool = False,
) -> Response:
    """Stream code, time (UTC), count, low, mean, high, last, good count, origin and unit."""
    return await _file(request, viewer, _wanted(wanted, start, end, format, compressed, step), wish)


@router.post(
    "/bulk/rollups",
    summary="Roll-ups as a file, points in the body",
    response_class=StreamingResponse,
    responses=_FILES,
)
async def request_rollups(
    request: Request, viewer: Viewer, wish: Wished, body: RollupRequest
) -> Response:
    """Do the same for long lists of points."""
    chosen = body.choose.selection()
    wanted = _wanted(chosen, body.start, body.end, body.format, body.compressed, body.step)
    return await _file(request, viewer, wanted, wish)


@router.get("/bulk/plan", summary="What an export would hold")
async def plan_export(
    platform: Platformed,
    viewer: Viewer,
    wanted: Selected,
    start: Time,
    end: Time,
    step: Literal["raw", "10m", "1h", "1d"] = "raw",
    format: Kind = "arrow",  # noqa: A002 - the name the interface has
) -> BulkPlan:
    """Return points and rows to expect; nothing is read and nothing audited."""
    asked = _wanted(wanted, start, end, format, False, "" if step == "raw" else step)
    return platform.bulk.plan(await platform.bulk.prepare(viewer, asked))


def _wanted(
    chosen: Selection, start: AwareDatetime, end: AwareDatetime, kind: str, compressed: bool,
    step: str = "",
) -> Wanted:  # fmt: skip
    return Wanted(
        selection=chosen,
        start_s=start.timestamp(),
        end_s=end.timestamp(),
        step=step,
        kind=kind,
        compressed=compressed,
    )


@router.get("/series/grid", summary="Series on one even grid, gaps filled and marked")
async def get_grid(
    platform: Platformed,
    viewer: Viewer,
    points: Codes,
    start: Time,
    end: Time,
    step_s: Annotated[int, Query(ge=1, le=86_400, description="Length of a step")] = 600,
    statistic: Literal["mean", "low", "high", "first", "last"] = "mean",
    fill: Literal["none", "previous", "linear"] = "none",
    max_gap_s: Annotated[
        int, Query(ge=0, le=31 * 86_400, description="Longest gap that is filled; 0: any")
    ] = 3_600,
) -> Grid:
    """Return at most 400,000 values; steps begin at the company's midnight."""
    return await joins.resample(
        platform.world,
        platform.historian,
        viewer.scope,
        split_codes(points),
        start.timestamp(),
        end.timestamp(),
        step_s=step_s,
        statistic=statistic,
        fill=fill,
        max_gap_s=max_gap_s,
        zone=platform.settings.company.time_zone,
    )


@router.get("/series/as-of", summary="A point's samples with what others last said by then")
async def get_as_of(
    platform: Platformed,
    viewer: Viewer,
    left: Annotated[str, Query(min_length=1, max_length=120, description="Point code")],
    right: Codes,
    start: Time,
    end: Time,
    tolerance_s: Annotated[
        int, Query(ge=0, le=31 * 86_400, description="Oldest value that counts; 0: seven days")
    ] = 0,
) -> Joined:
    """Return at most 50,000 samples; never a value of the future."""
    return await joins.join(
        platform.world,
        platform.historian,
        viewer.scope,
        left,
        split_codes(right, 20),
        start.timestamp(),
        end.timestamp(),
        tolerance_s=tolerance_s,
    )
