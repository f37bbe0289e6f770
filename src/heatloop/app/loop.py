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
class Taken:
    """What became of a group of envelopes."""

    accepted: int
    """Samples on their way to the store."""
    rejected: int
    """Samples set aside."""
    stored: Coroutine[Any, Any, None]
    """Ends when everything of the group is safe."""


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

    async def take(self, opened: list[Opened]) -> Taken:
        """Pass a group of opened envelopes through the stages."""
        parts = [(one.line.gateway, one.columns) for one in opened if one.columns is not None]
        jobs: list[Coroutine[Any, Any, None]] = []
        accepted, rejected = self._check(parts, jobs)
        for one in opened:
            if one.foreign is not None:
                reasons = [FOREIGN_POINT] * len(one.foreign.keys)
                rejected += len(reasons)
                jobs.append(self._reject(one.line.gateway, one.foreign, reasons))
        if len(accepted.keys):
            self._world.latest.update(accepted)
            self._hub.values_changed()
            jobs.extend(self._alarming.samples(accepted))
            jobs.extend(self._commands.read_back(accepted))
            jobs.append(until_done("historian", lambda: self._historian.append(accepted)))
        notes = [(one.line.gateway, one.notes) for one in opened if one.notes]
        if notes:
            jobs.append(self._notes.take(notes))
        return Taken(accepted=len(accepted.keys), rejected=rejected, stored=_all(jobs))

    def _check(
        self, parts: list[tuple[str, Columns]], jobs: list[Coroutine[Any, Any, None]]
    ) -> tuple[Columns, int]:
        """Return the samples that passed the quality check, and how many did not."""
        columns = concat([part for _, part in parts])
        if not len(columns.keys):
            return columns, 0
        # One pass for all, unless a row will be refused: then each gateway's rows alone, so
        # that the quarantine says whose they were.
        groups = parts if self._suspicious(columns) else [("", columns)]
        passed, refused = [], 0
        for gateway, part in groups:
            checked = self.checker.check(part)
            passed.append(checked.accepted)
            if checked.reasons:
                refused += len(checked.reasons)
                jobs.append(self._reject(gateway, checked.rejected, checked.reasons))
        return concat(passed), refused

    def _suspicious(self, columns: Columns) -> bool:
        limit = self._clock.now_s() + FUTURE_S
        return bool(
            (self._world.index.find(columns.keys) < 0).any()
            or not np.isfinite(columns.values).all()
            or int(columns.quality.max()) > Quality.ESTIMATED
            or int(columns.slots.max()) > limit
        )

    async def _reject(self, gateway: str, rejected: Columns, reasons: list[str]) -> None:
        """Set refused rows aside, one entry per reason, naming the first few keys."""
        for reason in dict.fromkeys(reasons):
            mask = np.asarray([each == reason for each in reasons])
            keys, slots = np.unique(rejected.keys[mask]), rejected.slots[mask]
            shown = ",".join(map(str, keys[:20].tolist()))
            detail = f"{len(keys)} keys ({shown}), slots {slots.min()} to {slots.max()}"
            await self._quarantine.add(gateway, reason, detail, int(mask.sum()))


async def _all(jobs: list[Coroutine[Any, Any, None]]) -> None:
    """Await all jobs together."""
    if len(jobs) == 1:
        await jobs[0]
    elif jobs:
        await asyncio.gather(*jobs)
