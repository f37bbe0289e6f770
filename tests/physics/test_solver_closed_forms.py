"""Small networks whose answer is a formula, or that scipy solves another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq, root

from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import constant_fluid
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import Friction
from heatloop.network.steady import solve_steady

DENSITY, VISCOSITY = 971.8, 3.5e-4
FLUID = constant_fluid(DENSITY, VISCOSITY, 4.187)
ROUGH_MM = 0.2


def rough_pipe_r(length_m: float, d: float) -> float:
    """Resistance kPa/(kg/s)2 of a fully rough pipe (Nikuradse), laminar part left out."""
    factor = (2.0 * math.log10(3.71 * d / (ROUGH_MM / 1000.0))) ** -2
    area = math.pi * d * d / 4.0
    return factor * length_m / d / (2.0 * DENSITY * area**2) / 1000.0


def loop_of(*resistances: float) -> NetworkBuilder:
    """A held node, and resistances in series from n0 on."""
    build = NetworkBuilder()
    build.node("n0", held_kpa=100.0)
    for i, r in enumerate(resistances):
        build.node(f"n{i + 1}")
        build.resistance(f"r{i}", f"n{i}", f"n{i + 1}", resistance_kpa_kgs2=r)
    return build


def test_resistances_in_series_and_parallel() -> None:
    build = NetworkBuilder()
    build.node("a", held_kpa=500.0)
    build.node("b")
    build.node("c", held_kpa=100.0)
    build.resistance("one", "a", "b", resistance_kpa_kgs2=2.0)
    build.resistance("two", "a", "b", resistance_kpa_kgs2=8.0)
    build.resistance("rest", "b", "c", resistance_kpa_kgs2=0.5)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    both = (1 / math.sqrt(2.0) + 1 / math.sqrt(8.0)) ** -2
    total = math.sqrt(400.0 / (both + 0.5))
    assert flows.flow_kgs[2] == pytest.approx(total, rel=1e-7)
    assert flows.flow_kgs[0] == pytest.approx(2 * flows.flow_kgs[1], rel=1e-6)
    assert flows.flow_kgs[:2].sum() == pytest.approx(total, rel=1e-7)
    assert flows.pressure_kpa[1] == pytest.approx(100.0 + 0.5 * total**2, abs=1e-5)


def test_pipes_in_parallel_share_by_their_resistance() -> None:
    sizes = ((400.0, 0.2), (900.0, 0.15), (150.0, 0.1))
    build = NetworkBuilder()
    build.node("a", held_kpa=600.0)
    build.node("b", outflow_kgs=80.0)
    for i, (length, d) in enumerate(sizes):
        build.pipe(f"p{i}", "a", "b", length_m=length, diameter_m=d, roughness_mm=ROUGH_MM)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID, friction=Friction.NIKURADSE_SUM).solve(operation)

    def flow_at(drop_kpa: float, length: float, d: float) -> float:
        # The law adds 64 / Re, which makes it a quadratic in the flow.
        area = math.pi * d * d / 4.0
        laminar = 64.0 * VISCOSITY * area / d * length / d / (2.0 * DENSITY * area**2) / 1000.0
        r = rough_pipe_r(length, d)
        return (-laminar + math.sqrt(laminar**2 + 4 * r * drop_kpa)) / (2 * r)

    drop = brentq(lambda x: sum(flow_at(x, *s) for s in sizes) - 80.0, 1e-3, 600.0, xtol=1e-12)
    assert 600.0 - flows.pressure_kpa[1] == pytest.approx(drop, rel=1e-8)
    wanted = [flow_at(drop, *s) for s in sizes]
    assert flows.flow_kgs == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("speed", [1.0, 0.7, 0.4])
def test_a_pump_works_where_its_curve_meets_the_network(speed: float) -> None:
    shutoff, fall1, fall2, r = 300.0, 0.8, 0.05, 0.12
    build = loop_of(r)
    build.pump(
        "pump", "n1", "n0",
        shutoff_kpa=shutoff, fall_kpa_kgs=fall1, fall_kpa_kgs2=fall2, speed=speed,
    )  # fmt: skip
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    a, b, c = fall2 + r, fall1 * speed, -shutoff * speed**2
    wanted = (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a)
    assert flows.flow_kgs == pytest.approx([wanted, wanted], rel=1e-7)


def test_pumps_in_parallel_and_a_weak_one_that_stands() -> None:
    build = loop_of(0.1)
    curves = {"strong": 400.0, "like": 400.0, "weak": 100.0}
    for name, shutoff in curves.items():
        build.pump(name, "n1", "n0", shutoff_kpa=shutoff, fall_kpa_kgs2=0.2)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    # Two alike share: head = 400 - 0.2 (m/2)^2 = 0.1 m^2; 266.7 kPa holds the weak one shut.
    total = math.sqrt(400.0 / (0.1 + 0.2 / 4))
    assert flows.flow_kgs[0] == pytest.approx(total, rel=1e-6)
    assert flows.flow_kgs[1] == pytest.approx(total / 2, rel=1e-6)
    assert abs(flows.flow_kgs[3]) < 1e-5


def test_a_check_valve_shuts_against_the_flow() -> None:
    build = loop_of(0.5)
    build.check_valve("open", "n1", "n0", kvs_m3h=100.0)
    build.check_valve("closed", "n0", "n1", kvs_m3h=100.0)
    build.node("in", outflow_kgs=-3.0)
    build.resistance("feed", "in", "n1", resistance_kpa_kgs2=0.1)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    index = network.link_index()
    assert abs(flows.flow_kgs[index["closed"]]) < 1e-5
    kv = 100.0 * (3.6 / 100.0) ** 2 * (1000.0 / DENSITY)
    share = math.sqrt(0.5 / kv)
    back = 3.0 / (1 + share)
    assert flows.flow_kgs[index["r0"]] == pytest.approx(-back, rel=1e-4)
    assert flows.flow_kgs[index["open"]] == pytest.approx(3.0 - back, rel=1e-4)


@pytest.mark.parametrize("opening", [10.0, 35.0, 100.0])
@pytest.mark.parametrize("rangeability", [0.0, 50.0])
def test_a_valve_passes_its_kv(opening: float, rangeability: float) -> None:
    build = NetworkBuilder()
    build.node("a", held_kpa=300.0)
    build.node("b", held_kpa=200.0)
    build.valve("v", "a", "b", kvs_m3h=16.0, opening_pct=opening, rangeability=rangeability)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    share = rangeability ** (opening / 100 - 1) if rangeability else opening / 100
    volume_m3h = 16.0 * share * math.sqrt(1000.0 / DENSITY)
    assert flows.flow_kgs[0] == pytest.approx(volume_m3h * DENSITY / 3600.0, rel=1e-6)


@pytest.mark.parametrize("supply_kpa", [260.0, 300.0, 500.0])
def test_a_dp_controller_holds_its_difference(supply_kpa: float) -> None:
    """Controller, then a branch of resistance 10; the difference over the branch is held."""
    build = NetworkBuilder()
    build.node("s", held_kpa=supply_kpa)
    build.node("in")
    build.node("r", held_kpa=200.0)
    build.dp_control("control", "s", "in", kvs_m3h=25.0, sensed="r", lift_kpa=40.0)
    build.resistance("branch", "in", "r", resistance_kpa_kgs2=10.0)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    assert flows.flow_kgs == pytest.approx([2.0, 2.0], rel=1e-4)
    assert flows.pressure_kpa[1] == pytest.approx(240.0, abs=1e-3)


def test_a_dp_controller_stands_open_when_there_is_too_little() -> None:
    build = NetworkBuilder()
    build.node("s", held_kpa=230.0)
    build.node("in")
    build.node("r", held_kpa=200.0)
    build.dp_control("control", "s", "in", kvs_m3h=25.0, sensed="r", lift_kpa=40.0)
    build.resistance("branch", "in", "r", resistance_kpa_kgs2=10.0)
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    open_r = 100.0 * (3.6 / 25.0) ** 2 * (1000.0 / DENSITY)
    assert flows.flow_kgs[0] == pytest.approx(math.sqrt(30.0 / (10.0 + open_r)), rel=1e-5)


def test_three_dp_controllers_together_against_scipy() -> None:
    """Three risers off one rising main: each controller holds, whatever the others do."""
    goals, branch, main = (20.0, 30.0, 45.0), (8.0, 5.0, 20.0), 0.8
    build = NetworkBuilder()
    build.node("s0", held_kpa=400.0)
    build.node("r0", held_kpa=250.0)
    for i in range(3):
        for side in "sr":
            build.node(f"{side}{i + 1}")
            ends = (f"{side}{i}", f"{side}{i + 1}")
            build.resistance(
                f"{side}m{i}", *(ends if side == "s" else ends[::-1]), resistance_kpa_kgs2=main
            )
        build.node(f"b{i}")
        build.dp_control(
            f"d{i}", f"s{i + 1}", f"b{i}", kvs_m3h=40.0, sensed=f"r{i + 1}", lift_kpa=goals[i]
        )
        build.resistance(f"c{i}", f"b{i}", f"r{i + 1}", resistance_kpa_kgs2=branch[i])
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)
    index = network.link_index()
    wanted = [math.sqrt(g / r) for g, r in zip(goals, branch, strict=True)]
    got = [flows.flow_kgs[index[f"c{i}"]] for i in range(3)]
    assert got == pytest.approx(wanted, rel=1e-3)
    assert flows.flow_kgs[index["sm0"]] == pytest.approx(sum(wanted), rel=1e-3)


def test_a_meshed_network_against_scipy() -> None:
    """Four nodes, six pipes, heights and outflows: scipy's root on the same equations."""
    rng = np.random.default_rng(4)
    ends = [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3), (1, 3)]
    length, d = rng.uniform(100, 900, 6), rng.choice([0.1, 0.15, 0.2], 6)
    height, out = np.array([0.0, 12.0, -5.0, 20.0]), np.array([0.0, 15.0, 8.0, 11.0])
    build = NetworkBuilder()
    for i in range(4):
        build.node(
            f"n{i}", height_m=height[i], outflow_kgs=out[i], held_kpa=700.0 if i == 0 else np.nan
        )
    for k, (a, b) in enumerate(ends):
        build.pipe(
            f"p{k}", f"n{a}", f"n{b}",
            length_m=length[k], diameter_m=d[k], roughness_mm=ROUGH_MM, minor=2.0,
        )  # fmt: skip
    network, operation = build.build()
    flows = Solver(network, fluid=FLUID).solve(operation)

    def factor(re: float) -> float:
        rough = ROUGH_MM / 1000.0

        def miss(x: float, size: float) -> float:
            return x + 2 * math.log10(2.51 * x / re + rough / (3.71 * size))

        return brentq(miss, 0.5, 60.0, args=(sized,), xtol=1e-14) ** -2

    sized = 0.0

    def equations(x: np.ndarray) -> np.ndarray:
        nonlocal sized
        m, p = x[:6], np.concatenate([[700.0], x[6:]])
        rest = []
        for k, (a, b) in enumerate(ends):
            sized = d[k]
            area = math.pi * sized**2 / 4
            re = max(abs(m[k]) * sized / (area * VISCOSITY), 4000.0)
            losses = (factor(re) * length[k] / sized + 2.0) / (2 * DENSITY * area**2) / 1000.0
            rise = DENSITY * 9.80665 * (height[b] - height[a]) / 1000.0
            rest.append(p[a] - p[b] - losses * m[k] * abs(m[k]) - rise)
        for i in range(1, 4):
            gain = sum(m[k] * ((b == i) - (a == i)) for k, (a, b) in enumerate(ends))
            rest.append(gain - out[i])
        return np.array(rest)

    start = np.concatenate([flows.flow_kgs * 1.05 + 0.1, flows.pressure_kpa[1:] + 3.0])
    found = root(equations, start, tol=1e-12)
    assert found.success
    assert (np.abs(found.x[:6]) > 0.2).all()
    assert flows.flow_kgs == pytest.approx(found.x[:6], abs=1e-6)
    assert flows.pressure_kpa[1:] == pytest.approx(found.x[6:], abs=1e-5)


