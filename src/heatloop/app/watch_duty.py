"""What is looked at again and again: scans, certificates, ports, filings, exceptions, patches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509

from heatloop.app.history import in_thread
from heatloop.app.security_events import SecurityEvents
from heatloop.app.setting_sections import Settings
from heatloop.app.views.security import DutyList, DutyView
from heatloop.app.watch_antivirus import Antivirus
from heatloop.app.watch_ports import ALL_PORTS, declared_ports, open_ports, own_addresses
from heatloop.app.watch_registers import (
    ANTIVIRUS,
    DAY_S,
    EXCEPTION,
    FAILED,
    FILING,
    FINDINGS,
    OK,
    PORTS,
    VULNERABILITY,
    Registers,
)
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError, LinkError
from heatloop.store.records import Records
from heatloop.store.records.watch import EntryRow

SYSTEM = "system"
_SETTLING_S = 3600.0
_GRAVE = ("high", "critical")


class WatchDuty:
    """Does what can be done here, and says what is due."""

    def __init__(
        self,
        settings: Settings,
        records: Records,
        events: SecurityEvents,
        registers: Registers,
        antivirus: Antivirus,
    ) -> None:
        self._settings, self._records, self._events = settings, records, events
        self._registers, self._antivirus = registers, antivirus

    async def run(self, due: float) -> None:
        """Look at everything once."""
        del due
        for one in (self.certificates, self.virus_scan, self.own_ports, self.overdue):
            await one()

    async def certificates(self) -> None:
        """Note certificates that end soon or have ended."""
        soon_s = self._settings.watch.certificate_days * DAY_S
        now_s = machine_s()
        worst: dict[str, str] = {}
        for name, path in certificate_files(self._settings):
            try:
                end_s = await in_thread(end_of_certificate, path)
            except (OSError, ValueError) as error:
                self._events.note("certificate_expired", name, reason=str(error)[:100])
                worst["certificate_expired"] = name
                continue
            left_days = (end_s - now_s) / DAY_S
            if end_s <= now_s:
                worst["certificate_expired"] = name
                self._events.note("certificate_expired", name, days=round(left_days, 1))
            elif end_s - now_s < soon_s:
                worst["certificate_expiring"] = name
                self._events.note("certificate_expiring", name, days=round(left_days, 1))
        for kind in ("certificate_expired", "certificate_expiring"):
            if kind not in worst:
                self._events.over(kind)

    async def virus_scan(self) -> None:
        """Scan the files people sent when that is due and there is something to scan with."""
        if not self._antivirus.present or not await self._is_due(
            ANTIVIRUS, self._settings.watch.antivirus_days
        ):
            return
        data = self._settings.data
        folders = [each for each in (data / "files", data / "imports") if each.exists()]
        if not folders:
            await self._registers.scanned(SYSTEM, ANTIVIRUS, "clamscan", OK, note="no files yet")
            return
        try:
            scanned = await in_thread(self._antivirus.scan_folder, *folders)
        except LinkError as error:
            await self._registers.scanned(SYSTEM, ANTIVIRUS, "clamscan", FAILED, note=str(error))
            return
        state = FINDINGS if scanned.found else OK
        await self._registers.scanned(SYSTEM, ANTIVIRUS, scanned.tool, state, scanned.found)
        if scanned.found:
            self._events.note("malware_found", "files", first=scanned.found[0])

    async def own_ports(self) -> None:
        """Try this machine's own addresses once a day."""
        if not self._settings.watch.scan_ports or not await self._is_due(PORTS, 1.0):
            return
        for host in own_addresses(self._settings):
            try:
                found = await asyncio.to_thread(open_ports, host, ALL_PORTS)
            except HeatloopError:
                continue
            await self.ports_found(SYSTEM, host, found)

    async def ports_found(self, user: str, target: str, found: Iterable[int]) -> list[int]:
        """Enter which ports answered, raise an alarm for undeclared ones, and return those."""
        answering = sorted(set(found))
        undeclared = sorted(set(answering) - declared_ports(self._settings))
        state = FINDINGS if undeclared else OK
        await self._registers.scanned(
            user, PORTS, target, state, [str(port) for port in undeclared], f"open: {answering}"
        )
        if undeclared:
            ports = " ".join(map(str, undeclared[:40]))
            self._events.note("open_port", target, ports=ports)
        else:
            self._events.over("open_port", target)
        return undeclared

    async def overdue(self) -> None:
        """Raise and clear alarms for what is due."""
        now_s = machine_s()
        for duty in (await self.duties()).items:
            kind = {
                ANTIVIRUS: "antivirus_overdue",
                VULNERABILITY: "vulnerability_overdue",
                FILING: "filing_due",
                EXCEPTION: "exception_expired",
            }.get(duty.register)
            if kind is None:
                continue
            if duty.overdue:
                self._events.note(kind, "", due="" if duty.due_at is None else str(duty.due_at))
            else:
                self._events.over(kind)
        newest = await in_thread(self._records.watch.newest, VULNERABILITY)
        late = late_vulnerabilities(newest, now_s, self._settings.watch.patch_days)
        if late:
            self._events.note("vulnerability_old", late[0], count=len(late))
        else:
            self._events.over("vulnerability_old")

    async def duties(self) -> DutyList:
        """Return what is due when."""
        watch, now_s = self._settings.watch, machine_s()
        items: list[DutyView] = []
        for register, days in (
            (ANTIVIRUS, watch.antivirus_days),
            (VULNERABILITY, watch.vulnerability_days),
            (PORTS, 1.0),
        ):
            last = await in_thread(self._records.watch.newest, register)
            since_s = await self._since_s() if last is None else last.at
            due_s = since_s + days * DAY_S
            items.append(_duty(register, last, due_s, now_s > due_s))
        filing = await in_thread(self._records.watch.newest, FILING)
        assess_s = None if filing is None else filing.until
        near = assess_s is not None and now_s > assess_s - watch.filing_days * DAY_S
        items.append(_duty(FILING, filing, assess_s, near))
        _, exceptions = await in_thread(self._records.watch.entries, EXCEPTION, limit=500)
        past = [each for each in latest_of_each(exceptions) if (each.until or 0.0) <= now_s]
        held = [each for each in latest_of_each(exceptions) if (each.until or 0.0) > now_s]
        # One that was withdrawn has ended on purpose: only those that ran out are overdue.
        ran_out = [each for each in past if not _withdrawn(each)]
        first = min((each.until or 0.0 for each in (*held, *ran_out)), default=None)
        newest = exceptions[0] if exceptions else None
        items.append(_duty(EXCEPTION, newest, first, bool(ran_out)))
        return DutyList(items=items)

    async def _is_due(self, register: str, days: float) -> bool:
        last = await in_thread(self._records.watch.newest, register)
        if last is not None:
            return machine_s() - last.at >= days * DAY_S
        # The first scan of a new installation waits until it has settled.
        return machine_s() - await self._since_s() > min(days * DAY_S, _SETTLING_S)

    async def _since_s(self) -> float:
        """Return since when this installation exists: its first account, machine time."""
        made = [row.created_at for row in await in_thread(self._records.users.list)]
        return min((at for at in made if at > 0.0), default=machine_s())


