"""Supply temperature of heat sources: run candidates through the network's dynamics, take the best.

Temperature times flow is bilinear and water takes hours to arrive, so a handful of trajectories
is simulated with travelling temperatures and judged: who gets water that is too cold, what is
lost to the ground, what the pumps take, what the return temperature costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady
from heatloop.network.water import density_kg_m3

STEP_S = 300.0
_PUMP = 0.70
"""Pump, motor and converter together, where nobody knows better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """What is weighed against each other."""

    heat_yuan_kwh: float = 0.12
    """Heat lost to the ground."""
    power_yuan_kwh: float = 0.65
    """Electricity of the pumps."""
    return_yuan_kwh_k: float = 0.0006
    """Heat made at a return 1 K warmer: less power from CHP, worse condensing."""
    cold_yuan_kh: float = 500.0
    """A consumer 1 K below what it needs for an hour: dearer than anything else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A candidate after its run."""

    supply_c: Floats
    """Supply temperature of each step, shape (n_step,)."""
    cost_yuan: float
    """All together."""
    loss_kwh: float
    """Heat lost to the ground."""
    pump_kwh: float
    """Electricity of the pumps at the sources."""
    return_c: float
    """Mean return temperature, weighed by flow."""
    cold_kh: float
    """Kelvin-hours consumers were below their need."""
    coldest: str
    """Consumer that was farthest below, or came nearest to it."""
    margin_k: float
    """How far it was above its need; negative: below."""


def candidates(
    outdoor_c: Floats,
    *,
    now_c: float,
    design_outdoor_c: float,
    design_supply_c: float,
    least_c: float,
    ramp_k_h: float,
    step_s: float,
    count: int = 7,
) -> list[Floats]:
    """Return trajectories to choose from: outdoor curves of rising level, ramped from now.

    Args:
        outdoor_c: Outdoor temperature each step, shape (n_step,).
        now_c: Supply temperature now.
        design_outdoor_c: Outdoor temperature of the design.
        design_supply_c: Supply temperature of the design.
        least_c: Lowest that is ever sent.
        ramp_k_h: Fastest change.
        step_s: Length of a step.
        count: Candidates.
    """
    share = (20.0 - outdoor_c) / (20.0 - design_outdoor_c)
    reach = ramp_k_h * step_s / 3600.0
    found = []
    for level in np.linspace(-15.0, 9.0, count):
        wanted = 20.0 + (design_supply_c - 20.0) * np.clip(share, 0.0, 1.0) ** 0.8 + level
        wanted = np.clip(wanted, least_c, design_supply_c)
        held, path = now_c, []
        for value in wanted.tolist():
            held = held + min(max(value - held, -reach), reach)
            path.append(held)
        found.append(np.array(path))
    return found


def scan(
    network: Network,
    operation: Operation,
    paths: Sequence[Floats],
    *,
    demand_kw: Floats,
    need_c: Floats | Mapping[str, float],
    step_s: float,
    worth: Worth | None = None,
    run: Callable[..., Iterable[Judged]] = map,
) -> list[Judged]:
    """Return all candidates after their run, the best first.

    Args:
        network: Consumers are HEAT links, sources LIFT links with an outlet temperature.
        operation: As it is now; the run begins from its steady state.
        paths: Candidates, each of shape (n_step,).
        demand_kw: Heat of all consumers together each step, shape (n_step,); shared out as now.
        need_c: Temperature each consumer needs, of shape (n_consumer,) or by name of its link.
        step_s: Length of a step of the candidates.
        worth: What is weighed against each other.
        run: As `map`; an executor's `map` with threads works candidates off in parallel.

    Raises:
        InputError: No candidate, no consumer, or flows do not settle.
    """
    heat = np.flatnonzero((network.kind == LinkKind.HEAT) & ~operation.shut).astype(np.int64)
    if not paths or not len(heat):
        raise InputError("a scan needs candidates and consumers", thing="source temperature")
    need = (
        np.array([need_c.get(network.link_names[i], -np.inf) for i in heat])
        if isinstance(need_c, Mapping)
        else need_c
    )
    begin = solve_steady(Solver(network), operation)

    def judge(path: Floats) -> Judged:
        return _judge(
            network, operation, begin, path, demand_kw, heat, need, step_s, worth or Worth()
        )

    judged: list[Judged] = list(run(judge, paths))
    return sorted(judged, key=lambda each: each.cost_yuan)


def _judge(
    network: Network,
    operation: Operation,
    begin: State,
    path: Floats,
    demand_kw: Floats,
    heat: Ints,
    need_c: Floats,
    step_s: float,
    worth: Worth,
) -> Judged:
    """Run one candidate."""
    water = Dynamics(network)
    water.fill(0.5 * (begin.inlet_c + begin.outlet_c))
    sim, op = Simulation(Solver(network), water), operation.copy()
    lifts = np.flatnonzero((network.kind == LinkKind.LIFT) & ~operation.shut)
    share = operation.demand_kw[heat] / max(float(operation.demand_kw[heat].sum()), 1e-9)
    inner = max(round(step_s / STEP_S), 1)
    dt_s = step_s / inner
    loss = pump = cold = flowed = warm = given = 0.0
    margin = np.full(len(heat), np.inf)
    for t, supply in enumerate(path.tolist()):
        op.outlet_c[lifts] = supply
        op.demand_kw[heat] = share * demand_kw[t]
        for _ in range(inner):
            state = sim.step(op, dt_s)
            hours = dt_s / 3600.0
            flow = np.maximum(state.flow_kgs[lifts], 0.0)
            back = state.node_c[network.from_node[lifts]]
            if sim.moved is not None:
                given += float(sim.moved.given_kj[lifts].sum()) / 3600.0
                loss += float(sim.moved.lost_kj.sum()) / 3600.0
            rise = op.lift_kpa[lifts] * flow / density_kg_m3(back) / _PUMP
            pump += float(rise.sum()) * hours
            flowed += float(flow.sum())
            warm += float((flow * back).sum())
            over = state.inlet_c[heat] - need_c
            margin = np.minimum(margin, over)
            cold += float(np.maximum(-over, 0.0).sum()) * hours
    back_c = warm / max(flowed, 1e-9)
    worst = int(margin.argmin())
    return Judged(
        supply_c=path,
        cost_yuan=loss * worth.heat_yuan_kwh
        + pump * worth.power_yuan_kwh
        + given * worth.return_yuan_kwh_k * max(back_c - 40.0, 0.0)
        + cold * worth.cold_yuan_kh,
        loss_kwh=loss,
        pump_kwh=pump,
        return_c=back_c,
        cold_kh=cold,
        coldest=network.link_names[int(heat[worst])],
        margin_k=float(margin[worst]),
    )
