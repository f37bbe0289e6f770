"""Station control and dispatch: how fast, for how many, and whether every answer may be written."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from bench import control_dispatch
from bench.control_fleet import BASE_YUAN_KWH, Company, stations
from bench.control_states import draw, wrong
from bench.lines import Lines, main
from heatloop.control.coordination import Limit, coordinate
from heatloop.control.mpc_task import N_STEP

MPC_PER_S, FLEET_S, ANSWER_S, VIOLATION, SWEEPS = 1000.0, 60.0, 10.0, 0.005, 20
_CAP_SHARE = 0.9


def _rate(lines: Lines, quick: bool) -> None:
    """Print complete solves a second of one core: linearise, fill, solve, read the answer."""
    group = stations(0, 40)
    for each in group:
        each.mpc.solve(each.state, each.forecast, BASE_YUAN_KWH)
    rates, walls = [], []
    for turn in range(5 if quick else 25):
        price = BASE_YUAN_KWH * (1.0 + 0.1 * np.sin(np.arange(N_STEP) / 7.0 + turn))
        wall, cpu = time.perf_counter(), time.process_time()
        for each in group:
            each.mpc.solve(each.state, each.forecast, price)
        rates.append(len(group) / (time.process_time() - cpu))
        walls.append(len(group) / (time.perf_counter() - wall))
    lines.add(
        "control.mpc_per_s",
        statistics.median(rates),
        "solves/s of one core",
        at_least=MPC_PER_S,
        note=f"24 h x 15 min, 480 variables, prices changed each time; processor time, "
        f"by the wall clock {statistics.median(walls):.0f}",
    )


def _fleet(lines: Lines, count: int) -> None:
    """Print how long a company under two limits takes, from nothing to plans that fit."""
    company = Company(count)
    try:
        company.warm()
        started = time.perf_counter()
        answer = company.build()
        free = company.respond(np.zeros((2, N_STEP)))
        caps = [np.full(N_STEP, _CAP_SHARE * each.max()) for each in free]
        third = (np.arange(count) < count / 3).astype(np.float64)
        limits = [
            Limit(name="plant", cap_kw=caps[0], members=np.ones(count)),
            Limit(name="branch", cap_kw=caps[1], members=third),
        ]
        found = coordinate(limits, company.respond, answer, sweeps=SWEEPS, tolerance=VIOLATION)
        took = time.perf_counter() - started
        lines.add(
            f"control.fleet_{count}_s",
            took,
            "s",
            at_most=FLEET_S,
            note=f"plant and one branch at {_CAP_SHARE:.0%} of the free peak, two processes, "
            f"models to plans; {company.fallbacks()} stations on the curve",
        )
        lines.add(
            "control.fleet_violation",
            found.violation,
            "of the cap",
            at_most=VIOLATION,
            note=f"after {found.sweeps} sweeps of at most {SWEEPS}",
        )
    finally:
        company.close()


def _valid(lines: Lines, count: int) -> None:
    """Print which share of answers to random states may be written, and how long they take."""
    took, bad = [], {}
    for number in range(count):
        mpc, (state, forecast, price), curve_only = draw(number)
        started = time.perf_counter()
        plan = mpc.solve(state, forecast, price)
        took.append(time.perf_counter() - started)
        why = wrong(plan, mpc.model, mpc.task, state, curve_only)
        if why:
            bad[number] = why
    first = "; ".join(f"{number}: {why}" for number, why in list(bad.items())[:4])
    lines.add(
        "control.valid_setpoints",
        1.0 - len(bad) / count,
        "share",
        at_least=1.0,
        note=f"{count} random states, a sixth of them with no weather to plan for" + first,
    )
    lines.add("control.answer_p99_s", float(np.percentile(took, 99.0)), "s", at_most=ANSWER_S)


def run(lines: Lines, quick: bool) -> None:
    """Print how station control and dispatch do."""
    _rate(lines, quick)
    _valid(lines, 120 if quick else 1000)
    _fleet(lines, 100 if quick else 4000)
    control_dispatch.run(lines, quick)


if __name__ == "__main__":
    sys.exit(main(run, "control", sys.argv[1:]))
