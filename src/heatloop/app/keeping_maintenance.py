"""Maintenance of the databases: one action at a time, for system administrators, audited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.keeping import MaintenanceAction, MaintenancePage
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records import Records
from heatloop.store.records.keeping import DONE, FAILED, ActionRow
from heatloop.store.records.keeping_care import ACTIONS, care

COMPACT = "compact"
_log = structlog.get_logger("heatloop.keeping")


class Maintenance:
    """Does what system administrators ask for.

    Args:
        records: What is looked after.
        url: Where the records are.
        audit: Where every action is written down.
        compact: Compacts the historian.
    """

    def __init__(
        self, records: Records, url: str, audit: Audit, compact: Callable[[], Awaitable[None]]
    ) -> None:
        self._records, self._url, self._audit, self._compact = records, url, audit, compact
        self._task: asyncio.Task[None] | None = None
        self._busy = False

    async def page(self, page: int, size: int) -> MaintenancePage:
        """Return a page of actions, newest first."""
        total, rows = await in_thread(
            self._records.keeping.actions, offset=(page - 1) * size, limit=size
        )
        return MaintenancePage(total=total, items=[_view(row) for row in rows])

    async def start(self, user: str, action: str, reason: str) -> MaintenanceAction:
        """Begin an action.

        Raises:
            Refused: There is no such action, or one is under way.
        """
        if action not in (*ACTIONS, COMPACT):
            raise Refused("invalid", thing=action)
        if self._busy:
            raise Refused("keeping_busy", thing=action)
        self._busy = True
        try:
            return await self._begin(user, action, reason)
        except BaseException:
            self._busy = False
            raise

    async def _begin(self, user: str, action: str, reason: str) -> MaintenanceAction:
        at = machine_s()
        number = await in_thread(
            self._records.keeping.begin_action, action, user=user, reason=reason, at=at
        )
        await self._audit.add(user, f"maintenance.{action}", str(number), reason=reason)
        self._task = asyncio.create_task(self._do(number, user, action))
        _, rows = await in_thread(self._records.keeping.actions, limit=1)
        return _view(rows[0])

    async def _do(self, number: int, user: str, action: str) -> None:
        state, result = DONE, dict[str, Any]()
        try:
            if action == COMPACT:
                await self._compact()
            else:
                result = await in_thread(care, self._records, self._url, action)
        except HeatloopError as error:
            state, result = FAILED, {"error": str(error)[:400]}
        except Exception as error:  # noqa: BLE001 - written down as failed, the platform goes on
            _log.error("maintenance failed", action=action, exc_info=error)
            state, result = FAILED, {"error": repr(error)[:400]}
        at = machine_s()
        await self._audit.add(user, f"maintenance.{action}_{state}", str(number), **result)
        self._busy = False
        await in_thread(self._records.keeping.end_action, number, state=state, at=at, body=result)

    async def close(self) -> None:
        """Wait for the action under way: half a vacuum is none, but its end is to be written."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def _view(row: ActionRow) -> MaintenanceAction:
    return MaintenanceAction(
        number=row.number,
        action=row.action,
        state=row.state,
        user=row.user,
        reason=row.reason,
        started_at=utc(row.started_at),
        ended_at=None if row.ended_at is None else utc(row.ended_at),
        result=dict(row.body),
    )
