"""Values over time: trends for screens, Arrow for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from heatloop.app.governance import Governance
from heatloop.app.queries import samples, trends
from heatloop.app.views.work import Trends
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import packed
from heatloop.web.params import Codes, Time, Word, split_codes

router = APIRouter(tags=["history"])
_ARROW = "application/vnd.apache.arrow.stream"


@router.get("/trends", summary="Lines over time", response_model=Trends)
async def get_trends(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    points: Codes,
    start: Time,
    end: Time,
    step: Literal["auto", "raw", "10m", "1h", "1d"] = "auto",
    max_points: Annotated[int, Query(ge=10, le=20_000)] = 2_000,
) -> Response:
    """Return each point's line; `auto` takes the finest step that fits `max_points`."""
    ask = trends.Ask(
        codes=split_codes(points, 50),
        start_s=start.timestamp(),
        end_s=end.timestamp(),
        step=step,
        max_points=max_points,
    )
    lines = await trends.trends(platform.world, platform.historian, viewer.scope, ask)
    return await packed(request, lines)


@router.get(
    "/samples",
    summary="Stored samples in bulk",
    response_class=StreamingResponse,
    responses={200: {"content": {_ARROW: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_samples(
    platform: Platformed,
    viewer: Viewer,
    start: Time,
    end: Time,
    points: Codes = "",
    asset: Word = "",
    all: bool = False,  # noqa: A002 - the name the interface has
) -> StreamingResponse:
    """Stream columns key u32, slot u32, value f64, quality u8 as an Arrow stream.

    Behind the same door as every export: sensitive values need an approval ticket. Of everything
    (`all`) what may not be taken out is left out; named points or an asset are refused instead.
    """
    keys = samples.keys_asked(
        platform.world, viewer.scope, codes=split_codes(points, 2000), asset=asset, everything=all
    )
    if platform.settings.privacy.samples_ticket:
        keys = await samples.released(Governance.of(platform), viewer, keys, everything=all)
    start_s, end_s = samples.checked_range(start.timestamp(), end.timestamp())
    stream = samples.arrow_stream(platform.historian, keys, start_s, end_s)
    return StreamingResponse(stream, media_type=_ARROW)
