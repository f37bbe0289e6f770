"""Temperatures that travel: all water of a network, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

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
)
from heatloop.network.heat.order import arrange, hold_times, look
from heatloop.network.heat.push import CARRIED, conduct_along, push_step
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

_USUAL_C = 60.0
_LONGEST_STEP = 0.05
"""Largest loss over heat content in one step; longer steps are cut."""
_NEAR_K = 1e-3
_PIPE_SEGMENTS, _TANK_SEGMENTS = 24, 128
_LEAST_SEGMENT_M = 1.0
_TANK_SLENDER = 20.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Moved:
    """What a step did; temperatures are means over what passed in the step.

    Heat closes: given - taken - lost + outside = change of `Dynamics.stored_kj`.
    """

    node_c: Floats
    """Mixed temperature at each node, shape (n_node,)."""
    inlet_c: Floats
    """Temperature where water enters each link, shape (n_link,)."""
    outlet_c: Floats
    """Temperature where it leaves, shape (n_link,)."""
    lost_kj: Floats
    """To the surroundings, shape (n_link,)."""
    given_kj: Floats
    """To the water by plants and exchangers, shape (n_link,)."""
    taken_kj: Floats
    """From the water by demands and exchangers, shape (n_link,)."""
    outside_kj: Floats
    """With water that entered at nodes, less what left, above 0 degC, shape (n_node,)."""


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
        self._partner, self._side = _exchanger_sides(network)
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
        self._state = np.zeros((n_link, 8))
        self._place = np.zeros((n_link, 4), np.int64)
        self._shortest_m = _shortest_m(network, cell_m)
        rooms = np.zeros(n_link, np.int64)
        pipes = self._is_pipe
        rooms[pipes] = np.ceil(network.length_m[pipes] / self._shortest_m[pipes]) + 4.0
        self._place[:, ROOM] = rooms
        self._place[:, BASE] = np.cumsum(rooms) - rooms
        self._segment = np.zeros((int(rooms.sum()), 2))
        most = int(rooms.max(initial=1))
        self._low, self._right = np.zeros(most), np.zeros(most)
        self._forward = np.zeros(n_link, np.int64)
        self._fixed = np.zeros(n_link, np.bool_)
        self._order = np.zeros(n_link, np.int64)
        self._early = np.zeros(n_link, np.bool_)
        self._hold_s = np.zeros(n_link)
        self._n_order = -1
        self._pool = np.zeros((n_node, 5))
        self._work = np.full((n_link, 4), np.nan)
        self._node_c = np.zeros(n_node)
        self._inlet_c, self._outlet_c = np.zeros(n_link), np.zeros(n_link)
        self.fill(np.full(n_link, _USUAL_C))

    @property
    def node_c(self) -> Floats:
        """Temperature at each node at the end of the last step, shape (n_node,)."""
        return self._node_c

    @property
    def inlet_c(self) -> Floats:
        """Temperature where water entered each link in the last step, shape (n_link,)."""
        return self._inlet_c

    def fill(self, link_c: Floats) -> None:
        """Set the temperature of all water and wall.

        The mass of a pipe's water stays what it is at this temperature.

        Args:
            link_c: Temperature of each link, shape (n_link,).

        Raises:
            InputError: Not a number for each link, or outside the fluid's table.
        """
        net, state, place = self.network, self._state, self._place
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
        state[:, SCALE] = 1.0
        state[:, SHIFT] = 0.0
        state[:, SUM] = mass * warm
        share = self._shortest_m / np.where(net.length_m > 0.0, net.length_m, 1.0)
        state[:, LEAST] = mass * np.minimum(share, 1.0)
        state[:, NEAR] = _NEAR_K
        state[self._mixed, NEAR] = 0.0
        place[:, HEAD] = 0
        place[:, COUNT] = self._is_pipe
        first = place[self._is_pipe, BASE]
        self._segment[first, 0] = mass[self._is_pipe]
        self._segment[first, 1] = warm[self._is_pipe]
        for k in self._mixed:
            # Conduction needs its segments from the start.
            count = int(place[k, ROOM]) - 4
            rows = slice(int(place[k, BASE]), int(place[k, BASE]) + count)
            self._segment[rows] = mass[k] / count, warm[k]
            place[k, COUNT] = count
        self._pool[:] = 0.0
        ends = np.concatenate([net.from_node, net.to_node])
        number = np.bincount(ends, minlength=net.n_node)
        total = np.bincount(ends, np.concatenate([warm, warm]), net.n_node)
        mean = float(warm.mean()) if len(warm) else _USUAL_C
        self._node_c[:] = np.where(number > 0, total / np.maximum(number, 1), mean)
        self._inlet_c[:] = warm
        self._outlet_c[:] = warm

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
        if turned or self._n_order < 0:
            hold_times(self._state[:, MASS].copy(), flow, self._hold_s)
            self._n_order = arrange(
                net.n_node,
                net.from_node,
                net.to_node,
                self._forward,
                self._fixed,
                self._partner,
                self._hold_s,
                self._order,
                self._early,
            )
        parts = max(math.ceil(dt_s * float(self._state[:, RATE].max()) / _LONGEST_STEP), 1)
        books = np.zeros((3, net.n_link))
        outside = np.zeros(net.n_node)
        mean_in, mean_out = np.zeros(net.n_link), np.zeros(net.n_link)
        mean_node = np.zeros(net.n_node)
        for _ in range(parts):
            self._push(flow, operation, dt_s / parts, books, outside)
            mean_in += self._inlet_c
            mean_out += self._outlet_c
            mean_node += self._node_c
        if parts > 1:
            for mean in (mean_in, mean_out, mean_node):
                mean /= parts
        return Moved(
            node_c=mean_node,
            inlet_c=mean_in,
            outlet_c=mean_out,
            lost_kj=books[0],
            given_kj=books[1],
            taken_kj=books[2],
            outside_kj=outside,
        )

    def _push(
        self, flow: Floats, operation: Operation, dt_s: float, books: Floats, outside: Floats
    ) -> None:
        net = self.network
        push_step(
            dt_s,
            flow,
            self.cp_kj_kgk,
            net.from_node,
            net.to_node,
            self._forward,
            self._fixed,
            self._order,
            self._n_order,
            self._early,
            self._is_pipe,
            self._is_heat,
            self._partner,
            self._side,
            self._plates,
            operation.fouling,
            operation.demand_kw,
            operation.outlet_c,
            operation.ambient_c,
            operation.outflow_kgs,
            operation.source_c,
            self._pool,
            self._work,
            self._state,
            self._place,
            self._segment,
            self._node_c,
            self._inlet_c,
            self._outlet_c,
            books[0],
            books[1],
            books[2],
            outside,
        )
        if len(self._mixed):
            tank = self._mixed
            area = math.pi / 4.0 * net.diameter_m[tank] ** 2
            across = self._state[tank, MASS] / net.length_m[tank] / (1000.0 * self.cp_kj_kgk)
            conduct_along(
                tank,
                self._mixing * area * across,
                dt_s,
                self._place,
                self._segment,
                self._low,
                self._right,
            )

    def mean_c(self) -> Floats:
        """Return the mean water temperature of each link, shape (n_link,)."""
        state = self._state
        mass = np.where(self._is_pipe, state[:, MASS], 1.0)
        water_c = state[:, SCALE] * (state[:, SUM] / mass) + state[:, SHIFT]
        return np.where(self._is_pipe, water_c, 0.5 * (self._inlet_c + self._outlet_c))

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
        base, room, head, count = (int(x) for x in self._place[link])
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
                raise InputError(
                    "a checkpoint of another network", thing="checkpoint", place=name
                )
        for name, array in mine.items():
            array[:] = arrays[name]
        self._n_order = -1

    def _changing(self) -> dict[str, Floats]:
        return {
            "state": self._state,
            "place": self._place,
            "segment": self._segment,
            "pool": self._pool,
            "node_c": self._node_c,
            "inlet_c": self._inlet_c,
            "outlet_c": self._outlet_c,
        }


def _exchanger_sides(network: Network) -> tuple[Floats, Floats]:
    partner = np.full(network.n_link, -1, np.int64)
    side = np.full(network.n_link, -1, np.int64)
    partner[network.hot_link] = network.cold_link
    partner[network.cold_link] = network.hot_link
    side[network.hot_link] = np.arange(len(network.hot_link))
    return partner, side


def _shortest_m(network: Network, cell_m: float) -> Floats:
    """Return the shortest segment of each pipe; a tank's are far finer than a pipe's."""
    length, d = network.length_m, network.diameter_m
    pipe = np.minimum(cell_m, np.maximum(length / _PIPE_SEGMENTS, _LEAST_SEGMENT_M))
    tank = length < _TANK_SLENDER * d
    found = np.where(tank, length / _TANK_SEGMENTS, np.minimum(pipe, np.maximum(length, 1e-9)))
    return np.where(length > 0.0, found, 1.0)
