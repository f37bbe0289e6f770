"""A historian killed in the middle of its work loses nothing it acknowledged."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.port import EventRow
from heatloop.store.historian.sync_client import connect_sync
from heatloop.store.historian.wire import LENGTH

T0 = 1_700_000_400
POINTS = 400


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hl"))
    yield folder
    shutil.rmtree(folder)


def start(data: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "heatloop.store.historian", "--data", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes], how: int) -> tuple[int, bytes]:
    process.send_signal(how)
    _, log = process.communicate(timeout=60)
    return process.returncode, log


def value_of(keys: np.ndarray, slots: np.ndarray) -> np.ndarray:
    return keys * 1e6 + (slots - T0) / 30.0


def tick(number: int) -> Columns:
    keys = np.arange(1, POINTS + 1, dtype="u4")
    slots = np.full(POINTS, T0 + 30 * number, "u4")
    return Columns(keys, slots, value_of(keys, slots), np.zeros(POINTS, "u1"))


async def ingest_until_killed(
    client: HistorianClient, process: subprocess.Popen[bytes], todo: list[int], after: int
) -> set[int]:
    """Append ticks, 8 at once; kill the process at the `after`-th acknowledgement."""
    acknowledged: set[int] = set()

    async def worker() -> None:
        while todo:
            number = todo.pop()
            try:
                await client.append(tick(number))
            except LinkError:
                todo.append(number)
                return
            acknowledged.add(number)
            if len(acknowledged) == after:
                os.kill(process.pid, signal.SIGKILL)

    await asyncio.gather(*(worker() for _ in range(8)))
    return acknowledged


async def test_kill_loses_nothing_acknowledged_and_doubles_nothing(data: Path) -> None:
    client = HistorianClient(data / "run" / "historian.sock")
    todo = list(range(600))
    sure: set[int] = set()
    for after in (1, 17, 60, 5, 111):
        process = start(data)
        await client.wait_ready(60)
        sure |= await ingest_until_killed(client, process, todo, after)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    process = start(data)
    await client.wait_ready(60)

    # What was acknowledged is there before anything is sent again.
    numbers = np.array(sorted(sure))
    found = await client.raw(range(1, POINTS + 1), T0, T0 + 30 * 600)
    stored = (found.slots - T0) // 30
    kept = found.take(np.isin(stored, numbers))
    assert len(kept.keys) == len(numbers) * POINTS
    assert len(np.unique(kept.keys.astype("u8") << np.uint64(32) | kept.slots)) == len(kept.keys)
    np.testing.assert_array_equal(kept.values, value_of(kept.keys, kept.slots))
    newest = await client.latest()
    assert newest.slots.tolist() == [int(found.slots.max())] * POINTS
    np.testing.assert_array_equal(newest.values, value_of(newest.keys, newest.slots))

    # What was not is sent again; some of it had been stored, and none is there twice.
    await asyncio.gather(*(client.append(tick(number)) for number in todo))
    await client.refresh_rollups()
    assert await client.count(T0, T0 + 30 * 600) == 600 * POINTS
    assert await client.duplicates(T0, T0 + 30 * 600) == 0
    windows = await client.rollup([1, POINTS], T0, T0 + 30 * 600, 600)
    assert windows.count.tolist() == [20] * 60
    await client.close()
    code, log = end(process, signal.SIGTERM)
    assert code == 0, log.decode()


async def test_rollups_owed_at_a_kill_are_made_after_it(data: Path) -> None:
    client = HistorianClient(data / "run" / "historian.sock")
    process = start(data)
    await client.wait_ready(60)
    await client.append(tick(0))
    await client.refresh_rollups()
    await client.append(tick(20))
    await client.append_events([EventRow(1, T0 * 1000, "SS0001.flood", "1")])
    end(process, signal.SIGKILL)
    process = start(data)
    await client.wait_ready(60)
    assert await client.refresh_rollups() == 1
    assert (await client.rollup([7], T0, T0 + 1200, 600)).slots.tolist() == [T0, T0 + 600]
    assert len(await client.events(T0 * 1000, T0 * 1000 + 1)) == 1
    await client.close()
    end(process, signal.SIGTERM)


async def test_what_is_received_last_wins_also_after_a_kill(data: Path) -> None:
    client = HistorianClient(data / "run" / "historian.sock")
    process = start(data)
    await client.wait_ready(60)
    for _ in range(4):
        await client.append(tick(3))
    assert int((await client.stats())["raw_rows"]) >= POINTS
    end(process, signal.SIGKILL)
    process = start(data)
    await client.wait_ready(60)
    again = tick(3)
    await client.append(again._replace(values=again.values + 0.25))
    found = await client.raw([1, POINTS], T0, T0 + 91)
    assert found.values.tolist() == [1e6 + 3.25, POINTS * 1e6 + 3.25]
    assert (await client.latest([1])).values.tolist() == [1e6 + 3.25]
    await client.close()
    end(process, signal.SIGTERM)


async def test_the_process_refuses_nonsense_and_goes_on(data: Path) -> None:
    path = data / "run" / "historian.sock"
    client = HistorianClient(path)
    process = start(data)
    await client.wait_ready(60)

    def say(frame: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(path))
            line.sendall(frame)
            line.settimeout(10)
            answer = b""
            while piece := line.recv(65536):
                answer += piece
            return answer

    def framed(payload: bytes) -> bytes:
        return LENGTH.pack(len(payload)) + payload

    bad = {
        b"\xff\xff\xff\xff": b"frame of 4294967295 bytes",
        framed(b"no head at all"): b"frame has no head",
        framed(b"{nonsense}\n"): b"frame head is malformed",
        framed(b'{"arrays":[["u4",3]]}\n1234'): b"names 12 column bytes, 4 follow",
        framed(b'{"arrays":[["O",1]]}\n12345678'): b"frame head is malformed",
    }
    for frame, reason in bad.items():
        assert reason in await asyncio.to_thread(say, frame)
    with pytest.raises(LinkError):
        connect_sync(data / "nobody.sock")
    await client.ping()
    second = start(data)
    _, log = await asyncio.to_thread(second.communicate, timeout=60)
    assert second.returncode == 2
    assert b"historian folder does not open" in log or b"already runs here" in log
    await client.append(tick(0))
    await client.close()
    assert end(process, signal.SIGTERM)[0] == 0
