"""Everything new in the order it became safe: stored values, alarms, findings, commands.

Values enter after the historian's commit, so whoever reads the feed and then the historian (or
the other way round) misses none: what is not in one is in the other. The newest entries stay in
memory; of older ones only the earliest slot is remembered, so that a reader who comes back late
knows from when on to ask the historian. Nothing is kept for a reader: each has a place in the
feed and reads at his own pace.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any, cast

from heatloop.app.history import AsyncHistorian
from heatloop.app.live import Hub
from heatloop.kernel.clock import machine_s
from heatloop.kernel.series import Columns

_MOST_ENTRIES = 100_000
_MOST_MARKS = 4_096
_NEVER = 1 << 62


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One step of the feed."""

    seq: int
    """Rises by one an entry."""
    at_s: float
    """Machine time it entered."""
    columns: Columns | None = None
    """Values, or None for an event."""
    name: str = ""
    """Name of an event."""
    asset: str = ""
    """Asset an event is about."""
    data: dict[str, Any] | None = None
    """Facts of an event."""


@dataclass(slots=True)
class _Mark:
    """What is remembered of entries that left memory."""

    last: int
    """Newest of them."""
    slot: int
    """Earliest slot among their values."""


class Feed:
    """The newest entries, and where older ones began.

    Args:
        most_rows: Values kept in memory.
    """

    def __init__(self, most_rows: int) -> None:
        self.epoch = secrets.token_hex(4)
        """Tells this run of the platform from others; sequences of one mean nothing in another."""
        self.head = 0
        """Sequence of the newest entry."""
        self.newest_slot = 0
        """Latest slot seen."""
        self.rows = 0
        """Values that passed since the start."""
        self.events = 0
        """Events that passed since the start."""
        self._most_rows, self._held_rows = most_rows, 0
        self._ring: deque[Entry] = deque()
        self._marks: deque[_Mark] = deque()
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def oldest(self) -> int:
        """Return the sequence of the oldest entry in memory; one past the head when none is."""
        return self._ring[0].seq if self._ring else self.head + 1

    def values(self, columns: Columns) -> None:
        """Take in values that are stored."""
        count = len(columns.keys)
        if not count:
            return
        self.rows += count
        self._held_rows += count
        self.newest_slot = max(self.newest_slot, int(columns.slots.max()))
        self._add(Entry(seq=self.head + 1, at_s=machine_s(), columns=columns))

    def event(self, name: str, data: dict[str, Any], asset: str) -> None:
        """Take in an event about an asset."""
        self.events += 1
        self._add(Entry(seq=self.head + 1, at_s=machine_s(), name=name, asset=asset, data=data))

    def _add(self, entry: Entry) -> None:
        self.head = entry.seq
        self._ring.append(entry)
        while self._ring and (self._held_rows > self._most_rows or len(self._ring) > _MOST_ENTRIES):
            self._forget(self._ring.popleft())
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _forget(self, entry: Entry) -> None:
        if entry.columns is None:
            return
        self._held_rows -= len(entry.columns.keys)
        self._marks.append(_Mark(last=entry.seq, slot=int(entry.columns.slots.min())))
        if len(self._marks) > _MOST_MARKS:
            # The oldest two become one: a reader from that far back is given more, never less.
            first, second = self._marks.popleft(), self._marks.popleft()
            both = _Mark(last=second.last, slot=min(first.slot, second.slot))
            self._marks.appendleft(both)

    def after(self, seq: int, most: int) -> list[Entry]:
        """Return the next entries after a place that is still in memory."""
        start = max(seq + 1 - self.oldest, 0)
        if start >= len(self._ring):
            return []
        return [self._ring[n] for n in range(start, min(start + most, len(self._ring)))]

    def lost_since(self, seq: int) -> int | None:
        """Return the earliest slot of values after `seq` that left memory; None: there are none."""
        found = min((mark.slot for mark in self._marks if mark.last > seq), default=_NEVER)
        return None if found == _NEVER else found

    async def wait(self, seq: int, timeout_s: float) -> None:
        """Wait until there is something after `seq`, or the time is over."""
        if self.head > seq:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)


class _Tapped:
    """A historian that tells the feed what it has stored."""

    def __init__(self, historian: AsyncHistorian, feed: Feed) -> None:
        self._inner, self._feed = historian, feed

    async def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        await self._inner.append(columns)
        self._feed.values(columns)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the historian's own."""
        return getattr(self._inner, name)


def tapped(historian: AsyncHistorian, feed: Feed) -> AsyncHistorian:
    """Return the historian, every stored value of which enters the feed."""
    return cast(AsyncHistorian, _Tapped(historian, feed))


class FeedHub(Hub):
    """A hub whose events enter the feed as well."""

    def __init__(self, max_subscribers: int, feed: Feed) -> None:
        super().__init__(max_subscribers)
        self._feed = feed

    def publish(self, name: str, data: dict[str, Any], asset: str) -> None:
        """Send an event to the open screens and to the feed."""
        super().publish(name, data, asset)
        self._feed.event(name, data, asset)
