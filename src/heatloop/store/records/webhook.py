"""Webhooks and the line of their deliveries; an event is put in line once, however often told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.values import from_text, page, words
from heatloop.store.records.webhook_schema import event_reader, webhook, webhook_delivery

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookRow:
    """Somebody who wants to be told."""

    id: str
    """Id."""
    name: str
    """What it is for."""
    url: str
    """Where deliveries go."""
    events: tuple[str, ...]
    """Kinds of events."""
    scope: tuple[str, ...]
    """Subtree paths; an empty path is everything."""
    enabled: bool
    """Whether events are delivered."""
    created_by: str
    """Who made it."""
    created_at: float
    """Plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """One event on its way to one webhook."""

    number: int
    """Place in the line."""
    id: str
    """Delivery id."""
    webhook: str
    """Webhook id."""
    event: str
    """Kind of event."""
    subject: str
    """Code of what it is about."""
    body: str
    """What is sent."""
    created_at: float
    """Machine time."""
    state: str
    """`waiting`, `delivered` or `dead`."""
    attempts: int
    """Attempts so far."""
    next_at: float | None
    """Machine time of the next one."""
    last_status: int | None
    """HTTP status of the last answer."""
    last_error: str
    """Why the last attempt failed."""
    delivered_at: float | None
    """Machine time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """An event to be put in line; one whose id is known already is left out."""

    id: str
    """Computed from webhook and event, so that an event read twice is one delivery."""
    webhook: str
    """Webhook id."""
    event: str
    """Kind of event."""
    subject: str
    """Code of what it is about."""
    body: str
    """What is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookCounts:
    """Deliveries of one webhook."""

    waiting: int = 0
    """In line."""
    dead: int = 0
    """Given up."""
    delivered: int = 0
    """Taken by the receiver and still remembered."""


