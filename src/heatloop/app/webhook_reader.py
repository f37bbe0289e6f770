"""Reads the logs and puts every new event in line for the webhooks that want it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from heatloop.app.history import in_thread
from heatloop.app.open_settings import WebhookSettings
from heatloop.app.webhook_events import body_of, kind_of
from heatloop.app.webhook_sender import WebhookSender
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.store.records import Records
from heatloop.store.records.webhook import NewDelivery, WebhookRow
from heatloop.store.records.webhook_log import LoggedEvent

_log = structlog.get_logger("heatloop.webhooks")
_LOOK_S = 2.0
_TIDY_S = 3600.0
_MOST_SEEN = 200_000

Tell = Callable[[str, dict[str, Any], str], None]


def _quiet(kind: str, body: dict[str, Any], asset: str) -> None:
    del kind, body, asset


class WebhookReader:
    """Follows the logs.

    Args:
        world: Ledger and plant time.
        records: Webhooks, deliveries and the logs.
        settings: How long deliveries are remembered.
        sender: Woken when something stands in line.
    """

    def __init__(
        self, world: World, records: Records, settings: WebhookSettings, sender: WebhookSender
    ) -> None:
        self._world, self._records = world, records
        self._settings, self._sender = settings, sender
        self.tell: Tell = _quiet
        """Is told every new event, for subscribers."""
        self._through: dict[str, int] = {}
        self._seen: dict[str, None] = {}
        self._tidied_s = 0.0

    async def run(self) -> None:
        """Read until cancelled."""
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
            await asyncio.sleep(_LOOK_S)

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
            self._sender.wake()
        return count

    async def _body(self, kind: str, event: LoggedEvent) -> dict[str, Any]:
        body = body_of(kind, event, self._world.ledger, company_of(self._world.ledger))
        if kind.startswith("device."):
            item = await in_thread(self._records.devices.get, event.subject)
            body["asset"] = item.asset if item is not None else ""
        return body

    def _for(
        self, kind: str, body: dict[str, Any], hooks: Sequence[WebhookRow]
    ) -> list[NewDelivery]:
        return [
            delivery_of(hook.id, kind, body)
            for hook in hooks
            if kind in hook.events and self._concerns(Scope.of(hook.scope), body)
        ]

    def _concerns(self, scope: Scope, body: dict[str, Any]) -> bool:
        if scope.holds(""):
            return True
        seen = self._world.sees_subject
        return seen(scope, body["subject"]) or seen(scope, body["asset"])

    async def _tidy(self) -> None:
        now_s, settings = machine_s(), self._settings
        await in_thread(
            self._records.webhooks.forget,
            delivered_before=now_s - settings.delivered_days * 86_400.0,
            dead_before=now_s - settings.dead_days * 86_400.0,
        )


def company_of(ledger: Ledger) -> str:
    """Return the code of the company, "" where the ledger has none."""
    companies = ledger.of_kind("company")
    return companies[0].code if companies else ""


def delivery_of(webhook: str, kind: str, body: dict[str, Any]) -> NewDelivery:
    """Return an event as it stands in line for a webhook; its id follows from both."""
    digest = hashlib.sha256(f"{webhook} {body['event_id']}".encode()).hexdigest()
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return NewDelivery(
        id=f"dl_{digest[:32]}", webhook=webhook, event=kind, subject=body["subject"], body=text
    )


def _name(event: LoggedEvent) -> str:
    return f"{event.source}:{event.key}"
