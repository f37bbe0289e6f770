"""One sweep: every due register of every device into one batch of one slot.

Devices are read side by side, begun a few at a time, always in the same order: whatever else the
gateway does (fast scans, commands) gets its turn in between, and a device's readings are a whole
period apart. Free-running, a device that did not answer last time, or whose line is slow, is
waited for apart from the others, so that it does not hold up the slot; its answer comes in late.
One that is still being read when its next slot begins misses that slot. In lockstep every device
is waited for.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from heatloop.edge.backoff import Backoff
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.edge.drivers.registry import make_driver
from heatloop.edge.drivers.shared import Shared
from heatloop.edge.gaps import OVERRUN
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding

T = TypeVar("T")
_ABREAST = 32
"""Devices begun, or answers taken, before the event loop gets its turn: some 5 ms of work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One device's answer, for whoever watches writable registers."""

    device: str
    """Device code."""
    reading: Reading
    """What it answered."""
    writes_before: int
    """Own writes done before it was asked; later ones may not be in the answer."""


@dataclass(slots=True)
class Sweep:
    """What one slot brought."""

    slot: int
    """The slot."""
    batch: SampleBatch = field(default_factory=SampleBatch)
    """Samples of all devices that answered."""
    missed: dict[str, str] = field(default_factory=dict)
    """Device -> cause, for devices that did not answer, or not wholly."""
    answered: list[str] = field(default_factory=list)
    """Devices that answered wholly."""
    seen: list[Seen] = field(default_factory=list)
    """Answers, device by device."""
    doubtful: dict[int, Quality] = field(default_factory=dict)
    """Point key -> quality, for values a device itself calls less than good."""

    def take(self, seen: Seen, latest: LatestValues) -> None:
        """Add one device's answer."""
        self.seen.append(seen)
        for planned, values in seen.reading.blocks:
            self.batch.keys.extend(planned.keys)
            self.batch.values.extend(values)
            latest.values.update(zip(planned.keys, values, strict=True))
            if planned.floats:
                # A controller's own "no value" (not a number) is kept, as bad.
                good, bad = Quality.GOOD, Quality.BAD
                marks = bytes(good if v - v == 0 else bad for v in values)
            else:
                marks = bytes(len(values))
            self.batch.quality.frombytes(marks)
        for key, quality in seen.reading.doubtful.items():
            self.doubtful[key] = quality
        if seen.reading.cause is not None:
            self.missed[seen.device] = seen.reading.cause
        else:
            self.answered.append(seen.device)

    def close(self) -> None:
        """Give every sample the slot, and those the devices doubt their quality."""
        self.batch.slots = array("I", (self.slot,)) * len(self.batch.keys)
        if self.doubtful:
            for row, key in enumerate(self.batch.keys):
                mark = self.doubtful.get(key)
                if mark is not None:
                    self.batch.quality[row] = max(mark, self.batch.quality[row])


