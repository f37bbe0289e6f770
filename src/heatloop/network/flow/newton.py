"""Newton's method on the pressures of the free nodes: the global gradient method, compiled.

Every step keeps the mass balance of every node exactly; what shrinks is the pressure residual.
Only the core of the network takes part: `flow.branches` knows the flows of what hangs on it.

Reference: Todini and Rossman 2013, doi 10.1061/(ASCE)HY.1943-7900.0000703.
"""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.factor import factorise, substitute
from heatloop.network.flow.laws import loss
from heatloop.network.model.net import Flags, Ints

_HALF_AFTER = 25
_CALM_AFTER = 8
_ROUNDING = 1e-15
_LEAST_LEAK_KPA = 1.0
_FLOW_PER_PRESSURE = 0.1


@compiled
def leak_kgs(coefficient: float, pressure_kpa: float) -> tuple[float, float]:
    """Return the outflow of a leak and its slope; straight below 1 kPa, none below 0."""
    if coefficient <= 0.0 or pressure_kpa <= 0.0:
        return 0.0, 0.0
    if pressure_kpa < _LEAST_LEAK_KPA:
        return coefficient * pressure_kpa, coefficient
    out = coefficient * math.sqrt(pressure_kpa)
    return out, 0.5 * out / pressure_kpa


@compiled
def _leak_miss(leak: Floats, at_kpa: Floats, p: Floats, share: float) -> float:
    """Return how far leaks are from their straight law, kg/s, and move it towards `p`."""
    most = 0.0
    for v in range(len(leak)):
        if leak[v] > 0.0:
            out, slope = leak_kgs(leak[v], at_kpa[v])
            now, _ = leak_kgs(leak[v], p[v])
            most = max(most, abs(out + slope * (p[v] - at_kpa[v]) - now))
            at_kpa[v] += share * (p[v] - at_kpa[v])
    return most


@compiled
def _assemble(
    links: Ints, law: int, laws: Floats, one_way: Flags, rough: Floats, x: Floats, active: Flags,
    from_node: Ints, to_node: Ints, rank: Ints, entry: Ints, column: Ints, first: int,
    held_kpa: Floats, m: Floats, p: Floats, g: Floats, h: Floats, low: Floats, diag: Floats,
    b: Floats, tolerance_kpa: float,
) -> tuple[float, float, int]:  # fmt: skip
    """Write matrix and right side at flows `m`.

    Returns:
        The largest miss in multiples of what is allowed, its pressure residual, its link. Where
        a wide pipe needs hardly any pressure, the flow that the residual stands for is judged.
    """
    most, worst, at = 0.0, 0.0, -1
    allowed_kgs = _FLOW_PER_PRESSURE * tolerance_kpa
    for i in range(column[first], len(low)):
        low[i] = 0.0
    for i in range(first, len(diag)):
        diag[i] = 0.0
        b[i] = 0.0
    for k in links:
        if not active[k]:
            continue
        u, v = from_node[k], to_node[k]
        value, slope, x[k] = loss(
            law, laws[k, 0], laws[k, 1], laws[k, 2], laws[k, 3], laws[k, 4],
            one_way[k], rough[k], m[k], x[k],
        )  # fmt: skip
        # What rounding of the pressures leaves is no miss.
        miss = abs(p[u] - p[v] - value) - _ROUNDING * (abs(p[u]) + 1.0)
        if miss < 0.0:
            miss = 0.0
        conductance = 1.0 / slope
        share = max(
            miss / tolerance_kpa, miss * conductance / (allowed_kgs * (1.0 + 0.1 * abs(m[k])))
        )
        if not share <= most:
            most, worst, at = share, miss, k
        g[k], h[k] = conductance, value
        base = m[k] - conductance * value
        i, j = rank[u], rank[v]
        if i >= 0:
            diag[i] += conductance
            b[i] -= base
            if j < 0:
                b[i] += conductance * held_kpa[v]
        if j >= 0:
            diag[j] += conductance
            b[j] += base
            if i < 0:
                b[j] += conductance * held_kpa[u]
            else:
                low[entry[k]] -= conductance
    return most, worst, at


@compiled
def draw_off(
    node: Ints, first: int, pinned: Flags, wanted_kgs: Floats, leak: Floats, leak_kpa: Floats,
    diag: Floats, b: Floats,
) -> None:  # fmt: skip
    """Add what is wanted and leaks at each node from rank `first` on, and pins without supply.

    Leaks are straight lines through their law at `leak_kpa`, shape (n_node,).
    """
    for i in range(first, len(node)):
        v = node[i]
        out, slope = leak_kgs(leak[v], leak_kpa[v])
        b[i] -= wanted_kgs[i] + out - slope * leak_kpa[v]
        diag[i] += slope
        if pinned[i]:
            diag[i] += 1.0


