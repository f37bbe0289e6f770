"""The order in which nodes are eliminated, and the pattern of the factor, once a topology.

Heat networks are nearly trees: branches first, leaf by leaf, then nodes in a row, then the few
that are left by fewest neighbours. Hardly any fill appears, and elimination writes down the
columns of the factor.
Plain loops instead of array expressions: they compile ten times as fast.
"""

from __future__ import annotations

import numpy as np

from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints


@compiled
def _neighbours(n: int, a: Ints, b: Ints, more: Ints) -> tuple[Ints, Ints, Ints, Ints, int]:
    """Return start, size, room and pool of each node's distinct neighbours, and the pool's fill.

    `more` gets the number of ways out of a node beside those: to held nodes, and parallel ones.
    """
    room = np.zeros(n, np.int64)
    for k in range(len(a)):
        if a[k] >= 0 and b[k] >= 0:
            room[a[k]] += 1
            room[b[k]] += 1
    start = np.zeros(n, np.int64)
    used = 0
    for v in range(n):
        start[v] = used
        used += room[v]
    pool = np.empty(2 * used + 16, np.int64)
    size = np.zeros(n, np.int64)
    for k in range(len(a)):
        u, v = a[k], b[k]
        if u >= 0 > v:
            more[u] += 1
        if v >= 0 > u:
            more[v] += 1
        if u >= 0 and v >= 0:
            pool[start[u] + size[u]] = v
            size[u] += 1
            pool[start[v] + size[v]] = u
            size[v] += 1
    seen = np.zeros(n, np.int64)
    for v in range(n):
        kept = start[v]
        for k in range(start[v], start[v] + size[v]):
            u = pool[k]
            if seen[u] != v + 1:
                seen[u] = v + 1
                pool[kept] = u
                kept += 1
        more[v] += start[v] + size[v] - kept
        size[v] = kept - start[v]
    return start, size, room, pool, used


@compiled
def _larger(values: Ints, filled: int, wanted: int) -> Ints:
    """Return the values with room for at least `wanted`."""
    if wanted <= len(values):
        return values
    more = np.empty(2 * wanted, np.int64)
    for i in range(filled):
        more[i] = values[i]
    return more


@compiled
def _put(values: Ints, filled: int, value: int) -> tuple[Ints, int]:
    """Return the values with one more, and their number."""
    values = _larger(values, filled, filled + 1)
    values[filled] = value
    return values, filled + 1


@compiled
def _join(
    u: int, rows: Ints, low: int, high: int, gone: Ints, start: Ints, size: Ints, room: Ints,
    pool: Ints, used: int, mark: Ints, stamp: int,
) -> tuple[Ints, int]:  # fmt: skip
    """Make `rows[low:high]` neighbours of u, without those gone; return pool and its fill."""
    kept = start[u]
    mark[u] = stamp
    for j in range(start[u], start[u] + size[u]):
        w = pool[j]
        if gone[w] == 0:
            pool[kept] = w
            kept += 1
            mark[w] = stamp
    size[u] = kept - start[u]
    for i in range(low, high):
        w = rows[i]
        if mark[w] == stamp:
            continue
        if size[u] == room[u]:
            wanted = 2 * (size[u] + high - low)
            pool = _larger(pool, used, used + wanted)
            for j in range(size[u]):
                pool[used + j] = pool[start[u] + j]
            start[u], room[u] = used, wanted
            used += wanted
        pool[start[u] + size[u]] = w
        size[u] += 1
    return pool, used


@compiled
def _fewest(core: Ints, n_core: int, degree: Ints, gone: Ints) -> tuple[int, int]:
    """Return the node with the fewest neighbours, and how many nodes are left in `core`."""
    best, kept = -1, 0
    for i in range(n_core):
        v = core[i]
        if gone[v] == 0:
            core[kept] = v
            kept += 1
            if best < 0 or degree[v] < degree[best]:
                best = v
    return best, kept


@compiled
def _sort_out(
    size: Ints, more: Ints, degree: Ints, core: Ints, leaves: Ints, pairs: Ints
) -> tuple[int, int]:
    """Write degrees and the first leaves and pairs; return how many these are."""
    n_leaf, n_pair = 0, 0
    for v in range(len(size)):
        degree[v] = size[v] + more[v]
        core[v] = v
        if degree[v] <= 1:
            leaves[n_leaf] = v
            n_leaf += 1
        elif degree[v] == 2:
            pairs[n_pair] = v
            n_pair += 1
    return n_leaf, n_pair


