"""The store itself: what it keeps, how it compresses, how long it lasts, what has expired."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heatloop.app.audit import SYSTEM
from heatloop.app.history import in_thread
from heatloop.app.storage_capacity import capacity
from heatloop.app.storage_settings import RetentionSettings
from heatloop.app.views.storage import (
    CapacityForecast,
    CompressionReport,
    Expiry,
    KindSize,
    RetentionClass,
    RetentionReport,
    StorageReport,
    StoredTable,
)
from heatloop.kernel.clock import machine_s
from heatloop.plant.kinds import point_kinds
from heatloop.store.historian.port import DAY_S, Partition
from heatloop.store.retention import LEAST_DAYS, Expired, Policy, expired

if TYPE_CHECKING:
    from heatloop.app.platform import Platform

RECEIVED_BYTES = 17
"""A sample as received: key 4, slot 4, value 8, quality 1."""
LEAST_RATIO = 5.0
_DONE = "retention.done"
_POINTS_A_KIND = 24


class Storage:
    """Looks after the time series store of a platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._historian = platform.historian

    @classmethod
    def of(cls, platform: Platform) -> Storage:
        """Return the storage of a platform; it keeps nothing of its own."""
        return cls(platform)

    async def report(self) -> StorageReport:
        """Return every table with its size."""
        partitions, stats = await asyncio.gather(
            self._historian.partitions(), self._historian.stats()
        )
        tables = []
        ordered = sorted(partitions, key=lambda one: (one.table, one.name))
        for table, some in itertools.groupby(ordered, key=lambda one: one.table):
            tables.append(_table(table, list(some)))
        return StorageReport(
            engine=str(stats.get("engine", "")),
            encrypted=bool(stats.get("sealed", 0)),
            tables=tables,
            stored_bytes=sum(table.stored_bytes for table in tables),
        )

    async def compression(self, *, kinds: bool) -> CompressionReport:
        """Return how small samples are, and whether they come back as they were.

        Args:
            kinds: Whether to measure every point kind too, from its last day.
        """
        partitions = await self._historian.partitions()
        raw = [one for one in partitions if one.table == "raw"]
        rows, stored = sum(one.rows for one in raw), sum(one.stored_bytes for one in raw)
        compared = await self._historian.compare_kept()
        ratio = RECEIVED_BYTES * rows / stored if stored else None
        lossless = compared.changed == 0
        return CompressionReport(
            received_bytes_a_sample=float(RECEIVED_BYTES),
            stored_bytes_a_sample=stored / rows if rows else None,
            ratio=ratio,
            least_ratio=LEAST_RATIO,
            passed=None if ratio is None else ratio >= LEAST_RATIO and lossless,
            lossless=lossless,
            windows=compared.windows,
            samples=compared.rows,
            changed=compared.changed,
            kinds=await self._kinds() if kinds else [],
        )

    async def _kinds(self) -> list[KindSize]:
        end_s = int(self._platform.world.now_s())
        by_kind: dict[str, list[int]] = {}
        for point in self._platform.world.ledger.points.values():
            keys = by_kind.setdefault(point.kind, [])
            if len(keys) < _POINTS_A_KIND:
                keys.append(point.key)
        found = []
        for name, keys in by_kind.items():
            kind = point_kinds()[name]
            size = await self._historian.measure(np.asarray(keys, "u4"), end_s - DAY_S, end_s + 1)
            each = size.stored_bytes / size.rows if size.rows else None
            found.append(
                KindSize(
                    kind=name,
                    zh=kind.zh,
                    en=kind.en,
                    point_class=kind.class_,
                    points=len(keys),
                    samples=size.rows,
                    bytes_a_sample=each,
                    ratio=RECEIVED_BYTES / each if each else None,
                )
            )
        return sorted(found, key=lambda one: -(one.bytes_a_sample or 0.0))

    async def forecast(self) -> CapacityForecast:
        """Return the headroom of the machine and the days until its disk is full."""
        partitions = await self._historian.partitions()
        periods_s = np.asarray(self._platform.loop.checker.rules.period_s, "f8")
        return await in_thread(capacity, self._platform.settings.data, partitions, periods_s)

    async def retention(self) -> RetentionReport:
        """Return what has expired; nothing is removed."""
        found = await self._expired()
        return self._retention_report([_expiry(one, None) for one in found], dry_run=True)

    async def expire(self, user: str, reason: str) -> RetentionReport:
        """Remove what has expired, month by month, each written down in the audit trail."""
        platform = self._platform
        gone = []
        for one in await self._expired():
            keep = np.empty(0, "u4") if one.whole else await self._kept_keys(one.classes)
            name = f"{one.partition.table}/{one.partition.name}"
            removed = await self._historian.drop_partition(
                one.partition.table, one.partition.name, keep
            )
            await platform.audit.add(
                user,
                "retention.removed",
                name,
                rows=removed,
                classes=list(one.classes),
                whole=one.whole,
                reason=reason,
            )
            if not one.whole:
                await self._note_done(name, one.classes)
            gone.append(_expiry(one, removed))
        return self._retention_report(gone, dry_run=False)

    async def run(self, due: float) -> None:
        """Remove what has expired, as a job."""
        del due
        await self.expire(SYSTEM, "scheduled")

    async def _expired(self) -> list[Expired]:
        now_s = self._platform.world.settled_s()
        partitions = await self._historian.partitions()
        found = expired(partitions, policy_of(self._platform.settings.retention), now_s)
        done = await self._done()
        return [
            one
            for one in found
            if one.whole
            or list(one.classes) != done.get(f"{one.partition.table}/{one.partition.name}")
        ]

    async def _done(self) -> dict[str, list[str]]:
        row = await in_thread(self._platform.records.settings.get, _DONE)
        return {} if row is None else dict(row.value)

    async def _note_done(self, name: str, classes: tuple[str, ...]) -> None:
        done = await self._done() | {name: list(classes)}
        await in_thread(
            self._platform.records.settings.set,
            _DONE,
            done,
            source="retention",
            by=SYSTEM,
            at=machine_s(),
        )

    async def _kept_keys(self, classes: tuple[str, ...]) -> NDArray[np.uint32]:
        """Return all keys but those of points known to be of these classes."""
        ledger = self._platform.world.ledger
        newest = await self._historian.latest()
        last = max((*ledger.by_key, int(newest.keys.max()) if len(newest.keys) else 0), default=0)
        kept = np.ones(last + 1, np.bool_)
        kept[0] = False
        for key, point in ledger.by_key.items():
            if point_kinds()[point.kind].class_ in classes:
                kept[key] = False
        return np.flatnonzero(kept).astype("u4")

    def _retention_report(self, found: list[Expiry], *, dry_run: bool) -> RetentionReport:
        policy = policy_of(self._platform.settings.retention)
        classes = [*policy.points.items(), ("event", policy.events), ("rollup", policy.rollups)]
        # Nothing removes alarms, and the audit trail is one chain.
        classes += [("alarm", 0), ("audit", 0)]
        return RetentionReport(
            least_days=LEAST_DAYS,
            classes=[RetentionClass(name=name, days=days) for name, days in classes],
            dry_run=dry_run,
            expired=found,
        )


def policy_of(settings: RetentionSettings) -> Policy:
    """Return the policy the settings make: meters, and all that are none."""
    classes = sorted({kind.class_ for kind in point_kinds().values()})
    days = {
        name: settings.metering_days if name == "metering" else settings.process_days
        for name in classes
    }
    return Policy(points=days, events=settings.event_days, rollups=settings.rollup_days)


def _table(table: str, partitions: list[Partition]) -> StoredTable:
    rows = sum(one.rows for one in partitions)
    stored = sum(one.stored_bytes for one in partitions)
    plain = sum(one.plain_bytes for one in partitions)
    return StoredTable(
        table=table,
        rows=rows,
        stored_bytes=stored,
        plain_bytes=plain,
        ratio=plain / stored if stored else None,
        bytes_a_row=stored / rows if rows else None,
        first=partitions[0].name,
        last=partitions[-1].name,
    )


def _expiry(one: Expired, removed: int | None) -> Expiry:
    return Expiry(
        table=one.partition.table,
        partition=one.partition.name,
        classes=list(one.classes),
        whole=one.whole,
        rows=one.partition.rows,
        stored_bytes=one.partition.stored_bytes,
        removed=removed,
    )
