"""One step of all water of a network: sort out flows, feed nodes early, work through in order."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.carry import (
    AMBIENT,
    COUNT,
    MASS,
    cool,
    end_c,
    mix_content,
    put_in,
    take_out,
)
from heatloop.network.model.net import Flags, Ints
from heatloop.network.sweep.plates import transfer_of
from heatloop.network.sweep.sweep import outlet_of

HEAT_IN, KG_IN, ENTERS, LEAVES, CARRIED = range(5)
"""Places in a node's row of `pool`: kg K that flowed in this step, kg that make it, kg that came
from and went outside, kg K that belong to the next step (see `arrange`)."""
POPPED, LOST, GUESS, BEFORE = range(4)
"""Places in a link's row of `work`: kg K and loss of water that left early, kg K its node was
promised, temperature before demands of an exchanger's side that waits for the other."""


@compiled
def gather(
    dt_s: float, flow_kgs: Floats, from_node: Ints, to_node: Ints, forward: Ints,
    outflow_kgs: Floats, source_c: Floats, pool: Floats,
) -> None:  # fmt: skip
    """Begin the step of every node: water from outside makes up what links take and do not bring.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        outflow_kgs: Drawn off, shape (n_node,).
        source_c: Temperature of water from outside, nan: the node's own, shape (n_node,).
        pool: Written, see the places above, shape (n_node, 5).
    """
    n_node = len(outflow_kgs)
    for v in range(n_node):
        pool[v, KG_IN] = 0.0
        pool[v, ENTERS] = max(outflow_kgs[v], 0.0) * dt_s
        pool[v, LEAVES] = 0.0
    for k in range(len(forward)):
        way = forward[k]
        if way == 0:
            continue
        kg = abs(flow_kgs[k]) * dt_s
        head = to_node[k] if way > 0 else from_node[k]
        tail = from_node[k] if way > 0 else to_node[k]
        pool[head, KG_IN] += kg
        pool[tail, ENTERS] += kg
    for v in range(n_node):
        gone, come = pool[v, ENTERS], pool[v, KG_IN]
        enters = max(gone - come, 0.0)
        drawn = max(outflow_kgs[v], 0.0) * dt_s
        pool[v, ENTERS] = enters
        pool[v, LEAVES] = come + enters - (gone - drawn)
        heat = 0.0
        if enters > 0.0 and source_c[v] == source_c[v]:
            heat = enters * source_c[v]
            come += enters
        pool[v, KG_IN] = come
        if come > 0.0:
            heat += pool[v, CARRIED]
            pool[v, CARRIED] = 0.0
        pool[v, HEAT_IN] = heat


@compiled
def feed_early(
    dt_s: float, flow_kgs: Floats, cp: float, from_node: Ints, to_node: Ints, forward: Ints,
    fixed: Flags, order: Ints, n_order: int, early: Flags, is_pipe: Flags, partner: Ints,
    demand_kw: Floats, set_c: Floats, pool: Floats, work: Floats, state: Floats, place: Ints,
    segment: Floats, outlet_c: Floats,
) -> None:  # fmt: skip
    """Let links that are cut or whose outlet is set feed their nodes before all others."""
    for i in range(n_order):
        k = order[i]
        if not early[k]:
            continue
        m = abs(flow_kgs[k])
        kg = m * dt_s
        guess = outlet_c[k]
        if fixed[k]:
            guess = set_c[k]
        if is_pipe[k]:
            popped, lost = take_out(k, m, forward[k] > 0, dt_s, state, place, segment)
            work[k, POPPED] = popped
            work[k, LOST] = lost
            if not fixed[k] and kg < state[k, MASS] and partner[k] < 0:
                guess = outlet_of(
                    popped / kg, m, 0.0, state[k, AMBIENT], demand_kw[k], set_c[k], cp
                )
        work[k, GUESS] = kg * guess
        head = to_node[k] if forward[k] > 0 else from_node[k]
        pool[head, HEAT_IN] += work[k, GUESS]


@compiled
def after_demand(
    before_c: float, m: float, cp: float, ambient_c: float, demand_kw: float, set_c: float,
    heats: bool,
) -> float:  # fmt: skip
    """Return the temperature after a link's demand; a HEAT consumer never warms the water."""
    if demand_kw == 0.0 and set_c != set_c:
        return before_c
    if heats:
        set_c = min(set_c, before_c)
    return outlet_of(before_c, m, 0.0, ambient_c, demand_kw, set_c, cp)


