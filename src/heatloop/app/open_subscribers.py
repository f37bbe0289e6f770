"""Who is subscribed now, and the door that lets subscribers in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heatloop.app.alarm_views import plain
from heatloop.app.alarming import Alarming
from heatloop.app.history import AsyncHistorian
from heatloop.app.open_choice import Wish
from heatloop.app.open_feed import Feed
from heatloop.app.open_settings import SubscribeSettings
from heatloop.app.open_subscribe import Subscription
from heatloop.app.refusals import Refused
from heatloop.app.views.interfaces import SubscriberView
from heatloop.app.world import World
from heatloop.kernel.clock import utc

_MOST_ALARMS = 10_000


class Subscribers:
    """Lets subscribers in and knows them.

    Args:
        world: Ledger and plant time.
        historian: Where gaps are filled from.
        feed: What is new.
        alarming: Open alarms.
        settings: Bounds.
    """

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        feed: Feed,
        alarming: Alarming,
        settings: SubscribeSettings,
    ) -> None:
        self._world, self._historian, self.feed = world, historian, feed
        self._alarming, self._settings = alarming, settings
        self._open: set[Subscription] = set()
        self.sent = 0
        """Values sent to those who have gone."""
        self.refused = 0
        """Subscribers there was no room for."""

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def enter(self, wish: Wish, user: str, carrier: str) -> Iterator[Subscription]:
        """Give a subscription for as long as the block lasts.

        Raises:
            Refused: There are too many, or he asks for what is not there.
        """
        if len(self._open) >= self._settings.max_subscribers:
            self.refused += 1
            raise Refused("too_many_streams")
        made = Subscription(
            world=self._world,
            historian=self._historian,
            feed=self.feed,
            wish=wish,
            user=user,
            carrier=carrier,
            alarms=self._alarms,
            fill_s=self._settings.fill_hours * 3600.0,
        )
        self._open.add(made)
        try:
            yield made
        finally:
            self._open.discard(made)
            self.sent += made.sent

    async def _alarms(self, wish: Wish) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for asset in wish.assets or ("",):
            page = await self._alarming.page(wish.scope, True, None, asset, 1, _MOST_ALARMS)
            found |= {item.id: plain(item) for item in page.items}
        return list(found.values())

    def total_sent(self) -> int:
        """Return how many values were sent since the start."""
        return self.sent + sum(each.sent for each in self._open)

    def views(self, user: str = "") -> list[SubscriberView]:
        """Return who is subscribed, the longest first; of one user only if named."""
        rows = [each for each in self._open if not user or each.user == user]
        return [
            SubscriberView(
                user=each.user,
                carrier=each.carrier,
                since=utc(each.since_s),
                points=each.points,
                sent=each.sent,
                behind=each.behind,
                missed=each.missed,
            )
            for each in sorted(rows, key=lambda each: each.since_s)
        ]
