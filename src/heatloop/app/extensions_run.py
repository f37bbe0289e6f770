"""Plug-ins at work: detectors and bridges follow the feed, warnings and strategies the clock.

They see what is stored, after it is stored, so none of them can hold up the intake; one that is
too slow misses values, which are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import structlog

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.extensions import Extensions, Plugged
from heatloop.app.extensions_api import Clear, Raise, Verdict, Wanted
from heatloop.app.extensions_view import readings
from heatloop.app.open_feed import Entry, Feed
from heatloop.app.world import World
from heatloop.control.arbiter import Priority, Proposal
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import concat

_log = structlog.get_logger("heatloop.extensions")
MODULE_STOPPED = "module_stopped"
_EVERYTHING = Scope.everything()
_RULE = re.compile(r"[a-z0-9_]{1,40}")
_ENTRIES, _MOST_ROWS, _MOST_VERDICTS = 64, 20_000, 1_000
_WAIT_S, _LOOK_S = 5.0, 1.0
_HELD_S = 1_200.0


class ExtensionRunner:
    """Runs detectors, warnings, strategies and bridges.

    Args:
        extensions: The modules.
        world: Ledger and plant time.
        feed: What is new.
        alarming: Where verdicts go.
    """

    def __init__(
        self, extensions: Extensions, world: World, feed: Feed, alarming: Alarming
    ) -> None:
        self._extensions, self._world = extensions, world
        self._feed, self._alarming = feed, alarming
        self._proposed: dict[str, tuple[float, list[Proposal]]] = {}
        extensions.when_stopped = self._stopped
        extensions.when_switched = self._switched
        name_rule(MODULE_STOPPED, "扩展模块已停用", "extension module stopped")
        for plug in extensions.plugged.values():
            for rule, (zh, en) in (plug.manifest.rules or {}).items():
                name_rule(f"{plug.manifest.name}.{rule}", zh, en)

    async def run(self) -> None:
        """Work until cancelled; without plug-ins there is nothing to do."""
        followers = [
            p for p in self._extensions.plugged.values()
            if p.manifest.kind in ("detector", "bridge")
        ]  # fmt: skip
        timed = [p for p in self._extensions.plugged.values() if p.manifest.kind == "warning"]
        async with asyncio.TaskGroup() as tasks:
            for plug in followers:
                tasks.create_task(self._follow(plug))
            for plug in timed:
                tasks.create_task(self._from_time_to_time(plug))
            tasks.create_task(asyncio.Event().wait())

    async def _follow(self, plug: Plugged) -> None:
        seq = self._feed.head
        while True:
            await self._feed.wait(seq, _WAIT_S)
            if not plug.guard.runs:
                # What came while it was off is not given to it later.
                seq = self._feed.head
                await asyncio.sleep(_LOOK_S)
                continue
            if seq + 1 < self._feed.oldest:
                plug.missed += self._feed.oldest - 1 - seq
                seq = self._feed.oldest - 1
            entries = self._feed.after(seq, _ENTRIES)
            if entries:
                seq = entries[-1].seq
                await self._give(plug, entries)

    async def _give(self, plug: Plugged, entries: Sequence[Entry]) -> None:
        """Give a module what is new; whatever it does, the next entries come."""
        columns = concat([entry.columns for entry in entries if entry.columns is not None])
        kinds = plug.manifest.inputs or None
        ledger = self._world.ledger
        for start in range(0, max(len(columns.keys), 1), _MOST_ROWS):
            part = columns.take(np.arange(start, min(start + _MOST_ROWS, len(columns.keys))))
            rows = await asyncio.to_thread(readings, ledger, part, kinds)
            events = [
                {"event": e.name, "asset": e.asset, "data": e.data}
                for e in entries
                if e.columns is None
            ] if start == 0 else []  # fmt: skip
            try:
                if plug.manifest.kind == "bridge":
                    if rows or events:
                        await plug.call(plug.made.send, rows, events)
                        plug.given += len(rows) + len(events)
                elif rows:
                    view = () if plug.early else (self._extensions.look(_EVERYTHING),)
                    found = await plug.call(self._judged, plug.made.examine, rows, *view)
                    await self._verdicts(plug, found)
            except Exception:  # noqa: BLE001 - counted by the guard
                plug.missed += len(rows)

    async def _from_time_to_time(self, plug: Plugged) -> None:
        period_s = max(float(getattr(plug.made, "period_s", 600.0)), 10.0)
        done = -1.0
        while True:
            due = self._world.now_s() // period_s
            if due <= done or not plug.guard.runs:
                await asyncio.sleep(_LOOK_S)
                continue
            done = due
            view = self._extensions.look(_EVERYTHING)
            # What goes wrong was counted by the guard.
            with contextlib.suppress(Exception):
                found = await plug.call(self._judged, plug.made.check, view)
                await self._verdicts(plug, found)
            await asyncio.sleep(_LOOK_S)

    def _judged(self, function: Any, *args: object) -> list[Verdict]:
        """Return the verdicts of a module, in its thread; one about nothing is a failure."""
        rows = _listed(function, *args)
        for row in rows:
            self._check(row)
        return rows

    async def _verdicts(self, plug: Plugged, verdicts: Iterable[Verdict]) -> None:
        """Make alarms of verdicts."""
        name = plug.manifest.name
        active = self._alarming.active_of({name})
        now_s = self._world.now_s()
        changes: list[AlarmChange] = []
        for verdict in verdicts:
            key = (verdict.subject, f"{name}.{verdict.rule}")
            if isinstance(verdict, Clear):
                held = active.pop(key, None)
                if held is not None:
                    changes.append(AlarmChange(change=Change.CLEAR, alarm=held, at=now_s))
            elif key not in active:
                alarm = lifecycle.raise_(
                    *key,
                    now_s,
                    priority=verdict.priority,
                    value=verdict.value,
                    limit=verdict.limit,
                    detail=verdict.detail[:400],
                )
                active[key] = alarm
                changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s))
        for job in self._alarming.apply(changes):
            await job

    def _check(self, verdict: object) -> None:
        if not isinstance(verdict, Raise | Clear):
            raise TypeError(f"no verdict: {type(verdict).__name__}")
        ledger = self._world.ledger
        known = verdict.subject in ledger.points or verdict.subject in ledger.assets
        if not known or not _RULE.fullmatch(verdict.rule):
            raise ValueError(f"no such subject or rule: {verdict.subject} {verdict.rule}")
        if isinstance(verdict, Raise):
            numbers = [n for n in (verdict.value, verdict.limit) if n is not None]
            if verdict.priority not in (1, 2, 3, 4) or not all(map(math.isfinite, numbers)):
                raise ValueError(f"no fitting alarm: {verdict.subject} {verdict.rule}")

    async def propose(self, due: float) -> None:
        """Ask the strategies; what they say holds for twenty minutes of plant time."""
        for plug in self._extensions.of_kind("strategy"):
            view = self._extensions.look(_EVERYTHING)
            with contextlib.suppress(Exception):
                rows = await plug.call(_wishes, plug.manifest.name, plug.made.propose, view)
                self._proposed[plug.manifest.name] = (due, rows)

    def proposals(self) -> list[Proposal]:
        """Return what strategies that run have said lately."""
        now_s = self._world.now_s()
        return [
            proposal
            for name, (at, rows) in self._proposed.items()
            if self._extensions.runs(name) and now_s - at <= _HELD_S
            for proposal in rows
        ]

    async def _stopped(self, name: str, why: str) -> None:
        companies = self._world.ledger.of_kind("company")
        if not companies:
            return
        alarm = lifecycle.raise_(
            companies[0].code,
            f"{MODULE_STOPPED}.{name}",
            self._world.now_s(),
            priority=3,
            detail=f"module={name} reason={why}"[:400],
        )
        change = AlarmChange(change=Change.RAISE, alarm=alarm, at=alarm.onset)
        for job in self._alarming.apply([change]):
            await job

    async def _switched(self, name: str, enabled: bool) -> None:
        """End the alarm that it was stopped, and with it off the alarms it raised."""
        held = self._alarming.active_of({MODULE_STOPPED} | (set() if enabled else {name}))
        now_s = self._world.now_s()
        changes = [
            AlarmChange(change=Change.CLEAR, alarm=alarm, at=now_s)
            for (_, rule), alarm in held.items()
            if rule == f"{MODULE_STOPPED}.{name}" or rule.startswith(f"{name}.")
        ]
        for job in self._alarming.apply(changes):
            await job
        if not enabled:
            self._proposed.pop(name, None)
        _log.info("module switched", module=name, enabled=enabled, at=utc(now_s).isoformat())


def _listed(function: Any, *args: object) -> list[Any]:
    """Return all a module yields, inside its own thread."""
    found = function(*args)
    rows = [] if found is None else list(found)
    if len(rows) > _MOST_VERDICTS:
        raise ValueError(f"{len(rows)} answers at once")
    return rows


def _wishes(source: str, function: Any, view: object) -> list[Proposal]:
    return [_proposal(source, each) for each in _listed(function, view)]


def _proposal(source: str, wanted: object) -> Proposal:
    if not isinstance(wanted, Wanted):
        raise TypeError(f"no wish for a set-point: {type(wanted).__name__}")
    # Never above our own optimiser: people, capacity and emergency are heard first.
    return Proposal(
        point=wanted.point,
        value=wanted.value,
        source=source,
        priority=int(Priority.OPTIMISER),
        reason=wanted.reason[:200],
        low=wanted.low,
        high=wanted.high,
    )
