"""Modbus RTU, DTUs, tables, types and bit fields, against pymodbus, mbpoll and modbus-serial."""

import asyncio
import json
import subprocess

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from heatloop.demo.devices.face import TableFace
from heatloop.demo.devices.modbus_rtu import crc16, serve, serve_tcp
from heatloop.edge.drivers.modbus import ModbusDriver
from heatloop.edge.drivers.modbus_plan import short_float
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.protocols.registers import WORD_ORDERS, encode_raw
from tests.contract.line_peers import (
    SLOT,
    Wire,
    answering,
    binding,
    close_all,
    counted,
    device,
    driving,
    face,
    poller,
    read,
    sample,
    swept,
    tools,
)  # fmt: skip
from tests.contract.node_peers import node_peers, node_program

FAST = "quiet=0 baud=115200"
TYPES = {
    "int16": -12_345,
    "uint16": 54_321,
    "int32": -123_456_789,
    "uint32": 3_456_789_012,
    "int64": -1_234_567_890_123,
    "uint64": 4_503_599_627_370_497,
    "float32": 85.3,
    "float64": 1234.56789012345,
    "bcd16": 9876,
    "bcd32": 12_345_678,
    "bool": 1,
    "bit5": 1,
    "bits8-11": 9,
    "enum16": 7,
    "time32": 1_800_000_000,
    "time64": 1_800_000_000,
}


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0.01)


def rows(made, start=0):
    """Return one writable point a type; 8 registers apart."""
    return [
        binding(made, n, "", register=start + 8 * n, dtype=dtype, access="rw", low=-1e18, high=1e18)
        for n, dtype in enumerate(TYPES)
    ]


@pytest.fixture
async def units():
    """Serve two pymodbus units as a DTU does: RTU frames on one TCP port."""

    def unit(number):
        registers = SimData(0, values=list(range(400)), datatype=DataType.REGISTERS)
        bits = SimData(0, values=[bool(n % 3 == 0) for n in range(64)], datatype=DataType.BITS)
        return SimDevice(number, simdata=([bits], [bits], [registers], [registers]))

    server = ModbusTcpServer([unit(1), unit(7)], address=("127.0.0.1", 0), framer=FramerType.RTU)
    await server.serve_forever(background=True)
    yield server.transport.sockets[0].getsockname()[1]
    await server.shutdown()


async def test_two_pymodbus_units_behind_one_dtu(units):
    devices = [
        device("modbus_rtu_tcp", number=n, unit_id=u, port=units, parameters=FAST)
        for n, u in ((1, 1), (2, 7))
    ]
    found = [
        binding(made, 10 * n + at, table, register=at, dtype="uint16")
        for n, made in enumerate(devices, 1)
        for at, table in ((3, "holding"), (4, "input"), (6, "coil"), (7, "discrete"))
    ]
    polled, stats = poller(devices, found)
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    assert swept(sweep) == {13: 3, 14: 4, 16: 1, 17: 0, 23: 3, 24: 4, 26: 1, 27: 0}
    assert counted(stats)["answered"] == 4


@pytest.mark.parametrize("order", sorted(WORD_ORDERS))
async def test_every_type_is_written_to_pymodbus_and_read_back(units, order):
    made = device("modbus_rtu_tcp", port=units, word_order=order, parameters=FAST)
    driver = driving(ModbusDriver, made, tools())
    for each in rows(made):
        assert await driver.write(each, TYPES[each.dtype]) == pytest.approx(
            TYPES[each.dtype], rel=1e-6
        )
    values, cause = await read(driver, rows(made))
    assert cause is None
    assert values == dict(enumerate(TYPES.values()))


async def test_coils_are_written_and_read_back(units):
    driver = driving(ModbusDriver, device("modbus_rtu_tcp", port=units, parameters=FAST), tools())
    many = driving(
        ModbusDriver, device("modbus_rtu_tcp", port=units, parameters=f"{FAST} write=many"), tools()
    )
    coil = binding(driver.device, 1, "coil", register=5, access="rw")
    assert await driver.write(coil, 1.0) == 1.0
    assert await many.write(coil, 0.0) == 0.0
    with pytest.raises(InputError):
        await driver.write(coil, 2.0)
    for table in ("discrete", "input"):
        with pytest.raises(InputError, match="cannot be written"):
            await driver.write(binding(driver.device, 2, table, dtype="uint16"), 1.0)


