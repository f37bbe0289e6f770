"""The audit trail: who did what, chained by hashes, written before the answer goes out.

Whoever writes waits for the disk; everybody who waits at the same time shares one commit. Where
the trail cannot be written, privileged operations stop; what must go on all the same (an
emergency stop, the safety of the edge, signing in for it) goes into the local journal.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import structlog

from heatloop.app.audit_journal import Journal
from heatloop.app.audit_origin import origin, result_of
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.system import AuditEntry, AuditPage, AuditVerdict
from heatloop.kernel.canonical import canonical
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError, LinkError
from heatloop.store.records import Records
from heatloop.store.records.audit_rows import AuditQuery, AuditRow, AuditWish

SYSTEM = "system"
JOURNALLED = ("emergency.", "edge.", "session.")
"""Beginnings of actions that go on without the trail: they are kept in the local journal."""
MOST_A_COMMIT = 500
_TRUSTED_S = 1.0
_RETRY_S = 1.0
_SAME_S = 60.0
_log = structlog.get_logger("heatloop.audit")


class Audit:
    """Writes and reads the trail.

    Args:
        records: Where it is kept.
        journal: Takes what must be written down while the trail cannot be; None: nothing does.
    """

    def __init__(self, records: Records, journal: Journal | None = None) -> None:
        self._records = records
        self.journal = journal
        """The local journal."""
        self.failing_since: float | None = None
        """Machine time since when nothing can be written; None: it can."""
        self._waiting: list[tuple[AuditWish, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._refused: dict[tuple[str, ...], float] = {}
        self._good_s = self._tried_s = 0.0
        self._watchers: list[Callable[[bool, str], None]] = []

    def when_changed(self, watcher: Callable[[bool, str], None]) -> None:
        """Tell when the trail can no longer be written (False, why), and when it can again."""
        self._watchers.append(watcher)

    async def add(self, user: str, action: str, subject: str, **detail: Any) -> None:
        """Write one entry; it is durable on return.

        Raises:
            InputError: The detail holds more than plain, finite values.
            Refused: The trail cannot be written, and a request is waiting for it.
            LinkError: The same, with no request at hand.
        """
        canonical(detail)  # One bad entry must not take down those it shares a commit with.
        where = origin()
        wish = AuditWish(
            at=machine_s(),
            user=user,
            action=action,
            subject=subject,
            detail=detail,
            role=where.role,
            address=where.address,
            request=where.request,
            result=result_of(action),
        )
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((wish, done))
        if self._writer is None or self._writer.done():
            # In a context of its own: whoever happens to be first is not behind all of it.
            self._writer = asyncio.create_task(self._write(), context=contextvars.Context())
        try:
            await done
        except LinkError as error:
            if wish.request:
                raise Refused("audit_unavailable", thing=action) from error
            raise

    async def _write(self) -> None:
        """Write what waits, all of it that fits into one commit after the other."""
        while self._waiting:
            batch = self._waiting[:MOST_A_COMMIT]
            del self._waiting[:MOST_A_COMMIT]
            wishes = [wish for wish, _ in batch]
            try:
                await in_thread(self._records.audit.append_many, wishes)
            except InputError as error:
                # Not the trail's fault: this instance stands by, for example.
                for _, done in batch:
                    _settle(done, error)
            except Exception as error:  # noqa: BLE001 - whatever broke, those who wait are told
                self._broke(error)
                await self._instead(batch)
            else:
                self._works()
                for _, done in batch:
                    _settle(done, None)

    async def _instead(self, batch: list[tuple[AuditWish, asyncio.Future[None]]]) -> None:
        """Journal what may not be lost; tell the others that it was not written."""
        for wish, done in batch:
            if self.journal is None or not wish.action.startswith(JOURNALLED):
                _settle(done, LinkError("the audit trail cannot be written", thing=wish.action))
                continue
            try:
                await in_thread(self.journal.append, _plain(wish))
            except LinkError as error:
                _settle(done, error)
            else:
                _settle(done, None)

    async def must(self) -> None:
        """Return if the trail can be written now; what is privileged asks before it acts.

        Raises:
            Refused: It cannot.
        """
        now = machine_s()
        if self.failing_since is None and 0.0 <= now - self._good_s < _TRUSTED_S:
            return
        if self.failing_since is not None and 0.0 <= now - self._tried_s < _RETRY_S:
            raise Refused("audit_unavailable")
        try:
            await self.probe()
        except LinkError as error:
            raise Refused("audit_unavailable") from error

    async def probe(self) -> None:
        """Try to write, and take it back.

        Raises:
            LinkError: The trail cannot be written.
        """
        self._tried_s = machine_s()
        wish = AuditWish(at=self._tried_s, user=SYSTEM, action="audit.probe", subject="", detail={})
        try:
            await in_thread(self._records.audit.append_many, [wish], keep=False)
        except InputError:
            return
        except Exception as error:
            self._broke(error)
            raise LinkError(f"the audit trail cannot be written: {error}") from error
        self._works()

    def _broke(self, error: Exception) -> None:
        self._tried_s = machine_s()
        if self.failing_since is None:
            self.failing_since = self._tried_s
            _log.error("audit trail cannot be written", error=repr(error)[:400])
            for watcher in self._watchers:
                watcher(False, repr(error)[:200])

    def _works(self) -> None:
        self._good_s = machine_s()
        if self.failing_since is not None:
            lasted = self._good_s - self.failing_since
            self.failing_since = None
            _log.info("audit trail can be written again", seconds=round(lasted, 1))
            for watcher in self._watchers:
                watcher(True, f"{lasted:.1f}")

    async def refused(self, user: str, method: str, path: str) -> None:
        """Write that somebody asked for what he may not do; the same within a minute is one."""
        if self.first_in_a_minute(user, origin().address, method, path):
            await self.add(user, "access.refused", path, method=method)

    def first_in_a_minute(self, *what: str) -> bool:
        """Return whether this was not told within the last minute; a flood must not fill disks."""
        now = machine_s()
        if now - self._refused.get(what, 0.0) < _SAME_S:
            return False
        if len(self._refused) > 1000:
            self._refused.clear()
        self._refused[what] = now
        return True

    async def page(self, query: AuditQuery, page: int, size: int) -> AuditPage:
        """Return a page of the trail, newest first."""
        total, rows = await in_thread(
            self._records.audit.search, query, offset=(page - 1) * size, limit=size
        )
        return AuditPage(total=total, items=[entry_view(row) for row in rows])

    async def verify(self) -> AuditVerdict:
        """Compute every hash again."""
        found = await in_thread(self._records.audit.examine)
        return AuditVerdict(
            ok=found.broken is None, entries=found.entries, first_broken=found.broken
        )

    async def close(self) -> None:
        """Wait for what is still on its way to the disk."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # Whoever waited was cancelled; the entry stands all the same.
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _plain(wish: AuditWish) -> dict[str, Any]:
    names = ("at", "user", "action", "subject", "role", "address", "request", "result")
    return {**{name: getattr(wish, name) for name in names}, "detail": dict(wish.detail)}


def entry_view(row: AuditRow) -> AuditEntry:
    """Return an entry as screens and exports see it."""
    return AuditEntry(
        seq=row.seq,
        at=utc(row.at),
        user=row.user,
        role=row.role,
        address=row.address,
        request=row.request,
        action=row.action,
        subject=row.subject,
        result=row.result or result_of(row.action),
        detail=dict(row.detail),
        hash=row.hash,
    )
