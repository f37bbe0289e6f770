"""One sweep: every due register of every device into one batch of one slot.

Devices are read side by side. Free-running, a device that did not answer last time is waited
for apart from the others, so a dead one does not hold up the slot; its answer comes in late. In
lockstep every device is waited for.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from heatloop.edge.backoff import Backoff
from heatloop.edge.drivers.modbus import ModbusDriver, PlannedBlock, Reading, plan
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding


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
        if seen.reading.cause is not None:
            self.missed[seen.device] = seen.reading.cause
        else:
            self.answered.append(seen.device)

    def close(self) -> None:
        """Give every sample the slot."""
        self.batch.slots = array("I", (self.slot,)) * len(self.batch.keys)


class Poller:
    """Reads all Modbus devices of a gateway.

    Args:
        index: The gateway's profile.
        latest: Updated with every value read.
        timeout_s: Longest wait for one answer, machine time.
        lockstep: Whether time moves by ticks; sets how long dead devices are left alone.
        rng: Spreads attempts at dead devices.
    """

    def __init__(
        self,
        index: ProfileIndex,
        latest: LatestValues,
        *,
        timeout_s: float = 1.0,
        lockstep: bool = False,
        rng: Random | None = None,
    ) -> None:
        self._index, self._latest = index, latest
        self.lockstep = lockstep
        self.drivers: dict[str, ModbusDriver] = {
            device.code: ModbusDriver(device, timeout_s=timeout_s, backoff=self._backoff(rng))
            for device in index.polled()
        }
        self._plans: dict[tuple[str, tuple[int, ...]], tuple[PlannedBlock, ...]] = {}
        self._periods = {
            code: tuple(sorted({b.period_s for b in index.by_device[code]}))
            for code in self.drivers
        }
        self._late: set[asyncio.Task[Seen]] = set()

    def _backoff(self, rng: Random | None) -> Backoff:
        # Plant time in lockstep (one tick to ten minutes), else machine time.
        return Backoff(30.0, 600.0) if self.lockstep else Backoff(0.2, 10.0, rng)

    def period_of(self, device: str) -> int:
        """Return the shortest poll period of a device, plant seconds; 0 without points."""
        periods = self._periods.get(device, ())
        return periods[0] if periods else 0

    def due(self, slot: int) -> dict[str, tuple[PlannedBlock, ...]]:
        """Return the reads due in a slot, by device."""
        found = {}
        for code, periods in self._periods.items():
            due = tuple(p for p in periods if slot % p == 0)
            if due:
                found[code] = self._plan(code, due)
        return found

    def _plan(self, code: str, periods: tuple[int, ...]) -> tuple[PlannedBlock, ...]:
        planned = self._plans.get((code, periods))
        if planned is None:
            chosen = [b for b in self._index.by_device[code] if b.period_s in periods]
            planned = plan(chosen, self.drivers[code].device.word_order)
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
        waited: list[asyncio.Task[Seen]] = []
        for code, blocks in self.due(slot).items():
            driver = self.drivers[code]
            task = asyncio.create_task(self._read(driver, blocks, now_s))
            if on_late is not None and driver.broken and now_s >= driver.backoff.due_s:
                self._wait_apart(task, slot, on_late)
            else:
                waited.append(task)
        for seen in await asyncio.gather(*waited):
            sweep.take(seen, self._latest)
        sweep.close()
        return sweep

    def _wait_apart(
        self, task: asyncio.Task[Seen], slot: int, on_late: Callable[[int, Seen], None]
    ) -> None:
        def done(finished: asyncio.Task[Seen]) -> None:
            self._late.discard(finished)
            if not finished.cancelled():
                on_late(slot, finished.result())

        self._late.add(task)
        task.add_done_callback(done)

    async def _read(
        self, driver: ModbusDriver, blocks: Sequence[PlannedBlock], now_s: float
    ) -> Seen:
        writes = driver.writes
        reading = await driver.read(blocks, now_s)
        return Seen(device=driver.device.code, reading=reading, writes_before=writes)

    async def read_some(
        self, plans: Mapping[str, Sequence[PlannedBlock]], now_s: float
    ) -> list[Seen]:
        """Read given blocks of given devices now, outside the slots (guard and fast scans)."""
        tasks = [
            self._read(self.drivers[code], blocks, now_s)
            for code, blocks in plans.items()
            if not self.drivers[code].broken
        ]
        found = await asyncio.gather(*tasks)
        for seen in found:
            for planned, values in seen.reading.blocks:
                self._latest.values.update(zip(planned.keys, values, strict=True))
        return list(found)

    def plan_for(self, code: str, bindings: Sequence[Binding]) -> tuple[PlannedBlock, ...]:
        """Return reads for some bindings of a device."""
        return plan(bindings, self.drivers[code].device.word_order)

    def close(self) -> None:
        """Close all connections and forget late answers."""
        for task in tuple(self._late):
            task.cancel()
        for driver in self.drivers.values():
            driver.close()