class Poller:
    """Reads all devices of a gateway that are asked.

    Args:
        index: The gateway's profile.
        latest: Updated with every value read.
        timeout_s: Longest wait for one answer, machine time.
        lockstep: Whether time moves by ticks; sets how long dead devices are left alone.
        rng: Spreads attempts at dead devices.
        now_s: Plant time, for drivers whose messages carry a time.
        stats: Counts what is asked and answered.
        keep_late: Spools what devices send with a time of its own.
        secrets: Folder with keys and certificates of devices.
    """

    def __init__(
        self,
        index: ProfileIndex,
        latest: LatestValues,
        *,
        timeout_s: float = 1.0,
        lockstep: bool = False,
        rng: Random | None = None,
        now_s: Callable[[], float] = lambda: 0.0,
        stats: LinkStats | None = None,
        keep_late: Callable[[SampleBatch], Awaitable[None]] | None = None,
        secrets: Path | None = None,
    ) -> None:
        self._index, self._latest = index, latest
        self.lockstep = lockstep
        self._shared = Shared()
        tools = DriverTools(
            timeout_s=timeout_s,
            backoff=lambda: self._backoff(rng),
            now_s=now_s,
            shared=self._shared,
            stats=stats or LinkStats(),
            secrets=secrets,
        )
        if keep_late is not None:
            tools = replace(tools, keep_late=keep_late)
        self.drivers: dict[str, Driver] = {
            device.code: make_driver(device, tools) for device in index.polled()
        }
        self._plans: dict[tuple[str, tuple[int, ...]], tuple[Planned, ...]] = {}
        self._periods = {
            code: tuple(sorted({b.period_s for b in index.by_device[code]}))
            for code in self.drivers
        }
        self._late: dict[str, asyncio.Task[Seen]] = {}

    def _backoff(self, rng: Random | None) -> Backoff:
        # Plant time in lockstep (one tick to ten minutes), else machine time.
        return Backoff(30.0, 600.0) if self.lockstep else Backoff(0.2, 10.0, rng)

    def period_of(self, device: str) -> int:
        """Return the shortest poll period of a device, plant seconds; 0 without points."""
        periods = self._periods.get(device, ())
        return periods[0] if periods else 0

    def due(self, slot: int) -> dict[str, tuple[int, ...]]:
        """Return the poll periods that begin anew in a slot, by device."""
        found = {}
        for code, periods in self._periods.items():
            due = tuple(p for p in periods if slot % p == 0)
            if due:
                found[code] = due
        return found

    def _plan(self, code: str, periods: tuple[int, ...]) -> tuple[Planned, ...]:
        planned = self._plans.get((code, periods))
        if planned is None:
            chosen = [b for b in self._index.by_device[code] if b.period_s in periods]
            planned = self.drivers[code].plan(chosen)
            self._plans[code, periods] = planned
        return planned

    async def sweep(
        self, slot: int, now_s: float, on_late: Callable[[int, Seen], None] | None = None
    ) -> Sweep:
        """Read everything due in a slot.

        Args:
            slot: Plant seconds.
            now_s: Time for the back-off of dead devices: plant time in lockstep.
            on_late: Called with answers of devices that had to be waited for apart; None:
                every device is waited for.
        """
        sweep = Sweep(slot)
        found = await _few_at_a_time(
            self._due_read(slot, code, periods, now_s, on_late)
            for code, periods in self.due(slot).items()
        )
        for number, seen in enumerate(found, 1):
            if seen is not None:
                sweep.take(seen, self._latest)
            if number % _ABREAST == 0:
                await asyncio.sleep(0)
        sweep.close()
        return sweep

    async def _due_read(
        self,
        slot: int,
        code: str,
        periods: tuple[int, ...],
        now_s: float,
        on_late: Callable[[int, Seen], None] | None,
    ) -> Seen | None:
        """Read what a device has to say in a slot; None: it is waited for apart."""
        driver = self.drivers[code]
        reading = self._read(driver, self._plan(code, periods), now_s)
        tries = driver.broken and now_s >= driver.backoff.due_s
        if on_late is None or not (tries or driver.slow):
            return await reading
        if code in self._late:
            reading.close()
            return Seen(device=code, reading=Reading([], OVERRUN), writes_before=driver.writes)
        self._wait_apart(code, asyncio.create_task(reading), slot, on_late)
        return None

    def _wait_apart(
        self, code: str, task: asyncio.Task[Seen], slot: int, on_late: Callable[[int, Seen], None]
    ) -> None:
        def done(finished: asyncio.Task[Seen]) -> None:
            self._late.pop(code, None)
            if not finished.cancelled():
                on_late(slot, finished.result())

        self._late[code] = task
        task.add_done_callback(done)

    async def _read(self, driver: Driver, blocks: Sequence[Planned], now_s: float) -> Seen:
        writes = driver.writes
        reading = await driver.read(blocks, now_s)
        return Seen(device=driver.device.code, reading=reading, writes_before=writes)

    async def read_some(self, plans: Mapping[str, Sequence[Planned]], now_s: float) -> list[Seen]:
        """Read given blocks of given devices now, outside the slots (guard and fast scans)."""
        found = await _few_at_a_time(
            self._read(self.drivers[code], blocks, now_s)
            for code, blocks in plans.items()
            if not self.drivers[code].broken
        )
        for number, seen in enumerate(found, 1):
            for planned, values in seen.reading.blocks:
                self._latest.values.update(zip(planned.keys, values, strict=True))
            if number % _ABREAST == 0:
                await asyncio.sleep(0)
        return found

    def plan_for(self, code: str, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Return reads for some bindings of a device."""
        return self.drivers[code].plan(bindings)

    def close(self) -> None:
        """Close all connections and forget late answers."""
        for task in tuple(self._late.values()):
            task.cancel()
        for driver in self.drivers.values():
            driver.close()
        self._shared.close()


async def _few_at_a_time(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what all of this gives, in order; each is begun before any is waited for.

    A device that does not answer costs its time-out once, however many of them there are.
    """
    tasks: list[asyncio.Task[T]] = []
    try:
        for number, each in enumerate(work, 1):
            tasks.append(asyncio.create_task(each))
            if number % _ABREAST == 0:
                await asyncio.sleep(0)
        return await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
