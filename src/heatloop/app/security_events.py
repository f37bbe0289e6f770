"""Security events: noted anywhere, judged by rules, written down, and raised as alarms.

`note` never waits and never fails, whoever calls it; `run` writes down and raises alarms. The
same kind, subject and address within ten minutes is one event with a count, so that a flood of
attempts is one row and one alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.history import in_thread
from heatloop.app.watch_rules import RuleBook, SecurityKind, security_kinds, watch_rules
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records import Records
from heatloop.store.records.watch import EventRow

_log = structlog.get_logger("heatloop.security")
FAMILY = "security"
"""Alarms of security events are named `security.<kind>`."""
_MERGE_S = 600.0
_MOST_OPEN = 2000
_LOOK_S = 2.0
_MOST_TEXT = 120
_OTHERS = "…"
Key = tuple[str, str, str]


@dataclass(slots=True)
class _Open:
    """An event that may still grow."""

    kind: SecurityKind
    first_at: float
    last_at: float
    number: int = 0
    count: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    dirty: bool = True


class SecurityEvents:
    """Takes note of what happens to the platform's security.

    Args:
        world: Names the thing an alarm is about.
        records: Keeps the events.
        alarming: Raises their alarms.
        now_s: Machine time.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        alarming: Alarming,
        now_s: Callable[[], float] = machine_s,
    ) -> None:
        self._world, self._records, self._alarming, self._now_s = world, records, alarming, now_s
        self._kinds, self._book = security_kinds(), RuleBook(watch_rules())
        self._open: dict[Key, _Open] = {}
        self._wanted: dict[tuple[str, str], tuple[float, str]] = {}
        """(alarm subject, kind) -> when last seen, and what to say of it."""
        self._over: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._order = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        for kind in self._kinds.values():
            name_rule(f"{FAMILY}.{kind.code}", kind.zh, kind.en)

    def note(self, kind: str, subject: str, address: str = "", **facts: Any) -> None:
        """Take note of something; from any thread, at once, without an error.

        Args:
            kind: Code of `security_kinds.csv`; an unknown one is logged and left.
            subject: Whom or what it concerns.
            address: Where it came from.
            facts: Plain values to keep with it; `times` says how often it happened.
        """
        subject, address = str(subject)[:_MOST_TEXT], str(address)[:_MOST_TEXT]
        times = max(int(facts.pop("times", 1)), 1)
        row = self._kinds.get(kind)
        if row is None:
            _log.error("unknown kind of security event", kind=kind, subject=subject)
            return
        now_s = self._now_s()
        with self._lock:
            self._note(row, subject, address, now_s, times, facts)
            for found in self._book.see(kind, subject, address, now_s, times):
                rule = found.rule
                who = subject if rule.by == "subject" else ""
                more = {"counted": found.count, "window_s": rule.window_s, **facts}
                self._note(self._kinds[rule.kind], who, address, now_s, 1, more)
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake.set)

    def over(self, kind: str, subject: str = "") -> None:
        """Let the alarm of a kind return: its cause is known to be gone."""
        with self._lock:
            key = (self._alarm_subject(subject), kind)
            self._wanted.pop(key, None)
            self._over.add(key)

    def _note(
        self,
        kind: SecurityKind,
        subject: str,
        address: str,
        now_s: float,
        times: int,
        facts: dict[str, Any],
    ) -> None:
        if not kind.kept:
            return
        key = (kind.code, subject, address)
        event = self._open.get(key)
        if event is not None and now_s - event.last_at > _MERGE_S and not event.dirty:
            event = None
        if event is None:
            if len(self._open) >= _MOST_OPEN and key not in self._open:
                # An attack that invents names without end is told as one.
                key = (kind.code, _OTHERS, "")
                event = self._open.get(key)
            if event is None:
                event = self._open[key] = _Open(kind=kind, first_at=now_s, last_at=now_s)
        event.count += times
        event.last_at, event.dirty = now_s, True
        if facts:
            event.facts = {str(name)[:40]: _plain(value) for name, value in facts.items()}
        if kind.alarm:
            said = " ".join(part for part in (subject, address) if part)
            alarm = (self._alarm_subject(subject), kind.code)
            self._over.discard(alarm)
            self._wanted[alarm] = (now_s, said)

    def _alarm_subject(self, subject: str) -> str:
        """Return the thing of the ledger an event is about, else the company."""
        ledger = self._world.ledger
        if subject in ledger.assets or subject in ledger.gateways:
            return subject
        if subject in ledger.devices:
            return ledger.devices[subject].asset
        companies = ledger.of_kind("company")
        return companies[0].code if companies else "platform"

    async def run(self) -> None:
        """Write down and raise alarms until cancelled."""
        self._loop = asyncio.get_running_loop()
        failing = False
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()
                self._wake.clear()
                try:
                    await self.settle()
                except HeatloopError as error:
                    # What waits is kept and tried again; alarms were raised before.
                    if not failing:
                        _log.error("security events cannot be written", reason=str(error))
                    failing = True
                    await asyncio.sleep(_LOOK_S)
                else:
                    failing = False
        finally:
            self._loop = None

    async def settle(self) -> None:
        """Raise and clear alarms, then write down what was noted.

        Raises:
            LinkError: The records are not reachable; nothing is lost.
        """
        async with self._order:
            await self._alarms()
            await self._write()

    async def _alarms(self) -> None:
        now_s, plant_s = self._now_s(), self._world.now_s()
        held = self._alarming.active_of((FAMILY,))
        changes: list[AlarmChange] = []
        with self._lock:
            for (subject, code), (_, said) in self._wanted.items():
                kind = self._kinds[code]
                rule = f"{FAMILY}.{code}"
                if (subject, rule) not in held:
                    alarm = lifecycle.raise_(
                        subject, rule, plant_s, priority=kind.severity, detail=said[:400]
                    )
                    changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=plant_s))
            for (subject, rule), alarm in held.items():
                key = (subject, rule.partition(".")[2])
                hold_s = self._kinds[key[1]].hold_s if key[1] in self._kinds else 0.0
                if hold_s and key not in self._wanted and key not in self._over:
                    # Raised before a restart: quiet is counted from now.
                    self._wanted[key] = (now_s, alarm.detail)
                last_s = self._wanted.get(key, (now_s, ""))[0]
                if key in self._over or (hold_s and now_s - last_s > hold_s):
                    self._wanted.pop(key, None)
                    changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=plant_s))
            self._wanted = {
                key: seen
                for key, seen in self._wanted.items()
                if not (hold := self._kinds[key[1]].hold_s) or now_s - seen[0] <= hold
            }
            self._over.clear()
        for job in self._alarming.apply(changes):
            await job

    async def _write(self) -> None:
        with self._lock:
            dirty = {key: event for key, event in self._open.items() if event.dirty}
            rows = [_row(key, event) for key, event in dirty.items()]
            for event in dirty.values():
                event.dirty = False
        if rows:
            try:
                numbers = await in_thread(self._records.watch.keep, rows)
            except BaseException:
                with self._lock:
                    for event in dirty.values():
                        event.dirty = True
                raise
            for event, number in zip(dirty.values(), numbers, strict=True):
                event.number = number
        now_s = self._now_s()
        with self._lock:
            for key in [
                key
                for key, event in self._open.items()
                if not event.dirty and now_s - event.last_at > _MERGE_S
            ]:
                del self._open[key]


def _row(key: Key, event: _Open) -> EventRow:
    return EventRow(
        number=event.number,
        kind=key[0],
        subject=key[1],
        address=key[2],
        first_at=event.first_at,
        last_at=event.last_at,
        count=event.count,
        severity=event.kind.severity,
        facts=dict(event.facts),
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:200]
