"""Read models of the open interfaces: their state, webhooks and extension modules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfaceState:
    """One way out of the platform and how it does."""

    name: str
    """`subscribe`, `stream`, `mqtt_out`, `opc_ua`, `webhooks`, `metrics` or a bridge's name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    enabled: bool
    """Whether the settings want it."""
    connected: bool
    """Whether it works now; of a server: whether it listens."""
    clients: int
    """Who is connected to it now."""
    sent: int
    """Values, messages or deliveries since the start."""
    dropped: int
    """Those that were given up since the start."""
    waiting: int
    """Those that wait to be sent."""
    last_error: str
    """Last error; empty: none since the start."""
    last_error_at: datetime | None
    """Machine time of the last error."""
    address: str
    """Where it is served or goes to, without secrets."""
    detail: str
    """A fact about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriberView:
    """One subscriber connected now."""

    user: str
    """Who."""
    carrier: str
    """`sse` or `websocket`."""
    since: datetime
    """Machine time of connecting."""
    points: int
    """Points it gets."""
    sent: int
    """Values it got."""
    behind: int
    """Messages of the feed it has not taken yet."""
    missed: int
    """Values that left memory before it took them; they were filled from the historian."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfacesView:
    """All open interfaces."""

    items: list[InterfaceState]
    """The interfaces."""
    subscribers: list[SubscriberView]
    """Who is subscribed now; own subscriptions alone for those who may not keep interfaces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEventType:
    """A kind of event a webhook can ask for."""

    name: str
    """Name in `events`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEventTypes:
    """What webhooks can ask for."""

    items: list[WebhookEventType]
    """The kinds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookView:
    """One webhook."""

    id: str
    """Id."""
    name: str
    """What it is for."""
    url: str
    """Where deliveries go."""
    events: list[str]
    """Kinds of events it asks for."""
    scope: list[str]
    """Subtree paths whose events it gets; an empty path is the whole company."""
    enabled: bool
    """Whether events are delivered."""
    created_by: str
    """Who made it."""
    created_at: datetime
    """Plant time of that."""
    waiting: int
    """Deliveries that wait or are tried again."""
    dead: int
    """Deliveries that were given up."""
    delivered: int
    """Deliveries the receiver took."""
    last_error: str
    """Why the last delivery failed; empty when it did not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookPage:
    """A page of webhooks."""

    total: int
    """All of them."""
    items: list[WebhookView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSecret:
    """A webhook with its secret, shown this once."""

    webhook: WebhookView
    """The webhook."""
    secret: str
    """Key of its signatures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryView:
    """One event on its way to one webhook."""

    id: str
    """Delivery id, the same at every attempt; receivers drop what they have had."""
    webhook: str
    """Id of the webhook."""
    event: str
    """Kind of event."""
    subject: str
    """Code of what it is about."""
    created_at: datetime
    """Machine time it was put in line."""
    state: str
    """`waiting`, `delivered` or `dead`."""
    attempts: int
    """Attempts so far."""
    next_at: datetime | None
    """Machine time of the next attempt."""
    last_status: int | None
    """HTTP status of the last answer; None: there was none."""
    last_error: str
    """Why the last attempt failed."""
    delivered_at: datetime | None
    """Machine time the receiver took it."""
    body: str
    """What is sent, JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryPage:
    """A page of deliveries, newest first."""

    total: int
    """All that fit."""
    items: list[DeliveryView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleView:
    """One module: ours or a plug-in's."""

    name: str
    """Unique name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`application`, `driver`, `decoder`, `detector`, `warning`, `strategy`, `report`,
    `bridge` or `point_kind`."""
    version: str
    """Its version."""
    author: str
    """Who made it."""
    inputs: list[str]
    """What it works on: point kinds or plain words."""
    outputs: list[str]
    """What it gives."""
    api: str
    """Version of the extension interface it was written for."""
    distribution: str
    """Package it came with; `heatloop` for ours."""
    state: str
    """`running`, `disabled`, `refused` or `failed`."""
    reason_zh: str
    """Why it does not run, in Chinese; empty when it does."""
    reason_en: str
    """Why it does not run, in English."""
    calls: int
    """Times it was called."""
    failures: int
    """Times it failed."""
    last_error: str
    """Last failure."""
    last_ms: float | None
    """Machine time its last call took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModulesView:
    """All modules."""

    api: str
    """Version of the extension interface."""
    accepted: list[str]
    """Versions of plug-ins that are let in."""
    items: list[ModuleView]
    """Ours first."""
