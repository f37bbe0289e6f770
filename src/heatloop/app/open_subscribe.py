"""Subscriptions of other programs: values and events in order, gaps filled, none missed.

A message is {"event", "cursor", ...}. Who comes back with the cursor of the last message he
worked off gets everything after it: from memory while it is there, else values from the
historian, announced by a `gap` message. The same value may come twice, never not at all, and
the later of two for one point and slot holds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.open_choice import FILL, Chosen, Cursor, Wish, still_there
from heatloop.app.open_feed import Entry, Feed
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns

SCHEMA = "1"
EVENTS = ("alarm", "finding", "command")
_ROWS_A_MESSAGE = 1_000
_ENTRIES_A_STEP = 64
_IDLE_S = 10.0
_PAUSE_S = 0.05
_FILL_KEYS, _FILL_S, _FILL_ROWS = 500, 6 * 3600, 1_000_000
_OVERLAP_S = 3_600
_AHEAD_S = 3_600
_AGAIN_S = 1.0

Message = dict[str, Any]
Alarms = Callable[[Wish], Awaitable[list[dict[str, Any]]]]


class Subscription:
    """One subscriber.

    Args:
        world: Ledger and plant time.
        historian: Where gaps are filled from.
        feed: What is new.
        wish: What he asks for.
        user: Who he is.
        carrier: `sse` or `websocket`.
        alarms: Gives the open alarms of a wish.
        fill_s: How far back a gap is filled, plant time.

    Raises:
        Refused: He asks for what is not there.
    """

    def __init__(
        self,
        *,
        world: World,
        historian: AsyncHistorian,
        feed: Feed,
        wish: Wish,
        user: str,
        carrier: str,
        alarms: Alarms,
        fill_s: float,
    ) -> None:
        self._alarms = alarms
        self._world, self._historian, self._feed = world, historian, feed
        self._wish, self._fill_s = wish, fill_s
        self.user, self.carrier, self.since_s = user, carrier, machine_s()
        self.sent = 0
        """Values sent."""
        self.missed = 0
        """Values that had left memory."""
        self._seq = feed.head
        self._chosen = Chosen(world, wish)

    @property
    def points(self) -> int:
        """Return how many points he gets."""
        return len(self._chosen.keys)

    @property
    def behind(self) -> int:
        """Return how many entries of the feed wait for him."""
        return max(self._feed.head - self._seq, 0)

    def _cursor(self, seq: int) -> str:
        return str(Cursor(epoch=self._feed.epoch, seq=seq, slot=self._feed.newest_slot))

    async def messages(
        self, cursor: Cursor | None, since_s: int | None
    ) -> AsyncGenerator[Message, None]:
        """Yield messages for ever.

        Args:
            cursor: Last message he worked off; None: he begins now.
            since_s: Plant time to begin from in the historian; None: now, or the cursor's.
        """
        feed = self._feed
        seq, fill_from = self._begin(cursor, since_s)
        reason = "asked" if since_s is not None else "restarted"
        self._seq = seq
        yield self._hello(seq)
        if fill_from is not None:
            place = Cursor(epoch=FILL, seq=0, slot=max(fill_from, 0) + _OVERLAP_S)
            async for message in self._fill(fill_from, reason, str(place)):
                yield message
            async for message in self._open_alarms():
                yield message
        elif cursor is None:
            async for message in self._open_alarms():
                yield message
        last_said = machine_s()
        while True:
            if self._seq + 1 < feed.oldest:
                async for message in self._caught_up():
                    yield message
            if self._world.ledger is not self._chosen.ledger:
                self._chosen = Chosen(self._world, still_there(self._world, self._wish))
                yield {"event": "ledger", "cursor": self._cursor(self._seq), "points": self.points}
            entries = feed.after(self._seq, _ENTRIES_A_STEP)
            for entry in entries:
                async for message in self._said(entry):
                    yield message
                    last_said = machine_s()
                self._seq = entry.seq
            if entries:
                await asyncio.sleep(0)
                continue
            if machine_s() - last_said >= _IDLE_S:
                last_said = machine_s()
                yield self._clock()
            await feed.wait(self._seq, _IDLE_S)
            # A moment's patience joins what arrives together.
            await asyncio.sleep(_PAUSE_S)

    def _begin(self, cursor: Cursor | None, since_s: int | None) -> tuple[int, int | None]:
        """Return where to go on in the feed, and from which slot on to fill first if need be."""
        feed = self._feed
        if cursor is None or since_s is not None:
            return feed.head, since_s
        if cursor.epoch == feed.epoch and cursor.seq <= feed.head:
            return cursor.seq, None
        # Another run of the platform: values of late gateways may be a little older.
        return feed.head, max(cursor.slot - _OVERLAP_S, 0)

    def _hello(self, seq: int) -> Message:
        return {
            "event": "hello",
            "cursor": self._cursor(seq),
            "schema": SCHEMA,
            "points": self.points,
            **self._time(),
        }

    def _clock(self) -> Message:
        return {"event": "clock", "cursor": self._cursor(self._seq), **self._time()}

    def _time(self) -> Message:
        at = utc(round(self._world.now_s())).isoformat().replace("+00:00", "Z")
        return {"plant_time": at, "speed": self._world.clock.state.speed}

    async def _said(self, entry: Entry) -> AsyncIterator[Message]:
        if entry.columns is not None:
            found = self._chosen.take(entry.columns)
            # Only with the last part is the entry worked off.
            before, done = self._cursor(entry.seq - 1), self._cursor(entry.seq)
            async for message in self._parts(found, before, done):
                yield message
        elif entry.name in self._wish.events and (
            self._chosen.visible is None or entry.asset in self._chosen.visible
        ):
            cursor = self._cursor(entry.seq)
            yield {"event": entry.name, "cursor": cursor, "data": entry.data}

    async def _parts(self, columns: Columns, before: str, done: str) -> AsyncIterator[Message]:
        count = len(columns.keys)
        for start in range(0, count, _ROWS_A_MESSAGE):
            end = min(start + _ROWS_A_MESSAGE, count)
            part = columns.take(np.arange(start, end))
            cursor = done if end == count else before
            yield {"event": "values", "cursor": cursor, "rows": self._chosen.rows(part)}
            self.sent += end - start
            if end < count:
                await asyncio.sleep(0)

    async def _caught_up(self) -> AsyncIterator[Message]:
        """Fill what left memory before it was taken, then go on with what is in memory."""
        feed = self._feed
        first, head = feed.lost_since(self._seq), feed.oldest - 1
        if first is None:
            self._seq = head
            return
        place, self._seq = self._cursor(self._seq), head
        async for message in self._fill(first, "slow", place):
            yield message
        async for message in self._open_alarms():
            yield message

    async def _fill(self, first_s: int, reason: str, place: str) -> AsyncIterator[Message]:
        """Yield stored values from a slot on, between a `gap` and a `filled` message.

        Args:
            first_s: First slot.
            reason: Why.
            place: Cursor to come back with should he go away in between.
        """
        # Slots may be a little ahead of plant time here, see the loop's reception clock.
        last_s = max(self._feed.newest_slot, int(self._world.now_s()) + _AHEAD_S) + 1
        start_s = max(first_s, int(last_s - self._fill_s), 0)
        told = {"from": _iso(start_s), "to": _iso(last_s), "reason": reason}
        yield {"event": "gap", "cursor": place, **told, "cut": start_s > first_s}
        rows = 0
        for begin in range(start_s, last_s, _FILL_S):
            end = min(begin + _FILL_S, last_s)
            for at in range(0, len(self._chosen.keys), _FILL_KEYS):
                keys = self._chosen.keys[at : at + _FILL_KEYS]
                found = await self._stored(keys, begin, end)
                rows += len(found.keys)
                async for message in self._parts(found, place, place):
                    yield message | {"filled": True}
        self.missed += rows if reason == "slow" else 0
        yield {"event": "filled", "cursor": self._cursor(self._seq), "rows": rows, **told}

    async def _stored(self, keys: NDArray[np.uint32], start_s: int, end_s: int) -> Columns:
        while True:
            try:
                return await self._historian.raw(keys, start_s, end_s, _FILL_ROWS)
            except (LinkError, OSError):
                await asyncio.sleep(_AGAIN_S)

    async def _open_alarms(self) -> AsyncIterator[Message]:
        """Say which alarms are open: who missed changes compares."""
        if "alarm" in self._wish.events:
            cursor = self._cursor(self._seq)
            yield {"event": "alarms_open", "cursor": cursor, "data": await self._alarms(self._wish)}


def text(message: Message) -> str:
    """Return a message as one line of JSON."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _iso(at_s: float) -> str:
    return utc(at_s).isoformat().replace("+00:00", "Z")
