"""Random district networks of a realistic shape, as heatloop networks: trees with some loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.water import CP_KJ_KGK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Inner diameters of steel district-heating pipes DN 20 ... DN 1200.
# fmt: off
DIAMETERS_M = np.array([
    0.0217, 0.0285, 0.0372, 0.0431, 0.0545, 0.0703, 0.0825, 0.1071, 0.1325, 0.1603, 0.2101, 0.263,
    0.3127, 0.3444, 0.3938, 0.4446, 0.4954, 0.5958, 0.6954, 0.7954, 0.8954, 0.9954, 1.1954,
])
# fmt: on
SPACING_M = 45.0
ROUGHNESS_MM = 0.1
GROUND_C = 8.0
SUPPLY_C = 90.0
RETURN_C = 50.0
CONSUMER_KPA = 60.0
HELD_KPA = 1600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class District:
    """Trenches (a supply and a return pipe each) between places; place 0 is the plant."""

    x_m: Floats
    """Shape (n_place,)."""
    y_m: Floats
    """Shape (n_place,)."""
    start: Ints
    """Place where each trench begins, shape (n_trench,)."""
    end: Ints
    """Shape (n_trench,)."""
    length_m: Floats
    """Shape (n_trench,)."""
    diameter_m: Floats
    """Shape (n_trench,)."""
    consumer: Ints
    """Place of each consumer, shape (n_consumer,)."""
    demand_kw: Floats
    """Design heat of each consumer, shape (n_consumer,)."""
    lift_kpa: float
    """What the plant's pumps must hold at design flow."""

    @property
    def loss_w_mk(self) -> Floats:
        """Loss of a pre-insulated pipe: 0.027 W/(m K) foam, thicker on wider pipes."""
        foam_m = 0.03 + 0.08 * self.diameter_m
        return 2 * np.pi * 0.027 / np.log(1 + 2 * foam_m / self.diameter_m)

    @property
    def wall_kj_mk(self) -> Floats:
        """Heat capacity of a metre of steel wall, 2.6 mm and more."""
        wall_m = 0.0026 + 0.008 * self.diameter_m
        return 7850 * 0.46 * np.pi * self.diameter_m * wall_m

    @property
    def design_kgs(self) -> Floats:
        """Flow of each consumer at design, shape (n_consumer,)."""
        return self.demand_kw / (CP_KJ_KGK * (SUPPLY_C - RETURN_C))


def _streets(n: int, rng: np.random.Generator) -> tuple[Floats, Floats, Ints, Ints]:
    """Return places on a shaken grid and the streets that could join neighbours."""
    side = int(np.ceil(np.sqrt(n)))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)[:n]
    places = (grid + rng.uniform(-0.35, 0.35, grid.shape)) * SPACING_M
    nearest = int(np.argmin(np.hypot(*(places - places.mean(0) * [0.2, 1.0]).T)))
    places[[0, nearest]] = places[[nearest, 0]]
    triangles = Delaunay(places).simplices
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    return places[:, 0], places[:, 1], pairs[:, 0], pairs[:, 1]


def _diameter(flow_kgs: Floats, gradient_pa_m: Floats) -> Floats:
    """Return the smallest standard diameter within a gradient, by a friction factor of 0.02."""
    wanted = (8 * 0.02 * flow_kgs**2 / (np.pi**2 * 970.0 * gradient_pa_m)) ** 0.2
    index = np.minimum(np.searchsorted(DIAMETERS_M, wanted), len(DIAMETERS_M) - 1)
    return DIAMETERS_M[index]


