"""Drives a functional test over the platform: what a script asks is done here, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from heatloop.app.alarming import Alarming
from heatloop.app.command_checks import CommandChecks
from heatloop.app.commands import Commands
from heatloop.app.history import AsyncHistorian
from heatloop.app.refusals import Refused, refusals
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_script import (
    Count,
    Instruct,
    Look,
    Reading,
    Request,
    Seen,
    SeenAlarm,
    Write,
)
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Principal

_LOOK_MACHINE_S = 0.1
_ALARMS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """The services a test works with."""

    world: World
    """Ledger and latest values."""
    commands: Commands
    """The one door for commands."""
    checks: CommandChecks
    """What is checked before a command is signed."""
    alarming: Alarming
    """Alarms."""
    historian: AsyncHistorian
    """Time series."""


class Driver:
    """Carries one test through.

    Args:
        bench: Services.
        test: The test.
        by: Who is responsible; None: the platform itself, which only puts back.
        user: His name.
        changed: Called after every change of the test that is worth keeping.
    """

    def __init__(
        self,
        bench: Bench,
        test: FunctionalTest,
        by: Principal | None,
        user: str,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._bench, self._test, self._by, self._user = bench, test, by, user
        self._changed = changed
        self.confirmed = False
        """Whether the technician said that he did what he was told."""
        self._order = ""
        self._why = ("", "")
        self._known = ""

    async def run(self) -> None:
        """Carry the test through until everything is put back."""
        test = self._test
        request: Request | None = test.begin()
        state = ""
        while request is not None:
            seen = await self._do(request)
            told = test.instruction
            request = test.advance(seen)
            if told is not test.instruction:
                self.confirmed = False
            now = f"{test.state} {[r.state for r in test.records]} {test.instruction} "
            now += f"{sorted(test.originals)}"
            if now != state:
                # What a point showed is kept before it is written for the first time.
                state = now
                await self._changed()
        await self._changed()

    async def _do(self, request: Request) -> Seen:
        counts: dict[str, tuple[int, float]] = {}
        match request:
            case Write():
                await self._write(request)
            case Count():
                counts = await self._count(request)
            case Look() | Instruct():
                await asyncio.sleep(_LOOK_MACHINE_S)
        await self._follow()
        return Seen(
            now_s=self._bench.world.now_s(),
            read=self._read,
            alarms=await self._alarms(),
            order=self._order,
            why=self._why,
            counts=counts,
            confirmed=self.confirmed,
        )

    def _read(self, code: str) -> Reading | None:
        world = self._bench.world
        point = world.ledger.points.get(code)
        last = None if point is None else world.latest.last(point.key)
        return None if last is None else Reading(value=last[0], quality=last[1], slot=last[2])

    async def _write(self, request: Write) -> None:
        bench = self._bench
        subject = self._test.target.subject
        reason = f"functional test of {subject} / {subject} 功能测试"
        self._order, self._why, self._known = "queued", ("", ""), ""
        try:
            if self._by is not None:
                view = await bench.commands.request(self._by, request.point, request.value, reason)
            else:
                point = bench.world.ledger.points[request.point]
                bench.checks.allow(point, request.value, "manual")
                view = await bench.commands.issue(
                    point, request.value, "manual", self._user, f"{reason}: put back / 恢复"
                )
            self._known = view.id
        except Refused as error:
            row = refusals()[error.code]
            self._order = "refused"
            self._why = (f"{row.zh} {error.detail}".strip(), f"{row.en} {error.detail}".strip())

    async def _follow(self) -> None:
        if not self._known or self._order in ("verified", "failed", "expired"):
            return
        view = await self._bench.commands.book.one(Scope.everything(), self._known)
        self._order = view.state
        if view.events:
            self._why = (view.events[-1].reason, view.events[-1].reason)

    async def _alarms(self) -> tuple[SeenAlarm, ...]:
        everything = Scope.everything()
        target = self._test.target
        wanted = [target.station]
        if target.device in self._bench.world.ledger.gateways:
            wanted.append(target.device)
        found = []
        for subject in wanted:
            page = await self._bench.alarming.page(everything, True, None, subject, 1, _ALARMS)
            found += [
                SeenAlarm(
                    id=item.id,
                    subject=item.point or item.subject,
                    rule=item.rule,
                    onset_s=item.onset.timestamp(),
                    active=item.cleared is None,
                )
                for item in page.items
            ]
        return tuple(found)

    async def _count(self, request: Count) -> dict[str, tuple[int, float]]:
        ledger: Ledger = self._bench.world.ledger
        keys = {ledger.points[code].key: code for code in request.points if code in ledger.points}
        columns = await self._bench.historian.raw(
            np.fromiter(keys, "u4"), request.start_s, request.end_s
        )
        slots: dict[int, list[int]] = {}
        for key, slot in zip(columns.keys.tolist(), columns.slots.tolist(), strict=True):
            slots.setdefault(key, []).append(slot)
        found = {}
        for key, code in keys.items():
            mine = sorted(set(slots.get(key, ())))
            apart = [late - early for early, late in pairwise(mine)]
            found[code] = (len(mine), float(median(apart)) if apart else 0.0)
        return found
