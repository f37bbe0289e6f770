"""GeoJSON: lines are pipes, points are nodes, consumers and plants; and the way back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.state import State
from heatloop.store.networks.assemble import assemble
from heatloop.store.networks.draft import (
    WGS84,
    Draft,
    ImportFinding,
    as_list,
    as_mapping,
    check_number,
)
from heatloop.store.networks.drawing import BOTH, Drawing, Line, Spot, side_of
from heatloop.store.networks.drawn import draw
from heatloop.store.networks.headings import read_cells
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.results import link_columns, node_columns

_KIND_WORDS = ("kind", "类型", "type")
_SIDE_WORDS = ("side", "供回", "network_side")
_POINTS = {
    "node": "nodes", "junction": "nodes", "节点": "nodes",
    "consumer": "consumers", "user": "consumers", "substation": "consumers",
    "用户": "consumers", "热力站": "consumers",
    "plant": "plants", "source": "plants", "heat_source": "plants", "热源": "plants",
}  # fmt: skip
_LONGITUDE, _LATITUDE = 180.0, 90.0


def from_geojson(
    document: Any,
    source: str = "network.geojson",
    *,
    mirror: bool | None = None,
    tolerance_m: float = 0.5,
    near_m: float = 5.0,
    defaults: Mapping[str, float] | None = None,
) -> NetworkFile:
    """Return the network of a parsed GeoJSON feature collection.

    Args:
        document: The parsed JSON.
        source: Name of the file, for errors.
        mirror: Whether to make a return side; None: when no line says which side it is.
        tolerance_m: Ends no farther apart than this are one node.
        near_m: Ends that nearly meet, up to this distance, are reported.
        defaults: Values of pipes that name none, for example `diameter_m`.

    Raises:
        InputError: Something is wrong; it names thing, place and fix.
    """
    content = as_mapping(document, source, source)
    if content.get("type") != "FeatureCollection":
        raise InputError(
            "no feature collection", thing="type", place=source, fix="export a FeatureCollection"
        )
    draft = Draft(source=source)
    drawing = Drawing(crs=_crs(content, source))
    strange: set[str] = set()
    for number, feature in enumerate(as_list(content.get("features"), "features", source), 1):
        place = f"{source} feature {number}"
        _read_feature(as_mapping(feature, "feature", place), place, drawing, strange, defaults)
    for key in sorted(strange):
        draft.findings.append(
            ImportFinding(
                kind="ignored",
                thing=key,
                place=source,
                zh="未知属性，已忽略",
                en="unknown property, left out",
            )
        )
    draw(drawing, draft, tolerance_m=tolerance_m, near_m=near_m)
    if mirror is None:
        mirror = all(line.side == BOTH for line in drawing.lines)
    draft.lengthen()
    return assemble(draft, mirror=mirror)


def _crs(content: Mapping[str, Any], source: str) -> str:
    """Return the coordinate system: WGS84 unless the old `crs` member names another."""
    crs = content.get("crs")
    if crs is None:
        return WGS84
    if isinstance(crs, str):
        name = crs
    else:
        properties = as_mapping(as_mapping(crs, "crs", source).get("properties"), "crs", source)
        name = str(properties.get("name", ""))
    if not name:
        raise InputError("crs without a name", thing="crs", place=source, fix="name it, or drop it")
    return WGS84 if "CRS84" in name or name.endswith("4326") else name


def _read_feature(
    feature: Mapping[str, Any],
    place: str,
    drawing: Drawing,
    strange: set[str],
    defaults: Mapping[str, float] | None,
) -> None:
    geometry = as_mapping(feature.get("geometry"), "geometry", place)
    cells = dict(as_mapping(feature.get("properties") or {}, "properties", place))
    side = side_of(_taken(cells, _SIDE_WORDS, BOTH), place)
    kind = str(_taken(cells, _KIND_WORDS, "")).strip().casefold()
    if "name" not in cells and feature.get("id") is not None:
        cells["name"] = str(feature["id"])
    match geometry.get("type"):
        case "LineString":
            points = _coordinates(geometry, drawing.crs, place)
            if len(points) < 2:
                raise InputError("a line needs two points", place=place, fix="draw it again")
            values, unknown = read_cells("pipes", cells, place)
            for key, value in (defaults or {}).items():
                values.setdefault(key, value)
            values.setdefault("name", f"P{len(drawing.lines) + 1}")
            drawing.lines.append(Line(values=values, points=points, side=side, place=place))
        case "Point":
            section = _POINTS.get(kind or "node")
            if section is None:
                known = ", ".join(sorted(_POINTS))
                raise InputError("unknown kind", thing=kind, place=place, fix=f"use: {known}")
            (point,) = _coordinates(
                {"coordinates": [geometry.get("coordinates")]}, drawing.crs, place
            )
            values, unknown = read_cells(section, cells, place)
            drawing.spots.append(
                Spot(section=section, values=values, point=point, side=side, place=place)
            )
        case other:
            raise InputError(
                "neither a line nor a point",
                thing=str(other),
                place=place,
                fix="split it into LineString and Point features",
            )
    strange |= set(unknown)


def _taken(cells: dict[str, Any], words: tuple[str, ...], default: str) -> Any:
    found = default
    for word in words:
        value = cells.pop(word, None)
        found = value if value is not None and found == default else found
    return found


def _coordinates(
    geometry: Mapping[str, Any], crs: str, place: str
) -> tuple[tuple[float, float], ...]:
    points = []
    for point in as_list(geometry.get("coordinates"), "coordinates", place):
        numbers = as_list(point, "coordinates", place)
        if len(numbers) < 2:
            raise InputError("a point needs two numbers", place=place, fix="give [x, y]")
        x, y = (check_number(number, "coordinates", place) for number in numbers[:2])
        if crs == WGS84 and not (abs(x) <= _LONGITUDE and abs(y) <= _LATITUDE):
            raise InputError(
                "not a longitude and latitude",
                thing=f"{x:g}, {y:g}",
                place=place,
                fix='name the projected system in "crs"',
            )
        points.append((x, y))
    return tuple(points)


def to_geojson(file: NetworkFile, state: State | None = None) -> str:
    """Return a feature collection of nodes and links, with results if a state is given.

    Links whose ends have no place are left out; a number that is not known is null.

    Args:
        file: The network.
        state: What a solve found.
    """
    network = file.network
    nodes = node_columns(file, state)
    links = link_columns(file, state)
    features: list[dict[str, Any]] = []
    places = list(zip(network.x_m.tolist(), network.y_m.tolist(), strict=True))
    for node, place in enumerate(places):
        if math.isfinite(sum(place)):
            properties = {"kind": "node", **{key: column[node] for key, column in nodes.items()}}
            features.append(_feature("Point", list(place), properties))
    for link in range(network.n_link):
        start, end = places[int(network.from_node[link])], places[int(network.to_node[link])]
        line = file.shapes.get(network.link_names[link], (start, end))
        if not all(math.isfinite(x + y) for x, y in line):
            continue
        kind = LinkKind(int(network.kind[link])).name.lower()
        properties = {"kind": kind, **{key: column[link] for key, column in links.items()}}
        features.append(_feature("LineString", [list(point) for point in line], properties))
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if file.name:
        head["name"] = file.name
    if not file.degrees:
        # RFC 7946 knows WGS84 only; the older member says what these metres are.
        head["crs"] = {"type": "name", "properties": {"name": file.crs or "local metres"}}
    lines = ",\n".join(json.dumps(each, ensure_ascii=False, allow_nan=False) for each in features)
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    return f'{opening}, "features": [\n{lines}\n]}}\n'


def _feature(kind: str, coordinates: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in properties.items()
    }
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": plain}
