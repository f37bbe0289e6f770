"""The primary mains of the demo city: one chain of stations a branch, as laid and as booked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.plans import Streets
from heatloop.network.arrays import Floats
from heatloop.network.hydraulics import pipe_resistance_kpa_kgs2
from heatloop.network.water import CP_KJ_KGK

PRIMARY_SUPPLY_C = 110.0
APPROACH_K = 6.0
ROUGHNESS_MM = 0.5
_INNER_MM = (68, 81, 106, 131, 156, 207, 257, 309, 359, 408, 460, 511, 612, 702, 802, 902)
_NOMINAL_MM = (65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900)
_STEEPEST_PA_M = 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Mains:
    """The tree of pipe pairs: a trunk node, then a service node, for every station in turn."""

    parent: tuple[int, ...]
    """Parent node, -1 at the source; trunk of station i is node 2 i, its service 2 i + 1."""
    length_m: Floats
    """Length of each pipe, shape (n_node,)."""
    nominal_mm: NDArray[np.int64]
    """Nominal diameter, shape (n_node,)."""
    inner_m: Floats
    """Inner diameter, shape (n_node,)."""
    design_kgs: Floats
    """Design flow, shape (n_node,)."""


def primary_design_kgs(streets: Streets) -> Floats:
    """Return the primary design flow of each unit, shape (n_unit,)."""
    load = np.array([unit.load_kw for unit in streets.units])
    back = np.array([unit.return_c for unit in streets.units]) + APPROACH_K
    return np.asarray(load / (CP_KJ_KGK * (PRIMARY_SUPPLY_C - back)))


def lay_mains(streets: Streets) -> Mains:
    """Return mains sized for the design flows at no more than 50 Pa/m."""
    of_unit = primary_design_kgs(streets)
    station = np.zeros(len(streets.substations))
    np.add.at(station, [unit.substation for unit in streets.units], of_unit)
    parent: list[int] = []
    length: list[float] = []
    last: dict[int, tuple[int, float]] = {}
    for index, plan in enumerate(streets.substations):
        above, at_m = last.get(plan.branch, (-1, 0.0))
        parent += [above, 2 * index]
        length += [abs(plan.east_m) - at_m, abs(plan.north_m)]
        last[plan.branch] = (2 * index, abs(plan.east_m))
    flow = np.zeros(len(parent))
    flow[1::2] = station
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0:
            flow[parent[node]] += flow[node]
    inner = np.array(_INNER_MM) / 1000.0
    per_m = pipe_resistance_kpa_kgs2(np.ones(len(inner)), inner, ROUGHNESS_MM)
    fits = per_m[None, :] * flow[:, None] ** 2 * 1000.0 <= _STEEPEST_PA_M
    chosen = np.where(fits.any(axis=1), fits.argmax(axis=1), len(inner) - 1)
    return Mains(
        parent=tuple(parent),
        length_m=np.array(length),
        nominal_mm=np.array(_NOMINAL_MM)[chosen],
        inner_m=inner[chosen],
        design_kgs=flow,
    )
