"""The piping between metered taps: what is left of a network when every metered flow is given.

A station takes its metered flow from the supply pipe and gives it to the return pipe; a source
does the opposite, metered on both sides. Cut there, the network falls into pieces of pure piping,
in which nothing is unknown but friction, leaks and the errors of the meters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.flow.islands import components
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.twin.zones import zones_of

_OF_NODE = ("height_m", "x_m", "y_m")
_OF_LINK = (
    "kind", "length_m", "diameter_m", "roughness_mm", "minor", "loss_w_mk", "wall_kj_mk",
    "kvs_m3h", "rangeability", "resistance_kpa_kgs2", "shutoff_kpa", "fall_kpa_kgs",
    "fall_kpa_kgs2", "efficiency",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Taps:
    """Stations and sources: where water leaves and enters the piping under a meter."""

    name: tuple[str, ...]
    """Name of each tap."""
    supply_node: Ints
    """Its node on the supply pipe, shape (n_tap,)."""
    return_node: Ints
    """Its node on the return pipe, shape (n_tap,)."""
    source: Flags
    """Whether it gives water to the supply pipe, shape (n_tap,)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Readings:
    """Means of successive intervals (10 min to 1 h); n_time rows."""

    supply_kgs: Floats
    """Flow through each tap's meter, above 0; of sources on the supply side, (n_time, n_tap)."""
    return_kgs: Floats
    """Of sources on the return side; nan for stations, which have one meter, (n_time, n_tap)."""
    supply_kpa: Floats
    """Pressure at each tap's supply node, nan: not measured, shape (n_time, n_tap)."""
    return_kpa: Floats
    """At its return node, shape (n_time, n_tap)."""
    makeup_kgs: Floats
    """Make-up of all sources together, shape (n_time,)."""
    supply_c: Floats
    """Mean temperature of the supply water, shape (n_time,)."""
    return_c: Floats
    """Of the return water, shape (n_time,)."""

    def part(self, chosen: slice) -> Self:
        """Return some of the intervals."""
        return type(self)(**{n: getattr(self, n)[chosen] for n in self.__slots__})

    def pooled(self, count: int) -> Self:
        """Return means of `count` successive intervals; a rest at the end is left out."""

        def pool(x: Floats) -> Floats:
            whole = len(x) // count * count
            return np.asarray(x[:whole].reshape(-1, count, *x.shape[1:]).mean(axis=1))

        return type(self)(**{n: pool(getattr(self, n)) for n in self.__slots__})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Piping:
    """Pure piping and its ports. A port is a tap's end on one pipe."""

    network: Network
    """Links of the piping; one reference node a piece holds its pressure."""
    operation: Operation
    """What is set in it."""
    link: Ints
    """Number of each link in the whole network, shape (n_link,)."""
    node: Ints
    """Number of each node in the whole network, shape (n_node,)."""
    piece: Ints
    """Piece of each node, shape (n_node,)."""
    on_supply: Flags
    """Whether the piece carries supply water, shape (n_piece,)."""
    port_node: Ints
    """Node of each port, shape (n_port,)."""
    port_meter: Ints
    """Flow meter of each port, shape (n_port,)."""
    port_sign: Floats
    """+1: the tap feeds water in; -1: takes it out, shape (n_port,)."""
    reference: Ints
    """Port that holds each piece's pressure, shape (n_piece,)."""
    port_tap: Ints
    """Tap of each port, shape (n_port,)."""
    n_meter: int
    """Number of flow meters: one a station, two a source."""
    zone: Ints
    """Zone of each link, the number of a tap, see `zones.zones_of`, shape (n_link,)."""
    n_zone: int
    """Number of zones: one a tap."""
    cell: Ints
    """Part of a zone within one piece that each link belongs to, shape (n_link,)."""
    cell_piece: Ints
    """Piece of each cell, shape (n_cell,)."""

    def scaled(self, log_friction: Floats) -> Network:
        """Return the network with the friction of each link times exp(this)."""
        factor = np.exp(log_friction)
        n = self.network
        return replace(n, length_m=n.length_m * factor, minor=n.minor * factor)

    def flows(self, readings: Readings) -> Floats:
        """Return the readings of each flow meter, shape (n_time, n_meter)."""
        out = np.empty((len(readings.makeup_kgs), self.n_meter))
        n_tap = readings.supply_kgs.shape[1]
        out[:, :n_tap] = readings.supply_kgs
        second = self.port_meter >= n_tap
        out[:, self.port_meter[second]] = readings.return_kgs[:, self.port_tap[second]]
        return out

    def pressures(self, readings: Readings) -> Floats:
        """Return the pressure read at each port, shape (n_time, n_port)."""
        half = len(self.port_tap) // 2
        taps = self.port_tap[:half]
        return np.concatenate((readings.supply_kpa[:, taps], readings.return_kpa[:, taps]), axis=1)

    def mean_c(self, supply_c: float, return_c: float) -> Floats:
        """Return the water temperature of each link, shape (n_link,)."""
        warm = self.on_supply[self.piece[self.network.from_node]]
        return np.where(warm, supply_c, return_c)


