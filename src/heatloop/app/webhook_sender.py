"""Delivers what is in line: signed, retried with growing pauses for a day, then set aside.

Times of attempts are machine time: a receiver is as far away at any speed of the plant.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import structlog

from heatloop import __version__
from heatloop.app.history import in_thread
from heatloop.bridge.webhooks import DELIVERY, EVENT, SIGNATURE, TIMESTAMP, Reach, post, sign
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, LinkError
from heatloop.store.records import Records
from heatloop.store.records.webhook import DEAD, DELIVERED, WAITING, DeliveryRow, WebhookRow

_log = structlog.get_logger("heatloop.webhooks")
FIRST_WAIT_S, MOST_WAIT_S, GIVE_UP_S = 5.0, 4 * 3600.0, 86_400.0
_AT_A_TIME = 8
_MOST_REST_S = 60.0
_BROKEN_AFTER = 3
_GONE = 410


def next_wait_s(attempts: int) -> float:
    """Return how long to wait after so many failed attempts: 5 s, doubled up to 4 h."""
    return float(min(FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20), MOST_WAIT_S))


class WebhookSender:
    """Takes deliveries from the records and sends them, one at a time to each receiver."""

    def __init__(self, records: Records, reach: Reach) -> None:
        self._records, self._reach = records, reach
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._rest_until: dict[str, float] = {}
        self._bad: dict[str, int] = {}
        self.sent = 0
        """Deliveries taken by receivers since the start."""
        self.dead = 0
        """Deliveries given up since the start."""
        self.last_error = ""
        """Last failure."""
        self.last_error_at: float | None = None
        """Machine time of it."""

    def wake(self) -> None:
        """Say that there is something in line."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                try:
                    await self._round()
                except HeatloopError as error:
                    _log.warning("deliveries cannot be read, trying on", reason=str(error))
                # Not wait_for: before Python 3.12 it may swallow that this task is cancelled.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _round(self) -> None:
        now_s = machine_s()
        rows = await in_thread(self._records.webhooks.due, at=now_s)
        for row in rows:
            resting = self._rest_until.get(row.webhook, 0.0) > now_s
            if resting or row.webhook in self._busy or len(self._busy) >= _AT_A_TIME:
                continue
            task = asyncio.create_task(self._one(row), name=f"webhook {row.webhook}")
            self._busy[row.webhook] = task
            task.add_done_callback(partial(self._free, row.webhook))

    def _free(self, webhook: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(webhook, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("delivery failed", webhook=webhook, exc_info=task.exception())
        self._wake.set()

    async def _one(self, row: DeliveryRow) -> None:
        hook = await in_thread(self._records.webhooks.get, row.webhook)
        if hook is None:
            return
        secret = await in_thread(self._records.webhooks.secret, row.webhook)
        status, error = await self._attempt(hook, secret, row)
        now_s = machine_s()
        good = status is not None and 200 <= status < 300
        attempts = row.attempts + 1
        wait_s = next_wait_s(attempts)
        if good:
            state, next_at = DELIVERED, None
        elif now_s + wait_s - row.created_at > GIVE_UP_S or status == _GONE:
            state, next_at = DEAD, None
        else:
            state, next_at = WAITING, now_s + wait_s
        try:
            await in_thread(
                self._records.webhooks.tried,
                row.id,
                state=state,
                at=now_s,
                next_at=next_at,
                status=status,
                error="" if good else error or f"HTTP {status}",
            )
        except LinkError as failure:
            _log.warning("a delivery could not be noted; it is sent again", reason=str(failure))
            await asyncio.sleep(1.0)
            return
        self._count(hook, good, state, error or f"HTTP {status}", now_s)

    async def _attempt(
        self, hook: WebhookRow, secret: str, row: DeliveryRow
    ) -> tuple[int | None, str]:
        """Return the HTTP status of the answer, or why there is none."""
        body, stamp = row.body.encode(), int(machine_s())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"heatloop/{__version__}",
            DELIVERY: row.id,
            EVENT: row.event,
            TIMESTAMP: str(stamp),
            SIGNATURE: sign(secret, stamp, row.id, body),
        }
        try:
            return await post(hook.url, headers, body, self._reach), ""
        except HeatloopError as error:
            # Also what is not allowed is tried again: settings and names are corrected in a day.
            return None, str(error)

    def _count(self, hook: WebhookRow, good: bool, state: str, error: str, now_s: float) -> None:
        if good:
            self.sent += 1
            if self._bad.pop(hook.id, 0) >= _BROKEN_AFTER:
                _log.info("webhook works again", webhook=hook.name)
            self._rest_until.pop(hook.id, None)
            return
        self.last_error, self.last_error_at = f"{hook.name}: {error}", now_s
        self.dead += state == DEAD
        bad = self._bad[hook.id] = self._bad.get(hook.id, 0) + 1
        if bad == _BROKEN_AFTER:
            _log.warning("webhook fails, trying on", webhook=hook.name, reason=error)
        # A receiver that is away is not asked again at once for each of a thousand deliveries.
        self._rest_until[hook.id] = now_s + min(0.25 * 2.0 ** min(bad, 10), _MOST_REST_S)