def make_district(consumers: int, seed: int, *, loop_share: float = 0.02) -> District:
    """Return a district of at least four consumers, every street place serving one.

    `loop_share` is the number of closed rings over consumers. Diameters follow
    100-200 Pa/m at design flow; rings close between places on wide pipes.
    """
    rng = np.random.default_rng(seed)
    n = consumers
    x, y, a, b = _streets(n, rng)
    length = np.hypot(x[a] - x[b], y[a] - y[b])
    weight = length * rng.uniform(0.7, 1.6, len(length))
    graph = coo_matrix((weight, (a, b)), shape=(n, n)).tocsr()
    distance, before = dijkstra(graph, directed=False, indices=0, return_predecessors=True)
    order = np.argsort(distance)[1:]
    child, parent = order.astype(np.int64), before[order].astype(np.int64)
    demand = np.exp(rng.normal(np.log(90.0), 0.7, consumers))
    at = np.arange(n)
    service_kgs = demand / (CP_KJ_KGK * (SUPPLY_C - RETURN_C))
    flow = service_kgs.copy()
    for c, p in zip(child[::-1].tolist(), parent[::-1].tolist(), strict=True):
        flow[p] += flow[c]
    # Rings: streets that are in no path yet, between the wide pipes.
    tree = np.minimum(child, parent) * n + np.maximum(child, parent)
    free = np.flatnonzero(~np.isin(a * n + b, tree))
    loops = round(loop_share * consumers)
    wide = free[np.argsort(-np.minimum(flow[a[free]], flow[b[free]]))][: 8 * loops]
    ring = np.sort(rng.choice(wide, min(loops, len(wide)), replace=False)) if loops else wide[:0]
    tree_length = np.hypot(x[child] - x[parent], y[child] - y[parent])
    gradient = rng.uniform(100.0, 200.0, len(child))
    tree_diameter = _diameter(flow[child], gradient)
    ring_flow = 0.5 * np.minimum(flow[a[ring]], flow[b[ring]])
    service = np.arange(n, n + consumers)
    return District(
        x_m=np.concatenate([x, x[at] + 9.0]),
        y_m=np.concatenate([y, y[at] + 9.0]),
        start=np.concatenate([parent, a[ring], at]),
        end=np.concatenate([child, b[ring], service]),
        length_m=np.concatenate([tree_length, length[ring], rng.uniform(8.0, 25.0, consumers)]),
        diameter_m=np.concatenate(
            [
                tree_diameter,
                _diameter(ring_flow, np.full(len(ring), 150.0)),
                _diameter(service_kgs, np.full(consumers, 200.0)),
            ]
        ),
        consumer=service,
        demand_kw=demand,
        lift_kpa=_lift_kpa(parent, child, tree_length, gradient, n),
    )


def _lift_kpa(parent: Ints, child: Ints, length: Floats, gradient: Floats, n: int) -> float:
    """Return twice the pressure lost to the farthest place, and what a consumer needs."""
    lost = np.zeros(n)
    for i, (p, c) in enumerate(zip(parent.tolist(), child.tolist(), strict=True)):
        lost[c] = lost[p] + length[i] * gradient[i] / 1000.0
    return float(2.2 * lost.max() + CONSUMER_KPA)


def to_network(district: District, *, heat: bool) -> tuple[Network, Operation]:
    """Return the district as a heatloop network.

    Args:
        district: What to build.
        heat: Consumers take heat at a return temperature, instead of a set flow.
    """
    build = NetworkBuilder(ambient_c=GROUND_C)
    for side in "sr":
        for i, (x, y) in enumerate(zip(district.x_m, district.y_m, strict=True)):
            held = HELD_KPA if side == "s" and i == 0 else np.nan
            build.node(f"{side}{i}", x_m=float(x), y_m=float(y), held_kpa=held)
    loss, wall = district.loss_w_mk, district.wall_kj_mk
    for side in "sr":
        for i in range(len(district.start)):
            ends = (f"{side}{district.start[i]}", f"{side}{district.end[i]}")
            build.pipe(
                f"{side}-{i}",
                *(ends if side == "s" else ends[::-1]),
                length_m=float(district.length_m[i]),
                diameter_m=float(district.diameter_m[i]),
                roughness_mm=ROUGHNESS_MM,
                loss_w_mk=float(loss[i]),
                wall_kj_mk=float(wall[i]),
            )
    for i, place in enumerate(district.consumer):
        demand, flow = float(district.demand_kw[i]), float(district.design_kgs[i])
        if heat:
            build.heat(f"c{i}", f"s{place}", f"r{place}", demand_kw=demand, outlet_c=RETURN_C)
        else:
            build.flow(f"c{i}", f"s{place}", f"r{place}", flow_kgs=flow, demand_kw=demand)
    build.lift("plant", "r0", "s0", lift_kpa=district.lift_kpa, outlet_c=SUPPLY_C)
    return build.build()


def consumer_links(network: Network) -> Ints:
    """Return the links of the consumers, in the order of the district."""
    index = network.link_index()
    count = sum(name.startswith("c") for name in network.link_names)
    return np.array([index[f"c{i}"] for i in range(count)], np.int64)


def demand_factors(consumers: int, steps: int, dt_s: float, seed: int) -> Floats:
    """Return a day of demand over design, each consumer's own, shape (step, consumer)."""
    rng = np.random.default_rng(seed)
    hour = np.arange(steps)[:, None] * dt_s / 3600.0
    shift = rng.normal(0.0, 0.7, consumers)
    base = rng.uniform(0.35, 0.6, consumers)
    peaks = np.exp(-((((hour - 7 + shift) % 24) / 2.0) ** 2))
    peaks = peaks + 0.8 * np.exp(-(((hour - 19 + shift) / 3.0) ** 2))
    wave = 0.04 * np.sin(2 * np.pi * (hour * rng.uniform(0.5, 2.0, consumers) + shift))
    return np.clip(base + 0.4 * peaks + wave, 0.15, 1.1)
