"""The network engine against pandapipes: the same district, tables and friction law, one run.

Steady: prescribed-flow consumers, water properties as they stand (pandapipes' `sequential`, its
fastest); cold includes everything a new topology needs, warm is a repeat with other demands.
Day: heat + return temperature consumers, 60 s steps; pandapipes' transient mode, one section a
pipe, is measured on some steps and scaled. Times are processor times of the one thread that both
tools use, measured in turn, so that other work on the machine does not count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench import pandapipes_peer as peer
from bench.lines import Lines, main
from bench.physics_cases import DAY_STEPS, OURS_KPA, Day, Steady, differences

ROOT = Path(__file__).resolve().parent.parent
FIRST_SOLVE = (
    "import time; begin = time.perf_counter()\n"
    "from bench.first_solve import first_solve\n"
    "first_solve(); print(time.process_time(), time.perf_counter() - begin)\n"
)


def first_call_s(cache: Path | None) -> tuple[float, float]:
    """Return processor and wall time of a new process: imports, steady solve, dynamic step."""
    environment = dict(os.environ, PYTHONPATH=f"{ROOT}:{ROOT / 'src'}")
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    run = subprocess.run(
        [sys.executable, "-c", FIRST_SOLVE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    busy, wall = run.stdout.split()[-2:]
    return float(busy), float(wall)


def _ratio(
    lines: Lines, name: str, ours: float, theirs: float, bar: float | None, note: str
) -> None:
    scale, unit = (1000.0, "ms") if ours < 1.0 else (1.0, "s")
    lines.add(
        name,
        theirs / ours,
        "x",
        peer="pandapipes",
        peer_value=theirs * scale,
        ratio=theirs / ours,
        at_least=bar,
        note=f"ours {ours * scale:.3g} {unit}, pandapipes {theirs * scale:.3g} {unit}; {note}",
    )


def _steady_lines(lines: Lines, quick: bool) -> None:
    nodes = "supply and return"
    limits = f"tolerance ours {OURS_KPA:g} kPa a link; {peer.TOLERANCES_TEXT}"
    small = Steady(1000, 1)
    size = f"{small.network.n_node} nodes, {small.network.n_link} links, {nodes}"
    rounds = 2 if quick else 12
    # One unmeasured solve of another district compiles both tools.
    warm_up = Steady(40, 9)
    warm_up.cold_s(1)
    warm_up.coupled_s(1)
    ours, theirs = small.cold_s(rounds)
    _ratio(
        lines,
        "physics.steady_1000_cold",
        ours,
        theirs,
        None if quick else 100.0,
        f"{size}; {limits}",
    )
    ours, theirs = small.warm_s(rounds)
    _ratio(
        lines, "physics.steady_1000_warm", ours, theirs, None if quick else 300.0, "other demands"
    )
    ours, theirs = small.coupled_s(rounds)
    _ratio(
        lines, "physics.steady_1000_coupled", ours, theirs, None,
        "cold, water properties follow temperatures; pandapipes bidirectional",
    )  # fmt: skip
    if quick:
        return
    large = Steady(5000, 1)
    ours, theirs = large.cold_s(6)
    size = f"{large.network.n_node} nodes, {large.network.n_link} links"
    _ratio(lines, "physics.steady_5000_cold", ours, theirs, 100.0, size)


def _day_lines(lines: Lines, quick: bool) -> None:
    day = Day(1000, 1)
    own, others = (60, 4) if quick else (DAY_STEPS, 96)
    ours, theirs = day.in_turn_s(own, others)
    note = f"{own} steps run, pandapipes {others} steps run and scaled, 1 section a pipe"
    _ratio(lines, "physics.day_1000", ours, theirs, None if quick else 100.0, note)
    if quick:
        return
    day = Day(5000, 1)
    ours, theirs = day.in_turn_s(DAY_STEPS, 12)
    note = "whole day run, pandapipes 12 steps run and scaled"
    _ratio(lines, "physics.day_5000", ours, theirs, None, note)


def _difference_lines(lines: Lines, quick: bool) -> None:
    found = np.zeros(3)
    seeds = (1,) if quick else (1, 2, 3)
    for seed in seeds:
        found = np.maximum(found, differences(200 if quick else 1000, seed))
    note = f"largest over {len(seeds)} districts, flow and heat consumers"
    for name, value, unit, bar in zip(
        ("flow_kg_s", "pressure_bar", "temperature_k"), found, ("kg/s", "bar", "K"),
        (1e-4, 1e-4, 1e-3), strict=True,
    ):  # fmt: skip
        lines.add(
            f"physics.diff_{name}", float(value), unit, at_most=bar, note=note, peer="pandapipes"
        )


def run(lines: Lines, quick: bool) -> None:
    """Print speed, agreement and compile time."""
    _steady_lines(lines, quick)
    _difference_lines(lines, quick)
    _day_lines(lines, quick)
    with tempfile.TemporaryDirectory(prefix="heatloop-numba-") as folder:
        if not quick:
            _first_call(lines, "compile_cold_s", [first_call_s(Path(folder))], 15.0, "empty cache")
        cache = None if quick else Path(folder)
        calls = [first_call_s(cache) for _ in range(1 if quick else 5)]
    _first_call(lines, "compile_cached_s", calls, None if quick else 2.0, "from the cache")


def _first_call(
    lines: Lines, name: str, calls: list[tuple[float, float]], bar: float | None, what: str
) -> None:
    busy, wall = (statistics.median(column) for column in zip(*calls, strict=True))
    note = f"new process, {what}: imports, steady solve, dynamic step; {wall:.2f} s by the clock"
    lines.add(f"physics.{name}", busy, "s", at_most=bar, note=note)


if __name__ == "__main__":
    sys.exit(main(run, "physics", sys.argv[1:]))