@pytest.mark.parametrize("parameters", ["", "mask_write=1", "write=many"])
async def test_a_bit_is_changed_without_its_neighbours(parameters):
    made = device("modbus_rtu_tcp", parameters=f"{FAST} {parameters}")
    word = binding(made, 1, "", register=3, dtype="uint16", access="rw")
    shown = TableFace(made, [word], {word.point: float(0xA5A5)})
    server = await serve([shown], "127.0.0.1", 0)
    driver = driving(
        ModbusDriver,
        device("modbus_rtu_tcp", port=server.port, parameters=made.parameters),
        tools(),
    )
    bit = binding(made, 2, "", register=3, dtype="bit1", access="rw")
    field = binding(made, 3, "", register=3, dtype="bits4-7", access="rw")
    assert await driver.write(bit, 1.0) == 1.0
    assert shown.values[word.point] == 0xA5A7
    assert await driver.write(field, 3.0, read_back=False) == 3.0
    assert shown.values[word.point] == 0xA537
    for wrong, value in ((bit, 2.0), (field, 16.0), (field, -1.0)):
        with pytest.raises(InputError, match="does not fit"):
            await driver.write(wrong, value)
    shown.write = lambda b, v: False
    with pytest.raises(InputError, match="refuses"):
        await driver.write(bit, 0.0)
    assert shown.values[word.point] == 0xA537
    await server.close()


async def test_a_refused_block_is_halved_once_and_the_points_that_work_go_on():
    made = device("modbus_tcp")
    found = [binding(made, n, "", register=n, dtype="uint16") for n in range(1, 13)]
    have = [b for b in found if b.register not in {5, 9}]
    shown = TableFace(made, have, {b.point: float(b.register) for b in have})
    server = await serve_tcp([shown], "127.0.0.1", 0, gaps=False)
    polled, stats = poller([device("modbus_tcp", port=server.port)], found)
    for slot in (SLOT, SLOT + 30):
        sweep = await polled.sweep(slot, 0.0)
        assert swept(sweep) == {b.key: float(b.register) for b in have}
        assert sweep.missed == {"DV0001": "device_error"}
    first = counted(stats)["asked"]
    await polled.sweep(SLOT + 60, 0.0)
    assert counted(stats)["asked"] - first <= 6, "asked for the refused points again"
    await server.close()


@pytest.mark.parametrize("name", ["dtu", "bits"])
@pytest.mark.parametrize("protocol", ["modbus_tcp", "modbus_rtu_tcp"])
async def test_vendor_maps_come_back_as_they_are_shown(name, protocol):
    quick = FAST if protocol == "modbus_rtu_tcp" else ""
    made = device(protocol, profile=f"substation_controller_{name}", parameters=quick)
    shown = face(made)
    start = serve if protocol == "modbus_rtu_tcp" else serve_tcp
    server = await start([shown], "127.0.0.1", 0)
    driver = driving(
        ModbusDriver,
        device(protocol, profile=made.profile, port=server.port, parameters=quick),
        tools(),
    )
    values, cause = await read(driver, shown.bindings)
    assert cause is None
    for b in shown.bindings:
        assert values[b.key] == pytest.approx(shown.values[b.point], rel=1e-9, abs=1e-12), b
    assert len(shown.told) == len(shown.bindings)
    for b in shown.bindings:
        if b.access == "rw":
            value = sample(b.kind, "new")
            assert await driver.write(b, value) == pytest.approx(value, rel=1e-6)
            assert shown.values[b.point] == pytest.approx(value, rel=1e-6)
    await server.close()


async def test_texts_and_nonsense_in_a_profile_cost_only_themselves():
    made = device("modbus_tcp")
    good = binding(made, 1, "", register=1, dtype="uint16")
    shown = TableFace(made, [good], {good.point: 5.0})
    server = await serve_tcp([shown], "127.0.0.1", 0)
    bad = [
        binding(made, 2, "", register=1, dtype="string:8"),
        binding(made, 3, "", register=1, dtype="int17"),
        binding(made, 4, "fridge", register=1, dtype="int16"),
        binding(made, 5, "", register=1, dtype="bits9-4"),
    ]
    driver = driving(ModbusDriver, device("modbus_tcp", port=server.port), tools())
    assert await read(driver, [good, *bad]) == ({1: 5.0}, "device_error")
    await server.close()


