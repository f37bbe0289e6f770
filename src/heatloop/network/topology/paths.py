"""The shortest way the water takes from a source to a consumer, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.graph import adjacency, distances, walk_back
from heatloop.network.topology.roles import Roles, roles


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplyPath:
    """A way along one side between a plant and a consumer."""

    plant: str
    """Name of the plant's link."""
    consumer: str
    """Name of the consumer's link, or of the node asked for."""
    links: tuple[str, ...]
    """Links on the way, in the order of the water."""
    nodes: tuple[str, ...]
    """Nodes on the way, in the order of the water; one more than links."""
    length_m: float
    """Length of its pipes."""
    loss_kpa: float
    """Pressure lost on it by friction and valves; nan without flows."""


def link_loss_kpa(network: Network, pressure_kpa: Floats, flow_kgs: Floats) -> Floats:
    """Return the pressure each link takes from the water in flow direction, not below 0.

    Args:
        network: The network.
        pressure_kpa: Shape (n_node,).
        flow_kgs: Shape (n_link,).

    Height counts as loss and gain, so a path's sum is the difference of its pressures where no
    pump stands on it.
    """
    fall = pressure_kpa[network.from_node] - pressure_kpa[network.to_node]
    return np.nan_to_num(np.maximum(fall * np.sign(flow_kgs), 0.0))


def _plant_at(network: Network, found: Roles, node: int, supply: bool) -> str:
    ends = network.to_node if supply else network.from_node
    at = np.flatnonzero(found.plant & (ends == node))
    return network.link_names[int(at[0])] if len(at) else network.node_names[node]


def supply_path(
    network: Network,
    operation: Operation,
    to: str,
    *,
    loss_kpa: Floats | None = None,
    by_loss: bool = False,
    back: bool = False,
) -> SupplyPath:
    """Return the shortest open way from any plant to a consumer, or from it back to a plant.

    Args:
        network: The network.
        operation: What is shut.
        to: Name of a consumer's link, or of a node.
        loss_kpa: Pressure loss of each link, shape (n_link,), see `link_loss_kpa`.
        by_loss: Shortest by pressure loss instead of by length; needs `loss_kpa`.
        back: The way of the return water instead.

    Raises:
        InputError: No such consumer or node, no open way, or losses are missing.
    """
    if by_loss and loss_kpa is None:
        raise InputError("needs the pressure losses", thing=to, fix="solve the network first")
    found = roles(network, operation)
    links, nodes = network.link_index(), network.node_index()
    if to in links:
        ends = network.to_node if back else network.from_node
        node = int(ends[links[to]])
    elif to in nodes:
        node = nodes[to]
    else:
        raise InputError("no such consumer or node", thing=to, place="network")
    weight = loss_kpa if by_loss and loss_kpa is not None else network.length_m
    seeds = network.from_node[found.plant] if back else network.to_node[found.plant]
    if not back:
        fed = np.flatnonzero(np.isfinite(operation.source_c))
        seeds = np.concatenate([seeds, fed])
    near = adjacency(network, found.leads & ~operation.shut)
    far, via, root = distances(near, np.maximum(weight, 0.0).tolist(), set(seeds.tolist()))
    if not np.isfinite(far[node]):
        raise InputError("no open way leads there", thing=to, fix="open a valve or lay a pipe")
    way, along = walk_back(network, via, node)
    if back:
        way, along = way[::-1], along[::-1]
    return SupplyPath(
        plant=_plant_at(network, found, int(root[node]), not back),
        consumer=to,
        links=tuple(network.link_names[link] for link in way),
        nodes=tuple(network.node_names[at] for at in along),
        length_m=float(network.length_m[way].sum()),
        loss_kpa=float("nan") if loss_kpa is None else float(loss_kpa[way].sum()),
    )


def source_distance_m(network: Network, operation: Operation) -> Floats:
    """Return the distance of each node from the nearest plant along its own side, (n_node,).

    Nodes that no open way reaches have inf.
    """
    found = roles(network, operation)
    ends = (network.to_node[found.plant], network.from_node[found.plant])
    fed = np.flatnonzero(np.isfinite(operation.source_c))
    seeds = set(np.concatenate([*ends, fed]).tolist())
    near = adjacency(network, found.leads & ~operation.shut)
    return distances(near, network.length_m.tolist(), seeds)[0]
