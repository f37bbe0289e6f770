"""A season in closed loop: delivered curve, tuned curve and model predictive control side by side.

The plant is the 40-substation demo city with its hidden truth, the same weather and people for
every controller; savings are counted in yuan of heat, pump electricity and comfort charge, always
against the tuned curve, beside what perfect information would have saved.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.lines import Lines, main
from bench.season_bound import Known, perfect
from bench.season_mpc import Learnt, Levels, Mpc, find_levels, know
from bench.season_tune import Curves, tune
from bench.season_world import (
    HEAT_YUAN_KWH,
    POWER_YUAN_KWH,
    Block,
    Record,
    World,
)
from heatloop.control.tuned_curve import NAMES
from heatloop.network.arrays import Floats

_DRAWS = 4000
_RUN_DAYS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is run."""

    size: str = "medium"
    rounds: int = 20
    trials: int = 12
    tune_days: int = 7
    learn_days: int = 12
    days: int = 30
    burn_in: int = 4
    seeds: tuple[int, ...] = (301, 302, 303)
    workers: int = 2


QUICK = Plan(
    size="tiny", rounds=3, trials=6, tune_days=1, learn_days=4, days=3, burn_in=1, seeds=(301,)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What one controller came to in one block."""

    cost_yuan: Floats
    """Of each day, shape (n_day,)."""
    heat_kwh: float
    pump_kwh: float
    cold_room_h: float
    room_c: Floats
    """Mean of each unit, shape (n_unit,)."""
    return_c: float
    """Mean over units and time."""
    supply_p95_k: float
    """Of the distance to the set-point."""

    @classmethod
    def of(cls, record: Record, block: Block) -> Sums:
        """Sum up a run."""
        away = np.abs(record.array("supply_c", block) - record.array("wanted_c", block))
        return cls(
            cost_yuan=record.cost_yuan(block).sum(axis=1).reshape(block.days, -1).sum(axis=1),
            heat_kwh=float(record.array("heat_kwh", block).sum()),
            pump_kwh=float(record.array("pump_kwh", block).sum()),
            cold_room_h=float(record.array("cold_room_h", block).sum()),
            room_c=record.array("room_c", block).mean(axis=0),
            return_c=float(record.array("return_c", block).mean()),
            supply_p95_k=float(np.percentile(away, 95.0)),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All controllers in one block."""

    block: Block
    runs: dict[str, Sums]
    """By name: delivered, tuned, mpc, perfect."""
    bound_yuan: float
    """What a linear bound says could be saved at most."""
    room_mae_k: float
    """True mean of a unit's rooms against what control wanted."""
    fallbacks: int
    """Plans that were the weather curve."""
    room_hours: float
    """Rooms times hours."""
    room_yuan_k: Floats
    """What a kelvin of each unit costs in heat over the block, shape (n_unit,)."""
    area_m2: Floats
    """Shape (n_unit,)."""


def compare(
    plan: Plan, block: Block, settings: Floats, learnt: list[Learnt], levels: Levels
) -> Outcome:
    """Run one block of weather under every controller."""
    runs: dict[str, Sums] = {}
    world = World(plan.size, block)
    runs["delivered"] = Sums.of(world.run(None), block)
    world = World(plan.size, block)
    tuned = world.run(Curves(world, settings), keep_zones=True)
    runs["tuned"] = Sums.of(tuned, block)
    best, bound = perfect(plan.size, block, tuned, rounds=2)
    runs["perfect"] = Sums.of(best, block)
    del tuned, best
    world = World(plan.size, block)
    control = Mpc(world, learnt, levels, settings)
    record = world.run(control)
    runs["mpc"] = Sums.of(record, block)
    wanted = np.array(control.target_c[block.burn_in * 96 :])
    hours = 24.0 * block.days
    return Outcome(
        block=block,
        runs=runs,
        bound_yuan=bound,
        room_mae_k=float(np.nanmean(np.abs(record.array("room_c", block) - wanted))),
        fallbacks=control.fallbacks,
        room_hours=float(world.unit_rooms.sum()) * hours,
        room_yuan_k=HEAT_YUAN_KWH * Known(world).loss * hours,
        area_m2=np.asarray(world.unit_m2, dtype=np.float64),
    )


def past_run(plan: Plan, block: Block, settings: Floats) -> tuple[Block, Record]:
    """Return a run of the tuned curve to learn from."""
    world = World(plan.size, block)
    return block, world.run(Curves(world, settings), keep_seen=True)


def run(lines: Lines, quick: bool, plan: Plan | None = None) -> None:
    """Tune, learn, run the seasons, and print what came of them."""
    plan = plan or (QUICK if quick else Plan())
    os.environ["OMP_NUM_THREADS"] = "1"
    first = World(plan.size, Block(seed=201, mild=False, days=1))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1 if quick else plan.workers, mp_context=spawn) as pool:
        do: Callable[..., Iterable[Any]] = map if quick else pool.map
        settings = _tuned(lines, plan, first, do)
        blocks = [
            Block(seed=401 + mild, mild=bool(mild), days=plan.learn_days, burn_in=2)
            for mild in (0, 1)
        ]
        past = list(do(past_run, [plan] * 2, blocks, [settings] * 2))
        parts = np.array_split(np.arange(first.n_unit), 1 if quick else plan.workers)
        n = len(parts)
        known = list(do(know_part, [plan.size] * n, [past] * n, [p.tolist() for p in parts]))
        learnt = [one for each, _ in known for one in each]
        believed = [np.concatenate(r, axis=1) for r in zip(*(r for _, r in known), strict=True)]
        levels = find_levels(first, past, learnt, believed)
        del past, known, believed
        _print_levels(lines, levels)
        blocks = [
            Block(seed=seed, mild=mild, days=plan.days, burn_in=plan.burn_in)
            for seed in plan.seeds
            for mild in (False, True)
        ]
        n = len(blocks)
        found = list(do(compare, [plan] * n, blocks, [settings] * n, [learnt] * n, [levels] * n))
    _report(lines, found, plan)


