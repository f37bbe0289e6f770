"""The field of the edge benchmark: thousands of Modbus TCP devices in one process of its own.

Every device has a listening socket, registers of its own that change, and a log of when its
process values were read: what the benchmark says about periods comes from here, not from the
gateway that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from array import array
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
import uvloop

from heatloop.demo.devices.line_server import LineServer
from heatloop.demo.devices.modbus import ModbusDevice, serve
from heatloop.demo.devices.modbus_rtu import crc16, take_rtu_request
from heatloop.kernel.clock import machine_s
from heatloop.plant.model import Binding, Device
from heatloop.plant.profiles import OWN, profile

POINTS = 60
PROFILE = "substation_controller"
FIRST_BLOCK = 16
"""Register a slot's first read of a device begins at; no other scan does."""
_WORDS = 640
_PER_HOST = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldOrder:
    """What field is wanted."""

    devices: int
    """How many devices."""
    core: int
    """Core they run on."""
    silent: tuple[int, ...] = ()
    """Numbers of devices that accept connections and never answer."""
    refusing: tuple[int, ...] = ()
    """Numbers of devices that refuse connections."""
    line: bool = False
    """Whether they share one RTU line behind a DTU; else each has a Modbus TCP port."""
    tick_s: float = 5.0
    """How often the values change, machine time."""


@dataclass(slots=True)
class FieldLog:
    """What the devices saw."""

    reads: list[array[float]] = field(default_factory=list)
    """Per device, machine times its process values were read."""
    frames: int = 0
    """Requests answered, all devices together."""
    cpu_s: float = 0.0
    """Processor time of the devices."""


def open_files(number: int) -> None:
    """Let this process have so many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < number:
        raise SystemExit(f"bench edge: {number} open files needed, the system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))


def addresses(count: int) -> list[tuple[str, int]]:
    """Return free addresses on the loop-back network, a few thousand ports a host."""
    found = []
    with contextlib.ExitStack() as held:
        for number in range(count):
            # Closed together, at the end: no port is given twice.
            probe = held.enter_context(socket.socket())
            host = f"127.0.{1 + number // _PER_HOST}.1"
            probe.bind((host, 0))
            found.append((host, int(probe.getsockname()[1])))
    return found


def devices(
    places: list[tuple[str, int]], *, line: bool = False
) -> tuple[tuple[Device, ...], tuple[Binding, ...]]:
    """Return a substation of two units behind each address, and its first 60 points.

    Args:
        places: Host and port of each.
        line: Whether they are the unit numbers from 1 on of one RTU line.
    """
    shape = []
    for row in profile(PROFILE):
        shape += [(row, unit) for unit in ((0,) if row.child == OWN else (0, 1))]
    shape.sort(key=lambda pair: pair[0].register + pair[0].stride * pair[1])
    made: list[Device] = []
    bindings: list[Binding] = []
    for number, (host, port) in enumerate(places):
        code, station = f"DV{number + 1:04d}", f"SS{number + 1:04d}"
        made.append(
            Device(
                code=code,
                asset=station,
                gateway="GW0001",
                profile=PROFILE,
                protocol="modbus_rtu_tcp" if line else "modbus_tcp",
                host=host,
                port=port,
                unit_id=number + 1 if line else 1,
                parameters="quiet=0" if line else "",
            )
        )
        for row, unit in shape[:POINTS]:
            asset = station if row.child == OWN else f"UN{2 * number + unit + 1:04d}"
            name = f"{row.kind}.{row.n}" if row.n else row.kind
            writable = row.access == "rw"
            bindings.append(
                Binding(
                    key=len(bindings) + 1,
                    point=f"{asset}.{name}",
                    kind=row.kind,
                    device=code,
                    register=row.register + row.stride * unit,
                    dtype=row.dtype,
                    factor=row.factor,
                    access=row.access,
                    low=-1e6 if writable else None,
                    high=1e6 if writable else None,
                )
            )
    return tuple(made), tuple(bindings)


class _Field:
    """All devices of the process: one memory, so that a change of all of them is one operation."""

    def __init__(self, order: FieldOrder) -> None:
        self.log = FieldLog(reads=[array("d") for _ in range(order.devices)])
        self._memory = bytearray(order.devices * _WORDS * 2)
        self._words = np.frombuffer(self._memory, dtype=">u2").reshape(order.devices, _WORDS)
        self._rng = np.random.default_rng(1)
        self.servers: list[asyncio.Server] = []
        changing = [
            r.register + r.stride * unit
            for r in profile(PROFILE)
            for unit in ((0,) if r.child == OWN else (0, 1))
            if r.access == "r" and r.dtype == "int16"
        ]
        self._changing = np.array(changing)
        self._words[:, self._changing] = 500
        self._words[:, (288, 416)] = 2  # station mode: automatic
        # The counter in the first two registers says which device answered.
        self._words[:, 16] = np.arange(order.devices) >> 16
        self._words[:, 17] = np.arange(order.devices) & 0xFFFF
        view = memoryview(self._memory)
        self.models = [
            ModbusDevice(
                index=n,
                memory=view[n * _WORDS * 2 : (n + 1) * _WORDS * 2],
                on_read=self._read,
                silent=n in order.silent,
                unit_id=n + 1 if order.line else 1,
            )
            for n in range(order.devices)
        ]

    def _read(self, device: int, start: int, count: int, data: bytes) -> None:
        del count, data
        self.log.frames += 1
        if start == FIRST_BLOCK:
            self.log.reads[device].append(machine_s())

    def change(self) -> None:
        """Let every temperature wander by up to 0.3 degC."""
        shape = (len(self._words), len(self._changing))
        walk = self._rng.integers(-3, 4, shape) + self._words[:, self._changing].astype(int)
        self._words[:, self._changing] = np.clip(walk, 100, 1200)

    def slave(self, request: bytes) -> bytes:
        """Return a frame of the RTU line in answer to a request; empty: nobody answers."""
        number = request[0] - 1
        if not 0 <= number < len(self.models) or self.models[number].silent:
            return b""
        frame = request[:1] + self.models[number].answer(request)
        return frame + crc16(frame)


async def _open(here: _Field, order: FieldOrder) -> list[tuple[str, int]]:
    """Begin to answer; return the address of every device."""
    if order.line:
        line = LineServer(take_rtu_request, here.slave)
        await line.start("127.0.0.1", 0)
        return [("127.0.0.1", line.port)] * order.devices
    places = addresses(order.devices)
    for n, (model, (host, port)) in enumerate(zip(here.models, places, strict=True)):
        if n not in order.refusing:
            here.servers.append(await serve(model, host, port))
    return places


async def _serve(order: FieldOrder, pipe: Connection) -> FieldLog:
    here = _Field(order)
    pipe.send(await _open(here, order))
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe.fileno(), over.set)
    started = os.times()
    while not over.is_set():
        here.change()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(order.tick_s):
                await over.wait()
    loop.remove_reader(pipe.fileno())
    spent = os.times()
    here.log.cpu_s = spent.user + spent.system - started.user - started.system
    return here.log


def run_field(order: FieldOrder, pipe: Connection) -> None:
    """Serve until something comes through the pipe, then send the log: the process's target."""
    os.sched_setaffinity(0, {order.core})
    open_files(2 * order.devices + 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        log = runner.run(_serve(order, pipe))
    os.set_blocking(pipe.fileno(), True)  # the event loop made it otherwise
    pipe.send(log)
