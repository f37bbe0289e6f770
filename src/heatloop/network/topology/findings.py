"""What looks wrong in a network's shape, as findings in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.crossing import crossings
from heatloop.network.topology.paths import source_distance_m
from heatloop.network.topology.places import to_metres
from heatloop.network.topology.roles import RETURN, SUPPLY, Roles, roles
from heatloop.network.topology.weak import islands

Shapes = Mapping[str, Sequence[tuple[float, float]]]
_JUMP = 2.0
_WIDENS = 1.3
_SAME_LENGTH = 0.1
_FAR_M = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapeFinding:
    """Something in a network's shape that looks wrong."""

    kind: str
    """same_side | reversed | short_circuit | dead_end | parallel | crossing | widens | jump |
    too_short | node_off_pipe | island."""
    thing: str
    """Name of the link or node."""
    other: str
    """Name of the second one concerned, or empty."""
    zh: str
    """What is wrong, in Chinese."""
    en: str
    """What is wrong, in English."""


def check_shape(
    network: Network,
    operation: Operation,
    *,
    shapes: Shapes | None = None,
    degrees: bool = False,
    far_m: float = _FAR_M,
) -> tuple[ShapeFinding, ...]:
    """Return everything in a network's shape that looks wrong.

    Args:
        network: The network.
        operation: What is set.
        shapes: Points each pipe is drawn through, by link name.
        degrees: Whether places are longitude and latitude; else they are metres.
        far_m: A node farther than this from the end of its drawn pipe is reported.
    """
    found = roles(network, operation)
    shapes = shapes or {}
    if degrees:
        network, shapes = _in_metres(network, shapes)
    checks = (
        _sides(network, operation, found),
        _dead_ends(network, operation),
        _parallel(network),
        _widths(network, operation, found),
        _lengths(network),
        _off_pipe(network, shapes, far_m),
        _crossed(network, found, shapes),
        _islands(network, operation),
    )
    return tuple(finding for check in checks for finding in check)


def _in_metres(network: Network, shapes: Shapes) -> tuple[Network, Shapes]:
    places = _places(network)
    known = places[np.isfinite(places).all(axis=1)]
    if not len(known):
        return network, {}
    origin = (float(known[0, 0]), float(known[0, 1]))
    metres = to_metres(places, origin)
    moved = {
        name: [(float(x), float(y)) for x, y in to_metres(np.array(points, np.float64), origin)]
        for name, points in shapes.items()
    }
    return replace(network, x_m=metres[:, 0].copy(), y_m=metres[:, 1].copy()), moved


def _sides(network: Network, operation: Operation, found: Roles) -> Iterator[ShapeFinding]:
    start, end = found.side[network.from_node], found.side[network.to_node]
    names = {SUPPLY: ("供水侧", "supply side"), RETURN: ("回水侧", "return side")}
    # A loop of one exchanger side with its own pump has no sides to mix up.
    for link in np.flatnonzero(found.consumer & ~operation.shut).tolist():
        name, a, b = network.link_names[link], int(start[link]), int(end[link])
        if a == b and a in names:
            zh, en = names[a]
            yield ShapeFinding(
                kind="same_side",
                thing=name,
                other="",
                zh=f"用户两端都接在{zh}",
                en=f"both ends of this consumer are on the {en}",
            )
        elif a == RETURN and b == SUPPLY:
            yield ShapeFinding(
                kind="reversed",
                thing=name,
                other="",
                zh="用户供回水接反",
                en="this consumer leads from the return side to the supply side",
            )
    for link in found.shorts.tolist():
        yield ShapeFinding(
            kind="short_circuit",
            thing=network.link_names[link],
            other="",
            zh="供水侧与回水侧直接连通",
            en="joins supply side and return side without a consumer",
        )


def _dead_ends(network: Network, operation: Operation) -> Iterator[ShapeFinding]:
    ends = np.concatenate([network.from_node, network.to_node])
    degree = np.bincount(ends, minlength=network.n_node)
    used = network.pressure_held | (operation.outflow_kgs != 0.0)
    used |= np.isfinite(operation.source_c)
    for node in np.flatnonzero((degree <= 1) & ~used).tolist():
        yield ShapeFinding(
            kind="dead_end",
            thing=network.node_names[node],
            other="",
            zh="末端无用户、无热源",
            en="a dead end: one link, and neither consumer nor plant",
        )


def _parallel(network: Network) -> Iterator[ShapeFinding]:
    seen: dict[tuple[int, int], list[int]] = {}
    for link in np.flatnonzero(network.kind == LinkKind.PIPE).tolist():
        pair = sorted((int(network.from_node[link]), int(network.to_node[link])))
        for other in seen.setdefault((pair[0], pair[1]), []):
            lengths = sorted((float(network.length_m[link]), float(network.length_m[other])))
            if lengths[1] - lengths[0] <= _SAME_LENGTH * lengths[1]:
                yield ShapeFinding(
                    kind="parallel",
                    thing=network.link_names[link],
                    other=network.link_names[other],
                    zh="两根管道起止点和长度相同，疑似重复",
                    en="two pipes of one length between the same nodes, maybe entered twice",
                )
        seen[pair[0], pair[1]].append(link)


