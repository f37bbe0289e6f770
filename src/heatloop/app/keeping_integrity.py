"""Daily proof that stored samples are what they were: digests of days, roots of months.

A day whose reception counter rose got samples later, which is lawful: it gets a new version of its
digest. A day with another digest and the same counter was changed behind our back (clause 9.2.5).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.keeping_alarms import INTEGRITY, KeepingAlarms
from heatloop.app.refusals import Refused
from heatloop.app.views.keeping import DayDigest, IntegrityPage, MonthRoot
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.store.historian.digest import merkle_root
from heatloop.store.historian.port import DAY_S, Historian, Partition
from heatloop.store.records import Records
from heatloop.store.records.keeping import DayRow

_log = structlog.get_logger("heatloop.keeping")
FIRST, LATE, RESTORED = "first", "late", "restored"
_LEAST_KEPT_S = 1096 * DAY_S
"""Samples younger than this may not go away (clause 9.2.5 #2)."""
_SETTLED_S = 2 * 3600


class Proving(Protocol):
    """What the proof asks of the historian."""

    async def day_digest(self, start_s: int, end_s: int) -> bytes:
        """Return the digest over a range."""
        ...

    async def day_counter(self, start_s: int, end_s: int) -> int:
        """Return the greatest reception counter of a range, 0 for none."""
        ...

    async def count(self, start_s: int, end_s: int) -> int:
        """Return how many samples there are."""
        ...

    async def partitions(self) -> list[Partition]:
        """Return what is kept."""
        ...

    async def compact(self) -> None:
        """Merge what was written in pieces."""
        ...


class _Threaded:
    """An engine of this process, its calls made in threads."""

    def __init__(self, engine: Historian) -> None:
        self._engine = engine

    async def day_digest(self, start_s: int, end_s: int) -> bytes:
        return await in_thread(self._engine.day_digest, start_s, end_s)

    async def day_counter(self, start_s: int, end_s: int) -> int:
        return await in_thread(self._engine.day_counter, start_s, end_s)

    async def count(self, start_s: int, end_s: int) -> int:
        return await in_thread(self._engine.count, start_s, end_s)

    async def partitions(self) -> list[Partition]:
        return await in_thread(self._engine.partitions)

    async def compact(self) -> None:
        await in_thread(self._engine.compact)


def prover(historian: AsyncHistorian) -> Proving:
    """Return a historian as the proof sees it."""
    engine: Any = getattr(historian, "engine", None)
    return cast(Proving, historian) if engine is None else _Threaded(engine)


class Integrity:
    """Takes digests of days and checks them again."""

    def __init__(
        self,
        world: World,
        historian: Proving,
        records: Records,
        audit: Audit,
        alarms: KeepingAlarms,
        days_a_run: int,
    ) -> None:
        self._world, self._historian, self._records = world, historian, records
        self._audit, self._alarms, self._days_a_run = audit, alarms, days_a_run
        self._task: asyncio.Task[None] | None = None
        self._order = asyncio.Lock()

    async def page(self, misfits: bool, versions: bool, page: int, size: int) -> IntegrityPage:
        """Return a page of digests, newest day first, and the roots of months."""
        keeping = self._records.keeping
        total, rows = await in_thread(
            keeping.days, misfits=misfits, every=versions, offset=(page - 1) * size, limit=size
        )
        wrong, _ = await in_thread(keeping.days, misfits=True, limit=0)
        months = await in_thread(keeping.months)
        return IntegrityPage(
            total=total,
            misfits=wrong,
            checking=self._task is not None and not self._task.done(),
            items=[_view(row) for row in rows],
            months=[
                MonthRoot(month=m.month, root=m.root, days=m.days, at=utc(m.at)) for m in months
            ],
        )

    async def start(self, user: str) -> IntegrityPage:
        """Begin to check every day.

        Raises:
            Refused: A check is under way.
        """
        if self._task is not None and not self._task.done():
            raise Refused("keeping_busy")
        await self._audit.add(user, "integrity.check", "historian")
        self._task = asyncio.create_task(self._all())
        return await self.page(False, False, 1, 50)

    async def _all(self) -> None:
        try:
            await self.check(1 << 20)
        except HeatloopError as error:
            _log.error("integrity check failed", error=str(error))

    async def run(self, due: float) -> None:
        """Take digests of new days, and check those longest unchecked."""
        del due
        await self.check(self._days_a_run)

    async def check(self, most: int) -> None:
        """Do so for at most so many days that have a digest already.

        Raises:
            LinkError: The historian is not reachable.
        """
        async with self._order:
            keeping = self._records.keeping
            _, kept = await in_thread(keeping.days, limit=100_000)
            held = {row.day_s: row for row in kept}
            stored = await self._stored_days()
            touched: set[str] = set()
            oldest_first = sorted(kept, key=lambda row: row.checked_at)
            chosen = {row.day_s for row in oldest_first[:most]}
            for day_s in sorted(stored | set(held)):
                row = held.get(day_s)
                if row is None:
                    await self._take(day_s, FIRST, touched)
                else:
                    await self._again(row, touched, whole=day_s in chosen)
            await self._roots(touched)
            wrong, rows = await in_thread(keeping.days, misfits=True, limit=5)
            days = ", ".join(_day(row.day_s) for row in rows)
            await self._alarms.set(INTEGRITY, bool(wrong), value=float(wrong), detail=days)

    async def _stored_days(self) -> set[int]:
        """Return the days that are over and may hold samples."""
        over = (int(self._world.settled_s()) - _SETTLED_S) // DAY_S * DAY_S
        found: set[int] = set()
        for partition in await self._historian.partitions():
            if partition.table == "raw" and partition.rows:
                start, end = _month_range(partition.name)
                found |= set(range(start, min(end, over), DAY_S))
        return found

    async def _take(self, day_s: int, reason: str, touched: set[str]) -> None:
        # The counter first: what comes in between makes the day late, never a misfit.
        counter = await self._historian.day_counter(day_s, day_s + DAY_S)
        if not counter:
            return
        digest = await self._historian.day_digest(day_s, day_s + DAY_S)
        samples = await self._historian.count(day_s, day_s + DAY_S)
        await in_thread(
            self._records.keeping.put_day,
            day_s,
            digest=digest.hex(),
            samples=samples,
            counter=counter,
            reason=reason,
            at=machine_s(),
        )
        touched.add(_day(day_s)[:7])

    async def _again(self, row: DayRow, touched: set[str], *, whole: bool) -> None:
        start, end = row.day_s, row.day_s + DAY_S
        counter = await self._historian.day_counter(start, end)
        if counter == 0 and self._world.now_s() - start > _LEAST_KEPT_S:
            return  # Gone after its time.
        if counter not in (0, row.counter):
            await self._take(start, LATE if counter > row.counter else RESTORED, touched)
            return
        if not whole and counter:
            return
        digest = await self._historian.day_digest(start, end)
        fits = counter != 0 and digest.hex() == row.digest
        if not fits and await self._historian.day_counter(start, end) != counter:
            return  # Samples came in just now: the next run sees them.
        await in_thread(self._records.keeping.checked_day, start, fits=fits, at=machine_s())
        if not fits and row.fits:
            await self._audit.add(
                SYSTEM, "integrity.misfit", _day(start), kept=row.digest, found=digest.hex()
            )

    async def _roots(self, months: set[str]) -> None:
        for month in sorted(months):
            start, end = _month_range(int(month.replace("-", "")))
            _, rows = await in_thread(
                self._records.keeping.days, start_s=start, end_s=end, limit=31
            )
            root = merkle_root([bytes.fromhex(row.digest) for row in reversed(rows)]).hex()
            await in_thread(
                self._records.keeping.put_month, month, root=root, days=len(rows), at=machine_s()
            )

    async def close(self) -> None:
        """Stop a check that was asked for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _day(day_s: int) -> str:
    return datetime.fromtimestamp(day_s, UTC).strftime("%Y-%m-%d")


def _month_range(name: int) -> tuple[int, int]:
    year, month = divmod(name, 100)
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    start, end = (datetime(y, m, 1, tzinfo=UTC).timestamp() for y, m in ((year, month), following))
    return int(start), int(end)


def _view(row: DayRow) -> DayDigest:
    return DayDigest(
        day=_day(row.day_s),
        version=row.version,
        digest=row.digest,
        samples=row.samples,
        reason=row.reason,
        at=utc(row.at),
        fits=row.fits,
        checked_at=utc(row.checked_at),
    )
