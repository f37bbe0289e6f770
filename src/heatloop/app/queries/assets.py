"""Assets of the ledger, personal attributes masked."""

from __future__ import annotations

from heatloop.app.queries import points
from heatloop.app.views.plant import AssetDetail, AssetPage, AssetView
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import secret_attributes
from heatloop.plant.model import Asset

_MASK = "***"
_MOST_CHILDREN = 500


def view(world: World, asset: Asset) -> AssetView:
    """Return an asset as people read it; personal data are masked (clause 6.1.1.1 a 5)."""
    secret = secret_attributes(asset.kind)
    org, heat = world.ledger.paths(asset.code)
    return AssetView(
        code=asset.code,
        kind=asset.kind,
        zh=asset.zh,
        en=asset.en,
        parent=asset.parent,
        organisation=asset.organisation,
        org_path=org,
        heat_path=heat,
        attributes={
            name: _MASK if name in secret else value for name, value in asset.attributes.items()
        },
    )


def page(world: World, scope: Scope, kind: str, parent: str, page: int, size: int) -> AssetPage:
    """Return a page of assets inside a scope, filtered by kind and parent."""
    if parent:
        children = world.ledger.children(world.asset(scope, parent).code)
        found = [a for a in children if world.sees(scope, a.code)]
    elif kind:
        found = [a for a in world.ledger.of_kind(kind) if world.sees(scope, a.code)]
    else:
        found = list(world.ledger.scoped(scope))
    if kind:
        found = [a for a in found if a.kind == kind]
    start = (page - 1) * size
    items = [view(world, asset) for asset in found[start : start + size]]
    return AssetPage(total=len(found), items=items)


def detail(world: World, scope: Scope, code: str) -> AssetDetail:
    """Return an asset, its children and its points.

    Raises:
        Refused: There is none inside the scope.
    """
    asset = world.asset(scope, code)
    children = [a for a in world.ledger.children(code) if world.sees(scope, a.code)]
    return AssetDetail(
        asset=view(world, asset),
        children=[view(world, child) for child in children[:_MOST_CHILDREN]],
        points=[points.view(world, point) for point in world.ledger.points_of(code)],
    )
