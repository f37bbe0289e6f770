"""Webhooks: who wants to be told what, and the reader that puts events in line for them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.open_settings import WebhookSettings
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.interfaces import (
    DeliveryPage,
    DeliveryView,
    WebhookPage,
    WebhookSecret,
    WebhookView,
)
from heatloop.app.webhook_events import EVENT_TYPES, TEST, body_of, kind_of
from heatloop.app.webhook_sender import WebhookSender
from heatloop.app.world import World
from heatloop.bridge.webhooks import Reach, check_url, resolve
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.kernel.scope import Scope
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.webhook import (
    DELIVERED,
    DeliveryRow,
    NewDelivery,
    WebhookCounts,
    WebhookRow,
)
from heatloop.store.records.webhook_log import LoggedEvent

_log = structlog.get_logger("heatloop.webhooks")
_LOOK_S = 2.0
_TIDY_S = 3600.0
_MOST_SEEN = 200_000
MOST_WEBHOOKS = 100

Tell = Callable[[str, dict[str, Any], str], None]


def _quiet(kind: str, body: dict[str, Any], asset: str) -> None:
    del kind, body, asset


class Webhooks:
    """Keeps webhooks, reads the logs, and sends.

    Args:
        world: Ledger and plant time.
        records: Webhooks, deliveries and the logs.
        audit: Writes down who changed what.
        settings: Where deliveries may go, and how long they are remembered.
    """

    def __init__(
        self, world: World, records: Records, audit: Audit, settings: WebhookSettings
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._settings = settings
        self.reach = Reach(
            private=settings.allow_private,
            plain_http=settings.allow_http,
            ca_file=settings.ca_file,
            timeout_s=settings.timeout_s,
        )
        self.sender = WebhookSender(records, self.reach)
        """Sends what is in line."""
        self.tell: Tell = _quiet
        """Is told every new event, for subscribers."""
        self._wake = asyncio.Event()
        self._through: dict[str, int] = {}
        self._seen: dict[str, None] = {}
        self._tidied_s = 0.0

    def wake(self) -> None:
        """Say that something was written into one of the logs."""
        self._wake.set()

    async def run(self) -> None:
        """Read and send until cancelled; switched off there is nothing to do."""
        if not self._settings.enabled:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sender.run(), name="webhook sender")
            tasks.create_task(self._read(), name="webhook reader")

    async def _read(self) -> None:
        broken = False
        while True:
            try:
                if not self._through:
                    await self._begin()
                await self.look()
                if machine_s() - self._tidied_s > _TIDY_S:
                    self._tidied_s = machine_s()
                    await self._tidy()
                broken = False
            except HeatloopError as error:
                if not broken:
                    _log.warning("logs cannot be read, trying on", reason=str(error))
                broken = True
            # Not wait_for: before Python 3.12 it may swallow that this task is cancelled.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            self._wake.clear()

    async def _begin(self) -> None:
        """Go on where the last process stopped; a new installation begins with now."""
        known = await in_thread(self._records.webhooks.read_through)
        heads = await in_thread(self._records.event_log.heads)
        self._through = {source: known.get(source, head) for source, head in heads.items()}
        for source, through in self._through.items():
            # What stands before was put in line, or is history: nobody is told of it again.
            before = await in_thread(self._records.event_log.read, source, through, upto=through)
            self._mark(before[1])

    def _mark(self, events: Sequence[LoggedEvent]) -> None:
        self._seen.update(dict.fromkeys(map(_name, events)))
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]

    async def look(self) -> int:
        """Read what is new, put it in line for whoever wants it; return how many deliveries."""
        hooks = [h for h in await in_thread(self._records.webhooks.list) if h.enabled]
        count = 0
        for source, after in list(self._through.items()):
            through, events = await in_thread(self._records.event_log.read, source, after)
            fresh = [event for event in events if _name(event) not in self._seen]
            told = [(kind, await self._body(kind, e)) for e in fresh if (kind := kind_of(e))]
            new = [d for kind, body in told for d in self._for(kind, body, hooks)]
            if new or through > after:
                count += await in_thread(
                    self._records.webhooks.enqueue,
                    new,
                    at=machine_s(),
                    read={source: through},
                    most_waiting=self._settings.most_waiting,
                )
            self._through[source] = through
            self._mark(fresh)
            for kind, body in told:
                self.tell(kind, body, body["asset"])
        if count:
            self.sender.wake()
        return count

    async def _body(self, kind: str, event: LoggedEvent) -> dict[str, Any]:
        body = body_of(kind, event, self._world.ledger, self._company())
        if kind.startswith("device."):
            item = await in_thread(self._records.devices.get, event.subject)
            body["asset"] = item.asset if item is not None else ""
        return body

    def _for(
        self, kind: str, body: dict[str, Any], hooks: Sequence[WebhookRow]
    ) -> list[NewDelivery]:
        return [
            _delivery(hook.id, kind, body)
            for hook in hooks
            if kind in hook.events and self._concerns(Scope.of(hook.scope), body)
        ]

    def _concerns(self, scope: Scope, body: dict[str, Any]) -> bool:
        if scope.holds(""):
            return True
        seen = self._world.sees_subject
        return seen(scope, body["subject"]) or seen(scope, body["asset"])

    def _company(self) -> str:
        companies = self._world.ledger.of_kind("company")
        return companies[0].code if companies else ""

    async def _tidy(self) -> None:
        now_s, settings = machine_s(), self._settings
        await in_thread(
            self._records.webhooks.forget,
            delivered_before=now_s - settings.delivered_days * 86_400.0,
            dead_before=now_s - settings.dead_days * 86_400.0,
        )

    # -- what people do

    async def page(self, by: Principal, page: int, size: int) -> WebhookPage:
        """Return a page of the webhooks whose scope lies inside the reader's."""
        rows = await self._visible(by)
        counts = await in_thread(self._records.webhooks.counts)
        errors = await in_thread(self._records.webhooks.last_errors)
        shown = rows[(page - 1) * size : page * size]
        items = [_view(row, counts.get(row.id), errors.get(row.id, "")) for row in shown]
        return WebhookPage(total=len(rows), items=items)

    async def _visible(self, by: Principal) -> list[WebhookRow]:
        rows = await in_thread(self._records.webhooks.list)
        return [row for row in rows if all(by.scope.holds(path) for path in row.scope)]

    async def one(self, by: Principal, webhook_id: str) -> WebhookRow:
        """Return a webhook inside the scope.

        Raises:
            Refused: There is none.
        """
        row = await in_thread(self._records.webhooks.get, webhook_id)
        if row is None or not all(by.scope.holds(path) for path in row.scope):
            raise Refused("not_found", thing=webhook_id)
        return row

    async def create(
        self, by: Principal, name: str, url: str, events: list[str], scope: list[str]
    ) -> WebhookSecret:
        """Add a webhook and return it with its secret.

        Raises:
            Refused: The URL is not allowed, an event or path does not exist, or there are too many.
            Forbidden: The scope is wider than the user's.
        """
        await self._check(by, url, events, scope)
        if len(await in_thread(self._records.webhooks.list)) >= MOST_WEBHOOKS:
            raise Refused("invalid", thing=name, detail=f"{MOST_WEBHOOKS} webhooks at most")
        row = WebhookRow(
            id=f"wh_{secrets.token_hex(8)}",
            name=name,
            url=url,
            events=tuple(sorted(set(events))),
            scope=tuple(sorted(set(scope))),
            enabled=True,
            created_by=by.user,
            created_at=self._world.now_s(),
        )
        secret = secrets.token_urlsafe(32)
        await in_thread(self._records.webhooks.put, row, secret)
        await self._audit.add(by.user, "webhook.create", row.id, **_told(row))
        return WebhookSecret(webhook=_view(row, None, ""), secret=secret)

    async def change(self, by: Principal, webhook_id: str, **given: Any) -> WebhookView:
        """Change what is given.

        Raises:
            Refused: There is no such webhook, or what is given is not allowed.
        """
        row = await self.one(by, webhook_id)
        told = {name: value for name, value in given.items() if value is not None}
        for name in ("events", "scope"):
            if name in told:
                told[name] = tuple(sorted(set(told[name])))
        after = replace(row, **told)
        await self._check(by, after.url, after.events, after.scope)
        await in_thread(self._records.webhooks.put, after)
        await self._audit.add(by.user, "webhook.change", row.id, **_told(after))
        self.sender.wake()
        counts = await in_thread(self._records.webhooks.counts)
        return _view(after, counts.get(row.id), "")

    async def new_secret(self, by: Principal, webhook_id: str) -> WebhookSecret:
        """Give a webhook a new secret; the old one signs nothing from now on.

        Raises:
            Refused: There is no such webhook.
        """
        row = await self.one(by, webhook_id)
        secret = secrets.token_urlsafe(32)
        await in_thread(self._records.webhooks.put, row, secret)
        await self._audit.add(by.user, "webhook.secret", row.id)
        counts = await in_thread(self._records.webhooks.counts)
        return WebhookSecret(webhook=_view(row, counts.get(row.id), ""), secret=secret)

    async def delete(self, by: Principal, webhook_id: str) -> None:
        """Forget a webhook and its deliveries.

        Raises:
            Refused: There is no such webhook.
        """
        row = await self.one(by, webhook_id)
        await in_thread(self._records.webhooks.delete, row.id)
        await self._audit.add(by.user, "webhook.delete", row.id, **_told(row))

    async def test(self, by: Principal, webhook_id: str) -> str:
        """Put a test event in line and return the id of its delivery.

        Raises:
            Refused: There is no such webhook.
        """
        row = await self.one(by, webhook_id)
        event = LoggedEvent(
            source="test",
            key=secrets.token_hex(8),
            what="test",
            subject=row.id,
            at=self._world.now_s(),
            data={"by": by.user},
        )
        new = _delivery(row.id, TEST, body_of(TEST, event, self._world.ledger, self._company()))
        most = self._settings.most_waiting
        await in_thread(
            self._records.webhooks.enqueue, [new], at=machine_s(), read={}, most_waiting=most
        )
        self.sender.wake()
        return new.id

    async def deliveries(
        self, by: Principal, webhook_id: str, state: str, page: int, size: int
    ) -> DeliveryPage:
        """Return a page of deliveries of webhooks inside the scope, newest first.

        Raises:
            Refused: There is no such webhook.
        """
        rows = [await self.one(by, webhook_id)] if webhook_id else await self._visible(by)
        total, found = await in_thread(
            self._records.webhooks.deliveries,
            webhooks=[row.id for row in rows],
            state=state,
            offset=(page - 1) * size,
            limit=size,
        )
        return DeliveryPage(total=total, items=[_delivery_view(row) for row in found])

    async def resend(self, by: Principal, delivery_id: str) -> DeliveryView:
        """Put a delivery that was given up, or taken, in line again.

        Raises:
            Refused: There is no such delivery.
        """
        row = await in_thread(self._records.webhooks.delivery, delivery_id)
        if row is None:
            raise Refused("not_found", thing=delivery_id)
        await self.one(by, row.webhook)
        await in_thread(self._records.webhooks.resend, delivery_id, at=machine_s())
        await self._audit.add(by.user, "webhook.resend", delivery_id, webhook=row.webhook)
        self.sender.wake()
        again = await in_thread(self._records.webhooks.delivery, delivery_id)
        return _delivery_view(again or row)

    async def _check(
        self, by: Principal, url: str, events: Sequence[str], scope: Sequence[str]
    ) -> None:
        for event in events:
            if event not in EVENT_TYPES:
                raise Refused("invalid", thing=event, place="events")
        ledger = self._world.ledger
        for path in scope:
            last = path.rpartition("/")[2]
            if path and (last not in ledger.assets or path not in ledger.paths(last)):
                raise Refused("unknown_scope", thing=path)
            if not by.scope.holds(path):
                raise Forbidden("forbidden", thing=path)
        try:
            parts = check_url(url, self.reach)
            async with asyncio.timeout(self.reach.timeout_s):
                await resolve(parts.hostname or "", parts.port or 443, self.reach)
        except InputError as error:
            raise Refused("invalid", thing="url", detail=error.message) from error
        except (LinkError, TimeoutError):
            pass  # The name may be known later; what it points to is judged at every delivery.


