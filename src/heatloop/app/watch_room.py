"""Watching, built in one place: events, their sources, registers, duties, and queries on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.schedule import Job
from heatloop.app.security_events import SecurityEvents
from heatloop.app.views.security import (
    SecurityEventPage,
    SecurityEventView,
    SecurityKindList,
    SecurityKindView,
    WatchRuleView,
)
from heatloop.app.watch_antivirus import Antivirus
from heatloop.app.watch_duty import WatchDuty
from heatloop.app.watch_registers import DAY_S, Registers
from heatloop.app.watch_rules import SecurityKind, security_kinds, watch_rules
from heatloop.app.watch_sources import Sources
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import LinkError
from heatloop.store.records import Records
from heatloop.store.records.watch import EventRow

if TYPE_CHECKING:
    from heatloop.app.governance_audit import WatchedAudit
    from heatloop.app.notes import Notes
    from heatloop.app.quarantine import Quarantine
    from heatloop.app.schedule import Schedule
    from heatloop.app.settings import Settings
    from heatloop.app.world import World

_DUTY_S, _DUTY_PAUSE_S = 3600.0, 60.0
_KEPT_S = 1096 * DAY_S


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchRoom:
    """Everything that watches."""

    events: SecurityEvents
    """Takes note of what happens."""
    sources: Sources
    """Where events come from."""
    registers: Registers
    """Scans, filings and exceptions."""
    duty: WatchDuty
    """What is due."""
    antivirus: Antivirus
    """Scans files."""
    records: Records
    """Keeps the events."""
    scan_uploads: bool
    """Whether uploads are refused unless a scanner finds them clean."""

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        world: World,
        records: Records,
        events: SecurityEvents,
        audit: WatchedAudit,
        quarantine: Quarantine,
        notes: Notes,
        schedule: Schedule,
    ) -> Self:
        """Build it, listen to the trail, the quarantine and the gateways, and add its job."""
        sources = Sources(events, lambda: world.ledger)
        audit.heard, quarantine.heard = sources.audited, sources.set_aside
        notes.heard = sources.reported
        registers, antivirus = Registers(records, audit), Antivirus(settings.watch)
        duty = WatchDuty(settings, records, events, registers, antivirus)

        async def once(due: float) -> None:
            await duty.run(due)
            await in_thread(records.watch.forget, before=machine_s() - _KEPT_S)

        schedule.add(Job(name="watch", period_s=_DUTY_S, run=once, least_pause_s=_DUTY_PAUSE_S))
        return cls(
            events=events,
            sources=sources,
            registers=registers,
            duty=duty,
            antivirus=antivirus,
            records=records,
            scan_uploads=settings.watch.scan_uploads,
        )

    async def check_file(self, user: str, name: str, data: bytes) -> None:
        """Scan an upload, if the settings say so.

        Raises:
            Refused: Something was found in it, or it cannot be scanned.
        """
        if not self.scan_uploads:
            return
        try:
            scanned = await asyncio.to_thread(self.antivirus.scan_bytes, data)
        except LinkError as error:
            raise Refused("unavailable", thing="virus scanner", detail=error.message) from error
        if scanned.found:
            self.events.note("malware_found", user, found=scanned.found[0], file=name)
            raise Refused("unsafe_upload", detail="malware", place=name)

    async def page(
        self,
        *,
        kinds: list[str],
        severity: int | None,
        word: str,
        start: float | None,
        end: float | None,
        page: int,
        size: int,
    ) -> SecurityEventPage:
        """Return a page of events, newest first."""
        total, rows = await in_thread(
            self.records.watch.events,
            kinds=kinds,
            severity=severity,
            word=word,
            start=start,
            end=end,
            offset=(page - 1) * size,
            limit=size,
        )
        return SecurityEventPage(total=total, items=[_view(row) for row in rows])

    async def kinds(self) -> SecurityKindList:
        """Return every kind of event, its rules, and how often it happened lately."""
        week = await in_thread(self.records.watch.counted, since=machine_s() - 7 * DAY_S)
        return SecurityKindList(
            items=[_kind_view(k, week.get(k.code, 0)) for k in security_kinds().values() if k.kept]
        )


def _view(row: EventRow) -> SecurityEventView:
    kind = security_kinds().get(row.kind)
    return SecurityEventView(
        number=row.number,
        kind=row.kind,
        zh=row.kind if kind is None else kind.zh,
        en=row.kind if kind is None else kind.en,
        severity=row.severity,
        subject=row.subject,
        address=row.address,
        first_at=utc(row.first_at),
        last_at=utc(row.last_at),
        count=row.count,
        facts=dict(row.facts),
        advice_zh="" if kind is None else kind.advice_zh,
        advice_en="" if kind is None else kind.advice_en,
    )


def _kind_view(kind: SecurityKind, week: int) -> SecurityKindView:
    return SecurityKindView(
        code=kind.code,
        zh=kind.zh,
        en=kind.en,
        severity=kind.severity,
        alarm=kind.alarm,
        advice_zh=kind.advice_zh,
        advice_en=kind.advice_en,
        rules=[
            WatchRuleView(
                kind=rule.kind, zh=rule.zh, en=rule.en, count=rule.count, window_s=rule.window_s
            )
            for rule in watch_rules()
            if rule.kind == kind.code
        ],
        week=week,
    )
