"""Shared by the contract tests of control-system and building protocols."""

import asyncio
import json
import socket

from heatloop.demo.devices.face import TableFace
from heatloop.edge.backoff import Backoff
from heatloop.edge.drivers.port import DriverTools
from heatloop.edge.drivers.registry import driver_class
from heatloop.edge.drivers.shared import Shared
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.poller import Poller
from heatloop.kernel.batch import SampleBatch
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from tests.contract.node_peers import node_peers, node_program

__all__ = ["node_peers"]
START = 1_800_000_000


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


def device(protocol, port, code="DV0001", **more):
    given = {"asset": "HS0001", "gateway": "GW0001", "profile": "test", **more}
    return Device(code=code, protocol=protocol, port=port, **given)


def bindings(rows, code="DV0001", asset="HS0001"):
    """Return bindings of (kind, source, access) rows; dtype and factor may follow."""
    found = []
    for key, (kind, source, access, *more) in enumerate(rows, 1):
        dtype, factor = (*more, "", 1.0)[:2] if len(more) < 2 else more
        found.append(
            Binding(
                key=key + 100 * int(code[2:]), point=f"{asset}.{kind}", kind=kind, device=code,
                register=4 * key, dtype=dtype, factor=factor, access=access, source=source,
                period_s=point_kinds()[kind].period_s,
            )
        )  # fmt: skip
    return found


class Bench:
    """Drivers of one gateway without a poller, and what they spool late."""

    def __init__(self, secrets=None, timeout_s=1.0, now_s=START):
        self.now_s, self.late, self.shared, self.stats = now_s, SampleBatch(), Shared(), LinkStats()
        self.tools = DriverTools(
            timeout_s=timeout_s, backoff=lambda: Backoff(0.2, 10.0), now_s=lambda: self.now_s,
            shared=self.shared, stats=self.stats, keep_late=self._keep, secrets=secrets,
        )  # fmt: skip
        self.made = []

    async def _keep(self, batch):
        self.late.extend(batch)

    def driver(self, about):
        self.made.append(driver_class(about.protocol)(about, self.tools))
        return self.made[-1]

    def failed(self, code="DV0001"):
        note = self.stats.report(float(START), final=True)
        return note["devices"].get(code, {}).get("failed", {}) if note else {}

    async def close(self):
        for driver in self.made:
            driver.close()
        self.shared.close()
        await asyncio.sleep(0.02)


async def read(driver, found, now_s=0.0):
    """Return values by kind, the cause, and what is doubtful by kind."""
    reading = await driver.read(driver.plan(found), now_s)
    names = {b.key: b.kind for b in found}
    values = {}
    for planned, numbers in reading.blocks:
        values.update({names[k]: v for k, v in zip(planned.keys, numbers, strict=True)})
    return values, reading.cause, {names[k]: q for k, q in reading.doubtful.items()}


async def read_until(driver, found, condition, within_s=15.0):
    """Read until the values satisfy the condition."""
    async with asyncio.timeout(within_s):
        while True:
            got = await read(driver, found, asyncio.get_running_loop().time() + 1e6)
            if condition(*got):
                return got
            await asyncio.sleep(0.02)


def poller(about, found, **more):
    profile = EdgeProfile(
        gateway="GW0001", version=1, ledger_version=1, devices=tuple(about), bindings=tuple(found)
    )
    return Poller(ProfileIndex(profile), LatestValues(), **more)


def swept(sweep, found):
    """Return what a sweep brought, by kind."""
    names = {b.key: b.kind for b in found}
    rows = zip(sweep.batch.keys, sweep.batch.values, strict=True)
    return {names[key]: value for key, value in rows}


def face(about, found, values):
    """Return a face that shows values by kind."""
    return TableFace(about, found, {b.point: values[b.kind] for b in found if b.kind in values})


class Node:
    """A node program beside the test; prints JSON lines and takes text lines."""

    def __init__(self, process):
        self._process = process

    @classmethod
    async def start(cls, folder, script, *arguments):
        process = await asyncio.create_subprocess_exec(
            node_program(), "-e", script, *map(str, arguments), cwd=folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def line(self, within_s=20.0):
        """Return the next JSON object it prints; its libraries chat in between."""
        async with asyncio.timeout(within_s):
            while True:
                line = await self._process.stdout.readline()
                if not line:
                    raise AssertionError((await self._process.stderr.read()).decode()[-2000:])
                if line.startswith(b"{"):
                    return json.loads(line)

    async def say(self, text):
        self._process.stdin.write(text.encode() + b"\n")
        await self._process.stdin.drain()

    async def stop(self):
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._process._transport.close()
