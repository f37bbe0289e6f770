"""Webhooks: who wants to be told what, and what people do with webhooks and deliveries."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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
from heatloop.app.webhook_events import EVENT_TYPES, TEST, body_of
from heatloop.app.webhook_reader import WebhookReader, company_of, delivery_of
from heatloop.app.webhook_sender import WebhookSender
from heatloop.app.webhook_views import delivery_view, told, webhook_view
from heatloop.app.world import World
from heatloop.bridge.webhooks import Reach, check_url, resolve
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, LinkError
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.webhook import WebhookRow
from heatloop.store.records.webhook_log import LoggedEvent

MOST_WEBHOOKS = 100


class Webhooks:
    """Keeps webhooks; a reader and a sender work for them.

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
        self.reader = WebhookReader(world, records, settings, self.sender)
        """Puts events in line."""

    async def run(self) -> None:
        """Read and send until cancelled; switched off there is nothing to do."""
        if not self._settings.enabled:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sender.run(), name="webhook sender")
            tasks.create_task(self.reader.run(), name="webhook reader")

    async def page(self, by: Principal, page: int, size: int) -> WebhookPage:
        """Return a page of the webhooks whose scope lies inside the reader's."""
        rows = await self._visible(by)
        counts = await in_thread(self._records.webhooks.counts)
        errors = await in_thread(self._records.webhooks.last_errors)
        shown = rows[(page - 1) * size : page * size]
        items = [webhook_view(row, counts.get(row.id), errors.get(row.id, "")) for row in shown]
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
        await self._audit.add(by.user, "webhook.create", row.id, **told(row))
        return WebhookSecret(webhook=webhook_view(row, None, ""), secret=secret)

    async def change(self, by: Principal, webhook_id: str, **given: Any) -> WebhookView:
        """Change what is given.

        Raises:
            Refused: There is no such webhook, or what is given is not allowed.
        """
        row = await self.one(by, webhook_id)
        new = {name: value for name, value in given.items() if value is not None}
        for name in ("events", "scope"):
            if name in new:
                new[name] = tuple(sorted(set(new[name])))
        after = replace(row, **new)
        await self._check(by, after.url, after.events, after.scope)
        await in_thread(self._records.webhooks.put, after)
        await self._audit.add(by.user, "webhook.change", row.id, **told(after))
        self.sender.wake()
        counts = await in_thread(self._records.webhooks.counts)
        return webhook_view(after, counts.get(row.id), "")

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
        return WebhookSecret(webhook=webhook_view(row, counts.get(row.id), ""), secret=secret)

    async def delete(self, by: Principal, webhook_id: str) -> None:
        """Forget a webhook and its deliveries.

        Raises:
            Refused: There is no such webhook.
        """
        row = await self.one(by, webhook_id)
        await in_thread(self._records.webhooks.delete, row.id)
        await self._audit.add(by.user, "webhook.delete", row.id, **told(row))

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
        new = delivery_of(
            row.id, TEST, body_of(TEST, event, self._world.ledger, company_of(self._world.ledger))
        )
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
        return DeliveryPage(total=total, items=[delivery_view(row) for row in found])

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
        return delivery_view(again or row)

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
