"""The same district in both tools, steady and through a day, and how long each takes."""

from __future__ import annotations

import inspect
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import pandapipes_peer as peer
from bench.nets import (
    RETURN_C,
    SUPPLY_C,
    District,
    consumer_links,
    demand_factors,
    make_district,
    to_network,
)
from heatloop.network.flow.solver import TOLERANCE_KPA, Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.model.kinds import Friction
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.steady import solve_steady

Floats = NDArray[np.float64]
# pandapipes' tolerance of pressure, in kPa, for both where the solver lets it be chosen.
EQUAL_KPA = peer.TOLERANCES["tol_p"] * peer.KPA_IN_BAR
_CHOSEN = "tolerance_kpa" in inspect.signature(solve_steady).parameters
TOLERANCE: dict[str, Any] = {"tolerance_kpa": EQUAL_KPA} if _CHOSEN else {}
_TURNS = 8
OURS_KPA = EQUAL_KPA if _CHOSEN else TOLERANCE_KPA
LAW = Friction.NIKURADSE_SUM
STEP_S = 60.0
DAY_STEPS = 1440


def _one(work: Callable[[], object]) -> float:
    """Return the processor time of a piece of work; both tools run in one thread."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def _in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, each: int = 12
) -> tuple[float, float]:
    """Return the median times of two pieces of work done in turn, so that both see one machine.

    Args:
        ours: Done `each` times a round.
        theirs: Done once a round.
        rounds: How often.
        each: See `ours`.
    """
    own: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        own += [_one(ours) for _ in range(each)]
        others.append(_one(theirs))
    return statistics.median(own), statistics.median(others)


def _as_they_stand(network: Network) -> Floats:
    """Return the temperatures that pandapipes takes water properties at: those of its start."""
    side = np.array([name.startswith("s") for name in network.link_names])
    return np.where(side, SUPPLY_C, RETURN_C)


class Steady:
    """One district in both tools, and what each did with it."""

    def __init__(self, consumers: int, seed: int) -> None:
        self.district = make_district(consumers, seed)
        self.network, self.operation = to_network(self.district, heat=False)
        self.links = consumer_links(self.network)
        self.fluid = peer.shared_fluid()
        self.start_c = _as_they_stand(self.network)
        self.net = peer.to_pandapipes(self.district, heat=False)
        self.rng = np.random.default_rng(seed)

    def cold_s(self, rounds: int) -> tuple[float, float]:
        """Return our time and pandapipes' for a topology never seen before."""
        return _in_turn(self._cold, lambda: peer.steady(self.net, "sequential"), rounds)

    def coupled_s(self, rounds: int) -> tuple[float, float]:
        """Return our time and pandapipes' when water properties follow the temperatures found."""
        return _in_turn(
            lambda: solve_steady(self._solver(), self.operation, **TOLERANCE),
            lambda: peer.steady(self.net, "bidirectional"),
            rounds,
        )

    def warm_s(self, rounds: int) -> tuple[float, float]:
        """Return our time and pandapipes' for other demands in the same topology."""
        solver = self._solver()
        found = [solve_steady(solver, self.operation, fixed_c=self.start_c, **TOLERANCE)]
        ready = [self._other_demands() for _ in range(16)]
        turn = iter(range(10**9))

        def ours() -> None:
            operation = ready[next(turn) % len(ready)]
            start = found[0]
            found[0] = solve_steady(
                solver, operation, start=start, fixed_c=self.start_c, **TOLERANCE
            )

        def theirs() -> None:
            peer.steady(self.net, "sequential")

        def change() -> None:
            operation = ready[next(turn) % len(ready)]
            self.net.heat_consumer["qext_w"] = 1000.0 * operation.demand_kw[self.links]
            self.net.heat_consumer["controlled_mdot_kg_per_s"] = operation.flow_kgs[self.links]

        own: list[float] = []
        others: list[float] = []
        for _ in range(rounds):
            own += [_one(ours) for _ in range(24)]
            change()
            others.append(_one(theirs))
        return statistics.median(own), statistics.median(others)

    def _other_demands(self) -> Operation:
        operation = self.operation.copy()
        factor = self.rng.uniform(0.6, 1.1, len(self.links))
        operation.flow_kgs[self.links] *= factor
        operation.demand_kw[self.links] *= factor
        return operation

    def _solver(self) -> Solver:
        return Solver(self.network, fluid=self.fluid, friction=LAW)

    def _cold(self) -> None:
        solve_steady(self._solver(), self.operation, fixed_c=self.start_c, **TOLERANCE)


