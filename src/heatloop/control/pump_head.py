"""The least pump head at which the worst consumer still has its differential pressure.

One solve with prescribed flows gives the pressure difference left at every consumer; raising the
head by what the worst one misses, and no more, is the whole of it: at prescribed flows all
differences between a source's two sides move with its head by the same amount.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """Pump heads of the sources, and who decides them."""

    head_kpa: Mapping[str, float]
    """Head to hold at each source's outlet, by name of its link."""
    flow_kgs: Mapping[str, float]
    """Flow each source then gives."""
    worst: str
    """Name of the consumer that decides."""
    left_kpa: float
    """Differential pressure it has left."""
    drop_kpa: Floats
    """Differential pressure at every consumer, shape (n_consumer,)."""
    consumer: Ints
    """Number of each consumer's link, shape (n_consumer,)."""
    consumer_kgs: Floats
    """Flow of each consumer, shape (n_consumer,)."""
    state: State
    """The solve it comes from: its flows and temperatures hold, its supply sides lie `shift_kpa`
    too low."""
    shift_kpa: float
    """By how much every source's head is raised against that solve."""


def pump_heads(
    network: Network,
    operation: Operation,
    *,
    flows_kgs: Mapping[str, float],
    least_kpa: float | Mapping[str, float],
    least_head_kpa: float = 0.0,
    apart: Collection[str] = (),
) -> Heads:
    """Return the heads that give each source its flow and the worst consumer its pressure.

    Args:
        network: Consumers are FLOW or HEAT links, sources LIFT links.
        operation: Flows or demands of consumers.
        flows_kgs: Flow of every source but one, by name of its link; the other makes up the rest.
        least_kpa: Differential pressure each consumer needs, or by name of its link.
        least_head_kpa: Least head of a source's pump.
        apart: Names of consumers another pump decides for, a booster's behind it for one.

    Raises:
        InputError: A source is unknown, not exactly one is left to balance, or flows do not
            settle.
    """
    lifts = np.flatnonzero((network.kind == LinkKind.LIFT) & ~operation.shut)
    names = [network.link_names[i] for i in lifts]
    free = [name for name in names if name not in flows_kgs]
    unknown = [name for name in flows_kgs if name not in names]
    if unknown or len(free) != 1:
        raise InputError(
            "exactly one source balances, all others need a flow",
            thing=", ".join(unknown or names),
            fix="give the flow of every source but one",
        )
    trial = operation.copy()
    solver = Solver(network)
    consumers = consumers_of_primary(network, trial, lifts)
    wanted = np.array([flows_kgs.get(name, 0.0) for name in names])
    held = np.array([name in flows_kgs for name in names])
    state = solve_steady(solver, trial)
    # A source that is told its flow finds its head by secant steps on its own lift: the flow
    # rises with the lift, and few sources share a network.
    lift = trial.lift_kpa[lifts].copy()
    for _ in range(40):
        off = np.where(held, wanted - state.flow_kgs[lifts], 0.0)
        if np.abs(off).max() <= 1e-3 * max(float(np.abs(wanted).max()), 1.0):
            break
        lift = lift + _steps_kpa(solver, trial, state.flow_kgs[lifts], lifts, lift, held, off)
        trial.lift_kpa[lifts] = lift
        state = solve_steady(solver, trial, start=state)
    else:
        raise InputError("flows of the sources do not settle", thing=", ".join(flows_kgs))
    a, b = network.from_node[consumers], network.to_node[consumers]
    drop = state.pressure_kpa[a] - state.pressure_kpa[b]
    need = np.array([_need(least_kpa, network.link_names[i]) for i in consumers])
    alive = state.supplied[a] & state.supplied[b]
    mine = np.array([network.link_names[i] not in apart for i in consumers])
    margin = np.where(alive & (mine | ~mine.any()), drop - need, np.inf)
    worst = int(margin.argmin())
    a, b = network.from_node[lifts], network.to_node[lifts]
    head = state.pressure_kpa[b] - state.pressure_kpa[a] - margin[worst]
    short = max(least_head_kpa - float(head.min()), 0.0)
    return Heads(
        head_kpa={name: float(head[k] + short) for k, name in enumerate(names)},
        flow_kgs={name: float(state.flow_kgs[lifts[k]]) for k, name in enumerate(names)},
        worst=network.link_names[int(consumers[worst])],
        left_kpa=float(drop[worst] - margin[worst] + short),
        drop_kpa=np.asarray(drop - margin[worst] + short),
        consumer=consumers,
        consumer_kgs=np.asarray(state.flow_kgs[consumers]),
        state=state,
        shift_kpa=float(short - margin[worst]),
    )


def consumers_of_primary(network: Network, operation: Operation, lifts: Ints) -> Ints:
    """Return open FLOW and HEAT links that share water with the sources, shape (n,).

    Behind the plates of an isolation station another pump decides.
    """
    mark = waters_of(network, ~operation.shut)
    mine = np.isin(mark[network.from_node], mark[network.from_node[lifts]])
    takes = np.isin(network.kind, (LinkKind.FLOW, LinkKind.HEAT)) & ~operation.shut & mine
    found = np.flatnonzero(takes).astype(np.int64)
    if not len(found):
        raise InputError("no consumer shares water with the sources", thing="pump head")
    return found


def waters_of(network: Network, links: Flags) -> Ints:
    """Return one number for all nodes these links join, another for others, shape (n_node,)."""
    mark = np.arange(network.n_node)
    a, b = network.from_node[links], network.to_node[links]
    while True:
        before = mark.copy()
        np.minimum.at(mark, a, before[b])
        np.minimum.at(mark, b, before[a])
        mark = mark[mark]
        if (mark == before).all():
            return mark.astype(np.int64)


def _need(least_kpa: float | Mapping[str, float], name: str) -> float:
    return float(least_kpa.get(name, 0.0) if isinstance(least_kpa, Mapping) else least_kpa)


def _steps_kpa(
    solver: Solver,
    trial: Operation,
    flow_kgs: Floats,
    lifts: Ints,
    lift: Floats,
    held: np.ndarray[tuple[int], np.dtype[np.bool_]],
    off: Floats,
) -> Floats:
    """Return by how much lifts must change: the response to 1 kPa each, turned round."""
    which = np.flatnonzero(held)
    jacobian = np.zeros((len(which), len(which)))
    for column, k in enumerate(which):
        other = trial.copy()
        other.lift_kpa[lifts[k]] = lift[k] + 1.0
        moved = solve_steady(solver, other).flow_kgs[lifts]
        jacobian[:, column] = (moved - flow_kgs)[which]
    step = np.zeros(len(lifts))
    step[which] = np.clip(np.linalg.lstsq(jacobian, off[which], rcond=None)[0], -80.0, 80.0)
    return step
