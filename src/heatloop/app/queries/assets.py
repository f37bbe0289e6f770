"""Assets of the ledger: personal attributes masked, those beyond the reader's label hidden."""

from __future__ import annotations

from heatloop.app.queries import points
from heatloop.app.views.plant import AssetDetail, AssetPage, AssetView
from heatloop.app.world import World
from heatloop.plant.data_classes import grade_of, readable
from heatloop.plant.model import Asset
from heatloop.plant.personal_register import masked, masks_of
from heatloop.security.access import Principal
from heatloop.security.labels import Level
from heatloop.security.masking import HIDDEN

_MOST_CHILDREN = 500


def view(world: World, asset: Asset, by: Principal | None = None) -> AssetView:
    """Return an asset as people read it.

    Personal data are masked for everybody (clause 6.1.1.1 a 5); attributes graded sensitive are
    hidden from whoever's roles or label do not reach them.

    Args:
        world: The present.
        asset: The asset.
        by: Who reads; None: somebody who may read nothing sensitive.
    """
    org, heat = world.ledger.paths(asset.code)
    shown, ways = masked(asset), masks_of(asset.kind)
    return AssetView(
        code=asset.code,
        kind=asset.kind,
        zh=shown.zh,
        en=shown.en,
        parent=asset.parent,
        organisation=asset.organisation,
        org_path=org,
        heat_path=heat,
        attributes={
            name: value if name in ways or _open(asset.kind, name, by) else HIDDEN
            for name, value in shown.attributes.items()
        },
        masked=sorted(
            name for name in ways if name in ("zh", "en") or asset.attributes.get(name) is not None
        ),
    )


def _open(kind: str, name: str, by: Principal | None) -> bool:
    grade = grade_of("ledger", kind, name)
    return grade.level < Level.L3 or (by is not None and readable(by, grade))


def page(world: World, by: Principal, kind: str, parent: str, page: int, size: int) -> AssetPage:
    """Return a page of assets inside a reader's scope, filtered by kind and parent."""
    scope = by.scope
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
    items = [view(world, asset, by) for asset in found[start : start + size]]
    return AssetPage(total=len(found), items=items)


def detail(world: World, by: Principal, code: str) -> AssetDetail:
    """Return an asset, its children and its points.

    Raises:
        Refused: There is none inside the scope.
    """
    asset = world.asset(by.scope, code)
    children = [a for a in world.ledger.children(code) if world.sees(by.scope, a.code)]
    return AssetDetail(
        asset=view(world, asset, by),
        children=[view(world, child, by) for child in children[:_MOST_CHILDREN]],
        points=[points.view(world, point) for point in world.ledger.points_of(code)],
    )