def differences(consumers: int, seed: int) -> tuple[float, float, float]:
    """Return the largest differences to pandapipes: kg/s, bar, K; over both kinds of consumers."""
    district = make_district(consumers, seed)
    worst = np.zeros(3)
    for heat in (False, True):
        network, operation = to_network(district, heat=heat)
        solver = Solver(network, fluid=peer.shared_fluid(), friction=LAW)
        state = solve_steady(solver, operation, **TOLERANCE)
        net = peer.to_pandapipes(district, heat=heat)
        peer.steady(net, "bidirectional")
        theirs = peer.found(net)
        order = np.concatenate([np.arange(2 * len(district.start)), consumer_links(network)])
        found = (
            np.abs(state.flow_kgs[order] - theirs.flow_kgs).max(),
            np.abs(state.pressure_kpa - theirs.pressure_kpa).max() / peer.KPA_IN_BAR,
            np.abs(state.node_c - theirs.node_c).max(),
        )
        worst = np.maximum(worst, found)
    return float(worst[0]), float(worst[1]), float(worst[2])


class Day:
    """A winter day of one district in both tools."""

    def __init__(self, consumers: int, seed: int) -> None:
        self.district: District = make_district(consumers, seed)
        self.factors = demand_factors(consumers, DAY_STEPS, STEP_S, seed)
        self.fluid = peer.shared_fluid()

    def in_turn_s(self, steps: int, peer_steps: int) -> tuple[float, float]:
        """Return our time and pandapipes' for the day, scaled from the steps that were run.

        The two take turns of a part of the day each, so that both meet the same machine without
        emptying each other's caches at every step; pandapipes' first two steps, which set it up,
        do not count.
        """
        network, operation = to_network(self.district, heat=True)
        links = consumer_links(network)
        plant = network.link_index()["plant"]
        solver = Solver(network, fluid=self.fluid, friction=LAW)
        self._set(operation, links, plant, 0)
        state = solve_steady(solver, operation)
        water = Dynamics(network, fluid=self.fluid)
        water.fill(0.5 * (state.inlet_c + state.outlet_c))
        simulation = Simulation(solver, water)
        simulation.step(operation, STEP_S)
        net = self._peer_start()
        theirs = peer.transient_steps(net, peer_steps + 2, STEP_S, lambda i: self._set_peer(net, i))
        for _ in range(2):
            next(theirs)
        own = 0.0
        others: list[float] = []
        turns = max(min(_TURNS, peer_steps), 1)
        for turn in range(turns):
            for step in range(turn * steps // turns, (turn + 1) * steps // turns):
                begin = time.thread_time()
                self._set(operation, links, plant, step)
                simulation.step(operation, STEP_S)
                own += time.thread_time() - begin
            while len(others) < (turn + 1) * peer_steps // turns:
                others.append(_one(lambda: next(theirs)))
        return own * DAY_STEPS / steps, statistics.median(others) * DAY_STEPS

    def _peer_start(self) -> Any:
        net = peer.to_pandapipes(self.district, heat=True)
        self._set_peer(net, 0)
        peer.steady(net, "bidirectional")
        net.junction["tfluid_k"] = net.res_junction.t_k.to_numpy()
        return net

    def _supply_c(self, step: int) -> float:
        return float(SUPPLY_C - 6.0 * np.sin(2 * np.pi * step / DAY_STEPS))

    def _set(self, operation: Operation, links: Any, plant: int, step: int) -> None:
        operation.demand_kw[links] = self.district.demand_kw * self.factors[step]
        operation.outlet_c[plant] = self._supply_c(step)

    def _set_peer(self, net: Any, step: int) -> None:
        net.heat_consumer["qext_w"] = 1000.0 * self.district.demand_kw * self.factors[step]
        net.circ_pump_pressure["t_flow_k"] = self._supply_c(step) + peer.ZERO_C
