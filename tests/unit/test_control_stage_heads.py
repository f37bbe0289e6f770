"""Heads of boosters and isolation stations, against a solve of the whole network with them set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatloop.app.dispatch_networks import networks_of
from heatloop.app.network_heads import LEAST_DP_KPA, heads_of, held, stages_of
from heatloop.app.network_worker import Work, work_out
from heatloop.control.stage_heads import Stage, regions_of
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.topology.from_ledger import network_of
from heatloop.network.topology.ledger_stations import HEAT
from tests.unit.test_topology_ledger import everything, ledger


def test_every_pump_holds_just_what_its_worst_consumer_needs() -> None:
    """Set all heads found: in a free solve each region's worst consumer has the least pressure."""
    made = network_of(ledger(everything()), consumers=HEAT)
    net, op = made.network, made.operation.copy()
    boosters, isolations = stages_of(made)
    assert [each.name for each in boosters] == ["BS0001"]
    assert [each.name for each in isolations] == ["IS0001.pump"]
    share = {"HS0001": 0.8, "HS0002": 0.2}
    demand = float(op.demand_kw[net.kind == LinkKind.HEAT].sum())
    heads, stages = heads_of(made, op, ["HS0001", "HS0002"], share, demand)
    held(net, op, heads, stages, heads.state)
    state = solve_steady(Solver(net), op)
    index = net.link_index()

    def left(unit: str) -> float:
        link = index[unit]
        a, b = net.from_node[link], net.to_node[link]
        return float(state.pressure_kpa[a] - state.pressure_kpa[b])

    # SS0001 hangs at the sources, SS0002 behind the booster, SS0003 and SS0004 behind plates.
    assert left(heads.worst) == pytest.approx(LEAST_DP_KPA, abs=2.0)
    told = dict(stages)
    assert told["booster"].head_kpa > 0.0 or left("UN0020") >= LEAST_DP_KPA
    assert told["booster"].separable
    assert made.asset_of[told["isolation"].worst].startswith("UN")
    assert left(told["isolation"].worst) == pytest.approx(LEAST_DP_KPA, abs=2.0)
    units = [n for n, k in zip(net.link_names, net.kind, strict=True) if k == LinkKind.HEAT]
    assert min(left(unit) for unit in units) >= LEAST_DP_KPA - 2.0


def test_a_long_way_behind_a_booster_is_the_boosters_business() -> None:
    """The far consumer raises the booster's head, not the sources'."""
    book = [
        replace(each, attributes=dict(each.attributes) | {"length_m": 9000.0})
        if each.code == "PS00007"
        else each
        for each in everything()
    ]
    heads = []
    for assets in (everything(), book):
        made = network_of(ledger(assets), consumers=HEAT)
        share, demand = {"HS0001": 0.8, "HS0002": 0.2}, 8000.0
        found, stages = heads_of(made, made.operation.copy(), ["HS0001", "HS0002"], share, demand)
        heads.append((found.head_kpa["HS0001"], dict(stages)["booster"]))
    (near_kpa, near), (far_kpa, far) = heads
    assert far.head_kpa > near.head_kpa + 20.0
    assert far_kpa == pytest.approx(near_kpa, rel=0.05)
    assert far.worst == "UN0020"


def test_a_booster_in_a_ring_is_left_as_it_is() -> None:
    made = network_of(ledger(everything()), consumers=HEAT)
    net = made.network
    lifts = np.flatnonzero(net.kind == LinkKind.LIFT).astype(np.int64)
    # Cut only the pump itself: its bypass still joins both sides.
    whole = regions_of(net, made.operation, [Stage(name="BS0001", links=("BS0001",))], lifts)
    assert whole.order == ()


def test_the_plan_of_a_network_names_pumps_valves_and_scarce_flow() -> None:
    book = ledger(everything())
    (network,) = networks_of(book)
    work = Work(
        ledger=book,
        network=network,
        demand_kw=np.full(6, 6000.0),
        outdoor_c=np.full(6, -10.0),
        supply_c=105.0,
        share={"HS0001": 0.8, "HS0002": 0.2},
        total_kgs=np.inf,
    )
    found = work_out(work)
    assert {each.station for each in found.pumps} == {"BS0001", "IS0001"}
    isolation = next(each for each in found.pumps if each.kind == "isolation")
    assert isolation.supply_c is not None
    assert 40.0 < isolation.supply_c < 105.0
    flows = {each.unit: each for each in found.units}
    assert len(flows) == 5
    assert all(0.0 < each.opening_pct <= 100.0 for each in flows.values())
    assert found.given_share == pytest.approx(1.0)
    less = work_out(replace(work, total_kgs=0.5 * sum(e.flow_kgs for e in found.units)))
    assert less.given_share < 0.9
    behind = {"UN0030", "UN0040"}
    for each in less.units:
        if each.unit not in behind:
            assert each.flow_kgs < flows[each.unit].flow_kgs
