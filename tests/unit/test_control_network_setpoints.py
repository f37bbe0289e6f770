"""Network set-points: pump heads, flow distribution, source temperature, against closed forms."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from heatloop.control.flow_distribution import (
    booster_head_kpa,
    isolation_supply_c,
    shares_kgs,
    valves_for,
)
from heatloop.control.pump_head import pump_heads
from heatloop.control.source_temperature import Worth, candidates, scan
from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.steady import solve_steady


def _pipe(builder: NetworkBuilder, name: str, a: str, b: str, length_m: float) -> None:
    builder.pipe(
        name, a, b, length_m=length_m, diameter_m=0.2, roughness_mm=0.5, minor=0.0,
        loss_w_mk=0.35, wall_kj_mk=20.0,
    )  # fmt: skip


@cache
def two_sources() -> tuple[Network, Operation]:
    """A line: source A, near consumer, far consumer, source B."""
    builder = NetworkBuilder(ambient_c=5.0)
    for place in ("A", "near", "far", "B"):
        builder.node(f"{place}.s")
        builder.node(f"{place}.r", held_kpa=300.0 if place == "A" else None)
    for name, a, b, length in (("1", "A", "near", 500.0), ("2", "near", "far", 1500.0),
                               ("3", "far", "B", 800.0)):  # fmt: skip
        _pipe(builder, f"{name}.s", f"{a}.s", f"{b}.s", length)
        _pipe(builder, f"{name}.r", f"{b}.r", f"{a}.r", length)
    for place, kw in (("near", 6000.0), ("far", 4000.0)):
        builder.heat(place, f"{place}.s", f"{place}.r", demand_kw=kw, outlet_c=50.0)
    for place in ("A", "B"):
        builder.lift(place, f"{place}.r", f"{place}.s", lift_kpa=400.0, outlet_c=100.0)
    return builder.build()


def test_heads_give_every_source_its_flow_and_the_worst_consumer_exactly_its_need() -> None:
    net, op = two_sources()
    heads = pump_heads(net, op, flows_kgs={"B": 15.0}, least_kpa=100.0)
    assert heads.left_kpa == pytest.approx(100.0)
    # With these heads and nothing else, a solve of the whole network says the same.
    check = op.copy()
    index = net.link_index()
    for name, kpa in heads.head_kpa.items():
        check.lift_kpa[index[name]] = kpa
    state = solve_steady(Solver(net), check)
    assert state.flow_kgs[index["B"]] == pytest.approx(15.0, rel=1e-3)
    drop = {
        name: state.pressure_kpa[net.from_node[index[name]]]
        - state.pressure_kpa[net.to_node[index[name]]]
        for name in ("near", "far")
    }
    assert min(drop.values()) == pytest.approx(100.0, abs=0.1)
    assert min(drop, key=lambda name: drop[name]) == heads.worst


def test_heads_are_refused_when_nobody_or_everybody_balances() -> None:
    net, op = two_sources()
    with pytest.raises(InputError):
        pump_heads(net, op, flows_kgs={}, least_kpa=100.0)
    with pytest.raises(InputError):
        pump_heads(net, op, flows_kgs={"C": 1.0}, least_kpa=100.0)


def test_valves_of_one_prescribed_flow_solve_give_these_flows() -> None:
    """Put the valves where the consumers stood: the same flows come out of the pressures alone."""
    flow = np.array([30.0, 12.0])
    builder = NetworkBuilder()
    for node in ("a", "b", "m1", "m2"):
        builder.node(node, held_kpa={"a": 400.0, "b": 200.0}.get(node))
    rest = np.array([50.0, 80.0])
    valves = valves_for(flow, np.full(2, 200.0), rest, np.array([300.0, 300.0]), 50.0)
    assert not valves.short.any()
    for k in (0, 1):
        builder.valve(f"v{k}", "a", f"m{k + 1}", kvs_m3h=float(valves.kv_m3h[k]))
        builder.resistance(
            f"r{k}", f"m{k + 1}", "b", resistance_kpa_kgs2=float(rest[k] / flow[k] ** 2)
        )
    net, op = builder.build()
    op.opening_pct[:] = 100.0
    state = solve_steady(Solver(net), op)
    index = net.link_index()
    assert state.flow_kgs[[index["v0"], index["v1"]]] == pytest.approx(flow, rel=1e-2)


def test_a_valve_that_is_too_small_is_named() -> None:
    valves = valves_for(
        np.array([30.0, 0.0]), np.array([60.0, 60.0]), np.array([50.0, 0.0]),
        np.array([50.0, 50.0]), 50.0,
    )  # fmt: skip
    assert valves.short.tolist() == [True, False]
    assert valves.opening_pct.tolist() == [100.0, 0.0]


def test_scarce_flow_is_given_up_by_all_alike() -> None:
    demand, warm = np.array([2000.0, 1000.0, 0.0]), np.full(3, 90.0)
    full = shares_kgs(demand, warm, np.full(3, 50.0), 1e9)
    assert full.sum() == pytest.approx(3000.0 / (4.187 * 40.0), rel=1e-3)
    half = shares_kgs(demand, warm, np.full(3, 50.0), 0.5 * float(full.sum()))
    assert half == pytest.approx(0.5 * full)
    with pytest.raises(InputError):
        shares_kgs(demand, np.full(3, 40.0), np.full(3, 50.0), 10.0)


def test_isolation_and_booster_set_points_follow_the_worst_behind_them() -> None:
    assert isolation_supply_c(np.array([70.0, 72.0]), np.array([3.0, 0.5]), 90.0) == (73.0, True)
    assert isolation_supply_c(np.array([95.0]), np.array([2.0]), 90.0) == (90.0, False)
    assert booster_head_kpa(np.array([40.0, -30.0]), 80.0, 250.0, 50.0) == (110.0, True)
    assert booster_head_kpa(np.array([40.0]), 80.0, 30.0, 50.0) == (40.0, False)
    assert booster_head_kpa(np.array([90.0]), 80.0, 30.0, 50.0) == (0.0, True)


def test_the_best_supply_temperature_leaves_nobody_cold() -> None:
    net, op = two_sources()
    op = op.copy()
    outdoor = np.linspace(-10.0, -4.0, 12)
    paths = candidates(
        outdoor, now_c=100.0, design_outdoor_c=-20.0, design_supply_c=120.0, least_c=70.0,
        ramp_k_h=8.0, step_s=3600.0,
    )  # fmt: skip
    assert len(paths) == 7
    assert max(np.abs(np.diff(path)).max() for path in paths) <= 8.0 + 1e-9
    demand = 10000.0 * (20.0 - outdoor) / 30.0
    heat = np.flatnonzero(net.kind == LinkKind.HEAT)
    judged = scan(net, op, paths, demand_kw=demand, need_c=np.full(len(heat), 85.0), step_s=3600.0,
                  worth=Worth(heat_yuan_kwh=0.6))  # fmt: skip
    best = judged[0]
    assert best.cold_kh == 0.0
    assert best.margin_k >= 0.0
    cooler = [each for each in judged if each.supply_c.mean() < best.supply_c.mean()]
    # What is cooler is too cold for somebody, or costs more pumping than it saves.
    assert any(each.cold_kh > 0.0 for each in cooler)
    assert all(each.cold_kh > 0.0 or each.pump_kwh > best.pump_kwh for each in cooler)
    # Colder water means more of it: less lost on the way, more pumped.
    warmest = max(judged, key=lambda each: float(each.supply_c.mean()))
    assert warmest.loss_kwh > best.loss_kwh
    assert warmest.pump_kwh < best.pump_kwh
