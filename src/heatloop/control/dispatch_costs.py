"""What a schedule of heat costs and which soft limits it misses: plain sums, no optimisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.control.dispatch import (
    TRIFLE_KW,
    Costs,
    DispatchProblem,
    DispatchUnit,
    Flags,
    Floats,
    Relaxation,
    Schedule,
)

_EPS_KW = 0.5
"""Amounts below this are rounding, not worth an explanation."""


def fuel_kw(unit: DispatchUnit, heat_kw: Floats, power_kw: Floats, on: Floats) -> Floats:
    """Return the fuel a unit burns, arrays of shape (n_step,)."""
    if unit.cone is None:
        return np.asarray(unit.fuel_per_heat * heat_kw)
    cone = unit.cone
    return np.asarray(
        cone.idle_fuel_kw * on + cone.fuel_per_heat * heat_kw + cone.fuel_per_power * power_kw
    )


def starts_of(problem: DispatchProblem, schedule: Schedule) -> Floats:
    """Return the number of starts of each unit, shape (n_unit,)."""
    before = np.array([unit.now_on for unit in problem.units])[:, None]
    on = np.concatenate([before, schedule.on], axis=1)
    return np.asarray((on[:, 1:] & ~on[:, :-1]).sum(axis=1), dtype=np.float64)


def balance_kw(problem: DispatchProblem, schedule: Schedule) -> Floats:
    """Return heat given to the network less demand, shape (n_step,)."""
    given = schedule.heat_kw.sum(axis=0) - schedule.charge_kw.sum(axis=0)
    return np.asarray(given - problem.demand_kw)


def source_kw(problem: DispatchProblem, schedule: Schedule, source: str) -> Floats:
    """Return what a source gives to the network, shape (n_step,)."""
    units = [i for i, unit in enumerate(problem.units) if unit.source == source]
    tanks = [i for i, tank in enumerate(problem.storages) if tank.source == source]
    return np.asarray(schedule.heat_kw[units].sum(axis=0) - schedule.charge_kw[tanks].sum(axis=0))


def reserve_kw(problem: DispatchProblem, schedule: Schedule) -> Floats:
    """Return what running units could give beyond their plan, shape (n_step,)."""
    most = np.array([unit.most_kw for unit in problem.units])
    return np.asarray(most @ schedule.on - schedule.heat_kw.sum(axis=0))


def costs_of(problem: DispatchProblem, schedule: Schedule) -> Costs:
    """Return what a schedule costs."""
    starts = starts_of(problem, schedule).tolist()
    total = Costs()
    for i in range(len(problem.units)):
        total = total + unit_costs(
            problem, i, schedule.heat_kw[i], schedule.power_kw[i], schedule.on[i], starts[i]
        )
    return replace(total, penalty_yuan=_penalty(problem, schedule))


def unit_costs(
    problem: DispatchProblem, i: int, heat_kw: Floats, power_kw: Floats, on: Flags, starts: float
) -> Costs:
    """Return what one unit costs, planned or measured.

    Args:
        problem: Prices, and figures of the unit.
        i: Number of the unit.
        heat_kw: Its heat, shape (n_step,).
        power_kw: Electric power it gives out (negative: takes), shape (n_step,).
        on: Whether it runs, shape (n_step,).
        starts: How often it started.
    """
    unit, h = problem.units[i], problem.hours
    zero = np.zeros(problem.n_step)
    sell = zero if problem.sell_yuan_kwh is None else problem.sell_yuan_kwh
    buy = zero if problem.buy_yuan_kwh is None else problem.buy_yuan_kwh
    burnt = float(fuel_kw(unit, heat_kw, power_kw, on.astype(np.float64)).sum()) * h
    return Costs(
        fuel_yuan=burnt * unit.fuel_yuan_kwh,
        co2_yuan=burnt * unit.fuel_co2_kg_kwh / 1000.0 * problem.co2_yuan_t,
        power_yuan=float(buy @ np.maximum(-power_kw, 0.0) - sell @ np.maximum(power_kw, 0.0)) * h,
        start_yuan=starts * unit.start_yuan,
        other_yuan=float(heat_kw.sum()) * h * unit.other_yuan_kwh,
    )


def change_yuan(problem: DispatchProblem, schedule: Schedule) -> float:
    """Return what it counts that units run otherwise than by the plan that stands; no bill."""
    if problem.standing is None:
        return 0.0
    other = np.abs(schedule.on - np.nan_to_num(problem.standing))
    hours = float(other[np.isfinite(problem.standing)].sum()) * problem.hours
    return problem.penalties.change * hours


def _penalty(problem: DispatchProblem, schedule: Schedule) -> float:
    worth, h = problem.penalties, problem.hours
    off = balance_kw(problem, schedule)
    total = (
        worth.unserved * np.maximum(-off, 0.0).sum() + worth.surplus * np.maximum(off, 0.0).sum()
    )
    for limit in problem.limits:
        beyond = source_kw(problem, schedule, limit.source) - limit.most_kw
        total += worth.source * np.maximum(beyond, 0.0).sum()
    if problem.reserve_kw > 0.0:
        short = problem.reserve_kw - reserve_kw(problem, schedule)
        total += worth.reserve * np.maximum(short, 0.0).sum()
    total *= h
    for i, tank in enumerate(problem.storages):
        total += worth.storage_end * max(tank.end_kwh - schedule.level_kwh[i, -1], 0.0)
    return float(total)


def relaxations_of(problem: DispatchProblem, schedule: Schedule) -> tuple[Relaxation, ...]:
    """Return every soft limit that is missed: what, where, when, how much and why."""
    found: list[Relaxation] = []
    off = balance_kw(problem, schedule)
    can = _capacity_kw(problem, schedule)
    short = np.where(problem.demand_kw > can + TRIFLE_KW, "capacity", "ramp")
    found += _runs(problem, "unserved", "", np.maximum(-off, 0.0), short)
    # Heat nobody takes, though units could give less: they rise early for what is to come.
    least = np.array([unit.least_kw for unit in problem.units])
    lowest = least @ schedule.on + _EPS_KW >= schedule.heat_kw.sum(axis=0)
    why = np.where(lowest, "least_load", "ramp")
    found += _runs(problem, "surplus", "", np.maximum(off, 0.0), why)
    for limit in problem.limits:
        beyond = source_kw(problem, schedule, limit.source) - limit.most_kw
        found += _runs(problem, "source", limit.source, np.maximum(beyond, 0.0), "limit")
    if problem.reserve_kw > 0.0:
        missing = np.maximum(problem.reserve_kw - reserve_kw(problem, schedule), 0.0)
        found += _runs(problem, "reserve", "", missing, "capacity")
    for i, tank in enumerate(problem.storages):
        missing_kwh = tank.end_kwh - float(schedule.level_kwh[i, -1])
        if missing_kwh > _EPS_KW:
            end_s = problem.start_s + problem.n_step * problem.step_s
            found.append(
                Relaxation(
                    name="storage_end",
                    subject=tank.code,
                    cause="capacity",
                    start_s=end_s,
                    end_s=end_s,
                    most_kw=missing_kwh,
                    total_kwh=missing_kwh,
                )
            )
    return tuple(found)


def _capacity_kw(problem: DispatchProblem, schedule: Schedule) -> Floats:
    """Return the most heat that units in service and storages could give, shape (n_step,)."""
    can = np.zeros(problem.n_step)
    for unit in problem.units:
        can += unit.most_kw if unit.out is None else np.where(unit.out, 0.0, unit.most_kw)
    for i, tank in enumerate(problem.storages):
        before = np.concatenate([[tank.now_kwh], schedule.level_kwh[i, :-1]])
        can += np.minimum(tank.discharge_kw, before / problem.hours)
    return can


def _runs(
    problem: DispatchProblem,
    name: str,
    subject: str,
    amount_kw: Floats,
    cause: str | np.ndarray[tuple[int], np.dtype[np.str_]],
) -> list[Relaxation]:
    """Return one relaxation for every unbroken run of steps with the same cause."""
    n = problem.n_step
    causes = np.full(n, cause) if isinstance(cause, str) else cause
    keys = np.where(amount_kw > _EPS_KW, causes, "")
    edges = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    found = []
    for first, last in zip([0, *edges.tolist()], [*edges.tolist(), n], strict=True):
        if keys[first]:
            part = amount_kw[first:last]
            found.append(
                Relaxation(
                    name=name,
                    subject=subject,
                    cause=str(keys[first]),
                    start_s=problem.start_s + first * problem.step_s,
                    end_s=problem.start_s + last * problem.step_s,
                    most_kw=float(part.max()),
                    total_kwh=float(part.sum()) * problem.hours,
                )
            )
    return found
