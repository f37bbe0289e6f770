"""A gateway on one core: 4,000 substations of 60 points every 30 s, and one dead device of 50.

The whole agent polls real sockets, spools with fsync and keeps its guard scans; the platform is
away. Devices answer from another process on another core, and their own log says when they were
read. Plant time runs at speed 1 with 4,000 devices and at speed 10 with 50, where a time-out of
1 s is a third of a period. The first cycle makes the connections: it counts among the cycles and
errors, not among jitter and periods.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np

from bench.edge_devices import POINTS, FieldLog, FieldOrder, run_field
from bench.edge_gateway import SLOT_S, GatewayLog, GatewayOrder, run_gateway
from bench.lines import Lines, main

_DEAD = 7
_SPAWN = get_context("spawn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One gateway with its devices, from start to end."""

    devices: int
    """How many."""
    cycles: int
    """Slots polled."""
    speed: float
    """Plant seconds a machine second."""
    silent: tuple[int, ...] = ()
    """Devices that take requests and never answer."""
    refusing: tuple[int, ...] = ()
    """Devices that refuse connections."""
    line: bool = False
    """Whether all share one RTU line."""
    timeout_s: float = 1.0
    """How long the gateway waits for an answer, machine time."""


class Running:
    """A run under way in two processes."""

    def __init__(self, run: Run, folder: Path, cores: tuple[int, int]) -> None:
        self.run = run
        self._field, theirs = _SPAWN.Pipe()
        field = FieldOrder(
            devices=run.devices,
            core=cores[1],
            silent=run.silent,
            refusing=run.refusing,
            line=run.line,
            tick_s=5.0 / run.speed,
        )
        self._processes = [self._start(run_field, field, theirs)]
        places = self._received(self._field, self._processes[0])
        self._gateway, theirs = _SPAWN.Pipe()
        order = GatewayOrder(
            places=tuple(places),
            cycles=run.cycles,
            speed=run.speed,
            folder=folder,
            core=cores[0],
            line=run.line,
            timeout_s=run.timeout_s,
        )
        folder.mkdir()
        self._processes.append(self._start(run_gateway, order, theirs))

    @staticmethod
    def _start(target: Callable[..., None], order: object, pipe: Connection) -> SpawnProcess:
        process = _SPAWN.Process(target=target, args=(order, pipe))
        process.start()
        pipe.close()
        return process

    @staticmethod
    def _received(pipe: Connection, process: SpawnProcess) -> Any:
        try:
            return pipe.recv()
        except EOFError:
            process.join()
            raise SystemExit(f"bench edge: {process.name} ended early") from None

    def end(self) -> tuple[GatewayLog, FieldLog]:
        """Wait for the gateway, then return what it did and what the devices saw."""
        gateway = self._received(self._gateway, self._processes[1])
        self._field.send(None)
        field = self._received(self._field, self._processes[0])
        for process in self._processes:
            process.join()
        return gateway, field


