"""The primary mains of the demo city, as laid and as booked: sizes and design pressures."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.plans import APPROACH_K, PRIMARY_SUPPLY_C, ZONE_SUPPLY_C, Streets
from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK

ROUGHNESS_MM = 0.5
SINGLE_SOURCE_DP_KPA = 350.0
STATION_DP_KPA = 110.0
"""What a station's valve, exchanger and fittings need at design."""
ISOLATION_DP_KPA = 60.0
"""What one side of an isolation station's plates takes at design."""
_INNER_MM = (68, 81, 106, 131, 156, 207, 257, 309, 359, 408, 460, 511, 612, 702, 802, 902, 1000)
_NOMINAL_MM = (65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000)
INNER_M: Floats = np.array(_INNER_MM) / 1000.0
"""Inner diameters on the market."""
_STEEPEST_PA_M = 50.0
_FITTINGS = 1.3
"""Friction with bends and fittings over friction alone."""
_RESERVE = 0.6
"""Share of the whole load that the mains carry from the first plant alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mains:
    """Pipe pairs in the order of the trenches; arrays of shape (n_trench,)."""

    length_m: Floats
    """Length of each pipe."""
    nominal_mm: NDArray[np.int64]
    """Nominal diameter."""
    inner_m: Floats
    """Inner diameter."""
    design_kgs: Floats
    """Design flow."""
    source_dp_kpa: Floats
    """Pressure difference each source was designed for, shape (n_source,)."""
    booster_kpa: Floats
    """Head each booster station was designed for, shape (n_booster,)."""
    booster_kgs: Floats
    """Design flow of each booster station, shape (n_booster,)."""
    zone_kpa: Floats
    """Head of each isolation station's own pumps, shape (n_isolation,)."""
    source_kgs: Floats
    """Design flow of each source, shape (n_source,)."""


def primary_design_kgs(streets: Streets) -> Floats:
    """Return the primary design flow of each unit, shape (n_unit,)."""
    load = np.array([unit.load_kw for unit in streets.units])
    back = np.array([unit.return_c for unit in streets.units]) + APPROACH_K
    warm = np.array([streets.substations[unit.substation].primary_c for unit in streets.units])
    return np.asarray(load / (CP_KJ_KGK * (warm - back)))


def isolation_design_kgs(streets: Streets) -> tuple[Floats, Floats]:
    """Return the design flows of the isolation stations' hot and cold sides, (n_isolation,)."""
    load = np.array([plan.load_kw for plan in streets.isolations])
    back = np.array([plan.back_c for plan in streets.isolations])
    hot = load / (CP_KJ_KGK * (PRIMARY_SUPPLY_C - back - APPROACH_K))
    return hot, load / (CP_KJ_KGK * (ZONE_SUPPLY_C - back))


def gradient_kpa_m(inner_m: Floats, flow_kgs: Floats) -> Floats:
    """Return the pressure loss a metre of pipe as designers reckon it, fittings included.

    Reference: Nikuradse's law of rough pipes, lambda = 1 / (1.14 + 2 log10(d / k))^2.
    """
    friction = (1.14 + 2.0 * np.log10(inner_m * 1000.0 / ROUGHNESS_MM)) ** -2
    area = np.pi * inner_m**2 / 4.0
    return np.asarray(friction / inner_m / (2.0 * 970.0 * area**2) / 1000.0 * flow_kgs**2) * (
        _FITTINGS
    )


class _Graph:
    """The trenches as a graph; an isolation station is a consumer and a root of its own."""

    def __init__(self, streets: Streets) -> None:
        self.start = [_far_side(t.start) for t in streets.trenches]
        self.end = [t.end for t in streets.trenches]
        self.length = [t.length_m for t in streets.trenches]
        self.beside: dict[str, list[tuple[int, str]]] = {}
        for number, (a, b) in enumerate(zip(self.start, self.end, strict=True)):
            self.beside.setdefault(a, []).append((number, b))
            self.beside.setdefault(b, []).append((number, a))

    def tree(self, roots: list[str]) -> dict[str, tuple[int, str]]:
        """Return the trench and place before each place on its shortest way from a root."""
        before: dict[str, tuple[int, str]] = {}
        best = dict.fromkeys(roots, 0.0)
        waiting = [(0.0, root) for root in roots]
        while waiting:
            at_m, place = heapq.heappop(waiting)
            if at_m > best[place]:
                continue
            for number, beyond in self.beside.get(place, ()):
                far = at_m + self.length[number]
                if far < best.get(beyond, math.inf):
                    best[beyond] = far
                    before[beyond] = (number, place)
                    heapq.heappush(waiting, (far, beyond))
        return before

    def flows(self, roots: list[str], wanted: dict[str, float]) -> tuple[Floats, Floats]:
        """Return the flow of each trench and of each root when the shortest ways are used."""
        before = self.tree(roots)
        flow = np.zeros(len(self.length))
        given = dict.fromkeys(roots, 0.0)
        for place, kgs in wanted.items():
            here = place
            while here in before:
                number, here = before[here]
                flow[number] += kgs
            if here in given:
                given[here] += kgs
        return flow, np.array([given[root] for root in roots])


