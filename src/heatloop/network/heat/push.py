"""One step of all water of a network: sort out flows, feed nodes early, work through in order."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.carry import MASS, cool, end_c, mix_content, put_in, take_out
from heatloop.network.heat.inlined import inlined
from heatloop.network.model.net import Ints
from heatloop.network.sweep.plates import transfer_of
from heatloop.network.sweep.sweep import outlet_of

HEAT_IN, KG_IN, ENTERS, LEAVES, CARRIED = range(5)
"""Places in a node's row of `pool`: kg K that flowed in this step, kg that make it, kg that came
from and went outside, kg K that belong to the next step (see `arrange`)."""
INLET, OUTLET, LOST, GIVEN, TAKEN = range(5)
"""Places in a link's row of `book`: temperatures; kJ lost, given and taken in the step."""
POPPED, COOLED, GUESS, BEFORE = range(4)
"""Places in a link's row of `work`: kg K and loss of water that left early, kg K its node was
promised, temperature of an exchanger's side that waits for the other."""
LINK, TAIL, HEAD_NODE, WAY, PARTNER, SIDE, TRAITS = range(7)
"""Columns of `plan`, a row for each flowing link in the order of work."""
PIPE, HEAT, EARLY, FIXED = 1, 2, 4, 8
"""Bits of TRAITS: what the link is, whether it feeds its node early, whether its outlet is set."""


@compiled
def gather(
    dt_s: float, flow_kgs: Floats, plan: Ints, n_plan: int, outflow_kgs: Floats, source_c: Floats,
    pool: Floats,
) -> None:  # fmt: skip
    """Begin the step of every node: water from outside makes up what links take and do not bring.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        plan: See the columns above.
        n_plan: Number of its rows in use.
        outflow_kgs: Drawn off, shape (n_node,).
        source_c: Temperature of water from outside, nan: the node's own, shape (n_node,).
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
            heat += pool[v, CARRIED]
            pool[v, CARRIED] = 0.0
        pool[v, HEAT_IN] = heat


@compiled
def feed_early(
    dt_s: float, flow_kgs: Floats, cp: float, plan: Ints, early: Ints, demand_kw: Floats,
    set_c: Floats, ambient_c: Floats, pool: Floats, book: Floats, work: Floats, state: Floats,
    segment: Floats,
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
        pool: Of nodes, changed.
        book: Of links, of the step before.
        work: Of links, changed.
        state: See `carry`.
        segment: See `carry`.
    """
    for i in early:
        k, traits = plan[i, LINK], plan[i, TRAITS]
        m = abs(flow_kgs[k])
        kg = m * dt_s
        guess = set_c[k] if traits & FIXED else book[k, OUTLET]
        if traits & PIPE:
            popped, lost = take_out(
                k, m, plan[i, WAY] > 0, ambient_c[k], dt_s, state, segment
            )
            work[k, POPPED] = popped
            work[k, COOLED] = lost
            if not traits & FIXED and kg < state[k, MASS] and plan[i, PARTNER] < 0:
                guess = outlet_of(
                    popped / kg, m, 0.0, ambient_c[k], demand_kw[k], set_c[k], cp
                )
        work[k, GUESS] = kg * guess
        pool[plan[i, HEAD_NODE], HEAT_IN] += kg * guess


