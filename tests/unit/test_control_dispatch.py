"""Dispatch: soundness of plans, hard limits, relaxations that are explained, the fallback, N-1."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from heatloop.control import dispatch_solve
from heatloop.control.dispatch import (
    Cone,
    DispatchProblem,
    DispatchUnit,
    Penalties,
    SourceLimit,
    Storage,
)
from heatloop.control.dispatch_check import check
from heatloop.control.dispatch_costs import balance_kw, costs_of, source_kw
from heatloop.control.dispatch_fallback import proportional_split
from heatloop.control.dispatch_model import DispatchModel
from heatloop.control.dispatch_solve import Solved, released, run_highs, solve_dispatch
from heatloop.control.n_minus_1 import (
    Houses,
    houses_h,
    least_share_pct,
    n_minus_1,
    tripped,
)
from heatloop.kernel.errors import InputError

STEP_S = 900


def boiler(code: str, most_kw: float, price: float = 0.3, **more: object) -> DispatchUnit:
    usual: dict[str, object] = {
        "source": "HS0001",
        "kind": "boiler",
        "least_kw": 0.3 * most_kw,
        "ramp_kw_h": 2.0 * most_kw,
        "fuel_per_heat": 1.0 / 0.9,
        "fuel_yuan_kwh": price,
        "start_yuan": 100.0,
        "now_on": True,
        "now_kw": 0.5 * most_kw,
    }
    return DispatchUnit(code=code, most_kw=most_kw, **(usual | more))  # type: ignore[arg-type]


def problem(
    demand_kw: float | np.ndarray, *units: DispatchUnit, n: int = 24, **more: object
) -> DispatchProblem:
    demand = np.broadcast_to(np.asarray(demand_kw, float), (n,)).copy()
    return DispatchProblem(
        start_s=0.0, step_s=STEP_S, demand_kw=demand, units=units, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_cheaper_unit_carries_the_load_and_the_bill_is_right() -> None:
    plan = solve_dispatch(problem(900.0, boiler("A", 1000.0, 0.2), boiler("B", 1000.0, 0.4)), gap=0)
    assert plan.result == "optimal"
    assert not plan.relaxations
    assert plan.schedule.heat_kw[0, -1] == pytest.approx(900.0, rel=1e-4)
    assert plan.schedule.on[1, -1] == np.False_
    heat = plan.schedule.heat_kw.sum(axis=1) * 0.25
    assert plan.costs.fuel_yuan == pytest.approx((heat[0] * 0.2 + heat[1] * 0.4) / 0.9, rel=1e-6)
    assert plan.costs.bill_yuan < plan.baseline.bill_yuan


def test_storage_moves_heat_to_when_it_is_cheap() -> None:
    n = 24
    price = np.where(np.arange(n) < 12, 0.2, 1.0)
    pump = DispatchUnit(
        code="HP", source="HS0001", kind="heat_pump", most_kw=1000.0, least_kw=0.0,
        ramp_kw_h=1e5, cop=np.full(n, 3.0), now_on=True, now_kw=400.0,
    )  # fmt: skip
    tank = Storage(
        code="ST", source="HS0001", capacity_kwh=900.0, charge_kw=600.0, discharge_kw=600.0
    )
    plan = solve_dispatch(problem(400.0, pump, storages=(tank,), buy_yuan_kwh=price), gap=0)
    assert plan.schedule.level_kwh[0, 11] == pytest.approx(900.0)
    assert plan.schedule.level_kwh[0, -1] == pytest.approx(0.0, abs=1e-6)
    # 1,200 kWh in the dear half, 900 of them stored before.
    assert plan.costs.power_yuan == pytest.approx((2100.0 * 0.2 + 300.0 * 1.0) / 3.0, rel=1e-6)


def test_an_extraction_unit_stays_in_its_cone_and_sells_when_it_pays() -> None:
    cone = Cone(
        most_kw=500.0, least_kw=200.0, loss=0.2, ratio=0.5, idle_fuel_kw=100.0,
        fuel_per_heat=0.5, fuel_per_power=2.5,
    )  # fmt: skip
    price = np.where(np.arange(24) < 12, 0.1, 2.0)
    unit = boiler("CP", 700.0, 0.2, kind="chp", cone=cone, least_kw=0.0)
    plan = solve_dispatch(problem(400.0, unit, sell_yuan_kwh=price), gap=0)
    power = plan.schedule.power_kw[0]
    assert power[5] == pytest.approx(200.0, rel=1e-4)  # back-pressure: 0.5 * 400
    assert power[-1] == pytest.approx(500.0 - 0.2 * 400.0, rel=1e-4)
    with pytest.raises(InputError):
        problem(400.0, replace(unit, most_kw=800.0))


def test_what_cannot_be_met_is_explained_by_name_time_and_amount() -> None:
    demand = np.full(24, 900.0)
    demand[8:12] = 1600.0
    plan = solve_dispatch(problem(demand, boiler("A", 1000.0, ramp_kw_h=1e5)), gap=0)
    (short,) = plan.relaxations
    assert (short.name, short.cause) == ("unserved", "capacity")
    assert (short.start_s, short.end_s) == (8 * 900.0, 12 * 900.0)
    assert short.most_kw == pytest.approx(600.0)
    assert short.total_kwh == pytest.approx(600.0)


def test_slow_units_and_least_loads_are_told_apart_from_missing_capacity() -> None:
    demand = np.full(24, 400.0)
    demand[8:] = 950.0
    slow = solve_dispatch(problem(demand, boiler("A", 1000.0, ramp_kw_h=400.0)), gap=0)
    # Heat made too early is cheaper than people in the cold, and is called what it is.
    assert {(each.name, each.cause) for each in slow.relaxations} == {("surplus", "ramp")}
    slow = solve_dispatch(problem(demand[6:], boiler("A", 1000.0, ramp_kw_h=400.0), n=18), gap=0)
    assert ("unserved", "ramp") in {(each.name, each.cause) for each in slow.relaxations}
    must = boiler("A", 1000.0, least_up_s=1e6, now_s=0.0)
    low = solve_dispatch(problem(100.0, must), gap=0)
    assert {(each.name, each.cause) for each in low.relaxations} == {("surplus", "least_load")}


def test_a_source_limit_gives_way_before_people_are_cold() -> None:
    limit = SourceLimit(source="HS0001", most_kw=np.full(24, 500.0))
    plan = solve_dispatch(problem(800.0, boiler("A", 1000.0), limits=(limit,)), gap=0)
    assert np.abs(balance_kw(problem(800.0, boiler("A", 1000.0)), plan.schedule)).max() < 0.8
    (over,) = plan.relaxations
    assert (over.name, over.subject) == ("source", "HS0001")
    assert over.most_kw == pytest.approx(300.0, rel=1e-3)


def test_runs_and_stands_last_and_maintenance_is_kept() -> None:
    out = np.zeros(96, bool)
    out[40:60] = True
    demand = 700.0 + 400.0 * np.sin(np.arange(96) / 5.0)
    units = (
        boiler("A", 900.0, 0.2, out=out),
        boiler("B", 600.0, 0.3, least_up_s=4 * 3600.0, least_down_s=3 * 3600.0),
        boiler("C", 700.0, 0.5, now_on=False, now_kw=0.0, least_up_s=7200.0),
    )
    asked = problem(demand, *units, n=96)
    plan = solve_dispatch(asked)
    assert not check(asked, plan.schedule)
    assert not plan.schedule.on[0, 40:60].any()


def test_the_check_finds_what_is_wrong_with_a_schedule() -> None:
    asked = problem(
        900.0, boiler("A", 1000.0, least_up_s=7200.0, ramp_kw_h=1000.0), boiler("B", 600.0)
    )
    good = proportional_split(asked)
    assert check(asked, good) == []
    spoilt = {
        "most": (0, 5, 1200.0),
        "least": (0, 5, 50.0),
        "ramp": (0, 5, float(good.heat_kw[0, 5]) + 300.0),
    }
    for rule, (unit, step, kw) in spoilt.items():
        heat = good.heat_kw.copy()
        heat[unit, step] = kw
        assert rule in {each.rule for each in check(asked, replace(good, heat_kw=heat))}, rule
    on, heat = good.on.copy(), good.heat_kw.copy()
    on[0, [3, 5]], heat[0, [3, 5]] = False, 0.0
    rules = {each.rule for each in check(asked, replace(good, on=on, heat_kw=heat))}
    assert "least_up" in rules
    heat[1, 2] = math.nan
    assert check(asked, replace(good, heat_kw=heat))[0].rule == "number"


@pytest.mark.parametrize("said", ["no plan", "wrong plan", "dear plan"])
def test_without_a_sound_plan_the_proportional_split_is_released(said: str) -> None:
    asked = problem(900.0, boiler("A", 1000.0, 0.2), boiler("B", 1000.0, 0.4))
    split = proportional_split(asked)
    solved = Solved(x=None, proven=False, gap=math.nan, seconds=1.0, said="time limit")
    other = None
    if said == "wrong plan":
        other = replace(split, heat_kw=split.heat_kw * 3.0)
    if said == "dear plan":
        other = replace(split, heat_kw=np.where(split.on, [[300.0], [300.0]], 0.0),
                        on=np.ones_like(split.on))  # fmt: skip
    plan = released(asked, other, split, solved)
    assert plan.result == "fallback"
    assert plan.reason
    assert check(asked, plan.schedule) == []
    assert plan.costs == plan.baseline
    assert np.abs(balance_kw(asked, plan.schedule)).max() < 1.0


def test_a_solver_that_breaks_down_leaves_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Solved:
        raise RuntimeError("no licence")

    monkeypatch.setattr(dispatch_solve, "run_highs", broken)
    plan = solve_dispatch(problem(900.0, boiler("A", 1000.0)))
    assert plan.result == "fallback"
    assert "no licence" in plan.reason


def test_cost_of_the_program_is_cost_of_the_sums() -> None:
    """The optimiser's objective and the independent sums of a schedule agree to the yuan."""
    asked = problem(
        800.0 + 300.0 * np.sin(np.arange(48) / 6.0),
        boiler("A", 700.0, 0.2, fuel_co2_kg_kwh=0.2, other_yuan_kwh=0.01),
        boiler("B", 600.0, 0.3, power_per_heat=0.4, least_kw=100.0),
        n=48,
        storages=(
            Storage(code="ST", source="HS0001", capacity_kwh=300.0, charge_kw=200.0,
                    discharge_kw=200.0, loss_per_h=0.01, now_kwh=200.0, end_kwh=250.0),
        ),
        sell_yuan_kwh=np.full(48, 0.4), co2_yuan_t=100.0, reserve_kw=100.0,
        penalties=Penalties(storage_end=0.01),
    )  # fmt: skip
    model = DispatchModel(asked)
    program = model.program()
    solved = run_highs(program, gap=0.0)
    assert solved.x is not None
    total = costs_of(asked, model.schedule(solved.x)).total_yuan
    assert total == pytest.approx(float(program.cost @ solved.x), rel=1e-6)