def _name(event: LoggedEvent) -> str:
    return f"{event.source}:{event.key}"


def _delivery(webhook: str, kind: str, body: dict[str, Any]) -> NewDelivery:
    digest = hashlib.sha256(f"{webhook} {body['event_id']}".encode()).hexdigest()
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return NewDelivery(
        id=f"dl_{digest[:32]}", webhook=webhook, event=kind, subject=body["subject"], body=text
    )


def _told(row: WebhookRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "url": row.url,
        "events": list(row.events),
        "scope": list(row.scope),
        "enabled": row.enabled,
    }


def _view(row: WebhookRow, counts: WebhookCounts | None, error: str) -> WebhookView:
    counts = counts or WebhookCounts()
    return WebhookView(
        id=row.id,
        name=row.name,
        url=row.url,
        events=list(row.events),
        scope=list(row.scope),
        enabled=row.enabled,
        created_by=row.created_by,
        created_at=utc(row.created_at),
        waiting=counts.waiting,
        dead=counts.dead,
        delivered=counts.delivered,
        last_error=error,
    )


def _delivery_view(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        webhook=row.webhook,
        event=row.event,
        subject=row.subject,
        created_at=utc(row.created_at),
        state=row.state,
        attempts=row.attempts,
        next_at=None if row.next_at is None else utc(row.next_at),
        last_status=row.last_status,
        last_error=row.last_error if row.state != DELIVERED else "",
        delivered_at=None if row.delivered_at is None else utc(row.delivered_at),
        body=row.body,
    )
