"""Primary flow of every unit, and what its valve must be for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.control.flow_distribution import shares_kgs, valves_for
from heatloop.control.pump_head import waters_of
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.plant.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitFlow:
    """Primary flow of one unit, and what its valve must be for it."""

    unit: str
    """Unit code."""
    flow_kgs: float
    """Flow."""
    arrives_c: float
    """Temperature that arrives."""
    opening_pct: float
    """Opening of its valve; 100 where that is too small."""
    spare_kpa: float
    """Pressure left for the valve."""
    short: bool
    """Whether the valve cannot pass the flow."""


def distribution(
    ledger: Ledger,
    sources: Sequence[str],
    total_kgs: float,
    made: LedgerNetwork,
    op: Operation,
    state: State,
) -> tuple[list[UnitFlow], float]:
    """Return what each unit's valve must be, and the share of the flow wanted that there is.

    Args:
        ledger: The ledger.
        sources: Codes of the sources that feed it.
        total_kgs: Flow they can give.
        made: The network.
        op: Operating point the state was solved at.
        state: Its flows and pressures.
    """
    net = made.network
    # As the ledger has them: valve and exchanger of each unit in series.
    other = network_of(ledger).network
    at = other.link_index()
    heat = np.flatnonzero((net.kind == LinkKind.HEAT) & ~op.shut)
    rows = [
        link
        for link in heat.tolist()
        if f"{net.link_names[link]}.valve" in at and state.supplied[net.from_node[link]]
    ]
    if not rows:
        return [], 1.0
    links = np.array(rows)
    names = [net.link_names[link] for link in rows]
    wanted = state.flow_kgs[links]
    inlet, outlet = state.inlet_c[links], op.outlet_c[links]
    warm = inlet > outlet + 0.1
    # What flows behind plates is no flow of the sources.
    waters = waters_of(net, ~op.shut)
    lifts = [net.link_index()[c] for c in sources if c in net.link_index()]
    primary = np.isin(waters[net.from_node[links]], waters[net.from_node[lifts]]) & warm
    shared = shares_kgs(np.where(primary, op.demand_kw[links], 0.0), inlet, outlet, total_kgs)
    flow = np.where(primary, shared, wanted)
    share = float(shared.sum() / max(float(wanted[primary].sum()), 1e-9))
    valves = np.array([at[f"{name}.valve"] for name in names])
    rest = other.resistance_kpa_kgs2[[at[name] for name in names]] * flow**2
    drop = state.pressure_kpa[net.from_node[links]] - state.pressure_kpa[net.to_node[links]]
    told = valves_for(flow, drop, rest, other.kvs_m3h[valves], float(other.rangeability[valves[0]]))
    units = [
        UnitFlow(
            unit=made.asset_of[name],
            flow_kgs=float(flow[k]),
            arrives_c=float(inlet[k]),
            opening_pct=float(told.opening_pct[k]),
            spare_kpa=float(told.spare_kpa[k]),
            short=bool(told.short[k]),
        )
        for k, name in enumerate(names)
    ]
    return units, min(share, 1.0)