async def test_no_value_is_kept_as_no_value():
    made = device("modbus_tcp")
    found = [
        binding(made, 1, "", register=0, dtype="float32"),
        binding(made, 2, "", register=2, dtype="bcd16"),
        binding(made, 3, "", register=3, dtype="pt1000"),
        binding(made, 4, "", register=4, dtype="uint16"),
    ]
    shown = TableFace(made, found, {found[3].point: 4.0})
    server = await serve_tcp([shown], "127.0.0.1", 0)
    polled, _ = poller([device("modbus_tcp", port=server.port)], found)
    sweep = await polled.sweep(SLOT, 0.0)
    assert swept(sweep)[4] == 4.0
    assert dict(zip(sweep.batch.keys, sweep.batch.quality, strict=True)) == {1: 2, 2: 2, 3: 2, 4: 0}
    await server.close()


async def test_a_dead_slave_hardly_slows_the_others_of_its_line():
    devices = [device("modbus_rtu_tcp", number=n, unit_id=n, parameters=FAST) for n in range(1, 11)]
    found = {d.code: [binding(d, 10 * d.unit_id, "", register=1, dtype="uint16")] for d in devices}
    faces = [TableFace(d, found[d.code], {found[d.code][0].point: 1.0}) for d in devices]
    server = await serve(faces, "127.0.0.1", 0)
    faces[4].silent = True
    live = [
        device("modbus_rtu_tcp", number=n, unit_id=n, port=server.port, parameters=FAST)
        for n in range(1, 11)
    ]
    polled, _ = poller(live, [b for rows_ in found.values() for b in rows_], timeout_s=0.1)
    sweep = await polled.sweep(SLOT, 0.0)
    assert sweep.missed == {"DV0005": "device_unreachable"}
    assert len(sweep.answered) == 9
    began = asyncio.get_running_loop().time()
    sweep = await polled.sweep(SLOT + 30, 0.01)
    assert len(sweep.answered) == 9
    assert asyncio.get_running_loop().time() - began < 0.1, "waited for the dead one"
    faces[4].silent = False
    assert len((await polled.sweep(SLOT + 60, 100.0)).answered) == 10
    await server.close()
    sweep = await polled.sweep(SLOT + 90, 200.0)
    assert len(sweep.missed) == 10


def rtu(unit, body):
    frame = bytes((unit, *body))
    return frame + crc16(frame)


@pytest.mark.parametrize(
    "answer, kind",
    [
        (rtu(1, (3, 2, 0, 9))[:-1] + b"\x00", "checksum"),
        (rtu(1, (3, 2, 0, 9))[:4], "length"),
        (rtu(1, (0x2B, 2, 0, 9)), "malformed"),
        (rtu(2, (3, 2, 0, 9)), "timeout"),
        (rtu(1, (4, 2, 0, 9)), "timeout"),
        (b"", "timeout"),
    ],
)
async def test_damaged_and_foreign_frames_are_counted_and_never_stored(answer, kind):
    async with answering(lambda chunk: answer) as port:
        made = device("modbus_rtu_tcp", port=port, parameters=FAST)
        polled, stats = poller([made], [binding(made, 1, "", register=1, dtype="uint16")], 0.1)
        sweep = await asyncio.wait_for(polled.sweep(SLOT, 0.0), 2)
        assert not len(sweep.batch)
        cause = "device_unreachable" if kind == "timeout" else "frame_damaged"
        assert sweep.missed == {"DV0001": cause}
        assert counted(stats)["failed"] == {kind: 1}


async def test_a_short_answer_is_a_misfit_and_an_exception_is_refused():
    answers = [rtu(1, (3, 2, 0, 9)), rtu(1, (0x83, 4))]
    async with answering(lambda chunk: answers.pop(0)) as port:
        made = device("modbus_rtu_tcp", port=port, parameters=FAST)
        found = [binding(made, 1, "", register=1, dtype="uint32")]
        driver = driving(ModbusDriver, made, tools())
        assert await read(driver, found) == ({}, "device_error")
        assert await read(driver, found) == ({}, "device_error")


