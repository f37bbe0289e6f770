"""The savings ledger on houses whose saving is known: does its interval hold the truth?

The same houses stand twice under the same weather and people: once always on the tuned curve,
once under a strategy that saves a known part, with switch-back days. The ledger sees the second
city's meters only. People differ from day to day, meters have their errors.
"""

from __future__ import annotations

import sys

import numpy as np

from bench.lines import Lines, main
from bench.season_tune import Houses
from bench.season_world import STEP_S, Block, World, local_hour
from heatloop.control.tuned_curve import AS_DELIVERED, CurveDesigns, next_outdoor_c, supply_c
from heatloop.demo.weather import Winter, gain_factor
from heatloop.kpi.savings import assess
from heatloop.kpi.savings_day import Day, Mode, Prices
from heatloop.kpi.savings_plan import switches_back
from heatloop.kpi.savings_result import Verdict
from heatloop.network import building

_BASELINE_DAYS, _DAYS, _SETTLE_DAYS = 28, 90, 4
_COLD_C = 18.0


def simulate(
    houses: Houses, world: World, seed: int, shift_k: float
) -> tuple[list[Day], list[float]]:
    """Return what the ledger sees of one season and the true saving of each of its days, yuan.

    Args:
        houses: Two copies of one city.
        world: The same city, for its books.
        seed: Of weather and people.
        shift_k: What the strategy lowers the curve.
    """
    rng = np.random.default_rng((seed, 21))
    block = Block(seed=seed, mild=False, days=_DAYS, burn_in=_SETTLE_DAYS)
    winter, n = Winter(seed), world.n_unit
    designs = CurveDesigns.of(world.designs)
    flow = np.tile(houses.base_kgs, 2)
    water, rooms = houses.start(flow.size)
    now_s = block.start_s - 86400.0 * _SETTLE_DAYS
    settle = float(np.mean([winter.at(now_s - i * 7200.0).outdoor_c for i in range(48)]))
    building.settle_walls(houses.rooms, rooms, settle)
    damped = np.full((2, n), settle)
    prices, days, true_yuan = Prices(), [], []
    gain_meter = 1.0 + rng.uniform(-0.015, 0.015)
    for day in range(-_SETTLE_DAYS, _DAYS):
        running = day >= _BASELINE_DAYS and not switches_back("UN0001", day)
        settings = np.tile(AS_DELIVERED, (2, n, 1))
        settings[1, :, 1] -= shift_k if running else 0.0
        lively = rng.lognormal(0.0, 0.15)
        kwh, cold = np.zeros(2), np.zeros(2)
        outdoor, sun, wind = 0.0, 0.0, 0.0
        for _ in range(96):
            sky = winter.at(now_s)
            damped = next_outdoor_c(damped, sky.outdoor_c, settings, STEP_S)
            goal = supply_c(designs, settings, damped, local_hour(now_s)).ravel()
            heat, emitted = houses.heat(water, rooms, flow, goal)
            now_s += STEP_S
            building.step_buildings(
                houses.rooms,
                rooms,
                heat_kw=emitted,
                outdoor_c=sky.outdoor_c,
                wind_ms=sky.wind_ms,
                sun_kw_m2=sky.sun_w_m2 / 1000.0,
                gain_factor=gain_factor(now_s) * lively,
                dt_s=float(STEP_S),
            )
            kwh += heat.reshape(2, n).sum(axis=1) * STEP_S / 3600.0
            lack = np.maximum(_COLD_C - rooms.zone_c, 0.0) * houses.area_m2
            cold += lack.reshape(2, -1).sum(axis=1) * STEP_S / 3600.0
            outdoor, sun, wind = (
                outdoor + sky.outdoor_c / 96.0,
                sun + sky.sun_w_m2 / 4000.0,
                wind + sky.wind_ms / 96.0,
            )
        if day < 0:
            continue
        cost = prices.heat_yuan_kwh * kwh + prices.cold_yuan_m2kh * cold
        true_yuan.append(float(cost[0] - cost[1]))
        days.append(
            Day(
                number=day,
                mode=Mode.STRATEGY if running else Mode.CURVE,
                heat_kwh=float(kwh[1]) * gain_meter * (1.0 + rng.normal(0.0, 0.004)),
                cold_m2kh=float(cold[1]),
                outdoor_c=outdoor + rng.normal(0.0, 0.05),
                sun_kwh_m2=sun * (1.0 + rng.normal(0.0, 0.03)),
                wind_ms=wind * (1.0 + rng.normal(0.0, 0.03)),
            )
        )
    return days, true_yuan


def run(lines: Lines, quick: bool) -> None:
    """Judge many seasons."""
    runs = 4 if quick else 40
    world = World("tiny", Block(seed=1, mild=False, days=1))
    houses = Houses(world, 2)
    held, proven, false_proof, error = 0, 0, 0, []
    for k in range(runs):
        # Every fourth strategy saves nothing at all.
        shift_k = (0.0, 0.3, 0.6, 0.9)[k % 4]
        days, true_yuan = simulate(houses, world, 500 + k, shift_k)
        found = assess(days)
        truth = sum(true_yuan[row.number] for row in found.days)
        held += found.low_yuan <= truth <= found.high_yuan
        error.append(100.0 * (found.saving_yuan - truth) / found.expected_yuan)
        if shift_k == 0.0:
            false_proof += found.verdict is Verdict.SAVING
        else:
            proven += found.verdict is Verdict.SAVING
    useful = runs - (runs + 3) // 4
    lines.add(
        "savings.coverage90",
        held / runs,
        "",
        at_least=0.85,
        note=f"{runs} seasons of {_DAYS} days on houses with known truth",
    )
    lines.add("savings.error_pct", float(np.sqrt(np.mean(np.square(error)))), "% rms of cost")
    lines.add("savings.bias_pct", float(np.mean(error)), "% of cost")
    lines.add("savings.proven_share", proven / useful, "", note="of strategies that do save")
    lines.add(
        "savings.false_proofs", false_proof / (runs - useful), "", note="of those that do not"
    )


if __name__ == "__main__":
    sys.exit(main(run, "savings", sys.argv[1:]))
