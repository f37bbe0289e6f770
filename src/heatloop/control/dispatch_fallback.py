"""The proportional split: what is done without an optimiser, always possible, always safe.

Every unit in service takes the share of the demand that its size has among those running; units
that would fall below their least heat stand still, the smallest first. Storage is left alone. It
is the baseline a plan must beat, and the plan itself when the solver gives none.
"""

from __future__ import annotations

import numpy as np

from heatloop.control.dispatch import DispatchProblem, DispatchUnit, Floats, Schedule
from heatloop.control.dispatch_start import Begin, begin_of

_ROUNDS = 4


def proportional_split(problem: DispatchProblem) -> Schedule:
    """Return the schedule that splits the demand in proportion to size."""
    n, units = problem.n_step, problem.units
    begins = [begin_of(problem, unit) for unit in units]
    heat, on = np.zeros((len(units), n)), np.zeros((len(units), n), dtype=bool)
    level = np.array([min(max(t.now_kwh, 0.0), t.capacity_kwh) for t in problem.storages])
    levels = np.zeros((len(problem.storages), n))
    kept = np.array([1.0 - t.loss_per_h * problem.hours for t in problem.storages])
    was_kw = np.array([begin.heat_kw for begin in begins])
    was_on = np.array([unit.now_on for unit in units])
    since = np.array([_steps_held(problem, unit) for unit in units])
    for t in range(n):
        runs = _commit(problem, begins, t, was_on, since)
        heat[:, t] = _share(problem, begins, t, runs, was_kw, was_on)
        on[:, t] = runs
        since = np.where(runs == was_on, since + 1, 1)
        was_kw, was_on = heat[:, t], runs
        level = level * kept
        levels[:, t] = level
    return Schedule(
        heat_kw=heat,
        on=on,
        power_kw=np.array([_power(u, heat[i], on[i]) for i, u in enumerate(units)]),
        charge_kw=np.zeros((len(problem.storages), n)),
        level_kwh=levels,
    )


def _steps_held(problem: DispatchProblem, unit: DispatchUnit) -> float:
    return unit.now_s / problem.step_s


def _commit(
    problem: DispatchProblem, begins: list[Begin], t: int, was_on: np.ndarray, since: Floats
) -> np.ndarray:
    """Return which units run in a step, shape (n_unit,)."""
    units, demand = problem.units, float(problem.demand_kw[t])
    runs, must = np.zeros(len(units), dtype=bool), np.zeros(len(units), dtype=bool)
    for i, (unit, begin) in enumerate(zip(units, begins, strict=True)):
        if begin.out[t]:
            continue
        if was_on[i]:
            runs[i] = True
            must[i] = since[i] * problem.step_s < unit.least_up_s - 1e-6
        else:
            rested = since[i] * problem.step_s >= unit.least_down_s - 1e-6
            runs[i] = rested and not begin.out[t : t + begin.up_steps].any()
    most = np.array([unit.most_kw for unit in units])
    least = np.array([unit.least_kw for unit in units])
    while True:
        total = float(most[runs].sum())
        low = runs & ~must & (least > 0.0) & (demand * most < least * total)
        if not low.any():
            return runs
        # Only as long as the others can carry the demand.
        spare = [i for i in np.flatnonzero(low) if total - most[i] >= demand]
        if not spare:
            return runs
        runs[min(spare, key=lambda i: (bool(was_on[i]), most[i]))] = False


def _share(
    problem: DispatchProblem,
    begins: list[Begin],
    t: int,
    runs: np.ndarray,
    was_kw: Floats,
    was_on: np.ndarray,
) -> Floats:
    """Return the heat of each unit in a step within its limits and ramp, shape (n_unit,)."""
    units = problem.units
    low, high = np.zeros(len(units)), np.zeros(len(units))
    for i in np.flatnonzero(runs):
        unit, ramp = units[i], begins[i].ramp_kw
        if was_on[i]:
            low[i] = min(max(unit.least_kw, was_kw[i] - ramp), unit.most_kw)
            high[i] = max(min(unit.most_kw, was_kw[i] + ramp), low[i])
        else:
            low[i], high[i] = unit.least_kw, min(unit.most_kw, max(ramp, unit.least_kw))
    size = np.array([unit.most_kw for unit in units]) * runs
    demand = float(problem.demand_kw[t])
    heat = np.clip(demand * size / max(float(size.sum()), 1e-9), low, high)
    for _ in range(_ROUNDS):
        left = demand - float(heat.sum())
        room = (high - heat) if left > 0.0 else (heat - low)
        total = float(room.sum())
        if total <= 1e-9 or abs(left) <= 1e-9:
            break
        heat = np.clip(heat + room * (np.sign(left) * min(abs(left) / total, 1.0)), low, high)
    return np.asarray(heat)


def _power(unit: DispatchUnit, heat: Floats, on: np.ndarray) -> Floats:
    """Return electric power: a cone unit runs in back-pressure, or at its least power."""
    if unit.cone is not None:
        cone = unit.cone
        line = np.maximum(cone.ratio * heat, cone.least_kw - cone.loss * heat)
        return np.asarray(np.where(on, line, 0.0))
    if unit.cop is not None:
        return np.asarray(-heat / unit.cop)
    return np.asarray(unit.power_per_heat * heat)
