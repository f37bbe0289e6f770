"""What-if, batches, effects of settings and leaks against solving again."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.twin.effect import Setting, effect_of_leaks, effect_of_settings
from heatloop.network.twin.scenario import Change, changed, what_if, what_if_many


def town():
    b = NetworkBuilder()
    b.node("s")
    b.node("r", held_kpa=300.0)
    b.pump("plant", "r", "s", shutoff_kpa=500.0, fall_kpa_kgs2=0.05, outlet_c=100.0)
    before = ("s", "r")
    for i in range(4):
        b.node(f"s{i}")
        b.node(f"m{i}")
        b.node(f"r{i}")
        b.pipe(f"ps{i}", before[0], f"s{i}", length_m=300.0, diameter_m=0.2, loss_w_mk=0.3)
        b.pipe(f"pr{i}", f"r{i}", before[1], length_m=300.0, diameter_m=0.2, loss_w_mk=0.3)
        b.valve(f"v{i}", f"s{i}", f"m{i}", kvs_m3h=40.0, opening_pct=75.0)
        b.resistance(f"x{i}", f"m{i}", f"r{i}", resistance_kpa_kgs2=0.3, demand_kw=1200.0)
        before = (f"s{i}", f"r{i}")
    return b.build()


def test_closing_a_pipe_cuts_off_what_lies_behind_it_and_nothing_else():
    net, op = town()
    found = what_if(Solver(net), op, Change(shut=("ps2",)))
    names = [net.link_names[k] for k in found.consumer]
    assert names == ["x0", "x1", "x2", "x3"]
    # Still reached by the return pipes, so under pressure, but nothing flows.
    assert found.after.flow_kgs[found.consumer[2:]] == pytest.approx(0.0, abs=1e-3)
    assert (found.flow_kgs[:2] > 0.1).all()
    assert not found.cut_off.any()
    both = what_if(Solver(net), op, Change(shut=("ps2", "pr2")))
    assert both.cut_off.tolist() == [False, False, True, True]


def test_a_colder_plant_is_felt_at_every_consumer_and_the_present_is_not_touched():
    net, op = town()
    kept = op.copy()
    found = what_if(Solver(net), op, Change(outlet_c={"plant": 90.0}))
    assert (found.inlet_c < -9.0).all()
    assert (found.inlet_c > -10.01).all()
    assert op.outlet_c == pytest.approx(kept.outlet_c, nan_ok=True)


def test_every_change_reaches_its_setting():
    net, op = town()
    change = Change(
        opened=("ps0",), opening_pct={"v1": 10.0}, speed={"plant": 0.9}, demand_kw={"x2": 5.0},
        held_kpa={"r": 250.0}, outflow_kgs={"s3": 1.0}, leak_kgs_kpa05={"s2": 0.1},
        flow_kgs={"v0": 2.0}, lift_kpa={"plant": 7.0}, demand_factor=0.5,
    )  # fmt: skip
    link, node = net.link_index(), net.node_index()
    out = changed(net, op, change)
    assert out.opening_pct[link["v1"]] == 10.0
    assert out.speed[link["plant"]] == 0.9
    assert out.demand_kw[[link["x1"], link["x2"]]].tolist() == [600.0, 5.0]
    assert out.held_kpa[node["r"]] == 250.0
    assert out.outflow_kgs[node["s3"]] == 1.0
    assert out.leak_kgs_kpa05[node["s2"]] == 0.1
    assert out.flow_kgs[link["v0"]] == 2.0
    assert out.lift_kpa[link["plant"]] == 7.0


@pytest.mark.parametrize(
    "change",
    [Change(shut=("no",)), Change(speed={"plant": float("nan")}), Change(held_kpa={"no": 1})],
)
def test_a_change_that_makes_no_sense_is_refused(change):
    net, op = town()
    with pytest.raises(InputError):
        what_if(Solver(net), op, change)


def test_a_batch_in_threads_gives_what_each_gives_alone():
    net, op = town()
    changes = [Change(opening_pct={f"v{i % 4}": 20.0 + 5 * i}) for i in range(9)]
    alone = [what_if(Solver(net), op, c) for c in changes]
    with ThreadPoolExecutor(2) as pool:
        together = what_if_many([Solver(net), Solver(net)], op, changes, run=pool.map)
    assert len(together) == 9
    for a, b in zip(alone, together, strict=True):
        assert b.flow_kgs == pytest.approx(a.flow_kgs, abs=1e-5)
    with pytest.raises(InputError):
        what_if_many([], op, changes)


@pytest.mark.parametrize(
    "setting, link, step",
    [(Setting.OPENING, "v1", 1.0), (Setting.SPEED, "plant", 0.01)],
)
def test_the_effect_of_a_setting_is_the_slope_of_solving_again(setting, link, step):
    net, op = town()
    solver = Solver(net)
    consumers = np.array([net.link_index()[f"x{i}"] for i in range(4)])
    links = np.array([net.link_index()[link]])
    flows = solver.solve(op)
    effect = effect_of_settings(solver, op, flows, consumers, links, setting)
    heads, through = [], []
    for way in (0.05, -0.05):
        moved = op.copy()
        getattr(moved, setting.value[0])[links] += way * step
        again = Solver(net).solve(moved, tolerance_kpa=1e-9)
        p = again.pressure_kpa
        heads.append(p[net.from_node[consumers]] - p[net.to_node[consumers]])
        through.append(again.flow_kgs[consumers])
    assert effect.head_kpa[0] == pytest.approx((heads[0] - heads[1]) / 0.1, rel=1e-3)
    assert effect.flow_kgs[0] == pytest.approx((through[0] - through[1]) / 0.1, rel=1e-3)


def test_the_effect_of_a_leak_is_the_slope_of_solving_again():
    net, op = town()
    solver = Solver(net)
    consumers = np.array([net.link_index()[f"x{i}"] for i in range(4)])
    node = net.node_index()["s2"]
    solver.solve(op)
    effect = effect_of_leaks(solver, consumers, np.array([node]))
    found = []
    for out in (0.01, -0.01):
        moved = op.copy()
        moved.outflow_kgs[node] = out
        found.append(Solver(net).solve(moved, tolerance_kpa=1e-9).flow_kgs[consumers])
    assert effect.flow_kgs[0] == pytest.approx((found[0] - found[1]) / 0.02, rel=1e-3)
