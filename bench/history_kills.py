"""The historian killed in the middle of ingest, again and again: nothing acknowledged is lost.

Sweeps of many points arrive by several senders at once; at a random acknowledgement the process
gets SIGKILL, is started again, and goes on. At the end every acknowledged sweep must be there
whole with its values, and no other sweep in part.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.lines import Lines, main
from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.client import HistorianClient

START_S = 1_766_246_400
TICK_S = 30
SENDERS = 8


@dataclass(slots=True)
class Trial:
    """What was sent, and what was acknowledged."""

    points: int
    """Points a sweep."""
    todo: list[int]
    """Numbers of sweeps not acknowledged yet."""
    sure: set[int] = field(default_factory=set)
    """Numbers of those that were."""

    def sweep(self, number: int) -> Columns:
        """Return a sweep; its values tell point and number."""
        keys = np.arange(1, self.points + 1, dtype="u4")
        values = keys * 1000.0 + number % 997 / 7
        slots = np.full(self.points, START_S + TICK_S * number, "u4")
        return Columns(keys, slots, values, np.zeros(self.points, "u1"))


def _start(data: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "heatloop.store.historian", "--data", str(data)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet)


async def until_killed(
    client: HistorianClient, process: subprocess.Popen[bytes], trial: Trial, after: int
) -> None:
    """Send sweeps, several at once; kill the process at the `after`-th acknowledgement."""
    heard = 0

    async def rollups() -> None:
        # They are killed in the middle as well.
        while heard < after:
            try:
                await client.refresh_rollups()
            except LinkError:
                return
            await asyncio.sleep(0.2)

    async def sender() -> None:
        nonlocal heard
        while trial.todo:
            number = trial.todo.pop()
            try:
                await client.append(trial.sweep(number))
            except LinkError:
                trial.todo.append(number)
                return
            trial.sure.add(number)
            heard += 1
            if heard == after:
                os.kill(process.pid, signal.SIGKILL)

    await asyncio.gather(rollups(), *(sender() for _ in range(SENDERS)))


async def judge(client: HistorianClient, trial: Trial, sweeps: int) -> tuple[int, int, int]:
    """Return acknowledged sweeps that are not there whole, sweeps in part, and wrong values."""
    lost = partial = wrong = 0
    keys = np.arange(1, trial.points + 1, dtype="u4")
    for number in range(sweeps):
        slot = START_S + TICK_S * number
        found = await client.raw(keys, slot, slot + 1)
        whole = len(found.keys) == trial.points
        lost += number in trial.sure and not whole
        partial += 0 < len(found.keys) < trial.points
        wanted = trial.sweep(number).values[found.keys - 1]
        wrong += int((found.values != wanted).sum())
    return lost, partial, wrong


async def kill_often(kills: int, points: int, data: Path) -> tuple[Trial, int, int, int, float]:
    """Return the trial, lost and partial sweeps, wrong values, and the longest start, seconds."""
    random = np.random.default_rng(13)
    sweeps = 60 * kills
    trial = Trial(points=points, todo=list(range(sweeps)))
    client = HistorianClient(data / "run" / "historian.sock")
    slowest = 0.0
    for turn in range(kills + 1):
        began = time.perf_counter()
        process = _start(data)
        await client.wait_ready(120)
        slowest = max(slowest, time.perf_counter() - began)
        if turn < kills:
            await until_killed(client, process, trial, int(random.integers(1, 50)))
            process.wait(timeout=60)
    lost, partial, wrong = await judge(client, trial, sweeps)
    for number in list(trial.todo):
        await client.append(trial.sweep(number))
    await client.refresh_rollups()
    stored = await client.count(START_S, START_S + TICK_S * sweeps)
    twice = await client.duplicates(START_S, START_S + TICK_S * sweeps)
    wrong += abs(stored - sweeps * points) + twice
    await client.close()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    return trial, lost, partial, wrong, slowest


def run(lines: Lines, quick: bool) -> None:
    """Print what was lost, in part or wrong: nothing may be."""
    kills, points = (2, 2_000) if quick else (20, 20_000)
    data = Path(tempfile.mkdtemp(prefix="hlk"))
    try:
        trial, lost, partial, wrong, slowest = asyncio.run(kill_often(kills, points, data))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    note = f"{kills} kills, {len(trial.sure):,} sweeps of {points:,} acknowledged"
    lines.add("history_kills.lost", lost, "sweeps", at_most=0, note=note)
    lines.add("history_kills.partial", partial, "sweeps", at_most=0)
    lines.add("history_kills.wrong", wrong, "samples", at_most=0, note="values, counts, doubles")
    lines.add("history_kills.start_s", slowest, "s", note="longest start after a kill")


if __name__ == "__main__":
    sys.exit(main(run, "history_kills", sys.argv[1:]))
