"""The sending half of the loop benchmark: real spools with fsync, real signed links."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink
from heatloop.edge.uplink_session import UplinkSession
from heatloop.kernel.batch import SampleBatch
from heatloop.security.keys import SigningKey

PERIOD_S = 30
WRITERS = 4


@dataclass(slots=True)
class Gateway:
    """One gateway of the benchmark."""

    code: str
    keys: array[int]
    """Point keys it reads every 30 s."""
    key: SigningKey
    spool: Spool
    session: UplinkSession
    values: list[array[float]]
    """Sweeps of meter readings to send, in turn."""
    quality: array[int]
    ticks: int = 0

    @classmethod
    def make(
        cls,
        code: str,
        keys: array[int],
        key: SigningKey,
        folder: Path,
        values: list[array[float]],
    ) -> Gateway:
        """Return a gateway with an empty spool."""
        spool = Spool(folder, cache_bytes=2 << 20)
        session = UplinkSession(gateway=code, spool=spool, key=key)
        return cls(code, keys, key, spool, session, values, array("B", bytes(len(keys))))

    def sweep(self, start_s: int) -> int:
        """Spool one 30 s sweep; return its rows once they are on the medium."""
        slot = start_s + PERIOD_S * self.ticks
        slots = array("I", [slot]) * len(self.keys)
        values = self.values[self.ticks % len(self.values)]
        self.spool.append(SampleBatch(self.keys, slots, values, self.quality))
        self.ticks += 1
        return len(self.keys)


@dataclass(slots=True)
class Run:
    """What one run of senders did."""

    rows: int = 0
    started: float = 0.0
    ended: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Samples a second from the first spool write to the last acknowledgement."""
        return self.rows / (self.ended - self.started)


def _sweep_all(part: list[tuple[Gateway, Uplink]], start_s: int) -> int:
    return sum(gateway.sweep(start_s) for gateway, _ in part)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def send(
    url: str, gateways: list[Gateway], links: int, seconds: float, start_s: int, backlog_rows: int
) -> Run:
    """Spool and send as fast as the platform acknowledges, for `seconds`, then drain.

    Args:
        url: Platform address.
        gateways: Shared evenly by the links.
        links: WebSocket connections.
        seconds: How long new sweeps are spooled.
        start_s: Slot of the first sweep.
        backlog_rows: A gateway waits while it has more rows than this unacknowledged.
    """
    run = Run()
    groups = [gateways[i::links] for i in range(links)]
    uplinks = [Uplink(url, [g.session for g in group]) for group in groups]
    tasks = [asyncio.create_task(uplink.run()) for uplink in uplinks]
    await _until(lambda: all(uplink.online for uplink in uplinks), 120)
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(WRITERS)
    run.started = time.perf_counter()
    until = run.started + seconds

    async def work(mine: list[tuple[Gateway, Uplink]]) -> None:
        while time.perf_counter() < until:
            idle = True
            ready = [(g, u) for g, u in mine if g.spool.rows + len(g.keys) <= backlog_rows]
            # One hop to the pool for a handful of gateways; each still has its own fsync.
            for part in (ready[i : i + 16] for i in range(0, len(ready), 16)):
                idle = False
                rows = await loop.run_in_executor(pool, _sweep_all, part, start_s)
                run.rows += rows  # not in one statement: other workers count meanwhile
                for _, uplink in part:
                    uplink.wake()
            if idle:
                await asyncio.sleep(0.002)

    pairs = [(g, u) for group, u in zip(groups, uplinks, strict=True) for g in group]
    await asyncio.gather(*(work(pairs[i::WRITERS]) for i in range(WRITERS)))
    await _until(lambda: not any(g.spool.rows for g in gateways), 300)
    run.ended = time.perf_counter()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    pool.shutdown()
    for gateway in gateways:
        gateway.spool.close()
    return run
