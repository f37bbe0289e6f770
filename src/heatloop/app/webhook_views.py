"""Webhooks and deliveries as the interface shows them, and as the audit trail writes them down."""

from __future__ import annotations

from typing import Any

from heatloop.app.views.interfaces import DeliveryView, WebhookView
from heatloop.kernel.clock import utc
from heatloop.store.records.webhook import DELIVERED, DeliveryRow, WebhookCounts, WebhookRow


def told(row: WebhookRow) -> dict[str, Any]:
    """Return what the audit trail says of a webhook."""
    return {
        "name": row.name,
        "url": row.url,
        "events": list(row.events),
        "scope": list(row.scope),
        "enabled": row.enabled,
    }


def webhook_view(row: WebhookRow, counts: WebhookCounts | None, error: str) -> WebhookView:
    """Return a webhook with the state of its deliveries."""
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


def delivery_view(row: DeliveryRow) -> DeliveryView:
    """Return a delivery."""
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