def _widths(network: Network, operation: Operation, found: Roles) -> Iterator[ShapeFinding]:
    """Yield pipes wider than all that feed them, and jumps along one line."""
    far = source_distance_m(network, operation)
    pipes: list[list[int]] = [[] for _ in range(network.n_node)]
    others = np.zeros(network.n_node, np.int64)
    is_pipe = network.kind == LinkKind.PIPE
    np.add.at(others, network.from_node[~is_pipe], 1)
    np.add.at(others, network.to_node[~is_pipe], 1)
    for link in np.flatnonzero(is_pipe).tolist():
        pipes[network.from_node[link]].append(link)
        pipes[network.to_node[link]].append(link)
    for node, own in enumerate(pipes):
        if len(own) < 2 or not np.isfinite(far[node]):
            continue
        away = {link: float(far[_end(network, link, node)] - far[node]) for link in own}
        feeding = [link for link in own if away[link] < 0.0]
        widest = max((float(network.diameter_m[link]) for link in feeding), default=0.0)
        fed = [link for link in own if away[link] > 0.0]
        for link in fed:
            ratio = float(network.diameter_m[link]) / widest if widest else 0.0
            # A plant or a pump at the node may feed it as well.
            if ratio > _WIDENS and not others[node]:
                yield _width("widens", network, link, feeding[0], ratio)
        if len(own) == 2 and len(feeding) == len(fed) == 1 and not others[node]:
            ratio = float(network.diameter_m[feeding[0]] / network.diameter_m[fed[0]])
            if ratio > _JUMP:
                yield _width("jump", network, fed[0], feeding[0], ratio)


def _end(network: Network, link: int, node: int) -> int:
    start, end = int(network.from_node[link]), int(network.to_node[link])
    return start if end == node else end


def _width(kind: str, network: Network, link: int, other: int, ratio: float) -> ShapeFinding:
    zh, en = {
        "widens": ("下游管径大于上游", "wider than every pipe that feeds it"),
        "jump": ("管径突变，且无分支", "much narrower than the pipe before it, without a branch"),
    }[kind]
    return ShapeFinding(
        kind=kind,
        thing=network.link_names[link],
        other=network.link_names[other],
        zh=f"{zh}（{ratio:.1f} 倍）",
        en=f"{en} (x {ratio:.1f})",
    )


def _places(network: Network) -> Floats:
    return np.column_stack([network.x_m, network.y_m])


def _lengths(network: Network) -> Iterator[ShapeFinding]:
    at = _places(network)
    apart = np.hypot(*(at[network.to_node] - at[network.from_node]).T)
    is_pipe = network.kind == LinkKind.PIPE
    with np.errstate(invalid="ignore"):
        short = is_pipe & (network.length_m < 0.9 * apart - 1.0)
    for link in np.flatnonzero(short).tolist():
        length, straight = network.length_m[link], apart[link]
        yield ShapeFinding(
            kind="too_short",
            thing=network.link_names[link],
            other="",
            zh=f"长度 {length:.1f} m 小于两端直线距离 {straight:.1f} m",
            en=f"{length:.1f} m long, but its ends are {straight:.1f} m apart",
        )


def _off_pipe(network: Network, shapes: Shapes, far_m: float) -> Iterator[ShapeFinding]:
    links = network.link_index()
    at = _places(network)
    for name, points in shapes.items():
        if name not in links or len(points) < 2:
            continue
        for node, point in (
            (int(network.from_node[links[name]]), points[0]),
            (int(network.to_node[links[name]]), points[-1]),
        ):
            gap = float(np.hypot(*(at[node] - np.asarray(point, np.float64))))
            if gap > far_m:
                yield ShapeFinding(
                    kind="node_off_pipe",
                    thing=network.node_names[node],
                    other=name,
                    zh=f"节点距其管道端点 {gap:.1f} m",
                    en=f"{gap:.1f} m away from the end of its pipe",
                )


def _crossed(network: Network, found: Roles, shapes: Shapes) -> Iterator[ShapeFinding]:
    for link, other in crossings(network, found.side, shapes):
        yield ShapeFinding(
            kind="crossing",
            thing=network.link_names[link],
            other=network.link_names[other],
            zh="两根管道相交但无连接点",
            en="two pipes cross without a junction",
        )


def _islands(network: Network, operation: Operation) -> Iterator[ShapeFinding]:
    for island in islands(network, operation):
        yield ShapeFinding(
            kind="island",
            thing=island.nodes[0],
            other="",
            zh=f"{len(island.nodes)} 个节点与定压点不连通",
            en=f"{len(island.nodes)} nodes are not joined to any held pressure",
        )
