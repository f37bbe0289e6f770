"""The graph under a network: who stands next to whom, parts, distances, bridges."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags, Ints, Network

Adjacency: TypeAlias = list[list[tuple[int, int]]]
"""(Neighbour, link) of every node; parallel links stand there each by itself."""


def adjacency(network: Network, usable: Flags | None = None) -> Adjacency:
    """Return the neighbours of every node over the links that may be used.

    Args:
        network: The network.
        usable: Links that count, shape (n_link,); None: all.
    """
    near: Adjacency = [[] for _ in range(network.n_node)]
    chosen = np.arange(network.n_link) if usable is None else np.flatnonzero(usable)
    starts, ends = network.from_node[chosen].tolist(), network.to_node[chosen].tolist()
    for link, start, end in zip(chosen.tolist(), starts, ends, strict=True):
        near[start].append((end, link))
        near[end].append((start, link))
    return near


def parts(near: Adjacency) -> Ints:
    """Return the number of the connected part of each node, shape (n_node,)."""
    label = [-1] * len(near)
    count = 0
    for first in range(len(near)):
        if label[first] >= 0:
            continue
        label[first] = count
        waiting = [first]
        while waiting:
            for node, _ in near[waiting.pop()]:
                if label[node] < 0:
                    label[node] = count
                    waiting.append(node)
        count += 1
    return np.array(label, np.int64)


def reached(near: Adjacency, seeds: Iterable[int]) -> Flags:
    """Return the nodes that can be reached from the seeds, themselves included."""
    seen = np.zeros(len(near), np.bool_)
    waiting = list(seeds)
    seen[waiting] = True
    while waiting:
        for node, _ in near[waiting.pop()]:
            if not seen[node]:
                seen[node] = True
                waiting.append(node)
    return seen


def distances(
    near: Adjacency, weight: Sequence[float], seeds: Iterable[int]
) -> tuple[Floats, Ints, Ints]:
    """Return the distance from the nearest seed, the link that leads there, and the seed.

    Args:
        near: The graph.
        weight: Weight of each link, not negative.
        seeds: Nodes to start from.

    Returns:
        Distance (inf where no seed reaches), last link (-1 at seeds and where none reaches) and
        seed (-1 where none reaches), each of shape (n_node,).
    """
    far = [np.inf] * len(near)
    via, root = [-1] * len(near), [-1] * len(near)
    heap: list[tuple[float, int]] = []
    for seed in seeds:
        far[seed], root[seed] = 0.0, seed
        heap.append((0.0, seed))
    heapq.heapify(heap)
    while heap:
        so_far, at = heapq.heappop(heap)
        if so_far > far[at]:
            continue
        for node, link in near[at]:
            there = so_far + weight[link]
            if there < far[node]:
                far[node], via[node], root[node] = there, link, root[at]
                heapq.heappush(heap, (there, node))
    return np.array(far), np.array(via, np.int64), np.array(root, np.int64)


def walk_back(network: Network, via: Ints, node: int) -> tuple[list[int], list[int]]:
    """Return the links and nodes from a seed of `distances` to a node, in that order."""
    links: list[int] = []
    nodes = [node]
    while via[node] >= 0:
        link = int(via[node])
        start, end = int(network.from_node[link]), int(network.to_node[link])
        node = start if end == node else end
        links.append(link)
        nodes.append(node)
    return links[::-1], nodes[::-1]


def cut_links(near: Adjacency, n_link: int) -> tuple[Flags, Ints, Ints]:
    """Return which links are bridges, and the order of the depth-first walk that found them.

    Args:
        near: The graph.
        n_link: Number of links.

    Returns:
        Bridges, shape (n_link,); for every node when it was entered and the last entry below it
        (so `entered[b] <= entered[x] <= last[b]` says x hangs below b), each of shape (n_node,).

    Reference: Tarjan (doi 10.1016/0020-0190(74)90003-9), without recursion.
    """
    count = len(near)
    entered, low, last = [-1] * count, [0] * count, [0] * count
    bridge = np.zeros(n_link, np.bool_)
    clock = 0
    for first in range(count):
        if entered[first] >= 0:
            continue
        entered[first] = low[first] = last[first] = clock
        clock += 1
        stack = [(first, -1, iter(near[first]))]
        while stack:
            at, by, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                stack.pop()
                last[at] = clock - 1
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[at])
                    bridge[by] |= low[at] > entered[above]
                continue
            node, link = step
            if link == by:
                continue
            if entered[node] >= 0:
                low[at] = min(low[at], entered[node])
            else:
                entered[node] = low[node] = clock
                clock += 1
                stack.append((node, link, iter(near[node])))
    return bridge, np.array(entered, np.int64), np.array(last, np.int64)
