"""A historian on several servers that know nothing of each other: shards of replicas.

For those who want more than one machine but no Keeper. The rows of a point go to one shard and
there to every replica; readings ask one replica of each shard and merge. One replica of each shard
must answer. What a replica misses is kept here, on disk, and handed over when it is back.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian import wire
from heatloop.store.historian.checks import (
    check_columns,
    check_rollup,
    check_step,
    key_array,
)
from heatloop.store.historian.clickhouse_cluster_reading import ClusterReading, added
from heatloop.store.historian.clickhouse_historian import Counters
from heatloop.store.historian.clickhouse_layout import Layout, keep_layout
from heatloop.store.historian.clickhouse_node import Node
from heatloop.store.historian.clickhouse_replicas import EVERYTHING, Replicas, Write
from heatloop.store.historian.newest import one_row_a_slot
from heatloop.store.historian.periods import check_periods
from heatloop.store.historian.port import (
    Compared,
    EventRow,
    Keys,
    Partition,
    RollupColumns,
    Stats,
)

_SUMMED = ("points", "dirty_windows")


class ClusterHistorian(ClusterReading):
    """The historian port over shards of replicas.

    Args:
        shards: Replicas of each shard.
        layout: Which shard takes which rows.
        zone: Zone of the company's days.
        state: Folder of what must outlive this process.
        counters: Where reception counters come from; the replicas' own are not used.
    """

    def __init__(
        self,
        shards: Sequence[Sequence[Node]],
        layout: Layout,
        *,
        zone: ZoneInfo,
        state: Path,
        counters: Counters,
    ) -> None:
        super().__init__(Replicas(shards), layout, zone)
        self._state, self._counters = state, counters
        self._groups = self._rows = self._version = 0
        try:
            keep_layout(state, layout, self._last_slot())
            # A clock that was set back since the last run does not count backwards.
            self._version = max(self._replicas.read_all(lambda store: store.top))
        except BaseException:
            self._replicas.close()
            raise

    def grow(self, shards: Sequence[Sequence[Node]], layout: Layout) -> None:
        """Go on with more replicas or shards; rows keep coming in meanwhile.

        Raises:
            ConfigError: The layout moves rows that are stored already.
            LinkError: A new shard does not answer.
        """
        self._replicas.grow(shards)
        self._layout = keep_layout(self._state, layout, self._last_slot())

    @property
    def counters(self) -> Counters:
        """Return where reception counters come from."""
        return self._counters

    @property
    def replicas(self) -> Replicas:
        """Return the replicas."""
        return self._replicas

    def append(self, columns: Columns) -> None:
        """Store samples; one replica of their shard has them on disk when this returns."""
        columns = one_row_a_slot(check_columns(columns))
        writes = {}
        for shard, rows in self._apart(columns.keys, columns.slots):
            part = columns.take(rows)
            span = int(part.slots.min()), int(part.slots.max()) + 1
            writes[shard] = Write(head={"op": "append"}, arrays=part, span=span)
        self._write(writes)
        self._groups += 1
        self._rows += len(columns.keys)

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return. An event sent again is given back once."""
        apart: dict[int, list[EventRow]] = defaultdict(list)
        if events:
            keys = np.array([event.key for event in events], "u4")
            slots = np.array([event.at_ms // 1000 for event in events], "u4")
            for event, shard in zip(events, self._layout.shard_of(keys, slots), strict=True):
                apart[int(shard)].append(event)
        self._write(
            {
                shard: Write(head={"op": "append_events", "events": some}, span=_span(some))
                for shard, some in apart.items()
            }
        )

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        columns = one_row_a_slot(check_columns(columns))
        head = {"op": "revise", "method": method, "who": who}
        writes = {}
        for shard, rows in self._apart(columns.keys, columns.slots):
            part = columns.take(rows)
            span = int(part.slots.min()), int(part.slots.max()) + 1
            writes[shard] = Write(head=head, arrays=part, span=span)
        self._write(writes)

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
        columns = check_rollup(columns)
        head = {"op": "seed_rollup", "step": check_step(step_s), "as_they_were": as_they_were}
        writes = {}
        for shard, rows in self._apart(columns.keys, columns.slots):
            part = columns.take(rows)
            span = int(part.slots.min()), int(part.slots.max()) + 1
            writes[shard] = Write(head=head, arrays=part.columns, span=span)
        self._write(writes)

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points, for integrals computed from now on; durable."""
        told = check_periods(key_array(keys), key_array(periods_s))
        self._write_all(Write(head={"op": "set_periods"}, arrays=told))

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Frames are of no use here: rows are kept by point."""
        del frames
        return 0

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        head = {"op": "drop_partition", "table": table, "name": int(name)}
        answers = self._write_all(Write(head=head, arrays=(key_array(keep),)))
        return sum(int(answer["n"]) for answer in answers)

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        found = self._replicas.everywhere(lambda store: store.refresh_rollups())
        return max(max(shard) for shard in found)

    def compare_kept(self) -> Compared:
        """Read back samples kept aside since the start, as received (clause 6.2 f #4)."""
        found = self._replicas.everywhere(lambda store: store.compare_kept())
        return Compared(*map(sum, zip(*itertools.chain.from_iterable(found), strict=True)))

    def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time, of replicas the fullest."""
        sizes: dict[tuple[str, int], list[Partition]] = defaultdict(list)
        for shard in self._replicas.everywhere(lambda store: store.partitions()):
            fullest: dict[tuple[str, int], Partition] = {}
            for one in itertools.chain.from_iterable(shard):
                other = fullest.get((one.table, one.name))
                if other is None or other.rows < one.rows:
                    fullest[one.table, one.name] = one
            for which, one in fullest.items():
                sizes[which].append(one)
        return [added(some) for _, some in sorted(sizes.items())]

    def compact(self) -> None:
        """Merge what was written in pieces, so that it takes less room and is read faster."""
        self._replicas.everywhere(lambda store: store.compact())

    def stats(self) -> Stats:
        """Return figures about the engine for health pages."""
        nodes = self._replicas.nodes()
        out: Stats = {
            "engine": "clickhouse",
            "version": self._version,
            "groups": self._groups,
            "rows_committed": self._rows,
            "sealed": 0,
            "shards": len(self._replicas.shards),
            "replicas": len(nodes),
            "replicas_up": sum(node.up for node in nodes),
            "replicas_behind": sum(node.behind for node in nodes),
            "missed_bytes": sum(node.hints.waiting_bytes for node in nodes),
        }
        for one in self._replicas.read_all(lambda store: store.stats()):
            for name, value in one.items():
                if name.endswith(("_rows", "_bytes", "_parts")) or name in _SUMMED:
                    out[name] = int(out.get(name, 0)) + int(value)
        return out

    def close(self) -> None:
        """Close every replica."""
        self._replicas.close()

    def _write(self, writes: dict[int, Write]) -> list[wire.Head]:
        if not writes:
            return []
        self._version = self._counters.next(self._version)
        stamped = {
            shard: dataclasses.replace(write, head=write.head | {"version": self._version})
            for shard, write in writes.items()
        }
        return self._replicas.write(stamped)

    def _write_all(self, write: Write) -> list[wire.Head]:
        shards = range(len(self._replicas.shards))
        return self._write({n: dataclasses.replace(write) for n in shards})

    def _apart(
        self, keys: NDArray[np.uint32], slots: NDArray[np.uint32]
    ) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Yield every shard that takes rows, and which."""
        shard = self._layout.shard_of(keys, slots)
        for number in np.unique(shard).tolist():
            yield number, np.flatnonzero(shard == number)

    def _last_slot(self) -> int:
        return max(self._replicas.read_all(lambda store: store.last_slot()))


def _span(events: Sequence[EventRow]) -> tuple[int, int]:
    times = [event.at_ms // 1000 for event in events]
    return (min(times), max(times) + 1) if times else EVERYTHING
