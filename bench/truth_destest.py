"""DESTEST common exercise 0 (ibpsa/project1-destest): a small district six tools have solved."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.steady import solve_steady
from heatloop.network.water import CP_KJ_KGK

# 16 equal houses on two branches, all of it from the exercise's tables.
CE0_FLOW_KGH = 553.0
CE0_SUPPLY_C = 70.0
CE0_DROP_K = 30.0
CE0_GROUND_C = 10.0
CE0_SOURCE, CE0_FAR = "i", "SimpleDistrict_1"
# What the tables do not give: both were chosen so that pressures and temperatures agree with the
# six tools (with 0.007 mm one pressure drop is 7 Pa outside); they are no independent evidence.
CE0_ROUGHNESS_MM = 0.01
CE0_FOAM_W_MK = 0.026


@dataclass(frozen=True, kw_only=True, slots=True)
class BandColumn:
    """One column of the exercise: ours and the band of the tools."""

    name: str
    ours: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether ours lies between the least and the most of the tools."""
        return self.low <= self.ours <= self.high


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{k.strip(): v for k, v in row.items() if k} for row in csv.DictReader(file)]


def _outer_m(size: str) -> float:
    """Return the outer diameter of the carrier pipe from a size like `25 x 2.3` (mm)."""
    return float(size.split("x")[0]) / 1000.0


def build_ce0(data: Path) -> NetworkBuilder:
    """Return the exercise's network from its node and pipe tables."""
    folder = data / "destest_ce0/input"
    build = NetworkBuilder(ambient_c=CE0_GROUND_C)
    names = [row["Node"] for row in _rows(folder / "pydhn_Node_data.csv")]
    for side in ("supply", "return"):
        for name in names:
            held = 400.0 if side == "supply" and name == CE0_SOURCE else np.nan
            build.node(f"{name} {side}", held_kpa=held)
    for row in _rows(folder / "pydhn_Pipe_data_2.csv"):
        start, end = row["Ending Node"], row["Beginning Node"]
        outer = _outer_m(row["pipe_size"])
        foam = float(row["Insulation Thickness [m]"])
        for side in ("supply", "return"):
            a, b = (start, end) if side == "supply" else (end, start)
            build.pipe(
                f"{a}-{b} {side}",
                f"{a} {side}",
                f"{b} {side}",
                length_m=float(row["Length [m]"]),
                diameter_m=float(row["Inner Diameter [m]"]),
                roughness_mm=CE0_ROUGHNESS_MM,
                loss_w_mk=2 * np.pi * CE0_FOAM_W_MK / np.log(1.0 + 2.0 * foam / outer),
            )
    flow = CE0_FLOW_KGH / 3600.0
    for name in names:
        if name.startswith("SimpleDistrict"):
            build.flow(
                f"{name} house",
                f"{name} supply",
                f"{name} return",
                flow_kgs=flow,
                demand_kw=flow * CP_KJ_KGK * CE0_DROP_K,
            )
    build.lift(
        "plant",
        f"{CE0_SOURCE} return",
        f"{CE0_SOURCE} supply",
        lift_kpa=100.0,
        outlet_c=CE0_SUPPLY_C,
    )
    return build


def destest_ce0(data: Path) -> list[BandColumn]:
    """Return every column of the exercise, with the band of the tools that published."""
    network, operation = build_ce0(data).build()
    state = solve_steady(Solver(network), operation)
    node, link = network.node_index(), network.link_index()
    flow = float(state.flow_kgs[link["plant"]])

    def drop_pa(start: str, end: str, side: str) -> float:
        p = state.pressure_kpa
        return float(1000.0 * (p[node[f"{start} {side}"]] - p[node[f"{end} {side}"]]))

    def warm_c(name: str, side: str) -> float:
        return float(state.node_c[node[f"{name} {side}"]])

    at = link["i-h supply"]
    lost_w = 1000.0 * CP_KJ_KGK * state.flow_kgs[at] * (state.inlet_c[at] - state.outlet_c[at])
    along = (CE0_SOURCE, "h", "g", "f", "e", CE0_FAR)
    ours = [
        3600.0 * flow,
        drop_pa("i", "e", "supply"),
        drop_pa("a", "i", "return"),
        drop_pa("h", "i", "return"),
        *(warm_c(name, "supply") for name in along),
        *(warm_c(name, "return") for name in along),
        float(lost_w),
        1000.0 * CP_KJ_KGK * flow * (warm_c("i", "supply") - warm_c("i", "return")),
    ]
    # The tools' columns have names of their own but one order; the first is time.
    tools = []
    for path in sorted((data / "destest_ce0/results").glob("*_Network_0.csv")):
        with path.open(newline="") as file:
            header, first, *_ = csv.reader(file)
        tools.append([float(v) for v in first[1:]])
    names = [name.strip() for name in header[1:]]
    return [
        BandColumn(
            name=name,
            ours=value,
            low=min(tool[i] for tool in tools),
            high=max(tool[i] for tool in tools),
        )
        for i, (name, value) in enumerate(zip(names, ours, strict=True))
    ]
