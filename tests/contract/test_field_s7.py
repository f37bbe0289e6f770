"""Siemens S7: our driver against the server that comes with python-snap7."""

import asyncio
import struct

import pytest
from snap7.server import Server
from snap7.type import SrvArea

from heatloop.edge.drivers.s7 import S7Driver
from heatloop.edge.drivers.s7_address import place_of
from heatloop.kernel.errors import ConfigError, InputError
from tests.contract.line_peers import (
    SLOT,
    Relay,
    answering,
    binding,
    bindings_of,
    close_all,
    counted,
    device,
    driving,
    poller,
    read,
    sample,
    swept,
    tools,
)  # fmt: skip


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0.02)


class Plc:
    """A controller with data blocks 10 and 21 and 32 bytes of memory."""

    def __init__(self):
        self.port = 0
        self.blocks = {10: bytearray(256), 21: bytearray(256)}
        self.memory = bytearray(32)
        self._server = Server(log=False)
        for number, block in self.blocks.items():
            self._server.register_area(SrvArea.DB, number, block)
        self._server.register_area(SrvArea.MK, 0, self.memory)

    async def __aenter__(self):
        await asyncio.to_thread(self._server.start, 0)
        self.port = self._server.server_socket.getsockname()[1]
        return self

    async def __aexit__(self, *reason):
        close_all()
        await asyncio.sleep(0.05)
        await asyncio.to_thread(self._server.stop)


def put(plc, where, value):
    """Put a value of a profile's point into the controller's memory."""
    place = place_of(where)
    raw = (value - where.offset) / where.factor
    block = plc.blocks[place.db]
    if place.bit is not None:
        block[place.byte] = block[place.byte] & ~(1 << place.bit) | int(raw) << place.bit
    else:
        block[place.byte : place.byte + place.size] = place.encode(raw)


async def test_a_station_controller_is_read_written_and_found_again():
    async with Plc() as plc, Relay(plc.port) as relay:
        made = device("s7", profile="substation_controller_s7", port=relay.port)
        found = bindings_of(made)
        want = {b.key: sample(b.kind) for b in found}
        for b in found:
            put(plc, b, want[b.key])
        polled, stats = poller([made], found, timeout_s=1.0)
        sweep = await polled.sweep(SLOT, 0.0)
        assert not sweep.missed
        assert swept(sweep) == pytest.approx(want, rel=1e-9)
        assert counted(stats)["answered"] <= 6, "not read in blocks"
        driver = polled.drivers["DV0001"]
        for b in found:
            if b.access == "rw":
                assert await driver.write(b, sample(b.kind, 2)) == pytest.approx(
                    sample(b.kind, 2), rel=1e-6
                )
        relay.cut()
        sweep = await polled.sweep(SLOT + 30, 1.0)
        assert sweep.missed == {"DV0001": "device_unreachable"}
        relay.up = True
        assert not (await polled.sweep(SLOT + 60, 100.0)).missed


async def test_a_bit_is_changed_without_its_neighbours_and_numbers_are_big_endian():
    async with Plc() as plc:
        made = device("s7", port=plc.port)
        plc.blocks[10][3] = 0xA5
        plc.blocks[10][4:8] = struct.pack(">f", -7.25)
        plc.memory[2:4] = (513).to_bytes(2, "big")
        bit = binding(made, 1, "DB10.DBX3.1", access="rw")
        real = binding(made, 2, "DB10.DBD4", dtype="float32", access="rw")
        word = binding(made, 3, "MW2", dtype="int16", access="rw")
        byte = binding(made, 4, "DB10.DBB3", access="rw")
        driver = driving(S7Driver, made, tools(1.0))
        assert await read(driver, [bit, real, word, byte]) == (
            {1: 0.0, 2: -7.25, 3: 513.0, 4: 165.0}, None,
        )  # fmt: skip
        assert await driver.write(bit, 1.0) == 1.0
        assert plc.blocks[10][3] == 0xA7
        assert await driver.write(byte, 0.0) == 0.0
        assert await driver.write(word, -2.0, read_back=False) == -2.0
        assert plc.memory[2:4] == b"\xff\xfe"
        for wrong, value in ((bit, 2.0), (byte, 256.0), (word, 40_000.0)):
            with pytest.raises(InputError, match="fit"):
                await driver.write(wrong, value)
        with pytest.raises(InputError, match="inputs"):
            await driver.write(binding(made, 5, "IB0"), 1.0)


async def test_what_the_controller_does_not_have_costs_only_itself():
    async with Plc() as plc:
        made = device("s7", port=plc.port)
        found = [
            binding(made, 1, "DB10.DBW0", dtype="uint16"),
            binding(made, 2, "DB99.DBW0", dtype="uint16"),
            binding(made, 3, "DB10.DBW900", dtype="uint16"),
            binding(made, 4, "DB10.DBD0", dtype="int16"),
            binding(made, 5, "DB10.DBX0", dtype="bool"),
            binding(made, 6, "nonsense"),
        ]
        driver = driving(S7Driver, made, tools(1.0))
        assert await read(driver, found) == ({1: 0.0}, "device_error")


@pytest.mark.parametrize("noise", [b"", b"\x03\x00\x00\x07\x02\xf0\x00", b"\x00" * 64])
async def test_noise_is_a_broken_link_not_a_hang(noise):
    async with answering(lambda chunk: noise) as port:
        made = device("s7", port=port)
        driver = driving(S7Driver, made, tools(0.2))
        found = [binding(made, 1, "DB10.DBW0", dtype="uint16")]
        values, cause = await asyncio.wait_for(read(driver, found), 3)
        assert not values
        assert cause in {"device_unreachable", "device_error"}
        close_all()


async def test_wrong_parameters_stop_at_the_start():
    with pytest.raises(ConfigError):
        S7Driver(device("s7", parameters="slot=99"), tools())
