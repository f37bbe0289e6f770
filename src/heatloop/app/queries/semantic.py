"""Points by what they mean and where they are: no list of points needed (clauses 6.2 b, g)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from heatloop.app.queries.network_places import stations_in
from heatloop.app.queries.network_shape import DOWNSTREAM, UPSTREAM, network_trace
from heatloop.app.refusals import Refused
from heatloop.app.views.semantic import (
    Understood,
)
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Point
from heatloop.plant.semantic_words import ASSET, ASSET_KIND, IGNORED, KIND, Meaning, hear, plain
from heatloop.plant.semantic_words import tag_words as _tag_words
from heatloop.plant.semantics import FIELDS, point_tags

_PLACES = ("substation", "isolation_station", "booster_station", "heat_source")
_EQUIPMENT = frozenset(
    ("unit", "pump", "boiler", "chp", "storage_tank", "weather_station", "room_collector",
     "it_asset", "contract")
)  # fmt: skip
_ORDERED = frozenset(("setpoint", "limit", "command"))
"""Roles that a question must name to get them."""
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which points are wanted; what is empty does not narrow, several values are alternatives."""

    codes: tuple[str, ...] = ()
    """Point codes."""
    asset: tuple[str, ...] = ()
    """Asset codes: their points and those of everything below."""
    kind: tuple[str, ...] = ()
    """Point kinds."""
    medium: tuple[str, ...] = ()
    """Tag."""
    side: tuple[str, ...] = ()
    """Tag."""
    quantity: tuple[str, ...] = ()
    """Tag."""
    role: tuple[str, ...] = ()
    """Tag."""
    stage: tuple[str, ...] = ()
    """Tag."""
    asset_kind: tuple[str, ...] = ()
    """Kinds of asset the points belong to."""
    scope: str = ""
    """Path in the organisation or on the heat path."""
    within: str = ""
    """Polygon: GeoJSON, or `lon,lat;lon,lat;..`: points of the stations inside."""
    upstream_of: str = ""
    """Asset: points of what feeds it."""
    downstream_of: str = ""
    """Asset: points of what it feeds."""
    q: str = ""
    """Question in words, Chinese or English."""
    everything: bool = False
    """Every point of the scope; needed when nothing else is asked for."""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was asked for."""
        return self == Selection()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The points of a selection."""

    points: list[Point]
    """In the order of the ledger."""
    understood: list[Understood]
    """How the question in words was understood."""


def select(world: World, scope: Scope, wanted: Selection) -> Found:
    """Return the points inside the scope that are wanted.

    Raises:
        Refused: Nothing was asked for, a word is not known, or something named does not exist.
    """
    if wanted.is_empty:
        raise Refused("invalid", place="q", detail="未给出条件 give a filter or everything=true")
    wanted, understood = _with_words(world, scope, wanted)
    _check_words(wanted)
    if wanted.codes:
        pool: Iterable[Point] = [world.point(scope, code) for code in wanted.codes]
    else:
        pool = world.ledger.points.values()
    kinds = _kinds(wanted, understood)
    pool = [point for point in pool if point.kind in kinds]
    assets = _assets(world, scope, wanted, {point.asset for point in pool})
    return Found(points=[p for p in pool if p.asset in assets], understood=understood)


def _with_words(
    world: World, scope: Scope, wanted: Selection
) -> tuple[Selection, list[Understood]]:
    """Return the selection with the question in words added to it."""
    if not wanted.q.strip():
        return wanted, []
    heard = hear(wanted.q, _names(world.ledger))
    unknown = [each.words for each in heard if not each.field]
    if unknown:
        named = " | ".join(unknown[:_MOST_NAMED])
        raise Refused(
            "invalid", thing=named, place="q", detail=f"不认识的词 unknown words: {named}"
        )
    added: dict[str, list[str]] = {}
    for each in heard:
        if each.field == ASSET:
            seen = [code for code in each.values if world.sees(scope, code)]
            if not seen:
                raise Refused("not_found", thing=each.words)
            if len(seen) > 1:
                codes = ", ".join(seen[:_MOST_NAMED])
                raise Refused("invalid", thing=each.words, place="q",
                              detail=f"名称不唯一 several have this name: {codes}")  # fmt: skip
            added.setdefault(each.field, []).extend(seen)
        elif each.field != IGNORED:
            added.setdefault(each.field, []).extend(each.values)
    if not added and replace(wanted, q="").is_empty:
        raise Refused("invalid", thing=wanted.q, place="q", detail="没有条件 nothing to look for")
    changes: dict[str, Any] = {
        name: (*getattr(wanted, name), *values) for name, values in added.items()
    }
    understood = [
        Understood(words=each.words, field=each.field, values=list(each.values)) for each in heard
    ]
    return replace(wanted, **changes), understood


