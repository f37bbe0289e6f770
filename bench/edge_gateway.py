"""The gateway of the edge benchmark: a whole agent in a process of its own on one core."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import socket
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Self

import numpy as np
import structlog

from bench.edge_devices import POINTS, devices, open_files
from heatloop.edge.agent import Agent
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity
from heatloop.edge.process import _loop_factory
from heatloop.edge.segment import SpoolRecord
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.clock import ClockState, SharedClock, machine_s
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.quality import Quality
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.keys import KeyRing, SigningKey

SLOT_S = 30
_EARLY_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayOrder:
    """What a gateway is to do."""

    places: tuple[tuple[str, int], ...]
    """Addresses of its devices."""
    cycles: int
    """Slots to poll."""
    speed: float
    """Plant seconds a machine second."""
    folder: Path
    """Its data folder."""
    core: int
    """Core it runs on, spool writer and all."""
    line: bool = False
    """Whether they share one RTU line."""
    timeout_s: float = 1.0
    """Longest wait for a device's answer."""


@dataclass(slots=True)
class GatewayLog:
    """What the gateway did."""

    first_slot: int = 0
    """Plant time of the first slot."""
    origin_s: float = 0.0
    """Machine time of the first slot."""
    durable_s: list[float] = field(default_factory=list)
    """Per cycle, machine seconds from the slot's time until its samples were fsynced."""
    rows: dict[int, int] = field(default_factory=dict)
    """Slot -> good samples spooled."""
    strange: int = 0
    """Samples that came twice, or are not those of the device they claim to be of."""
    widest_s: float = 0.0
    """Longest time between two good samples of a point, plant time, all points."""
    notes: list[str] = field(default_factory=list)
    """Types of the notes spooled that tell of trouble: gaps, alarms."""
    setup_s: float = 0.0
    """Machine seconds from the profile to a gateway that works."""
    cpu_share: float = 0.0
    """Processor time over wall time while cycling."""
    cpu_s: float = 0.0
    """Processor time of all cycles but the first, guard scans and spool writer included."""
    first_cpu_s: float = 0.0
    """Processor time of the first cycle, connections made."""
    rss_mb: float = 0.0
    """Peak memory."""


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s() -> float:
    spent = os.times()
    return spent.user + spent.system


async def _run(order: GatewayOrder) -> GatewayLog:
    log = GatewayLog()
    started = machine_s()
    made, bindings = devices(list(order.places), line=order.line)
    profile = EdgeProfile(
        gateway="GW0001", version=1, ledger_version=1, devices=made, bindings=bindings
    )
    key = SigningKey.generate()
    # Nobody listens there: the platform is away the whole time, and everything stays spooled.
    config = EdgeConfig(
        gateway="GW0001",
        platform_url=f"http://127.0.0.1:{_closed_port()}",
        data=order.folder,
        timeout_s=order.timeout_s,
        clock_socket=order.folder / "clock.sock",
    )
    log.first_slot = int(machine_s() // SLOT_S) * SLOT_S
    identity = Identity(key, KeyRing([key.public]), profile, order.folder)
    async with _TimeSource(order.folder / "clock.sock") as time:
        agent = Agent(config, identity, SharedClock(), Random(1))
        task = asyncio.create_task(agent.run())
        await time.asked.wait()
        await time.publish(log.first_slot, machine_s(), 0.0)
        while agent._works is None:  # noqa: ASYNC110 - set up once, nothing tells
            await asyncio.sleep(0.01)
        log.setup_s = machine_s() - started
        log.origin_s = machine_s() + _EARLY_S
        await time.publish(log.first_slot, log.origin_s, order.speed)
        await _watch(order, agent, log, task)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return log


class _TimeSource:
    """Publishes plant time to the gateway, so that its first slot waits until it is set up."""

    def __init__(self, path: Path) -> None:
        self._path, self.asked, self._epoch = path, asyncio.Event(), 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._server.close()
        self._writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        self._writer = writer
        self.asked.set()

    async def publish(self, plant_s: float, at_machine_s: float, speed: float) -> None:
        self._epoch += 1
        state = ClockState(
            epoch=self._epoch,
            origin_machine_s=at_machine_s,
            origin_plant_s=float(plant_s),
            speed=speed,
        )
        self._writer.write(json.dumps({"type": "clock", **state.to_dict()}).encode() + b"\n")
        await self._writer.drain()


async def _watch(
    order: GatewayOrder, agent: Agent, log: GatewayLog, task: asyncio.Task[None]
) -> None:
    """Note when each slot's samples are on the medium, and read them back."""
    epoch, after = agent.spool.epoch, 0
    begun_s, begun_cpu_s = machine_s(), _cpu_s()
    for cycle in range(order.cycles):
        slot = log.first_slot + cycle * SLOT_S
        while agent.spool.last_slot < slot:  # what is on the medium, seen from outside
            if task.done():
                await task
            await asyncio.sleep(0.02)
        log.durable_s.append(machine_s() - log.origin_s - cycle * SLOT_S / order.speed)
        if cycle == 0:
            log.first_cpu_s = _cpu_s() - begun_cpu_s
    wait_s = log.origin_s + order.cycles * SLOT_S / order.speed - 0.2 - machine_s()
    await asyncio.sleep(max(wait_s, 0.0))  # the guard scans of the last cycle count too
    spent = _cpu_s() - begun_cpu_s
    log.cpu_share = spent / (machine_s() - begun_s)
    log.cpu_s = spent - log.first_cpu_s
    log.rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    newest = np.full(len(order.places) * POINTS + 1, log.first_slot, np.int64)
    while records := agent.spool.pending(after, 1, epoch=epoch):
        for record in records:
            after = record.last
            if record.kind is EnvelopeKind.NOTES:
                types = [str(note["type"]) for note in json.loads(record.body)]
                log.notes += [name for name in types if name in ("gap", "alarm")]
            else:
                _count(record, log, newest)
    end = log.first_slot + (order.cycles - 1) * SLOT_S
    log.widest_s = max(log.widest_s, float(end - newest[1:].min()))


def _count(
    record: SpoolRecord, log: GatewayLog, newest: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> None:
    """Count what a record of the spool holds; `newest` keeps each point's last good slot."""
    batch = SampleBatch.from_bytes(record.body)
    keys = np.frombuffer(batch.keys, np.uint32)
    values = np.frombuffer(batch.values)
    # The first point of every device is its number: an answer taken for another one shows.
    first = keys % POINTS == 1
    log.strange += int(np.count_nonzero(values[first] != keys[first] // POINTS))
    log.strange += len(keys) - len(np.unique(keys))
    good = keys[np.frombuffer(batch.quality, np.uint8) == Quality.GOOD]
    slot = record.slot_min
    log.rows[slot] = log.rows.get(slot, 0) + len(good)
    log.widest_s = max(log.widest_s, float((slot - newest[good]).max(initial=0)))
    newest[good] = slot


def run_gateway(order: GatewayOrder, pipe: Connection) -> None:
    """Poll and send the log: the process's target."""
    os.sched_setaffinity(0, {order.core})
    open_files(len(order.places) + 200)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    # Links that are meant to be broken are no news.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        pipe.send(runner.run(_run(order)))