def _far_side(place: str) -> str:
    """Return the name of the side of a station that trenches starting there belong to."""
    return place + "'" if place.startswith("IS") else place


def lay_mains(streets: Streets) -> Mains:
    """Return mains sized for the design flows at no more than 50 Pa/m."""
    graph = _Graph(streets)
    wanted = _wanted(streets)
    sources = [f"HS{k + 1:04d}" for k in range(len(streets.sources))]
    zones = [f"IS{k + 1:04d}'" for k in range(len(streets.isolations))]
    flow, given = graph.flows(sources + zones, wanted)
    # If the peak plants fail, the first plants of all cells carry a good part of it alone.
    alone, _ = graph.flows(sources[::2] + zones, wanted)
    size = np.maximum(flow, _RESERVE * alone)
    size = _closing(graph, size)
    fits = gradient_kpa_m(INNER_M[None, :], size[:, None]) * 1000.0 <= _STEEPEST_PA_M
    chosen = np.where(fits.any(axis=1), fits.argmax(axis=1), len(INNER_M) - 1)
    inner = INNER_M[chosen]
    length = np.array(graph.length)
    heads = _heads(streets, graph, sources + zones, 2.0 * gradient_kpa_m(inner, flow) * length)
    boosted = [
        sum(flow[number] for number, t in enumerate(streets.trenches) if t.end == f"BS{k + 1:04d}")
        for k in range(len(streets.boosters))
    ]
    return Mains(
        length_m=length,
        nominal_mm=np.array(_NOMINAL_MM)[chosen],
        inner_m=inner,
        design_kgs=size,
        source_dp_kpa=heads[0],
        booster_kpa=heads[1],
        booster_kgs=np.array(boosted),
        zone_kpa=heads[2],
        source_kgs=given[: len(sources)],
    )


def _wanted(streets: Streets) -> dict[str, float]:
    """Return the design flow of everything that takes primary water, by place."""
    wanted: dict[str, float] = {}
    for unit, kgs in zip(streets.units, primary_design_kgs(streets).tolist(), strict=True):
        place = f"SS{unit.substation + 1:04d}"
        wanted[place] = wanted.get(place, 0.0) + kgs
    for number, kgs in enumerate(isolation_design_kgs(streets)[0].tolist()):
        wanted[f"IS{number + 1:04d}"] = kgs
    return wanted


def _closing(graph: _Graph, flow: Floats) -> Floats:
    """Give links that only close a ring half of the lesser of what passes at their ends."""
    found = flow.copy()
    for number in np.flatnonzero(flow <= 0.0).tolist():
        ends = (graph.start[number], graph.end[number])
        passing = [max(flow[n] for n, _ in graph.beside[place]) for place in ends]
        found[number] = 0.5 * min(passing)
    return found


def _heads(
    streets: Streets, graph: _Graph, roots: list[str], loss_kpa: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what the pumps of sources, booster and isolation stations must lift, kPa."""
    n_source = len(streets.sources)
    if n_source == 1:
        return np.array([SINGLE_SOURCE_DP_KPA]), np.empty(0), np.empty(0)
    before = graph.tree(roots)
    plain = dict.fromkeys(roots, STATION_DP_KPA)
    boosted: dict[str, float] = {}
    root_of: dict[str, str] = {}
    places = [f"SS{k + 1:04d}" for k in range(len(streets.substations))]
    places += [f"IS{k + 1:04d}" for k in range(len(streets.isolations))]
    for place in places:
        need, here, lift = STATION_DP_KPA, place, ""
        while here in before:
            number, here = before[here]
            need += float(loss_kpa[number])
            lift = here if here.startswith("BS") else lift
        if lift:
            boosted[lift] = max(boosted.get(lift, 0.0), need)
            root_of[lift] = here
        else:
            plain[here] = max(plain[here], need)
    heads = np.array([10.0 * math.ceil(plain[root] / 10.0) for root in roots])
    lifts = []
    for code in (f"BS{k + 1:04d}" for k in range(len(streets.boosters))):
        there = float(heads[roots.index(root_of[code])])
        lifts.append(10.0 * math.ceil(max(boosted[code] - there, 40.0) / 10.0))
    return heads[:n_source], np.array(lifts), heads[n_source:] + ISOLATION_DP_KPA