@lru_cache(maxsize=1)
def _names(ledger: Ledger) -> Mapping[str, Meaning]:
    """Return the names and codes of assets; kept for the ledger in force."""
    found: dict[str, list[str]] = {}
    for asset in ledger.assets.values():
        for name in {plain(asset.code), plain(asset.zh), plain(asset.en)} - {""}:
            found.setdefault(name, []).append(asset.code)
    return {name: (ASSET, tuple(codes)) for name, codes in found.items()}


def _check_words(wanted: Selection) -> None:
    """Refuse values of tags and kinds that do not exist, so that a slip is not an empty answer."""
    known: dict[str, set[str]] = {name: set() for name in FIELDS}
    for word in _tag_words():
        known[word.field].add(word.value)
    for tags in point_tags().values():
        for name in FIELDS:
            known[name].add(getattr(tags, name))
    known |= {KIND: set(point_kinds()), ASSET_KIND: set(asset_kinds())}
    for name, values in known.items():
        for value in getattr(wanted, name):
            if value not in values:
                raise Refused("invalid", thing=value, place=name,
                              detail=f"{name}: {', '.join(sorted(values))}"[:600])  # fmt: skip


def _kinds(wanted: Selection, understood: list[Understood]) -> set[str]:
    kinds = set(wanted.kind) or set(point_kinds())
    picked = {
        name
        for name in kinds
        if all(
            not getattr(wanted, field)
            or getattr(point_tags()[name], field) in getattr(wanted, field)
            for field in FIELDS
        )
    }
    if understood and not wanted.kind and not wanted.role:
        # A question about a temperature means the temperature and not what it is set to.
        picked = {name for name in picked if point_tags()[name].role not in _ORDERED}
        understood.append(
            Understood(words="", field="role", values=["measured", "total", "state", "estimated"])
        )
    return picked


def _assets(world: World, scope: Scope, wanted: Selection, pool: set[str]) -> set[str]:
    """Return which of these assets lie inside the scope and every condition of place."""
    seen = world.codes_in(scope)
    found = {code for code in pool if seen is None or code in seen}
    ledger = world.ledger
    if wanted.scope:
        part = Scope.of([wanted.scope.strip("/")])
        found = {
            code for code in found if code in ledger.assets and part.holds(*ledger.paths(code))
        }
    if wanted.asset:
        below: set[str] = set()
        for code in wanted.asset:
            below |= world.at_or_below(world.asset(scope, code).code)
        found &= below
    if wanted.asset_kind:
        kinds, far = frozenset(wanted.asset_kind), bool(wanted.kind or wanted.codes)
        found = {code for code in found if _belongs(ledger, code, kinds, far=far)}
    if wanted.within:
        found &= _below(world, [p.code for p in stations_in(world, scope, _polygon(wanted.within),
                                                            _PLACES)])  # fmt: skip
    for code, way in ((wanted.upstream_of, UPSTREAM), (wanted.downstream_of, DOWNSTREAM)):
        if code:
            traced = network_trace(world, scope, code, way)
            stations = traced.stations if way == DOWNSTREAM else []
            places = [*traced.nodes, *traced.pipes, *traced.sources, *traced.stations]
            own = _below(world, stations)
            for each in places:
                own |= {each, *_equipment(ledger, each)}
            found &= own
    return found


def _below(world: World, codes: Iterable[str]) -> set[str]:
    out: set[str] = set()
    for code in codes:
        out |= world.at_or_below(code)
    return out


def _equipment(ledger: Ledger, code: str) -> set[str]:
    """Return what stands at a place itself: its units, pumps, boilers, not what it feeds."""
    out: set[str] = set()
    waiting = [code]
    while waiting:
        for child in ledger.children(waiting.pop()):
            if child.kind in _EQUIPMENT:
                out.add(child.code)
                waiting.append(child.code)
    return out


def _belongs(ledger: Ledger, code: str, kinds: frozenset[str], *, far: bool) -> bool:
    """Return whether an asset is of a kind, or is equipment of one (`far`: or lies below one)."""
    asset: Asset | None = ledger.assets.get(code)
    while asset is not None:
        if asset.kind in kinds:
            return True
        if not far and asset.kind not in _EQUIPMENT:
            return False
        asset = ledger.assets.get(asset.parent)
    return False


def _polygon(text: str) -> Mapping[str, Any]:
    """Return a polygon given as GeoJSON or as `lon,lat;lon,lat;..`.

    Raises:
        Refused: It is neither.
    """
    try:
        if text.lstrip().startswith("{"):
            found = json.loads(text)
            geometry = found.get("geometry", found)
            if isinstance(geometry, dict):
                return geometry
        else:
            ring = [[float(each) for each in pair.split(",")] for pair in text.split(";") if pair]
            if len(ring) >= 3 and all(len(pair) == 2 for pair in ring):
                return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    except (ValueError, RecursionError):
        pass
    raise Refused("invalid", place="within", detail="GeoJSON Polygon | lon,lat;lon,lat;lon,lat")