class Webhooks:
    """Webhooks by id; their secrets are sealed."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def put(self, row: WebhookRow, secret: str | None = None) -> None:
        """Keep a webhook; without a secret the one it has stays."""
        plain: dict[str, Any] = {
            "id": row.id,
            "name": row.name,
            "url": row.url,
            "events": words(row.events),
            "scope": words(row.scope),
            "enabled": row.enabled,
            "created_by": row.created_by,
            "created_at": row.created_at,
        }
        if secret is not None:
            plain["secret"] = self._sealer.seal(_aad(row.id), {"secret": secret})
        with self._database.write() as connection:
            changed = connection.execute(
                update(webhook).where(webhook.c.id == row.id).values(**plain)
            )
            if changed.rowcount != 1:
                self._database.insert_new(connection, webhook, plain)

    def secret(self, webhook_id: str) -> str:
        """Return a webhook's secret; empty when there is no such webhook."""
        query = select(webhook.c.secret).where(webhook.c.id == webhook_id)
        with self._database.read() as connection:
            blob = connection.execute(query).scalar()
        return "" if blob is None else str(self._sealer.open(_aad(webhook_id), blob)["secret"])

    def get(self, webhook_id: str) -> WebhookRow | None:
        """Return a webhook, or None."""
        with self._database.read() as connection:
            row = connection.execute(_webhooks().where(webhook.c.id == webhook_id)).one_or_none()
        return None if row is None else _webhook(row)

    def list(self) -> Sequence[WebhookRow]:
        """Return all webhooks by name."""
        with self._database.read() as connection:
            rows = connection.execute(_webhooks().order_by(webhook.c.name, webhook.c.id))
            return [_webhook(row) for row in rows]

    def delete(self, webhook_id: str) -> bool:
        """Forget a webhook and its deliveries; return whether there was one."""
        with self._database.write() as connection:
            mine = webhook_delivery.c.webhook == webhook_id
            connection.execute(webhook_delivery.delete().where(mine))
            gone = connection.execute(webhook.delete().where(webhook.c.id == webhook_id))
            return gone.rowcount == 1

    def enqueue(
        self,
        new: Iterable[NewDelivery],
        *,
        at: float,
        read: Mapping[str, int],
        most_waiting: int,
    ) -> int:
        """Put events in line and remember how far the logs were read, in one commit.

        Args:
            new: The events.
            at: Machine time.
            read: Source -> number read through.
            most_waiting: Deliveries a webhook may have in line; the oldest beyond are given up.

        Returns:
            How many were new.
        """
        count = 0
        with self._database.write() as connection:
            touched = set()
            for each in new:
                row = {
                    "id": each.id,
                    "webhook": each.webhook,
                    "event": each.event,
                    "subject": each.subject,
                    "body": each.body,
                    "created_at": at,
                    "state": WAITING,
                    "attempts": 0,
                    "next_at": at,
                    "last_error": "",
                }
                fresh = self._database.insert(webhook_delivery).values(row)
                only = fresh.on_conflict_do_nothing(index_elements=["id"])
                added = connection.execute(only.returning(webhook_delivery.c.number)).first()
                count += added is not None
                touched.add(each.webhook)
            for each_id in sorted(touched):
                line = _in_line(each_id).order_by(webhook_delivery.c.number.desc())
                over = select(line.offset(most_waiting).subquery().c.number)
                given_up = update(webhook_delivery).where(webhook_delivery.c.number.in_(over))
                words_ = {"state": DEAD, "next_at": None, "last_error": "too many waiting"}
                connection.execute(given_up.values(**words_))
            for source, through in read.items():
                row_ = {"source": source, "through": through}
                self._database.put(connection, event_reader, row_)
        return count

    def read_through(self) -> Mapping[str, int]:
        """Return how far each log was read."""
        with self._database.read() as connection:
            return {row.source: row.through for row in connection.execute(select(event_reader))}

    def due(self, *, at: float, limit: int = 200) -> Sequence[DeliveryRow]:
        """Return deliveries to be tried now, the longest due first; of disabled ones none."""
        c = webhook_delivery.c
        on = select(webhook.c.id).where(webhook.c.enabled)
        query = select(webhook_delivery).where(
            c.state == WAITING, c.next_at <= at, c.webhook.in_(on)
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.next_at, c.number).limit(limit))
            return [DeliveryRow(**row._mapping) for row in rows]

    def tried(
        self,
        delivery_id: str,
        *,
        state: str,
        at: float,
        next_at: float | None,
        status: int | None,
        error: str,
    ) -> None:
        """Note an attempt and what came of it (machine times)."""
        c = webhook_delivery.c
        values = {
            "state": state,
            "attempts": c.attempts + 1,
            "next_at": next_at,
            "last_status": status,
            "last_error": error[:400],
            "delivered_at": at if state == DELIVERED else None,
        }
        with self._database.write() as connection:
            mine = update(webhook_delivery).where(c.id == delivery_id, c.state == WAITING)
            connection.execute(mine.values(**values))

    def resend(self, delivery_id: str, *, at: float) -> bool:
        """Put a delivery in line again as if it were new; return whether there is one."""
        c = webhook_delivery.c
        again = {"state": WAITING, "attempts": 0, "next_at": at, "created_at": at}
        with self._database.write() as connection:
            mine = update(webhook_delivery).where(c.id == delivery_id, c.state != WAITING)
            return connection.execute(mine.values(**again, delivered_at=None)).rowcount == 1

    def delivery(self, delivery_id: str) -> DeliveryRow | None:
        """Return a delivery, or None."""
        query = select(webhook_delivery).where(webhook_delivery.c.id == delivery_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else DeliveryRow(**row._mapping)

    def deliveries(
        self, *, webhooks: Iterable[str], state: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[DeliveryRow]]:
        """Return how many deliveries of these webhooks fit, and a page, newest first."""
        c = webhook_delivery.c
        query = select(webhook_delivery).order_by(c.number.desc())
        query = query.where(self._database.among(c.webhook, list(webhooks)))
        if state:
            query = query.where(c.state == state)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [DeliveryRow(**row._mapping) for row in rows]

    def counts(self) -> Mapping[str, WebhookCounts]:
        """Return the deliveries of every webhook, counted."""
        c = webhook_delivery.c
        query = select(
            c.webhook,
            *(
                func.sum(case((c.state == state, 1), else_=0)).label(state)
                for state in (WAITING, DEAD, DELIVERED)
            ),
        ).group_by(c.webhook)
        with self._database.read() as connection:
            return {
                row.webhook: WebhookCounts(
                    waiting=int(row.waiting), dead=int(row.dead), delivered=int(row.delivered)
                )
                for row in connection.execute(query)
            }

    def last_errors(self) -> Mapping[str, str]:
        """Return why the newest attempt of each webhook failed; webhooks that work are left out."""
        c = webhook_delivery.c
        tried = c.attempts > 0
        newest = select(func.max(c.number)).where(tried).group_by(c.webhook)
        query = select(c.webhook, c.last_error).where(c.number.in_(newest), c.state != DELIVERED)
        with self._database.read() as connection:
            return {row.webhook: row.last_error for row in connection.execute(query)}

    def forget(self, *, delivered_before: float, dead_before: float) -> int:
        """Delete old deliveries (machine times); return how many."""
        c = webhook_delivery.c
        old = (c.state == DELIVERED) & (c.created_at < delivered_before)
        given_up = (c.state == DEAD) & (c.created_at < dead_before)
        with self._database.write() as connection:
            return connection.execute(webhook_delivery.delete().where(old | given_up)).rowcount


def _aad(webhook_id: str) -> bytes:
    return f"webhook/{webhook_id}".encode()


def _webhooks() -> Any:
    return select(*(column for column in webhook.c if column.name != "secret"))


def _in_line(webhook_id: str) -> Any:
    c = webhook_delivery.c
    return select(c.number).where(c.webhook == webhook_id, c.state == WAITING)


def _webhook(row: Row[Any]) -> WebhookRow:
    plain = dict(row._mapping)
    plain["events"], plain["scope"] = (tuple(from_text(plain[n])) for n in ("events", "scope"))
    return WebhookRow(**plain)
