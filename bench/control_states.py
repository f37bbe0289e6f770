"""Random states a station may be found in: cold houses, broken units, sensors and forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.control_fleet import draw_model, draw_task, draw_weather
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import Floats, MpcForecast, MpcPlan, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel

NAN = float("nan")
_Case = tuple[MpcState, MpcForecast, Floats | float]


def _hole(row: Floats, rng: np.random.Generator) -> Floats:
    broken = row.copy()
    broken[rng.integers(0, len(row), 5)] = rng.choice([NAN, np.inf, -273.0, 1e9])
    return broken


def _cold(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return replace(state, room_c=float(rng.uniform(-5.0, 12.0)), supply_c=10.0), ahead, price


def _hot(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return replace(state, room_c=float(rng.uniform(26.0, 36.0)), supply_c=84.0), ahead, price


def _no_room(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return replace(state, room_c=float(rng.choice([NAN, 1e6, -80.0])), wall_c=NAN), ahead, price


def _no_supply(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    broken = replace(state, supply_c=float(rng.choice([NAN, -40.0, 9e9])), heat_kw=-1e9)
    return broken, ahead, price


def _no_flow(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return replace(state, flow_ratio=float(rng.choice([0.0, NAN, -1.0])), heat_kw=0.0), ahead, price


def _odd_observer(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    factor = float(rng.choice([NAN, 0.0, 50.0]))
    return replace(state, disturbance_kw=NAN, emitter_factor=factor), ahead, price


def _no_sun(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    assert ahead.sun_kw_m2 is not None
    return state, replace(ahead, sun_kw_m2=_hole(ahead.sun_kw_m2, rng)), price


def _no_price(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return state, ahead, _hole(np.broadcast_to(price, ahead.outdoor_c.shape), rng)


def _no_outdoor(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return state, replace(ahead, outdoor_c=_hole(ahead.outdoor_c, rng)), price


def _short(case: _Case, rng: np.random.Generator) -> _Case:
    state, ahead, price = case
    return state, replace(ahead, outdoor_c=ahead.outdoor_c[: int(rng.integers(0, 90))]), price


SPOILERS: tuple[tuple[Callable[[_Case, np.random.Generator], _Case] | None, bool], ...] = (
    (None, False),
    (None, False),
    (_cold, False),
    (_hot, False),
    (_no_room, False),
    (_no_supply, False),
    (_no_flow, False),
    (_odd_observer, False),
    (_no_sun, False),
    (_no_price, False),
    (_no_outdoor, True),
    (_short, True),
)
"""What is done to a state, and whether only the weather curve is an answer to it."""


def draw(number: int) -> tuple[StationMpc, _Case, bool]:
    """Return a station, how it is found, and whether only the weather curve is an answer."""
    rng = np.random.default_rng((23, number))
    floor = rng.random() < 0.2
    model, task = draw_model(rng, floor), draw_task(rng, floor)
    if rng.random() < 0.1:
        task = replace(task, heat_most_kw=float(rng.uniform(0.0, 0.8)) * model.design_heat_kw)
    ahead = draw_weather(rng)
    state = MpcState(
        room_c=float(rng.normal(20.0, 1.5)),
        wall_c=float(rng.choice([NAN, rng.normal(14.0, 3.0)])),
        supply_c=float(rng.uniform(25.0, task.supply_high_c)),
        flow_ratio=float(rng.uniform(0.5, 1.0)),
    )
    spoil, curve_only = SPOILERS[number % len(SPOILERS)]
    case: _Case = (state, ahead, float(rng.uniform(0.1, 3.0)))
    if spoil is not None:
        case = spoil(case, rng)
    return StationMpc(model, task), case, curve_only


def wrong(plan: MpcPlan, model: UnitModel, task: MpcTask, state: MpcState, curve_only: bool) -> str:
    """Return what is wrong with an answer, empty when it may be written as it is."""
    supply, flow = plan.supply_c, plan.flow_kgs / model.flow_kgs
    if not (np.all(np.isfinite(supply)) and np.all(np.isfinite(flow))):
        return "no number"
    low, high = task.supply_low_c, task.supply_high_c
    if supply.min() < low - 1e-6 or supply.max() > high + 1e-6:
        return "outside the supply limits"
    if flow.min() < task.least_flow - 1e-6 or flow.max() > 1.0 + 1e-6:
        return "outside the flow limits"
    if plan.fallback != curve_only:
        return "on the curve without need" if plan.fallback else "planned with what is none"
    if plan.fallback:
        return "" if plan.relaxed else "does not say why"
    step = task.ramp_k_per_h / 4.0 + 0.02
    if np.abs(np.diff(supply)).max() > step:
        return "moves faster than the ramp"
    if 0.0 < state.supply_c < 150.0:
        now = min(max(state.supply_c, low), high)
        if abs(float(supply[0]) - now) > step:
            return "leaves the present set-point faster than the ramp"
    if float(np.max(np.asarray(task.low_c) - plan.room_c)) > 0.06 and (
        "comfort_low" not in plan.relaxed
    ):
        return "leaves rooms cold without a word"
    return ""
