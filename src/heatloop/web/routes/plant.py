"""The plant: overview, substations, assets and points."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from heatloop.app.queries import assets, overview, points, stations
from heatloop.app.views.plant import (
    AssetDetail,
    AssetPage,
    Overview,
    PointPage,
    PointView,
)
from heatloop.app.views.station import SubstationDetail
from heatloop.web.access import Platformed, Viewer
from heatloop.web.answers import pack
from heatloop.web.params import AssetCode, Codes, Page, Size, Word, split_codes

router = APIRouter(tags=["plant"])


@router.get("/overview", summary="Everything the first screen shows", response_model=Overview)
def get_overview(request: Request, platform: Platformed, viewer: Viewer) -> Response:
    """Return totals, sources and substations inside the viewer's scope."""
    return pack(request, overview.overview(platform.world, viewer.scope))


@router.get("/substations/{code}", summary="Everything the station page shows")
def get_substation(code: AssetCode, platform: Platformed, viewer: Viewer) -> SubstationDetail:
    """Return a station with its units, points, controller and buildings."""
    return stations.substation(platform.world, viewer.scope, code)


@router.get("/assets", summary="Assets of the ledger")
def list_assets(
    platform: Platformed,
    viewer: Viewer,
    kind: Word = "",
    parent: Word = "",
    page: Page = 1,
    size: Size = 100,
) -> AssetPage:
    """Return a page of assets inside the viewer's scope."""
    return assets.page(platform.world, viewer, kind, parent, page, size)


@router.get("/assets/{code}", summary="One asset")
def get_asset(code: AssetCode, platform: Platformed, viewer: Viewer) -> AssetDetail:
    """Return an asset, its children and its points."""
    return assets.detail(platform.world, viewer, code)


@router.get("/points", summary="Points with their latest value")
def list_points(
    platform: Platformed,
    viewer: Viewer,
    asset: Word = "",
    kind: Word = "",
    q: Word = "",
    page: Page = 1,
    size: Size = 100,
) -> PointPage:
    """Return a page of points inside the viewer's scope; `q` is found in code and names."""
    return points.page(platform.world, viewer.scope, asset, kind, q, page, size)


@router.get("/points/latest", summary="Latest values of named points")
def get_latest(platform: Platformed, viewer: Viewer, codes: Codes) -> list[PointView]:
    """Return the named points with their latest value, in the order asked."""
    return points.latest(platform.world, viewer.scope, split_codes(codes, 2000))
