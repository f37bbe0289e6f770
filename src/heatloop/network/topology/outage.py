"""Who loses supply when links are shut, and which valves shut off a burst."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.graph import Adjacency, adjacency, distances, reached
from heatloop.network.topology.roles import Roles, roles

_SAME_M = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """What shutting links means for the consumers."""

    lost: tuple[str, ...]
    """Consumers that were served and are not any more."""
    rerouted: tuple[str, ...]
    """Consumers still served, whose shortest way from or to a plant was cut."""
    unserved: tuple[str, ...]
    """Consumers that were not served before either."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """How a burst is shut off."""

    possible: bool
    """Whether valves can do it; if not, the plants named in `plants` must stop."""
    valves: tuple[str, ...]
    """Valves to close."""
    links: tuple[str, ...]
    """Links that stand without pressure then, the burst one included."""
    outage: Outage
    """What it means for the consumers."""
    plants: tuple[str, ...]
    """Plants that no valve separates from the burst."""


def _links(network: Network, names: Iterable[str]) -> list[int]:
    index = network.link_index()
    found = []
    for name in names:
        if name not in index:
            raise InputError("no such link", thing=name, place="network", fix="name a link")
        found.append(index[name])
    return found


def _service(network: Network, operation: Operation, found: Roles, shut: Flags) -> Floats:
    """Return the length of the way from and to a plant of each link, inf if it is not served.

    An exchanger's cold side serves only as long as its own hot side is served, so it is asked
    again until nothing changes.
    """
    near = adjacency(network, found.leads & ~shut)
    weight = network.length_m.tolist()
    works = found.plant & ~shut
    fed = np.flatnonzero(np.isfinite(operation.source_c)).tolist()
    while True:
        go, _, _ = distances(near, weight, {*network.to_node[works].tolist(), *fed})
        back, _, _ = distances(near, weight, set(network.from_node[works].tolist()))
        way = np.where(shut, np.inf, go[network.from_node] + back[network.to_node])
        alive = works.copy()
        alive[network.cold_link] &= np.isfinite(way[network.hot_link])
        if np.array_equal(alive, works):
            return way
        works = alive


def affected(network: Network, operation: Operation, closed: Sequence[str]) -> Outage:
    """Return which consumers lose supply, or are only fed another way, when links are shut.

    Args:
        network: The network.
        operation: What is shut already.
        closed: Names of links shut in addition.

    Raises:
        InputError: No such link.
    """
    found = roles(network, operation)
    shut = operation.shut.copy()
    before = _service(network, operation, found, shut)
    shut[_links(network, closed)] = True
    after = _service(network, operation, found, shut)

    def named(mask: Flags) -> tuple[str, ...]:
        picked = np.flatnonzero(mask & found.consumer).tolist()
        return tuple(network.link_names[link] for link in picked)

    was, still = np.isfinite(before), np.isfinite(after)
    # Both may be inf, and inf - inf is no number.
    longer = np.zeros(network.n_link, np.bool_)
    longer[still] = after[still] > before[still] + _SAME_M
    return Outage(lost=named(was & ~still), rerouted=named(longer), unserved=named(~was))


def closable_valves(network: Network) -> Flags:
    """Return the links people can shut: valves, shape (n_link,)."""
    return np.asarray(network.kind == LinkKind.VALVE)


def isolate(
    network: Network,
    operation: Operation,
    burst: str,
    *,
    closable: Flags | None = None,
    nearest: bool = False,
) -> Isolation:
    """Return the valves to close around a burst link.

    Water reaches a burst from every plant, held pressure and feed, through consumers as well: a
    burst supply pipe is also fed backwards out of the return pipe.

    Args:
        network: The network.
        operation: What is shut already.
        burst: Name of the burst link.
        closable: Links that can be shut, shape (n_link,); None: every valve.
        nearest: All valves next to the burst (least water lost, fewest consumers) instead of the
            smallest number of valves.

    Raises:
        InputError: No such link.
    """
    link = _links(network, [burst])[0]
    can = closable_valves(network) if closable is None else closable.copy()
    can[link] = False
    can &= ~operation.shut
    near = adjacency(network, ~operation.shut)
    ends = [int(network.from_node[link]), int(network.to_node[link])]
    feeds = _feeds(network, operation)
    cut = _boundary(near, can, ends) if nearest else _fewest(near, can, ends, feeds)
    shut = operation.shut.copy()
    if cut is not None:
        shut[cut] = True
    dry = reached(adjacency(network, ~shut), ends)
    possible = cut is not None and not np.any(dry[list(feeds)])
    if not possible:
        # What no valve holds back: the plants reached without passing a valve.
        dry = reached(adjacency(network, ~(operation.shut | can)), ends)
        plant = roles(network, operation).plant
        wet = np.flatnonzero(plant & (dry[network.from_node] | dry[network.to_node])).tolist()
        held = [network.node_names[n] for n in feeds if dry[n] and network.pressure_held[n]]
        names = (*(network.link_names[n] for n in wet), *held)
        return Isolation(
            possible=False,
            valves=(),
            links=(burst,),
            outage=affected(network, operation, [burst, *(network.link_names[n] for n in wet)]),
            plants=tuple(dict.fromkeys(names)),
        )
    valves = tuple(network.link_names[n] for n in sorted(cut or ()))
    inside = np.flatnonzero(dry[network.from_node] & dry[network.to_node] & ~shut).tolist()
    return Isolation(
        possible=True,
        valves=valves,
        links=tuple(network.link_names[n] for n in inside),
        outage=affected(network, operation, (*valves, burst)),
        plants=(),
    )


def _feeds(network: Network, operation: Operation) -> set[int]:
    """Return the nodes that can send water into a burst for ever."""
    plant = roles(network, operation).plant
    plant[network.cold_link] = False
    nodes = {*network.from_node[plant].tolist(), *network.to_node[plant].tolist()}
    nodes |= set(np.flatnonzero(network.pressure_held).tolist())
    nodes |= set(np.flatnonzero(operation.outflow_kgs < 0.0).tolist())
    return nodes | set(np.flatnonzero(np.isfinite(operation.source_c)).tolist())


def _boundary(near: Adjacency, can: Flags, seeds: list[int]) -> list[int]:
    """Return every closable link first met on the ways out of the seeds."""
    seen, waiting, met = set(seeds), list(seeds), set()
    while waiting:
        for node, link in near[waiting.pop()]:
            if can[link]:
                met.add(link)
            elif node not in seen:
                seen.add(node)
                waiting.append(node)
    return sorted(met)


def _fewest(near: Adjacency, can: Flags, seeds: list[int], feeds: set[int]) -> list[int] | None:
    """Return the smallest set of closable links between seeds and feeds, nearest to the seeds.

    Returns None when a way without any closable link leads to a feed.

    Reference: unit-capacity maximum flow, Ford and Fulkerson (doi 10.4153/CJM-1956-045-5).
    """
    used: dict[int, int] = {}  # closable link -> node the unit of flow leaves it by
    while True:
        came: dict[int, tuple[int, int]] = dict.fromkeys(seeds, (-1, -1))
        waiting = deque(seeds)
        goal = -1
        while waiting and goal < 0:
            at = waiting.popleft()
            if at in feeds:
                goal = at
                break
            for node, link in near[at]:
                # A used valve is passed only against the flow already on it.
                full = can[link] and link in used and used[link] == node
                if node not in came and not full:
                    came[node] = (at, link)
                    waiting.append(node)
        if goal < 0:
            met = {link for at in came for node, link in near[at] if node not in came}
            return sorted(link for link in met if can[link])
        open_way = True
        while came[goal][1] >= 0:
            at, link = came[goal]
            if can[link]:
                open_way = False
                if link in used:
                    del used[link]
                else:
                    used[link] = goal
            goal = at
        if open_way:
            return None
