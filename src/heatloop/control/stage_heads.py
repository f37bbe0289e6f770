"""Heads of the pumps on the way: boosters, and the pumps of pressure-isolation stations.

At prescribed flows every pump shifts the pressure difference of all behind it by its own head, so
one solve is enough: each pump gets the head at which the worst consumer that only it can help has
just what it needs. Sources first, then boosters outward, isolation stations each for their zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.control.pump_head import waters_of
from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A pump on the way."""

    name: str
    """Name of its link."""
    links: tuple[str, ...]
    """All links that lead past it, its own, a bypass and the way back among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageHead:
    """Head of a pump on the way."""

    name: str
    """Name of its link."""
    head_kpa: float
    """Rise to hold; 0: it may stand, its bypass is enough."""
    flow_kgs: float
    """Flow it then gives."""
    inlet_kpa: float
    """Pressure at its inlet with the sources' heads as planned."""
    worst: str
    """Consumer that decides."""
    separable: bool
    """Whether consumers behind it are fed by it alone; else its head stays as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Regions:
    """Whom each pump on the way decides for."""

    of_node: Ints
    """Region of each node, shape (n_node,)."""
    order: tuple[tuple[int, int], ...]
    """(number of the stage, region above it) for every stage that feeds a region alone, the ones
    nearest to the sources first."""
    behind: Mapping[int, int]
    """Region behind each of these stages."""


def regions_of(
    network: Network, operation: Operation, stages: Sequence[Stage], lifts: Ints
) -> Regions:
    """Return the parts into which pumps on the way divide a network.

    Args:
        network: The network.
        operation: What is shut.
        stages: Its pumps on the way.
        lifts: Numbers of the sources' links.
    """
    index = network.link_index()
    cut = np.zeros(network.n_link, dtype=bool)
    for stage in stages:
        cut[[index[name] for name in stage.links]] = True
    # Supply and return of one region are joined by its consumers.
    mark = waters_of(network, ~operation.shut & ~cut)
    reached = set(mark[network.from_node[lifts]].tolist())
    order: list[tuple[int, int]] = []
    behind: dict[int, int] = {}
    left = list(range(len(stages)))
    while left:
        ready = [k for k in left if int(mark[network.from_node[index[stages[k].name]]]) in reached]
        if not ready:
            break
        for k in ready:
            above = int(mark[network.from_node[index[stages[k].name]]])
            far = int(mark[network.to_node[index[stages[k].name]]])
            left.remove(k)
            if far not in reached and far not in behind.values():
                order.append((k, above))
                behind[k] = far
        reached |= set(behind.values())
    return Regions(of_node=mark, order=tuple(order), behind=behind)


def behind_boosters(network: Network, regions: Regions, consumers: Ints) -> Flags:
    """Return which consumers a booster decides for, shape (n_consumer,)."""
    far = np.array(sorted(regions.behind.values()), dtype=np.int64)
    return np.isin(regions.of_node[network.from_node[consumers]], far)


def booster_heads(
    network: Network,
    state: State,
    stages: Sequence[Stage],
    regions: Regions,
    *,
    consumers: Ints,
    least_kpa: float,
    shift_kpa: float,
) -> list[StageHead]:
    """Return the head of every booster, in the order of `stages`.

    Args:
        network: The network.
        state: The solve of prescribed flows.
        stages: Its boosters.
        regions: Of `regions_of`.
        consumers: Numbers of the consumers' links.
        least_kpa: Pressure difference each consumer needs.
        shift_kpa: By how much the sources' heads are raised against the solve.
    """
    index = network.link_index()
    drop = _drop(network, state, consumers)
    where = regions.of_node[network.from_node[consumers]]
    # By how much each region's supply side lies higher than in the solve.
    shifts: dict[int, float] = {}
    found: dict[int, StageHead] = {}
    for k, above in regions.order:
        raised = shifts.get(above, shift_kpa)
        link = index[stages[k].name]
        rise = _rise(network, state, link)
        mine = np.flatnonzero(where == regions.behind[k])
        # Without a pump the water takes the bypass, which costs what it costs.
        own, worst = -rise if not len(mine) else -np.inf, ""
        if len(mine):
            margin = drop[mine] + raised - least_kpa
            worst = network.link_names[int(consumers[mine[margin.argmin()]])]
            own = max(-float(margin.min()), -rise)
        shifts[regions.behind[k]] = raised + own
        found[k] = _stage(network, state, link, max(rise + own, 0.0), raised, worst)
    for k, stage in enumerate(stages):
        if k not in found:
            link = index[stage.name]
            rise = max(_rise(network, state, link), 0.0)
            found[k] = _stage(network, state, link, rise, shift_kpa, "", separable=False)
    return [found[k] for k in range(len(stages))]


def isolation_heads(
    network: Network,
    operation: Operation,
    state: State,
    stages: Sequence[Stage],
    *,
    least_kpa: float,
) -> list[StageHead]:
    """Return the head of every isolation station's pump for the worst consumer of its zone.

    Args:
        network: The network.
        operation: What is shut.
        state: A solve of prescribed flows.
        stages: Pumps of its isolation stations.
        least_kpa: Pressure difference each consumer needs.
    """
    mark = waters_of(network, ~operation.shut)
    takes = np.isin(network.kind, (LinkKind.FLOW, LinkKind.HEAT)) & ~operation.shut
    consumers = np.flatnonzero(takes).astype(np.int64)
    drop = _drop(network, state, consumers)
    index, found = network.link_index(), []
    for stage in stages:
        link = index[stage.name]
        mine = np.flatnonzero(mark[network.from_node[consumers]] == mark[network.from_node[link]])
        rise = _rise(network, state, link)
        if not len(mine):
            found.append(_stage(network, state, link, max(rise, 0.0), 0.0, "", separable=False))
            continue
        at = int(mine[(drop[mine]).argmin()])
        head = max(rise + least_kpa - float(drop[at]), 0.0)
        worst = network.link_names[int(consumers[at])]
        found.append(_stage(network, state, link, head, 0.0, worst))
    return found


def _stage(
    network: Network,
    state: State,
    link: int,
    head_kpa: float,
    raised_kpa: float,
    worst: str,
    *,
    separable: bool = True,
) -> StageHead:
    return StageHead(
        name=network.link_names[link],
        head_kpa=head_kpa,
        flow_kgs=float(state.flow_kgs[link]),
        inlet_kpa=float(state.pressure_kpa[network.from_node[link]]) + raised_kpa,
        worst=worst,
        separable=separable,
    )


def _rise(network: Network, state: State, link: int) -> float:
    start, end = network.from_node[link], network.to_node[link]
    return float(state.pressure_kpa[end] - state.pressure_kpa[start])


def _drop(network: Network, state: State, consumers: Ints) -> Floats:
    a, b = network.from_node[consumers], network.to_node[consumers]
    alive = state.supplied[a] & state.supplied[b]
    return np.asarray(np.where(alive, state.pressure_kpa[a] - state.pressure_kpa[b], np.inf))