@compiled
def work_through(
    dt_s: float, flow_kgs: Floats, cp: float, from_node: Ints, to_node: Ints, forward: Ints,
    fixed: Flags, order: Ints, n_order: int, early: Flags, is_pipe: Flags, is_heat: Flags,
    partner: Ints, side: Ints, plates: Floats, fouling: Floats, demand_kw: Floats, set_c: Floats,
    ambient_c: Floats, pool: Floats, work: Floats, state: Floats, place: Ints, segment: Floats,
    node_c: Floats, inlet_c: Floats, outlet_c: Floats, lost_kj: Floats, given_kj: Floats,
    taken_kj: Floats,
) -> None:  # fmt: skip
    """Move the water of every link that flows, downstream from what is known."""
    for i in range(n_order):
        k = order[i]
        way = forward[k]
        m = abs(flow_kgs[k])
        tail = from_node[k] if way > 0 else to_node[k]
        warm = node_c[tail]
        if pool[tail, KG_IN] > 0.0:
            warm = pool[tail, HEAT_IN] / pool[tail, KG_IN]
        inlet_c[k] = warm
        if is_pipe[k]:
            if early[k]:
                popped, lost = work[k, POPPED], work[k, LOST]
            else:
                popped, lost = take_out(k, m, way > 0, dt_s, state, place, segment)
            passed, more = put_in(k, m, way > 0, warm, dt_s, state, place, segment)
            lost_kj[k] += cp * (lost + more)
            warm = (popped + passed) / (m * dt_s)
        other, second, count = partner[k], 0.0, 1
        if other >= 0 and not fixed[k] and forward[other] != 0 and not fixed[other]:
            if work[other, BEFORE] != work[other, BEFORE]:
                # The first of the two sides waits for the other one.
                work[k, BEFORE] = warm
                continue
            hot, cold = (k, other) if side[k] >= 0 else (other, k)
            x = side[hot]
            a, b = abs(flow_kgs[hot]), abs(flow_kgs[cold])
            passes = transfer_of(
                plates[x, 0], a / plates[x, 1], b / plates[x, 2], fouling[x], a * cp, b * cp
            )
            first = work[other, BEFORE]
            work[other, BEFORE] = float("nan")
            hot_c, cold_c = (warm, first) if hot == k else (first, warm)
            heat = passes * (hot_c - cold_c)
            taken_kj[hot] += heat * dt_s
            given_kj[cold] += heat * dt_s
            hot_c -= heat / (a * cp)
            cold_c += heat / (b * cp)
            warm, second = (hot_c, cold_c) if hot == k else (cold_c, hot_c)
            count = 2
        for turn in range(count):
            if turn == 1:
                k, warm = other, second
                way, m = forward[k], abs(flow_kgs[k])
            out = after_demand(warm, m, cp, ambient_c[k], demand_kw[k], set_c[k], is_heat[k])
            outlet_c[k] = out
            kg = m * dt_s
            if out > warm:
                given_kj[k] += kg * cp * (out - warm)
            elif out < warm:
                taken_kj[k] += kg * cp * (warm - out)
            head = to_node[k] if way > 0 else from_node[k]
            if early[k]:
                pool[head, CARRIED] += kg * out - work[k, GUESS]
            else:
                pool[head, HEAT_IN] += kg * out


@compiled
def finish(
    dt_s: float, cp: float, from_node: Ints, to_node: Ints, forward: Ints, is_pipe: Flags,
    ambient_c: Floats, source_c: Floats, pool: Floats, state: Floats, place: Ints, segment: Floats,
    node_c: Floats, inlet_c: Floats, outlet_c: Floats, lost_kj: Floats, outside_kj: Floats,
) -> None:  # fmt: skip
    """Cool standing water and write the temperatures of nodes, fed or not."""
    still = 0
    for v in range(len(node_c)):
        if pool[v, KG_IN] > 0.0:
            node_c[v] = pool[v, HEAT_IN] / pool[v, KG_IN]
        else:
            still += 1
            pool[v, HEAT_IN] = 0.0
        from_c = source_c[v] if source_c[v] == source_c[v] else node_c[v]
        outside_kj[v] += cp * (pool[v, ENTERS] * from_c - pool[v, LEAVES] * node_c[v])
    for k in range(len(forward)):
        if forward[k] != 0:
            continue
        if is_pipe[k]:
            lost_kj[k] += cp * cool(k, state[k, MASS], dt_s, state, place, segment)
            inlet_c[k] = end_c(k, False, state, place, segment)
            outlet_c[k] = end_c(k, True, state, place, segment)
    if still > 0:
        settle_still(
            from_node, to_node, forward, is_pipe, ambient_c, pool, state, place, segment, node_c
        )
    for k in range(len(forward)):
        if forward[k] == 0 and not is_pipe[k]:
            inlet_c[k] = node_c[from_node[k]]
            outlet_c[k] = node_c[to_node[k]]


