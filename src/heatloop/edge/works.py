"""One gateway at work on one profile: a slot from poll to spool, and the scans between slots.

Order inside a slot: read, mark gaps, put back foreign writes, obey commands, regulate, spool.
Notes about gaps are spooled before the samples that end them: a crash in between repeats the
note; the other way round it would forget it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import gcd
from pathlib import Path
from random import Random

from heatloop.edge.gaps import OVERRUN, RESTART, gap_note, slots_between
from heatloop.edge.guard import Guard
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.kept import Kept
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.orders import Orders
from heatloop.edge.poller import Poller, Seen, Sweep
from heatloop.edge.raised import Note
from heatloop.edge.regulator import Regulator
from heatloop.edge.rules import EdgeRules
from heatloop.edge.stop import Stops
from heatloop.edge.watch import WriteWatch
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.messages import Command
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.keys import KeyRing
from heatloop.station.interlocks import interlock_texts

_LINK_S = 60.0
_GRAVE_INTERLOCKS = ("over_temperature", "over_pressure", "frost", "flood", "leakage")


class Works:
    """Polls, guards, obeys and regulates by one profile.

    Args:
        profile: What there is to do.
        ring: The platform's keys.
        kept: What outlives the profile.
        now_s: Plant time.
        backoff_now_s: Time dead devices are left alone in: plant time in lockstep.
        lockstep: Whether time moves by ticks.
        timeout_s: Longest wait for a device's answer, machine time.
        rng: Spreads attempts at dead devices.
        stats: Counts what is asked and answered.
        secrets: Folder with keys and certificates of devices.
    """

    def __init__(
        self,
        profile: EdgeProfile,
        ring: KeyRing,
        kept: Kept,
        *,
        now_s: Callable[[], float],
        backoff_now_s: Callable[[], float],
        lockstep: bool,
        timeout_s: float,
        rng: Random | None = None,
        stats: LinkStats | None = None,
        secrets: Path | None = None,
    ) -> None:
        self.index = ProfileIndex(profile)
        self.latest = LatestValues()
        self.lockstep = lockstep
        self._kept, self._now_s, self._backoff_now_s = kept, now_s, backoff_now_s
        self.poller = Poller(
            self.index,
            self.latest,
            timeout_s=timeout_s,
            lockstep=lockstep,
            rng=rng,
            now_s=now_s,
            stats=stats,
            keep_late=self._keep_own_time,
            secrets=secrets,
        )
        self.regulator = Regulator(self.index, self.latest, kept.memory, self.poller, kept.latches)
        self.watch = WriteWatch(
            index=self.index,
            memory=kept.memory,
            poller=self.poller,
            alarms=kept.alarms,
            latest=self.latest,
            driven=self.regulator.driven,
        )
        self.watch.resume(now_s())
        kept.door.load(ring)
        guard = Guard(self.index, ring, kept.memory, self.latest, kept.door)
        self.stops = Stops(
            index=self.index,
            book=kept.stops,
            door=kept.door,
            ring=ring,
            memory=kept.memory,
            poller=self.poller,
            latest=self.latest,
            alarms=kept.alarms,
            driven=guard.driven,
            now_s=now_s,
            backoff_now_s=backoff_now_s,
        )
        guard.stopped = self.stops.holds
        self.rules = EdgeRules(
            index=self.index,
            keeper=kept.rules,
            ring=ring,
            guard=guard,
            memory=kept.memory,
            poller=self.poller,
            alarms=kept.alarms,
            latest=self.latest,
        )
        self.orders = Orders(
            index=self.index,
            guard=guard,
            memory=kept.memory,
            poller=self.poller,
            alarms=kept.alarms,
            latest=self.latest,
            now_s=now_s,
            backoff_now_s=backoff_now_s,
            stats=stats,
        )
        self.tick_s = (
            gcd(*(b.period_s for d in self.index.polled() for b in self.index.by_device[d.code]))
            or 30
        )
        self._down_since: dict[str, int] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._collapsed = False
        self._writable = {
            code: self.poller.plan_for(code, rw)
            for code, driver in self.poller.drivers.items()
            if driver.guarded
            and (rw := [b for b in self.index.by_device[code] if b.access == "rw"])
        }
        self._fast = {
            code: self.poller.plan_for(code, bindings)
            for code, bindings in self.regulator.fast_bindings.items()
        }

    @property
    def rows_a_tick(self) -> int:
        """Rows a full slot brings."""
        return max(1, sum(len(self.index.by_device[code]) for code in self.poller.drivers))

    async def slot(
        self,
        slot: int,
        commands: Callable[[], list[Command]],
        *,
        began: bool,
        collapsed: bool,
    ) -> None:
        """Do everything that is due in a slot.

        Args:
            slot: Plant seconds.
            commands: Gives the commands that wait.
            began: Whether this is the first slot since the process started.
            collapsed: Whether guard and fast scan have no time of their own.
        """
        self._collapsed = collapsed
        stepped = self._kept.skip_cause(OVERRUN)
        cause = RESTART if began else stepped
        notes = self._skipped(slot, cause)
        on_late = None if self.lockstep else self._late
        sweep = await self.poller.sweep(slot, self._backoff_now_s(), on_late)
        notes += self._links(sweep)
        notes += await self._look(sweep.seen, slot)
        notes += await self.stops.step()
        if self.lockstep:
            for command in commands():
                notes += await self.orders.obey(command)
        if collapsed:
            await self.regulator.step(self._now_s(), set(sweep.answered))
            notes += self._interlocks(slot)
        notes += await self.rules.step(slot)
        notes += self.watch.quiet(slot)
        await self._kept.notes(notes, slot)
        await self._kept.samples(sweep.batch, slot, self._periods(sweep))
        self._kept.polled_slot = slot

    def _skipped(self, slot: int, cause: str) -> list[Note]:
        """Return closed gaps for the slots that nobody polled since the last one spooled."""
        # What was polled and could not be kept has a gap of its own.
        last = max(self._kept.spool.last_slot, self._kept.polled_slot)
        notes: list[Note] = []
        for device, driver in self.poller.drivers.items() if last else ():
            period = self.poller.period_of(device)
            # What is waited for apart may not have been spooled when the others of its slot were.
            after = last - 1 if driver.slow and cause == RESTART else last
            missed = slots_between(after, slot, period) if period else None
            if missed is not None and device not in self._kept.gaps:
                notes.append(gap_note(device, *missed, cause))
        return notes

    def _links(self, sweep: Sweep) -> list[Note]:
        notes: list[Note] = []
        for device, cause in sweep.missed.items():
            notes += self._missed(device, sweep.slot, cause)
        for device in sweep.answered:
            notes += self._answered(device, sweep.slot)
        return notes

    def _missed(self, device: str, slot: int, cause: str) -> list[Note]:
        notes = self._kept.gaps.missed(device, slot, cause)
        since = self._down_since.setdefault(device, slot)
        if slot - since + self.poller.period_of(device) >= _LINK_S:
            asset = self.index.devices[device].asset
            rule = f"link.{device}"
            notes += self._kept.alarms.raise_(asset, rule, since, 2, detail=f"cause={cause}")
        return notes

    def _answered(self, device: str, slot: int) -> list[Note]:
        self._down_since.pop(device, None)
        notes: list[Note] = []
        if not self._kept.full:  # else its gap ends when samples can be kept again
            notes = self._kept.gaps.answered(device, slot, self.poller.period_of(device))
        asset = self.index.devices[device].asset
        return notes + self._kept.alarms.clear(asset, f"link.{device}", slot)

    async def _look(self, seen: list[Seen], at_s: float) -> list[Note]:
        foreign = [write for each in seen for write in self.watch.compare(each)]
        return await self.watch.act(foreign, at_s) if foreign else []

    def _interlocks(self, at_s: float) -> list[Note]:
        """Raise and clear interlock alarms by what controllers say and the logic here does."""
        notes: list[Note] = []
        for asset, names in self.index.by_asset.items():
            binding = names.get("interlock_word")
            if binding is None:
                continue
            word = int(self.latest.values.get(binding.key, 0.0)) | self.regulator.word_of(asset)
            rules = {f"interlock.{name}" for name, _, _ in interlock_texts(word)} if word else set()
            for rule in rules:
                priority = 1 if rule.endswith(_GRAVE_INTERLOCKS) else 2
                notes += self._kept.alarms.raise_(asset, rule, at_s, priority)
            for rule in self._kept.alarms.open_of(asset, "interlock.") - rules:
                notes += self._kept.alarms.clear(asset, rule, at_s)
        return notes

    def _late(self, slot: int, seen: Seen) -> None:
        """Take the answer of a device that was waited for apart."""
        sweep = Sweep(slot)
        sweep.take(seen, self.latest)
        sweep.close()
        task = asyncio.create_task(self._keep_late(sweep))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _periods(self, sweep: Sweep) -> dict[str, int]:
        return {device: self.poller.period_of(device) for device in sweep.answered}

    async def _keep_late(self, sweep: Sweep) -> None:
        notes = self._links(sweep) + await self._look(sweep.seen, sweep.slot)
        if self._collapsed:
            await self.regulator.step(self._now_s(), set(sweep.answered))
            notes += self._interlocks(sweep.slot)
        await self._kept.notes(notes, sweep.slot)
        # A gateway of slow lines alone has nothing else to say that a slot was done.
        late = not any(self.poller.drivers[code].slow for code in sweep.answered)
        await self._kept.samples(sweep.batch, sweep.slot, self._periods(sweep), late=late)

    async def _keep_own_time(self, batch: SampleBatch) -> None:
        """Keep what a device sent with times of its own; return when it is fsynced."""
        await self._kept.reports(batch, self._now_s())

    async def guard_scan(self) -> None:
        """Read every writable register and put back what somebody else wrote."""
        now_s = self._now_s()
        seen = await self.poller.read_some(self._writable, self._backoff_now_s())
        notes = await self._look(seen, now_s)
        notes += await self.stops.step()
        await self._kept.notes(notes + self._interlocks(now_s), now_s)

    async def fast_scan(self) -> None:
        """Read what the stations driven from here need, and let them act.

        Where somebody writes from outside, every writable register is looked at as often: who
        writes each second must not have his way until the next guard scan.
        """
        plans = dict(self._fast)
        for code in self.watch.meddled() & self._writable.keys():
            plans[code] = (*plans.get(code, ()), *self._writable[code])
        seen = await self.poller.read_some(plans, self._backoff_now_s())
        now_s = self._now_s()
        notes = await self._look(seen, now_s)
        answered = {e.device for e in seen if e.reading.cause is None}
        await self.regulator.step(now_s, answered & self._fast.keys())
        if self.regulator.words_changed():
            notes += self._interlocks(now_s)
        if notes:
            await self._kept.notes(notes, now_s)

    @property
    def has_fast(self) -> bool:
        """Whether any station is driven from here, or written to from outside."""
        return bool(self._fast) or bool(self.watch.meddled())

    async def obey(self, command: Command) -> None:
        """Carry out one command now."""
        await self._kept.notes(await self.orders.obey(command), self._now_s())

    async def stop_now(self) -> None:
        """Carry out emergency orders that came."""
        if self.stops.busy:
            await self._kept.notes(await self.stops.step(), self._now_s())

    async def resume(self) -> None:
        """Say again what a crash may have swallowed, and settle commands it interrupted."""
        await self._kept.notes(self.stops.resume(), self._now_s())
        await self._kept.notes(self._kept.alarms.resume(), self._now_s())
        await self._kept.notes(await self.orders.resume(), self._now_s())

    async def close(self) -> None:
        """Close connections; what was read is spooled."""
        self.poller.close()
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
