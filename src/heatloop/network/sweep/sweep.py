"""One sweep of temperatures from the sources downstream, compiled."""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints
from heatloop.network.sweep.plates import transfer_of

HOTTEST_C = 180.0
"""Nothing is heated above this by a demand that gives heat to hardly any water."""


@compiled
def outlet_of(
    inlet_c: float, flow_kgs: float, loss_kw_k: float, ambient_c: float, demand_kw: float,
    set_c: float, cp: float,
) -> float:  # fmt: skip
    """Return the temperature at which water leaves a link.

    A demand cannot take more than cools the water to its surroundings, nor heat it above 180 degC.

    Args:
        inlet_c: Where it enters.
        flow_kgs: Flow, above 0.
        loss_kw_k: Heat-loss coefficient of the whole link.
        ambient_c: Surroundings.
        demand_kw: Heat taken.
        set_c: Temperature it is brought to; nan: none.
        cp: Heat capacity, kJ/(kg K).
    """
    if set_c == set_c:
        return set_c
    out = inlet_c
    if loss_kw_k > 0.0:
        out = ambient_c + (inlet_c - ambient_c) * math.exp(-loss_kw_k / (flow_kgs * cp))
    if demand_kw != 0.0:
        out -= demand_kw / (flow_kgs * cp)
        if demand_kw > 0.0:
            out = max(out, min(inlet_c, ambient_c))
        else:
            out = min(out, max(inlet_c, HOTTEST_C))
    return out


@compiled
def plates_kw_k(
    x: int, hot: Ints, cold: Ints, plates: Floats, fouling: Floats, m: Floats, cp: Floats
) -> float:
    """Return the heat a kelvin between the inlets of exchanger `x`, kW/K."""
    a, b = abs(m[hot[x]]), abs(m[cold[x]])
    return transfer_of(
        plates[x, 0],
        a / plates[x, 1],
        b / plates[x, 2],
        fouling[x],
        a * cp[hot[x]],
        b * cp[cold[x]],
    )


@compiled
def sweep(
    order: Ints,
    first: int,
    last: int,
    fed: Ints,
    feeds: Ints,
    from_node: Ints,
    to_node: Ints,
    forward: Ints,
    partner: Ints,
    side: Ints,
    hot: Ints,
    cold: Ints,
    plates: Floats,
    fouling: Floats,
    m: Floats,
    cp: Floats,
    loss_kw_k: Floats,
    ambient_c: Floats,
    demand_kw: Floats,
    set_c: Floats,
    inflow_kgs: Floats,
    source_c: Floats,
    cp_in: float,
    node_c: Floats,
    inlet_c: Floats,
    outlet_c: Floats,
) -> float:
    """Mix and pass on the temperatures of `order[first:last]`; return the largest change of a node.

    Args:
        order: Nodes, upstream first.
        first: Where to begin.
        last: Where to end.
        fed: Start of each node's incoming links in `feeds`, shape (n_node + 1,).
        feeds: Links that end at the node or begin there.
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        partner: Other side of an exchanger, -1, shape (n_link,).
        side: Exchanger of each link, -1, shape (n_link,).
        hot: Warm side of each exchanger.
        cold: Cold side.
        plates: UA and design flows, shape (n_exchanger, 3).
        fouling: Shape (n_exchanger,).
        m: Flows.
        cp: Heat capacity in each link.
        loss_kw_k: Heat-loss coefficient of each link.
        ambient_c: Surroundings.
        demand_kw: Heat taken.
        set_c: Set outlet temperatures, nan: none.
        inflow_kgs: Water that enters from outside, at least 0, shape (n_node,).
        source_c: Its temperature.
        cp_in: Its heat capacity.
        node_c: Changed, shape (n_node,).
        inlet_c: Changed, shape (n_link,).
        outlet_c: Changed, shape (n_link,).
    """
    most = 0.0
    for i in range(first, last):
        v = order[i]
        weight, mixed = 0.0, 0.0
        if inflow_kgs[v] > 0.0 and source_c[v] == source_c[v]:
            weight = inflow_kgs[v] * cp_in
            mixed = weight * source_c[v]
        for j in range(fed[v], fed[v + 1]):
            k = feeds[j]
            way = forward[k]
            if way == 0 or (to_node[k] if way > 0 else from_node[k]) != v:
                continue
            tail = from_node[k] if way > 0 else to_node[k]
            inlet = node_c[tail]
            flow = abs(m[k])
            out = outlet_of(inlet, flow, loss_kw_k[k], ambient_c[k], demand_kw[k], set_c[k], cp[k])
            other = partner[k]
            if other >= 0 and forward[other] != 0:
                far = node_c[from_node[other] if forward[other] > 0 else to_node[other]]
                heat = plates_kw_k(side[k], hot, cold, plates, fouling, m, cp) * (inlet - far)
                out -= heat / (flow * cp[k])
            inlet_c[k] = inlet
            outlet_c[k] = out
            weight += flow * cp[k]
            mixed += flow * cp[k] * out
        if weight > 0.0:
            new = mixed / weight
            most = max(most, abs(new - node_c[v]))
            node_c[v] = new
    return most
