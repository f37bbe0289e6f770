"""The engine against measurements, other tools' results, exact balances and hidden truths.

Public data are looked for in the folder named by HEATLOOP_DATA, or beside the repository; a line
whose data are absent is not printed, and a message says so.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

# Small matrices in many runs: threads of the linear algebra would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from bench.lines import Lines, main
from bench.nets import consumer_links, make_district, to_network
from bench.truth_destest import destest_ce0
from bench.truth_house import twin_house, twin_house_rmse_k, zones_rmse_k
from bench.truth_leaks import leak_figures
from bench.truth_pipes import energy_closure, gershub, ulg
from bench.truth_tools import dp_median, openmodelica_cases
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.heat.simulation import Simulation
from heatloop.network.steady import solve_steady

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("HEATLOOP_DATA", ROOT.parent / "shared" / "data"))
# Published figures: Schweiger et al. 2018 and the data's own score table; IBPSA's plug flow.
BEST_GERSHUB_K, BEST_ULG_151202_K = 0.233, 0.51
LEAK_BARS = {
    "truth.leak_zone_top1": 0.9,
    "truth.leak_detectable_honest": 0.9,
    "truth.zones_observable": 0.6,
}
LEAK_NOTES = {
    "truth.leak_zone_top1": "right zone, leak 2 % of source flow over 6 h, where observable",
    "truth.leak_detectable_honest": "share noticed at the smallest size said to be detectable",
    "truth.zones_observable": "share of zones",
    "truth.leak_smallest_share": "median smallest detectable leak over source flow",
    "truth.leak_false_alarms": "share of windows without a leak that raised one",
    "truth.leak_misplaced_m": "median distance along the network",
    "truth.leak_runs": "runs judged",
}


def network_closure(consumers: int, steps: int, dt_s: float = 60.0) -> float:
    """Return the heat a network's run cannot account for, over the heat its plant gave.

    Demands and supply temperature change at every step; the run includes a stand-still and flow
    that is turned round.
    """
    network, operation = to_network(make_district(consumers, 2), heat=False)
    links, plant = consumer_links(network), network.link_index()["plant"]
    design = operation.flow_kgs[links].copy()
    rng = np.random.default_rng(2)
    solver = Solver(network)
    state = solve_steady(solver, operation)
    water = Dynamics(network)
    water.fill(0.5 * (state.inlet_c + state.outlet_c))
    simulation = Simulation(solver, water)
    first = water.stored_kj()
    given = gone = 0.0
    for step in range(steps):
        factor = rng.uniform(0.3, 1.1, len(links))
        if step % 40 > 34:
            factor[:] = 0.0
        operation.flow_kgs[links] = design * factor * (-1.0 if step % 40 == 30 else 1.0)
        operation.demand_kw[links] = 4.187 * np.abs(operation.flow_kgs[links]) * 35.0
        operation.outlet_c[plant] = 85.0 + 8.0 * np.sin(step / 15.0)
        simulation.step(operation, dt_s)
        moved = simulation.moved
        if moved is not None:
            given += float(moved.given_kj.sum() + moved.outside_kj.sum())
            gone += float(moved.taken_kj.sum() + moved.lost_kj.sum())
    return abs(first + given - gone - water.stored_kj()) / max(abs(given), 1.0)


def _pipe_lines(lines: Lines) -> list[float]:
    error, run = gershub(DATA / "pipe_gershub")
    closures = [energy_closure(run)]
    lines.add(
        "truth.gershub1_rmse_k", error, "K", at_most=0.145,
        note=f"best published tool {BEST_GERSHUB_K} K; no parameter fitted; the data do not say "
        "where flow is metered: litres at the outlet's temperature (at the inlet's: 0.245 K)",
    )  # fmt: skip
    for name, bar, note in (
        ("150801", 0.42, "no parameter fitted"),
        ("151202", 0.51, f"IBPSA plug flow {BEST_ULG_151202_K} K; no parameter fitted"),
    ):
        error, run = ulg(DATA / "pipe_ulg", name)
        closures.append(energy_closure(run))
        lines.add(f"truth.ulg_{name}_rmse_k", error, "K", at_most=bar, note=note)
    return closures


def _tool_lines(lines: Lines) -> None:
    columns = destest_ce0(DATA)
    outside = [column.name for column in columns if not column.inside]
    note = (
        f"{len(columns)} columns, band of six tools; roughness and foam conductivity are not in "
        "the tables and were chosen to agree with the published temperatures"
    )
    lines.add(
        "truth.destest_ce0_outside_band", len(outside), "columns", at_most=0,
        note=f"{note}; outside: {', '.join(outside)}" if outside else note,
    )  # fmt: skip
    results = openmodelica_cases(DATA)
    peer = statistics.median(result.peer_p_deviation for result in results)
    lines.add(
        "truth.pandapipes_dp_median", dp_median(results), "-", at_most=2e-4,
        note=f"{len(results)} OpenModelica cases, house friction and water; pandapipes {peer:.2e} "
        "on the same, and so are we with its friction and fluid",
    )  # fmt: skip


def _house_lines(lines: Lines) -> None:
    note = "second half simulated freely, learned from the first"
    lines.add("truth.twin_house_rmse_k", twin_house_rmse_k(DATA), "K", note=note)
    zones = zones_rmse_k(twin_house(DATA))
    rooms = ", ".join(f"{name} {value:.2f}" for name, value in zones.items() if name != "mean")
    lines.add("truth.twin_house_zones_rmse_k", zones["mean"], "K", note=f"K: {rooms}")


def _leak_lines(lines: Lines, quick: bool) -> None:
    for name, value in leak_figures(quick).items():
        # A handful of runs says little about shares: the bars belong to the whole set.
        bar = None if quick else LEAK_BARS.get(name)
        lines.add(name, value, "-", at_least=bar, note=LEAK_NOTES.get(name, ""))


def run(lines: Lines, quick: bool) -> None:
    """Print what is known to be true, and how far off we are."""
    closures = [network_closure(40 if quick else 300, 120 if quick else 720)]
    if DATA.is_dir():
        closures += _pipe_lines(lines)
        _tool_lines(lines)
        if not quick:
            _house_lines(lines)
    else:
        print(f"no public data in {DATA}: set HEATLOOP_DATA", file=sys.stderr)
    lines.add(
        "truth.energy_closure", max(closures), "-", at_most=1e-9,
        note="of throughput; largest of the pipes and a network that stands still and turns round",
    )  # fmt: skip
    _leak_lines(lines, quick)


if __name__ == "__main__":
    sys.exit(main(run, "physics_truth", sys.argv[1:]))
