"""The networks that OpenModelica and pandapipes have solved, and analytic temperatures."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.peers import use_peers
from bench.truth_tools import (
    FRICTIONS,
    air_kpa,
    build_case,
    dp_median,
    openmodelica_cases,
    solve_case,
)
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import constant_fluid
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import Friction
from heatloop.network.steady import solve_steady

try:
    use_peers()
except ImportError as error:
    # The cases' pump curves and fluid come with it.
    pytest.skip(f"lacks peers: {error}", allow_module_level=True)

ZERO_C = 273.15
HIGH_CASES = ("heights", "pumps")


def cases(data: Path) -> dict[str, dict]:
    return json.loads((data / "pandapipes_openmodelica/cases.json").read_text())


def test_pressures_are_openmodelicas(heatloop_data: Path) -> None:
    results = openmodelica_cases(heatloop_data)
    assert len(results) == 38
    assert dp_median(results) <= 2e-4
    for result in results:
        # No case is farther from OpenModelica than pandapipes is, beyond the rounding to 0.1 mbar.
        assert result.p_deviation <= result.peer_p_deviation + 5e-5, result.name
        assert result.v_deviation_m_s < 0.035, result.name


def test_results_are_pandapipes_with_its_friction_and_fluid(heatloop_data: Path) -> None:
    for result in openmodelica_cases(heatloop_data, as_peer=True):
        # pandapipes has 9.81 m/s2 where the house has 9.80665: 3.4e-4 of a static head.
        high = any(result.name.endswith(end) for end in HIGH_CASES)
        assert result.peer_difference_bar < (0.02 if high else 1e-5), result.name


def test_temperatures_are_pandapipes_where_no_source_feeds(heatloop_data: Path) -> None:
    # pandapipes lets water of a source enter as warm as the node; OpenModelica mixes it in.
    for name, tables in cases(heatloop_data).items():
        if tables.get("source"):
            continue
        result = solve_case(name, tables, as_peer=True)
        assert result.peer_difference_k < 1e-6, name


def test_pipe_temperatures_are_openmodelicas(heatloop_data: Path) -> None:
    for name, tables in cases(heatloop_data).items():
        if "T_om" not in tables["pipe"][0]:
            continue
        # OpenModelica mixes each of n sections well: with a = UA / (n m cp) they leave
        # (1 + a)^-n of the excess, where a pipe leaves exp(-n a). The pipes get that loss here.
        network, operation = build_case(name, tables).build()
        sections = np.array([len(pipe["T_om"]) for pipe in tables["pipe"]])
        ua = network.loss_w_mk * network.length_m / 1000.0
        a = np.zeros(len(sections))
        for _ in range(8):
            state = solve_steady(Solver(network), operation)
            a = ua / sections / (np.maximum(np.abs(state.flow_kgs), 1e-6) * 4.187)
            mixed = np.log1p(a) / np.maximum(a, 1e-9)
            network = replace(network, loss_w_mk=mixed * ua * 1000.0 / network.length_m)
        for k, pipe in enumerate(tables["pipe"]):
            falls = (1.0 + a[k]) ** -np.arange(1, sections[k] + 1)
            ground = pipe["text_k"] - ZERO_C
            found = ground + (state.inlet_c[k] - ground) * falls.mean()
            assert found == pytest.approx(np.mean(pipe["T_om"]) - ZERO_C, abs=0.5), (name, k)


ANALYTIC = {
    "one_pipe": "Temperature_one_pipe_an.csv",
    "tee_2ab_1zu": "Temperature_tee_2ab_1zu_an.csv",
    "tee_2zu_1ab": "Temperature_tee_2zu_1ab_an.csv",
    "2zu_2ab": "Temperature_2zu_2ab_an.csv",
    "masche_1load": "Temperature_masche_1load_an.csv",
    "masche_1load_direction": "Temperature_masche_1load_direction_an.csv",
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_analytic_temperatures(heatloop_data: Path, name: str) -> None:
    """Every row is a pipe: u, diameter, flow, cp, surroundings, inlet, length, outlet."""
    path = heatloop_data / "pandapipes_openmodelica" / ANALYTIC[name]
    with path.open(newline="") as file:
        _, *rows = csv.reader(file, delimiter=";")
    checked = 0
    for row in rows:
        for at in (0, *(i for i in range(1, len(row) - 7) if row[i] == "5")):
            cells = row[at : at + 8]
            try:
                u, d, m, cp, ground, start, length, end = (float(x) for x in cells)
            except ValueError:
                continue
            if length <= 0.0:
                continue
            build = NetworkBuilder(ambient_c=ground - ZERO_C)
            build.node("a", held_kpa=500.0, source_c=start - ZERO_C)
            build.node("b", outflow_kgs=m)
            build.pipe("p", "a", "b", length_m=length, diameter_m=d, loss_w_mk=u * math.pi * d)
            network, operation = build.build()
            fluid = constant_fluid(998.0, 1e-3, cp / 1000.0)
            state = solve_steady(Solver(network, fluid=fluid), operation)
            assert state.node_c[1] + ZERO_C == pytest.approx(end, abs=2e-4)
            checked += 1
    assert checked > 0


def test_the_analytic_tee_mixes(heatloop_data: Path) -> None:
    """Two inflows of 1 kg/s, cooled in 2.5 km of pipe each, meet, and go on to two outflows."""
    path = heatloop_data / "pandapipes_openmodelica" / ANALYTIC["2zu_2ab"]
    with path.open(newline="") as file:
        _, *rows = csv.reader(file, delimiter=";")
    mixed = float(next(row[15] for row in rows if row[14] == "TM"))
    last = float(rows[-1][7])
    build = NetworkBuilder(ambient_c=293.0 - ZERO_C)
    build.node("a", held_kpa=900.0, source_c=300.0 - ZERO_C)
    build.node("b", outflow_kgs=-1.0, source_c=350.0 - ZERO_C)
    build.node("tee")
    for end in ("c", "d"):
        build.node(end, outflow_kgs=1.0)
    for name, start, end in (
        ("1", "a", "tee"),
        ("2", "b", "tee"),
        ("3", "tee", "c"),
        ("4", "tee", "d"),
    ):
        build.pipe(
            name, start, end, length_m=2500.0, diameter_m=0.075, loss_w_mk=5 * math.pi * 0.075
        )  # fmt: skip
    network, operation = build.build()
    fluid = constant_fluid(998.0, 1e-3, 4.182)
    state = solve_steady(Solver(network, fluid=fluid), operation)
    index = network.node_index()
    assert state.node_c[index["tee"]] + ZERO_C == pytest.approx(mixed, abs=2e-4)
    assert state.node_c[index["c"]] + ZERO_C == pytest.approx(last, abs=2e-4)


def test_static_head_with_the_airs_own_weight(heatloop_data: Path) -> None:
    """In still water the gauge pressure rises by the water's less the air's weight."""
    assert air_kpa(0.0) == 0.0
    assert air_kpa(100.0) == pytest.approx(-1.2, abs=0.02)
    assert Friction.SWAMEE_JAIN in FRICTIONS.values()