def _tuned(lines: Lines, plan: Plan, world: World, do: Callable[..., Iterable[Any]]) -> Floats:
    blocks = (
        Block(seed=201, mild=False, days=plan.tune_days, burn_in=3),
        Block(seed=202, mild=True, days=plan.tune_days, burn_in=3),
    )
    settings, cost, delivered = tune(world, plan.size, blocks, plan.rounds, plan.trials, do)
    lines.add("season.tuning_evaluations", plan.rounds * plan.trials, "runs of all units")
    lines.add(
        "season.tuning_gain_pct",
        100.0 * (1.0 - float(cost.sum() / delivered.sum())),
        "%",
        note="tuned against delivered curve, on the weather it was tuned on (seeds 201, 202)",
    )
    for unit, row in enumerate(settings.tolist()):
        told = ", ".join(f"{name} {value:.2f}" for name, value in zip(NAMES, row, strict=True))
        lines.add(f"season.tuned.UN{unit + 1:04d}", float(cost[unit]), "yuan/d", note=told)
    return settings


def know_part(
    size: str, past: list[tuple[Block, Record]], units: list[int]
) -> tuple[list[Learnt], list[Floats]]:
    """Return what some units teach, see `know`."""
    return know(World(size, Block(seed=201, mild=False, days=1)), past, units)


def _print_levels(lines: Lines, levels: Levels) -> None:
    for outdoor, row in zip(levels.outdoor_c.tolist(), levels.shift_k, strict=True):
        lines.add(
            f"season.level_shift_k.{'cold' if outdoor < -8.0 else 'mild'}",
            float(row.mean()),
            "K",
            note=f"wanted over what the tuned curve kept at {outdoor:.1f} degC outdoors",
        )


