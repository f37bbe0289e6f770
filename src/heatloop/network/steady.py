"""The steady state of a network: flows, pressures and temperatures that agree with each other."""

from __future__ import annotations

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.anderson import Anderson
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import TOLERANCE_KPA, Flows, Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Ints
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State

_MOST_ROUNDS = 200
_HEAT_TOLERANCE = 3e-7
_MEAN_TOLERANCE_K = 1e-3
_LEAST_DROP_K = 0.05
_FARTHEST = 1.5
_QUIET_STEP = 1e-4
_HOLD_AFTER = 40
_SHARPER_AFTER = 20
_LATE_TOLERANCE = 1e-5
_FAR_STEP = 0.3
_WARMER_K = 3.0
_LEAST_KGS = 1e-9


def solve_steady(
    solver: Solver,
    operation: Operation,
    *,
    start: State | None = None,
    fixed_c: Floats | None = None,
    tolerance_kpa: float = TOLERANCE_KPA,
) -> State:
    """Return the steady state; heat consumers get the flow that carries their heat.

    Args:
        solver: The hydraulics of the network.
        operation: What is set now; not changed.
        start: A state to start from, such as the last one.
        fixed_c: Mean temperatures that densities and viscosities are taken at, shape (n_link,);
            by default they follow the solution.
        tolerance_kpa: Largest pressure residual of a link.

    Raises:
        InputError: Flows or temperatures do not settle, or no node holds a pressure.
    """
    net, sweeper = solver.network, solver.sweeper
    heat = np.flatnonzero((net.kind == LinkKind.HEAT) & ~operation.shut)
    if len(heat):
        operation = operation.copy()
        operation.flow_kgs[heat] = _first_flows(operation, heat, start)
    node_c = np.full(net.n_node, np.nan) if start is None else start.node_c
    mean_c = fixed_c if fixed_c is not None else _mean_c(start)
    steps, memory = 0, Anderson()
    share, last_k, quiet = 1.0, np.inf, not len(heat)
    for round_ in range(_MOST_ROUNDS):
        # Where two wide pipes share little water, temperatures hop with what pressures leave open.
        sharper = 1.0 if round_ < _SHARPER_AFTER else 1e-3
        flows = solver.solve(operation, mean_c=mean_c, tolerance_kpa=sharper * tolerance_kpa)
        steps += flows.iterations
        used_c = solver.usual_c if mean_c is None else mean_c
        node_c, inlet_c, outlet_c = sweeper.run(operation, flows.flow_kgs, used_c, node_c)
        settled = True
        # Where water just turns round in a ring, temperature jumps with it: no steady state exists
        # in the strict sense, so after a while densities are held.
        if fixed_c is None and round_ < _HOLD_AFTER:
            away_c = 0.5 * (inlet_c + outlet_c) - used_c
            farthest_k = float(np.abs(away_c).max())
            settled = farthest_k < _MEAN_TOLERANCE_K
            # Warm water rises, flows turn, temperatures follow: such swings are damped.
            if quiet and farthest_k > 0.7 * last_k:
                share = max(0.5 * share, 0.05)
            last_k = farthest_k
            mean_c = used_c + share * away_c
        if len(heat):
            step, miss = _heat_step(operation, heat, flows, inlet_c, node_c, used_c, solver)
            farthest = float(np.abs(step).max())
            enough = _HEAT_TOLERANCE if round_ < _HOLD_AFTER else _LATE_TOLERANCE
            settled, quiet = settled and miss < enough, farthest < _QUIET_STEP
            if farthest > _FAR_STEP:
                # Far off, past steps say nothing about the next.
                memory = Anderson()
            if not settled:
                _move(operation, heat, step, memory)
        if settled:
            return State(
                flow_kgs=flows.flow_kgs,
                pressure_kpa=flows.pressure_kpa,
                node_c=node_c,
                inlet_c=inlet_c,
                outlet_c=outlet_c,
                supplied=flows.supplied,
                islands=flows.islands,
                iterations=steps,
                residual_kpa=flows.residual_kpa,
            )
    raise InputError(
        "flows and temperatures do not settle together",
        thing="network",
        fix="check demands against supply temperature and pipe losses",
    )


def _mean_c(start: State | None) -> Floats | None:
    return None if start is None else 0.5 * (start.inlet_c + start.outlet_c)


def _first_flows(operation: Operation, heat: Ints, start: State | None) -> Floats:
    if start is not None:
        return np.maximum(start.flow_kgs[heat], 0.0)
    set_c = operation.outlet_c[np.isfinite(operation.outlet_c)]
    hottest = max(float(set_c.max()), float(np.nanmax(operation.source_c, initial=-np.inf)))
    drop_k = np.maximum(0.8 * (hottest - operation.outlet_c[heat]), 1.0)
    return np.asarray(operation.demand_kw[heat] / (4.19 * drop_k))


def _heat_step(
    operation: Operation,
    heat: Ints,
    flows: Flows,
    inlet_c: Floats,
    node_c: Floats,
    mean_c: Floats,
    solver: Solver,
) -> tuple[Floats, float]:
    """Return each heat consumer's step of ln(flow), and the largest relative miss of a heat.

    With all flows scaled alike, a consumer's inlet excess goes as exp(-a / m): the less flows, the
    colder it comes. That slope k damps the step to 1 / (1 + k) of the way.
    """
    net = solver.network
    cp = solver.sweeper.cp(mean_c)[heat]
    wanted_kw, back_c = operation.demand_kw[heat], operation.outlet_c[heat]
    both = flows.supplied[net.from_node[heat]] & flows.supplied[net.to_node[heat]]
    live = both & (wanted_kw > 0.0)
    drop_k = inlet_c[heat] - back_c
    ground_c = min(float(operation.ambient_c.min()), float(back_c.min()) - 1.0)
    excess = np.maximum(inlet_c[heat] - ground_c, 0.1)
    hottest = float(np.nanmax(node_c))
    cooled = np.log(np.maximum((hottest - ground_c) / excess, 1.0))
    slope = excess / np.maximum(drop_k, _LEAST_DROP_K) * cooled
    carried_kw = operation.flow_kgs[heat] * cp * np.maximum(drop_k, _LEAST_DROP_K)
    wanted = np.log(np.maximum(wanted_kw, 1e-12) / np.maximum(carried_kw, 1e-12))
    # Water too cold to give anything: as much more as brings it a little above the outlet.
    warm = np.maximum((hottest - ground_c) / (back_c + _WARMER_K - ground_c), 1.0 + 1e-9)
    more = np.log(np.maximum(cooled, 1e-9) / np.log(warm))
    step = np.where(drop_k > _LEAST_DROP_K, wanted / (1.0 + slope), np.clip(more, 0.02, 1.5))
    miss = np.where(live, np.where(drop_k > _LEAST_DROP_K, np.abs(wanted), 1.0), 0.0)
    return np.where(live, np.clip(step, -_FARTHEST, _FARTHEST), 0.0), float(miss.max())


def _move(operation: Operation, heat: Ints, step: Floats, memory: Anderson) -> None:
    now = np.log(np.maximum(operation.flow_kgs[heat], _LEAST_KGS))
    moved = np.clip(memory.next(now, step) - now, -_FARTHEST, _FARTHEST)
    operation.flow_kgs[heat] = np.where(operation.demand_kw[heat] > 0.0, np.exp(now + moved), 0.0)
