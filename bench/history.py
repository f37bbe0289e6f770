"""The historian at 50 million samples of the real shape, beside three other stores.

The historian process as it runs in an installation (encrypted, synced) takes samples over its
socket; whoever sends them shares the machine with it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from bench import history_peers as peers
from bench.history_data import START_S, City, windows
from bench.history_platform import trends
from bench.lines import Lines, main
from heatloop.app.supervisor import Supervisor
from heatloop.cli.stack import StackOptions, historian_program
from heatloop.kernel.series import Columns
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.port import DAY_S, HOUR_S

ZONE = ZoneInfo("Asia/Shanghai")
GROUP_TICKS = 4
"""Sweeps sent before waiting for their commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much of it."""

    stations: int
    ticks: int
    city_ticks: int
    peer_ticks: int
    duck_ticks: int
    season_days: int
    hour_points: int
    reads: int


FULL = Size(
    stations=4000,
    ticks=209,
    city_ticks=2880,
    peer_ticks=40,
    duck_ticks=209,
    season_days=150,
    hour_points=2000,
    reads=200,
)
QUICK = Size(
    stations=200,
    ticks=16,
    city_ticks=120,
    peer_ticks=2,
    duck_ticks=16,
    season_days=10,
    hour_points=20,
    reads=10,
)


async def ingest(
    client: HistorianClient, city: City, size: Size, cpu: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Store every sweep, durably; return per group the seconds and processor seconds a sweep."""
    took, used = [], []
    for first in range(0, size.ticks, GROUP_TICKS):
        many = min(GROUP_TICKS, size.ticks - first)
        sweeps = [city.tick(number) for number in range(first, first + many)]
        began, before = time.perf_counter(), cpu()
        await asyncio.gather(*(client.append(sweep) for sweep in sweeps))
        took.append((time.perf_counter() - began) / many)
        used.append((cpu() - before) / many)
    return took, used


async def median_ms(ask: Callable[[int], Awaitable[object]], city: City, reads: int) -> float:
    """Return the median time of a question about a point, over random points."""
    random, took = np.random.default_rng(3), []
    for key in random.choice(city.keys, reads).tolist():
        began = time.perf_counter()
        await ask(int(key))
        took.append(time.perf_counter() - began)
    return float(np.median(took)) * 1000


