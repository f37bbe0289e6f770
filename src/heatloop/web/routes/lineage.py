"""Where numbers come from: from a point or a key figure down to raw samples."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from heatloop.app.lineage import Lineages
from heatloop.app.lineage_figures import figure_lineage
from heatloop.app.views.lineage import FigureLineage, Lineage
from heatloop.web.access import Platformed, Viewer
from heatloop.web.params import Time, Word

router = APIRouter(tags=["governance"])


@router.get("/lineage", summary="Where the values of a point come from")
async def get_lineage(
    platform: Platformed,
    viewer: Viewer,
    point: Annotated[str, Query(min_length=1, max_length=120)],
    start: Time,
    end: Time,
    samples: Annotated[int, Query(ge=1, le=2000, description="Samples shown")] = 200,
) -> Lineage:
    """Return raw samples, quality, revisions, roll-ups, and inputs of what is computed."""
    return await Lineages.of(platform).of_point(
        viewer.scope, point, start.timestamp(), end.timestamp(), samples
    )


@router.get("/lineage/figure", summary="Where a key figure comes from")
async def get_figure_lineage(
    platform: Platformed,
    viewer: Viewer,
    figure: Literal["completeness", "heat_balance", "water_balance"],
    start: Time,
    end: Time,
    asset: Word = "",
) -> FigureLineage:
    """Return the terms of a figure, each with its point and the samples behind it."""
    return await figure_lineage(
        platform, viewer.scope, figure, asset, start.timestamp(), end.timestamp()
    )
