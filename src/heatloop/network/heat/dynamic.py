"""Temperatures that travel: all water of a network, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.fluid import Fluid, water
from heatloop.network.heat.carry import (
    BASE,
    COUNT,
    HEAD,
    LEAST,
    MASS,
    NEAR,
    RATE,
    ROOM,
    SCALE,
    SHIFT,
    SUM,
    put_in,
    take_out,
)
from heatloop.network.heat.layout import shortest_m
from heatloop.network.heat.moved import Moved
from heatloop.network.heat.order import arrange, begin, couple, look
from heatloop.network.heat.push import (
    CARRIED,
    EARLY,
    FIXED,
    GIVEN,
    HEAT,
    INLET,
    LINK,
    LOST,
    OUTLET,
    PIPE,
    TAKEN,
    TRAITS,
    feed_early,
    finish,
    gather,
    work_through,
)
from heatloop.network.heat.secant import Secant
from heatloop.network.heat.still import settle_still
from heatloop.network.heat.tank import conduct_along
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

__all__ = ["Dynamics", "Moved"]

_USUAL_C = 60.0
_LONGEST_STEP = 0.05
"""Largest loss over heat content in one step; longer steps are cut."""
_NEAR_K = 1e-3


class Dynamics:
    """The water in a network and its temperatures.

    Args:
        network: What holds the water.
        fluid: What flows in it; water if none is given. Its heat capacity counts at 60 degC.
        cell_m: Longest of the shortest segments a pipe's water is kept in; short pipes have
            finer ones.
        mixing_w_mk: Conduction along the content of each link, shape (n_link,): a storage tank's
            water with its wall and eddies; none if not given.

    Raises:
        InputError: A number is out of range.
    """

    def __init__(
        self,
        network: Network,
        *,
        fluid: Fluid | None = None,
        cell_m: float = 12.0,
        mixing_w_mk: Floats | None = None,
    ) -> None:
        if not (math.isfinite(cell_m) and cell_m > 0.0):
            raise InputError("must be above 0", thing="network", place=f"cell_m = {cell_m:g}")
        self.network = network
        self.fluid = fluid or water()
        grid = self.fluid.low_c + self.fluid.step_k * np.arange(len(self.fluid.cp_kj_kgk))
        self.cp_kj_kgk = float(np.interp(_USUAL_C, grid, self.fluid.cp_kj_kgk))
        self._grid = grid
        n_link, n_node = network.n_link, network.n_node
        self._is_pipe = network.kind == LinkKind.PIPE
        self._is_heat = network.kind == LinkKind.HEAT
        self._traits = self._is_pipe * PIPE + self._is_heat * HEAT
        self._ends = np.column_stack([network.from_node, network.to_node])
        self._plates = np.column_stack(
            [network.exchanger_kw_k, network.hot_design_kgs, network.cold_design_kgs]
        )
        mixing = np.zeros(n_link) if mixing_w_mk is None else np.asarray(mixing_w_mk, np.float64)
        if mixing.shape != (n_link,) or not np.all((mixing >= 0.0) & np.isfinite(mixing)):
            raise InputError(
                "mixing must be a number not below 0 for each link", thing="mixing_w_mk"
            )
        self._mixed = np.flatnonzero(self._is_pipe & (mixing > 0.0))
        self._mixing = mixing[self._mixed]
        self._state = state = np.zeros((n_link, 11))
        self._shortest_m = shortest_m(network, cell_m)
        pipes = self._is_pipe
        rooms = np.where(pipes, np.ceil(network.length_m / self._shortest_m) + 4.0, 0.0)
        state[:, ROOM] = rooms
        state[:, BASE] = np.cumsum(rooms) - rooms
        self._segment = np.zeros((int(rooms.sum()), 2))
        most = int(rooms.max(initial=1.0))
        self._low, self._right = np.zeros(most), np.zeros(most)
        self._forward = np.zeros(n_link, np.int64)
        self._fixed = np.zeros(n_link, np.bool_)
        self._rows = np.zeros((n_link, 7), np.int64)
        self._plan = np.zeros((n_link, 7), np.int64)
        self._first, self._waits = np.zeros(n_node + 1, np.int64), np.zeros(n_node, np.int64)
        self._early = np.zeros(0, np.int64)
        self._n_plan = -1
        self._pool = np.zeros((n_node, 5))
        self._seen = np.zeros((n_node, 2))
        self._shown = np.zeros((5, n_link))
        self._work = np.zeros((n_link, 4))
        self._dry = np.zeros(0, np.int64)
        self._cut = np.zeros(0, np.int64)
        self._node_c = np.zeros(n_node)
        self.fill(np.full(n_link, _USUAL_C))

    @property
    def node_c(self) -> Floats:
        """Temperature at each node at the end of the last step, shape (n_node,)."""
        return self._node_c

    @property
    def inlet_c(self) -> Floats:
        """Temperature where water entered each link in the last step, shape (n_link,)."""
        found: Floats = self._shown[INLET]
        return found

    def fill(self, link_c: Floats) -> None:
        """Set the temperature of all water and wall.

        The mass of a pipe's water stays what it is at this temperature.

        Args:
            link_c: Temperature of each link, shape (n_link,).

        Raises:
            InputError: Not a number for each link, or outside the fluid's table.
        """
        net, state = self.network, self._state
        warm = np.ascontiguousarray(link_c, np.float64)
        if warm.shape != (net.n_link,) or not np.isfinite(warm).all():
            raise InputError("one temperature for each link", thing="network", place="link_c")
        if warm.min() < self._grid[0] or warm.max() > self._grid[-1]:
            raise InputError(
                f"{self.fluid.name} is known from {self._grid[0]:g} to {self._grid[-1]:g} degC",
                thing="network",
                place="link_c",
            )
        density = np.interp(warm, self._grid, self.fluid.density_kg_m3)
        wall_kg = net.wall_kj_mk * net.length_m / self.cp_kj_kgk
        mass = np.where(self._is_pipe, net.volume_m3() * density + wall_kg, 0.0)
        safe = np.where(mass > 0.0, mass, 1.0)
        state[:, MASS] = mass
        state[:, RATE] = net.loss_w_mk * net.length_m / 1000.0 / (safe * self.cp_kj_kgk)
        self._fastest = float(state[:, RATE].max(initial=0.0))
        state[:, SCALE] = 1.0
        state[:, SHIFT] = 0.0
        state[:, SUM] = mass * warm
        share = self._shortest_m / np.where(net.length_m > 0.0, net.length_m, 1.0)
        state[:, LEAST] = mass * np.minimum(share, 1.0)
        state[:, NEAR] = _NEAR_K
        state[self._mixed, NEAR] = 0.0
        state[:, HEAD] = 0.0
        state[:, COUNT] = self._is_pipe
        first = state[self._is_pipe, BASE].astype(np.int64)
        self._segment[first, 0] = mass[self._is_pipe]
        self._segment[first, 1] = warm[self._is_pipe]
        for k in self._mixed:
            # Conduction needs its segments from the start.
            count, base = int(state[k, ROOM]) - 4, int(state[k, BASE])
            self._segment[base : base + count] = mass[k] / count, warm[k]
            state[k, COUNT] = count
        self._pool[:] = 0.0
        ends = np.concatenate([net.from_node, net.to_node])
        number = np.bincount(ends, minlength=net.n_node)
        total = np.bincount(ends, np.concatenate([warm, warm]), net.n_node)
        mean = float(warm.mean()) if len(warm) else _USUAL_C
        self._node_c[:] = np.where(number > 0, total / np.maximum(number, 1), mean)
        self._shown[INLET] = warm
        self._shown[OUTLET] = warm

    def push(self, flow_kgs: Floats, operation: Operation, dt_s: float) -> Moved:
        """Move all water by one step.

        Args:
            flow_kgs: Flow of each link, shape (n_link,), as a solve found it.
            operation: Demands, set temperatures, surroundings, water from outside.
            dt_s: Step; any length.

        Raises:
            InputError: The step or a flow is not a number.
        """
        net = self.network
        flow = np.ascontiguousarray(flow_kgs, np.float64)
        if not (math.isfinite(dt_s) and dt_s > 0.0):
            raise InputError("a step must be above 0 s", thing="network", place=f"dt_s = {dt_s:g}")
        if flow.shape != (net.n_link,) or not math.isfinite(float(flow.sum())):
            raise InputError("a flow for each link is needed", thing="network", place="flow_kgs")
        turned = look(flow, operation.outlet_c, self._is_heat, self._forward, self._fixed)
        if turned or self._n_plan < 0:
            self._arrange(flow)
        outside = np.zeros(net.n_node)
        parts = max(math.ceil(dt_s * self._fastest / _LONGEST_STEP), 1)
        shown = self._push(flow, operation, dt_s / parts, outside)
        node_c = self._node_c.copy()
        if parts > 1:
            shown = shown.copy()
            for _ in range(parts - 1):
                shown += self._push(flow, operation, dt_s / parts, outside)
                node_c += self._node_c
            node_c /= parts
            shown[: OUTLET + 1] /= parts
        return Moved(
            node_c=node_c,
            inlet_c=shown[INLET],
            outlet_c=shown[OUTLET],
            lost_kj=shown[LOST],
            given_kj=shown[GIVEN],
            taken_kj=shown[TAKEN],
            outside_kj=outside,
        )

    def _arrange(self, flow: Floats) -> None:
        """Sort the links that flow, upstream first."""
        net, rows = self.network, self._rows
        couple(net.hot_link, net.cold_link, self._forward, self._fixed, rows)
        longest = np.zeros(0, np.int64)
        for _ in range(2):
            leaving = begin(
                self._ends, self._forward, self._fixed, self._traits, rows, self._first, self._waits
            )
            self._n_plan = arrange(rows, self._first, leaving, self._waits, longest, self._plan)
            if self._n_plan >= 0:
                break
            # A closed loop: only now is it worth knowing where water stays longest.
            hold_s = self._state[:, MASS] / np.maximum(np.abs(flow), 1e-12)
            longest = np.argsort(-hold_s, kind="stable")
        self._early = np.flatnonzero(self._plan[: self._n_plan, TRAITS] & EARLY)
        self._dry = np.flatnonzero((self._forward == 0) & ~self._is_pipe)
        used = self._plan[self._early]
        self._cut = used[(used[:, TRAITS] & FIXED) == 0, LINK]

    def _push(self, flow: Floats, operation: Operation, dt_s: float, outside: Floats) -> Floats:
        net, cp, pool, work = self.network, self.cp_kj_kgk, self._pool, self._work
        state, segment, plan, forward = self._state, self._segment, self._plan, self._forward
        demand, set_c, source_c = operation.demand_kw, operation.outlet_c, operation.source_c
        ambient_c, node_c, last_c = operation.ambient_c, self._node_c, self._shown[OUTLET]
        shown = np.zeros((5, net.n_link))
        lost = shown[LOST]
        take_out(dt_s, flow, forward, ambient_c, state, segment, work, lost)
        gather(dt_s, flow, plan, self._n_plan, operation.outflow_kgs, source_c, node_c, pool)
        guess_c = last_c.copy() if len(self._cut) else last_c
        settle = Secant(guess_c, self._cut, node_c, ambient_c)
        first = pool.copy() if len(self._cut) else pool
        while True:
            if len(self._early):
                feed_early(
                    dt_s, flow, cp, plan, self._early, demand, set_c, ambient_c, guess_c, pool, work
                )
            work_through(
                dt_s,
                flow,
                cp,
                plan,
                self._n_plan,
                self._plates,
                operation.fouling,
                demand,
                set_c,
                ambient_c,
                pool,
                work,
                node_c,
                shown,
            )
            if not len(self._cut) or settle.settled(shown[OUTLET]):
                break
            pool[:] = first
            shown[GIVEN] = shown[TAKEN] = 0.0
        put_in(dt_s, flow, forward, ambient_c, shown[INLET], state, segment, lost)
        still = finish(cp, forward, source_c, pool, state, segment, node_c, shown, outside)
        if still:
            settle_still(
                net.from_node,
                net.to_node,
                forward,
                ambient_c,
                pool,
                state,
                segment,
                node_c,
                self._seen,
            )
        if len(self._dry):
            # Links without volume and flow are as warm as their nodes.
            shown[INLET, self._dry] = node_c[net.from_node[self._dry]]
            shown[OUTLET, self._dry] = node_c[net.to_node[self._dry]]
        if len(self._mixed):
            tank = self._mixed
            area = math.pi / 4.0 * net.diameter_m[tank] ** 2
            across = state[tank, MASS] / net.length_m[tank] / (1000.0 * cp)
            conduct_along(
                tank, self._mixing * area * across, dt_s, state, segment, self._low, self._right
            )
        self._shown = shown
        return shown

    def mean_c(self) -> Floats:
        """Return the mean water temperature of each link, shape (n_link,)."""
        state = self._state
        mass = np.where(self._is_pipe, state[:, MASS], 1.0)
        water_c = state[:, SCALE] * (state[:, SUM] / mass) + state[:, SHIFT]
        return np.where(self._is_pipe, water_c, 0.5 * (self._shown[INLET] + self._shown[OUTLET]))

    def stored_kj(self) -> float:
        """Return the heat in all water and wall above 0 degC."""
        state = self._state
        held = state[:, SCALE] * state[:, SUM] + state[:, SHIFT] * state[:, MASS]
        return float(held.sum() + self._pool[:, CARRIED].sum()) * self.cp_kj_kgk

    def content(self, link: int) -> tuple[Floats, Floats]:
        """Return where the segments of a pipe begin, over its length, and their temperatures.

        Args:
            link: Number of the pipe.
        """
        base, room, head, count = (int(x) for x in self._state[link, BASE : COUNT + 1])
        rows = base + (head + np.arange(count)) % room
        mass, scaled = self._segment[rows, 0], self._segment[rows, 1]
        begins = (np.cumsum(mass) - mass) / mass.sum()
        return begins, self._state[link, SCALE] * scaled + self._state[link, SHIFT]

    def to_arrays(self) -> dict[str, Floats]:
        """Return everything that changes, as copies, for a checkpoint."""
        return {name: array.copy() for name, array in self._changing().items()}

    def load_arrays(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from a checkpoint of the same network.

        Raises:
            InputError: Arrays are missing or of another network.
        """
        mine = self._changing()
        for name, array in mine.items():
            if name not in arrays or np.shape(arrays[name]) != array.shape:
                raise InputError("a checkpoint of another network", thing="checkpoint", place=name)
        for name, array in mine.items():
            array[:] = arrays[name]
        self._n_plan = -1

    def _changing(self) -> dict[str, Floats]:
        return {
            "state": self._state,
            "segment": self._segment,
            "pool": self._pool,
            "node_c": self._node_c,
            "shown": self._shown,
        }
