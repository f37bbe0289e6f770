"""What holds beside the program: the supply temperature quantity regulation keeps, the curve."""

from __future__ import annotations

import numpy as np

from heatloop.control.mpc_inputs import (
    PLAUSIBLE_OUTDOOR_C,
    PLAUSIBLE_SUPPLY_C,
    Inputs,
    inside,
    wide,
)
from heatloop.control.mpc_task import NOTABLE_K, Floats, MpcForecast, MpcPlan, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel
from heatloop.station.curve import supply_c as curve_supply_c

_RECOVERY_S = 6 * 3600.0


def kept_supply_c(
    model: UnitModel, task: MpcTask, found: Inputs, step_s: float
) -> tuple[Floats, tuple[str, ...]]:
    """Return the supply temperature quantity regulation keeps, and whether it had to move.

    Outside the flow limits the supply temperature has to give, slowly, by a need taken over
    some hours.
    """
    n = len(found.outdoor_c)
    target = wide(task.target_c, n)
    need = model.loss_kw_k() * (target - found.outdoor_c) - found.free_kw
    # Cold rooms are to be warm again in some hours.
    short = max(float(target[0]) - found.state.room_c, 0.0)
    need = need + short * model.capacity_kj_k[0] / _RECOVERY_S
    half = 6
    padded = np.pad(need / found.state.emitter_factor, half, mode="edge")
    need = np.convolve(padded, np.full(2 * half + 1, 1.0 / (2 * half + 1)), mode="valid")
    least = model.supply_c(need, target, 0.95 * model.flow_kgs)
    most = model.supply_c(need, target, min(1.1 * task.least_flow, 0.95) * model.flow_kgs)
    supply = np.minimum(np.maximum(task.quantity_supply_c, least), np.maximum(most, least))
    low, high = task.supply_low_c, max(task.supply_high_c, task.supply_low_c)
    supply = _walked(
        np.clip(supply, low, high),
        min(max(found.state.supply_c, low), high),
        task.ramp_k_per_h * step_s / 3600.0,
    )
    away = supply - task.quantity_supply_c
    moved = []
    if float(away.max()) > NOTABLE_K:
        moved.append("quantity_supply_raised")
    if float(away.min()) < -NOTABLE_K:
        moved.append("quantity_supply_lowered")
    return supply, tuple(moved)


def _walked(wanted_c: Floats, now_c: float, step: float) -> Floats:
    """Return supply temperatures as near to those wanted as the ramp allows."""
    walked = []
    for each in wanted_c.tolist():
        now_c = min(max(each, now_c - step), now_c + step)
        walked.append(now_c)
    return np.array(walked)


def curve_plan(
    model: UnitModel,
    task: MpcTask,
    state: MpcState,
    forecast: MpcForecast,
    why: tuple[str, ...],
    n: int,
) -> MpcPlan:
    """Return the weather curve as far as the outdoor temperature is known, else what is set."""
    outdoor = np.asarray(forecast.outdoor_c, dtype=np.float64).ravel()[:n]
    good = inside(outdoor, PLAUSIBLE_OUTDOOR_C)
    relaxed = list(why)
    if np.any(good):
        at = np.flatnonzero(good)
        filled = np.interp(np.arange(n), at, outdoor[at])
        shift = float(np.mean(task.target_c)) - task.curve.room_c
        shift = shift if abs(shift) <= 10.0 else 0.0
        supply = np.array([curve_supply_c(task.curve, c, shift) for c in filled.tolist()])
    else:
        known = inside(state.supply_c, PLAUSIBLE_SUPPLY_C)
        relaxed.append("holds" if known else "mid_curve")
        middle = 0.5 * (task.curve.room_c + task.curve.outdoor_c)
        supply = np.full(n, state.supply_c if known else curve_supply_c(task.curve, middle))
    supply = np.clip(supply, task.supply_low_c, max(task.supply_high_c, task.supply_low_c))
    nothing = np.full(n, np.nan)
    return MpcPlan(
        supply_c=supply,
        flow_kgs=np.full(n, model.flow_kgs),
        heat_kw=nothing,
        room_c=nothing.copy(),
        relaxed=tuple(dict.fromkeys(relaxed)),
        fallback=True,
    )