def _duty(register: str, last: EntryRow | None, due_s: float | None, overdue: bool) -> DutyView:
    return DutyView(
        register=register,
        last_at=None if last is None else utc(last.at),
        due_at=None if due_s is None else utc(due_s),
        overdue=overdue,
        state="" if last is None else last.state,
    )


def latest_of_each(rows: Iterable[EntryRow]) -> list[EntryRow]:
    """Return the newest entry of every code; `rows` come newest first."""
    found: dict[str, EntryRow] = {}
    for row in rows:
        found.setdefault(row.code, row)
    return list(found.values())


def _withdrawn(row: EntryRow) -> bool:
    # Exceptions end with a day; one that ends within it was withdrawn.
    return (row.until or 0.0) % DAY_S != 0.0


def late_vulnerabilities(row: EntryRow | None, now_s: float, patch_days: float) -> list[str]:
    """Return high and critical findings of a scan that are known for longer than allowed."""
    late: list[str] = []
    for found in () if row is None else row.body.get("findings", ()):
        if not isinstance(found, Mapping) or str(found.get("severity", "")).lower() not in _GRAVE:
            continue
        published: Any = found.get("published_s")
        known_s = float(published) if isinstance(published, int | float) else row.at if row else 0.0
        if now_s - known_s > patch_days * DAY_S:
            late.append(f"{found.get('package', '')} {found.get('id', '')}".strip())
    return late


def certificate_files(settings: Settings) -> list[tuple[str, Path]]:
    """Return (what for, file) of the certificates the settings name."""
    named = (
        ("server.tls_certificate", settings.server.tls_certificate),
        ("mqtt.ca_file", settings.mqtt.ca_file),
        ("s3.ca_file", settings.s3.ca_file),
    )
    return [(name, Path(path)) for name, path in named if path]


def end_of_certificate(path: Path) -> float:
    """Return when the first certificate of a PEM file to end ends, seconds since 1970 UTC.

    Raises:
        OSError: It cannot be read.
        ValueError: There is no certificate in it.
    """
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return min(each.not_valid_after_utc.timestamp() for each in found)
