"""`heatloop simulate network`: a network's file, steady or over a profile, to tables."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from heatloop.cli.simulate_profile import Profile, profile_of
from heatloop.cli.simulate_progress import LateProgress
from heatloop.cli.simulate_results import summary_of
from heatloop.cli.simulate_series import Series, read_series
from heatloop.cli.simulate_tables import TimeTables
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import Friction
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady

_MOST_STEPS = 10_000_000


def run(options: argparse.Namespace) -> int:
    """Solve, write the folder and print what came out."""
    from heatloop.store.networks.files import read_network
    from heatloop.store.networks.results import write_results

    started = machine_s()
    file = read_network(options.network)
    for finding in file.findings:
        _warn(f"{finding.place}: {finding.thing}: {finding.zh} {finding.en}")
    network, operation = file.network, file.operation
    series = read_series(options.profile, options.tz) if options.profile else None
    profile = profile_of(series, network, operation) if series else None
    _make(options.out)
    solver = Solver(network, friction=Friction[options.friction.upper()])
    if profile is not None:
        profile.apply(operation, 0.0)
    state = solve_steady(solver, operation)
    more: dict[str, Any] = {}
    if profile is not None and series is not None:
        state, more = _dynamic(options, solver, operation, state, profile, series)
    write_results(file, state, options.out, language=options.language)
    summary = {
        "network": file.name or options.network.name,
        "friction": options.friction,
        **summary_of(network, operation, state),
        **more,
        "seconds": round(machine_s() - started, 3),
    }
    text = json.dumps(summary, ensure_ascii=False, indent=1)
    (options.out / "summary.json").write_text(text + "\n", encoding="utf-8")
    _answer(options, summary)
    return 0


def _dynamic(
    options: argparse.Namespace,
    solver: Solver,
    operation: Operation,
    state: State,
    profile: Profile,
    series: Series,
) -> tuple[State, dict[str, Any]]:
    """Run from the steady state of the first row to the last row; return the last state."""
    from heatloop.network.heat.dynamic import Dynamics
    from heatloop.network.heat.simulation import Simulation

    steps = _steps(options, float(series.t_s[-1]))
    network = solver.network
    water = Dynamics(network, fluid=solver.fluid)
    water.fill(0.5 * (state.inlet_c + state.outlet_c))
    simulation = Simulation(solver, water)
    held_first = water.stored_kj()
    progress = LateProgress("simulate network", steps)
    given = taken = lost = outside = 0.0
    with TimeTables(options.out, network, options.only) as tables:
        tables.write(0.0, state)
        due = options.every
        for step in range(1, steps + 1):
            # The row that holds at the beginning of a step holds for all of it.
            profile.apply(operation, (step - 1) * options.step)
            state = simulation.step(operation, options.step)
            moved = simulation.moved
            if moved is None:
                continue
            given += float(moved.given_kj.sum())
            taken += float(moved.taken_kj.sum())
            lost += float(moved.lost_kj.sum())
            outside += float(moved.outside_kj.sum())
            if step * options.step >= due - 1e-6 or step == steps:
                tables.write(step * options.step, state)
                due += options.every
            progress.show(step)
    progress.end()
    stored = water.stored_kj() - held_first
    return state, {
        "duration_s": steps * options.step,
        "step_s": options.step,
        "steps": steps,
        "given_kwh": round(given / 3600.0, 4),
        "taken_kwh": round(taken / 3600.0, 4),
        "lost_kwh": round(lost / 3600.0, 4),
        "stored_kwh": round(stored / 3600.0, 4),
        "energy_closure": abs(given - taken - lost + outside - stored) / max(abs(given), 1e-9),
    }


def _steps(options: argparse.Namespace, duration_s: float) -> int:
    for name in ("step", "every"):
        value = getattr(options, name)
        if not 0.0 < value <= 86400.0:
            raise InputError("超出范围 out of range", thing=f"--{name} {value:g}", fix="1 to 86400")
    steps = int(duration_s / options.step + 0.5)
    if not 1 <= steps <= _MOST_STEPS:
        raise InputError(
            "步长与时间不符 the step does not fit the profile",
            thing=f"--step {options.step:g}",
            place=f"profile lasts {duration_s:g} s",
            fix="give a shorter step or a longer profile",
        )
    return steps


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"无法建立 cannot be made: {error}", thing=str(folder)) from error


def _warn(text: str) -> None:
    print(f"heatloop: {text}", file=sys.stderr)


def _answer(options: argparse.Namespace, summary: dict[str, Any]) -> None:
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return
    print(
        f"{summary['network']}: {summary['nodes']} nodes, {summary['links']} links, "
        f"{summary['consumers']} consumers"
    )
    for name, plant in summary["plants"].items():
        print(
            f"  {name}: {plant['heat_kw']} kW, {plant['flow_kgs']} kg/s, "
            f"供 supply {plant['supply_c']} / 回 return {plant['return_c']} degC"
        )
    print(
        f"  用热 taken {summary['heat_taken_kw']} kW, 散热 lost {summary['heat_lost_kw']} kW; "
        f"最不利用户 worst consumer {summary['worst_consumer']}: {summary['worst_drop_kpa']} kPa"
    )
    for island in summary["islands"]:
        _warn(
            f"无定压 no held pressure reaches {island['nodes']} nodes: "
            f"{', '.join(island['first_nodes'])}"
        )
    print(f"{options.out}")
