"""Mixing at nodes in one step: feed nodes early, work through links in order, show what stands."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.carry import GUESS, KEPT, MASS, POPPED, THROUGH, end_c
from heatloop.network.model.net import Ints
from heatloop.network.sweep.plates import transfer_of
from heatloop.network.sweep.sweep import HOTTEST_C, outlet_of

HEAT_IN, KG_IN, ENTERS, LEAVES, CARRIED = range(5)
"""Places in a node's row of `pool`: kg K that flowed in this step, kg that make it, kg that came
from and went outside, kg K that belong to the next step (see `arrange`)."""
INLET, OUTLET, LOST, GIVEN, TAKEN = range(5)
"""Rows of `shown`: temperatures of each link; kJ lost, given and taken in the step."""
_MOST_CARRIED_K = 2.0
"""What is carried over from the step before changes a node's temperature by no more than this."""
LINK, TAIL, HEAD_NODE, WAY, PARTNER, SIDE, TRAITS = range(7)
"""Columns of `plan`, a row for each flowing link in the order of work."""
PIPE, HEAT, EARLY, FIXED = 1, 2, 4, 8
"""Bits of TRAITS: what the link is, whether it feeds its node early, whether its outlet is set."""


@compiled
def gather(
    dt_s: float, flow_kgs: Floats, plan: Ints, n_plan: int, outflow_kgs: Floats, source_c: Floats,
    node_c: Floats, pool: Floats,
) -> None:  # fmt: skip
    """Begin the step of every node: water from outside makes up what links take and do not bring.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        plan: See the columns above.
        n_plan: Number of its rows in use.
        outflow_kgs: Drawn off, shape (n_node,).
        source_c: Temperature of water from outside, nan: the node's own, shape (n_node,).
        node_c: Of the step before, shape (n_node,).
        pool: Written, see the places above, shape (n_node, 5).
    """
    for v in range(len(outflow_kgs)):
        pool[v, KG_IN] = 0.0
        pool[v, ENTERS] = max(outflow_kgs[v], 0.0) * dt_s
    for i in range(n_plan):
        kg = abs(flow_kgs[plan[i, LINK]]) * dt_s
        pool[plan[i, HEAD_NODE], KG_IN] += kg
        pool[plan[i, TAIL], ENTERS] += kg
    for v in range(len(outflow_kgs)):
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
            # Not more at once than a small flow can bear, and never out of water's range.
            up = min(max(HOTTEST_C - node_c[v], 0.0), _MOST_CARRIED_K) * come
            down = min(max(node_c[v], 0.0), _MOST_CARRIED_K) * come
            carried = min(max(pool[v, CARRIED], -down), up)
            heat += carried
            pool[v, CARRIED] -= carried
        pool[v, HEAT_IN] = heat


@compiled
def feed_early(
    dt_s: float, flow_kgs: Floats, cp: float, plan: Ints, early: Ints, demand_kw: Floats,
    set_c: Floats, ambient_c: Floats, last_c: Floats, pool: Floats, work: Floats,
) -> None:  # fmt: skip
    """Let links that are cut or whose outlet is set feed their nodes before all others.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        cp: Heat capacity, kJ/(kg K).
        plan: See the columns above.
        early: Rows of `plan` that feed early, shape (n,).
        demand_kw: Shape (n_link,).
        set_c: Shape (n_link,).
        ambient_c: Shape (n_link,).
        last_c: Outlet temperatures of the step before, shape (n_link,).
        pool: Of nodes, changed.
        work: Of links, changed.
    """
    for i in early:
        k, traits = plan[i, LINK], plan[i, TRAITS]
        m = abs(flow_kgs[k])
        kg = m * dt_s
        guess = last_c[k]
        if traits & FIXED:
            guess = set_c[k]
        elif traits & PIPE and work[k, THROUGH] == 0.0 and plan[i, PARTNER] < 0:
            guess = outlet_of(
                work[k, POPPED] / kg, m, 0.0, ambient_c[k], demand_kw[k], set_c[k], cp
            )
        work[k, GUESS] = kg * guess
        pool[plan[i, HEAD_NODE], HEAT_IN] += kg * guess


@compiled
def exchanged_kw(
    x: int, hot_kgs: float, cold_kgs: float, apart_k: float, cp: float, plates: Floats,
    fouling: Floats,
) -> float:  # fmt: skip
    """Return the heat that passes through plate exchanger `x`."""
    a, b = abs(hot_kgs), abs(cold_kgs)
    passes = transfer_of(
        plates[x, 0], a / plates[x, 1], b / plates[x, 2], fouling[x], a * cp, b * cp
    )
    return passes * apart_k


