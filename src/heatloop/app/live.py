"""Live fan-out: every open screen gets what changed, and a slow one never makes others wait.

Values are not queued: each subscriber remembers the number of the update it has seen and
fetches what changed since, so however slow it is it costs no memory and loses no last value.
Events (alarms, commands) are queued up to a bound; the oldest go first and the loss is told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatloop.app.latest import LatestValues, Positions

MAX_EVENTS = 256
MAX_ROWS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveEvent:
    """One event of the live stream."""

    name: str
    """`clock`, `values`, `alarm`, `command` or `lagged`."""
    data: dict[str, Any]
    """Plain values."""


class Subscriber:
    """One open live stream."""

    def __init__(self, keys: frozenset[int], visible: frozenset[str] | None) -> None:
        self.keys = keys
        """Keys of the points it wants."""
        self.visible = visible
        """Codes of assets whose events it may see; None for all."""
        self.dropped = 0
        """Events lost because it was too slow."""
        self._events: deque[LiveEvent] = deque()
        self._wake = asyncio.Event()
        self._seen = 0
        self._table: LatestValues | None = None
        self._positions: Positions = np.empty(0, np.intp)

    def push(self, event: LiveEvent) -> None:
        """Queue an event; the oldest goes when the queue is full."""
        if len(self._events) >= MAX_EVENTS:
            self._events.popleft()
            self.dropped += 1
        self._events.append(event)
        self._wake.set()

    def wake(self) -> None:
        """Say that values changed."""
        self._wake.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until something happened, or the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def take(self, latest: LatestValues) -> Iterator[LiveEvent]:
        """Yield everything that happened since the last call."""
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            yield LiveEvent(name="lagged", data={"dropped": dropped})
        while self._events:
            yield self._events.popleft()
        yield from self._values(latest)

    def _values(self, latest: LatestValues) -> Iterator[LiveEvent]:
        if latest is not self._table:
            # A new ledger came into force: look the points up again and send all of them.
            self._table, self._seen = latest, 0
            found = latest.index.find(np.fromiter(self.keys, "u4"))
            self._positions = np.sort(found[found >= 0])
        if latest.updates == self._seen:
            return
        at = self._positions[latest.changed[self._positions] > self._seen]
        self._seen = latest.updates
        for start in range(0, len(at), MAX_ROWS):
            yield LiveEvent(name="values", data=_rows(latest, at[start : start + MAX_ROWS]))


def _rows(latest: LatestValues, at: Positions) -> dict[str, Any]:
    """Return [key, value, quality, slot] of these positions; a missing value is None."""
    values = [value if value == value else None for value in latest.values[at].tolist()]
    slots = latest.slots[at]
    rows = zip(
        latest.index.keys[at].tolist(),
        values,
        latest.quality[at].tolist(),
        slots.tolist(),
        strict=True,
    )
    return {"at": int(slots.max()), "values": [list(row) for row in rows]}


class Hub:
    """Knows every open live stream."""

    def __init__(self, max_subscribers: int = 500) -> None:
        self.max_subscribers = max_subscribers
        """Streams at a time."""
        self._subscribers: set[Subscriber] = set()

    def __len__(self) -> int:
        return len(self._subscribers)

    def add(self, subscriber: Subscriber) -> bool:
        """Take a stream in; False when there are too many."""
        if len(self._subscribers) >= self.max_subscribers:
            return False
        self._subscribers.add(subscriber)
        return True

    def remove(self, subscriber: Subscriber) -> None:
        """Let a stream go."""
        self._subscribers.discard(subscriber)

    def values_changed(self) -> None:
        """Say that the table of latest values changed."""
        for subscriber in self._subscribers:
            subscriber.wake()

    def publish(self, name: str, data: dict[str, Any], asset: str) -> None:
        """Send an event about an asset to every stream that may see it."""
        event = LiveEvent(name=name, data=data)
        for subscriber in self._subscribers:
            if subscriber.visible is None or asset in subscriber.visible:
                subscriber.push(event)
