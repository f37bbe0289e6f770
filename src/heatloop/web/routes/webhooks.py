"""Webhooks: who is told of what, and what became of every delivery."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.interfaces import (
    DeliveryPage,
    DeliveryView,
    WebhookEventType,
    WebhookEventTypes,
    WebhookPage,
    WebhookSecret,
    WebhookView,
)
from heatloop.app.webhook_events import EVENT_TYPES
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.params import Ident, Page, Size, Word

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
_Url = Annotated[str, Field(min_length=8, max_length=2_000)]
_Name = Annotated[str, Field(min_length=1, max_length=120)]
_Kinds = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=40)]
_Paths = Annotated[list[Annotated[str, Field(max_length=400)]], Field(min_length=1, max_length=100)]


class WebhookRequest(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: _Name
    """What it is for."""
    url: _Url
    """Where deliveries go."""
    events: _Kinds
    """Kinds of events."""
    scope: _Paths = Field(default_factory=lambda: [""])
    """Subtree paths whose events it gets; an empty path is the whole company."""


class WebhookChange(BaseModel):
    """What is to change; fields left out stay."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: _Name | None = None
    url: _Url | None = None
    events: _Kinds | None = None
    scope: _Paths | None = None
    enabled: bool | None = None


class Queued(BaseModel):
    """A delivery that was put in line."""

    delivery: str
    """Its id."""


@router.get("", summary="Webhooks")
async def list_webhooks(
    platform: Platformed, keeper: LedgerKeeper, page: Page = 1, size: Size = 50
) -> WebhookPage:
    """Return the webhooks inside the keeper's scope, with how their deliveries fare."""
    return await platform.outside.webhooks.page(keeper, page, size)


@router.get("/events", summary="Kinds of events a webhook can ask for")
async def list_webhook_events(viewer: Viewer) -> WebhookEventTypes:
    """Return names in both languages."""
    del viewer
    items = [WebhookEventType(name=n, zh=zh, en=en) for n, (zh, en) in EVENT_TYPES.items()]
    return WebhookEventTypes(items=items)


@router.post("", summary="Add a webhook", status_code=201)
async def create_webhook(
    body: WebhookRequest, platform: Platformed, keeper: LedgerKeeper
) -> WebhookSecret:
    """Return the webhook with the key of its signatures, which is shown this once."""
    return await platform.outside.webhooks.create(
        keeper, body.name, body.url, body.events, body.scope
    )


@router.get("/deliveries", summary="Deliveries, newest first")
async def list_deliveries(
    platform: Platformed,
    keeper: LedgerKeeper,
    webhook: Word = "",
    state: Annotated[
        Literal["", "waiting", "delivered", "dead"], Query(description="Empty for all")
    ] = "",
    page: Page = 1,
    size: Size = 50,
) -> DeliveryPage:
    """Return what was sent, waits, or was given up."""
    return await platform.outside.webhooks.deliveries(keeper, webhook, state, page, size)


@router.post("/deliveries/{id}/resend", summary="Send a delivery again")
async def resend_delivery(id: Ident, platform: Platformed, keeper: LedgerKeeper) -> DeliveryView:  # noqa: A002
    """Put a delivery that was given up, or taken, in line again."""
    return await platform.outside.webhooks.resend(keeper, id)


@router.patch("/{id}", summary="Change a webhook")
async def change_webhook(
    id: Ident,  # noqa: A002
    body: WebhookChange,
    platform: Platformed,
    keeper: LedgerKeeper,
) -> WebhookView:
    """Change what is given; disabled, its deliveries wait."""
    return await platform.outside.webhooks.change(keeper, id, **body.model_dump())


@router.delete("/{id}", summary="Delete a webhook and its deliveries", status_code=204)
async def delete_webhook(id: Ident, platform: Platformed, keeper: LedgerKeeper) -> None:  # noqa: A002
    """Forget it."""
    await platform.outside.webhooks.delete(keeper, id)


@router.post("/{id}/secret", summary="Give a webhook a new secret")
async def renew_webhook_secret(
    id: Ident,  # noqa: A002
    platform: Platformed,
    keeper: LedgerKeeper,
) -> WebhookSecret:
    """Return the new key of its signatures, which is shown this once."""
    return await platform.outside.webhooks.new_secret(keeper, id)


@router.post("/{id}/test", summary="Send a test event", status_code=202)
async def test_webhook(id: Ident, platform: Platformed, keeper: LedgerKeeper) -> Queued:  # noqa: A002
    """Put a `webhook.test` event in line."""
    return Queued(delivery=await platform.outside.webhooks.test(keeper, id))
