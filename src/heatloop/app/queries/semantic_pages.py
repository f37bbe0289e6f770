"""Pages of points with their meaning, and the words points can be found by."""

from __future__ import annotations

from dataclasses import fields

from heatloop.app.queries import points as points_query
from heatloop.app.queries.semantic import Selection, select
from heatloop.app.views.semantic import SemanticPage, SemanticPoint, TagView, TagWord, Vocabulary
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.plant.semantic_words import tag_words
from heatloop.plant.semantics import FIELDS, point_tags, si_of


def page(world: World, scope: Scope, wanted: Selection, number: int, size: int) -> SemanticPage:
    """Return a page of the points that are wanted, with their meaning.

    Raises:
        Refused: As `select`.
    """
    found = select(world, scope, wanted)
    start = (number - 1) * size
    return SemanticPage(
        total=len(found.points),
        understood=found.understood,
        items=[_view(world, point) for point in found.points[start : start + size]],
    )


def tag_view(kind: str) -> TagView:
    """Return the meaning of a point kind."""
    tags, unit = point_tags()[kind], point_kinds()[kind].unit
    si = si_of(unit)
    return TagView(
        medium=tags.medium,
        side=tags.side,
        quantity=tags.quantity,
        role=tags.role,
        stage=tags.stage,
        unit=unit,
        si_unit=si.unit,
        si_factor=si.factor,
        si_offset=si.offset,
    )


def _view(world: World, point: Point) -> SemanticPoint:
    plain_view = points_query.view(world, point)
    asset = world.ledger.assets.get(point.asset)
    return SemanticPoint(
        **{field.name: getattr(plain_view, field.name) for field in fields(plain_view)},
        asset_kind="" if asset is None else asset.kind,
        asset_zh=point.asset if asset is None else asset.zh,
        asset_en=point.asset if asset is None else asset.en,
        tags=tag_view(point.kind),
    )


def vocabulary(world: World, scope: Scope) -> Vocabulary:
    """Return every word points can be found by, with how many points of the scope carry it."""
    codes = world.codes_in(scope)
    counts: dict[tuple[str, str], int] = {}
    kinds: dict[str, int] = {}
    owners: dict[str, int] = {}
    for point in world.ledger.points.values():
        if codes is None or point.asset in codes:
            kinds[point.kind] = kinds.get(point.kind, 0) + 1
            asset = world.ledger.assets.get(point.asset)
            if asset is not None:
                owners[asset.kind] = owners.get(asset.kind, 0) + 1
    for kind, count in kinds.items():
        for field in FIELDS:
            at = (field, getattr(point_tags()[kind], field))
            counts[at] = counts.get(at, 0) + count
    words: dict[str, list[TagWord]] = {field: [] for field in FIELDS}
    for word in tag_words():
        words[word.field].append(
            TagWord(value=word.value, zh=word.zh, en=word.en,
                    points=counts.get((word.field, word.value), 0))
        )  # fmt: skip
    return Vocabulary(
        **words,
        kind=[
            TagWord(value=k.kind, zh=k.zh, en=k.en, points=kinds.get(k.kind, 0))
            for k in point_kinds().values()
        ],
        asset_kind=[
            TagWord(value=a.kind, zh=a.zh, en=a.en, points=owners.get(a.kind, 0))
            for a in asset_kinds().values()
        ],
    )
