"""Flows and pressures of a network, solved again and again from where the last solve ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.flow.branches import branch_pressures, gather_draws, whole_matrix
from heatloop.network.flow.draw import draw, first_flows, write_down
from heatloop.network.flow.factor import factorise, substitute
from heatloop.network.flow.islands import components, named_islands, supplied_nodes
from heatloop.network.flow.laws import prepare
from heatloop.network.flow.newton import draw_off, newton, predict
from heatloop.network.flow.pattern import pattern_of
from heatloop.network.flow.throttle import Throttles
from heatloop.network.fluid import Fluid, water
from heatloop.network.model.kinds import Friction, LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import Island
from heatloop.network.sweep.sweeper import Sweeper

TOLERANCE_KPA = 1e-6
_MOST_STEPS = 120
_ROUNDING_KPA = 1e-4
_USUAL_C = 60.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flows:
    """What a hydraulic solve found."""

    flow_kgs: Floats
    """Flow of each link, shape (n_link,)."""
    pressure_kpa: Floats
    """Pressure of each node, nan on islands, shape (n_node,)."""
    supplied: Flags
    """Whether a held pressure reaches the node, shape (n_node,)."""
    islands: tuple[Island, ...]
    """The parts without supply."""
    iterations: int
    """Newton steps taken."""
    residual_kpa: float
    """Largest residual of a link."""


class Solver:
    """The hydraulics of one topology.

    Args:
        network: What is solved; at least one node must hold a pressure.
        fluid: What flows in it; water if none is given.
        friction: Law of the pipes.

    Raises:
        InputError: No node holds a pressure.
    """

    def __init__(
        self,
        network: Network,
        *,
        fluid: Fluid | None = None,
        friction: Friction = Friction.COLEBROOK,
    ) -> None:
        if not network.pressure_held.any():
            raise InputError(
                "no node holds a pressure", thing="network", fix="give one node a held pressure"
            )
        self.network = network
        self.fluid = fluid or water()
        self.friction = friction
        self.pattern = pattern_of(network)
        n_link, n_node, n_free = network.n_link, network.n_node, self.pattern.n_free
        net = network
        self._shape = np.column_stack([net.length_m, net.diameter_m, net.minor])
        self._parts = np.column_stack(
            [
                net.kvs_m3h,
                net.rangeability,
                net.resistance_kpa_kgs2,
                net.shutoff_kpa,
                net.fall_kpa_kgs,
                net.fall_kpa_kgs2,
            ]
        )
        self._rise_m = net.height_m[net.to_node] - net.height_m[net.from_node]
        self._rough = (
            net.roughness_mm / 1000.0 / (3.71 * np.where(net.diameter_m, net.diameter_m, 1.0))
        )
        self._table = self.fluid.table()
        self._x = np.zeros(n_link)
        self._settings = np.zeros((n_link, 4))
        self._laws = np.zeros((n_link, 5))
        self._one_way = np.zeros(n_link, dtype=np.bool_)
        self.usual_c = np.full(n_link, _USUAL_C)
        self._m = np.zeros(n_link)
        self._p = np.zeros(n_node)
        self._g, self._h = np.zeros(n_link), np.zeros(n_link)
        self._low = np.zeros(len(self.pattern.rows))
        self._diag, self._b = np.zeros(n_free), np.zeros(n_free)
        self._shut: Flags | None = None
        self._fresh, self._stale, self._prepared = True, True, False
        self._leak, self._first = np.zeros(n_node), 0
        self._wanted, self._before = np.zeros(n_free), np.zeros(n_free)
        self._answer: tuple[Floats, Floats] | None = None
        self._throttles = Throttles(network)
        self._sweeper: Sweeper | None = None

    def solve(
        self,
        operation: Operation,
        *,
        mean_c: Floats | None = None,
        start: Floats | None = None,
        tolerance_kpa: float = TOLERANCE_KPA,
        same_c: bool = False,
    ) -> Flows:
        """Return flows and pressures; HEAT links carry `operation.flow_kgs`.

        Args:
            operation: What is set now.
            mean_c: Mean water temperature of each link, shape (n_link,); 60 degC if not given.
            start: Flows to start from; those of the last solve if not given.
            tolerance_kpa: Largest pressure residual of a link.
            same_c: Whether `mean_c` is what it was at the last solve: saves working out densities.

        Raises:
            InputError: A number is missing, or flows do not settle; the worst link is named.
        """
        self._look_at_topology(operation)
        net, settings = self.network, self._settings
        changed = write_down(operation.opening_pct, operation.speed, operation.lift_kpa, settings)
        self._prepared &= same_c and not changed
        drawn = draw(
            net.from_node,
            net.to_node,
            self._prescribed,
            operation.flow_kgs,
            operation.outflow_kgs,
            self._supplied,
        )
        if start is not None:
            self._m[:] = start
            self._fresh, self._stale = False, True
        warm_c = self.usual_c if mean_c is None else mean_c
        self._leak, self._answer = operation.leak_kgs_kpa05, None
        throttles = self._throttles
        settings[:, 3] = throttles.first()
        steps = 0
        while True:
            warm = not self._fresh
            taken, residual, worst = self._newton(operation, drawn, warm_c, tolerance_kpa)
            steps += taken
            if warm and taken > _MOST_STEPS and not residual <= _ROUNDING_KPA:
                # The last solution may be a bad place to start from.
                self._forget()
                continue
            # In rings of short wide pipes rounding may leave more than was asked for.
            if taken > _MOST_STEPS and not residual <= max(tolerance_kpa, _ROUNDING_KPA):
                self._refuse(drawn, operation, worst, residual)
            if throttles.settled(self._m, self._p, operation.lift_kpa, settings, self._laws):
                break
        flow = np.where(self._prescribed, operation.flow_kgs, self._m)
        flow[~self._carrying & ~self._prescribed] = 0.0
        pressure = self._p.copy()
        pressure[~self._supplied] = np.nan
        return Flows(
            flow_kgs=flow,
            pressure_kpa=pressure,
            supplied=self._supplied,
            islands=self._islands,
            iterations=steps,
            residual_kpa=residual,
        )

    @property
    def sweeper(self) -> Sweeper:
        """The temperatures of the same network, made when first asked for."""
        if self._sweeper is None:
            self._sweeper = Sweeper(self.network, self.fluid)
        return self._sweeper

    def sensitivity(self, nodes: Ints) -> Floats:
        """Return how all pressures answer to water fed in at nodes, kPa/(kg/s).

        Args:
            nodes: Where 1 kg/s is fed in, shape (k,).

        Returns:
            Shape (n_node, k), at the last solution; held nodes do not answer.
        """
        pattern = self.pattern
        low, diag = self._whole()
        out = np.zeros((self.network.n_node, len(nodes)))
        free = pattern.rank >= 0
        for column, node in enumerate(nodes.tolist()):
            if pattern.rank[node] < 0:
                continue
            x = np.zeros(pattern.n_free)
            x[pattern.rank[node]] = 1.0
            substitute(pattern.column, pattern.rows, low, diag, x, 0)
            out[free, column] = x[pattern.rank[free]]
        return out

    def _whole(self) -> tuple[Floats, Floats]:
        """Return the factor of the whole network at the last solution."""
        if self._answer is None:
            net, pattern = self.network, self.pattern
            low, diag = np.zeros_like(self._low), np.zeros_like(self._diag)
            whole_matrix(
                pattern.all_links,
                self._carrying,
                net.from_node,
                net.to_node,
                pattern.rank,
                pattern.entry,
                self._g,
                low,
                diag,
            )
            nothing = np.zeros(pattern.n_free)
            draw_off(
                pattern.node, 0, self._pinned, nothing, self._leak, self._p, diag, nothing.copy()
            )
            factorise(pattern.column, pattern.rows, pattern.updates, pattern.target, low, diag, 0)
            self._answer = low, diag
        return self._answer

    def conductance_kgs_kpa(self) -> Floats:
        """Return dm/dp of each link at the last solution, 0 where no water moves, (n_link,)."""
        return np.where(self._carrying, self._g, 0.0)

    def _look_at_topology(self, operation: Operation) -> None:
        """Find what is cut off, when something was shut or opened since the last solve."""
        if self._shut is not None and np.array_equal(self._shut, operation.shut):
            return
        net, pattern = self.network, self.pattern
        self._shut = operation.shut.copy()
        # The stored matrix is of the old topology: nothing can be predicted from it.
        self._stale = True
        active = pattern.conducts & ~operation.shut
        part = components(net.n_node, active, net.from_node, net.to_node)
        self._supplied = supplied_nodes(net, part)
        self._islands = named_islands(net, part, self._supplied)
        both = self._supplied[net.from_node] & self._supplied[net.to_node]
        self._carrying = active & both
        self._prescribed = ~pattern.conducts & ~operation.shut & both
        self._pinned = np.zeros(pattern.n_free, dtype=np.bool_)
        # On an island no link takes part, so every node there needs its own pin.
        self._pinned[pattern.rank[~self._supplied]] = True

    def _newton(
        self, operation: Operation, drawn: Floats, mean_c: Floats, tolerance_kpa: float
    ) -> tuple[int, float, int]:
        net, pattern = self.network, self.pattern
        if not self._prepared or self._throttles.some:
            prepare(
                net.kind,
                self._shape,
                self._parts,
                self._settings,
                mean_c,
                self._rise_m,
                self._table,
                self.fluid.low_c,
                self.fluid.step_k,
                self._laws,
                self._one_way,
            )
            self._prepared = True
        # A leak in a branch makes its flow a matter of pressure: then all take part.
        leaking = pattern.branch and self._leak[pattern.node[: pattern.branch]].any()
        first = 0 if leaking else pattern.branch
        links = pattern.all_links if leaking else pattern.core_links
        if self._fresh:
            first_flows(net.kind, self._shape, self._laws, self._m)
        gather_draws(
            drawn,
            pattern.rank,
            pattern.column,
            pattern.rows,
            first,
            pattern.leaf_link,
            self._carrying,
            net.from_node,
            pattern.node,
            self._m,
            self._wanted,
        )
        self._stale |= self._fresh or first != self._first
        if not self._stale and not np.array_equal(self._wanted, self._before):
            predict(
                links,
                self._carrying,
                net.from_node,
                net.to_node,
                pattern.rank,
                pattern.node,
                pattern.column,
                pattern.rows,
                pattern.updates,
                pattern.target,
                first,
                self._pinned,
                self._wanted - self._before,
                self._leak,
                self._m,
                self._p,
                self._g,
                self._low,
                self._diag,
                self._b,
            )
        self._fresh, self._stale, self._first = False, False, first
        self._before[:] = self._wanted
        found = newton(
            links,
            int(self.friction),
            self._laws,
            self._one_way,
            self._rough,
            self._x,
            self._carrying,
            net.from_node,
            net.to_node,
            pattern.rank,
            pattern.node,
            pattern.entry,
            pattern.column,
            pattern.rows,
            pattern.updates,
            pattern.target,
            first,
            self._pinned,
            operation.held_kpa,
            self._wanted,
            operation.leak_kgs_kpa05,
            tolerance_kpa,
            _MOST_STEPS,
            self._m,
            self._p,
            self._g,
            self._h,
            self._low,
            self._diag,
            self._b,
        )
        branch_pressures(
            int(self.friction),
            self._laws,
            self._one_way,
            self._rough,
            self._x,
            self._carrying,
            net.from_node,
            net.to_node,
            first,
            pattern.leaf_link,
            pattern.node,
            self._m,
            self._p,
            self._g,
        )
        return found

    def _forget(self) -> None:
        """Let the next solve start from nothing."""
        self._fresh, self._stale = True, True
        self._x[:] = 0.0
        self._p[:] = 0.0

    def _refuse(self, drawn: Floats, operation: Operation, worst: int, residual: float) -> None:
        """Raise with the place that is to blame, and forget what was found."""
        self._forget()
        net = self.network
        held = operation.held_kpa[net.pressure_held]
        for what, values in (
            ("held pressure", held),
            ("flow or outflow", drawn),
            ("opening, speed or lift", self._settings),
        ):
            if not np.isfinite(values).all():
                raise InputError("a setting is no number", thing=what, fix="give it a value")
        name = net.link_names[worst] if worst >= 0 else "network"
        raise InputError(
            "the network's flows do not settle",
            thing=name,
            place=f"{LinkKind(net.kind[worst]).name.lower()}, residual {residual:.3g} kPa",
            fix="check the sizes, curves and settings there",
        )
