"""Where each unit stands when a plan begins, made fit to plan from.

Measured states need not obey the rules of planning: a boiler may be on its way up below its least
heat, or have just failed. What is given here is the nearest state from which every rule can be
kept, so that a plan always exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.dispatch import DispatchProblem, DispatchUnit, Flags


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """A unit at the beginning."""

    heat_kw: float
    """Heat, 0 when it stands."""
    ramp_kw: float
    """Largest change in a step."""
    out: Flags
    """Steps in which it may not run, shape (n_step,)."""
    held_on: int
    """First steps in which it must go on running."""
    held_off: int
    """First steps in which it must go on standing."""
    up_steps: int
    """Steps a started unit runs at least."""
    down_steps: int
    """Steps a stopped unit stands at least."""


def begin_of(problem: DispatchProblem, unit: DispatchUnit) -> Begin:
    """Return where a unit stands at the beginning of a problem."""
    n = problem.n_step
    out = np.zeros(n, dtype=bool) if unit.out is None else np.asarray(unit.out, dtype=bool)
    ramp = unit.ramp_kw_h * problem.hours
    now = 0.0
    if unit.now_on:
        # From below the least heat less a step of ramp it could not run on; from above the most
        # heat it could not come down.
        now = min(max(unit.now_kw, unit.least_kw - ramp, 0.0), unit.most_kw + ramp)
    held_on = held_off = 0
    if unit.now_on:
        held_on = min(_steps(unit.least_up_s - unit.now_s, problem.step_s), n)
        if out.any():
            held_on = min(held_on, int(out.argmax()))
    else:
        held_off = min(_steps(unit.least_down_s - unit.now_s, problem.step_s), n)
    return Begin(
        heat_kw=now,
        ramp_kw=ramp,
        out=out,
        held_on=held_on,
        held_off=held_off,
        up_steps=max(_steps(unit.least_up_s, problem.step_s), 1),
        down_steps=max(_steps(unit.least_down_s, problem.step_s), 1),
    )


def _steps(seconds: float, step_s: int) -> int:
    return max(int(np.ceil(seconds / step_s - 1e-9)), 0)
