"""Jobs by plant time: due at whole multiples of their period, one run at a time, caught up once.

However fast plant time runs, a job that is late runs once for the latest due time. Jobs marked
`kept` are written down when done, so a restart neither skips nor repeats one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from heatloop.app.history import in_thread
from heatloop.kernel.clock import Clock
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.jobs")
_LOOK_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something to be done again and again."""

    name: str
    """Unique name."""
    period_s: float
    """Period, plant seconds."""
    run: Callable[[float], Awaitable[None]]
    """Does it, given the due time."""
    kept: bool = False
    """Whether each due time is done exactly once over restarts."""
    least_pause_s: float = 0.0
    """Shortest machine time between two starts, for when plant time races."""
    rest: float = 0.0
    """Machine time to rest after a run, in multiples of what the run took."""


class Schedule:
    """Runs jobs until cancelled."""

    def __init__(self, clock: Clock, records: Records) -> None:
        self._clock, self._records = clock, records
        self._jobs: list[Job] = []
        self.failures: dict[str, str] = {}
        """Jobs whose last run failed, and why."""
        self.took_s: dict[str, float] = {}
        """Machine time the last run of each job took."""

    def add(self, job: Job) -> None:
        """Take a job in."""
        self._jobs.append(job)

    async def run(self) -> None:
        """Run every job in its own line."""
        async with asyncio.TaskGroup() as tasks:
            for job in self._jobs:
                tasks.create_task(self._line(job))

    async def _line(self, job: Job) -> None:
        done = -1.0
        loop = asyncio.get_running_loop()
        while True:
            due = self._clock.now_s() // job.period_s * job.period_s
            if due <= done:
                await asyncio.sleep(_LOOK_S)
                continue
            started = loop.time()
            await self._once(job, due)
            done = due
            took_s = loop.time() - started
            self.took_s[job.name] = took_s
            await asyncio.sleep(max(job.least_pause_s - took_s, job.rest * took_s, 0.0))

    async def _once(self, job: Job, due: float) -> None:
        try:
            if job.kept and not await in_thread(
                self._records.jobs.claim, job.name, due, at=self._clock.now_s()
            ):
                return
            await job.run(due)
            if job.kept:
                await in_thread(self._records.jobs.finish, job.name, due, at=self._clock.now_s())
        except Exception as error:  # noqa: BLE001 - one failing job must not stop the others
            if job.kept:
                with contextlib.suppress(HeatloopError):
                    await in_thread(
                        self._records.jobs.finish,
                        job.name,
                        due,
                        at=self._clock.now_s(),
                        ok=False,
                        detail=repr(error)[:400],
                    )
            if job.name not in self.failures:
                _log.error("job failed", job=job.name, exc_info=error)
            self.failures[job.name] = repr(error)
        else:
            if self.failures.pop(job.name, None) is not None:
                _log.info("job works again", job=job.name)
