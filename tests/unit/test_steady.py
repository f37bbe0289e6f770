"""Steady states with answers in closed form."""

import math

import numpy as np
import pytest

from heatloop.network.exchanger import transfer_kw_k
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.steady import solve_steady
from heatloop.network.water import CP_KJ_KGK


def _plant(builder: NetworkBuilder, prefix: str = "", supply_c: float = 90.0) -> None:
    builder.node(f"{prefix}return", held_kpa=300.0)
    builder.node(f"{prefix}supply")
    builder.lift(
        f"{prefix}plant", f"{prefix}return", f"{prefix}supply", lift_kpa=400.0, outlet_c=supply_c
    )


def test_a_pipe_cools_by_the_exponential_of_its_loss() -> None:
    builder = NetworkBuilder(ambient_c=8.0)
    _plant(builder)
    builder.node("end")
    builder.pipe("p", "supply", "end", length_m=2000.0, diameter_m=0.1, loss_w_mk=0.5)
    builder.flow("load", "end", "return", flow_kgs=2.0, demand_kw=100.0)
    network, operation = builder.build()
    state = solve_steady(Solver(network), operation)
    end_c = 8.0 + 82.0 * math.exp(-1.0 / (2.0 * CP_KJ_KGK))
    assert state.outlet_c[1] == pytest.approx(end_c)
    assert state.outlet_c[2] == pytest.approx(end_c - 100.0 / (2.0 * CP_KJ_KGK))
    assert state.inlet_c[0] == pytest.approx(state.outlet_c[2])


@pytest.mark.parametrize("load", [1.0, 0.1, 0.02, 0.01])
def test_a_heat_consumer_gets_its_heat_down_to_one_percent(load: float) -> None:
    builder = NetworkBuilder(ambient_c=8.0)
    _plant(builder)
    for n in range(30):
        for side in "sr":
            builder.node(f"{side}{n}")
        before = ("supply", "return") if n == 0 else (f"s{n - 1}", f"r{n - 1}")
        pipe = {"length_m": 120.0, "diameter_m": 0.2, "loss_w_mk": 0.4}
        builder.pipe(f"ps{n}", before[0], f"s{n}", **pipe)
        builder.pipe(f"pr{n}", f"r{n}", before[1], **pipe)
        builder.heat(f"c{n}", f"s{n}", f"r{n}", demand_kw=80.0 * load, outlet_c=45.0)
    network, operation = builder.build()
    state = solve_steady(Solver(network), operation)
    consumer = operation.demand_kw > 0.0
    heat = state.flow_kgs * CP_KJ_KGK * (state.inlet_c - state.outlet_c)
    assert heat[consumer] == pytest.approx(80.0 * load, rel=1e-6)


def test_nothing_flows_and_everything_is_as_cold_as_the_ground() -> None:
    builder = NetworkBuilder(ambient_c=6.0)
    _plant(builder)
    builder.node("end")
    builder.pipe("p", "supply", "end", length_m=200.0, diameter_m=0.1, loss_w_mk=0.5)
    builder.flow("load", "end", "return", flow_kgs=0.0)
    network, operation = builder.build()
    state = solve_steady(Solver(network), operation)
    assert np.all(np.abs(state.flow_kgs) < 1e-6)
    assert state.node_c.tolist() == pytest.approx([6.0] * 3)


def test_an_isolation_station_passes_heat_between_two_pressure_zones() -> None:
    builder = NetworkBuilder()
    _plant(builder, "far.", 110.0)
    builder.flow("hot", "far.supply", "far.return", flow_kgs=10.0)
    for name in ("in", "mid", "out"):
        builder.node(f"near.{name}", **({"held_kpa": 250.0} if name == "in" else {}))
    builder.lift("near.pump", "near.in", "near.mid", lift_kpa=200.0)
    builder.resistance("cold", "near.mid", "near.out", resistance_kpa_kgs2=0.1)
    builder.flow("load", "near.out", "near.in", flow_kgs=15.0, demand_kw=2000.0)
    builder.exchanger(
        "plates", hot="hot", cold="cold", kw_k=90.0, hot_design_kgs=10.0, cold_design_kgs=15.0
    )
    network, operation = builder.build()
    state = solve_steady(Solver(network), operation)
    link = network.link_index()
    hot, cold = link["hot"], link["cold"]
    transfer = transfer_kw_k(np.array([90.0]), np.array([10.0]), np.array([15.0]))[0]
    heat = transfer * (state.inlet_c[hot] - state.inlet_c[cold])
    assert heat == pytest.approx(2000.0)
    given = CP_KJ_KGK * 10.0 * (state.inlet_c[hot] - state.outlet_c[hot])
    taken = CP_KJ_KGK * 15.0 * (state.outlet_c[cold] - state.inlet_c[cold])
    assert given == pytest.approx(2000.0)
    assert taken == pytest.approx(2000.0)
