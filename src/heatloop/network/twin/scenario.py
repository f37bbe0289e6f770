"""What if: the network after a change against the network now, for every consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady

_OF_LINKS = ("opening_pct", "speed", "lift_kpa", "flow_kgs", "demand_kw", "outlet_c")
_OF_NODES = ("held_kpa", "outflow_kgs", "leak_kgs_kpa05")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is set otherwise; everything by name of its link or node."""

    shut: tuple[str, ...] = ()
    """Links shut off."""
    opened: tuple[str, ...] = ()
    """Links opened again."""
    opening_pct: Mapping[str, float] = field(default_factory=dict)
    """Valves."""
    speed: Mapping[str, float] = field(default_factory=dict)
    """Pumps, over rated."""
    lift_kpa: Mapping[str, float] = field(default_factory=dict)
    """Plants and differential-pressure controllers."""
    flow_kgs: Mapping[str, float] = field(default_factory=dict)
    """Links of prescribed flow."""
    demand_kw: Mapping[str, float] = field(default_factory=dict)
    """Consumers."""
    outlet_c: Mapping[str, float] = field(default_factory=dict)
    """Plants: supply temperature; heat consumers: return temperature."""
    held_kpa: Mapping[str, float] = field(default_factory=dict)
    """Nodes that hold a pressure."""
    outflow_kgs: Mapping[str, float] = field(default_factory=dict)
    """Water lost at nodes."""
    leak_kgs_kpa05: Mapping[str, float] = field(default_factory=dict)
    """Leaks that follow pressure, at nodes."""
    demand_factor: float = 1.0
    """All demands and prescribed flows of consumers times this."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Difference:
    """After a change less now; arrays of every consumer."""

    consumer: Ints
    """Number of each consumer's link, shape (n_consumer,)."""
    head_kpa: Floats
    """Change of the pressure difference over it; nan: no longer supplied."""
    supply_kpa: Floats
    """Change of the pressure ahead of it."""
    flow_kgs: Floats
    """Change of its flow."""
    inlet_c: Floats
    """Change of the temperature of its water."""
    cut_off: Flags
    """Supplied before and not after."""
    before: State
    """Now."""
    after: State
    """With the change."""


def consumers_of(network: Network, operation: Operation) -> Ints:
    """Return the links that take heat: FLOW, HEAT, and any with a demand."""
    takes = np.isin(network.kind, (LinkKind.FLOW, LinkKind.HEAT)) | (operation.demand_kw > 0.0)
    return np.flatnonzero(takes).astype(np.int64)


def changed(network: Network, operation: Operation, change: Change) -> Operation:
    """Return the operation with a change; the given one is not touched.

    Raises:
        InputError: A name is unknown, or a value is no number.
    """
    out = operation.copy()
    links, nodes = network.link_index(), network.node_index()
    if change.demand_factor != 1.0:
        takers = consumers_of(network, operation)
        out.demand_kw[takers] *= change.demand_factor
        out.flow_kgs[takers] *= change.demand_factor
    for names, what in ((change.shut, True), (change.opened, False)):
        for name in names:
            out.shut[_number(links, name, "link")] = what
    for columns, numbers, kind in ((_OF_LINKS, links, "link"), (_OF_NODES, nodes, "node")):
        for column in columns:
            for name, value in getattr(change, column).items():
                if not np.isfinite(value):
                    raise InputError("a change must be a number", thing=name, place=column)
                getattr(out, column)[_number(numbers, name, kind)] = value
    return out


def what_if(
    solver: Solver, operation: Operation, change: Change, *, before: State | None = None
) -> Difference:
    """Return what a change would do to every consumer.

    Args:
        solver: The hydraulics of the network.
        operation: What is set now.
        change: What would be set otherwise.
        before: State now, if it is known.

    Raises:
        InputError: A name is unknown, or the network does not settle.
    """
    now = solve_steady(solver, operation) if before is None else before
    then = solve_steady(solver, changed(solver.network, operation, change), start=now)
    net = solver.network
    takers = consumers_of(net, operation)
    a, b = net.from_node[takers], net.to_node[takers]
    fed_before = now.supplied[a] & now.supplied[b]
    fed_after = then.supplied[a] & then.supplied[b]
    head = then.pressure_kpa[a] - then.pressure_kpa[b] - now.pressure_kpa[a] + now.pressure_kpa[b]
    return Difference(
        consumer=takers,
        head_kpa=head,
        supply_kpa=then.pressure_kpa[a] - now.pressure_kpa[a],
        flow_kgs=then.flow_kgs[takers] - now.flow_kgs[takers],
        inlet_c=then.inlet_c[takers] - now.inlet_c[takers],
        cut_off=fed_before & ~fed_after,
        before=now,
        after=then,
    )


Run = Callable[[Callable[[int], list[Difference]], Iterable[int]], Iterable[list[Difference]]]


def what_if_many(
    solvers: Sequence[Solver],
    operation: Operation,
    changes: Sequence[Change],
    *,
    run: Run = map,
) -> list[Difference]:
    """Return what each of many changes would do, in their order.

    The compiled loops hold no lock, so with one solver a thread and an executor's `map` as `run`
    the changes are worked off in parallel; the core itself starts no thread.

    Args:
        solvers: One for each worker, all of the same network.
        operation: What is set now.
        changes: Each is applied to the operation alone.
        run: As `map`: applies a function to numbers, in order.

    Raises:
        InputError: No solver is given, a name is unknown, or the network does not settle.
    """
    if not solvers:
        raise InputError("scenarios need a solver", thing="what_if_many")
    now = solve_steady(solvers[0], operation)

    def part(worker: int) -> list[Difference]:
        mine = changes[worker :: len(solvers)]
        return [what_if(solvers[worker], operation, each, before=now) for each in mine]

    parts = list(run(part, range(len(solvers))))
    return [parts[i % len(solvers)][i // len(solvers)] for i in range(len(changes))]


def _number(numbers: Mapping[str, int], name: str, what: str) -> int:
    if name not in numbers:
        raise InputError(f"unknown {what}", thing=name, place="change", fix=f"name a {what}")
    return numbers[name]
