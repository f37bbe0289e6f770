"""Weak places: links without a second way, and parts that nothing feeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.topology.graph import Adjacency, adjacency, cut_links, parts
from heatloop.network.topology.roles import Roles, roles


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """A link whose loss cuts consumers off, because there is no other way."""

    link: str
    """Link name."""
    consumers: tuple[str, ...]
    """Consumers behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lone:
    """Nodes that no open link joins to a held pressure."""

    nodes: tuple[str, ...]
    """Node names."""
    consumers: tuple[str, ...]
    """Consumers with an end there."""


def _rooted(network: Network, operation: Operation, found: Roles) -> Adjacency:
    """Return the sides' graph with one more node that joins the plants of every side.

    Its links are numbered from `n_link`, so that none of them is taken for a pipe.
    """
    near = adjacency(network, found.leads & ~operation.shut)
    fed = np.flatnonzero(np.isfinite(operation.source_c))
    ends = np.concatenate([network.from_node[found.plant], network.to_node[found.plant], fed])
    top = len(near)
    near.append([])
    for number, node in enumerate(sorted(set(ends.tolist()))):
        link = network.n_link + number
        near[top].append((node, link))
        near[node].append((top, link))
    return near


def bridges(network: Network, operation: Operation) -> tuple[Bridge, ...]:
    """Return the links without redundancy, those with most consumers behind them first.

    A supply or return pipe counts when no other open way along its own side joins the consumers
    behind it to any plant.

    Args:
        network: The network.
        operation: What is shut.
    """
    found = roles(network, operation)
    near = _rooted(network, operation, found)
    # The walk starts at the top node, so what was entered below a bridge lies behind it.
    order = [len(near) - 1, *range(len(near) - 1)]
    number = np.empty(len(near), np.int64)
    number[order] = np.arange(len(near))
    moved: Adjacency = [[(int(number[n]), link) for n, link in near[old]] for old in order]
    cut, entered, last = cut_links(moved, network.n_link + len(near))
    users = np.flatnonzero(found.consumer & ~operation.shut)
    ends = np.column_stack([network.from_node[users], network.to_node[users]])
    at = entered[number[ends]]
    below_top = last[0]
    result = []
    for link in np.flatnonzero(cut[: network.n_link]).tolist():
        a = int(number[network.from_node[link]])
        b = int(number[network.to_node[link]])
        far = b if entered[b] > entered[a] else a
        if entered[far] > below_top:
            continue  # Nothing feeds either end.
        behind = ((at >= entered[far]) & (at <= last[far])).any(axis=1)
        if behind.any():
            names = tuple(network.link_names[n] for n in users[behind].tolist())
            result.append(Bridge(link=network.link_names[link], consumers=names))
    return tuple(sorted(result, key=lambda bridge: -len(bridge.consumers)))


def islands(network: Network, operation: Operation) -> tuple[Lone, ...]:
    """Return the parts in which no pressure is held, as open links join them now.

    Args:
        network: The network.
        operation: What is shut.
    """
    label = parts(adjacency(network, ~operation.shut))
    fed = set(label[network.pressure_held].tolist())
    users = roles(network, operation).consumer
    starts, ends = label[network.from_node], label[network.to_node]
    found = []
    for part in range(int(label.max()) + 1):
        if part in fed:
            continue
        touching = np.flatnonzero(users & ((starts == part) | (ends == part))).tolist()
        found.append(
            Lone(
                nodes=tuple(network.node_names[n] for n in np.flatnonzero(label == part).tolist()),
                consumers=tuple(network.link_names[n] for n in touching),
            )
        )
    return tuple(found)