def test_sensitivities_are_the_change_of_pressure() -> None:
    build = loop_of(0.4, 0.9, 0.2)
    for i in (1, 2, 3):
        build.resistance(f"back{i}", f"n{i}", "n0", resistance_kpa_kgs2=3.0 * i)
    network, operation = build.build()
    operation.outflow_kgs[:] = [0.0, 1.0, 2.0, 1.5]
    solver = Solver(network, fluid=FLUID)
    base = solver.solve(operation).pressure_kpa
    slopes = solver.sensitivity(np.array([1, 3]))
    for column, node in enumerate((1, 3)):
        changed = operation.copy()
        changed.outflow_kgs[node] -= 1e-4
        moved = Solver(network, fluid=FLUID).solve(changed).pressure_kpa
        assert slopes[:, column] == pytest.approx((moved - base) / 1e-4, rel=2e-3, abs=1e-6)


def test_a_consumers_outlet_is_its_heat_balance() -> None:
    build = NetworkBuilder(ambient_c=10.0)
    build.node("s", held_kpa=300.0)
    build.node("r")
    build.flow("c", "s", "r", flow_kgs=2.5, demand_kw=300.0)
    build.lift("plant", "r", "s", lift_kpa=100.0, outlet_c=95.0)
    network, operation = build.build()
    state = solve_steady(Solver(network), operation)
    assert state.outlet_c[0] == pytest.approx(95.0 - 300.0 / (2.5 * 4.187), abs=1e-9)
    assert state.node_c == pytest.approx([95.0, state.outlet_c[0]])
