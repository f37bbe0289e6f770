"""The city as a process: ticks that wait, time that never goes back, a control door."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys

import pytest
from pymodbus.client import AsyncModbusTcpClient

from heatloop.demo.clock_service import request
from heatloop.demo.logs import read_answers
from heatloop.kernel.clock import ClockState, machine_s
from heatloop.kernel.errors import InputError

START = 1767571200
BOTH = ("GW0001", "GW0002")


def free_block(count):
    """Return the first of some neighbouring free ports."""
    for base in random.Random(os.getpid()).sample(range(21000, 60000, 20), 50):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise AssertionError("no free ports")


class CityProcess:
    """A tiny city on free ports."""

    def __init__(self, folder, *arguments):
        self.folder, self.arguments = folder, arguments
        self.base = free_block(8)
        self.socket = folder / "run" / "city.sock"

    async def start(self):
        base = ("--size", "tiny", "--seed", "2", "--start", str(START))
        ports = ("--base-port", str(self.base), "--coap-port", str(self.base + 6))
        command = ("-m", "heatloop.demo.process", "--data", str(self.folder), *base, *ports)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *self.arguments, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    return await self.ask("status")
                except OSError:
                    assert self.process.returncode is None, await self.process.stderr.read()
                    await asyncio.sleep(0.05)

    async def ask(self, op, **values):
        return await request(self.socket, op, **values)

    async def end(self, how=signal.SIGTERM):
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), 30)


@pytest.fixture
async def city(tmp_path):
    """Give a way to make city processes; all are ended."""
    made = []

    def make(*arguments):
        made.append(CityProcess(tmp_path, *arguments))
        return made[-1]

    yield make
    for one in made:
        await one.end(signal.SIGKILL)


class Gateway:
    """A lockstep client that reports ticks done when told to."""

    def __init__(self, socket_path, name):
        self.path, self.name, self.ticks, self.clocks = socket_path, name, [], []

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_unix_connection(str(self.path))
        await self.say(type="hello", name=self.name, lockstep=True)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def say(self, **message):
        self.writer.write(json.dumps(message).encode() + b"\n")
        await self.writer.drain()

    async def done(self, slot):
        await self.say(type="done", name=self.name, slot=slot)

    async def next_tick(self):
        async with asyncio.timeout(20):
            while True:
                message = json.loads(await self.reader.readline())
                if message["type"] == "tick":
                    self.ticks.append(message["slot"])
                    return message["slot"]
                if message["type"] == "clock":
                    fields = {k: v for k, v in message.items() if k != "type"}
                    self.clocks.append(ClockState(**fields))


async def test_a_tick_waits_for_every_gateway_and_is_told_again_to_one_that_comes_back(city):
    one = city("--lockstep")
    status = await one.start()
    assert status["lockstep"]
    assert status["waiting_for"] == list(BOTH)
    async with Gateway(one.socket, BOTH[0]) as east:
        async with Gateway(one.socket, BOTH[1]) as west:
            assert await east.next_tick() == await west.next_tick() == START
            assert east.clocks[0].lockstep
            assert east.clocks[0].plant_s(machine_s()) == START
            await east.done(START)
            await asyncio.sleep(0.1)
            assert (await one.ask("status"))["waiting_for"] == [BOTH[1]]
            await west.done(START)
            assert await east.next_tick() == START + 30
        # West dies in the middle of the tick.
        await east.done(START + 30)
        async with Gateway(one.socket, BOTH[1]) as west:
            assert await west.next_tick() == START + 30
            await west.done(START + 30)
            assert await west.next_tick() == await east.next_tick() == START + 60


async def test_a_killed_city_goes_on_and_its_time_never_goes_back(city):
    one = city("--lockstep")
    await one.start()
    slot = START
    async with Gateway(one.socket, BOTH[0]) as east, Gateway(one.socket, BOTH[1]) as west:
        for _ in range(25):
            slot = await east.next_tick()
            await west.next_tick()
            async with AsyncModbusTcpClient("127.0.0.1", port=one.base + 2) as client:
                heat = await client.read_holding_registers(16, count=2, device_id=1)
            await east.done(slot)
            await west.done(slot)
        last = await east.next_tick()
    assert await one.end(signal.SIGKILL) == -signal.SIGKILL
    answers = list(read_answers(one.folder / "city" / "answers.bin"))
    assert [a[0] for a in answers] == list(range(START, last, 30))
    status = await one.start()
    assert status["plant_s"] == last
    async with AsyncModbusTcpClient("127.0.0.1", port=one.base + 2) as client:
        again = await client.read_holding_registers(16, count=2, device_id=1)
    total = [a.registers[0] << 16 | a.registers[1] for a in (heat, again)]
    assert total[0] <= total[1] < total[0] + 100
    assert len(list(read_answers(one.folder / "city" / "answers.bin"))) == len(answers) + 1


async def test_free_time_runs_at_its_speed_and_a_change_begins_a_new_epoch(city):
    one = city("--speed", "10")
    first = await one.start()
    assert (first["speed"], first["lockstep"], first["epoch"]) == (10.0, False, 1)
    began_s = machine_s()
    await asyncio.sleep(2.0)
    status = await one.ask("status")
    passed = (status["plant_s"] - first["plant_s"]) / (machine_s() - began_s)
    assert 4.0 < passed < 16.0
    faster = await one.ask("speed", speed=60)
    assert (faster["speed"], faster["epoch"]) == (60.0, 2)
    assert faster["plant_s"] >= status["plant_s"]
    stepped = await one.ask("speed", speed=600)
    assert stepped["lockstep"]
    assert stepped["plant_s"] % 30 == 0
    assert (await one.ask("speed", speed=1))["lockstep"] is False
    for wrong in (0, -3, "fast", None):
        with pytest.raises(InputError):
            await one.ask("speed", speed=wrong)


async def test_the_control_door_changes_weather_faults_and_registers(city):
    one = city("--speed", "1")
    before = await one.start()
    colder = await one.ask("weather", offset_k=-7.5, wind_factor=2)
    assert colder["weather"]["offset_k"] == -7.5
    assert colder["weather"]["wind_factor"] == 2.0
    fault = before["faults"][0]["id"]
    assert before["faults"][0]["zh"]
    assert not before["faults"][0]["active"]
    after = await one.ask("fault", id=fault, active=True)
    assert [f["active"] for f in after["faults"]] == [True] + [False] * (len(after["faults"]) - 1)
    # Somebody at the panel changes the mode of unit 1.
    assert (await one.ask("registers", device="DV0003", start=288))["words"] == [2]
    await one.ask("registers", device="DV0003", start=288, words=[0])
    async with AsyncModbusTcpClient("127.0.0.1", port=one.base + 2) as client:
        assert (await client.read_holding_registers(288, device_id=1)).registers == [0]
    for wrong in ({"device": "DV9999", "start": 0}, {"device": "DV0003", "start": 99999}):
        with pytest.raises(InputError):
            await one.ask("registers", **wrong)
    with pytest.raises(InputError):
        await one.ask("earthquake")


async def test_a_silent_device_stops_answering_and_comes_back(city):
    one = city("--speed", "1")
    await one.start()
    client = AsyncModbusTcpClient("127.0.0.1", port=one.base + 2, timeout=0.3, retries=0)
    async with client:
        assert not (await client.read_holding_registers(16, count=2, device_id=1)).isError()
        await one.ask("fault", id="device_silent@DV0003", active=True)
        with contextlib.suppress(Exception):
            assert (await client.read_holding_registers(16, count=2, device_id=1)).isError()
    await one.ask("fault", id="device_silent@DV0003", active=False)
    async with AsyncModbusTcpClient("127.0.0.1", port=one.base + 2) as client:
        assert not (await client.read_holding_registers(16, count=2, device_id=1)).isError()


async def test_stop_keeps_the_state_and_faults_outlive_a_restart(city):
    one = city("--speed", "1")
    await one.start()
    await one.ask("fault", id="pump_trip@UN0001", active=True)
    await one.ask("stop")
    assert await asyncio.wait_for(one.process.wait(), 30) == 0
    status = await one.start()
    assert [f["id"] for f in status["faults"] if f["active"]] == ["pump_trip@UN0001"]
    assert await one.end() == 0


async def test_a_taken_port_and_another_citys_state_are_named(city, tmp_path):
    one = city("--speed", "1")
    await one.start()
    other = CityProcess(tmp_path / "b")
    other.base = one.base
    with pytest.raises(AssertionError, match="port of device DV0001 is taken"):
        await other.start()
    await one.end()
    one.arguments = ("--seed", "3")
    with pytest.raises(AssertionError, match="another city"):
        await one.start()


def test_a_start_without_a_zone_is_refused():
    from heatloop.demo.process import start_time_s
    from heatloop.kernel.errors import ConfigError

    assert start_time_s("2026-01-05T00:00:07Z") == START
    assert start_time_s(str(START + 29)) == START
    for wrong in ("2026-01-05T00:00:00", "tomorrow"):
        with pytest.raises(ConfigError):
            start_time_s(wrong)
