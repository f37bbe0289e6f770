"""Readings over shards of replicas: one replica of each is asked, and the answers are merged."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.checks import check_limit, check_range, check_step, key_array
from heatloop.store.historian.clickhouse_historian import ClickHouseHistorian
from heatloop.store.historian.clickhouse_layout import Layout
from heatloop.store.historian.clickhouse_repair import differing_days
from heatloop.store.historian.clickhouse_replicas import Replicas
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.port import (
    DayCounts,
    Difference,
    EventRow,
    KeyCounts,
    Keys,
    Marks,
    Partition,
    RollupColumns,
    Traced,
)
from heatloop.store.historian.windows import day_range

DIGEST_ROWS = 2_000_000
"""Rows read at a time for a digest."""


class ClusterReading:
    """What `ClusterHistorian` reads.

    Args:
        replicas: Replicas of each shard.
        layout: Which shard holds which rows.
        zone: Zone of the company's days.
    """

    def __init__(self, replicas: Replicas, layout: Layout, zone: ZoneInfo) -> None:
        self._replicas, self._layout, self._zone = replicas, layout, zone

    def latest(self, keys: Keys | None = None) -> Columns:
        """Return the sample of greatest slot per key, of these keys or of all, by key."""
        found = self._replicas.read_all(lambda store: store.latest(keys))
        if len(found) == 1:
            return found[0]
        both = concat(found)
        both = both.take(np.lexsort((both.slots, both.keys)))
        return both.take(np.append(both.keys[1:] != both.keys[:-1], True)[: len(both.keys)])

    def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot), one a slot, revisions laid over, first `limit`."""
        start, end = check_range(start_s, end_s)
        check_limit(limit)
        parts = self._of_keys(keys, start, end)
        found = self._replicas.read_each(
            {shard: partial(_raw, span=(keys, start, end, limit)) for shard, keys in parts.items()}
        )
        both = concat(found)
        return both.take(np.lexsort((both.slots, both.keys))[:limit])

    def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        start, end = check_range(start_s, end_s)
        check_limit(limit)
        parts = self._of_keys(keys, start, end)
        found = self._replicas.read_each(
            {
                shard: partial(_trace, span=(part, start, end, limit))
                for shard, part in parts.items()
            }
        )
        return Traced.of(
            concat([one.received for one in found]),
            np.concatenate([np.empty(0, "u8"), *(one.counters for one in found)]),
            concat([one.laid for one in found]),
            np.concatenate([np.empty(0, "u8"), *(one.laid_counters for one in found)]),
            [pair for one in found for pair in zip(one.methods, one.who, strict=True)],
            limit,
        )

    def events(
        self, start_ms: int, end_ms: int, *, subject: str = "", limit: int = 10_000
    ) -> list[EventRow]:
        """Return events in the order of time."""
        found = self._replicas.read_all(
            lambda store: store.events(start_ms, end_ms, subject=subject, limit=limit)
        )
        every = set(itertools.chain.from_iterable(found))
        return sorted(every, key=lambda row: (row.at_ms, row.subject, row.text))[:limit]

    def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range, as of the last refresh."""
        del fields  # every column is read anyhow
        start, end = check_range(start_s, end_s)
        check_step(step_s)
        parts = self._of_keys(keys, start, end)
        found = self._replicas.read_each(
            {
                shard: partial(_windows, span=(keys, start, end, step_s))
                for shard, keys in parts.items()
            }
        )
        if not found:
            return RollupColumns.empty()
        both = RollupColumns(*map(np.concatenate, zip(*(f.columns for f in found), strict=True)))
        return both.take(np.lexsort((both.slots, both.keys)))

    def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples `raw` would give over all keys."""
        return sum(self._replicas.read_all(lambda store: store.count(start_s, end_s)))

    def duplicates(self, start_s: int, end_s: int) -> int:
        """Return how many samples beyond the first a reader gets for one key and slot."""
        return sum(self._replicas.read_all(lambda store: store.duplicates(start_s, end_s)))

    def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day of the company's zone (clause 6.1.2 a)."""
        return self.received(keys, *day_range(day, self._zone))

    def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        found = self._replicas.read_all(lambda store: store.received(keys, start_s, end_s))
        return DayCounts(
            found[0].keys,
            np.sum([one.received for one in found], axis=0, dtype="u4"),
            np.sum([one.good for one in found], axis=0, dtype="u4"),
        )

    def periods(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the points whose sampling period was told, and the periods, seconds."""
        return self._replicas.read_all(lambda store: store.periods())[0]

    def changed(self, table: str, after: int, step_s: int) -> Marks:
        """Return the UTC stretches in which rows came after a reception counter."""
        newest: dict[int, int] = {}
        for one in self._replicas.read_all(lambda store: store.changed(table, after, step_s)):
            for start, counter in zip(one.starts.tolist(), one.counters.tolist(), strict=True):
                newest[start] = max(counter, newest.get(start, 0))
        starts = sorted(newest)
        return Marks(np.array(starts, "u4"), np.array([newest[at] for at in starts], "u8"))

    def keys_of(self, table: str, start_s: int, end_s: int) -> KeyCounts:
        """Return which points have rows of a table in a range."""
        found = self._replicas.read_all(lambda store: store.keys_of(table, start_s, end_s))
        keys, where = np.unique(np.concatenate([one.keys for one in found]), return_inverse=True)
        counts = np.zeros(len(keys), "u4")
        np.add.at(counts, where, np.concatenate([one.counts for one in found]))
        return KeyCounts(keys, counts)

    def as_received(self, keys: Keys, start_s: int, end_s: int) -> Columns:
        """Return samples without revisions, one a slot, ordered by (key, slot): all of them."""
        span = key_array(keys), *check_range(start_s, end_s)
        found = concat(self._replicas.read_all(partial(_received, span=span)))
        return found.take(np.lexsort((found.slots, found.keys)))

    def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        start, end = check_range(start_s, end_s)
        found: list[Difference] = []
        for shard in self._replicas.shards:
            # One that lacks something and knows it is told when it catches up.
            whole = [node for node in shard if node.up and not node.behind]
            for other in whole[1:]:
                for one, two in ((whole[0], other), (other, whole[0])):
                    days = differing_days(one.store(), two.store(), start, end)
                    found += [Difference(table, day, one.name, two.name) for table, day in days]
        return sorted(set(found))

    def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what `raw` holds of a range, 32 bytes (clause 9.2.5 #1)."""
        start, end = check_range(start_s, end_s)
        digest = RowDigest()
        for keys in self._pieces(start, end):
            found = concat(self._replicas.read_all(partial(_received, span=(keys, start, end))))
            digest.add(found.take(np.lexsort((found.slots, found.keys))))
        return digest.digest()

    def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none."""
        return max(self._replicas.read_all(lambda store: store.day_counter(start_s, end_s)))

    def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take, as `raw` would keep them by themselves."""
        return added(self._replicas.read_all(lambda store: store.measure(keys, start_s, end_s)))

    def _of_keys(self, keys: Keys, start: int, end: int) -> dict[int, NDArray[np.uint32]]:
        """Return the keys to ask each shard for; none if nothing is asked for."""
        wanted = key_array(keys)
        if not len(wanted) or start == end:
            return {}
        return {
            shard: wanted[mask] for shard, mask in self._layout.asked(wanted, start, end).items()
        }

    def _pieces(self, start: int, end: int) -> Iterator[NDArray[np.uint32]]:
        """Yield the points of a range, some at a time, so that working memory is bounded."""
        counts: dict[int, int] = defaultdict(int)
        for found in self._replicas.read_all(lambda store: store.keys_between(start, end)):
            for key, count in found.items():
                counts[key] += count
        piece: list[int] = []
        rows = 0
        for key in sorted(counts):
            if piece and rows + counts[key] > DIGEST_ROWS:
                yield np.array(piece, "u4")
                piece, rows = [], 0
            piece.append(key)
            rows += counts[key]
        if piece:
            yield np.array(piece, "u4")


def _raw(store: ClickHouseHistorian, span: tuple[NDArray[np.uint32], int, int, int]) -> Columns:
    return store.raw(*span)


def _trace(store: ClickHouseHistorian, span: tuple[NDArray[np.uint32], int, int, int]) -> Traced:
    return store.trace(*span)


def _windows(
    store: ClickHouseHistorian, span: tuple[NDArray[np.uint32], int, int, int]
) -> RollupColumns:
    return store.rollup(*span)


def _received(store: ClickHouseHistorian, span: tuple[NDArray[np.uint32], int, int]) -> Columns:
    return store.as_received(*span)


def added(parts: Sequence[Partition]) -> Partition:
    """Return the sum of what several shards keep."""
    first = parts[0]
    sums = [sum(column) for column in zip(*(part[2:] for part in parts), strict=True)]
    return Partition(first.table, first.name, *sums)
