"""Heads of the sources' pumps and of all pumps on the way at one operating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from heatloop.control.pump_head import Heads, pump_heads
from heatloop.control.stage_heads import (
    Stage,
    StageHead,
    behind_boosters,
    booster_heads,
    isolation_heads,
    regions_of,
)
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.topology.from_ledger import LedgerNetwork

LEAST_DP_KPA = 100.0
"""Pressure difference a station needs: exchanger, valve with authority, meter and strainer."""
_ROUNDS = 4
_SETTLED_KPA = 1.0


def stages_of(made: LedgerNetwork) -> tuple[list[Stage], list[Stage]]:
    """Return the boosters and the isolation stations' pumps of a ledger's network."""
    boosters: list[Stage] = []
    isolations: list[Stage] = []
    for links in made.links.values():
        for name in links:
            if made.network.kind[made.network.link_index()[name]] != LinkKind.PUMP:
                continue
            if name.endswith(".pump"):
                isolations.append(Stage(name=name, links=(name,)))
            else:
                boosters.append(Stage(name=name, links=tuple(links)))
    return boosters, isolations


def heads_of(
    made: LedgerNetwork,
    operation: Operation,
    lifts: Sequence[str],
    share: Mapping[str, float],
    demand_kw: float,
) -> tuple[Heads, list[tuple[str, StageHead]]]:
    """Return the heads of sources and of all pumps on the way at an operating point.

    An isolation station's primary side takes what pressure gives it, so heads are looked for again
    until they stay.

    Args:
        made: The network.
        operation: The operating point; its lifts and speeds are where to begin.
        lifts: Names of the sources' links.
        share: Share of the flow each source gives.
        demand_kw: Heat of all consumers.

    Raises:
        InputError: Flows do not settle.
    """
    net = made.network
    index = net.link_index()
    boosters, isolations = stages_of(made)
    numbers = np.array([index[code] for code in lifts], dtype=np.int64)
    regions = regions_of(net, operation, boosters, numbers)
    takes = np.flatnonzero((net.kind == LinkKind.HEAT) & ~operation.shut).astype(np.int64)
    behind = takes[behind_boosters(net, regions, takes)]
    apart = {net.link_names[i] for i in behind.tolist()}
    # The source with most to give balances; the others give their share.
    back_c = float(operation.outlet_c[takes].mean())
    supply_c = float(operation.outlet_c[numbers].max())
    flow = demand_kw / (4.187 * max(supply_c - back_c, 5.0))
    free = max(lifts, key=lambda code: share.get(code, 0.0))
    told = {code: flow * share.get(code, 0.0) for code in lifts if code != free}
    op, before = operation.copy(), np.full(len(lifts), np.inf)
    for _ in range(_ROUNDS):
        heads = pump_heads(net, op, flows_kgs=told, least_kpa=LEAST_DP_KPA, apart=apart)
        found = booster_heads(
            net, heads.state, boosters, regions,
            consumers=heads.consumer, least_kpa=LEAST_DP_KPA, shift_kpa=heads.shift_kpa,
        )  # fmt: skip
        stages = [("booster", each) for each in found]
        stages += [
            ("isolation", each)
            for each in isolation_heads(net, op, heads.state, isolations, least_kpa=LEAST_DP_KPA)
        ]
        kpa = np.array([heads.head_kpa[code] for code in lifts])
        if not stages or np.abs(kpa - before).max() <= _SETTLED_KPA:
            break
        before = kpa
        held(net, op, heads, stages, heads.state)
    return heads, stages


def held(
    network: Network,
    operation: Operation,
    heads: Heads,
    stages: Sequence[tuple[str, StageHead]],
    state: State,
) -> None:
    """Set lifts and pump speeds of an operating point to these heads."""
    index = network.link_index()
    for name, kpa in heads.head_kpa.items():
        operation.lift_kpa[index[name]] = kpa
    for _, stage in stages:
        link = index[stage.name]
        flow = max(float(state.flow_kgs[link]), 0.0)
        fall = network.fall_kpa_kgs2[link] * flow**2 + network.fall_kpa_kgs[link] * flow
        top = max(float(network.shutoff_kpa[link]), 1e-6)
        operation.speed[link] = float(np.sqrt(max(stage.head_kpa + fall, 0.0) / top))
