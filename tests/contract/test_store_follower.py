"""A main historian and its follower: true processes, killed and stopped in the middle of work."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.follower import FollowedClient
from heatloop.store.historian.follower_journal import Journal
from heatloop.store.historian.port import EventRow

T0 = 1704038400
KEYS = np.arange(1, 9, dtype="u4")


def tick(n: int) -> Columns:
    return Columns(KEYS, np.full(8, T0 + 30 * n, "u4"), KEYS + 0.1 * n, np.zeros(8, "u1"))


class Process:
    """One historian process on a folder with a short name."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hl"))
        self.socket = self.folder / "run" / "historian.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "heatloop.store.historian", "--data", str(self.folder)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    async def ready(self) -> HistorianClient:
        client = HistorianClient(self.socket)
        await client.wait_ready(60)
        return client

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


@pytest.fixture
async def both() -> AsyncIterator[tuple[Process, Process]]:
    made = Process(), Process()
    try:
        for each in made:
            each.start()
        for each in made:
            await (await each.ready()).close()
        yield made
    finally:
        for each in made:
            each.stop()


async def until(condition, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_6_3_e_3_reads_go_on_from_the_follower_and_the_main_one_catches_up(
    both: tuple[Process, Process], tmp_path: Path
) -> None:
    main, follower = both
    client = FollowedClient(main.socket, follower.socket, tmp_path)
    ticks = 0

    async def produce(count: int) -> None:
        nonlocal ticks
        many = range(ticks, ticks + count)
        ticks += count
        await asyncio.gather(*(client.append(tick(n)) for n in many))

    async def whole(of: HistorianClient) -> bool:
        return len((await of.raw(KEYS, T0, T0 + 86400)).keys) == 8 * ticks

    await produce(5)
    # What both refuse is told, and not kept for later.
    with pytest.raises(InputError):
        await client.revise(tick(1)._replace(keys=np.zeros(8, "u4")), method="m", who="w")
    with pytest.raises(InputError):
        await client.raw([1], 5, 4)
    assert client.serving == "main"
    assert not (tmp_path / "main.journal").stat().st_size
    main.kill()
    await produce(5)
    await client.append_events([EventRow(1, T0 * 1000, "SS0001", "while it was away")])
    assert client.serving == "follower"
    assert await whole(client)
    assert (await client.latest([1])).slots.tolist() == [T0 + 30 * 9]
    # The platform dies too, before the main historian is back: what it missed stands in a file.
    await client.close()
    client = FollowedClient(main.socket, follower.socket, tmp_path)
    assert client.serving == "follower"
    await produce(5)
    main.start()
    await until(lambda: client.serving == "main")
    alone = await main.ready()
    assert await whole(alone)
    assert [e.text for e in await alone.events(0, 1 << 41)] == ["while it was away"]
    await alone.close()

    # A follower that is deaf and not dead holds nothing up, and catches up as well.
    follower.send(signal.SIGSTOP)
    async with asyncio.timeout(8):
        await produce(5)
        assert await whole(client)
    follower.send(signal.SIGCONT)
    alone = await follower.ready()
    async with asyncio.timeout(10):
        while not await whole(alone):
            await asyncio.sleep(0.1)
    digests = {await each.day_digest(T0, T0 + 86400) for each in (alone, client)}
    assert len(digests) == 1
    await alone.close()

    follower.kill()
    main.kill()
    with pytest.raises(LinkError):
        await client.append(tick(99))
    await client.close()
    assert not (tmp_path / "main.journal").stat().st_size


def test_the_journal_gives_back_what_was_added_and_drops_half_records(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path)
    for n in range(5):
        journal.add({"op": "append", "n": n}, tick(n))
    journal.close()
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    whole = path.stat().st_size - 40
    journal = Journal(path)
    assert path.stat().st_size == whole == journal.waiting_bytes
    found, end = journal.next(3)
    assert [b'"n":%d' % n in payload for n, payload in enumerate(found)] == [True] * 3
    journal.took(end)
    assert not journal.empty
    found, end = journal.next(9)
    assert len(found) == 2
    journal.took(end)
    assert journal.empty
    assert path.stat().st_size == 0
    journal.add({"op": "append"}, tick(1))
    assert len(journal.next(9)[0]) == 1
    journal.close()
    small = Journal(tmp_path / "b.journal", most_bytes=300)
    for n in range(9):
        small.add({"op": "append"}, tick(n))
    assert small.full
    assert len(small.next(9)[0]) == 2
    small.close()
