"""The city's Modbus servers against two independent clients, and what they log."""

import asyncio
import struct
import subprocess

import pytest
from pymodbus.client import AsyncModbusTcpClient

from heatloop.demo.devices.modbus import ModbusDevice, serve, stop


class Bench:
    """One device on a free port."""

    def __init__(self):
        self.reads, self.writes = [], []
        self.memory = bytearray(2 * 200)
        self.device = ModbusDevice(
            index=7,
            memory=memoryview(self.memory),
            unit_id=3,
            writable=frozenset(range(100, 110)),
            on_read=lambda *call: self.reads.append(call),
            on_write=lambda *call: self.writes.append(call),
        )

    async def __aenter__(self):
        self.server = await serve(self.device, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        await stop(self.device, self.server)

    def put(self, register, *words):
        struct.pack_into(f">{len(words)}H", self.memory, 2 * register, *words)


async def test_pymodbus_reads_what_the_memory_holds_and_the_log_has_it_exactly():
    async with Bench() as bench:
        bench.put(16, 1, 65535, 300)
        async with AsyncModbusTcpClient("127.0.0.1", port=bench.port) as client:
            holding = await client.read_holding_registers(16, count=3, device_id=3)
            inputs = await client.read_input_registers(17, count=1, device_id=3)
            long = await client.read_holding_registers(0, count=125, device_id=3)
        assert holding.registers == [1, 65535, 300]
        assert inputs.registers == [65535]
        assert len(long.registers) == 125
        assert bench.reads[0] == (7, 16, 3, b"\x00\x01\xff\xff\x01\x2c")
        assert [call[1:3] for call in bench.reads] == [(16, 3), (17, 1), (0, 125)]


async def test_pymodbus_writes_settings_and_nothing_else():
    async with Bench() as bench, AsyncModbusTcpClient("127.0.0.1", port=bench.port) as client:
        assert not (await client.write_register(101, 4711, device_id=3)).isError()
        assert not (await client.write_registers(108, [5, 6], device_id=3)).isError()
        read = await client.read_holding_registers(101, count=9, device_id=3)
        assert (read.registers[0], read.registers[7:]) == (4711, [5, 6])
        assert bench.writes == [(7, 101, 1), (7, 108, 2)]
        measured = await client.write_register(16, 1, device_id=3)
        beyond = await client.write_registers(109, [1, 2], device_id=3)
        assert (measured.exception_code, beyond.exception_code) == (2, 2)
        assert bench.writes == [(7, 101, 1), (7, 108, 2)]
        assert bench.memory[2 * 109 : 2 * 110] == b"\x00\x06"


async def test_wrong_requests_get_the_protocols_exceptions():
    async with Bench() as bench, AsyncModbusTcpClient("127.0.0.1", port=bench.port) as client:
        outside = await client.read_holding_registers(199, count=2, device_id=3)
        stranger = await client.read_holding_registers(0, count=1, device_id=9)
        coils = await client.read_coils(0, count=1, device_id=3)
        codes = [answer.exception_code for answer in (outside, stranger, coils)]
        assert codes == [2, 11, 1]
        assert bench.reads == []


async def test_a_silent_device_takes_requests_and_says_nothing():
    async with Bench() as bench:
        bench.device.silent = True
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        request = struct.pack(">HHHBBHH", 1, 0, 6, 3, 3, 0, 1)
        writer.write(request)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        bench.device.silent = False
        writer.write(request)
        assert await asyncio.wait_for(reader.readexactly(11), 2) == (
            struct.pack(">HHHBBBH", 1, 0, 5, 3, 3, 2, 0)
        )
        assert len(bench.reads) == 1
        writer.close()


async def test_requests_cut_anywhere_and_joined_are_answered_in_order():
    async with Bench() as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        stream = b"".join(struct.pack(">HHHBBHH", i, 0, 6, 3, 3, i, 1) for i in range(20))
        for at in range(0, len(stream), 7):
            writer.write(stream[at : at + 7])
            await asyncio.sleep(0)
        answers = await asyncio.wait_for(reader.readexactly(20 * 11), 2)
        assert [answers[11 * i + 1] for i in range(20)] == list(range(20))
        assert [call[1] for call in bench.reads] == list(range(20))
        writer.close()


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x01\x00\x00\xff\xff\x03\x03\x00\x00"]
)
async def test_what_is_no_modbus_is_cut_off(junk):
    async with Bench() as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(junk)
        try:
            assert await asyncio.wait_for(reader.read(), 2) == b""
        except ConnectionResetError:
            pass
        assert bench.reads == []
        writer.close()


@pytest.mark.needs("mbpoll")
async def test_mbpoll_reads_and_writes():
    async with Bench() as bench:
        bench.put(20, 1234, 4321)

        async def mbpoll(*arguments):
            base = ["mbpoll", "-m", "tcp", "-a", "3", "-p", str(bench.port), "-0", "-1", "-q"]
            return await asyncio.to_thread(
                subprocess.run,
                [*base, "-t", "4", *arguments[:-1], "127.0.0.1", *arguments[-1]],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            )

        read = await mbpoll("-r", "20", "-c", "2", ())
        assert "1234" in read.stdout
        assert "4321" in read.stdout
        await mbpoll("-r", "105", ("777",))
        assert bench.writes == [(7, 105, 1)]
        assert bench.memory[210:212] == (777).to_bytes(2, "big")
