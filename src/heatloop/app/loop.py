"""The loop on one page: in which order samples pass the stages, and notes reach theirs.

intake -> quality check -> live view -> alarms -> command read-back -> historian; jobs (curve
control, silence, roll-ups) run beside it by `schedule`. Nothing here blocks: what must be
durable is returned as one coroutine, and the intake acknowledges when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatloop.alarms.lifecycle import AlarmChange
from heatloop.app.alarming import Alarming
from heatloop.app.commands import Commands
from heatloop.app.envelopes import FOREIGN_POINT, Opened, Owners
from heatloop.app.history import AsyncHistorian
from heatloop.app.live import Hub
from heatloop.app.notes import Notes
from heatloop.app.patience import until_done
from heatloop.app.quarantine import Quarantine
from heatloop.app.world import World
from heatloop.ingest.checker import FUTURE_S, QualityChecker
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns, concat

_LOCKSTEP_SLACK_S = 3600.0
_MACHINE_SLACK_S = 2.0


class ReceptionClock:
    """Plant time for judging slots, with room for ticks that are still on their way here."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock

    def now_s(self) -> float:
        """Return the latest plant time another process may honestly be at."""
        state = self._clock.state
        slack = _LOCKSTEP_SLACK_S if state.lockstep else _MACHINE_SLACK_S * state.speed
        return self._clock.now_s() + slack


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Samples that are set aside."""

    gateway: str
    """Gateway that sent them."""
    rows: Columns
    """The samples."""
    reasons: list[str]
    """Reason code of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """What was found out about a group of envelopes; nothing has happened yet."""

    opened: list[Opened]
    """The envelopes."""
    accepted: Columns
    """Samples to store, with their quality."""
    refused: list[Refused]
    """Samples to set aside."""
    alarms: list[AlarmChange]
    """Alarms that begin or end with these samples."""

    @property
    def rejected(self) -> int:
        """Return how many samples are set aside."""
        return sum(len(each.reasons) for each in self.refused)


class Loop:
    """Knows the stages and their order."""

    def __init__(
        self,
        *,
        world: World,
        hub: Hub,
        historian: AsyncHistorian,
        alarming: Alarming,
        commands: Commands,
        notes: Notes,
        quarantine: Quarantine,
    ) -> None:
        self._world, self._hub, self._historian = world, hub, historian
        self._alarming, self._commands = alarming, commands
        self._notes, self._quarantine = notes, quarantine
        self.install()

    def install(self) -> None:
        """Follow the ledger in force."""
        world = self._world
        self.owners = Owners(world.ledger, world.index)
        self._clock = ReceptionClock(world.clock)
        self.checker = QualityChecker.of_ledger(
            world.ledger, self._clock, watch_from_s=world.now_s()
        )
        self._alarming.install()

    async def set_aside(self, gateway: str, reason: str, detail: str, rows: int) -> None:
        """Write down something that was sent and is not stored."""
        await self._quarantine.add(gateway, reason, detail, rows)

    def examine(self, opened: list[Opened]) -> Examined:
        """Check samples and look for alarms: the heavy part, on the loop or in one thread."""
        refused: list[Refused] = []
        parts = [(one.line.gateway, one.columns) for one in opened if one.columns is not None]
        accepted = self._check(parts, refused)
        refused.extend(
            Refused(
                gateway=one.line.gateway,
                rows=one.foreign,
                reasons=[FOREIGN_POINT] * len(one.foreign.keys),
            )
            for one in opened
            if one.foreign is not None
        )
        alarms = self._alarming.examine(accepted) if len(accepted.keys) else []
        return Examined(opened=opened, accepted=accepted, refused=refused, alarms=alarms)

    def take(self, examined: Examined) -> Coroutine[Any, Any, None]:
        """Pass what was examined through the stages; return what ends when all of it is safe."""
        accepted = examined.accepted
        jobs = [self._reject(each) for each in examined.refused]
        if len(accepted.keys):
            self._world.latest.update(accepted)
            self._hub.values_changed()
            jobs.extend(self._alarming.apply(examined.alarms))
            jobs.extend(self._commands.read_back(accepted))
            jobs.append(until_done("historian", lambda: self._historian.append(accepted)))
        notes = [(one.line.gateway, one.notes) for one in examined.opened if one.notes]
        if notes:
            jobs.append(self._notes.take(notes))
        return _all(jobs)

    def _check(self, parts: list[tuple[str, Columns]], refused: list[Refused]) -> Columns:
        """Return the samples that passed the quality check; the others go to `refused`."""
        columns = concat([part for _, part in parts])
        if not len(columns.keys):
            return columns
        # One pass for all, unless a row will be refused: then each gateway's rows alone, so
        # that the quarantine says whose they were.
        groups = parts if self._suspicious(columns) else [("", columns)]
        passed = []
        for gateway, part in groups:
            checked = self.checker.check(part)
            passed.append(checked.accepted)
            if checked.reasons:
                refused.append(
                    Refused(gateway=gateway, rows=checked.rejected, reasons=checked.reasons)
                )
        return concat(passed)

    def _suspicious(self, columns: Columns) -> bool:
        limit = self._clock.now_s() + FUTURE_S
        return bool(
            (self._world.index.find(columns.keys) < 0).any()
            or not np.isfinite(columns.values).all()
            or int(columns.quality.max()) > Quality.ESTIMATED
            or int(columns.slots.max()) > limit
        )

    async def _reject(self, refused: Refused) -> None:
        """Set refused rows aside, one entry per reason, naming the first few keys."""
        for reason in dict.fromkeys(refused.reasons):
            mask = np.asarray([each == reason for each in refused.reasons])
            keys, slots = np.unique(refused.rows.keys[mask]), refused.rows.slots[mask]
            shown = ",".join(map(str, keys[:20].tolist()))
            detail = f"{len(keys)} keys ({shown}), slots {slots.min()} to {slots.max()}"
            await self._quarantine.add(refused.gateway, reason, detail, int(mask.sum()))


async def _all(jobs: list[Coroutine[Any, Any, None]]) -> None:
    """Await all jobs together."""
    if len(jobs) == 1:
        await jobs[0]
    elif jobs:
        await asyncio.gather(*jobs)
