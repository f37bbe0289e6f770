"""DL/T 645-2007: our driver and our meters, against the PyPI package `dlt645` on either side."""

import asyncio

import pytest
from dlt645.service.clientsvc.async_client_service import AsyncMeterClientService
from dlt645.service.serversvc.async_server_service import AsyncMeterServerService

from heatloop.demo.devices.dlt645 import serve
from heatloop.edge.drivers.dlt645 import Dlt645Driver
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.protocols.dlt645.frames import FOLLOW, READ, READ_MORE, REPLY, Frame, encode_frame
from heatloop.protocols.dlt645.selection import selection
from tests.contract.line_peers import (
    SLOT,
    Wire,
    answering,
    binding,
    bindings_of,
    close_all,
    counted,
    device,
    driving,
    face,
    poller,
    read,
    swept,
    tools,
)  # fmt: skip

FAST = "quiet=0 baud=38400"
METER = "000012345678"
ON_WIRE = "785634120000"
"""The same, as the package writes it."""


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0.01)


def meter(number=1, address=METER, port=1, more=""):
    return device(
        "dlt645", number=number, profile="electricity_meter_dlt645", address=address, port=port,
        parameters=f"{FAST} {more}".strip(),
    )  # fmt: skip


async def test_several_meters_share_a_line():
    addresses = {1: METER, 2: "000012345679"}
    faces = [face(meter(n, a), seed=n) for n, a in addresses.items()]
    server = await serve(faces, "127.0.0.1", 0)
    devices = [meter(n, a, server.port) for n, a in addresses.items()]
    polled, stats = poller(devices, [b for d in devices for b in bindings_of(d)])
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    values = swept(sweep)
    for each in faces:
        for b in each.bindings:
            assert values[b.key] == pytest.approx(each.values[b.point], rel=1e-9), b
        assert len(each.told) == len(each.bindings)
    assert counted(stats)["answered"] == 4  # energy, power and two blocks
    faces[0].silent = True
    sweep = await polled.sweep(SLOT + 30, 1.0)
    assert sweep.missed == {"DV0001": "device_unreachable"}
    assert sweep.answered == ["DV0002"]
    faces[0].silent = False
    assert len((await polled.sweep(SLOT + 60, 100.0)).answered) == 2
    await server.close()


async def test_we_read_the_meter_of_another_program():
    peer = AsyncMeterServerService.new_tcp_server("127.0.0.1", 0)
    peer.set_address(ON_WIRE)
    assert peer.set_00(0x00010000, 12345.67)
    assert peer.set_02(0x02010100, 229.4)
    assert peer.set_02(0x02020100, 12.345)
    assert peer.set_02(0x02030000, 8.7654)
    await peer.start()
    port = peer.server.port
    made = meter(port=port)
    found = [
        binding(made, 1, "forward_active_energy", kind="station_power_total"),
        binding(made, 2, "voltage_a", kind="station_voltage"),
        binding(made, 3, "current_a", kind="station_current"),
        binding(made, 4, "active_power", kind="station_electric_power"),
        binding(made, 5, "0201FF00", kind="station_voltage"),
    ]
    driver = driving(Dlt645Driver, made, tools(1.0))
    values, _ = await read(driver, found)
    for key, value in {1: 12345.67, 2: 229.4, 3: 12.345, 4: 8.7654}.items():
        assert values[key] == pytest.approx(value, rel=1e-9)
    finder = driving(Dlt645Driver, meter(address="", port=port), tools(1.0))
    assert (await read(finder, found[:1]))[0] == {1: pytest.approx(12345.67)}
    close_all()
    await peer.stop()


async def test_another_program_reads_our_meter():
    shown = face(meter())
    server = await serve([shown], "127.0.0.1", 0)
    want = {b.source: shown.values[b.point] for b in shown.bindings}
    peer = AsyncMeterClientService.new_tcp_client("127.0.0.1", server.port, timeout=2.0)
    await peer.connect()
    found = await peer.read_address()
    assert found is not None
    assert str(found.value) == ON_WIRE
    peer.set_address(ON_WIRE)
    energy = await peer.read_00(0x00010000)
    assert float(energy.value) == pytest.approx(want["forward_active_energy"])
    power = await peer.read_02(0x02030000)
    assert float(power.value) == pytest.approx(want["active_power"])
    await peer.disconnect()
    await server.close()


async def test_a_long_answer_comes_in_parts():
    made = meter()
    rows = [binding(made, n, f"0001FF00 n={n}", kind="station_power_total") for n in range(1, 65)]
    shown = face(made, rows)
    for n, b in enumerate(rows):
        shown.values[b.point] = 1000.0 + n
    server = await serve([shown], "127.0.0.1", 0)
    driver = driving(Dlt645Driver, meter(port=server.port))
    values, cause = await read(driver, rows)
    assert cause is None
    assert values == {n: 999.0 + n for n in range(1, 65)}
    await server.close()


