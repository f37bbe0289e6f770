"""The laws of all links at given flows: pressure loss and its slope, for the estimators."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.laws import loss, prepare
from heatloop.network.fluid import Fluid
from heatloop.network.model.kinds import Friction, LinkKind
from heatloop.network.model.net import Flags, Network
from heatloop.network.model.operation import Operation

NO_LAW = (int(LinkKind.FLOW), int(LinkKind.HEAT), int(LinkKind.DP_CONTROL))


@compiled
def losses(
    law: int,
    laws: Floats,
    one_way: Flags,
    rough: Floats,
    m: Floats,
    x: Floats,
    value: Floats,
    slope: Floats,
) -> None:
    """Write the loss (less lift), kPa, and its slope, kPa/(kg/s), of each link at flow `m`."""
    for k in range(len(m)):
        value[k], slope[k], x[k] = loss(
            law, laws[k, 0], laws[k, 1], laws[k, 2], laws[k, 3], laws[k, 4],
            one_way[k], rough[k], m[k], x[k],
        )  # fmt: skip


class LinkLaws:
    """The laws of a network's links, prepared for one operation at a time.

    Args:
        network: The network.
        fluid: What flows in it.
        friction: Law of pipe friction.
    """

    def __init__(self, network: Network, fluid: Fluid, friction: Friction) -> None:
        self._network, self._fluid, self._friction = network, fluid, int(friction)
        columns = (network.length_m, network.diameter_m, network.minor)
        self._shape = np.ascontiguousarray(np.column_stack(columns))
        parts = (
            network.kvs_m3h,
            network.rangeability,
            network.resistance_kpa_kgs2,
            network.shutoff_kpa,
            network.fall_kpa_kgs,
            network.fall_kpa_kgs2,
        )
        self._parts = np.ascontiguousarray(np.column_stack(parts))
        self._rise = network.height_m[network.to_node] - network.height_m[network.from_node]
        diameter = np.maximum(network.diameter_m, 1e-6)
        self._rough = network.roughness_mm / 1000.0 / (3.71 * diameter)
        self._laws = np.zeros((network.n_link, 5))
        self._one_way = np.zeros(network.n_link, np.bool_)
        self._x = np.zeros(network.n_link)
        self._drive = np.isin(network.kind, (LinkKind.LIFT, LinkKind.PUMP))

    def prepare(self, operation: Operation, mean_c: Floats) -> None:
        """Take over what is set and how warm the water is, shape (n_link,)."""
        settings = np.column_stack(
            (operation.opening_pct, operation.speed, operation.lift_kpa, np.zeros(len(mean_c)))
        )
        table = self._fluid.table()
        prepare(
            self._network.kind, self._shape, self._parts, np.ascontiguousarray(settings), mean_c,
            self._rise, table, self._fluid.low_c, self._fluid.step_k, self._laws, self._one_way,
        )  # fmt: skip

    def at(self, flow_kgs: Floats) -> tuple[Floats, Floats]:
        """Return p_from - p_to of each link at these flows, and its slope, kPa/(kg/s)."""
        value, slope = np.empty_like(flow_kgs), np.empty_like(flow_kgs)
        losses(
            self._friction, self._laws, self._one_way, self._rough, flow_kgs, self._x, value, slope
        )
        return value, slope

    def rub_kpa(self, flow_kgs: Floats) -> Floats:
        """Return the loss by friction and fittings alone, without lift and height, (n_link,)."""
        return self.at(flow_kgs)[0] + self._laws[:, 4]

    def error_kpa(self, value_kpa: Floats, share: Floats, least_kpa: float) -> Floats:
        """Return how wrong each law may be: a share of the friction and of the lift, and a floor.

        Args:
            value_kpa: What `at` gave, shape (n_link,).
            share: Error over friction loss, shape (n_link,).
            least_kpa: Floor.
        """
        lift = self._laws[:, 4]
        rub = np.abs(value_kpa + lift)
        driven = np.where(self._drive, np.abs(lift), 0.0)
        return np.asarray(share * (rub + driven) + least_kpa)


def first_flows(network: Network) -> Floats:
    """Return flows to start from: 0.5 m/s in pipes, 1 kg/s elsewhere, shape (n_link,)."""
    pipe = network.kind == LinkKind.PIPE
    return np.where(pipe, 0.5 * 960.0 * np.pi / 4.0 * network.diameter_m**2, 1.0)