def test_sixty_strange_beginnings_all_end_in_a_sound_plan() -> None:
    random = np.random.default_rng(5)
    for _ in range(60):
        units = []
        for name in "ABC":
            most = float(random.uniform(200.0, 1200.0))
            on = bool(random.random() < 0.5)
            out = random.random(24) < random.choice([0.0, 0.0, 0.3, 1.0])
            units.append(
                boiler(
                    name, most, float(random.uniform(0.0, 0.5)), out=out, now_on=on,
                    now_kw=float(random.uniform(0.0, 1.6)) * most * on,
                    now_s=float(random.choice([0.0, 900.0, 1e6])),
                    least_up_s=float(random.choice([0.0, 3600.0, 14400.0])),
                    least_down_s=float(random.choice([0.0, 3600.0, 14400.0])),
                    ramp_kw_h=float(random.uniform(0.1, 8.0)) * most,
                )
            )  # fmt: skip
        tank = Storage(
            code="ST", source="HS0001", capacity_kwh=500.0, charge_kw=200.0, discharge_kw=200.0,
            loss_per_h=0.01, now_kwh=float(random.uniform(-100.0, 700.0)), end_kwh=300.0,
        )  # fmt: skip
        asked = problem(random.uniform(0.0, 2500.0, 24), *units, storages=(tank,))
        assert check(asked, proportional_split(asked)) == []
        plan = solve_dispatch(asked, limit_s=10.0)
        assert plan.result != "fallback", plan.reason
        assert check(asked, plan.schedule) == []
        assert plan.costs.total_yuan <= plan.baseline.total_yuan + 1e-6


