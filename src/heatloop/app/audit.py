"""The audit trail: who did what, chained by hashes, written before the answer goes out."""

from __future__ import annotations

from typing import Any

from heatloop.app.history import in_thread
from heatloop.app.views.system import AuditEntry, AuditPage, AuditVerdict
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records

SYSTEM = "system"


class Audit:
    """Writes and reads the trail."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._refused: dict[tuple[str, str, str], float] = {}

    async def add(self, user: str, action: str, subject: str, **detail: Any) -> None:
        """Write one entry; it is durable on return."""
        await in_thread(
            self._records.audit.append,
            at=machine_s(),
            user=user,
            action=action,
            subject=subject,
            detail=detail,
        )

    async def refused(self, user: str, method: str, path: str) -> None:
        """Write that somebody asked for what he may not do; the same within a minute is one."""
        now, what = machine_s(), (user, method, path)
        if now - self._refused.get(what, 0.0) < 60.0:
            return
        if len(self._refused) > 1000:
            self._refused.clear()
        self._refused[what] = now
        await self.add(user, "access.refused", path, method=method)

    async def page(self, user: str, action: str, page: int, size: int) -> AuditPage:
        """Return a page of the trail, newest first."""
        total, rows = await in_thread(
            self._records.audit.list,
            user=user,
            action=action,
            offset=(page - 1) * size,
            limit=size,
        )
        items = [
            AuditEntry(
                seq=row.seq,
                at=utc(row.at),
                user=row.user,
                action=row.action,
                subject=row.subject,
                detail=dict(row.detail),
                hash=row.hash,
            )
            for row in rows
        ]
        return AuditPage(total=total, items=items)

    async def verify(self) -> AuditVerdict:
        """Compute every hash again."""
        entries, broken = await in_thread(self._records.audit.verify)
        return AuditVerdict(ok=broken is None, entries=entries, first_broken=broken)
