"""The hydraulic solver on small networks with answers in closed form."""

import math

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.laws import GRAVITY
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import constant_fluid
from heatloop.network.model.builder import NetworkBuilder

COLD = constant_fluid(1000.0, 1e-3, 4.2)


def _loop(**pump: float) -> NetworkBuilder:
    builder = NetworkBuilder()
    builder.node("return", held_kpa=300.0)
    builder.node("supply")
    builder.pump("pump", "return", "supply", shutoff_kpa=400.0, fall_kpa_kgs2=0.1, **pump)
    return builder


def test_a_pump_works_where_its_curve_meets_the_loop() -> None:
    builder = _loop()
    builder.resistance("load", "supply", "return", resistance_kpa_kgs2=0.3)
    network, operation = builder.build()
    found = Solver(network, fluid=COLD).solve(operation)
    assert found.flow_kgs == pytest.approx([math.sqrt(400.0 / 0.4)] * 2)
    assert found.pressure_kpa.tolist() == pytest.approx([300.0, 300.0 + 400.0 - 0.1 * 1000.0])
    operation.speed[0] = 0.8
    found = Solver(network, fluid=COLD).solve(operation)
    assert found.flow_kgs[0] == pytest.approx(0.8 * math.sqrt(1000.0))


def test_water_does_not_run_backwards_through_a_pump() -> None:
    builder = _loop(speed=0.0)
    builder.node("far", held_kpa=900.0)
    builder.resistance("load", "supply", "far", resistance_kpa_kgs2=0.3)
    network, operation = builder.build()
    found = Solver(network, fluid=COLD).solve(operation)
    assert abs(found.flow_kgs[0]) < 1e-5
    assert found.pressure_kpa[1] == pytest.approx(900.0, abs=1e-3)


def test_a_valve_passes_its_kv_at_one_bar() -> None:
    builder = NetworkBuilder()
    builder.node("a", held_kpa=300.0)
    builder.node("b", held_kpa=200.0)
    builder.valve("v", "a", "b", kvs_m3h=36.0, rangeability=0.0, opening_pct=50.0)
    network, operation = builder.build()
    # 18 m3/h of cold water.
    assert Solver(network, fluid=COLD).solve(operation).flow_kgs[0] == pytest.approx(5.0)


def test_laminar_flow_follows_hagen_and_poiseuille() -> None:
    builder = NetworkBuilder()
    builder.node("a", held_kpa=0.2)
    builder.node("b", held_kpa=0.0)
    builder.pipe("p", "a", "b", length_m=100.0, diameter_m=0.02)
    network, operation = builder.build()
    flow = Solver(network, fluid=COLD).solve(operation).flow_kgs[0]
    assert flow == pytest.approx(math.pi * 0.02**4 * 200.0 * 1000.0 / (128.0 * 1e-3 * 100.0))


def test_standing_water_weighs_by_its_height() -> None:
    builder = NetworkBuilder()
    builder.node("low", held_kpa=500.0)
    builder.node("high", height_m=30.0)
    builder.pipe("p", "low", "high", length_m=50.0, diameter_m=0.1)
    network, operation = builder.build()
    found = Solver(network, fluid=COLD).solve(operation)
    assert found.pressure_kpa[1] == pytest.approx(500.0 - GRAVITY * 30.0)
    assert abs(found.flow_kgs[0]) < 1e-9


def test_a_leak_follows_the_root_of_pressure() -> None:
    builder = NetworkBuilder()
    builder.node("a", held_kpa=400.0)
    builder.node("b")
    builder.resistance("r", "a", "b", resistance_kpa_kgs2=75.0)
    network, operation = builder.build()
    operation.leak_kgs_kpa05[1] = 0.2
    found = Solver(network, fluid=COLD).solve(operation)
    # 0.04 p = (400 - p) / 75 gives p = 100.
    assert found.pressure_kpa[1] == pytest.approx(100.0, rel=1e-6)
    assert found.flow_kgs[0] == pytest.approx(2.0, rel=1e-6)


def test_a_differential_pressure_controller_holds_its_goal() -> None:
    builder = _loop()
    for name in ("a", "b"):
        builder.node(f"{name}.in")
        builder.node(f"{name}.out")
        builder.resistance(f"{name}.pipe", "supply", f"{name}.in", resistance_kpa_kgs2=0.05)
        builder.dp_control(
            f"{name}.control", f"{name}.in", f"{name}.out",
            kvs_m3h=80.0, sensed="return", lift_kpa=60.0,
        )  # fmt: skip
        builder.resistance(f"{name}.load", f"{name}.out", "return", resistance_kpa_kgs2=2.0)
    network, operation = builder.build()
    found = Solver(network, fluid=COLD).solve(operation)
    index = network.link_index()
    for name in ("a", "b"):
        assert found.flow_kgs[index[f"{name}.load"]] == pytest.approx(math.sqrt(30.0), rel=1e-4)
    # More than the network can give: it stands open.
    operation.lift_kpa[index["a.control"]] = 5000.0
    found = Solver(network, fluid=COLD).solve(operation)
    assert found.flow_kgs[index["a.load"]] > math.sqrt(30.0) * 2


