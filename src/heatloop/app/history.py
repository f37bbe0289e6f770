"""The historian as the application's one event loop sees it: every call awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import ParamSpec, Protocol, TypeVar

from heatloop.kernel.series import Columns
from heatloop.store.historian.port import (
    Compared,
    DayCounts,
    Difference,
    EventRow,
    Historian,
    Keys,
    Partition,
    RollupColumns,
    Stats,
    Traced,
)

P = ParamSpec("P")
R = TypeVar("R")


class AsyncHistorian(Protocol):
    """What the application asks of a historian; `HistorianClient` is one."""

    async def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        ...

    async def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return."""
        ...

    async def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        ...

    async def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points."""
        ...

    async def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new."""
        ...

    async def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        ...

    async def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range."""
        ...

    async def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range."""
        ...

    async def compare_kept(self) -> Compared:
        """Read back samples kept aside since the historian's start."""
        ...

    async def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        ...

    async def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take."""
        ...

    async def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        ...

    async def compact(self) -> None:
        """Merge what was written in pieces."""
        ...

    async def latest(self, keys: Keys | None = None) -> Columns:
        """Return the newest sample per key."""
        ...

    async def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot)."""
        ...

    async def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        ...

    async def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range."""
        ...

    async def refresh_rollups(self) -> int:
        """Compute dirty windows again."""
        ...

    async def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day."""
        ...

    async def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        ...

    async def stats(self) -> Stats:
        """Return figures for the health page."""
        ...


class ThreadedHistorian:
    """A historian engine inside this process, its calls made in threads."""

    def __init__(self, engine: Historian) -> None:
        self.engine = engine

    async def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        await asyncio.to_thread(self.engine.append, columns)

    async def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return."""
        await asyncio.to_thread(self.engine.append_events, events)

    async def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        await asyncio.to_thread(self.engine.revise, columns, method=method, who=who)

    async def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points."""
        await asyncio.to_thread(self.engine.set_periods, keys, periods_s)

    async def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new."""
        return await asyncio.to_thread(self.engine.define_frames, frames)

    async def differing(self, start_s: int, end_s: int) -> list[Difference]:
        """Return the days of a range on which replicas of one shard hold different rows."""
        return await asyncio.to_thread(self.engine.differing, start_s, end_s)

    async def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return SHA-256 over what was received of a range."""
        return await asyncio.to_thread(self.engine.day_digest, start_s, end_s)

    async def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range."""
        return await asyncio.to_thread(self.engine.day_counter, start_s, end_s)

    async def compare_kept(self) -> Compared:
        """Read back samples kept aside since the engine's start."""
        return await asyncio.to_thread(self.engine.compare_kept)

    async def partitions(self) -> list[Partition]:
        """Return what is kept, by table and stretch of time."""
        return await asyncio.to_thread(self.engine.partitions)

    async def measure(self, keys: Keys, start_s: int, end_s: int) -> Partition:
        """Return what the samples of these points take."""
        return await asyncio.to_thread(self.engine.measure, keys, start_s, end_s)

    async def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        return await asyncio.to_thread(self.engine.drop_partition, table, name, keep)

    async def compact(self) -> None:
        """Merge what was written in pieces."""
        await asyncio.to_thread(self.engine.compact)

    async def latest(self, keys: Keys | None = None) -> Columns:
        """Return the newest sample per key."""
        return await asyncio.to_thread(self.engine.latest, keys)

    async def raw(self, keys: Keys, start_s: int, end_s: int, limit: int = 1_000_000) -> Columns:
        """Return samples ordered by (key, slot)."""
        return await asyncio.to_thread(self.engine.raw, keys, start_s, end_s, limit)

    async def trace(self, keys: Keys, start_s: int, end_s: int, limit: int = 100_000) -> Traced:
        """Return what lies below `raw`: samples as received and what was laid over them."""
        return await asyncio.to_thread(self.engine.trace, keys, start_s, end_s, limit)

    async def rollup(
        self, keys: Keys, start_s: int, end_s: int, step_s: int, *, fields: Sequence[str] = ()
    ) -> RollupColumns:
        """Return windows that start inside the range."""
        return await asyncio.to_thread(
            self.engine.rollup, keys, start_s, end_s, step_s, fields=fields
        )

    async def refresh_rollups(self) -> int:
        """Compute dirty windows again."""
        return await asyncio.to_thread(self.engine.refresh_rollups)

    async def completeness(self, keys: Keys, day: date) -> DayCounts:
        """Return what was received on a day."""
        return await asyncio.to_thread(self.engine.completeness, keys, day)

    async def received(self, keys: Keys, start_s: int, end_s: int) -> DayCounts:
        """Return what was received in a time range."""
        return await asyncio.to_thread(self.engine.received, keys, start_s, end_s)

    async def stats(self) -> Stats:
        """Return figures for the health page."""
        return await asyncio.to_thread(self.engine.stats)


async def in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Make a records call away from the event loop."""
    return await asyncio.to_thread(call, *args, **kwargs)
