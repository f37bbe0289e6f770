"""The Modbus driver against peers: pymodbus as the device, mbpoll as the other master."""

import asyncio
import subprocess

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.edge.backoff import Backoff
from heatloop.edge.drivers.modbus import ModbusDriver
from heatloop.edge.drivers.port import DriverTools
from heatloop.edge.drivers.shared import Shared
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Binding, Device
from heatloop.protocols.registers import WORD_ORDERS, encode_raw

VALUES = {
    "int16": -123,
    "uint16": 54_321,
    "int32": -1_234_567,
    "uint32": 3_999_999_999,
    "float32": 21.25,
}


def bindings(access="rw", factor=1.0):
    register, found = 16, []
    for key, dtype in enumerate(VALUES, 1):
        found.append(
            Binding(
                key=key, point=f"SS0001.kind{key}", kind=f"kind{key}", device="DV0001",
                register=register, dtype=dtype, access=access, factor=factor,
            )
        )  # fmt: skip
        register += found[-1].words + 1
    return found


def driver(port, order="ABCD", unit_id=1, timeout_s=0.3):
    device = Device(
        code="DV0001", asset="SS0001", gateway="GW0001", profile="test", protocol="modbus_tcp",
        port=port, unit_id=unit_id, word_order=order,
    )  # fmt: skip
    tools = DriverTools(
        timeout_s=timeout_s, backoff=lambda: Backoff(10.0, 60.0), now_s=lambda: 0.0,
        shared=Shared(), stats=LinkStats(),
    )  # fmt: skip
    return ModbusDriver(device, tools)


async def read(made, found, now_s=0.0):
    reading = await made.read(made.plan(found), now_s)
    values = {}
    for planned, numbers in reading.blocks:
        values.update(zip(planned.keys, numbers, strict=True))
    return values, reading.cause


@pytest.fixture
async def device(unused_tcp_port):
    """Return a pymodbus device of 100 registers and its port."""
    data = SimData(0, values=0, count=100, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[data]), address=("127.0.0.1", unused_tcp_port))
    await server.serve_forever(background=True)
    yield unused_tcp_port
    await server.shutdown()


def mbpoll(path, port, *arguments):
    """Return what mbpoll says; it counts registers from 1."""
    command = [str(path), "-m", "tcp", "-p", str(port), "-a", "1", "-1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("order", sorted(WORD_ORDERS))
async def test_what_is_written_is_read_back_from_a_pymodbus_device(device, order):
    made = driver(device, order)
    found = bindings()
    for binding in found:
        assert await made.write(binding, VALUES[binding.dtype]) == VALUES[binding.dtype]
    values, cause = await read(made, found)
    assert cause is None
    assert list(values.values()) == list(VALUES.values())
    made.close()


@pytest.mark.needs("mbpoll")
async def test_mbpoll_and_the_driver_see_the_same_registers(device, program):
    made = driver(device)
    signed, _, _, counter, real = bindings()
    await made.write(signed, -321)
    await made.write(counter, 3_999_999_999)
    run = asyncio.to_thread
    code, text = await run(mbpoll, program("mbpoll"), device, "-t", "4", "-r", "17", "127.0.0.1")
    assert code == 0, text
    assert f"[17]: \t{65536 - 321} (-321)" in text
    code, text = await run(
        mbpoll, program("mbpoll"), device,
        "-t", "4:float", "-B", "-r", str(real.register + 1), "127.0.0.1", "--", "63.5",
    )  # fmt: skip
    assert code == 0, text
    values, _ = await read(made, bindings())
    assert values[real.key] == 63.5
    assert values[counter.key] == 3_999_999_999
    made.close()


async def test_factor_and_offset_make_house_units(device):
    made = driver(device)
    scaled = Binding(
        key=9, point="SS0001.t", kind="t", device="DV0001", register=40, dtype="int16",
        factor=0.1, offset=100.0, access="rw",
    )  # fmt: skip
    assert await made.write(scaled, 87.3) == pytest.approx(87.3)
    values, _ = await read(made, [scaled])
    assert values[9] == -127 * 0.1 + 100.0
    with pytest.raises(InputError, match="fit"):
        await made.write(scaled, 1e6)
    made.close()


async def test_a_refused_block_costs_only_itself(device):
    made = driver(device)
    beyond = Binding(
        key=8, point="SS0001.x", kind="x", device="DV0001", register=500, dtype="int16"
    )
    values, cause = await read(made, [*bindings(), beyond])
    assert cause == "device_error"
    assert sorted(values) == [1, 2, 3, 4, 5]
    made.close()


async def test_a_silent_device_is_left_alone_and_found_again(unused_tcp_port):
    model = ModbusDevice(index=0, memory=memoryview(bytearray(200)))
    model.memory[32:34] = encode_raw(77, "uint16")[0].to_bytes(2, "big")
    server = await serve(model, "127.0.0.1", unused_tcp_port)
    made = driver(unused_tcp_port, timeout_s=0.1)
    one = [bindings("r")[0]]
    assert await read(made, one) == ({1: 77.0}, None)
    model.silent = True
    assert await read(made, one, now_s=1.0) == ({}, "device_unreachable")
    model.silent = False
    assert await read(made, one, now_s=10.9) == ({}, "device_unreachable")  # not asked at all
    assert await read(made, one, now_s=11.0) == ({1: 77.0}, None)
    await stop(model, server)
    assert await read(made, one, now_s=12.0) == ({}, "device_unreachable")
    with pytest.raises(LinkError):
        await made.write(bindings()[0], 1.0)
    made.close()


async def test_an_answer_that_comes_too_late_is_never_taken_for_the_next(unused_tcp_port):
    """A device that answers each request 0.15 s late with the value asked for at that time."""
    late = []

    async def serve_late(reader, writer):
        try:
            while True:
                request = await reader.readexactly(12)
                register = int.from_bytes(request[8:10], "big")
                answer = request[:4] + b"\x00\x05\x01\x03\x02" + register.to_bytes(2, "big")
                late.append(asyncio.create_task(send_later(writer, answer)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def send_later(writer, answer):
        await asyncio.sleep(0.15)
        writer.write(answer)

    server = await asyncio.start_server(serve_late, "127.0.0.1", unused_tcp_port)
    made = driver(unused_tcp_port, timeout_s=0.1)
    at = [
        Binding(key=n, point=f"SS0001.k{n}", kind="k", device="DV0001", register=n, dtype="uint16")
        for n in (16, 50)
    ]
    for now_s, binding in ((0.0, at[0]), (100.0, at[1]), (300.0, at[0])):
        values, cause = await read(made, [binding], now_s)
        assert cause == "device_unreachable" or values == {binding.key: float(binding.register)}
        await asyncio.sleep(0.1)
    made.close()
    await asyncio.gather(*late, return_exceptions=True)
    server.close()
    await server.wait_closed()
