"""The chain from spool to acknowledgement: how far above a city's own rate it runs.

Envelopes are spooled with fsync, signed, sent over WebSockets, verified, checked, committed to
`raw` and `latest` by the real platform and historian processes, and acknowledged. Sender and
receiver share the machine.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import tempfile
from array import array
from dataclasses import dataclass
from pathlib import Path

from bench.bytes_per_sample import bytes_per_sample
from bench.lines import Lines, main
from bench.loop_ledger import POINTS, STATIONS, city_readings, install, point_keys, sweeps_of
from bench.loop_senders import PERIOD_S, Gateway, Run, send
from heatloop.app.supervisor import Supervisor
from heatloop.cli.stack import StackOptions, historian_program, platform_program
from heatloop.security.keys import SigningKey
from heatloop.store.historian.client import HistorianClient

START_S = 1_766_246_400
HEADROOM = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One size of city."""

    name: str
    stations: int
    gateways: int
    links: int
    backlog_sweeps: int
    """Sweeps a gateway may hold unacknowledged."""
    ticks: int
    """Sweeps of the city's day at hand before they repeat."""


CASES = (
    Case(name="24", stations=24, gateways=1, links=1, backlog_sweeps=512, ticks=2880),
    Case(name="500", stations=500, gateways=5, links=5, backlog_sweeps=16, ticks=600),
    Case(name="4000", stations=4000, gateways=40, links=40, backlog_sweeps=2, ticks=120),
    Case(name="4000_single", stations=4000, gateways=4000, links=512, backlog_sweeps=16, ticks=120),
)
QUICK = (Case(name="24", stations=24, gateways=1, links=1, backlog_sweeps=512, ticks=2880),)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _peak_rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def run_case(case: Case, seconds: float, folder: Path) -> tuple[Run, int, float]:
    """Return the run, the rows the historian holds after it, and the receivers' peak memory."""
    stack = StackOptions(data=folder, port=_free_port())
    keys = {f"GW{i + 1:04d}": SigningKey.generate() for i in range(case.gateways)}
    ledger = install(stack, case.stations, keys)
    supervisor = Supervisor(stack.run_dir, folder / "logs")
    readings = city_readings(START_S, case.ticks)
    try:
        await supervisor.start(historian_program(stack))
        await supervisor.start(platform_program(stack))
        gateways = []
        first = 0
        for code, key in keys.items():
            own = array("I", point_keys(ledger, code))
            stations = len(own) // POINTS
            sweeps = sweeps_of(readings, first % STATIONS, stations)
            first += stations
            gateways.append(Gateway.make(code, own, key, folder / "spool" / code, sweeps))
        backlog = case.backlog_sweeps * max(len(g.keys) for g in gateways)
        run = await send(stack.url, gateways, case.links, seconds, START_S, backlog)
        client = HistorianClient(stack.run_dir / "historian.sock")
        end_s = START_S + PERIOD_S * max(g.ticks for g in gateways)
        stored = await client.count(START_S, end_s)
        await client.close()
        memory = sum(_peak_rss_mb(pid) for pid in supervisor.pids().values())
    finally:
        await supervisor.stop()
    return run, stored, memory


def run(lines: Lines, quick: bool) -> None:
    """Print headroom per size of city, bytes a sample and peak memory."""
    peak = 0.0
    for case in QUICK if quick else CASES:
        folder = Path(tempfile.mkdtemp(prefix="heatloop-loop-"))
        try:
            result, stored, memory = asyncio.run(run_case(case, 5.0 if quick else 35.0, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if stored != result.rows:
            raise SystemExit(f"loop {case.name}: {result.rows} sent, {stored} stored")
        peak = max(peak, memory)
        lines.add(
            f"loop.headroom_{case.name}",
            result.per_s / (case.stations * POINTS / PERIOD_S),
            "x",
            at_least=HEADROOM,
            note=f"{result.per_s:,.0f} samples/s, {result.rows:,} samples, "
            f"{result.ended - result.started:.0f} s, {case.gateways} gateways, all stored once",
        )
    value, note = bytes_per_sample(hours=1.0 if quick else 24.0)
    # An hour is too short to merge well: the bar belongs to the whole day.
    lines.add("loop.bytes_per_sample", value, "B", at_most=None if quick else 1.2, note=note)
    lines.add("loop.peak_rss_mb", peak, "MB", note="historian and platform together")


if __name__ == "__main__":
    sys.exit(main(run, "loop", sys.argv[1:]))