def test_an_island_is_named_and_the_rest_is_solved() -> None:
    builder = _loop()
    builder.resistance("load", "supply", "return", resistance_kpa_kgs2=0.3)
    builder.node("lost.a")
    builder.node("lost.b")
    builder.pipe("lost", "lost.a", "lost.b", length_m=10.0, diameter_m=0.1)
    builder.flow("consumer", "lost.a", "lost.b", flow_kgs=2.0)
    network, operation = builder.build()
    found = Solver(network, fluid=COLD).solve(operation)
    assert [(i.nodes, i.consumers) for i in found.islands] == [
        (("lost.a", "lost.b"), ("consumer",))
    ]
    assert found.flow_kgs.tolist() == pytest.approx([math.sqrt(1000.0)] * 2 + [0.0, 0.0])
    assert np.isnan(found.pressure_kpa[2:]).all()


def test_shutting_and_opening_again_gives_the_same() -> None:
    builder = _loop()
    builder.node("m")
    builder.valve("v", "supply", "m", kvs_m3h=60.0)
    builder.resistance("load", "m", "return", resistance_kpa_kgs2=0.3)
    network, operation = builder.build()
    solver = Solver(network, fluid=COLD)
    before = solver.solve(operation).flow_kgs
    operation.shut[1] = True
    assert abs(solver.solve(operation).flow_kgs).max() < 1e-6
    operation.shut[1] = False
    assert solver.solve(operation).flow_kgs == pytest.approx(before)


def test_sensitivities_are_what_a_small_injection_does() -> None:
    builder = _loop()
    for n in range(4):
        builder.node(f"n{n}")
        builder.pipe(
            f"p{n}", f"n{n - 1}" if n else "supply", f"n{n}", length_m=200.0, diameter_m=0.1
        )
        builder.resistance(f"r{n}", f"n{n}", "return", resistance_kpa_kgs2=9.0)
    network, operation = builder.build()
    solver = Solver(network, fluid=COLD)
    base = solver.solve(operation).pressure_kpa
    answer = solver.sensitivity(np.array([3]))[:, 0]
    operation.outflow_kgs[3] = -1e-4
    moved = (solver.solve(operation, tolerance_kpa=1e-10).pressure_kpa - base) / 1e-4
    assert answer == pytest.approx(moved, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    "name, value, thing",
    [("held_kpa", math.nan, "held pressure"), ("flow_kgs", math.nan, "flow or outflow")],
)
def test_a_setting_that_is_no_number_is_named(name: str, value: float, thing: str) -> None:
    builder = _loop()
    builder.flow("load", "supply", "return", flow_kgs=3.0)
    network, operation = builder.build()
    getattr(operation, name)[:] = value
    with pytest.raises(InputError, match=thing):
        Solver(network).solve(operation)


def test_a_network_without_a_held_pressure_is_refused() -> None:
    builder = NetworkBuilder()
    builder.node("a")
    builder.node("b")
    builder.pipe("p", "a", "b", length_m=1.0, diameter_m=0.1)
    with pytest.raises(InputError, match="no node holds a pressure"):
        Solver(builder.build()[0])


def test_a_pipe_loses_what_the_moody_chart_says() -> None:
    # DN150, 0.5 mm, 20 kg/s of water at 20 degC: Re 1.62e5, k/d 0.0032, lambda 0.0276.
    builder = NetworkBuilder()
    builder.node("a", held_kpa=500.0)
    builder.node("b")
    builder.pipe("p", "a", "b", length_m=100.0, diameter_m=0.157, roughness_mm=0.5)
    builder.flow("f", "b", "a", flow_kgs=20.0)
    network, operation = builder.build()
    fluid = constant_fluid(998.2, 1.002e-3, 4.187)
    found = Solver(network, fluid=fluid).solve(operation)
    speed = 20.0 / 998.2 / (math.pi * 0.157**2 / 4.0)
    expected = 0.0276 * 100.0 / 0.157 * 998.2 * speed**2 / 2000.0
    assert 500.0 - found.pressure_kpa[1] == pytest.approx(expected, rel=0.01)
