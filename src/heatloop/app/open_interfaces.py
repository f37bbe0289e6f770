"""The state of every way out of the platform, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heatloop.app.history import in_thread
from heatloop.app.views.interfaces import InterfaceState, InterfacesView
from heatloop.kernel.clock import utc

if TYPE_CHECKING:
    from heatloop.app.platform import Platform


class Interfaces:
    """Looks at every interface."""

    def __init__(self) -> None:
        self._platform: Platform | None = None

    def of(self, platform: Platform) -> None:
        """Say whose interfaces these are; called once everything is built."""
        self._platform = platform

    def quick(self) -> list[InterfaceState]:
        """Return what is known without asking the records."""
        platform = self._platform
        assert platform is not None
        return [
            _subscribe(platform),
            _stream(platform),
            platform.outside.mqtt_out.state(),
            platform.outside.opc_ua.state(),
            _webhooks(platform, 0),
            _metrics(platform),
            *platform.outside.extensions.bridges(),
        ]

    async def view(self, user: str) -> InterfacesView:
        """Return all interfaces and subscribers; of one user's subscriptions only if named."""
        platform = self._platform
        assert platform is not None
        counts = await in_thread(platform.records.webhooks.counts)
        waiting = sum(each.waiting for each in counts.values())
        items = [
            _webhooks(platform, waiting) if state.name == "webhooks" else state
            for state in self.quick()
        ]
        return InterfacesView(items=items, subscribers=platform.outside.subscribers.views(user))


def _plain(name: str, zh: str, en: str, **given: object) -> InterfaceState:
    values: dict[str, object] = {
        "enabled": True,
        "connected": True,
        "clients": 0,
        "sent": 0,
        "dropped": 0,
        "waiting": 0,
        "last_error": "",
        "last_error_at": None,
        "address": "",
        "detail": "",
    }
    return InterfaceState(name=name, zh=zh, en=en, **{**values, **given})  # type: ignore[arg-type]


def _subscribe(platform: Platform) -> InterfaceState:
    subscribers, feed = platform.outside.subscribers, platform.outside.feed
    behind = max((each.behind for each in subscribers.views()), default=0)
    return _plain(
        "subscribe",
        "数据订阅",
        "subscriptions",
        clients=len(subscribers),
        sent=subscribers.total_sent(),
        dropped=subscribers.refused,
        waiting=behind,
        address="/api/v1/subscribe",
        detail=f"{feed.rows} values, {feed.events} events since the start",
    )


def _stream(platform: Platform) -> InterfaceState:
    return _plain(
        "stream",
        "画面实时流",
        "live stream of the screens",
        clients=len(platform.hub),
        address="/api/v1/stream",
    )


def _webhooks(platform: Platform, waiting: int) -> InterfaceState:
    sender = platform.outside.webhooks.sender
    at = sender.last_error_at
    return _plain(
        "webhooks",
        "事件推送",
        "webhooks",
        enabled=platform.settings.webhooks.enabled,
        connected=platform.settings.webhooks.enabled,
        sent=sender.sent,
        dropped=sender.dead,
        waiting=waiting,
        last_error=sender.last_error,
        last_error_at=None if at is None else utc(at),
    )


def _metrics(platform: Platform) -> InterfaceState:
    settings = platform.settings.metrics
    ways = ["loopback"] if settings.loopback else []
    ways += ["token"] if platform.outside.metrics.token else []
    return _plain(
        "metrics",
        "运行指标",
        "metrics",
        enabled=settings.enabled,
        connected=settings.enabled,
        sent=platform.outside.metrics.reads,
        address="/api/v1/metrics",
        detail=", ".join(ways),
    )
