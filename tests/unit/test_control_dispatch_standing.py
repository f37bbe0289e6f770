"""Rolling plans: between equals the units go on, what stands is left when it pays, and reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatloop.control.dispatch import DispatchProblem, Schedule
from heatloop.control.dispatch_check import check
from heatloop.control.dispatch_costs import change_yuan, costs_of
from heatloop.control.dispatch_model import DispatchModel
from heatloop.control.dispatch_solve import run_highs, solve_dispatch
from heatloop.control.dispatch_standing import reach_kw, standing_of
from heatloop.kernel.errors import InputError
from tests.unit.test_control_dispatch import STEP_S, boiler, problem

_HOUR = 4
_N = 96


def _demand(first: int) -> np.ndarray:
    step = first + np.arange(_N)
    return np.asarray(1900.0 + 900.0 * np.sin(step / 96.0 * 2.0 * np.pi))


def _equals(first: int, on: list[bool], heat_kw: list[float]) -> DispatchProblem:
    """Four equal boilers, some hours after the first plan."""
    units = [
        boiler(
            f"B{k}", 1000.0, least_up_s=7200.0, least_down_s=3600.0, now_on=on[k], now_kw=heat_kw[k]
        )
        for k in range(4)
    ]
    return replace(problem(_demand(first), *units, n=_N), start_s=float(first * STEP_S))


def _ahead(
    plan: Schedule, first: int, asked: DispatchProblem, *, held: bool, noise: np.random.Generator
) -> DispatchProblem:
    """Return the problem an hour later, when everything went as planned."""
    at = _HOUR - 1
    heat = {unit.code: plan.heat_kw[i] for i, unit in enumerate(asked.units)}
    nxt = _equals(first + _HOUR, plan.on[:, at].tolist(), plan.heat_kw[:, at].tolist())
    nxt = replace(nxt, demand_kw=nxt.demand_kw * noise.uniform(0.995, 1.005, _N))
    if not held:
        return nxt
    return replace(nxt, standing=standing_of(nxt, heat, asked.start_s, STEP_S))


def test_a_rolling_plan_keeps_the_running_units_of_equals() -> None:
    """Six hours of re-plans of an unchanged situation: no unit is told otherwise than before."""
    noise = np.random.default_rng(4)
    asked = _equals(0, [True, True, False, False], [950.0, 950.0, 0.0, 0.0])
    plan = solve_dispatch(asked)
    for hour in range(6):
        nxt = _ahead(plan.schedule, hour * _HOUR, asked, held=True, noise=noise)
        after = solve_dispatch(nxt)
        assert check(nxt, after.schedule) == []
        assert after.kept
        same = after.schedule.on[:, :-_HOUR] == plan.schedule.on[:, _HOUR:]
        assert same.mean() > 0.99, hour
        # What it costs more than the best is told, and little.
        free = solve_dispatch(replace(nxt, standing=None), gap=0.001)
        assert after.gap <= 0.011
        best = free.costs.total_yuan + change_yuan(nxt, free.schedule)
        assert after.costs.total_yuan <= (1.0 + after.gap) * best + 1.0
        asked, plan = nxt, after


def test_what_stands_is_left_when_another_plan_pays() -> None:
    asked = problem(900.0, boiler("A", 1000.0, 0.2), boiler("B", 1000.0, 0.4, now_on=True))
    # The plan that stands has both running all the time; one alone is a third cheaper.
    asked = replace(asked, standing=np.ones((2, asked.n_step)))
    plan = solve_dispatch(asked)
    assert not plan.kept
    assert plan.schedule.on[1, -1] == np.False_


def test_a_unit_that_does_otherwise_is_not_held_to_the_plan() -> None:
    asked = problem(900.0, boiler("A", 1000.0), boiler("B", 1000.0, now_on=False, now_kw=0.0))
    n = asked.n_step
    plan = {"A": np.zeros(n), "B": np.full(n, 900.0)}
    assert standing_of(asked, plan, 0.0, STEP_S) is None
    out = np.zeros(n, dtype=bool)
    out[:8] = True
    asked = replace(asked, units=(replace(asked.units[0], out=out), asked.units[1]))
    told = standing_of(asked, {"A": np.full(n, 900.0)}, 0.0, STEP_S)
    assert told is not None
    assert np.isnan(told[0, :8]).all()
    assert (told[0, 8:] == 1.0).all()
    assert np.isnan(told[1]).all()
    # A plan of yesterday ends; after that nothing stands.
    old = standing_of(asked, {"A": np.full(n, 900.0)}, -4.0 * STEP_S, STEP_S)
    assert old is not None
    assert np.isnan(old[0, -4:]).all()
    with pytest.raises(InputError):
        replace(asked, standing=np.ones((1, n)))


def test_reach_rises_by_the_ramp_and_ends_with_the_run() -> None:
    unit = boiler("A", 1000.0, ramp_kw_h=400.0, now_kw=500.0)
    late = boiler("B", 1000.0, ramp_kw_h=400.0, now_on=False, now_kw=0.0)
    asked = problem(600.0, unit, late, n=8)
    on = np.ones((2, 8), dtype=bool)
    on[0, 6:] = False
    on[1, :3] = False
    heat = np.where(on, 300.0, 0.0)
    plan = Schedule(
        heat_kw=heat, on=on, power_kw=0.0 * heat, charge_kw=np.zeros((0, 8)),
        level_kwh=np.zeros((0, 8)),
    )  # fmt: skip
    reach = reach_kw(asked, plan)
    assert reach[0].tolist() == [600.0, 700.0, 800.0, 900.0, 1000.0, 1000.0, 0.0, 0.0]
    assert reach[1].tolist() == [0.0, 0.0, 0.0, 300.0, 400.0, 500.0, 600.0, 700.0]


def test_cost_of_the_program_counts_changes_as_the_sums_do() -> None:
    asked = _equals(0, [True, True, False, False], [950.0, 950.0, 0.0, 0.0])
    standing = np.ones((4, _N))
    standing[:, 40:] = np.nan
    asked = replace(asked, standing=standing)
    program = DispatchModel(asked).program()
    solved = run_highs(program, gap=0.02)
    assert solved.x is not None
    found = DispatchModel(asked).schedule(solved.x)
    told = float(program.cost @ solved.x) + program.offset
    assert change_yuan(asked, found) > 0.0
    assert told == pytest.approx(
        costs_of(asked, found).total_yuan + change_yuan(asked, found), rel=1e-6
    )