@compiled
def work_through(
    dt_s: float, flow_kgs: Floats, cp: float, plan: Ints, n_plan: int, plates: Floats,
    fouling: Floats, demand_kw: Floats, set_c: Floats, ambient_c: Floats, pool: Floats,
    work: Floats, node_c: Floats, shown: Floats,
) -> None:  # fmt: skip
    """Mix at the nodes and pass on, downstream from what is known.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        cp: Heat capacity, kJ/(kg K).
        plan: See the columns above.
        n_plan: Number of its rows in use.
        plates: Conductance and design flows of exchangers, shape (n_exchanger, 3).
        fouling: Shape (n_exchanger,).
        demand_kw: Shape (n_link,).
        set_c: Shape (n_link,).
        ambient_c: Shape (n_link,).
        pool: Of nodes, changed.
        work: Of links, changed.
        node_c: Of the step before, for nodes that are fed from outside only, shape (n_node,).
        shown: Written but for LOST, shape (5, n_link).
    """
    first_c = 0.0
    for i in range(n_plan):
        k, tail, traits = plan[i, LINK], plan[i, TAIL], plan[i, TRAITS]
        m = abs(flow_kgs[k])
        kg = m * dt_s
        warm = node_c[tail]
        if pool[tail, KG_IN] > 0.0:
            warm = pool[tail, HEAT_IN] / pool[tail, KG_IN]
        shown[INLET, k] = warm
        if traits & PIPE:
            ambient = ambient_c[k]
            passes = ambient + (warm - ambient) * work[k, KEPT]
            warm = (work[k, POPPED] + work[k, THROUGH] * passes) / kg
        turns = 1
        other = plan[i, PARTNER]
        if other >= 0:
            # Both sides stand next to each other: the first waits for the second.
            if i + 1 < n_plan and plan[i + 1, LINK] == other:
                first_c = warm
                continue
            x, sign, hot, cold = plan[i, SIDE], 1.0, k, other
            if x < 0:
                x, sign, hot, cold = -1 - x, -1.0, other, k
            apart = sign * (warm - first_c)
            heat = exchanged_kw(x, flow_kgs[hot], flow_kgs[cold], apart, cp, plates, fouling)
            shown[TAKEN, hot] += heat * dt_s
            shown[GIVEN, cold] += heat * dt_s
            warm -= sign * heat / (m * cp)
            first_c += sign * heat / (abs(flow_kgs[other]) * cp)
            turns = 2
        for turn in range(turns):
            if turn == 1:
                k, warm = other, first_c
                m = abs(flow_kgs[k])
                kg = m * dt_s
                traits = plan[i - 1, TRAITS]
            out, wanted = warm, set_c[k]
            if demand_kw[k] != 0.0 or wanted == wanted:
                if traits & HEAT:
                    # A consumer does not warm water that reaches it too cold.
                    wanted = min(wanted, warm)
                out = outlet_of(warm, m, 0.0, ambient_c[k], demand_kw[k], wanted, cp)
                shown[GIVEN, k] += kg * cp * max(out - warm, 0.0)
                shown[TAKEN, k] += kg * cp * max(warm - out, 0.0)
            shown[OUTLET, k] = out
            head = plan[i - turn, HEAD_NODE]
            if traits & EARLY:
                pool[head, CARRIED] += kg * out - work[k, GUESS]
            else:
                pool[head, HEAT_IN] += kg * out


@compiled
def finish(
    cp: float, forward: Ints, source_c: Floats, pool: Floats, state: Floats, segment: Floats,
    node_c: Floats, shown: Floats, outside_kj: Floats,
) -> int:  # fmt: skip
    """Show what the step did; return how many nodes nothing feeds.

    Args:
        cp: Heat capacity, kJ/(kg K).
        forward: 1, -1 or 0, shape (n_link,).
        source_c: Shape (n_node,).
        pool: Of nodes.
        state: See `carry`.
        segment: See `carry`.
        node_c: Written where water flows, shape (n_node,).
        shown: LOST comes over heat capacity, shape (5, n_link).
        outside_kj: Added to, shape (n_node,).
    """
    still = 0
    for v in range(len(node_c)):
        if pool[v, KG_IN] > 0.0:
            node_c[v] = pool[v, HEAT_IN] / pool[v, KG_IN]
        else:
            still += 1
        from_c = source_c[v] if source_c[v] == source_c[v] else node_c[v]
        outside_kj[v] += cp * (pool[v, ENTERS] * from_c - pool[v, LEAVES] * node_c[v])
    for k in range(len(forward)):
        shown[LOST, k] *= cp
        if forward[k] == 0 and state[k, MASS] > 0.0:
            shown[INLET, k] = end_c(k, False, state, segment)
            shown[OUTLET, k] = end_c(k, True, state, segment)
    return still
