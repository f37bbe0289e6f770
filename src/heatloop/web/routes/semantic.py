"""Points by what they mean and where they are."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from heatloop.app.queries import semantic_pages
from heatloop.app.queries.semantic import Selection
from heatloop.app.views.semantic import SemanticPage, Vocabulary
from heatloop.web.access import Platformed, Viewer
from heatloop.web.params import Page, Size, split_codes

router = APIRouter(tags=["points"])
_MOST_CODES = 2_000
_MOST_WORDS = 64
Words = Annotated[str, Query(max_length=2_000, description="One or more values, joined by commas")]
Code = Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]


def selection(
    points: Annotated[str, Query(max_length=60_000, description="Codes joined by commas")] = "",
    asset: Words = "",
    kind: Words = "",
    medium: Words = "",
    side: Words = "",
    quantity: Words = "",
    role: Words = "",
    stage: Words = "",
    asset_kind: Words = "",
    scope: Annotated[
        str, Query(max_length=400, description="Path in the organisation or on the heat path")
    ] = "",
    within: Annotated[
        str, Query(max_length=20_000, description="GeoJSON Polygon, or lon,lat;lon,lat;lon,lat")
    ] = "",
    upstream_of: Code = "",
    downstream_of: Code = "",
    q: Annotated[
        str, Query(max_length=200, description="In words: 所有热力站二次供水温度, or in English")
    ] = "",
    all: Annotated[bool, Query(description="Every point of the scope")] = False,  # noqa: A002 - the name the interface has
) -> Selection:
    """Return which points a request wants."""

    def words(text: str) -> tuple[str, ...]:
        return tuple(split_codes(text, _MOST_WORDS))

    return Selection(
        codes=tuple(split_codes(points, _MOST_CODES)),
        asset=words(asset),
        kind=words(kind),
        medium=words(medium),
        side=words(side),
        quantity=words(quantity),
        role=words(role),
        stage=words(stage),
        asset_kind=words(asset_kind),
        scope=scope,
        within=within,
        upstream_of=upstream_of,
        downstream_of=downstream_of,
        q=q,
        everything=all,
    )


Selected = Annotated[Selection, Depends(selection)]


@router.get("/points/query", summary="Points by meaning and place, or by a question in words")
async def query_points(
    platform: Platformed,
    viewer: Viewer,
    wanted: Selected,
    page: Page = 1,
    size: Size = 100,
) -> SemanticPage:
    """Return a page of points inside the viewer's scope; words that are not known are named.

    Values of one filter are alternatives, filters narrow each other.
    """
    return await asyncio.to_thread(
        semantic_pages.page, platform.world, viewer.scope, wanted, page, size
    )


@router.get("/points/vocabulary", summary="Every word points can be found by")
async def get_vocabulary(platform: Platformed, viewer: Viewer) -> Vocabulary:
    """Return the values of each tag, the point kinds and the asset kinds, with counts."""
    return await asyncio.to_thread(semantic_pages.vocabulary, platform.world, viewer.scope)
