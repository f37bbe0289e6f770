"""From lines and points on a map to rows: ends that meet become nodes, points find their node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.topology.joining import Joined, join_ends, line_length_m
from heatloop.network.topology.places import segment_distance_m, to_metres
from heatloop.store.networks.draft import WGS84, Draft, ImportFinding
from heatloop.store.networks.drawing import BOTH, RETURN, SUPPLY, Drawing, Line, Spot


@dataclass(slots=True)
class _Layer:
    """The nodes of one side."""

    names: list[str]
    place_m: Floats
    drawn: list[tuple[float, float]]


def draw(drawing: Drawing, draft: Draft, *, tolerance_m: float, near_m: float) -> None:
    """Add the rows of a drawing to a draft.

    Args:
        drawing: Lines and points.
        draft: Where nodes, pipes, consumers and plants go; `crs` is set.
        tolerance_m: Ends and points no farther apart than this are one place.
        near_m: What is farther, but no farther than this, is reported.

    Raises:
        InputError: There is no line, or a consumer or plant stands at no pipe's end.
    """
    draft.crs = drawing.crs
    if not drawing.lines:
        raise InputError(
            "no pipes drawn", thing="pipes", place=draft.source, fix="give lines of two points"
        )
    origin = _origin(drawing)
    layers: dict[str, _Layer] = {}
    for side in (SUPPLY, RETURN, BOTH):
        lines = [line for line in drawing.lines if line.side == side]
        if lines:
            layers[side] = _lay(drawing, draft, lines, side, origin, (tolerance_m, near_m))
    for spot in drawing.spots:
        if spot.section != "nodes":
            _put(spot, layers, draft, (tolerance_m, near_m), _metres(drawing, [spot.point], origin))


def _origin(drawing: Drawing) -> tuple[float, float]:
    x, y = drawing.lines[0].points[0]
    return x, y


def _metres(
    drawing: Drawing, points: Sequence[tuple[float, float]], origin: tuple[float, float]
) -> Floats:
    places = np.array(points, np.float64).reshape(-1, 2)
    return to_metres(places, origin) if drawing.crs == WGS84 else places


def _lay(
    drawing: Drawing,
    draft: Draft,
    lines: list[Line],
    side: str,
    origin: tuple[float, float],
    reach: tuple[float, float],
) -> _Layer:
    """Add the nodes and pipes of one side."""
    drawn = [point for line in lines for point in (line.points[0], line.points[-1])]
    ends = _metres(drawing, drawn, origin)
    joined = join_ends(ends, reach[0], reach[1])
    first = {int(node): end for end, node in reversed(list(enumerate(joined.node.tolist())))}
    places = [drawn[first[node]] for node in range(len(joined.place))]
    names: list[str] = [""] * len(places)
    more: list[dict[str, Any]] = [{} for _ in places]
    for spot in drawing.spots:
        if spot.section == "nodes" and spot.side in (side, BOTH):
            _name_node(spot, joined, _metres(drawing, [spot.point], origin), (names, more), reach)
    mark = {SUPPLY: "S", RETURN: "R", BOTH: "N"}[side]
    taken = {row.values["name"] for row in draft.rows("nodes")} | set(names)
    for node, name in enumerate(names):
        if not name:
            own = f"{mark}{node + 1}"
            names[node] = own if own not in taken else f"{own}*"
        x, y = places[node]
        values = {**more[node], "name": names[node], "x_m": x, "y_m": y}
        draft.add("nodes", f"{draft.source} nodes", **values)
    _report_near(draft, joined, names)
    for number, line in enumerate(lines):
        start, end = names[joined.node[2 * number]], names[joined.node[2 * number + 1]]
        _add_pipe(drawing, draft, line, (start, end), origin)
    _report_ends_on_pipes(drawing, draft, lines, joined, names, origin, reach[1])
    return _Layer(names, joined.place, places)


def _name_node(
    spot: Spot,
    joined: Joined,
    at_m: Floats,
    found: tuple[list[str], list[dict[str, Any]]],
    reach: tuple[float, float],
) -> None:
    far = np.hypot(*(joined.place - at_m[0]).T)
    node = int(far.argmin())
    name = str(spot.values.get("name", ""))
    if far[node] > reach[0]:
        raise InputError(
            f"the node is {far[node]:.1f} m away from the nearest end of a pipe",
            thing=name,
            place=spot.place,
            fix=f"move it, or allow a tolerance of {far[node]:.1f} m",
        )
    if found[0][node]:
        raise InputError(
            f"stands at the place of {found[0][node]}", thing=name, place=spot.place, fix="drop one"
        )
    found[0][node] = name
    found[1][node] = {key: v for key, v in spot.values.items() if key not in ("x_m", "y_m")}


def _report_near(draft: Draft, joined: Joined, names: list[str]) -> None:
    for a, b, gap in joined.near:
        draft.findings.append(
            ImportFinding(
                kind="nearly_meets",
                thing=f"{names[a]}, {names[b]}",
                place=draft.source,
                zh=f"两处管端相距 {gap:.2f} m，未连接",
                en=f"pipe ends {gap:.2f} m apart were not joined",
            )
        )


def _add_pipe(
    drawing: Drawing,
    draft: Draft,
    line: Line,
    ends: tuple[str, str],
    origin: tuple[float, float],
) -> None:
    values = dict(line.values)
    if "length_m" not in values:
        values["length_m"] = line_length_m(_metres(drawing, line.points, origin))
    if ends[0] == ends[1]:
        raise InputError(
            "both ends of the pipe are one node",
            thing=str(values.get("name", "")),
            place=line.place,
            fix="lower the tolerance, or drop the pipe",
        )
    points = line.points if len(line.points) > 2 else None
    draft.add("pipes", line.place, **{**values, "from": ends[0], "to": ends[1], "points": points})


def _report_ends_on_pipes(
    drawing: Drawing,
    draft: Draft,
    lines: list[Line],
    joined: Joined,
    names: list[str],
    origin: tuple[float, float],
    near_m: float,
) -> None:
    """Tell of dead ends that lie on the middle of another pipe: a tee that was not drawn."""
    degree = np.bincount(joined.node, minlength=len(joined.place))
    lonely = np.flatnonzero(degree == 1)
    if not len(lonely):
        return
    metres = [_metres(drawing, line.points, origin) for line in lines]
    starts = np.vstack([points[:-1] for points in metres])
    stops = np.vstack([points[1:] for points in metres])
    owner = np.repeat(np.arange(len(lines)), [len(points) - 1 for points in metres])
    own_line = {int(joined.node[end]): end // 2 for end in range(len(joined.node))}
    for node in lonely.tolist():
        others = owner != own_line[node]
        if not others.any():
            continue
        far, which = segment_distance_m(joined.place[[node]], starts[others], stops[others])
        if far[0] <= near_m and not _at_an_end(joined, node, near_m):
            other = lines[int(owner[others][which[0]])]
            name = other.values.get("name", "")
            draft.findings.append(
                ImportFinding(
                    kind="end_on_pipe",
                    thing=names[node],
                    place=other.place,
                    zh=f"管端落在管道 {name} 中段（{far[0]:.2f} m），未连接",
                    en=f"an end lies on the middle of {name} ({far[0]:.2f} m off) and was not "
                    "joined; split that pipe there",
                )
            )


def _at_an_end(joined: Joined, node: int, near_m: float) -> bool:
    far = np.hypot(*(joined.place - joined.place[node]).T)
    far[node] = np.inf
    return bool(far.min() <= near_m)


def _put(
    spot: Spot, layers: dict[str, _Layer], draft: Draft, reach: tuple[float, float], at_m: Floats
) -> None:
    """Add a consumer or plant at the node it stands at, or between supply and return node."""
    found: dict[str, str] = {}
    for side, layer in layers.items():
        far = np.hypot(*(layer.place_m - at_m[0]).T)
        node = int(far.argmin())
        name = str(spot.values.get("name", ""))
        if far[node] > reach[1]:
            where = {SUPPLY: "supply pipe", RETURN: "return pipe", BOTH: "pipe"}[side]
            raise InputError(
                f"stands {far[node]:.1f} m away from the nearest end of a {where}",
                thing=name,
                place=spot.place,
                fix="move it to the pipe's end, or allow a greater distance",
            )
        if far[node] > reach[0]:
            draft.findings.append(
                ImportFinding(
                    kind="off_pipe",
                    thing=name,
                    place=spot.place,
                    zh=f"距管端 {far[node]:.2f} m，已接到 {layer.names[node]}",
                    en=f"{far[node]:.2f} m off the end of its pipe, put at {layer.names[node]}",
                )
            )
        found[side] = layer.names[node]
    values = {key: v for key, v in spot.values.items() if key not in ("x_m", "y_m")}
    if BOTH in found:
        draft.add(spot.section, spot.place, **{**values, "node": found[BOTH]})
        return
    if len(found) < 2:
        raise InputError(
            "only one side is drawn",
            thing=str(values.get("name", "")),
            place=spot.place,
            fix="draw supply and return, or neither",
        )
    ends = (found[SUPPLY], found[RETURN])
    start, end = ends if spot.section == "consumers" else ends[::-1]
    draft.add(spot.section, spot.place, **{**values, "from": start, "to": end})
