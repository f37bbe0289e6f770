"""The order in which nodes are eliminated, and the pattern of the factor, once a topology.

Heat networks are nearly trees: taking the node with the fewest neighbours next leaves almost no
fill, and the elimination writes down the columns of the factor as it goes.
"""

from __future__ import annotations

import numpy as np

from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints


@compiled
def _neighbours(n: int, a: Ints, b: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return start, count, room and pool of each node's distinct neighbours."""
    room = np.zeros(n, np.int64)
    for k in range(len(a)):
        if a[k] >= 0 and b[k] >= 0:
            room[a[k]] += 1
            room[b[k]] += 1
    start = np.zeros(n, np.int64)
    at = 0
    for v in range(n):
        start[v] = at
        at += room[v]
    pool = np.empty(2 * at + 16, np.int64)
    count = np.zeros(n, np.int64)
    for k in range(len(a)):
        u, v = a[k], b[k]
        if u >= 0 and v >= 0:
            pool[start[u] + count[u]] = v
            count[u] += 1
            pool[start[v] + count[v]] = u
            count[v] += 1
    seen = np.full(n, -1, np.int64)
    for v in range(n):
        kept = 0
        for k in range(start[v], start[v] + count[v]):
            u = pool[k]
            if seen[u] != v:
                seen[u] = v
                pool[start[v] + kept] = u
                kept += 1
        count[v] = kept
    return start, count, room, pool


@compiled
def _hang(v: int, degree: int, head: Ints, after: Ints, before: Ints) -> None:
    """Put a node at the head of the list of its degree."""
    after[v] = head[degree]
    before[v] = -1
    if head[degree] >= 0:
        before[head[degree]] = v
    head[degree] = v


@compiled
def _unhang(v: int, degree: int, head: Ints, after: Ints, before: Ints) -> None:
    """Take a node out of the list of its degree."""
    if before[v] >= 0:
        after[before[v]] = after[v]
    else:
        head[degree] = after[v]
    if after[v] >= 0:
        before[after[v]] = before[v]


@compiled
def _join(
    u: int, v: int, others: Ints, start: Ints, count: Ints, room: Ints, pool: Ints, used: int,
    mark: Ints,
) -> tuple[Ints, int]:  # fmt: skip
    """Make all others neighbours of u and take v away; return the pool and how much is used."""
    kept = 0
    for j in range(start[u], start[u] + count[u]):
        w = pool[j]
        if w != v:
            pool[start[u] + kept] = w
            mark[w] = u
            kept += 1
    if kept + len(others) - 1 > room[u]:
        wanted = 2 * (kept + len(others))
        if used + wanted > len(pool):
            more = np.empty(2 * (used + wanted), np.int64)
            more[:used] = pool[:used]
            pool = more
        for j in range(kept):
            pool[used + j] = pool[start[u] + j]
        start[u], room[u] = used, wanted
        used += wanted
    for w in others:
        if w != u and mark[w] != u:
            pool[start[u] + kept] = w
            mark[w] = u
            kept += 1
    # A later node may mark with the same name.
    for j in range(start[u], start[u] + kept):
        mark[pool[j]] = -1
    count[u] = kept
    return pool, used


@compiled
def eliminate(n: int, a: Ints, b: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the order (n,), the column starts (n + 1,) and the rows of each column, as nodes.

    Args:
        n: Number of free nodes.
        a: One end of each link, -1 if it is not free, shape (n_link,).
        b: The other end, shape (n_link,).

    Reference: minimum degree, George and Liu 1989 (doi 10.1137/1031001).
    """
    start, count, room, pool = _neighbours(n, a, b)
    used = int(room.sum())
    head = np.full(n + 1, -1, np.int64)
    after = np.full(n, -1, np.int64)
    before = np.full(n, -1, np.int64)
    for v in range(n):
        _hang(v, count[v], head, after, before)
    order = np.empty(n, np.int64)
    column = np.zeros(n + 1, np.int64)
    rows = np.empty(4 * n + 16, np.int64)
    mark = np.full(n, -1, np.int64)
    filled, least = 0, 0
    for k in range(n):
        while head[least] < 0:
            least += 1
        v = head[least]
        degree = count[v]
        _unhang(v, degree, head, after, before)
        order[k] = v
        if filled + degree > len(rows):
            larger = np.empty(2 * (filled + degree), np.int64)
            larger[:filled] = rows[:filled]
            rows = larger
        others = rows[filled : filled + degree]
        others[:] = pool[start[v] : start[v] + degree]
        for u in others:
            old = count[u]
            pool, used = _join(u, v, others, start, count, room, pool, used, mark)
            if count[u] != old:
                _unhang(u, old, head, after, before)
                _hang(u, count[u], head, after, before)
                least = min(least, count[u])
        filled += degree
        column[k + 1] = filled
    return order, column, rows[:filled].copy()


@compiled
def pattern(
    n: int, order: Ints, column: Ints, rows: Ints, a: Ints, b: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Return the factor's rows by rank, where its updates go, and where each link enters.

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
        rank of each node, rows as ranks, start of each column's updates, targets of the updates,
        place of each link in the factor (-1: on the diagonal only).
    """
    rank = np.empty(n, np.int64)
    for k in range(n):
        rank[order[k]] = k
    updates = np.zeros(n + 1, np.int64)
    for k in range(n):
        low, high = column[k], column[k + 1]
        for i in range(low, high):
            rows[i] = rank[rows[i]]
        part = np.sort(rows[low:high])
        rows[low:high] = part
        d = high - low
        updates[k + 1] = updates[k] + d * (d - 1) // 2
    target = np.empty(updates[n], np.int64)
    place = np.full(n, -1, np.int64)
    # Column by column of the receiving side would need a search; this walks each once instead.
    for k in range(n):
        low, high = column[k], column[k + 1]
        at = updates[k]
        for i in range(low, high):
            r = rows[i]
            for j in range(column[r], column[r + 1]):
                place[rows[j]] = j
            for j in range(i + 1, high):
                target[at] = place[rows[j]]
                at += 1
    entry = np.full(len(a), -1, np.int64)
    for k in range(len(a)):
        if a[k] >= 0 and b[k] >= 0:
            u, v = rank[a[k]], rank[b[k]]
            low, high = min(u, v), max(u, v)
            for j in range(column[low], column[low + 1]):
                if rows[j] == high:
                    entry[k] = j
                    break
    return rank, rows, updates, target, entry
