"""Helpers of the wired-meter and Modbus contract tests: devices, points, pollers, pty pairs."""

import asyncio
import contextlib
import os
import tty
from random import Random

from heatloop.demo.devices.face import TableFace
from heatloop.edge.backoff import Backoff
from heatloop.edge.drivers.port import DriverTools
from heatloop.edge.drivers.shared import Shared
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.poller import Poller
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from heatloop.plant.profiles import profile

SLOT = 1_800_000_000


def device(protocol, *, number=1, profile="test", **rest):
    """Return a device of the ledger."""
    return Device(
        code=f"DV{number:04d}", asset=f"AS{number:04d}", gateway="GW0001", profile=profile,
        protocol=protocol, **rest,
    )  # fmt: skip


def bindings_of(made):
    """Return the points of a device's profile; each child kind has one child, CH<n>."""
    found = []
    for row in profile(made.profile):
        asset = made.asset if row.child == "device" else f"CH{made.code[2:]}"
        name = f"{row.kind}.{row.n}" if row.n else row.kind
        limits = {"low": -1e6, "high": 1e6} if row.access == "rw" else {}
        found.append(
            Binding(
                key=1000 * int(made.code[2:]) + len(found) + 1, point=f"{asset}.{name}",
                kind=row.kind, device=made.code, register=row.register, dtype=row.dtype,
                factor=row.factor, offset=row.offset, access=row.access,
                period_s=point_kinds()[row.kind].period_s, source=row.source.replace("{k}", "1"),
                **limits,
            )
        )  # fmt: skip
    return found


def binding(made, key, source, kind="building_flow", **rest):
    """Return one point of a device."""
    return Binding(
        key=key, point=f"{made.asset}.k{key}", kind=kind, device=made.code,
        register=rest.pop("register", 4 * key), dtype=rest.pop("dtype", ""), source=source, **rest,
    )  # fmt: skip


def sample(kind, seed=0):
    """Return a plausible value of a kind, as it is shown."""
    about = point_kinds()[kind]
    rng = Random(f"{kind}{seed}")
    if about.class_ == "status" or about.unit == "-":
        return float(rng.randint(0, int(min(about.high, 3))))
    # A DL/T 645 meter shows less than 80 kW.
    low, high = (
        max(about.low, 0.0),
        min(about.high, 70.0 if about.kind == "station_electric_power" else 700.0),
    )
    return round(rng.uniform(low, high), about.decimals)


def face(made, found=None, seed=0):
    """Return a device's face with a value in every point."""
    found = bindings_of(made) if found is None else found
    return TableFace(made, found, {b.point: sample(b.kind, seed) for b in found})


def tools(timeout_s=0.3, stats=None, shared=None):
    """Return what a gateway lends a driver."""
    shared = shared or Shared()
    _OPEN.append(shared)
    return DriverTools(
        timeout_s=timeout_s, backoff=lambda: Backoff(10.0, 60.0), now_s=lambda: float(SLOT),
        shared=shared, stats=stats or LinkStats(),
    )  # fmt: skip


_OPEN = []


def driving(kind, made, lent=None):
    """Return a driver that `close_all` closes."""
    driver = kind(made, lent or tools())
    _OPEN.append(driver)
    return driver


def close_all():
    """Close every line and driver of a test; an autouse fixture of each module calls it."""
    while _OPEN:
        _OPEN.pop().close()


async def read(driver, found, now_s=0.0):
    """Return values by key and the cause of what is missing."""
    reading = await driver.read(driver.plan(found), now_s)
    values = {}
    for planned, numbers in reading.blocks:
        values.update(zip(planned.keys, numbers, strict=True))
    return values, reading.cause


def poller(devices, found, timeout_s=0.3):
    """Return a poller of some devices, and its link counters."""
    profile_ = EdgeProfile(
        gateway="GW0001", version=1, ledger_version=1, devices=tuple(devices),
        bindings=tuple(found),
    )  # fmt: skip
    stats = LinkStats()
    made = Poller(
        ProfileIndex(profile_), LatestValues(), timeout_s=timeout_s, rng=Random(1), stats=stats
    )
    _OPEN.append(made)
    return made, stats


def counted(stats, code="DV0001"):
    """Return what the counters say of a device."""
    stats.report(SLOT)
    note = stats.report(SLOT, final=True)
    return note["devices"].get(code) if note else None


def swept(sweep):
    """Return values of a sweep by key."""
    return dict(zip(sweep.batch.keys, sweep.batch.values, strict=True))


@contextlib.asynccontextmanager
async def answering(reply):
    """Serve a TCP port that answers each chunk of bytes with `reply(chunk)`; give the port."""
    writers = []

    async def serve(reader, writer):
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while chunk := await reader.read(512):
                out = reply(chunk)
                if out:
                    writer.write(out)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


class Relay:
    """A TCP relay before a device, which can be cut and mended."""

    def __init__(self, port):
        self._target, self.up, self.port, self.taken = port, True, 0, 0
        self._writers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *reason):
        self.cut()
        self._server.close()
        await asyncio.sleep(0.02)

    def cut(self):
        """Break every connection and take no new one."""
        self.up = False
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if not self.up:
            writer.transport.abort()
            return
        self.taken += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {writer, far_writer}
        self._writers |= pair
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        self._writers -= pair

    @staticmethod
    async def _pass(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(4096):
                writer.write(data)
        writer.close()


class Wire:
    """Two pty ends joined: what goes into one comes out of the other, like a serial cable."""

    def __init__(self):
        self._masters, self.paths, self._slaves = [], [], []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)
            self.paths.append(os.ttyname(slave))

    def __enter__(self):
        loop = asyncio.get_running_loop()
        left, right = self._masters
        loop.add_reader(left, self._pass, left, right)
        loop.add_reader(right, self._pass, right, left)
        return self

    @staticmethod
    def _pass(source, target):
        with contextlib.suppress(OSError):
            os.write(target, os.read(source, 4096))

    def __exit__(self, *reason):
        loop = asyncio.get_running_loop()
        for master in self._masters:
            loop.remove_reader(master)
        for each in (*self._masters, *self._slaves):
            os.close(each)