@inlined
def swap(
    hot: int, cold: int, x: int, hot_c: float, cold_c: float, dt_s: float, flow_kgs: Floats,
    cp: float, plates: Floats, fouling: Floats, book: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Exchange heat between the sides of plate exchanger `x`; return both outlet temperatures."""
    a, b = abs(flow_kgs[hot]), abs(flow_kgs[cold])
    passes = transfer_of(
        plates[x, 0], a / plates[x, 1], b / plates[x, 2], fouling[x], a * cp, b * cp
    )
    heat = passes * (hot_c - cold_c)
    book[hot, TAKEN] += heat * dt_s
    book[cold, GIVEN] += heat * dt_s
    return hot_c - heat / (a * cp), cold_c + heat / (b * cp)


@inlined
def hand_over(
    i: int, warm: float, dt_s: float, cp: float, m: float, plan: Ints, demand: float, wanted: float,
    ambient: float, pool: Floats, book: Floats, work: Floats,
) -> None:  # fmt: skip
    """Apply a link's demand or set temperature and give its water to the next node."""
    k, traits = plan[i, LINK], plan[i, TRAITS]
    kg = m * dt_s
    out = warm
    if demand != 0.0 or wanted == wanted:
        if traits & HEAT:
            # A consumer does not warm water that reaches it too cold.
            wanted = min(wanted, warm)
        out = outlet_of(warm, m, 0.0, ambient, demand, wanted, cp)
        if out > warm:
            book[k, GIVEN] += kg * cp * (out - warm)
        else:
            book[k, TAKEN] += kg * cp * (warm - out)
    book[k, OUTLET] = out
    head = plan[i, HEAD_NODE]
    if traits & EARLY:
        pool[head, CARRIED] += kg * out - work[k, GUESS]
    else:
        pool[head, HEAT_IN] += kg * out


@compiled
def work_through(
    dt_s: float, flow_kgs: Floats, cp: float, plan: Ints, n_plan: int, plates: Floats,
    fouling: Floats, demand_kw: Floats, set_c: Floats, ambient_c: Floats, pool: Floats,
    book: Floats, work: Floats, state: Floats, segment: Floats, node_c: Floats,
) -> None:  # fmt: skip
    """Move the water of every link that flows, downstream from what is known.

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
        book: Of links, written.
        work: Of links, changed.
        state: See `carry`.
        segment: See `carry`.
        node_c: Of the step before, for nodes that are fed from outside only, shape (n_node,).
    """
    for i in range(n_plan):
        k, tail, traits = plan[i, LINK], plan[i, TAIL], plan[i, TRAITS]
        m = abs(flow_kgs[k])
        warm = node_c[tail]
        if pool[tail, KG_IN] > 0.0:
            warm = pool[tail, HEAT_IN] / pool[tail, KG_IN]
        book[k, INLET] = warm
        book[k, LOST] = book[k, GIVEN] = book[k, TAKEN] = 0.0
        if traits & PIPE:
            forwards = plan[i, WAY] > 0
            if traits & EARLY:
                popped, lost = work[k, POPPED], work[k, COOLED]
            else:
                popped, lost = take_out(k, m, forwards, ambient_c[k], dt_s, state, segment)
            passed, more = put_in(k, m, forwards, warm, ambient_c[k], dt_s, state, segment)
            book[k, LOST] = cp * (lost + more)
            warm = (popped + passed) / (m * dt_s)
        other = plan[i, PARTNER]
        if other >= 0:
            # Both sides stand next to each other: the first waits for the second.
            if i + 1 < n_plan and plan[i + 1, LINK] == other:
                work[k, BEFORE] = warm
                continue
            first = work[other, BEFORE]
            x = plan[i, SIDE]
            if x >= 0:
                warm, first = swap(
                    k, other, x, warm, first, dt_s, flow_kgs, cp, plates, fouling, book
                )
            else:
                first, warm = swap(
                    other, k, -1 - x, first, warm, dt_s, flow_kgs, cp, plates, fouling, book
                )
            hand_over(
                i - 1, first, dt_s, cp, abs(flow_kgs[other]), plan, demand_kw[other], set_c[other],
                ambient_c[other], pool, book, work,
            )  # fmt: skip
        hand_over(
            i, warm, dt_s, cp, m, plan, demand_kw[k], set_c[k], ambient_c[k], pool, book, work
        )


@compiled
def finish(
    dt_s: float, cp: float, forward: Ints, ambient_c: Floats, source_c: Floats, pool: Floats,
    book: Floats, state: Floats, segment: Floats, node_c: Floats, shown: Floats,
    outside_kj: Floats,
) -> int:  # fmt: skip
    """Cool standing water and show what the step did; return how many nodes nothing feeds.

    Args:
        dt_s: Step.
        cp: Heat capacity, kJ/(kg K).
        forward: 1, -1 or 0, shape (n_link,).
        ambient_c: Shape (n_link,).
        source_c: Shape (n_node,).
        pool: Of nodes.
        book: Of links, changed where nothing flows.
        state: See `carry`.
        segment: See `carry`.
        node_c: Written where water flows, shape (n_node,).
        shown: `book` with a row for each place, added to, shape (5, n_link).
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
        if forward[k] == 0:
            book[k, LOST] = book[k, GIVEN] = book[k, TAKEN] = 0.0
            if state[k, MASS] > 0.0:
                lost = cool(k, state[k, MASS], ambient_c[k], dt_s, state, segment)
                book[k, LOST] = cp * lost
                book[k, INLET] = end_c(k, False, state, segment)
                book[k, OUTLET] = end_c(k, True, state, segment)
        for i in range(5):
            shown[i, k] += book[k, i]
    return still


@compiled
def settle_still(
    from_node: Ints, to_node: Ints, forward: Ints, ambient_c: Floats, pool: Floats, state: Floats,
    segment: Floats, node_c: Floats, seen: Floats,
) -> None:  # fmt: skip
    """Give nodes that nothing feeds a temperature of what stands around them.

    That is the mean of the water in pipes that end there; else of nodes at the other end of links
    without volume; else of the surroundings.

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        ambient_c: Shape (n_link,).
        pool: Of nodes.
        state: See `carry`.
        segment: See `carry`.
        node_c: Changed where nothing feeds, shape (n_node,).
        seen: Scratch: number of neighbours, sum of temperatures, shape (n_node, 2).
    """
    n_node = len(node_c)
    for v in range(n_node):
        seen[v, 0] = -1.0 if pool[v, KG_IN] > 0.0 else 0.0
        seen[v, 1] = 0.0
    for stage in range(6):
        # Pipes; four rounds over links without volume; surroundings.
        for k in range(len(forward)):
            pipe = state[k, MASS] > 0.0
            if (stage == 0 and not pipe) or (0 < stage < 5 and pipe):
                continue
            for end in range(2):
                v, far = from_node[k], to_node[k]
                if end == 1:
                    v, far = far, v
                if seen[v, 0] < 0.0 or (0 < stage < 5 and seen[far, 0] >= 0.0):
                    continue
                around = ambient_c[k]
                if stage == 0:
                    around = end_c(k, end == 1, state, segment)
                elif stage < 5:
                    around = node_c[far]
                seen[v, 0] += 1.0
                seen[v, 1] += around
        for v in range(n_node):
            if seen[v, 0] > 0.0:
                node_c[v] = seen[v, 1] / seen[v, 0]
                seen[v, 0] = -1.0


@compiled
def conduct_along(
    links: Ints, conducts: Floats, dt_s: float, state: Floats, segment: Floats, low: Floats,
    side: Floats,
) -> None:  # fmt: skip
    """Conduct heat along the content of some pipes, such as storage tanks."""
    for i in range(len(links)):
        mix_content(links[i], conducts[i] * dt_s, state, segment, low, side)