async def test_a_late_answer_is_never_taken_for_the_next():
    async def late(reader, writer):
        register = 0
        while chunk := await reader.read(64):
            register = int.from_bytes(chunk[2:4], "big")
            asyncio.get_running_loop().call_later(
                0.15, writer.write, rtu(1, (3, 2, *register.to_bytes(2, "big")))
            )
        writer.close()

    server = await asyncio.start_server(late, "127.0.0.1", 0)
    made = device(
        "modbus_rtu_tcp", port=server.sockets[0].getsockname()[1], parameters=f"{FAST} timeout=0.1"
    )
    driver = driving(ModbusDriver, made, tools())
    for now_s, register in ((0.0, 16), (100.0, 50), (300.0, 16)):
        one = binding(made, 1, "", register=register, dtype="uint16")
        values, cause = await read(driver, [one], now_s)
        assert cause == "device_unreachable" or values == {1: float(register)}
    close_all()
    server.close()
    await asyncio.sleep(0.2)
    await server.wait_closed()


async def test_what_arrives_while_nobody_waits_is_thrown_away():
    async def chatty(reader, writer):
        while await reader.read(64):
            writer.write(rtu(1, (3, 2, 0, 7)))
            await asyncio.sleep(0.01)
            writer.write(b"\x01\x03\x02" * 50_000)
        writer.close()

    server = await asyncio.start_server(chatty, "127.0.0.1", 0)
    made = device(
        "modbus_rtu_tcp", port=server.sockets[0].getsockname()[1], parameters=f"{FAST} timeout=1"
    )
    lent = tools()
    driver = driving(ModbusDriver, made, lent)
    found = [binding(made, 1, "", register=1, dtype="uint16")]
    line = lent.shared.get(("line", made.host, made.port), lambda: None)
    for now_s in (0.0, 100.0):
        assert await read(driver, found, now_s) == ({1: 7.0}, None)
        await asyncio.sleep(0.05)
        assert len(line._port.buffer) < 100
    close_all()
    server.close()
    await asyncio.sleep(0.02)


async def test_a_converter_that_echoes_and_asking_again():
    asked = []

    def reply(chunk):
        asked.append(chunk)
        return chunk + (rtu(1, (3, 2, 0, 77)) if len(asked) > 1 else b"")

    async with answering(reply) as port:
        made = device(
            "modbus_rtu_tcp", port=port, parameters=f"{FAST} echo=1 retries=1 timeout=0.1"
        )
        found = [binding(made, 1, "", register=1, dtype="uint16")]
        assert await read(driving(ModbusDriver, made, tools()), found) == ({1: 77.0}, None)
    assert len(asked) == 2


async def test_over_a_serial_line():
    made = device("modbus_rtu", unit_id=3)
    found = rows(made)
    shown = TableFace(made, found, {b.point: float(TYPES[b.dtype]) for b in found})
    with Wire() as wire:
        server = await serve([shown], wire.paths[0], 0)
        driver = driving(
            ModbusDriver, device("modbus_rtu", unit_id=3, host=wire.paths[1], port=0), tools()
        )
        assert await read(driver, found) == (dict(enumerate(TYPES.values())), None)
        assert await driver.write(found[6], -7.5) == -7.5
        close_all()
        await asyncio.sleep(0.01)
        await server.close()
        await asyncio.sleep(0.01)


async def test_a_serial_port_that_is_not_there_is_a_broken_link():
    made = device("modbus_rtu", host="/dev/no-such-port", port=0)
    found = [binding(made, 1, "", register=1, dtype="uint16", access="rw")]
    driver = driving(ModbusDriver, made, tools())
    assert await read(driver, found) == ({}, "device_unreachable")
    with pytest.raises(LinkError):
        await driver.write(found[0], 1.0)


@pytest.mark.parametrize(
    "parameters", ["words=0", "gap=x", "write=maybe", "baud=9601", "mask_write=2", "timeout=99"]
)
async def test_wrong_parameters_stop_at_the_start(parameters):
    with pytest.raises(ConfigError) as caught:
        driving(ModbusDriver, device("modbus_rtu_tcp", parameters=parameters), tools())
    assert caught.value.thing == "DV0001"
    assert caught.value.fix


