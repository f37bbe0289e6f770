"""Networks that OpenModelica and pandapipes have solved, solved again."""

from __future__ import annotations

import importlib
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import use_peers
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import Fluid, constant_fluid, water
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import Friction
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady

ZERO_C = 273.15
BAR_KPA = 100.0
# Barometric formula that pandapipes lays under its gauge pressures.
AIR_KPA = 101.325
AIR_LAPSE = 0.0065 / 288.15
AIR_EXPONENT = 5.255
FRICTIONS = {
    "swamee-jain": Friction.SWAMEE_JAIN,
    "colebrook": Friction.COLEBROOK_SUM,
    "nikuradse": Friction.NIKURADSE_SUM,
}


def air_kpa(height_m: float) -> float:
    """Return the pressure of the air at a height over that at height 0."""
    return float(AIR_KPA * ((1.0 - height_m * AIR_LAPSE) ** AIR_EXPONENT - 1.0))


@cache
def _installed(case: str) -> Mapping[str, Any]:
    """Return fluid and pump curves of a case from the network file pandapipes ships."""
    use_peers()
    pp: Any = importlib.import_module("pandapipes")
    folder, *rest = case.split("__")
    file = Path(pp.__file__).parent / "networks/network_files" / folder / "/".join(rest)
    net = pp.from_json(f"{file}.json")
    fluid = net.fluid.all_properties
    values = ("density", "viscosity", "heat_capacity")
    return {
        "fluid": [float(fluid[name].get_at_value(293.15)) for name in values],
        "pumps": {
            name: [float(c) for c in kind.reg_par]
            for name, kind in net.std_types.get("pump", {}).items()
        },
    }


def case_fluid(case: str) -> Fluid:
    """Return the constant fluid of a case."""
    density, viscosity, cp = _installed(case)["fluid"]
    return constant_fluid(density, viscosity, cp / 1000.0, "OpenModelica")


def _pump(build: NetworkBuilder, name: str, pump: Mapping[str, Any], case: str) -> None:
    """Add a pump by its curve: bar over m3/h, squared, linear, constant."""
    fixed = _installed(case)
    squared, linear, shutoff = fixed["pumps"][pump["std_type"]]
    m3h = 3600.0 / fixed["fluid"][0]
    build.pump(
        name,
        f"j{pump['from_junction']}",
        f"j{pump['to_junction']}",
        shutoff_kpa=BAR_KPA * shutoff,
        fall_kpa_kgs=-BAR_KPA * linear * m3h,
        fall_kpa_kgs2=-BAR_KPA * squared * m3h**2,
    )


def build_case(case: str, tables: Mapping[str, Any]) -> NetworkBuilder:
    """Return a network of pandapipes' tables (water, SI as there) in our builder.

    Args:
        case: Its name, for pump curves and fluid.
        tables: Lists of records: junction, pipe, sink, source, ext_grid, valve, pump.

    Raises:
        KeyError: There is an element this reader does not know.
    """
    known = {"fluid", "junction", "pipe", "sink", "source", "ext_grid", "valve", "pump"}
    unknown = {t for t, rows in tables.items() if isinstance(rows, list)} - known
    if unknown:
        raise KeyError(f"{case}: cannot read {sorted(unknown)}")
    density = _installed(case)["fluid"][0]
    nodes: list[dict[str, float]] = [
        {"height_m": float(j["height_m"]), "outflow_kgs": 0.0} for j in tables["junction"]
    ]
    for table, sign in (("sink", 1.0), ("source", -1.0)):
        for row in tables.get(table, []):
            flow = sign * row["mdot_kg_per_s"] * row["scaling"]
            nodes[row["junction"]]["outflow_kgs"] += flow if row["in_service"] else 0.0
    for row in tables["ext_grid"]:
        node = nodes[row["junction"]]
        node["held_kpa"] = BAR_KPA * row["p_bar"] + air_kpa(node["height_m"])
        node["source_c"] = row["t_k"] - ZERO_C
    for row in tables.get("source", []):
        nodes[row["junction"]].setdefault("source_c", _ground_c(tables))
    build = NetworkBuilder(ambient_c=20.0)
    for i, node in enumerate(nodes):
        build.node(f"j{i}", **node)
    for i, row in enumerate(tables["pipe"]):
        d = row["inner_diameter_mm"] / 1000.0
        outer = (row["outer_diameter_mm"] or row["inner_diameter_mm"]) / 1000.0
        if row["in_service"]:
            build.pipe(
                f"pipe{i}",
                f"j{row['from_junction']}",
                f"j{row['to_junction']}",
                length_m=1000.0 * row["length_km"],
                diameter_m=d,
                roughness_mm=row["k_mm"],
                minor=row["loss_coefficient"],
                loss_w_mk=row["u_w_per_m2k"] * np.pi * outer,
                ambient_c=row["text_k"] - ZERO_C,
            )
    for i, row in enumerate(tables.get("valve", [])):
        if row["et"] != "ju":
            raise KeyError(f"{case}: cannot read valves at {row['et']}")
        area = np.pi * (row["inner_diameter_mm"] / 1000.0) ** 2 / 4.0
        if row["opened"]:
            build.resistance(
                f"valve{i}",
                f"j{row['junction']}",
                f"j{row['element']}",
                resistance_kpa_kgs2=row["loss_coefficient"] / (2000.0 * density * area**2),
            )
    for i, row in enumerate(tables.get("pump", [])):
        if row["in_service"]:
            _pump(build, f"pump{i}", row, case)
    return build