@compiled
def predict(
    links: Ints, active: Flags, from_node: Ints, to_node: Ints, rank: Ints, node: Ints,
    column: Ints, rows: Ints, updates: Ints, target: Ints, first: int, pinned: Flags,
    change_kgs: Floats, leak: Floats, m: Floats, p: Floats, g: Floats, low: Floats, diag: Floats,
    b: Floats,
) -> None:  # fmt: skip
    """Move flows from the last solution by what a change of the wanted flows does, to first order.

    Args are those of `newton`; `low`, `diag` and `g` are as it left them.
    """
    draw_off(node, first, pinned, change_kgs, leak, p, diag, b)
    for i in range(first, len(b)):
        b[i] = -change_kgs[i]
    factorise(column, rows, updates, target, low, diag, first)
    substitute(column, rows, low, diag, b, first)
    for k in links:
        if active[k]:
            i, j = rank[from_node[k]], rank[to_node[k]]
            rise = b[i] if i >= 0 else 0.0
            fall = b[j] if j >= 0 else 0.0
            m[k] += g[k] * (rise - fall)


@compiled
def newton(
    links: Ints,
    law: int,
    laws: Floats,
    one_way: Flags,
    rough: Floats,
    x: Floats,
    active: Flags,
    from_node: Ints,
    to_node: Ints,
    rank: Ints,
    node: Ints,
    entry: Ints,
    column: Ints,
    rows: Ints,
    updates: Ints,
    target: Ints,
    first: int,
    pinned: Flags,
    held_kpa: Floats,
    wanted_kgs: Floats,
    leak: Floats,
    tolerance_kpa: float,
    most: int,
    m: Floats,
    p: Floats,
    g: Floats,
    h: Floats,
    low: Floats,
    diag: Floats,
    b: Floats,
) -> tuple[int, float, int]:
    """Solve flows `m` and pressures `p` in place; return steps taken, residual, worst link.

    Args:
        links: The links that take part.
        law: `Friction`.
        laws: See `laws.prepare`, shape (n_link, 5).
        one_way: Links with a check valve, shape (n_link,).
        rough: k / (3.71 d), shape (n_link,).
        x: Start values of the friction law, changed, shape (n_link,).
        active: Links that carry pressure (not shut, no prescribed flow), shape (n_link,).
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        rank: Rank of each node, -1 where pressure is held, shape (n_node,).
        node: Node of each rank, shape (n_free,).
        entry: Place of each link in the factor, shape (n_link,).
        column: Factor, see `factor.factorise`.
        rows: Factor.
        updates: Factor.
        target: Factor.
        first: Rank the core begins at.
        pinned: Ranks whose pressure is set to 0 because no held node reaches them, (n_free,).
        held_kpa: Held pressure, shape (n_node,).
        wanted_kgs: Outflow of each rank, branches behind it included, shape (n_free,).
        leak: Leak coefficient of each node, shape (n_node,).
        tolerance_kpa: Largest residual allowed.
        most: Steps at most.
        m: Flows, changed.
        p: Pressures, changed.
        g: Slopes inverted at the last step, written, shape (n_link,).
        h: Losses at the last step, written, shape (n_link,).
        low: Matrix at the solution, not yet factorised, written.
        diag: The same, without leaks and pins.
        b: Work space, shape (n_free,).
    """
    most_miss, worst, at, last, step = math.inf, math.inf, -1, math.inf, 1.0
    leak_kpa = np.empty(len(p))
    for v in range(len(p)):
        if rank[v] < 0:
            p[v] = held_kpa[v]
        leak_kpa[v] = p[v]
    for round_ in range(most + 1):
        most_miss, worst, at = _assemble(
            links, law, laws, one_way, rough, x, active, from_node, to_node, rank, entry, column,
            first, held_kpa, m, p, g, h, low, diag, b, tolerance_kpa,
        )  # fmt: skip
        leak_miss = _leak_miss(leak, leak_kpa, p, 1.0 if round_ <= _CALM_AFTER else 0.5)
        if round_ > 0 and most_miss <= 1.0 and leak_miss <= 10.0 * tolerance_kpa:
            return round_, worst, at
        if round_ > _HALF_AFTER:
            step = 0.5 if most_miss >= 0.5 * last else 1.0
        last = most_miss
        draw_off(node, first, pinned, wanted_kgs, leak, leak_kpa, diag, b)
        factorise(column, rows, updates, target, low, diag, first)
        substitute(column, rows, low, diag, b, first)
        for i in range(first, len(node)):
            p[node[i]] = b[i]
        for k in links:
            if active[k]:
                m[k] += step * g[k] * (p[from_node[k]] - p[to_node[k]] - h[k])
    return most + 1, worst, at