@compiled
def eliminate(n: int, a: Ints, b: Ints) -> tuple[Ints, Ints, Ints, int]:
    """Return the order (n,), the column starts (n + 1,), the rows of each column, and a number.

    So many nodes at the beginning of the order are those of branches: each hangs by one link on a
    node that comes later, and what it passes on is what is drawn behind it.

    Args:
        n: Number of free nodes.
        a: One end of each link, shape (n_link,); -1 if its pressure is held, -2 if the link does
            not count.
        b: The other end, shape (n_link,).

    Reference: minimum degree, George and Liu 1989 (doi 10.1137/1031001).
    """
    more = np.zeros(n, np.int64)
    start, size, room, pool, used = _neighbours(n, a, b, more)
    degree = np.empty(n, np.int64)
    gone = np.zeros(n, np.int64)
    mark = np.zeros(n, np.int64)
    order = np.empty(n, np.int64)
    column = np.zeros(n + 1, np.int64)
    rows = np.empty(2 * n + 16, np.int64)
    # Nodes with at most one neighbour, and with two; entries may be out of date.
    leaves = np.empty(3 * n + 16, np.int64)
    pairs = np.empty(3 * n + 16, np.int64)
    # What is neither, looked through only when there are no leaves and pairs.
    core = np.empty(n, np.int64)
    n_core = n
    n_leaf, n_pair = _sort_out(size, more, degree, core, leaves, pairs)
    filled, stamp = 0, 0
    k, branch = 0, -1
    while k < n:
        if n_leaf == 0 and branch < 0:
            branch = k
        if n_leaf > 0:
            n_leaf -= 1
            v = leaves[n_leaf]
            if branch < 0 and more[v] > 0:
                # It hangs on a held node: no leaf.
                pairs, n_pair = _put(pairs, n_pair, v)
                continue
        elif n_pair > 0:
            n_pair -= 1
            v = pairs[n_pair]
        else:
            v, n_core = _fewest(core, n_core, degree, gone)
        if gone[v] == 1:
            continue
        gone[v] = 1
        order[k] = v
        k += 1
        rows = _larger(rows, filled, filled + degree[v])
        low = filled
        for j in range(start[v], start[v] + size[v]):
            if gone[pool[j]] == 0:
                rows[filled] = pool[j]
                filled += 1
        column[k] = filled
        for i in range(low, filled):
            u = rows[i]
            if filled - low == 1:
                degree[u] -= 1
            else:
                stamp += 1
                pool, used = _join(
                    u, rows, low, filled, gone, start, size, room, pool, used, mark, stamp
                )
                degree[u] = size[u] + more[u]
            if degree[u] <= 1:
                leaves, n_leaf = _put(leaves, n_leaf, u)
            elif degree[u] == 2:
                pairs, n_pair = _put(pairs, n_pair, u)
    return order, column, rows, k if branch < 0 else branch


@compiled
def _sort(values: Ints, low: int, high: int) -> None:
    """Sort a short stretch in place."""
    for i in range(low + 1, high):
        value = values[i]
        j = i - 1
        while j >= low and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@compiled
def pattern(
    n: int, order: Ints, column: Ints, rows: Ints, a: Ints, b: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the rank of each node, where updates go, and where each link enters.

    Ranks are positions in the order. An update of column k takes its rows i < j to the place of
    row j in the column of row i.

    Args:
        n: Number of free nodes.
        order: See `eliminate`.
        column: See `eliminate`.
        rows: See `eliminate`, changed into sorted ranks.
        a: One end of each link, -1 if not free.
        b: The other end.

    Returns:
        rank of each node, start of each column's updates, targets of the updates, place of each
        link in the factor (-1: on the diagonal only).
    """
    rank = np.empty(n, np.int64)
    for k in range(n):
        rank[order[k]] = k
    updates = np.zeros(n + 1, np.int64)
    for k in range(n):
        low, high = column[k], column[k + 1]
        for i in range(low, high):
            rows[i] = rank[rows[i]]
        _sort(rows, low, high)
        updates[k + 1] = updates[k] + (high - low) * (high - low - 1) // 2
    target = np.empty(updates[n], np.int64)
    place = np.zeros(n, np.int64)
    for k in range(n):
        low, high = column[k], column[k + 1]
        at = updates[k]
        for i in range(low, high - 1):
            r = rows[i]
            for j in range(column[r], column[r + 1]):
                place[rows[j]] = j
            for j in range(i + 1, high):
                target[at] = place[rows[j]]
                at += 1
    entry = np.empty(len(a), np.int64)
    for k in range(len(a)):
        entry[k] = -1
        if a[k] >= 0 and b[k] >= 0:
            u, v = rank[a[k]], rank[b[k]]
            if u > v:
                u, v = v, u
            for j in range(column[u], column[u + 1]):
                if rows[j] == v:
                    entry[k] = j
                    break
    return rank, updates, target, entry
