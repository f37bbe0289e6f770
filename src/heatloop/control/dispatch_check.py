"""Does a schedule keep all hard limits? Written from the rules, not from the optimiser's matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.dispatch import DispatchProblem, DispatchUnit, Flags, Floats, Schedule
from heatloop.control.dispatch_start import Begin, begin_of

TOLERANCE = 1e-5
"""Of a unit's size, and of a storage's capacity: what a solver's rounding may be off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A hard limit that a schedule breaks."""

    rule: str
    """`most`, `least`, `ramp`, `out`, `least_up`, `least_down`, `power`, `charge`, `level` or
    `number`."""
    subject: str
    """Code of the unit or storage."""
    step: int
    """First step in which."""
    amount: float
    """By how much."""


def check(problem: DispatchProblem, schedule: Schedule) -> list[Violation]:
    """Return every hard limit a schedule breaks; an empty list means it may be released."""
    found: list[Violation] = []
    for name in ("heat_kw", "power_kw", "charge_kw", "level_kwh"):
        bad = ~np.isfinite(getattr(schedule, name))
        if bad.any():
            return [Violation(rule="number", subject=name, step=int(bad.argmax()), amount=0.0)]
    for i, unit in enumerate(problem.units):
        heat, on, power = schedule.heat_kw[i], schedule.on[i], schedule.power_kw[i]
        begin = begin_of(problem, unit)
        scale = TOLERANCE * max(unit.most_kw, 1.0)
        rules = {
            "most": heat - unit.most_kw * on,
            "least": unit.least_kw * on - heat,
            "out": (on & begin.out).astype(np.float64),
            "ramp": _ramp(unit, begin, heat, on),
        } | _power(unit, heat, power, on)
        found += [each for rule, over in rules.items() for each in _first(rule, unit, over, scale)]
        found += _times(problem, unit, begin, on)
    for k, tank in enumerate(problem.storages):
        charge, level = schedule.charge_kw[k], schedule.level_kwh[k]
        before = np.concatenate([[min(max(tank.now_kwh, 0.0), tank.capacity_kwh)], level[:-1]])
        kept = before * (1.0 - tank.loss_per_h * problem.hours) + charge * problem.hours
        scale = TOLERANCE * max(tank.capacity_kwh, tank.charge_kw, 1.0)
        over = np.maximum(charge - tank.charge_kw, -charge - tank.discharge_kw)
        wrong = np.maximum(np.abs(kept - level), np.maximum(level - tank.capacity_kwh, -level))
        for rule, amount in (("charge", over), ("level", wrong)):
            if (amount > scale).any():
                at = int((amount > scale).argmax())
                found.append(
                    Violation(rule=rule, subject=tank.code, step=at, amount=float(amount[at]))
                )
    return found


def _first(rule: str, unit: DispatchUnit, over: Floats, scale: float) -> list[Violation]:
    bad = over > scale
    if not bad.any():
        return []
    at = int(bad.argmax())
    return [Violation(rule=rule, subject=unit.code, step=at, amount=float(over[at]))]


def _ramp(unit: DispatchUnit, begin: Begin, heat: Floats, on: Flags) -> Floats:
    """Return by how much each step leaves the ramp; starts and stops reach the least heat."""
    was = np.concatenate([[begin.heat_kw], heat[:-1]])
    ran = np.concatenate([[unit.now_on], on[:-1]])
    reach = begin.ramp_kw
    up = np.where(ran & on, reach, np.maximum(reach, unit.least_kw))
    over = np.where(on, heat - was - up, 0.0)
    down = np.where(on & ran, was - heat - reach, 0.0)
    return np.asarray(np.maximum(over, down))


def _power(unit: DispatchUnit, heat: Floats, power: Floats, on: Flags) -> dict[str, Floats]:
    if unit.cone is not None:
        cone = unit.cone
        line = power + cone.loss * heat
        off = np.maximum.reduce(
            [line - cone.most_kw * on, cone.least_kw * on - line, cone.ratio * heat - power]
        )
    elif unit.cop is not None:
        off = np.abs(power + heat / unit.cop)
    else:
        off = np.abs(power - unit.power_per_heat * heat)
    return {"power": np.asarray(off)}


def _times(
    problem: DispatchProblem, unit: DispatchUnit, begin: Begin, on: Flags
) -> list[Violation]:
    """Return runs and stands that are too short; an outage may cut a run short."""
    found: list[Violation] = []
    n = problem.n_step
    states = np.concatenate([[unit.now_on], on])
    edges = np.flatnonzero(states[1:] != states[:-1])
    for k, at in enumerate(edges.tolist()):
        stopped = not on[at]
        need = unit.least_up_s if stopped else unit.least_down_s
        if k == 0:
            lasted = unit.now_s + at * problem.step_s
        else:
            lasted = float(at - int(edges[k - 1])) * problem.step_s
        if stopped and begin.out[at]:
            continue
        if lasted < need - 1e-6 and at < n:
            rule = "least_up" if stopped else "least_down"
            found.append(Violation(rule=rule, subject=unit.code, step=at, amount=need - lasted))
    return found
