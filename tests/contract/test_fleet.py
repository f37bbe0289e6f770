"""The same work by processes of this machine and by a Dask cluster, whose workers are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from heatloop.app.fleet import Fleet, Pool
from heatloop.app.fleet_settings import FleetSettings, check_fleet
from heatloop.kernel.errors import ConfigError
from tests.contract.fleet_work import die_first_time, refuse_odd, slow_square, square

COUNT = 24


@asynccontextmanager
async def fleet(**settings: object) -> AsyncIterator[Fleet]:
    made = Fleet(FleetSettings(**settings))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and worker processes as an operator starts them, over a real TCP socket."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}", "OMP_NUM_THREADS": "1"}
    url = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environ}

    def dask(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        return subprocess.Popen(command, **quiet)  # type: ignore[call-overload, no-any-return]

    running = [dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")]
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        workers_run = [
            dask("worker", url, "--no-nanny", "--nthreads", "1", "--no-dashboard")
            for _ in range(workers)
        ]
        running += workers_run
        yield url, workers_run
    finally:
        for each in reversed(running):
            each.kill()
            each.wait(10)


async def test_processes_answer_in_order_and_name_what_failed() -> None:
    async with fleet(workers=2) as made:
        found = await made.map(square, range(COUNT))
        assert found.answers == [n * n for n in range(COUNT)]
        assert found.failures == []
        names = [f"SS{n:04d}" for n in range(4)]
        found = await made.map(refuse_odd, range(4), names=names)
        assert found.answers == [0, None, 2, None]
        assert [each.name for each in found.failures] == ["SS0001", "SS0003"]
        assert "odd" in found.failures[0].reason


async def test_a_killed_process_loses_no_answer() -> None:
    async with fleet(workers=2) as made:
        work = asyncio.create_task(made.map(slow_square, range(COUNT)))
        pids: list[int] = []
        while len(pids) < 2:
            await asyncio.sleep(0.05)
            executor = made.executor
            pids = executor.pids() if isinstance(executor, Pool) else []
        await asyncio.sleep(0.3)
        os.kill(pids[0], signal.SIGKILL)
        found = await work
        assert found.failures == []
        assert found.answers == [n * n for n in range(COUNT)]


async def test_an_item_that_kills_its_worker_is_named_and_the_others_are_answered(
    tmp_path: Path,
) -> None:
    async with fleet(workers=1) as made:
        again = tmp_path / "again"
        found = await made.map(die_first_time, [(str(again), 7), ("", 8)], names=["once", "ever"])
        assert found.answers == [7, None]
        assert [each.name for each in found.failures] == ["ever"]


async def test_a_killed_worker_of_a_cluster_loses_no_answer() -> None:
    with cluster(2) as (url, workers):
        async with fleet(url=url, connect_s=20.0) as made:
            for _ in range(200):
                # Both must be there before one is killed, or nothing is shown.
                first = await made.map(square, [3])
                assert first.answers == [9]
                assert made.executor is not None
                client = made.executor._client  # type: ignore[attr-defined]
                if len(client.scheduler_info(n_workers=-1)["workers"]) == 2:
                    break
                await asyncio.sleep(0.05)
            work = asyncio.create_task(made.map(slow_square, range(COUNT)))
            await asyncio.sleep(0.4)
            workers[0].send_signal(signal.SIGKILL)
            found = await work
            assert found.failures == []
            assert found.answers == [n * n for n in range(COUNT)]
            assert workers[0].wait(5) == -signal.SIGKILL
            odd = await made.map(refuse_odd, range(4))
            assert odd.answers == [0, None, 2, None]
            assert len(odd.failures) == 2


async def test_no_scheduler_fails_every_item_with_its_name() -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        url = f"tcp://127.0.0.1:{held.getsockname()[1]}"
        async with fleet(url=url, connect_s=1.0) as made:
            found = await made.map(square, [1, 2], names=["one", "two"])
    assert found.answers == [None, None]
    assert [each.name for each in found.failures] == ["one", "two"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://cluster:8786"},
        {"url": "tcp://cluster:8786"},
        {"url": "tls://cluster:8786"},
        {"workers": 0},
    ],
)
def test_unsafe_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        check_fleet(FleetSettings(**wrong))  # type: ignore[arg-type]
    check_fleet(FleetSettings(url="tcp://cluster:8786", plain=True))
