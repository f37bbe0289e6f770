"""Solve a dispatch problem with HiGHS; whatever happens, give a plan that passes the check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heatloop.control.dispatch import DispatchPlan, DispatchProblem, Floats, Schedule
from heatloop.control.dispatch_check import check
from heatloop.control.dispatch_costs import (
    balance_kw,
    change_yuan,
    costs_of,
    relaxations_of,
)
from heatloop.control.dispatch_fallback import proportional_split
from heatloop.control.dispatch_model import DispatchModel, Program

GAP = 0.005
"""Relative gap at which a plan is good enough."""
LIMIT_S = 60.0
"""Time the solver has."""
_HELD_SHARE = 0.25
"""Share of it for the plan that goes on as before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Solved:
    """What the solver said."""

    x: Floats | None
    """Its columns, None without any."""
    proven: bool
    """Whether the gap asked for is proven."""
    gap: float
    """Gap that is proven."""
    seconds: float
    """Time it took."""
    said: str
    """Its own word for how it ended."""


def solve_dispatch(
    problem: DispatchProblem, *, gap: float = GAP, limit_s: float = LIMIT_S
) -> DispatchPlan:
    """Return the plan of least cost; the proportional split when there is none that is better.

    Where a plan stands, its units go on as it has them unless another plan is cheaper by more
    than the gap: between equals nothing is started and nothing stopped for nothing. The gap the
    plan then tells counts what that leaves open as well.

    Args:
        problem: What is known.
        gap: Relative gap at which the solver may stop.
        limit_s: Time it has.
    """
    split = proportional_split(problem)
    model = DispatchModel(problem)
    start, held = split, None
    try:
        if problem.standing is not None:
            held = _held(model, split, gap, limit_s * _HELD_SHARE)
            start = held or split
        solved = run_highs(model.program(), start=model.columns_of(start), gap=gap, limit_s=limit_s)
    except Exception as error:  # noqa: BLE001 - whatever the solver does, there is an answer
        solved = Solved(
            x=None, proven=False, gap=np.nan, seconds=0.0, said=f"{type(error).__name__}: {error}"
        )
    schedule = None if solved.x is None else model.schedule(solved.x)
    kept = held is not None and (schedule is None or _as_good(problem, held, schedule, gap))
    if held is not None and schedule is not None and kept:
        solved = replace(solved, gap=solved.gap + _dearer(problem, held, schedule))
    return released(problem, held if kept else schedule, split, solved, kept=kept)


def _dearer(problem: DispatchProblem, held: Schedule, found: Schedule) -> float:
    """Return by how much the first costs more, as a share of the other; changes counted."""
    cost = _worth_yuan(problem, found)
    return max(_worth_yuan(problem, held) - cost, 0.0) / max(abs(cost), 1e-9)


def _worth_yuan(problem: DispatchProblem, schedule: Schedule) -> float:
    return costs_of(problem, schedule).total_yuan + change_yuan(problem, schedule)


def _held(model: DispatchModel, split: Schedule, gap: float, limit_s: float) -> Schedule | None:
    """Return the best schedule in which units go on as the plan that stands has them."""
    program = model.program(held=True)
    found = run_highs(program, start=model.columns_of(split), gap=0.2 * gap, limit_s=limit_s)
    if found.x is None:
        return None
    schedule = model.schedule(found.x)
    return None if check(model.problem, schedule) else schedule


def _as_good(problem: DispatchProblem, held: Schedule, found: Schedule, gap: float) -> bool:
    """Return whether a schedule is no dearer than another by more than the gap."""
    # Of the fuel where that is more: revenue makes a total small, and then any trifle counts.
    least = gap * costs_of(problem, found).fuel_yuan / max(abs(_worth_yuan(problem, found)), 1e-9)
    return _dearer(problem, held, found) <= max(gap, least)


def released(
    problem: DispatchProblem,
    schedule: Schedule | None,
    split: Schedule,
    solved: Solved,
    *,
    kept: bool = False,
) -> DispatchPlan:
    """Return the plan that may be released: the solver's if it is sound and no dearer."""
    baseline, reason = costs_of(problem, split), ""
    if schedule is None:
        reason = f"no plan from the solver: {solved.said}"
    else:
        broken = check(problem, schedule)
        if broken:
            first = broken[0]
            reason = f"the solver's plan breaks {first.rule} of {first.subject}"
        elif costs_of(problem, schedule).total_yuan > baseline.total_yuan + 1e-6:
            reason = "the proportional split is cheaper than what the solver found in time"
    chosen = split if reason or schedule is None else schedule
    off = balance_kw(problem, chosen)
    result = "fallback" if reason else "optimal" if solved.proven else "feasible"
    return DispatchPlan(
        schedule=chosen,
        costs=costs_of(problem, chosen),
        baseline=baseline,
        relaxations=relaxations_of(problem, chosen),
        result=result,
        reason=reason,
        gap=np.nan if reason else solved.gap,
        solver_s=solved.seconds,
        unserved_kw=np.maximum(-off, 0.0),
        surplus_kw=np.maximum(off, 0.0),
        kept=kept and not reason,
    )


def run_highs(
    program: Program,
    *,
    start: tuple[np.ndarray[Any, Any], Floats] | None = None,
    gap: float = GAP,
    limit_s: float = LIMIT_S,
) -> Solved:
    """Return what HiGHS makes of a program.

    Args:
        program: The program.
        start: Columns and values of a plan that is known.
        gap: Relative gap at which it may stop.
        limit_s: Time it has.
    """
    import highspy

    h: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("mip_rel_gap", gap),
        ("time_limit", limit_s),
        ("mip_feasibility_tolerance", 1e-7),
        # Measured: the bound closes in the root, searching near the relaxation costs a third.
        ("mip_heuristic_effort", 0.01),
        ("mip_heuristic_run_root_reduced_cost", False),
    ):
        h.setOptionValue(option, value)
    h.passModel(_lp(program, highspy))
    if start is not None:
        h.setSolution(len(start[0]), start[0].astype(np.int32), start[1])
    h.run()
    info, status = h.getInfo(), h.getModelStatus()
    has = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return Solved(
        x=np.asarray(h.getSolution().col_value, dtype=np.float64) if has else None,
        proven=status == highspy.HighsModelStatus.kOptimal,
        gap=float(info.mip_gap),
        seconds=float(h.getRunTime()),
        said=h.modelStatusToString(status),
    )


def _lp(program: Program, highspy: Any) -> Any:
    """Return the program as HiGHS takes it, its matrix by columns."""
    n_column, n_row = len(program.cost), len(program.low)
    order = np.lexsort((program.row, program.column))
    counts = np.bincount(program.column, minlength=n_column)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n_column, n_row
    lp.offset_ = program.offset
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.least, program.most
    lp.row_lower_, lp.row_upper_ = program.low, program.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    lp.a_matrix_.index_ = program.row[order].astype(np.int32)
    lp.a_matrix_.value_ = program.value[order]
    whole, free = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    lp.integrality_ = [whole if each else free for each in program.whole.tolist()]
    return lp
