"""Station control by model: plans inside limits, honest about what it cannot do, never silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from bench.control_states import draw, wrong
from heatloop.control.curve_strategy import Regulation
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import N_STEP, MpcForecast, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel, check_model, model_from_design
from heatloop.kernel.errors import InputError
from heatloop.network.emitter import emitter_heat_kw
from heatloop.station.curve import CurveDesign

MODEL = model_from_design(CurveDesign(), 500.0)
HOUR = np.arange(N_STEP) / 4.0
FORECAST = MpcForecast(
    outdoor_c=-2.0 + 4.0 * np.sin((HOUR - 9.0) / 12.0 * np.pi), sun_kw_m2=np.zeros(N_STEP)
)
STATE = MpcState(room_c=20.0, wall_c=float("nan"), supply_c=56.0)


def test_the_transition_is_the_matrix_exponential() -> None:
    room, wall = MODEL.capacity_kj_k
    m = np.array(
        [
            [-(MODEL.room_out_kw_k + MODEL.room_wall_kw_k) / room, MODEL.room_wall_kw_k / room],
            [MODEL.room_wall_kw_k / wall, -(MODEL.room_wall_kw_k + MODEL.wall_out_kw_k) / wall],
        ]
    )
    a, b_room, b_wall = MODEL.transition(900.0)
    assert np.allclose(a, expm(900.0 * m), atol=1e-12)
    whole = np.linalg.solve(m, expm(900.0 * m) - np.eye(2))
    assert np.allclose(b_room, whole[:, 0] / room)
    assert np.allclose(b_wall, whole[:, 1] / wall)


def test_one_capacity_is_the_exponential_and_the_wall_stays() -> None:
    model = replace(MODEL, capacity_kj_k=(5e6, 0.0), room_wall_kw_k=0.0, wall_out_kw_k=0.0)
    a, b_room, b_wall = model.transition(3600.0)
    keep = np.exp(-model.room_out_kw_k / 5e6 * 3600.0)
    assert a[0, 0] == pytest.approx(keep)
    assert a[1, 1] == 1.0
    assert not b_wall.any()
    assert b_room[0] == pytest.approx((1.0 - keep) / model.room_out_kw_k)


def test_emitters_go_both_ways_and_agree_with_the_law_along_the_surface() -> None:
    supply = np.array([25.0, 45.0, 60.0, 75.0])
    heat = MODEL.heat_kw(supply, 20.0)
    assert np.allclose(MODEL.supply_c(heat, 20.0), supply, atol=1e-3)
    size = np.full(4, MODEL.design_heat_kw / MODEL.design_mean_over_room_k**1.3)
    along = emitter_heat_kw(supply, 20.0, np.full(4, MODEL.flow_kgs), size, 0.3)
    assert np.allclose(heat[1:], along[1:], rtol=0.05)


def test_models_survive_records_and_bad_ones_are_refused() -> None:
    assert UnitModel.from_dict(MODEL.to_dict()) == MODEL
    for broken in ({"flow_kgs": 0.0}, {"gain_kw": float("nan")}, {"room_wall_kw_k": 0.0}):
        with pytest.raises(InputError):
            check_model(replace(MODEL, **broken))
    with pytest.raises(InputError):
        UnitModel.from_dict({"flow_kgs": 1.0})


def test_a_plan_keeps_the_rooms_at_target_inside_limits_and_ramp() -> None:
    plan = StationMpc(MODEL, MpcTask()).solve(STATE, FORECAST, 0.3)
    assert not plan.fallback
    assert plan.relaxed == ()
    assert np.abs(plan.room_c[4:] - 20.0).max() < 0.3
    assert plan.supply_c.min() >= 25.0
    assert plan.supply_c.max() <= 80.0
    assert np.abs(np.diff(plan.supply_c)).max() <= 3.0 + 1e-3
    # What it says of the rooms is what the model makes of its water (the law is straightened).
    room, wall = 20.0, MODEL.steady_wall_c(20.0, float(FORECAST.outdoor_c.mean()))
    a, b_room, b_wall = MODEL.transition(900.0)
    felt = float(MODEL.heat_kw(56.0, 20.0))
    keep = np.exp(-900.0 / MODEL.lag_s)
    for step in range(N_STEP):
        given_kw = float(MODEL.heat_kw(plan.supply_c[step], room))
        mean = given_kw + (felt - given_kw) * MODEL.lag_s / 900.0 * (1.0 - keep)
        felt = given_kw + (felt - given_kw) * keep
        outside = float(FORECAST.outdoor_c[step])
        load = mean + MODEL.gain_kw + MODEL.room_out_kw_k * outside
        room, wall = (
            a @ [room, wall] + b_room * load + b_wall * MODEL.wall_out_kw_k * outside
        ).tolist()
        assert room == pytest.approx(plan.room_c[step], abs=0.1)


def test_it_heats_less_before_the_sun_and_when_heat_is_dear() -> None:
    sun = np.where((HOUR > 9.0) & (HOUR < 15.0), 0.4, 0.0)
    mpc = StationMpc(MODEL, MpcTask(room_weight=0.02))
    dull = mpc.solve(STATE, FORECAST, 0.3)
    bright = mpc.solve(STATE, replace(FORECAST, sun_kw_m2=sun), 0.3)
    assert bright.heat_kw[28:40].mean() < dull.heat_kw[28:40].mean() - 10.0
    dear = mpc.solve(STATE, FORECAST, np.where((HOUR > 17.0) & (HOUR < 21.0), 1.2, 0.3))
    assert dear.heat_kw[68:84].mean() < dull.heat_kw[68:84].mean() - 20.0
    assert dear.heat_kw[56:67].mean() > dull.heat_kw[56:67].mean()


def test_cold_houses_get_all_there_is_and_are_told_of() -> None:
    plan = StationMpc(MODEL, MpcTask()).solve(replace(STATE, room_c=8.0), FORECAST, 0.3)
    assert not plan.fallback
    assert "comfort_low" in plan.relaxed
    assert "supply_limit" in plan.relaxed
    assert plan.supply_c.max() == pytest.approx(80.0, abs=0.1)
    assert plan.room_c[-1] > 19.0


def test_a_heat_cap_is_kept_where_the_ramp_allows() -> None:
    task = MpcTask(heat_most_kw=200.0)
    mpc = StationMpc(MODEL, task)
    mpc.solve(STATE, FORECAST, 0.3)
    plan = mpc.solve(STATE, FORECAST, 0.3)
    # The law is straightened around rooms that are warmer than these become.
    assert plan.heat_kw[12:].max() <= 204.0
    assert "comfort_low" in plan.relaxed


def test_quantity_regulation_moves_the_flow_and_keeps_the_supply() -> None:
    task = MpcTask(regulation=Regulation.QUANTITY, quantity_supply_c=64.0)
    plan = StationMpc(MODEL, task).solve(replace(STATE, supply_c=64.0), FORECAST, 0.3)
    ratio = plan.flow_kgs / MODEL.flow_kgs
    assert np.ptp(ratio) > 0.1
    assert ratio.min() >= 0.5
    assert ratio.max() <= 1.0 + 1e-9
    assert np.mean(np.abs(plan.supply_c - 64.0) < 0.1) > 0.25
    assert np.ptp(plan.supply_c) < 12.0
    assert np.abs(plan.room_c[8:] - 20.0).max() < 0.3
    mild = replace(FORECAST, outdoor_c=FORECAST.outdoor_c + 14.0)
    low = StationMpc(MODEL, task).solve(replace(STATE, supply_c=64.0), mild, 0.3)
    assert "quantity_supply_lowered" in low.relaxed
    assert low.supply_c[-1] < 60.0


@pytest.mark.parametrize(
    ("outdoor", "word"),
    [
        (np.full(N_STEP, np.nan), "holds"),
        (np.where(HOUR < 3.0, np.nan, -5.0), "outdoor_unknown"),
        (np.full(10, -5.0), "forecast_short"),
        (np.full(N_STEP, 300.0), "outdoor_unknown"),
    ],
)
def test_without_weather_it_is_the_curve_and_says_so(outdoor: np.ndarray, word: str) -> None:
    mpc = StationMpc(MODEL, MpcTask())
    plan = mpc.solve(STATE, MpcForecast(outdoor_c=outdoor), 0.3)
    assert plan.fallback
    assert word in plan.relaxed
    assert np.all(np.isfinite(plan.supply_c))
    assert np.all(np.isnan(plan.room_c))
    assert plan.supply_c.min() >= 25.0
    assert plan.supply_c.max() <= 80.0
    # It comes back by itself.
    assert not mpc.solve(STATE, FORECAST, 0.3).fallback


def test_a_solver_that_finds_nothing_leads_to_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heatloop.control.mpc_program.MpcProgram.solve", lambda *_: None)
    plan = StationMpc(MODEL, MpcTask()).solve(STATE, FORECAST, 0.3)
    assert plan.fallback
    assert plan.relaxed == ("solver_failed",)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_it_is_given_the_answer_may_be_written(number: int) -> None:
    mpc, (state, forecast, price), curve_only = draw(number)
    plan = mpc.solve(state, forecast, price)
    assert wrong(plan, mpc.model, mpc.task, state, curve_only) == ""


def test_wrong_answers_are_found() -> None:
    mpc, (state, forecast, price), curve_only = draw(0)
    plan = mpc.solve(state, forecast, price)
    for broken in (
        replace(plan, supply_c=plan.supply_c + 60.0),
        replace(plan, flow_kgs=plan.flow_kgs * np.nan),
        replace(plan, supply_c=np.where(np.arange(N_STEP) == 50, 30.0, plan.supply_c)),
        replace(plan, room_c=plan.room_c - 5.0, relaxed=()),
        replace(plan, fallback=True),
    ):
        assert wrong(broken, mpc.model, mpc.task, state, curve_only)
