"""Inputs of a plan made usable, gaps filled as far as that is honest; else a word why not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.mpc_task import Floats, MpcForecast, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel

PLAUSIBLE_ROOM_C = (-10.0, 45.0)
PLAUSIBLE_OUTDOOR_C = (-60.0, 50.0)
PLAUSIBLE_SUPPLY_C = (0.0, 150.0)
_USUAL_YUAN_KWH = 0.144
"""40 yuan/GJ, where nobody says what heat costs."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    """Inputs as they were made usable."""

    state: MpcState
    outdoor_c: Floats
    free_kw: Floats
    """Heat into the rooms from sun, people and what the model does not know."""
    price: Floats
    relaxed: tuple[str, ...]


def usable(
    model: UnitModel,
    task: MpcTask,
    state: MpcState,
    forecast: MpcForecast,
    prices: Floats | float,
    n: int,
) -> tuple[Inputs | None, tuple[str, ...]]:
    """Return the inputs of n steps with gaps filled as far as is honest, or why they are none."""
    relaxed: list[str] = []
    outdoor = np.asarray(forecast.outdoor_c, dtype=np.float64)
    if outdoor.shape != (n,):
        return None, ("forecast_short",)
    if not bool(np.all(inside(outdoor, PLAUSIBLE_OUTDOOR_C))):
        return None, ("outdoor_unknown",)
    price = row(prices, n)
    if price is None or not np.all(np.isfinite(price)) or np.any(np.abs(price) > 1e3):
        price, relaxed = np.full(n, _USUAL_YUAN_KWH), [*relaxed, "price_unknown"]
    free = np.full(n, model.gain_kw)
    if forecast.gain_kw is not None:
        gain = row(forecast.gain_kw, n)
        if gain is not None and np.all(np.abs(gain) <= model.design_heat_kw):
            free = gain.copy()
        else:
            relaxed.append("gain_unknown")
    if forecast.sun_kw_m2 is not None:
        sun = row(forecast.sun_kw_m2, n)
        if sun is not None and np.all(inside(sun, (-0.05, 1.6))):
            free = free + model.sun_m2 * np.maximum(sun, 0.0)
        else:
            relaxed.append("sun_unknown")
    if abs(state.disturbance_kw) <= model.design_heat_kw:
        free = free + state.disturbance_kw
    else:
        relaxed.append("disturbance_unknown")
    room = state.room_c
    if not inside(room, PLAUSIBLE_ROOM_C):
        relaxed.append("room_unknown")
        room = float(np.mean(task.target_c))
    wall = state.wall_c
    if not inside(wall, (-50.0, 60.0)):
        wall = model.steady_wall_c(room, float(outdoor.mean()))
    supply = state.supply_c
    if not inside(supply, PLAUSIBLE_SUPPLY_C):
        relaxed.append("supply_unknown")
        supply = float(model.supply_c(model.steady_heat_kw(room, float(outdoor[0])), room))
    ratio = state.flow_ratio if 0.0 < state.flow_ratio <= 3.0 else 1.0
    heat = state.heat_kw
    if not 0.0 <= heat <= 3.0 * model.design_heat_kw:
        heat = float(model.heat_kw(supply, room, ratio * model.flow_kgs))
    factor = state.emitter_factor
    known = replace(
        state,
        room_c=room,
        wall_c=wall,
        supply_c=supply,
        heat_kw=heat,
        flow_ratio=ratio,
        emitter_factor=factor if 0.3 <= factor <= 3.0 else 1.0,
    )
    # A unit that does not circulate gives no heat now; the plan is for when it does.
    return (
        Inputs(state=known, outdoor_c=outdoor, free_kw=free, price=price, relaxed=tuple(relaxed)),
        (),
    )


def inside(value: Floats | float, limits: tuple[float, float]) -> Floats:
    """Return whether values are numbers between limits."""
    return np.asarray((np.asarray(value) >= limits[0]) & (np.asarray(value) <= limits[1]))


def wide(value: Floats | float, n: int) -> Floats:
    """Return a number or row as a row."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (n,))


def row(value: Floats | float, n: int) -> Floats | None:
    """Return a number or row as a row, None when it has another length."""
    try:
        return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (n,)))
    except ValueError:
        return None
