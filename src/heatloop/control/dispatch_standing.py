"""What the plan that stands says of a new problem: which units it has running, and what they reach.

A rolling plan is made anew every hour; between equal units nobody wants another one each time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heatloop.control.dispatch import TRIFLE_KW, DispatchProblem, Floats, Schedule
from heatloop.control.dispatch_start import begin_of


def standing_of(
    problem: DispatchProblem, heat_kw: Mapping[str, Floats], start_s: float, step_s: float
) -> Floats | None:
    """Return which units an earlier plan has running in the steps of a problem.

    A unit that does not do now what the plan has it do is not held to it: nobody follows the plan
    there, and what runs comes first. Steps in which a unit may not run say nothing.

    Args:
        problem: The new problem.
        heat_kw: Heat of each unit by the earlier plan, by code, each of shape (n,).
        start_s: First step of the earlier plan.
        step_s: Length of its steps.

    Returns:
        1, 0 or nan, shape (n_unit, n_step); None when it says nothing at all.
    """
    times = problem.start_s + problem.step_s * (np.arange(problem.n_step) + 0.5)
    at = np.floor((times - start_s) / step_s).astype(np.int64)
    found = np.full((len(problem.units), problem.n_step), np.nan)
    for i, unit in enumerate(problem.units):
        plan = heat_kw.get(unit.code)
        if plan is None or not len(plan):
            continue
        # A plan's units reach their state during its step, so the one before counts as well.
        now = {bool(plan[k] > TRIFLE_KW) for k in (at[0] - 1, at[0]) if 0 <= k < len(plan)}
        inside = (at >= 0) & (at < len(plan))
        if unit.now_on not in now or not inside.any():
            continue
        found[i, inside] = plan[at[inside]] > TRIFLE_KW
        if unit.out is not None:
            found[i, unit.out] = np.nan
    return found if np.isfinite(found).any() else None


def reach_kw(problem: DispatchProblem, schedule: Schedule) -> Floats:
    """Return the most heat each unit can give while it runs and stands as planned.

    From what it gives now it rises by its ramp in every step it runs, up to its most heat.

    Args:
        problem: The problem.
        schedule: The plan.

    Returns:
        Heat, shape (n_unit, n_step).
    """
    found = np.zeros_like(schedule.heat_kw)
    for i, unit in enumerate(problem.units):
        begin = begin_of(problem, unit)
        held, ran = begin.heat_kw, unit.now_on
        first = max(begin.ramp_kw, unit.least_kw)
        for t in range(problem.n_step):
            runs = bool(schedule.on[i, t])
            held = min(unit.most_kw, held + begin.ramp_kw if ran else first) if runs else 0.0
            # Rounding must not put the plan above what it can reach.
            found[i, t] = max(held, float(schedule.heat_kw[i, t]))
            ran = runs
    return found
