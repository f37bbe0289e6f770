"""Steady temperatures of one topology; the order is found again only when a flow turns."""

from __future__ import annotations

from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.anderson import Anderson
from heatloop.network.arrays import Floats
from heatloop.network.fluid import Fluid
from heatloop.network.model.net import Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.sweep.order import downstream_order, incidence
from heatloop.network.sweep.sweep import HOTTEST_C, sweep

STILL_KGS = 1e-5
"""Flows below this carry no heat: what stands takes the temperature of its surroundings."""
_LOOP_TOLERANCE_K = 1e-9
_MOST_LOOPS, _PLAIN_LOOPS = 4_000, 50
_COLDEST_C = -60.0


class Sweeper:
    """The steady temperatures of a network for any flows.

    Args:
        network: What the temperatures are of.
        fluid: What flows in it.
    """

    def __init__(self, network: Network, fluid: Fluid) -> None:
        self.network, self.fluid = network, fluid
        n_link = network.n_link
        self._fed, self._feeds = incidence(network.n_node, network.from_node, network.to_node)
        self._partner, self._side = np.full(n_link, -1, np.int64), np.full(n_link, -1, np.int64)
        for x, (hot, cold) in enumerate(
            zip(network.hot_link.tolist(), network.cold_link.tolist(), strict=True)
        ):
            self._partner[hot], self._partner[cold] = cold, hot
            self._side[hot] = self._side[cold] = x
        self._plates = np.ascontiguousarray(
            np.column_stack(
                [network.exchanger_kw_k, network.hot_design_kgs, network.cold_design_kgs]
            )
        )
        self.loss_kw_k = network.loss_w_mk * network.length_m / 1000.0
        self._is_pipe = network.length_m > 0.0
        self._forward: Ints | None = None
        self._fixed = np.zeros(0, dtype=np.bool_)
        self._constant_cp = bool(np.ptp(fluid.cp_kj_kgk) == 0.0)

    def cp(self, mean_c: Floats) -> Floats:
        """Return the heat capacity of the water in each link, kJ/(kg K), shape (n_link,)."""
        fluid = self.fluid
        if self._constant_cp:
            return np.full(len(mean_c), fluid.cp_kj_kgk[0])
        grid = fluid.low_c + fluid.step_k * np.arange(len(fluid.cp_kj_kgk))
        return np.interp(mean_c, grid, fluid.cp_kj_kgk)

    def run(
        self, operation: Operation, flow_kgs: Floats, mean_c: Floats, node_c: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return node, inlet and outlet temperatures.

        Args:
            operation: What is set now.
            flow_kgs: Shape (n_link,).
            mean_c: Mean temperature of each link, for the heat capacity, shape (n_link,).
            node_c: Temperatures to start closed loops from, shape (n_node,).

        Raises:
            InputError: A closed loop's temperatures do not settle.
        """
        net = self.network
        forward = np.where(np.abs(flow_kgs) > STILL_KGS, np.sign(flow_kgs), 0.0).astype(np.int64)
        fixed = np.isfinite(operation.outlet_c)
        if (
            self._forward is None
            or not np.array_equal(forward, self._forward)
            or not np.array_equal(fixed, self._fixed)
        ):
            self._order, self._known = downstream_order(
                net.n_node, net.from_node, net.to_node, forward, fixed, self._partner
            )
            self._forward, self._fixed = forward, fixed
        inflow = self._inflow(operation, flow_kgs)
        ambient = operation.ambient_c
        node_c = np.where(np.isfinite(node_c), node_c, 0.0)
        self._settle_still(node_c, ambient, forward, inflow)
        inlet_c = np.where(self._is_pipe, ambient, node_c[net.from_node])
        outlet_c = np.where(self._is_pipe, ambient, node_c[net.to_node])
        cp = self.cp(mean_c)
        arrays = (
            self._fed,
            self._feeds,
            net.from_node,
            net.to_node,
            forward,
            self._partner,
            self._side,
            net.hot_link,
            net.cold_link,
            self._plates,
            operation.fouling,
            flow_kgs,
            cp,
            self.loss_kw_k,
            ambient,
            operation.demand_kw,
            operation.outlet_c,
            inflow,
            operation.source_c,
            float(cp[0]),
            node_c,
            inlet_c,
            outlet_c,
        )
        sweep(self._order, 0, self._known, *arrays)
        if self._known < net.n_node:
            self._close_loops(node_c, arrays)
        # Links with a set outlet did not wait for their inlet.
        tail = np.where(forward > 0, net.from_node, net.to_node)
        return node_c, np.where(forward != 0, node_c[tail], inlet_c), outlet_c

    def _close_loops(self, node_c: Floats, arrays: tuple[Any, ...]) -> None:
        """Sweep what goes round in loops until it stays.

        Raises:
            InputError: It never stays.
        """
        n, left = self.network.n_node, self._order[self._known :]
        memory = Anderson()
        for round_ in range(_MOST_LOOPS):
            before = node_c[left]
            if sweep(self._order, self._known, n, *arrays) < _LOOP_TOLERANCE_K:
                return
            # Plain rounds end most loops; those that creep are helped, in turns.
            if round_ % (2 * _PLAIN_LOOPS) >= _PLAIN_LOOPS:
                after = memory.next(before, node_c[left] - before)
                node_c[left] = np.clip(after, _COLDEST_C, HOTTEST_C)
            else:
                memory = Anderson()
        raise InputError(
            "the temperatures of a closed loop do not settle",
            thing=self.network.node_names[int(left[0])],
            fix="set a temperature somewhere in the loop",
        )

    def _inflow(self, operation: Operation, flow_kgs: Floats) -> Floats:
        """Return the water that enters at each node from outside, kg/s."""
        net = self.network
        inflow = np.maximum(-operation.outflow_kgs, 0.0)
        held = np.flatnonzero(net.pressure_held)
        gone = np.bincount(net.from_node, flow_kgs, net.n_node)
        come = np.bincount(net.to_node, flow_kgs, net.n_node)
        balance = (gone - come + operation.outflow_kgs)[held]
        inflow[held] = np.where(balance > STILL_KGS, balance, 0.0)
        return inflow

    def _settle_still(
        self, node_c: Floats, ambient_c: Floats, forward: Ints, inflow: Floats
    ) -> None:
        """Give nodes that nothing feeds the temperature of what surrounds their pipes."""
        net = self.network
        head = np.where(forward >= 0, net.to_node, net.from_node)[forward != 0]
        fed = inflow > 0.0
        fed[head] = True
        if fed.all():
            return
        pipes = np.flatnonzero(self._is_pipe)
        ends = np.concatenate([net.from_node[pipes], net.to_node[pipes]])
        twice = np.concatenate([ambient_c[pipes], ambient_c[pipes]])
        number = np.bincount(ends, minlength=net.n_node)
        mean = float(ambient_c[pipes].mean()) if len(pipes) else float(ambient_c.mean())
        around = np.bincount(ends, twice, net.n_node) / np.maximum(number, 1)
        around[number == 0] = mean
        node_c[~fed] = around[~fed]
