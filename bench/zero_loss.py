"""Nothing that was answered is lost: random faults, and what devices said held against the store.

Each seed runs the whole system (city, two gateways with main and spare channel, broker, platform,
historian) and breaks it: links cut, stalled, losing 5 % of their packets, broker, platform,
historian and gateways killed, a disk filled, a clock one hour wrong, the platform out of reach
for 13 h of plant time. What the devices answered is taken from their own log.

    python -m bench.zero_loss [--quick] [--seeds N] [--first N]
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lines import Lines
from bench.zero_loss_faults import Run
from bench.zero_loss_judge import Verdict, judge
from bench.zero_loss_plan import OUTAGE_S, TICK_S, plan_of
from bench.zero_loss_world import START_S, World, find_mosquitto
from heatloop.cli.api import Api
from heatloop.demo.verify import Comparison, compare, produced
from heatloop.kernel.errors import InputError, LinkError

SEEDS, QUICK_SEEDS = 20, 1
FREE_SPEED = 15.0
_RECOVER_S = 90.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one seed came to."""

    seed: int
    compared: Comparison
    verdict: Verdict
    injected: Counter[str]
    seconds: float
    plant_s: int


async def run_seed(seed: int, folder: Path, *, short: bool) -> Outcome:
    """Run one seed and judge it.

    Raises:
        LinkError: The system did not come back by itself.
    """
    plan = plan_of(seed, short=short)
    started = time.perf_counter()
    world = World(folder, seed, small_spool=plan.small_spool)
    run = Run(world)
    try:
        await world.start()
        stepped_end = START_S + plan.stepped_s - (OUTAGE_S if plan.outage else 0)
        await run.phase(plan.stepped, stepped_end)
        if plan.outage:
            await run.outage(dropped=plan.small_spool)
        await world.city("speed", speed=FREE_SPEED)
        now_s = await world.plant_s()
        await run.phase(plan.free, now_s + plan.free_s)
        end_s = int(await world.plant_s()) // TICK_S * TICK_S
        await world.city("speed", speed=1)
        assert world.login is not None
        assert world.ledger is not None
        api = await _api(world)
        try:
            await _drained(api)
            given = produced(world.ledger, folder / "city", START_S, end_s)
            stored = await api.samples(START_S, end_s)
            gaps = await api.pages("/gaps")
        finally:
            await api.close()
    finally:
        await world.stop()
    compared = compare(given, stored)
    verdict = judge(compared.missing_ids, gaps, run.windows, world.ledger)
    return Outcome(
        seed=seed,
        compared=compared,
        verdict=verdict,
        injected=run.injected,
        seconds=time.perf_counter() - started,
        plant_s=end_s - START_S,
    )


async def _api(world: World) -> Api:
    deadline = time.monotonic() + _RECOVER_S
    while True:
        try:
            assert world.login is not None
            return await Api.sign_in(world.stack.url, *world.login)
        except LinkError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


async def _drained(api: Api) -> None:
    """Return when every gateway is connected and nothing new has come for a while."""
    deadline = time.monotonic() + _RECOVER_S
    before: object = None
    quiet = 0
    while quiet < 6:
        try:
            found = (await api.send("GET", "/gateways"))["items"]
            now = [(g["code"], g["connected"], g["epoch"], g["through"]) for g in found]
            calm = now == before and all(g["connected"] for g in found)
        except (LinkError, InputError):
            now, calm = [], False
        quiet = quiet + 1 if calm else 0
        before = now
        if time.monotonic() > deadline:
            raise LinkError("the spools do not run empty", thing=str(now))
        await asyncio.sleep(0.5)


def run(lines: Lines, seeds: Sequence[int], *, short: bool) -> None:
    """Print the four counts over all seeds."""
    missing = unjustified = wrong = duplicates = justified = made = 0
    injected: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for seed in seeds:
        folder = Path(tempfile.mkdtemp(prefix="heatloop-zero-"))
        try:
            one = asyncio.run(run_seed(seed, folder, short=short))
        except BaseException:
            print(f"# seed {seed}: kept {folder}", file=sys.stderr, flush=True)
            raise
        bad = one.verdict.missing + one.verdict.unjustified + one.compared.wrong
        bad += one.compared.invented + one.compared.duplicates
        if bad:
            print(f"# seed {seed}: {bad} wrong, kept {folder}", file=sys.stderr, flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        print(
            f"# seed {seed}: {one.compared.produced:,} answered in {one.plant_s / 3600:.1f} h, "
            f"{one.verdict.justified} lost to {dict(one.verdict.causes)}, "
            f"faults {dict(one.injected)}, {one.seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        missing += one.verdict.missing
        unjustified += one.verdict.unjustified
        wrong += one.compared.wrong + one.compared.invented
        duplicates += one.compared.duplicates
        justified += one.verdict.justified
        made += one.compared.produced
        injected.update(one.injected)
        causes.update(one.verdict.causes)
    told = f"{len(seeds)} seeds, {made:,} answered, faults {dict(sorted(injected.items()))}"
    if find_mosquitto() is None:
        told += "; NO BROKER INSTALLED: without a spare channel"
    lines.add("zero_loss.missing", missing, "samples", at_most=0, note=told)
    because = f"{justified} justified: {dict(sorted(causes.items()))}"
    lines.add("zero_loss.unjustified_gaps", unjustified, "samples", at_most=0, note=because)
    lines.add("zero_loss.wrong_value", wrong, "samples", at_most=0)
    lines.add("zero_loss.duplicates", duplicates, "rows", at_most=0)


def main(arguments: list[str]) -> int:
    """Read the command line and run."""
    numbers = {"--seeds": SEEDS, "--first": 0}
    quick = False
    given = iter(arguments)
    for word in given:
        if word == "--quick":
            quick = True
        elif word in numbers and (value := next(given, "")).isdigit():
            numbers[word] = int(value)
        else:
            usage = "python -m bench.zero_loss [--quick] [--seeds N] [--first N]"
            print(f"unknown argument {word}; usage: {usage}")
            return 2
    first = numbers["--first"]
    seeds = range(first, first + (QUICK_SEEDS if quick else numbers["--seeds"]))
    lines = Lines()
    run(lines, seeds, short=quick)
    return lines.end("zero_loss")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