async def test_a_meter_that_never_ends_is_given_up():
    parts = iter(range(10_000))

    def reply(chunk):
        n = next(parts)
        head = (0x0001FF00).to_bytes(4, "little")
        tail = bytes((n % 256,)) if n else b""
        control = (READ_MORE if n else READ) | REPLY | FOLLOW
        return encode_frame(Frame(address=METER, control=control, data=head + b"\x01" * 4 + tail))

    async with answering(reply) as port:
        made = meter(port=port)
        driver = driving(Dlt645Driver, made)
        found = [binding(made, 1, "0001FF00", kind="station_power_total")]
        assert await asyncio.wait_for(read(driver, found), 3) == ({}, "device_error")


async def test_what_the_meter_does_not_have_costs_only_itself():
    shown = face(meter())
    server = await serve([shown], "127.0.0.1", 0)
    made = meter(port=server.port)
    driver = driving(Dlt645Driver, made)
    found = [
        binding(made, 1, "frequency", kind="station_voltage"),
        binding(made, 2, "nonsense", kind="station_voltage"),
        binding(made, 3, "active_power", kind="station_voltage"),
        binding(made, 4, "active_power", kind="station_electric_power"),
    ]
    values, cause = await read(driver, found)
    assert (list(values), cause) == ([4], "device_error")
    await server.close()


def energy(address=METER, value="00100000"):
    data = bytes.fromhex("00000100" + value)
    return encode_frame(Frame(address=address, control=READ | REPLY, data=data))


@pytest.mark.parametrize(
    "answer, kind",
    [
        (energy()[:-2] + bytes((energy()[-2] ^ 1, 0x16)), "checksum"),
        (energy()[:9], "length"),
        (energy()[:-1] + b"\x00", "malformed"),
        (b"\x55" * 700, "malformed"),
        (b"\xfe" * 700, "length"),
        (energy("000099999999"), "timeout"),
        (b"", "timeout"),
    ],
)
async def test_damaged_and_foreign_answers_are_counted_and_never_stored(answer, kind):
    async with answering(lambda chunk: answer) as port:
        made = meter(port=port)
        found = [binding(made, 1, "forward_active_energy", kind="station_power_total", period_s=30)]
        polled, stats = poller([made], found, timeout_s=0.1)
        sweep = await asyncio.wait_for(polled.sweep(SLOT, 0.0), 2)
        assert not len(sweep.batch)
        cause = "device_unreachable" if kind == "timeout" else "frame_damaged"
        assert sweep.missed == {"DV0001": cause}
        assert counted(stats)["failed"] == {kind: 1}


async def test_the_question_on_the_wire_is_the_published_one():
    seen = []
    async with answering(lambda chunk: seen.append(chunk)) as port:
        made = meter(port=port, more="wake_up=1")
        driver = driving(Dlt645Driver, made, tools(0.05))
        await read(driver, [binding(made, 1, "forward_active_energy", kind="station_power_total")])
    assert seen[0].hex().upper() == "FE68785634120000681104333334 33C616".replace(" ", "")


async def test_over_a_serial_line():
    line = "baud=9600 parity=N"
    made = device("dlt645", profile="electricity_meter_dlt645", address=METER, parameters=line)
    shown = face(made)
    with Wire() as wire:
        server = await serve([shown], wire.paths[0], 0)
        far = device("dlt645", host=wire.paths[1], port=0, address=METER, parameters=line)
        values, cause = await read(driving(Dlt645Driver, far), shown.bindings)
        assert cause is None
        assert len(values) == len(shown.bindings)
        close_all()
        await asyncio.sleep(0.01)
        await server.close()
        await asyncio.sleep(0.01)


async def test_wrong_parameters_stop_at_the_start():
    for rest in ({"address": "123"}, {"parameters": "wake_up=99"}, {"parameters": "order=low"}):
        with pytest.raises(ConfigError) as caught:
            Dlt645Driver(device("dlt645", **rest), tools())
        assert caught.value.thing == "DV0001"


def test_sources_say_which_value():
    assert selection("forward_active_energy").identifier == 0x00010000
    assert selection("forward_active_energy tariff=2 day=1").identifier == 0x00010201
    assert selection("active_power").identifier == 0x02030000
    assert selection("0201FF00 n=3").n == 3
    wrong = (
        "",
        "volts",
        "0201FF00 n=4",
        "0201FF00 n=0",
        "0201FF00 m=1",
        "FFFFFFFF",
        "voltage_a day=5",
    )
    for source in wrong:
        with pytest.raises(InputError):
            selection(source)
