"""Jobs by plant time: once per due time, caught up once, apart from each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heatloop.app.patience import until_done
from heatloop.app.schedule import Job, Schedule
from heatloop.kernel.clock import SimulatedClock
from heatloop.kernel.errors import InputError
from heatloop.store.records import Records


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records.open(f"sqlite:///{tmp_path / 'r.sqlite'}")


@contextlib.asynccontextmanager
async def running(schedule: Schedule) -> AsyncIterator[None]:
    task = asyncio.create_task(schedule.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_due_times_are_whole_periods_and_missed_ones_run_once(records: Records) -> None:
    clock, runs = SimulatedClock(1000.0), []

    async def run(due: float) -> None:
        runs.append(due)

    schedule = Schedule(clock, records)
    schedule.add(Job(name="a", period_s=600, run=run))
    async with running(schedule):
        await until(lambda: runs == [600])
        clock.advance(250)
        await until(lambda: runs == [600, 1200])
        clock.advance(6000)
        await until(lambda: runs == [600, 1200, 7200])
        assert set(schedule.took_s) == {"a"}
    records.close()


async def test_failing_job_is_told_and_stops_nobody(records: Records) -> None:
    clock, good, works = SimulatedClock(0.0), [], []

    async def fails(due: float) -> None:
        if not works:
            raise ValueError("no")

    async def runs(due: float) -> None:
        good.append(due)

    schedule = Schedule(clock, records)
    schedule.add(Job(name="bad", period_s=10, run=fails))
    schedule.add(Job(name="good", period_s=10, run=runs))
    async with running(schedule):
        await until(lambda: "bad" in schedule.failures and good)
        works.append(1)
        clock.advance(10)
        await until(lambda: not schedule.failures and len(good) == 2)
    records.close()


async def test_kept_job_is_done_once_over_restarts_and_again_after_a_failure(
    records: Records,
) -> None:
    clock, runs, works = SimulatedClock(600.0), [], []

    async def run(due: float) -> None:
        runs.append(due)
        if not works:
            raise ValueError("no")

    def schedule() -> Schedule:
        made = Schedule(clock, records)
        made.add(Job(name="kept", period_s=600, run=run, kept=True))
        return made

    async with running(schedule()):
        await until(lambda: runs == [600])
        await until(lambda: records.jobs.claim("other", 1, at=1))
    works.append(1)
    async with running(schedule()):
        await until(lambda: runs == [600, 600])
        await until(lambda: records.jobs.last("kept") is not None)
    async with running(schedule()):
        clock.advance(600)
        await until(lambda: runs == [600, 600, 1200])
    records.close()


async def test_patience_tries_again_but_not_what_is_refused() -> None:
    tries: list[int] = []

    async def comes_back() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("away")

    await until_done("service", comes_back)
    assert len(tries) == 3

    async def refuses() -> None:
        tries.append(1)
        raise InputError("no")

    with pytest.raises(InputError):
        await until_done("service", refuses)
    assert len(tries) == 4
