"""What each link is for: giving heat, taking it, or leading water; and which side it stands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.graph import adjacency, distances

SUPPLY, RETURN, UNKNOWN = 1, -1, 0
_SHORTEST_M = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Roles:
    """Plants, consumers and sides of a network."""

    plant: Flags
    """Links that heat water: from return to supply, shape (n_link,)."""
    consumer: Flags
    """Links that take heat: from supply to return, shape (n_link,)."""
    crossing: Flags
    """Links between the two sides, so not part of either, shape (n_link,)."""
    side: Ints
    """`SUPPLY`, `RETURN` or `UNKNOWN`, shape (n_node,)."""
    shorts: Ints
    """Open links that are no consumer and join the two sides."""

    @property
    def leads(self) -> Flags:
        """Links that lead water along one side, shape (n_link,)."""
        return ~self.crossing


def _hot_flows(network: Network, operation: Operation, sure: Flags) -> Flags:
    """Return the FLOW links that heat: a dosing pump of a plant looks like a consumer.

    One that brings water to a temperature nearer to the hottest of the network than to its
    coldest is a plant; where nothing tells them apart it is one if nothing else heats.
    """
    flow = (network.kind == LinkKind.FLOW) & np.isfinite(operation.outlet_c)
    flow &= operation.demand_kw == 0.0
    if not flow.any():
        return np.asarray(flow)
    known = operation.outlet_c[np.isfinite(operation.outlet_c)]
    low, high = float(known.min()), float(known.max())
    if high - low < 1e-9:
        return np.asarray(flow if not sure.any() else np.zeros_like(flow))
    return np.asarray(flow & (operation.outlet_c > (low + high) / 2.0))


def _taking(network: Network, operation: Operation) -> tuple[Flags, Flags]:
    """Return (plants, consumers)."""
    kind = network.kind
    heats = np.isfinite(operation.outlet_c) & np.isin(kind, (LinkKind.LIFT, LinkKind.PUMP))
    plant = heats | (operation.demand_kw < 0.0)
    plant[network.cold_link] = True
    plant |= _hot_flows(network, operation, plant)
    consumer = (operation.demand_kw > 0.0) | np.isin(kind, (LinkKind.HEAT, LinkKind.FLOW))
    consumer |= (kind == LinkKind.RESISTANCE) & np.isfinite(operation.outlet_c)
    consumer[network.hot_link] = True
    return plant, np.asarray(consumer & ~plant)


def roles(network: Network, operation: Operation) -> Roles:
    """Return what each link is for and on which side each node stands.

    Sides spread from the ends of the plants along links that are no consumer; a node that both
    sides reach belongs to the nearer one, and the link between them is a short circuit.

    Args:
        network: The network.
        operation: What is set; shut links are used only where no open one leads.
    """
    plant, consumer = _taking(network, operation)
    crossing = plant | consumer
    supply = set(network.to_node[plant].tolist())
    supply |= set(np.flatnonzero(np.isfinite(operation.source_c)).tolist())
    back = set(network.from_node[plant].tolist()) - supply
    side = np.zeros(network.n_node, np.int64)
    weight = np.maximum(network.length_m, _SHORTEST_M).tolist()
    for usable in (~crossing & ~operation.shut, ~crossing):
        seeds = {*supply, *back, *np.flatnonzero(side).tolist()}
        side[list(supply)], side[list(back)] = SUPPLY, RETURN
        _, _, root = distances(adjacency(network, usable), weight, seeds)
        side = np.where(root >= 0, side[root], UNKNOWN)
    opposite = side[network.from_node] * side[network.to_node] < 0
    return Roles(
        plant=plant,
        consumer=consumer,
        crossing=crossing,
        side=side,
        shorts=np.flatnonzero(opposite & ~crossing & ~operation.shut),
    )