async def timed_ms(ask: Callable[[], Awaitable[object]], repeats: int = 5) -> float:
    """Return the median time of a question."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - began)
    return float(np.median(took)) * 1000


def growth(took: list[float]) -> float:
    """Return the time a sample takes at the end over that at a tenth of it (50 over 5 million).

    Medians over a fifth of the groups each: other work of the machine must not decide it.
    """
    fifth = max(1, len(took) // 5)
    return float(np.median(took[-fifth:]) / np.median(took[:fifth]))


def cpu_s(pid: int) -> float:
    """Return the processor time a process has used, merges included, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(lines: Lines, size: Size, folder: Path, *, quick: bool) -> dict[str, float]:
    """Print our own figures and return those peers are compared with."""
    city = City.make(size.stations, size.city_ticks)
    stack = StackOptions(data=folder)
    supervisor = Supervisor(stack.run_dir, folder / "logs")
    own: dict[str, float] = {}
    await supervisor.start(historian_program(stack))
    client = HistorianClient(stack.run_dir / "historian.sock", timeout_s=600)
    try:
        pid = supervisor.pids()["historian"]
        took, used = await ingest(client, city, size, lambda: cpu_s(pid))
        rows = size.ticks * len(city.keys)
        own["per_s"] = len(city.keys) / float(np.mean(took))
        grown, third = growth(took), max(1, len(used) // 3)
        used_s = float(np.mean(used)) / len(city.keys)
        cpu_growth = float(np.sum(used[-third:]) / np.sum(used[:third]))
        refresh_s = await timed_ms(client.refresh_rollups, 1) / 1000
        await client.append(city.tick(size.ticks))
        again_s = await timed_ms(client.refresh_rollups, 1) / 1000
        fresh_ms = await median_ms(
            lambda key: client.raw([key], START_S, START_S + DAY_S), city, size.reads
        )
        stored = await client.count(START_S, START_S + DAY_S)
        if stored != rows + len(city.keys):
            raise SystemExit(f"history: {rows + len(city.keys)} sent, {stored} stored")
        await client.compact()
        stats = await client.stats()
        own["bytes"] = float(stats["raw_bytes"]) / float(stats["raw_rows"])
        own["day_ms"] = await median_ms(
            lambda key: client.raw([key], START_S, START_S + DAY_S), city, size.reads
        )
        own["latest_ms"] = await timed_ms(client.latest)
        few = await timed_ms(lambda: client.latest(city.keys[:60]), 50)
        await _seed(client, city, size)
        start = START_S - size.season_days * DAY_S
        hour_ms = await median_ms(
            lambda key: client.rollup(
                [1 + key % size.hour_points], start, START_S, HOUR_S, fields=("mean", "low", "high")
            ),
            city,
            size.reads,
        )
        heat_ms = await timed_ms(
            lambda: client.rollup(city.heat_keys, start, START_S, DAY_S, fields=("integral",))
        )
        kept = await client.compare_kept()
        if kept.changed or not kept.windows:
            raise SystemExit(f"history: samples came back otherwise: {kept}")
    finally:
        await client.close()
        await supervisor.stop()
    note = f"{rows:,} samples, {len(city.keys):,} points, load {os.getloadavg()[0]:.1f}"

    def bar(most: float) -> float | None:
        """Return a bar of time; a smoke run beside others is no measure of it."""
        return None if quick else most

    add = lines.add
    add("history.ingest_per_s", own["per_s"], "1/s", at_least=bar(2e6), note=note)
    words = "seconds a sample at 50 million over those at 5, medians"
    add("history.ingest_growth", grown, "x", at_most=bar(1.3), note=words)
    words = "processor time of the historian, merges included"
    add("history.ingest_cpu_us", 1e6 * used_s, "us/sample", note=words)
    add("history.ingest_cpu_growth", cpu_growth, "x", note="last third over first third")
    add("history.refresh_all_s", refresh_s, "s", note="roll-ups of everything stored")
    add("history.refresh_tick_s", again_s, "s", note="roll-ups after one more sweep")
    add("history.bytes_per_sample", own["bytes"], "B", at_most=1.0, note="after merges")
    add("history.point_day_unmerged_ms", fresh_ms, "ms", note="right after ingest")
    add("history.point_day_ms", own["day_ms"], "ms", at_most=bar(15.0))
    words = f"{size.season_days * 24:,} hours of a point"
    add("history.point_150d_ms", hour_ms, "ms", at_most=bar(10.0), note=words)
    add("history.latest_240k_ms", own["latest_ms"], "ms", at_most=bar(100.0))
    add("history.latest_60_ms", few, "ms", at_most=bar(50.0), note="cached, a station's points")
    words = f"{size.stations:,} stations, {size.season_days} days"
    add("history.season_heat_ms", heat_ms, "ms", at_most=bar(1000.0), note=words)
    return own


async def _seed(client: HistorianClient, city: City, size: Size) -> None:
    start = START_S - size.season_days * DAY_S
    for part in windows(city.keys, start, size.season_days, DAY_S, 4000):
        await client.seed_rollup(DAY_S, part)
    hour_keys = city.keys[: size.hour_points]
    for part in windows(hour_keys, start, size.season_days * 24, HOUR_S, 200):
        await client.seed_rollup(HOUR_S, part)
    await client.compact()


def run(lines: Lines, quick: bool) -> None:
    """Print ours, then the three others on the same samples."""
    size = QUICK if quick else FULL
    folder = Path(tempfile.mkdtemp(prefix="hlb"))
    scratch = Path(tempfile.mkdtemp(prefix="hlp"))
    scratch.chmod(0o755)
    try:
        own = asyncio.run(measure(lines, size, folder, quick=quick))
        shutil.rmtree(folder / "historian", ignore_errors=True)
        p95_s, note = asyncio.run(trends(Path(tempfile.mkdtemp(prefix="hlt")), quick=quick))
        lines.add("history.trend_year_p95_s", p95_s, "s", at_most=2.0, note=note)
        cost, note = sealing_cost(8 if quick else 40, 2 if quick else 9, scratch)
        lines.add("history.encryption_cost_pct", cost, "%", note=note)
        city = City.make(size.stations, size.city_ticks)
        for make, ticks in (
            (peers.duckdb, size.duck_ticks),
            (peers.sqlite, size.peer_ticks),
            (peers.postgres, size.peer_ticks),
        ):
            peer = make(city, ticks, scratch)
            if peer is None:
                lines.add(f"history.peer_{make.__name__}", 0, "-", note="not installed: left out")
                continue
            compare(lines, own, peer)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)


def sealing_cost(ticks: int, rounds: int, folder: Path) -> tuple[float, str]:
    """Return by how much encryption at rest slows ingest, per cent, and a note.

    Turns are taken, so that what else the machine does meets both alike; processor time of this
    process is compared, not the time on the wall.
    """
    random = np.random.default_rng(9)
    keys = np.arange(1, 100_001, dtype="u4")
    ratios = []
    for turn in range(rounds):
        spent = []
        for key in (None, b"k" * 32):
            store = ChdbHistorian.open(folder / f"seal{turn}{bool(key)}", zone=ZONE, key=key)
            began = time.process_time()
            for tick in range(ticks):
                values = np.round(50 + random.standard_normal(len(keys)), 1)
                slots = np.full(len(keys), START_S + 30 * tick, "u4")
                store.append(Columns(keys, slots, values, np.zeros(len(keys), "u1")))
            store.compact()
            spent.append(time.process_time() - began)
            store.close()
        ratios.append(spent[1] / spent[0])
    low, high = min(ratios), max(ratios)
    note = f"processor time, {rounds} turns of {ticks * len(keys):,} samples: "
    note += f"{100 * (low - 1):+.0f} to {100 * (high - 1):+.0f} %"
    return 100 * (float(np.median(ratios)) - 1), note


def compare(lines: Lines, own: dict[str, float], peer: peers.Peer) -> None:
    """Print a peer's figures beside ours; a ratio above 1 is in our favour."""
    name = peer.name.lower()
    note = f"{peer.rows:,} samples as narrow rows"
    for key, unit, value, better in (
        ("per_s", "1/s", peer.per_s, 1),
        ("bytes", "B", peer.bytes_a_sample, -1),
        ("day_ms", "ms", peer.day_ms, -1),
        ("latest_ms", "ms", peer.latest_ms, -1),
    ):
        ratio = (own[key] / value) ** better
        lines.add(
            f"history.{name}_{key}",
            own[key],
            unit,
            peer=peer.name,
            peer_value=value,
            ratio=ratio,
            note=note,
        )


if __name__ == "__main__":
    sys.exit(main(run, "history", sys.argv[1:]))