def together(runs: Sequence[Run]) -> list[tuple[GatewayLog, FieldLog]]:
    """Return what these runs gave, side by side on the same two cores."""
    allowed = sorted(os.sched_getaffinity(0))
    cores = (allowed[0], allowed[-1])
    folder = Path(tempfile.mkdtemp(prefix="heatloop-edge-"))
    try:
        begun = [Running(run, folder / str(n), cores) for n, run in enumerate(runs)]
        return [each.end() for each in begun]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def jitter_s(field: FieldLog, speed: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how far from the period each device's readings are apart, plant seconds.

    The first cycle makes the connections and does not count.
    """
    apart = np.concatenate([np.diff(np.asarray(reads[1:])) for reads in field.reads])
    return np.asarray(np.abs(apart * speed - SLOT_S))


def errors(run: Run, gateway: GatewayLog) -> int:
    """Return how many samples are missing, not good or not the device's own, and trouble told."""
    wanted = run.devices * POINTS
    slots = range(gateway.first_slot, gateway.first_slot + run.cycles * SLOT_S, SLOT_S)
    missing = sum(abs(wanted - gateway.rows.get(slot, 0)) for slot in slots)
    return missing + gateway.strange + len(gateway.notes)


def _at_scale(lines: Lines, run: Run, gateway: GatewayLog, field: FieldLog) -> float:
    """Print how one gateway polls many devices; return its processor time a device and cycle."""
    cycles = gateway.durable_s
    frames = field.frames / run.cycles / run.devices
    lines.add(
        "edge.poll_4000_p99_s",
        float(np.percentile(cycles, 99)),
        "s",
        at_most=10.0,
        note=f"{run.devices} devices x {POINTS} points, {run.cycles} cycles at speed "
        f"{run.speed:g}, slot to fsync: first {cycles[0]:.2f} s (connections made), then median "
        f"{np.median(cycles[1:]):.2f} s, longest {max(cycles[1:]):.2f} s; "
        f"{frames:.0f} requests a device and cycle with guard scans",
    )
    apart = jitter_s(field, run.speed)
    lines.add(
        "edge.slot_jitter_p99_s",
        float(np.percentile(apart, 99)),
        "s",
        at_most=2.0,
        note="what a device's readings are apart, against 30 s; by the devices' own log; "
        f"largest {apart.max():.2f} s",
    )
    lines.add(
        "edge.poll_errors",
        errors(run, gateway),
        "samples",
        at_most=0.0,
        note=f"of {sum(gateway.rows.values()):,} spooled; gaps and alarms count too",
    )
    lines.add(
        "edge.sample_interval_max_s",
        gateway.widest_s,
        "s",
        at_most=30.0,
        note=f"between good samples of a point, by slot, worst of {run.devices * POINTS:,} points",
    )
    lines.add(
        "edge.cpu_share",
        gateway.cpu_share,
        "of one core",
        note=f"devices on the other core {field.cpu_s / (run.cycles * SLOT_S / run.speed):.2f}; "
        f"set up in {gateway.setup_s:.1f} s",
    )
    lines.add("edge.peak_rss_mb", gateway.rss_mb, "MB")
    return gateway.cpu_s / run.devices / (run.cycles - 1)


def _growth(lines: Lines, run: Run, large: int, each_s: float) -> None:
    ((gateway, _),) = together([run])
    small_s = gateway.cpu_s / run.devices / (run.cycles - 1)
    lines.add(
        "edge.cost_growth",
        each_s / small_s,
        "x",
        note=f"processor time a device and cycle: {1e3 * small_s:.2f} ms with {run.devices}, "
        f"{1e3 * each_s:.2f} ms with {large}",
    )


def slowdown_pct(field: FieldLog, whole: FieldLog) -> float:
    """Return by how much the period of the worst of the living devices is another."""

    def period_s(reads: Sequence[float]) -> float:
        return (reads[-1] - reads[1]) / (len(reads) - 2) if len(reads) > 2 else np.inf

    worst = 0.0
    for number, (reads, before) in enumerate(zip(field.reads, whole.reads, strict=True)):
        if number != _DEAD:
            missed = max(len(before) - len(reads), 0) / len(before)
            worst = max(worst, abs(period_s(reads) / period_s(before) - 1.0), missed)
    return 100.0 * worst


def _dead_runs(cycles: int, timeout_s: float) -> list[Run]:
    """Return 50 devices whole, with one silent, with one refusing; then on an RTU line."""
    return [
        Run(
            devices=50,
            cycles=cycles,
            speed=10.0,
            silent=silent,
            refusing=refusing,
            line=line,
            timeout_s=timeout_s,
        )
        for silent, refusing, line in (
            ((), (), False),
            ((_DEAD,), (), False),
            ((), (_DEAD,), False),
            ((), (), True),
            ((_DEAD,), (), True),
        )
    ]


def _dead(lines: Lines, runs: Sequence[Run], found: Sequence[tuple[GatewayLog, FieldLog]]) -> None:
    """Print what one dead device of 50 does to the others, on TCP and on a shared line."""
    whole, silent, refusing, line, dead = (field for _, field in found)
    by_kind = {
        "silent": slowdown_pct(silent, whole),
        "refusing": slowdown_pct(refusing, whole),
        "silent on an RTU line": slowdown_pct(dead, line),
    }
    told = ", ".join(f"{name} {value:.2f} %" for name, value in by_kind.items())
    lines.add(
        "edge.dead_slave_slowdown_pct",
        max(by_kind.values()),
        "%",
        at_most=10.0,
        note=f"worst of 49, {runs[0].cycles} cycles of {SLOT_S / runs[0].speed:g} s, time-out "
        f"{runs[0].timeout_s:g} s: {told}",
    )


def run(lines: Lines, quick: bool) -> None:
    """Print how a gateway polls at scale and how it bears a dead device."""
    if quick:
        large, runs = Run(devices=200, cycles=4, speed=10.0), _dead_runs(4, 0.3)
        (gateway, field), *dead = together([large, *runs])
        _at_scale(lines, large, gateway, field)
    else:
        large, runs = Run(devices=4000, cycles=11, speed=1.0), _dead_runs(12, 1.0)
        ((gateway, field),) = together([large])
        each_s = _at_scale(lines, large, gateway, field)
        _growth(lines, Run(devices=24, cycles=11, speed=10.0), large.devices, each_s)
        dead = together(runs)
    _dead(lines, runs, dead)


if __name__ == "__main__":
    sys.exit(main(run, "edge", sys.argv[1:]))
