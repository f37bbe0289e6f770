"""A looped two-source city with 40 substations, its winter, and meters that err; truth apart.

The book is what an operator has on paper. The truth differs: roughness by 30 %, valves by 15 %,
water cooling on its way, losses that were always there; the twin only ever gets book and readings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.twin.metered import Readings, Taps

CP = 4.187
STEP_S = 600.0
SAMPLES = 20  # of 30 s in a step
BORES_MM = np.array(
    [32, 40, 50, 65, 80, 100, 125, 150, 207, 259, 309, 359, 408, 509, 610, 700, 800, 900]
)
RING = 12
HELD_KPA = 350.0
SPREAD_ROUGHNESS, SPREAD_KV = 0.30, 0.15
FLOW_NOISE, FLOW_BIAS = 0.01, 0.005
PRESSURE_NOISE_KPA, PRESSURE_BIAS_KPA, PRESSURE_DRIFT_KPA = 1.6, 4.0, 0.3
LOSS_SHARE, EXPANSION_SHARE = 0.003, 0.0015


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class City:
    """What is on paper."""

    network: Network
    operation: Operation
    taps: Taps
    valve: Ints
    plate: Ints
    plant: Ints
    design_kgs: Floats
    area_m2: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trench:
    """Supply and return pipe between two places."""

    name: str
    start: str
    end: str
    length_m: float
    least_bore: int = 0


def layout(rng: Generator, stations: int) -> tuple[list[Trench], dict[str, tuple[float, float]]]:
    """Return trenches and places: a ring with a cross street, two sources, branches, services."""
    at: dict[str, tuple[float, float]] = {}
    for i in range(RING):
        angle = 2 * np.pi * i / RING
        at[f"R{i}"] = (1900 * np.cos(angle) + rng.normal(0, 80), 1300 * np.sin(angle))
    at["C"] = (rng.normal(0, 100), rng.normal(0, 100))
    at["CHP"] = (at["R0"][0] + 700, at["R0"][1])
    at["PEAK"] = (at["R6"][0] - 500, at["R6"][1])
    lines = [("CHP", "R0", 9), ("PEAK", "R6", 9), ("R3", "C", 9), ("R9", "C", 9)]
    lines += [(f"R{i}", f"R{(i + 1) % RING}", 10) for i in range(RING)]
    roots = ["C", *(f"R{i}" for i in range(RING) if i not in (0, 6))]
    for i in range(stations):
        root = roots[i % len(roots)]
        row = i // len(roots)
        before = root if row == 0 else f"J{i - len(roots)}"
        x, y = at[before]
        angle = np.arctan2(y, x) + rng.normal(0, 0.5) if root != "C" else rng.uniform(0, 2 * np.pi)
        far = rng.uniform(220, 420)
        at[f"J{i}"] = (x + far * np.cos(angle), y + far * np.sin(angle))
        at[f"S{i}"] = (at[f"J{i}"][0] + rng.uniform(40, 130), at[f"J{i}"][1] + 20)
        lines += [(before, f"J{i}", 0), (f"J{i}", f"S{i}", 0)]
    trenches = [
        Trench(
            name=f"{a}-{b}",
            start=a,
            end=b,
            length_m=1.15 * float(np.hypot(at[a][0] - at[b][0], at[a][1] - at[b][1])),
            least_bore=least,
        )
        for a, b, least in lines
    ]
    return trenches, at


def _build(
    trenches: list[Trench],
    at: dict[str, tuple[float, float]],
    height: dict[str, float],
    bore: Ints,
    design: Floats,
    lift: tuple[float, float],
    valves: bool,
) -> tuple[Network, Operation]:
    b = NetworkBuilder()
    for place, (x, y) in at.items():
        for side in "sr":
            held = HELD_KPA if place == "CHP" and side == "r" else np.nan
            b.node(f"{side}.{place}", height_m=height[place], x_m=x, y_m=y, held_kpa=held)
    for i, t in enumerate(trenches):
        d = float(BORES_MM[bore[i]]) / 1000.0
        more = {"length_m": t.length_m, "diameter_m": d, "roughness_mm": 0.5}
        more["minor"] = t.length_m / 60.0
        b.pipe(f"s.{t.name}", f"s.{t.start}", f"s.{t.end}", loss_w_mk=0.4, **more)
        b.pipe(f"r.{t.name}", f"r.{t.end}", f"r.{t.start}", loss_w_mk=0.4, **more)
    for i, m in enumerate(design):
        if not valves:
            b.flow(f"valve.S{i}", f"s.S{i}", f"r.S{i}", flow_kgs=m)
            continue
        b.node(f"m.S{i}", height_m=height[f"S{i}"])
        kvs = m * 3.6 / np.sqrt(0.7) / 0.5
        b.valve(f"valve.S{i}", f"s.S{i}", f"m.S{i}", kvs_m3h=kvs, opening_pct=80.0)
        b.resistance(f"plate.S{i}", f"m.S{i}", f"r.S{i}", resistance_kpa_kgs2=50.0 / m**2)
    for source, rise in zip(("CHP", "PEAK"), lift, strict=True):
        b.lift(f"plant.{source}", f"r.{source}", f"s.{source}", lift_kpa=rise,
               resistance_kpa_kgs2=60.0 / design.sum() ** 2, outlet_c=110.0)  # fmt: skip
    return b.build()


def make_city(seed: int = 1, stations: int = 40) -> City:
    """Return a city on paper, sized for 50-150 Pa/m at -10 degC outside."""
    rng = np.random.default_rng(seed)
    trenches, at = layout(rng, stations)
    height = {place: float(0.004 * x + rng.normal(0, 2.0)) for place, (x, _) in at.items()}
    area = rng.uniform(40_000, 120_000, stations)
    # Many stations are small ones.
    area *= min(1.0, 60.0 / stations)
    design = area * rng.uniform(30, 45, stations) / 1000.0 / (CP * 60.0)
    bore = np.full(len(trenches), 14)
    least = np.array([t.least_bore for t in trenches])
    lift = (700.0, 700.0)
    for _ in range(6):
        net, op = _build(trenches, at, height, bore, design, lift, valves=False)
        solver = Solver(net)
        flow = np.abs(solver.solve(op).flow_kgs[: 2 * len(trenches) : 2])
        # Rough turbulent: gradient by bore, then the smallest bore under 110 Pa/m.
        d = BORES_MM / 1000.0
        gradient = 0.0095 * np.outer(flow**2, d**-5.25) / 960.0
        fits = np.argmax(gradient <= 110.0, axis=1)
        bore = np.maximum(np.where((gradient <= 110.0).any(axis=1), fits, len(d) - 1), least)
    net, op = _build(trenches, at, height, bore, design, lift, valves=False)
    p = Solver(net).solve(op).pressure_kpa
    number = net.node_index()
    taps = [*(f"S{i}" for i in range(stations)), "CHP", "PEAK"]
    supply = np.array([number[f"s.{t}"] for t in taps])
    back = np.array([number[f"r.{t}"] for t in taps])
    short = 150.0 - float((p[supply] - p[back])[:stations].min())
    lift = (lift[0] + short, lift[1] + short)
    net, op = _build(trenches, at, height, bore, design, lift, valves=True)
    links = net.link_index()
    return City(
        network=net,
        operation=op,
        taps=Taps(
            name=tuple(taps),
            supply_node=supply,
            return_node=back,
            source=np.arange(len(taps)) >= stations,
        ),
        valve=np.array([links[f"valve.S{i}"] for i in range(stations)]),
        plate=np.array([links[f"plate.S{i}"] for i in range(stations)]),
        plant=np.array([links["plant.CHP"], links["plant.PEAK"]]),
        design_kgs=design,
        area_m2=area,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Truth:
    """What nobody sees: true parameters, old losses, and the errors of the meters."""

    network: Network
    cooling_k: Floats
    loss: Floats
    flow_gain: Floats
    return_gain: Floats
    supply_bias_kpa: Floats
    return_bias_kpa: Floats


def make_truth(city: City, rng: Generator) -> Truth:
    """Return a truth that deviates from the book; pipes of one bore have aged alike in part."""
    net = city.network
    group = np.unique(net.diameter_m, return_inverse=True)[1]
    aged = rng.uniform(-1, 1, group.max() + 1)[group] * 0.6 + rng.uniform(-1, 1, net.n_link) * 0.4
    kv = 1.0 + SPREAD_KV * rng.uniform(-1, 1, net.n_link)
    n_tap = len(city.taps.name)
    loss = np.zeros(net.n_node)
    pipes = net.length_m > 0.0
    loss[rng.choice(np.unique(net.from_node[pipes]), 8, replace=False)] = rng.dirichlet(np.ones(8))
    return Truth(
        network=replace(
            net,
            roughness_mm=net.roughness_mm * (1.0 + SPREAD_ROUGHNESS * aged),
            minor=net.minor * (1.0 + 0.2 * rng.uniform(-1, 1, net.n_link)),
            kvs_m3h=net.kvs_m3h * kv,
        ),
        cooling_k=rng.uniform(0.0, 3.0, net.n_link),
        loss=loss * LOSS_SHARE * city.design_kgs.sum(),
        flow_gain=1.0 + FLOW_BIAS * rng.normal(size=n_tap),
        return_gain=1.0 + FLOW_BIAS * rng.normal(size=n_tap),
        supply_bias_kpa=PRESSURE_BIAS_KPA * rng.normal(size=n_tap),
        return_bias_kpa=PRESSURE_BIAS_KPA * rng.normal(size=n_tap),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """A hole in a pipe."""

    link: int
    fraction: float
    kgs: float
    from_step: int


def _wander(rng: Generator, shape: tuple[int, ...], hours: float) -> Floats:
    """Return a wandering of unit spread and this memory, along the first axis."""
    keep = float(np.exp(-STEP_S / 3600.0 / hours))
    out = np.empty(shape)
    out[0] = rng.normal(size=shape[1:])
    for t in range(1, shape[0]):
        out[t] = keep * out[t - 1] + np.sqrt(1 - keep**2) * rng.normal(size=shape[1:])
    return out


def with_hole(net: Network, op: Operation, leak: Leak) -> tuple[Network, Operation]:
    """Return the network with a node in the leaking pipe (the last one), and its operation."""
    link, x = leak.link, leak.fraction
    a, b = net.from_node[link], net.to_node[link]

    per_node = ("height_m", "x_m", "y_m")
    middle = {k: getattr(net, k)[a] * (1 - x) + getattr(net, k)[b] * x for k in per_node}
    twice = [
        f.name
        for f in fields(net)
        if isinstance(getattr(net, f.name), np.ndarray)
        and len(getattr(net, f.name)) == net.n_link
        and f.name not in ("from_node", "to_node", "pressure_held", *per_node)
    ]
    values: dict[str, Any] = {k: np.append(getattr(net, k), getattr(net, k)[link]) for k in twice}
    for k in ("length_m", "minor"):
        values[k][link] *= x
        values[k][-1] *= 1 - x
    values |= {k: np.append(getattr(net, k), middle[k]) for k in per_node}
    to_node = np.append(net.to_node, b)
    to_node[link] = net.n_node
    holed = replace(
        net,
        node_names=(*net.node_names, "hole"),
        link_names=(*net.link_names, "behind the hole"),
        pressure_held=np.append(net.pressure_held, False),
        from_node=np.append(net.from_node, net.n_node),
        to_node=to_node,
        **values,
    )
    rows = {"held_kpa": np.nan, "outflow_kgs": 0.0, "leak_kgs_kpa05": 0.0, "source_c": np.nan}
    changed = {k: np.append(getattr(op, k), v) for k, v in rows.items()}
    for k in ("shut", "opening_pct", "speed", "lift_kpa", "flow_kgs", "demand_kw", "outlet_c",
              "ambient_c"):  # fmt: skip
        changed[k] = np.append(getattr(op, k), getattr(op, k)[link])
    return holed, Operation(**changed, fouling=op.fouling.copy())


def winter(
    city: City, truth: Truth, rng: Generator, steps: int, leak: Leak | None = None
) -> Readings:
    """Return what the meters read over some days of 10 min steps, each the mean of 20 samples."""
    net, op = truth.network, city.operation.copy()
    if leak is not None:
        net, op = with_hole(net, op, leak)
    solver = Solver(net)
    n_tap, n = len(city.taps.name), len(city.design_kgs)
    hour = np.arange(steps) * STEP_S / 3600.0
    outside = -1.0 - 4.0 * np.cos(2 * np.pi * (hour - 3) / 24) + 3.0 * _wander(rng, (steps,), 40.0)
    load = np.clip((20.0 - outside) / 30.0, 0.3, 1.0)[:, None]
    habit = rng.uniform(0.0, 0.08, n) * np.cos(
        2 * np.pi * (hour[:, None] - rng.uniform(5, 9, n)) / 24
    )
    wanted = city.design_kgs * load**0.8 * (1.0 + habit + 0.03 * _wander(rng, (steps, n), 1.0))
    hot = 70.0 + 40.0 * load[:, 0] + 0.5 * _wander(rng, (steps,), 2.0)
    cold = 42.0 + 8.0 * load[:, 0] + 0.5 * _wander(rng, (steps,), 4.0)
    share = 1.0 + 0.04 * _wander(rng, (steps,), 8.0)
    loss = 1.0 + 0.1 * _wander(rng, (steps,), 12.0)
    ends = _volumes(city.network, net.n_node)
    swell = EXPANSION_SHARE * city.design_kgs.sum() * 0.5**0.5 * _wander(rng, (steps, 2), 2.0)
    drift = PRESSURE_DRIFT_KPA * _wander(rng, (steps, 2, n_tap), 24.0)
    warm = np.array([name.startswith("s.") for name in net.link_names])
    cooling = np.append(truth.cooling_k, truth.cooling_k[leak.link] if leak else [])
    supply, back = city.taps.supply_node, city.taps.return_node
    lift = op.lift_kpa.copy()
    q = np.empty((steps, 2, n_tap))
    p = np.empty((steps, 2, n_tap))
    made = np.empty(steps)
    state = solver.solve(op)
    for t in range(steps):
        _regulate(net, op, city, state.pressure_kpa, wanted[t])
        op.lift_kpa[:] = lift * (0.45 + 0.55 * load[t, 0] ** 1.6)
        op.lift_kpa[city.plant[1]] *= share[t]
        op.outflow_kgs[:] = swell[t] @ ends
        op.outflow_kgs[: len(truth.loss)] += truth.loss * loss[t]
        if leak is not None and t >= leak.from_step:
            op.outflow_kgs[-1] = leak.kgs
        state = solver.solve(op, mean_c=np.where(warm, hot[t], cold[t]) - cooling)
        q[t, :, :n] = state.flow_kgs[city.valve]
        q[t, :, n:] = state.flow_kgs[city.plant]
        made[t] = op.outflow_kgs.sum()
        # Make-up enters at the return side of the first source, ahead of its return meter's pump.
        q[t, 1, n] -= made[t]
        p[t, 0], p[t, 1] = state.pressure_kpa[supply], state.pressure_kpa[back]
    few = SAMPLES**-0.5
    noisy = q * (1.0 + FLOW_NOISE * few * rng.normal(size=q.shape))
    noisy[:, 0] *= truth.flow_gain
    noisy[:, 1] *= truth.return_gain
    back_kgs = noisy[:, 1].copy()
    back_kgs[:, :n] = np.nan
    p += PRESSURE_NOISE_KPA * few * rng.normal(size=p.shape) + drift
    return Readings(
        supply_kgs=noisy[:, 0],
        return_kgs=back_kgs,
        supply_kpa=p[:, 0] + truth.supply_bias_kpa,
        return_kpa=p[:, 1] + truth.return_bias_kpa,
        makeup_kgs=made * (1.0 + FLOW_NOISE * few * rng.normal(size=steps)),
        supply_c=hot + 0.3 * few * rng.normal(size=steps),
        return_c=cold + 0.3 * few * rng.normal(size=steps),
    )


def _volumes(net: Network, n_node: int) -> Floats:
    """Return the share of each node in the water of the supply pipes, and of the return pipes."""
    ends = np.zeros((2, n_node))
    side = np.array([name.startswith("r.") for name in net.link_names]).astype(np.int64)
    np.add.at(ends, (side, net.from_node), net.volume_m3())
    return np.asarray(ends / ends.sum(axis=1, keepdims=True))


def _regulate(net: Network, op: Operation, city: City, p: Floats, wanted: Floats) -> None:
    """Set the valves for the wanted flows at the pressures of the step before."""
    n = len(wanted)
    dp = p[city.taps.supply_node[:n]] - p[city.taps.return_node[:n]]
    left = np.maximum(dp - net.resistance_kpa_kgs2[city.plate] * wanted**2, 1.0)
    kv = 36.0 * wanted / np.sqrt(left) / np.sqrt(0.965)
    share = np.clip(kv / net.kvs_m3h[city.valve], 0.02, 1.0)
    op.opening_pct[city.valve] = 100.0 * (1.0 + np.log(share) / np.log(50.0))