def piping_of(
    network: Network, operation: Operation, taps: Taps, keep: Flags | None = None
) -> Piping:
    """Return the piping between the taps.

    Args:
        network: The whole network.
        operation: What is set in it.
        taps: Where it is metered.
        keep: Links that belong to the piping, default all pipes, shape (n_link,).

    Raises:
        InputError: A tap is not on the piping, or a piece has no source.
    """
    kept = (network.kind == LinkKind.PIPE) if keep is None else keep
    link = np.flatnonzero(kept & ~operation.shut)
    used = np.zeros(network.n_node, np.bool_)
    used[network.from_node[link]] = used[network.to_node[link]] = True
    ends = np.concatenate((taps.supply_node, taps.return_node))
    n_tap = len(taps.name)
    for port in np.flatnonzero(~used[ends])[:1]:
        raise InputError("a tap is not on the piping", thing=taps.name[port % n_tap])
    node = np.flatnonzero(used)
    number = np.full(network.n_node, -1)
    number[node] = np.arange(len(node))
    ends = number[ends]
    start, end = number[network.from_node[link]], number[network.to_node[link]]
    part = components(len(node), np.ones(len(link), np.bool_), start, end)
    _, piece = np.unique(part, return_inverse=True)
    source = np.concatenate((taps.source, taps.source))
    second = n_tap + np.cumsum(taps.source) - 1
    meter = np.concatenate((np.arange(n_tap), np.where(taps.source, second, np.arange(n_tap))))
    supply = np.arange(2 * n_tap) < n_tap
    reference = []
    for which in range(int(piece.max()) + 1):
        ports = np.flatnonzero(source & (piece[ends] == which))
        if not len(ports):
            name = network.node_names[node[np.flatnonzero(piece == which)[0]]]
            raise InputError("a piece of the piping has no source", thing=name, fix="add a tap")
        reference.append(ports[0])
    held = np.zeros(len(node), np.bool_)
    held[ends[reference]] = True
    cut = replace(
        network,
        node_names=tuple(network.node_names[i] for i in node),
        link_names=tuple(network.link_names[i] for i in link),
        pressure_held=held,
        from_node=start.astype(np.int64),
        to_node=end.astype(np.int64),
        sensed_node=np.full(len(link), -1, np.int64),
        **{name: getattr(network, name)[node] for name in _OF_NODE},
        **{name: getattr(network, name)[link] for name in _OF_LINK},
        hot_link=np.empty(0, np.int64),
        cold_link=np.empty(0, np.int64),
        exchanger_kw_k=np.empty(0),
        hot_design_kgs=np.empty(0),
        cold_design_kgs=np.empty(0),
    )
    of_node = ("held_kpa", "outflow_kgs", "leak_kgs_kpa05", "source_c")
    of_link = (
        "shut", "opening_pct", "speed", "lift_kpa", "flow_kgs", "demand_kw", "outlet_c", "ambient_c"
    )  # fmt: skip
    set_now = Operation(
        **{name: getattr(operation, name)[node].copy() for name in of_node},
        **{name: getattr(operation, name)[link].copy() for name in of_link},
        fouling=np.empty(0),
    )
    set_now.leak_kgs_kpa05[:] = 0.0
    tap = np.arange(2 * n_tap) % n_tap
    zone = zones_of(cut.from_node, cut.to_node, cut.length_m, ends, tap, len(node))
    cells, cell = np.unique(piece[start] * n_tap + zone, return_inverse=True)
    return Piping(
        network=cut,
        operation=set_now,
        link=link,
        node=node,
        piece=piece.astype(np.int64),
        on_supply=supply[reference],
        port_node=ends.astype(np.int64),
        port_meter=meter.astype(np.int64),
        port_sign=np.where(source == supply, 1.0, -1.0),
        reference=np.array(reference, np.int64),
        port_tap=tap,
        n_meter=n_tap + int(taps.source.sum()),
        zone=zone,
        n_zone=n_tap,
        cell=cell.astype(np.int64),
        cell_piece=(cells // n_tap).astype(np.int64),
    )
