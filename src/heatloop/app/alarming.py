"""Alarms from samples, silence and gateways: kept, published, listed, acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.limits import AlarmLimits
from heatloop.alarms.monitor import LimitMonitor
from heatloop.alarms.silence import SilenceMonitor
from heatloop.alarms.words import WordMonitor
from heatloop.app.alarm_views import KeptAlarm, plain, subject_asset, view
from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.live import Hub
from heatloop.app.patience import until_done
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.work import AlarmPage, AlarmView
from heatloop.app.world import OpenAlarms, World
from heatloop.kernel.messages import Alarm, AlarmState
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Permission, Principal, may
from heatloop.store.records import Records

GATEWAY_LINK = "gateway_link"
_GATEWAY_PRIORITY = 2
_UNSEEN = (AlarmState.ACTIVE, AlarmState.RETURNED)


class Alarming:
    """Keeps the open alarms in memory and every alarm in the records."""

    def __init__(self, world: World, records: Records, hub: Hub, audit: Audit) -> None:
        self._world, self._records, self._hub, self._audit = world, records, hub, audit
        self._open: dict[str, KeptAlarm] = {}
        self._order = asyncio.Lock()
        # Nothing is watched until the loop installs the ledger in force.
        self._limits = LimitMonitor(AlarmLimits.of_points(()))
        self._words = WordMonitor(())
        self._silence = SilenceMonitor(world.ledger)

    def install(self) -> None:
        """Watch the points of the ledger in force; open alarms stay open."""
        ledger = self._world.ledger
        self._limits = LimitMonitor(AlarmLimits.of_ledger(ledger))
        self._words = WordMonitor(ledger.points.values())
        self._silence = SilenceMonitor(ledger)
        self._restore()

    def _restore(self) -> None:
        kept = [each.alarm for each in self._open.values()]
        for monitor in (self._limits, self._words, self._silence):
            monitor.restore(kept)

    async def load(self) -> None:
        """Take up the alarms that were open when the platform stopped."""
        rows = await in_thread(self._records.alarms.list_open)
        self._open = {row.alarm.id: KeptAlarm.of(row) for row in rows}
        self._restore()
        self._recount()

    def examine(self, columns: Columns) -> list[AlarmChange]:
        """Return which alarms begin and end with these samples; may run in a thread."""
        return [*self._limits.check(columns), *self._words.check(columns)]

    async def silence(self, stale: Any, away: Iterable[str]) -> None:
        """Watch for points that have become silent, and gateways that have gone away."""
        away = set(away)
        now_s = self._world.now_s()
        changes = self._silence.check(stale, now_s, away)
        for code in self._world.ledger.gateways:
            mine = self._find(code, GATEWAY_LINK)
            if code in away and mine is None:
                alarm = lifecycle.raise_(code, GATEWAY_LINK, now_s, priority=_GATEWAY_PRIORITY)
                changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s))
            elif code not in away and mine is not None:
                changes.append(AlarmChange(change=Change.CLEAR, alarm=mine.alarm, at=now_s))
        for job in self.apply(changes):
            await job

    def _find(self, subject: str, rule: str) -> KeptAlarm | None:
        for kept in self._open.values():
            alarm = kept.alarm
            if (alarm.subject, alarm.rule) == (subject, rule) and lifecycle.is_active(alarm):
                return kept
        return None

    def active_of(self, families: Collection[str]) -> dict[tuple[str, str], Alarm]:
        """Return the active alarms of some families of rules, by (subject, rule)."""
        return {
            (kept.alarm.subject, kept.alarm.rule): kept.alarm
            for kept in self._open.values()
            if kept.alarm.rule.partition(".")[0] in families and lifecycle.is_active(kept.alarm)
        }

    async def from_edge(self, alarm: Alarm) -> None:
        """Keep an alarm a gateway raised; the same one twice is one."""
        if alarm.id in self._open:
            return
        if await in_thread(self._records.alarms.get, alarm.id) is not None:
            return
        change = AlarmChange(change=Change.RAISE, alarm=alarm, at=alarm.onset)
        for job in self.apply([change]):
            await job

    async def cleared_at_edge(self, alarm_id: str, at: float) -> None:
        """Clear an alarm whose cause a gateway says is gone; one that is not open is left."""
        kept = self._open.get(alarm_id)
        if kept is not None:
            for job in self.apply([AlarmChange(change=Change.CLEAR, alarm=kept.alarm, at=at)]):
                await job

    def apply(self, changes: list[AlarmChange]) -> list[Coroutine[Any, Any, None]]:
        """Change what is in memory now; return what writes it down."""
        changed: list[tuple[KeptAlarm, float, str]] = []
        for change in changes:
            if change.change is Change.RAISE:
                kept = KeptAlarm(alarm=change.alarm)
            else:
                held = self._open.get(change.alarm.id)
                if held is None:
                    continue
                kept = replace(held, alarm=lifecycle.clear(held.alarm), cleared=change.at)
            self._keep(kept)
            changed.append((kept, change.at, change.change.value))
        if not changed:
            return []
        self._recount()
        return [self._write(changed)]

    def _keep(self, kept: KeptAlarm) -> None:
        if lifecycle.is_open(kept.alarm):
            self._open[kept.alarm.id] = kept
        else:
            self._open.pop(kept.alarm.id, None)
        asset = subject_asset(self._world.ledger, kept.alarm.subject)
        self._hub.publish("alarm", plain(view(self._world.ledger, kept)), asset)

    async def _write(self, changed: list[tuple[KeptAlarm, float, str]]) -> None:
        async with self._order:
            for kept, at, event in changed:

                async def keep(
                    alarm: Alarm = kept.alarm, at: float = at, what: str = event
                ) -> None:
                    await in_thread(self._records.alarms.upsert, alarm, at=at, event=what)

                await until_done("records", keep)

    def _recount(self) -> None:
        """Count open alarms per asset for the overview."""
        counts: dict[str, OpenAlarms] = {}
        unseen: dict[str, int] = {}
        for kept in self._open.values():
            asset = subject_asset(self._world.ledger, kept.alarm.subject)
            held = counts.setdefault(asset, OpenAlarms())
            held.count += 1
            held.worst = min(held.worst, kept.alarm.priority)
            if kept.alarm.state in _UNSEEN:
                unseen[asset] = unseen.get(asset, 0) + 1
        self._world.open_alarms, self._world.unacknowledged = counts, unseen

    def _sees(self, scope: Scope, alarm: Alarm) -> bool:
        return self._world.sees_subject(scope, alarm.subject)

    async def page(
        self,
        scope: Scope,
        open_only: bool,
        priority: int | None,
        subject: str,
        page: int,
        size: int,
    ) -> AlarmPage:
        """Return a page of alarms inside a scope, newest first."""
        start = (page - 1) * size
        if open_only:
            # Ten thousand open alarms take longer to sort than the event loop may wait.
            held = list(self._open.values())
            kept = await asyncio.to_thread(self._chosen, held, scope, priority, subject)
            total, shown = len(kept), kept[start : start + size]
        else:
            total, rows = await in_thread(
                self._records.alarms.list,
                subjects=self._world.subjects_in(scope, subject),
                priority=priority,
                offset=start,
                limit=size,
            )
            shown = [KeptAlarm.of(row) for row in rows]
        ledger = self._world.ledger
        return AlarmPage(total=total, items=[view(ledger, each) for each in shown])

    def _chosen(
        self, held: list[KeptAlarm], scope: Scope, priority: int | None, subject: str
    ) -> list[KeptAlarm]:
        near = self._world.at_or_below(subject) if subject else set()
        kept = [
            each
            for each in held
            if self._sees(scope, each.alarm) and self._wanted(each.alarm, priority, subject, near)
        ]
        return sorted(kept, key=lambda each: (-each.alarm.onset, each.alarm.id))

    def _wanted(self, alarm: Alarm, priority: int | None, subject: str, near: set[str]) -> bool:
        if priority is not None and alarm.priority != priority:
            return False
        asset = subject_asset(self._world.ledger, alarm.subject)
        return not subject or alarm.subject == subject or asset in near

    async def acknowledge(self, principal: Principal, alarm_id: str) -> AlarmView:
        """Record who has seen an alarm.

        Raises:
            Refused: There is no such alarm in the user's scope, or it needs nobody any more.
        """
        kept = self._open.get(alarm_id)
        if kept is None:
            row = await in_thread(self._records.alarms.get, alarm_id)
            if row is None or not self._sees(principal.scope, row.alarm):
                raise Refused("not_found", thing=alarm_id)
            raise Refused("alarm_closed", thing=alarm_id)
        if not self._sees(principal.scope, kept.alarm):
            raise Refused("not_found", thing=alarm_id)
        if not may(principal, Permission.ACKNOWLEDGE):
            raise Forbidden("forbidden", thing=alarm_id)
        alarm = lifecycle.acknowledge(kept.alarm)
        if alarm.state == kept.alarm.state:
            raise Refused("alarm_closed", thing=alarm_id)
        now_s = self._world.now_s()
        seen = replace(kept, alarm=alarm, acknowledged_by=principal.user, acknowledged_at=now_s)
        self._keep(seen)
        self._recount()
        async with self._order:
            await in_thread(self._records.alarms.acknowledge, alarm, by=principal.user, at=now_s)
        await self._audit.add(
            principal.user, "alarm.acknowledge", alarm.subject, alarm=alarm.id, rule=alarm.rule
        )
        return view(self._world.ledger, seen)