def _report(lines: Lines, found: list[Outcome], plan: Plan) -> None:
    seeds = plan.seeds
    by_seed = [
        _saving_pct([o for o in found if o.block.seed == seed], "tuned", "mpc") for seed in seeds
    ]
    low, high = _interval(found)
    tuned, mpc = _total(found, "tuned"), _total(found, "mpc")
    possible = tuned - _total(found, "perfect")
    parts = ", ".join(
        f"{'mild' if o.block.mild else 'cold'} {o.block.seed}: "
        f"{_saving_pct([o], 'tuned', 'mpc'):.2f} of {_saving_pct([o], 'tuned', 'perfect'):.2f}"
        for o in found
    )
    lines.add(
        "season.saving_vs_tuned_pct",
        float(np.median(by_seed)),
        "%",
        note=f"goal 5; heat, pumps and comfort charge; of possible by block: {parts}",
    )
    lines.add(
        "season.saving_low_pct",
        low,
        "%",
        at_least=1e-9,
        note=f"90 % interval {low:.2f} to {high:.2f}",
    )
    lines.add("season.share_of_possible", (tuned - mpc) / possible, "", at_least=0.5)
    hours = sum(o.room_hours for o in found)
    cold = {name: sum(o.runs[name].cold_room_h for o in found) for name in found[0].runs}
    shares = ", ".join(f"{name} {100.0 * value / hours:.2f} %" for name, value in cold.items())
    lines.add(
        "season.cold_hours_excess_pct",
        100.0 * (cold["mpc"] - cold["tuned"]) / hours,
        "% of room-hours",
        at_most=0.1,
        note=f"below 18 degC: {shares}",
    )
    drop = np.array([_room_c(o, "tuned") - _room_c(o, "mpc") for o in found])
    lines.add("season.mean_room_drop_k", float(drop.mean()), "K", at_most=0.3)
    lower = sum(
        float(((o.runs["tuned"].room_c - o.runs["mpc"].room_c) * o.room_yuan_k).sum())
        for o in found
    )
    lines.add("season.saving_by_lower_rooms_pct", 100.0 * lower / tuned, "%")
    lines.add("season.saving_by_timing_pct", 100.0 * (tuned - mpc - lower) / tuned, "%")
    lines.add("season.room_mae_k", float(np.mean([o.room_mae_k for o in found])), "K", at_most=0.5)
    far = ", ".join(
        f"{name} {max(o.runs[name].supply_p95_k for o in found):.2f}" for name in found[0].runs
    )
    lines.add(
        "season.supply_p95_k",
        max(o.runs["mpc"].supply_p95_k for o in found),
        "K",
        at_most=1.0,
        note=f"worst block of each: {far}",
    )
    lines.add(
        "season.bound_saving_pct",
        100.0 * possible / tuned,
        "%",
        note="perfect information, a season really run; linear bound "
        f"{100.0 * sum(o.bound_yuan for o in found) / tuned:.2f} %",
    )
    _print_figures(lines, found, tuned)


def _print_figures(lines: Lines, found: list[Outcome], tuned: float) -> None:
    for name in ("delivered", "tuned", "mpc", "perfect"):
        runs = [o.runs[name] for o in found]
        days = sum(len(r.cost_yuan) for r in runs)
        heat, pump = sum(r.heat_kwh for r in runs), sum(r.pump_kwh for r in runs)
        comfort = _total(found, name) - HEAT_YUAN_KWH * heat - POWER_YUAN_KWH * pump
        lines.add(
            f"season.cost.{name}",
            _total(found, name) / days,
            "yuan/d",
            note=f"heat {heat / days:.0f} kWh/d, pumps {pump / days:.0f} kWh/d, comfort charge "
            f"{comfort / days:.0f} yuan/d, {100.0 * (1.0 - _total(found, name) / tuned):.2f} % "
            "below tuned",
        )
        lines.add(f"season.return_c.{name}", float(np.mean([r.return_c for r in runs])), "degC")
        lines.add(f"season.pump_kwh_d.{name}", pump / days, "kWh/d")
        lines.add(
            f"season.room_c.{name}", float(np.mean([_room_c(o, name) for o in found])), "degC"
        )
    lines.add("season.fallback_plans", sum(o.fallbacks for o in found), "")


def _total(found: list[Outcome], name: str) -> float:
    return float(sum(o.runs[name].cost_yuan.sum() for o in found))


def _saving_pct(found: list[Outcome], base: str, other: str) -> float:
    return 100.0 * (1.0 - _total(found, other) / _total(found, base))


def _room_c(outcome: Outcome, name: str) -> float:
    return float(outcome.runs[name].room_c @ outcome.area_m2 / outcome.area_m2.sum())


def _interval(found: list[Outcome]) -> tuple[float, float]:
    """Return the 90 % interval of the saving by drawing runs of days, %."""
    rng = np.random.default_rng(5)
    base: list[float] = []
    other: list[float] = []
    for outcome in found:
        for name, kept in (("tuned", base), ("mpc", other)):
            cost = outcome.runs[name].cost_yuan
            n = len(cost) // _RUN_DAYS * _RUN_DAYS
            kept.extend(cost[:n].reshape(-1, _RUN_DAYS).sum(axis=1).tolist())
    tuned, mpc = np.array(base), np.array(other)
    drawn = rng.integers(0, len(tuned), (_DRAWS, len(tuned)))
    saving = 100.0 * (1.0 - mpc[drawn].sum(axis=1) / tuned[drawn].sum(axis=1))
    return float(np.percentile(saving, 5.0)), float(np.percentile(saving, 95.0))


if __name__ == "__main__":
    sys.exit(main(run, "season", sys.argv[1:]))