def _ground_c(tables: Mapping[str, Any]) -> float:
    """Return the surroundings' temperature: that of sources, for which the tables give none."""
    return float(tables["pipe"][0]["text_k"]) - ZERO_C


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """How far a solved case is from OpenModelica and from pandapipes."""

    name: str
    p_deviation: float
    """Largest relative deviation of gauge pressure from OpenModelica, as pandapipes takes it."""
    v_deviation_m_s: float
    """Largest deviation of velocity from OpenModelica."""
    peer_p_deviation: float
    """The pressure deviation of pandapipes' published result."""
    peer_difference_bar: float
    """Largest difference between ours and pandapipes' pressures."""
    peer_difference_k: float
    """Largest difference between ours and pandapipes' junction temperatures."""


def solve_case(case: str, tables: Mapping[str, Any], *, as_peer: bool = False) -> CaseResult:
    """Solve one case and compare.

    Args:
        case: Its name.
        tables: Its tables.
        as_peer: With pandapipes' friction and fluid. Otherwise the house's friction, unless the
            case asks for Swamee-Jain, and where pipes lose heat the house's water, whose viscosity
            follows temperature as it does in OpenModelica's medium.
    """
    network, operation = build_case(case, tables).build()
    fluid = case_fluid(case)
    peer = tables["pandapipes_0.16.0"]
    friction = FRICTIONS[peer["friction"]]
    if not as_peer:
        friction = Friction.COLEBROOK if friction is Friction.COLEBROOK_SUM else friction
        fluid = water() if network.loss_w_mk.any() else fluid
    state = solve_steady(Solver(network, fluid=fluid, friction=friction), operation)
    gauge = [
        float(state.pressure_kpa[i] - air_kpa(float(network.height_m[i]))) / BAR_KPA
        for i in range(network.n_node)
    ]
    wanted = [j["p_om"] for j in tables["junction"]]
    peer_p = [j["p_bar"] for j in peer["junction"]]
    peer_c = [j["t_k"] - ZERO_C for j in peer["junction"]]
    # pandapipes rounds to four digits before it compares; so do we.
    known = [(p, om, pp) for p, om, pp in zip(gauge, wanted, peer_p, strict=True) if om is not None]
    return CaseResult(
        name=case.partition("__")[2],
        p_deviation=max(abs(1 - round(p, 4) / om) for p, om, _ in known),
        v_deviation_m_s=_velocity_deviation(tables, state, network.link_index(), fluid),
        peer_p_deviation=max(abs(1 - round(pp, 4) / om) for _, om, pp in known),
        peer_difference_bar=max(abs(p - pp) for p, pp in zip(gauge, peer_p, strict=True)),
        peer_difference_k=max(
            abs(c - pp) for c, pp in zip(state.node_c.tolist(), peer_c, strict=True)
        ),
    )


def _velocity_deviation(
    tables: Mapping[str, Any], state: State, index: Mapping[str, int], fluid: Fluid
) -> float:
    density = float(fluid.density_kg_m3[0])
    worst = 0.0
    for table in ("pipe", "valve"):
        for i, row in enumerate(tables.get(table, [])):
            if row.get("v_om") is None or f"{table}{i}" not in index:
                continue
            area = np.pi * (row["inner_diameter_mm"] / 1000.0) ** 2 / 4.0
            velocity = state.flow_kgs[index[f"{table}{i}"]] / (density * area)
            worst = max(worst, abs(velocity - row["v_om"]))
    return worst


def openmodelica_cases(data: Path, *, as_peer: bool = False) -> list[CaseResult]:
    """Return the result of every case in the data folder."""
    cases = json.loads((data / "pandapipes_openmodelica/cases.json").read_text())
    return [solve_case(name, tables, as_peer=as_peer) for name, tables in cases.items()]


def dp_median(results: list[CaseResult]) -> float:
    """Return the median over cases of the largest relative deviation of pressure."""
    return statistics.median(r.p_deviation for r in results)