@pytest.mark.needs("mbpoll", "socat")
async def test_mbpoll_reads_and_writes_our_slaves_over_a_serial_line(program, tmp_path):
    devices = [device("modbus_rtu", number=n, unit_id=n) for n in (1, 2)]
    faces = [
        TableFace(d, rows(d), {b.point: float(TYPES[b.dtype]) for b in rows(d)}) for d in devices
    ]
    server = await serve(faces, "127.0.0.1", 0)
    port = tmp_path / "tty"
    bridge = await asyncio.create_subprocess_exec(
        str(program("socat")), f"pty,link={port},raw,echo=0", f"tcp:127.0.0.1:{server.port}"
    )
    while not port.exists():
        await asyncio.sleep(0.01)

    async def mbpoll(*arguments):
        command = [str(program("mbpoll")), "-m", "rtu", "-b", "9600", "-P", "none", "-1", "-0"]
        done = await asyncio.to_thread(
            subprocess.run, [*command, *arguments], capture_output=True, text=True, timeout=20
        )
        return done.stdout + done.stderr

    assert "[0]: \t53191 (-12345)" in await mbpoll("-a", "2", "-t", "4", "-r", "0", str(port))
    assert "[48]: \t85.3" in await mbpoll("-a", "1", "-t", "4:float", "-B", "-r", "48", str(port))
    text = await mbpoll("-a", "2", "-t", "4", "-r", "8", str(port), "1234")
    assert "Written 1" in text, text
    assert faces[1].values["AS0002.k1"] == 1234.0
    assert faces[0].values["AS0001.k1"] == 54_321.0
    bridge.terminate()
    await bridge.wait()
    await server.close()


NODE = """
const Modbus = require("modbus-serial");
(async () => {
  const out = {}, client = new Modbus();
  await client.connectTelnet("127.0.0.1", {port: PORT});
  client.setTimeout(2000);
  for (const unit of [1, 2]) {
    client.setID(unit);
    out[unit] = {
      int16: (await client.readHoldingRegisters(0, 1)).buffer.readInt16BE(),
      float32: (await client.readHoldingRegisters(48, 2)).buffer.readFloatBE(),
      float64: (await client.readHoldingRegisters(56, 4)).buffer.readDoubleBE(),
      int64: String((await client.readHoldingRegisters(32, 4)).buffer.readBigInt64BE()),
      input: (await client.readInputRegisters(200, 1)).data[0],
      coils: (await client.readCoils(200, 2)).data.slice(0, 2),
    };
  }
  await client.writeRegisters(24, [0x1234, 0x5678]);
  await client.writeCoil(201, true);
  try { await client.readHoldingRegisters(5000, 1); } catch (e) { out.refused = e.modbusCode; }
  console.log(JSON.stringify(out));
  client.close(() => process.exit(0));
})().catch(e => { console.error(e); process.exit(1); });
"""


async def test_modbus_serial_reads_and_writes_our_slaves_behind_a_dtu():
    folder = node_peers("modbus-serial")
    faces = []
    for n in (1, 2):
        made = device("modbus_rtu_tcp", number=n, unit_id=n)
        more = [
            binding(made, 50, "input", register=200, dtype="uint16"),
            binding(made, 51, "coil", register=200, access="rw"),
            binding(made, 52, "coil", register=201, access="rw"),
        ]
        values = {b.point: float(TYPES[b.dtype]) for b in rows(made)}
        values |= {more[0].point: 42.0, more[1].point: 1.0, more[2].point: 0.0}
        faces.append(TableFace(made, rows(made) + more, values))
    server = await serve(faces, "127.0.0.1", 0)
    done = await asyncio.to_thread(
        subprocess.run, [node_program(), "-e", NODE.replace("PORT", str(server.port))], cwd=folder,
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout)
    for unit in ("1", "2"):
        assert out[unit]["int16"] == TYPES["int16"]
        assert short_float(out[unit]["float32"]) == 85.3
        assert out[unit]["float64"] == TYPES["float64"]
        assert int(out[unit]["int64"]) == TYPES["int64"]
        assert out[unit]["input"] == 42
        assert out[unit]["coils"] == [True, False]
    assert out["refused"] == 2
    assert faces[1].values["AS0002.k3"] == 0x12345678
    assert faces[1].values["AS0002.k52"] == 1.0
    assert faces[0].values["AS0001.k52"] == 0.0
    await server.close()


def test_the_words_of_a_dtu_are_those_of_the_field_guide():
    assert encode_raw(55.5, "float32", "ABCD") == (0x425E, 0x0000)
    assert encode_raw(55.5, "float32:CDAB", "ABCD") == (0x0000, 0x425E)
    assert rtu(1, (3, 0, 0, 0, 2)).hex().upper() == "010300000002C40B"