@compiled
def settle_still(
    from_node: Ints, to_node: Ints, forward: Ints, is_pipe: Flags, ambient_c: Floats, pool: Floats,
    state: Floats, place: Ints, segment: Floats, node_c: Floats,
) -> None:  # fmt: skip
    """Give nodes that nothing feeds the temperature of the water in pipes that end there, or of
    the nodes next to them, or of their surroundings."""
    n_node, n_link = len(node_c), len(forward)
    # HEAT_IN counts neighbours from here on; -1 marks nodes that are known.
    for v in range(n_node):
        pool[v, HEAT_IN] = -1.0 if pool[v, KG_IN] > 0.0 else 0.0
    for level in range(3):
        # First pipes; then links without volume from known nodes, thrice; at last surroundings.
        for _ in range(3 if level == 1 else 1):
            for k in range(n_link):
                if level == 0 and not (is_pipe[k] and place[k, COUNT] > 0):
                    continue
                if level > 0 and (level == 1) == is_pipe[k]:
                    continue
                for end in range(2):
                    v = to_node[k] if end == 1 else from_node[k]
                    far = from_node[k] if end == 1 else to_node[k]
                    if pool[v, HEAT_IN] < 0.0 or (level == 1 and pool[far, HEAT_IN] >= 0.0):
                        continue
                    if level == 0:
                        seen = end_c(k, end == 1, state, place, segment)
                    elif level == 1:
                        seen = node_c[far]
                    else:
                        seen = ambient_c[k]
                    number = pool[v, HEAT_IN]
                    before = node_c[v] if number > 0.0 else 0.0
                    node_c[v] = (before * number + seen) / (number + 1.0)
                    pool[v, HEAT_IN] = number + 1.0
            for v in range(n_node):
                if pool[v, HEAT_IN] > 0.0:
                    pool[v, HEAT_IN] = -1.0


@compiled
def push_step(
    dt_s: float, flow_kgs: Floats, cp: float, from_node: Ints, to_node: Ints, forward: Ints,
    fixed: Flags, order: Ints, n_order: int, early: Flags, is_pipe: Flags, is_heat: Flags,
    partner: Ints, side: Ints, plates: Floats, fouling: Floats, demand_kw: Floats, set_c: Floats,
    ambient_c: Floats, outflow_kgs: Floats, source_c: Floats, pool: Floats, work: Floats,
    state: Floats, place: Ints, segment: Floats, node_c: Floats, inlet_c: Floats,
    outlet_c: Floats, lost_kj: Floats, given_kj: Floats, taken_kj: Floats, outside_kj: Floats,
) -> None:  # fmt: skip
    """Move all water of a network by one step; see `Dynamics.push`."""
    for k in range(len(forward)):
        state[k, AMBIENT] = ambient_c[k]
    gather(dt_s, flow_kgs, from_node, to_node, forward, outflow_kgs, source_c, pool)
    feed_early(
        dt_s, flow_kgs, cp, from_node, to_node, forward, fixed, order, n_order, early, is_pipe,
        partner, demand_kw, set_c, pool, work, state, place, segment, outlet_c,
    )  # fmt: skip
    work_through(
        dt_s, flow_kgs, cp, from_node, to_node, forward, fixed, order, n_order, early, is_pipe,
        is_heat, partner, side, plates, fouling, demand_kw, set_c, ambient_c, pool, work, state,
        place, segment, node_c, inlet_c, outlet_c, lost_kj, given_kj, taken_kj,
    )  # fmt: skip
    finish(
        dt_s, cp, from_node, to_node, forward, is_pipe, ambient_c, source_c, pool, state, place,
        segment, node_c, inlet_c, outlet_c, lost_kj, outside_kj,
    )  # fmt: skip


@compiled
def conduct_along(
    links: Ints, conducts: Floats, dt_s: float, place: Ints, segment: Floats, low: Floats,
    side: Floats,
) -> None:  # fmt: skip
    """Conduct heat along the content of some pipes, such as storage tanks."""
    for i in range(len(links)):
        mix_content(links[i], conducts[i] * dt_s, place, segment, low, side)
