"""The security registers: scans and their results, filings, exceptions with their measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.security import RegisterEntry, RegisterPage
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records
from heatloop.store.records.watch import EntryRow

ANTIVIRUS, VULNERABILITY, PORTS = "antivirus", "vulnerability", "ports"
FILING, EXCEPTION = "filing", "exception"
SCANS = (ANTIVIRUS, VULNERABILITY, PORTS)
REGISTERS = (*SCANS, FILING, EXCEPTION)
OK, FINDINGS, FAILED, HELD, WITHDRAWN = "ok", "findings", "failed", "held", "withdrawn"
DAY_S = 86400.0
_YEAR_DAYS = 365
_MOST_FINDINGS = 500


class Registers:
    """Enters and lists; every entry is in the audit trail."""

    def __init__(self, records: Records, audit: Audit) -> None:
        self._records, self._audit = records, audit

    async def scanned(
        self,
        user: str,
        register: str,
        tool: str,
        state: str,
        findings: Sequence[Mapping[str, Any] | str] = (),
        note: str = "",
    ) -> RegisterEntry:
        """Enter the result of a scan.

        Args:
            user: Who scanned.
            register: `antivirus`, `vulnerability` or `ports`.
            tool: With what.
            state: `ok`, `findings` or `failed`.
            findings: What was found, as texts or plain values.
            note: Anything else.
        """
        shown = [each if isinstance(each, str) else dict(each) for each in findings]
        body = {"findings": shown[:_MOST_FINDINGS], "count": len(shown), "note": note}
        return await self._enter(user, register, tool, state, None, body)

    async def filed(
        self, user: str, system: str, number: str, level: int, filed: date, assessed: date | None
    ) -> RegisterEntry:
        """Enter a filing with the police; its next assessment is due a year after the last one."""
        last = assessed or filed
        due_s = _day_s(last) + _YEAR_DAYS * DAY_S
        body = {
            "number": number,
            "level": level,
            "filed": filed.isoformat(),
            "assessed": "" if assessed is None else assessed.isoformat(),
        }
        return await self._enter(user, FILING, system, HELD, due_s, body)

    async def excepted(
        self, user: str, item: str, reason: str, measure: str, approved_by: str, until: date
    ) -> RegisterEntry:
        """Enter an exception with its compensating measure, holding until a day ends.

        Raises:
            Refused: That day is past, or more than two years ahead.
        """
        until_s = _day_s(until) + DAY_S
        if not machine_s() < until_s <= machine_s() + 2 * _YEAR_DAYS * DAY_S:
            raise Refused("invalid", place="until", detail="within two years from now")
        body = {"reason": reason, "measure": measure, "approved_by": approved_by}
        return await self._enter(user, EXCEPTION, item, HELD, until_s, body)

    async def withdraw(self, user: str, number: int) -> RegisterEntry:
        """Let an exception end now.

        Raises:
            Refused: There is no such exception.
        """
        _, rows = await in_thread(self._records.watch.entries, EXCEPTION, limit=500)
        if number not in {row.number for row in rows}:
            raise Refused("not_found", thing=str(number))
        row = await in_thread(self._records.watch.withdraw, number, at=machine_s())
        if row is None:
            raise Refused("not_found", thing=str(number))
        await self._audit.add(user, "security.withdraw", row.code, number=number)
        return entry_view(row)

    async def _enter(
        self,
        user: str,
        register: str,
        code: str,
        state: str,
        until: float | None,
        body: Mapping[str, Any],
    ) -> RegisterEntry:
        row = await in_thread(
            self._records.watch.enter,
            register,
            code=code,
            state=state,
            user=user,
            at=machine_s(),
            until=until,
            body=body,
        )
        await self._audit.add(
            user, f"security.{register}", code, number=row.number, state=state, until=until
        )
        return entry_view(row)

    async def page(self, register: str, page: int, size: int) -> RegisterPage:
        """Return a page of a register, newest first."""
        total, rows = await in_thread(
            self._records.watch.entries, register, offset=(page - 1) * size, limit=size
        )
        return RegisterPage(total=total, items=[entry_view(row) for row in rows])


def entry_view(row: EntryRow) -> RegisterEntry:
    """Return an entry as the screens see it."""
    return RegisterEntry(
        number=row.number,
        register=row.register,
        code=row.code,
        state=row.state,
        user=row.user,
        at=utc(row.at),
        until=None if row.until is None else utc(row.until),
        body=dict(row.body),
    )


def _day_s(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