def test_n_minus_1_against_hand_figures() -> None:
    units = (
        boiler("A", 1000.0), boiler("B", 500.0), boiler("C", 700.0, source="HS0002"),
    )  # fmt: skip
    tank = Storage(
        code="ST", source="HS0002", capacity_kwh=900.0, charge_kw=900.0, discharge_kw=900.0,
        now_kwh=600.0,
    )  # fmt: skip
    houses = Houses(room_c=20.0, limit_c=16.0, loss_kw_k=40.0, capacity_kwh_k=2000.0)
    rows = n_minus_1(
        problem(1600.0, *units, storages=(tank,)), houses, outdoor_c=-20.0, need_kw=1600.0,
        design_outdoor_c=-20.0, limits_kw={"HS0001": 1200.0},
    )  # fmt: skip
    by = {row.subject: row for row in rows}
    assert rows[0].subject == "HS0001"
    assert by["HS0001"].left_kw == 700.0
    assert by["HS0001"].uncovered_kw == 900.0
    assert by["HS0001"].covered_pct == pytest.approx(43.75)
    assert not by["HS0001"].holds
    assert by["HS0001"].storage_h == pytest.approx(600.0 / 900.0)
    assert by["HS0002"].storage_h == 0.0  # the tank is away with its source
    # 700 kW keep -20 + 700/40 = -2.5 degC; from 20 to 16 degC with 50 h: 50 ln(22.5/18.5).
    assert by["HS0001"].houses_h == pytest.approx(50.0 * math.log(22.5 / 18.5))
    assert math.isinf(houses_h(houses, 0.0, 1600.0))
    assert [least_share_pct(c) for c in (-5.0, -15.0, -25.0)] == [40.0, 55.0, 65.0]


def test_after_a_trip_the_source_gives_nothing_and_the_rest_takes_over() -> None:
    units = (boiler("A", 1000.0), boiler("C", 900.0, source="HS0002", ramp_kw_h=3600.0))
    asked = tripped(problem(800.0, *units, n=96), frozenset(("HS0001",)), 12 * 3600.0)
    plan = solve_dispatch(asked)
    assert source_kw(asked, plan.schedule, "HS0001")[:48].max() == 0.0
    assert plan.unserved_kw[2:].max() < 0.8
    assert not check(asked, plan.schedule)


def test_impossible_problems_are_refused_by_name() -> None:
    with pytest.raises(InputError):
        problem(np.full(24, math.nan), boiler("A", 1.0))
    with pytest.raises(InputError):
        problem(-1.0, boiler("A", 1.0))
    with pytest.raises(InputError):
        problem(1.0, boiler("A", 1.0, least_kw=2.0))
    with pytest.raises(InputError):
        problem(1.0)
