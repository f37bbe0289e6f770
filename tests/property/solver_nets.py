"""Random networks for the solver's property tests: any shape, any kind of link."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

SUPPLY_C, RETURN_C, GROUND_C = 90.0, 50.0, 6.0
HELD_KPA, LIFT_KPA = 300.0, 400.0


@dataclass(frozen=True)
class Shape:
    """A tree of trenches with rings, and what stands at its places."""

    parents: list[int]
    """Place above each place but the first."""
    rings: list[tuple[int, int]]
    lengths_m: list[float]
    diameters_m: list[float]
    kinds: list[str]
    """Kind of consumer at each place but the first: flow, heat, valve or none."""
    demands_kw: list[float]
    heights_m: list[float]
    loss_w_mk: float

    @property
    def places(self) -> int:
        return len(self.parents) + 1


@st.composite
def shapes(draw: st.DrawFn, kinds: tuple[str, ...] = ("flow", "heat", "valve", "none")) -> Shape:
    """Draw a shape of 3 to 14 places; at least one place has a consumer of the first kind."""
    n = draw(st.integers(3, 14))
    parents = [draw(st.integers(max(0, i - 4), i - 1)) for i in range(1, n)]
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] != p[1])
    rings = draw(st.lists(pairs, max_size=3))
    trenches = n - 1 + len(rings)
    some = {"min_size": trenches, "max_size": trenches}
    return Shape(
        parents=parents,
        rings=rings,
        lengths_m=draw(st.lists(st.floats(1.0, 800.0), **some)),
        diameters_m=draw(st.lists(st.sampled_from([0.04, 0.065, 0.1, 0.15, 0.25, 0.4]), **some)),
        kinds=[kinds[0], *(draw(st.sampled_from(kinds)) for _ in range(n - 2))],
        demands_kw=draw(st.lists(st.floats(20.0, 400.0), min_size=n - 1, max_size=n - 1)),
        heights_m=draw(st.lists(st.floats(0.0, 30.0), min_size=n, max_size=n)),
        loss_w_mk=draw(st.sampled_from([0.0, 0.1, 0.4])),
    )


def trench_ends(shape: Shape) -> list[tuple[int, int]]:
    """Return the two places of every trench."""
    return [(p, i + 1) for i, p in enumerate(shape.parents)] + shape.rings


def start_builder(shape: Shape, *, held: int | None = 0) -> NetworkBuilder:
    """Return nodes and pipes of both sides; the pressure is held on the return side of a place."""
    build = NetworkBuilder(ambient_c=GROUND_C)
    for side in "sr":
        for i in range(shape.places):
            at = HELD_KPA if side == "r" and i == held else np.nan
            build.node(f"{side}{i}", height_m=shape.heights_m[i], held_kpa=at)
    for side in "sr":
        for k, (a, b) in enumerate(trench_ends(shape)):
            start, end = (a, b) if side == "s" else (b, a)
            build.pipe(
                f"{side}p{k}",
                f"{side}{start}",
                f"{side}{end}",
                length_m=shape.lengths_m[k],
                diameter_m=shape.diameters_m[k],
                roughness_mm=0.2,
                loss_w_mk=shape.loss_w_mk,
            )
    return build


def add_consumers(build: NetworkBuilder, shape: Shape) -> None:
    """Add the consumers of a shape, named c1, c2 ...; valves have a resistance behind them."""
    for i, (kind, demand) in enumerate(zip(shape.kinds, shape.demands_kw, strict=True), 1):
        flow = demand / (4.187 * (SUPPLY_C - RETURN_C))
        if kind == "flow":
            build.flow(f"c{i}", f"s{i}", f"r{i}", flow_kgs=flow, demand_kw=demand)
        elif kind == "heat":
            build.heat(f"c{i}", f"s{i}", f"r{i}", demand_kw=demand, outlet_c=RETURN_C)
        elif kind == "valve":
            build.node(f"m{i}", height_m=shape.heights_m[i])
            build.valve(f"v{i}", f"s{i}", f"m{i}", kvs_m3h=6.0 * flow, opening_pct=80.0)
            build.resistance(
                f"c{i}",
                f"m{i}",
                f"r{i}",
                resistance_kpa_kgs2=20.0 / flow**2,
                demand_kw=0.5 * demand,
            )


def build_shape(shape: Shape, plants: tuple[int, ...] = (0,)) -> tuple[Network, Operation]:
    """Return the network with a lift at each of some places, the first at the held node."""
    build = start_builder(shape, held=plants[0])
    add_consumers(build, shape)
    for i in plants:
        build.lift(
            f"plant{i}",
            f"r{i}",
            f"s{i}",
            lift_kpa=LIFT_KPA,
            resistance_kpa_kgs2=0.05,
            outlet_c=SUPPLY_C,
        )
    return build.build()


def node_balance(network: Network, flow_kgs: np.ndarray, outflow_kgs: np.ndarray) -> np.ndarray:
    """Return the water that each node gains from nowhere."""
    gain = -outflow_kgs.copy()
    np.add.at(gain, network.to_node, flow_kgs)
    np.subtract.at(gain, network.from_node, flow_kgs)
    return gain
