"""What changes during a simulated run: columns of a profile file, laid on the operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from heatloop.cli.simulate_series import Series
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

# Heading before the colon: (array of the operation, kinds that have it; empty: all), for links.
_OF_LINKS: dict[str, tuple[str, tuple[LinkKind, ...]]] = {
    "demand_kw": ("demand_kw", ()),
    "flow_kgs": ("flow_kgs", (LinkKind.FLOW,)),
    "outlet_c": ("outlet_c", ()),
    "lift_kpa": ("lift_kpa", (LinkKind.LIFT, LinkKind.DP_CONTROL)),
    "speed": ("speed", (LinkKind.PUMP,)),
    "opening_pct": ("opening_pct", (LinkKind.VALVE,)),
    "shut": ("shut", ()),
}
_OF_NODES = ("held_kpa", "outflow_kgs", "source_c", "leak_kgs_kpa05")
_RANGES = {
    "demand": (0.0, 100.0),
    "shut": (0.0, 1.0),
    "opening_pct": (0.0, 100.0),
    "speed": (0.0, 3.0),
    "outlet_c": (-30.0, 250.0),
    "supply_c": (-30.0, 250.0),
    "source_c": (-30.0, 250.0),
    "ambient_c": (-60.0, 60.0),
    "leak_kgs_kpa05": (0.0, math.inf),
}
HEADINGS = (
    "demand, demand:LINK, supply_c, ambient_c, "
    + ", ".join(f"{name}:LINK" for name in _OF_LINKS)
    + ", "
    + ", ".join(f"{name}:NODE" for name in _OF_NODES)
)
Setter = Callable[[Operation, int], None]


def plant_links(network: Network, operation: Operation) -> Index:
    """Return the numbers of links that bring water to a temperature and are no consumer."""
    heats = np.isfinite(operation.outlet_c) & (network.kind != LinkKind.HEAT)
    return np.flatnonzero(heats & (operation.demand_kw <= 0.0))


def consumer_links(network: Network, operation: Operation) -> Index:
    """Return the numbers of links that take heat."""
    return np.flatnonzero((operation.demand_kw > 0.0) | (network.kind == LinkKind.HEAT))


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile file understood: what to set at each of its rows; a row holds until the next."""

    t_s: Floats
    """Times of its rows, shape (n,)."""
    setters: tuple[Setter, ...]
    """Each writes one column's value of a row into an operation."""

    def apply(self, operation: Operation, t_s: float) -> None:
        """Set what holds at a time."""
        row = max(int(np.searchsorted(self.t_s, t_s, side="right")) - 1, 0)
        for setter in self.setters:
            setter(operation, row)


def profile_of(series: Series, network: Network, operation: Operation) -> Profile:
    """Return the profile of a file for a network.

    Args:
        series: Its columns.
        network: What is simulated.
        operation: As described in the network's file: what factors multiply.

    Raises:
        InputError: A heading is unknown, names nothing in the network, or a cell is wrong.
    """
    # Factors first, so that a value named for one link stands over them.
    order = sorted(series.columns, key=lambda h: (":" in h, not h.startswith("demand:")))
    setters = [_setter(heading, series, network, operation) for heading in order]
    return Profile(t_s=series.t_s, setters=tuple(setters))


def _setter(heading: str, series: Series, network: Network, operation: Operation) -> Setter:
    what, _, name = heading.partition(":")
    low, high = _RANGES.get(what, (-math.inf, math.inf))
    if what == "demand":
        links = consumer_links(network, operation)
        if name:
            links = np.array([_link(network.link_index(), name, heading, series)])
        return _scaler(links, series.number(heading, low, high), network, operation)
    if not name:
        if what == "supply_c":
            return _all(plant_links(network, operation), "outlet_c", series.number(what, low, high))
        if what == "ambient_c":
            pipes = np.flatnonzero(network.kind == LinkKind.PIPE)
            return _all(pipes, "ambient_c", series.number(what, low, high))
    elif what in _OF_NODES:
        node = _link(network.node_index(), name, heading, series)
        if what == "held_kpa" and not network.pressure_held[node]:
            raise InputError(
                "该节点不定压 this node holds no pressure", thing=series.name, place=heading
            )
        return _all(np.array([node]), what, series.number(heading, low, high))
    elif what in _OF_LINKS:
        field, kinds = _OF_LINKS[what]
        link = _link(network.link_index(), name, heading, series)
        if kinds and network.kind[link] not in kinds:
            raise InputError(
                f"这类设备没有此量 a {LinkKind(network.kind[link]).name.lower()} has no {what}",
                thing=series.name,
                place=heading,
                fix=f"it belongs to {', '.join(k.name.lower() for k in kinds)}",
            )
        return _all(np.array([link]), field, series.number(heading, low, high))
    raise InputError(
        f"未知列 unknown column {heading}", thing=series.name, fix=f"known: {HEADINGS}"
    )


def _link(index: Mapping[str, int], name: str, heading: str, series: Series) -> int:
    if name not in index:
        raise InputError(
            f"管网中没有 not in the network: {name}",
            thing=series.name,
            place=f"column {heading}",
            fix="use a name of the network's file",
        )
    return index[name]


def _all(at: Index, field: str, values: Floats) -> Setter:
    def write(operation: Operation, row: int) -> None:
        array = getattr(operation, field)
        array[at] = values[row] != 0.0 if field == "shut" else values[row]

    return write


def _scaler(links: Index, values: Floats, network: Network, operation: Operation) -> Setter:
    demand = operation.demand_kw[links].copy()
    flows = network.kind[links] == LinkKind.FLOW
    flow_links, flow = links[flows], operation.flow_kgs[links[flows]].copy()

    def write(operation: Operation, row: int) -> None:
        operation.demand_kw[links] = demand * values[row]
        operation.flow_kgs[flow_links] = flow * values[row]

    return write
