"""What the frame engine keeps in memory, brought up to what the tables hold.

Several processes may write one schema, one at a time: the row of `state` is locked by whoever
writes, so reception counters rise in the order of commits, and everybody else catches up by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from psycopg import Connection

from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_tables as tables
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_rows import Frames, merge, to_frames
from heatloop.store.historian.newest import Newest
from heatloop.store.historian.periods import Periods

KEPT_ROWS = 5_000_000
"""Samples after which the newest ones are written down, so that a start reads at most so many."""

_LOCK = "SELECT counter, dictionary FROM state FOR UPDATE"
_LOOK = "SELECT counter, dictionary FROM state"
_NEWEST_TYPE = np.dtype([("key", "<u4"), ("slot", "<u4"), ("value", "<f8"), ("quality", "u1")])


class FramesState:
    """Dictionary, newest samples and counters; the caller keeps writers apart."""

    def __init__(self) -> None:
        self.dictionary = Dictionary()
        """Frames and places of keys."""
        self.newest = Newest()
        """Newest sample of every point."""
        self.periods = Periods()
        """Sampling periods."""
        self.partitions = tables.Partitions()
        """Which partitions there are."""
        self.counter = 0
        """Greatest reception counter whose rows are known here."""
        self.top: dict[int, int] = {}
        """Newest slot of every frame."""
        self._since_kept = 0
        self._written: tuple[int, list[Frames], Columns] | None = None

    def recover(self, connection: Connection[Any]) -> None:
        """Take up what the tables hold."""
        query = "SELECT newest_counter, newest FROM state"
        (counter, body), *_ = connection.execute(query).fetchall()
        rows = np.frombuffer(bytes(body), _NEWEST_TYPE)
        columns = [np.ascontiguousarray(rows[name]) for name in ("key", "slot", "value", "quality")]
        self.newest.publish(Columns(*columns))
        found = connection.execute("SELECT key, period_s FROM point_period").fetchall()
        keys, periods_s = np.asarray(found, "u4").reshape(-1, 2).T
        self.periods.set(keys, periods_s)
        self.counter = counter
        self.look(connection)
        # Any row of a frame has a value of its slot, so the newest values tell its newest row.
        known = self.newest.get(None)
        frames, _ = self.dictionary.find(known.keys)
        for frame, slot in zip(frames.tolist(), known.slots.tolist(), strict=True):
            if slot > self.top.get(frame, -1):
                self.top[frame] = slot

    def look(self, connection: Connection[Any], *, lock: bool = False) -> None:
        """Catch up with what other processes wrote.

        Args:
            connection: A transaction.
            lock: Whether this one is going to write.
        """
        ((counter, dictionary),) = connection.execute(_LOCK if lock else _LOOK).fetchall()
        if dictionary != self.dictionary.number:
            self.dictionary.load(connection, dictionary)
        if counter > self.counter:
            self.partitions.forget()
            step = max((counter - self.counter) // 8, 64)
            for begin in range(self.counter, counter, step):
                for part in tables.after(connection, begin, min(begin + step, counter)):
                    self._saw(part)
            self.counter = counter

    def _saw(self, part: Frames) -> None:
        (columns,) = tables.samples([part], self.dictionary, None)
        self.newest.publish(self.newest.pick(columns))
        self._reached([part])

    def _reached(self, frames: list[Frames]) -> None:
        for part in frames:
            order = np.argsort(part.slot, kind="stable")
            last = dict(zip(part.frame[order].tolist(), part.slot[order].tolist(), strict=True))
            for frame, slot in last.items():
                if slot > self.top.get(frame, -1):
                    self.top[frame] = slot

    def next(self, connection: Connection[Any]) -> int:
        """Return the reception counter of what is written now; the state is locked."""
        counter = self.counter + 1
        number = self.dictionary.number
        connection.execute("UPDATE state SET counter = %s, dictionary = %s", [counter, number])
        self._written = (counter, [], Columns.empty())
        return counter

    def learn(self, connection: Connection[Any], columns: Columns) -> None:
        """Give frames to keys that have none."""
        if self.dictionary.learn(connection, self.counter + 1, columns):
            self.dictionary.number += 1

    def add(self, connection: Connection[Any], columns: Columns) -> None:
        """Write samples, one row a slot, over what is stored."""
        self.look(connection, lock=True)
        self.learn(connection, columns)
        frames = to_frames(columns, self.dictionary)
        frames = self._unlike_stored(connection, frames)
        counter = self.next(connection)
        if frames:
            slots = np.concatenate([part.slot for part in frames])
            self.partitions.ensure(connection, "frame", slots)
            tables.write_frames(connection, counter, frames)
        self._written = (counter, frames, columns)

    def _unlike_stored(self, connection: Connection[Any], frames: list[Frames]) -> list[Frames]:
        """Return the rows to write; stored ones in their place are removed."""
        old: list[Frames] = []
        for part in frames:
            top = np.fromiter((self.top.get(f, -1) for f in part.frame.tolist()), "i8")
            late = part.slot <= top
            if late.any():
                old += tables.stored(connection, part.frame[late], part.slot[late])
        frames, gone = merge(old, frames)
        if gone is not None and len(gone.frame):
            tables.remove(connection, gone)
        return [part for part in frames if len(part.frame)]

    def settle(self) -> None:
        """Show what the transaction wrote, now that it is durable."""
        if self._written is None:
            return
        self.counter, frames, columns = self._written
        self._written = None
        self._reached(frames)
        self.newest.publish(self.newest.pick(columns))
        self._since_kept += len(columns.keys)

    def keep(self, connection: Connection[Any], *, always: bool = False) -> None:
        """Write the newest samples down once in a while; the state is locked by the caller."""
        if not always and self._since_kept < KEPT_ROWS:
            return
        columns = self.newest.get(None)
        rows = np.empty(len(columns.keys), _NEWEST_TYPE)
        for name, column in zip(("key", "slot", "value", "quality"), columns, strict=True):
            rows[name] = column
        connection.execute(
            "UPDATE state SET newest_counter = %s, newest = %s", [self.counter, rows.tobytes()]
        )
        self._since_kept = 0
