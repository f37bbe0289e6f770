"""BACnet/IP in the field: node-bacnet as device and client, our device, what must be refused."""

import asyncio
import math
import os
import socket

import pytest

from heatloop.demo.devices.bacnet import serve
from heatloop.edge.drivers.bacnet import BacnetDriver
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.profiles import profile
from tests.contract.control_field import (
    START,
    Bench,
    Node,
    bindings,
    device,
    face,
    free_port,
    node_peers,
    poller,
    read,
    swept,
)

ROWS = [(r.kind, r.source, r.access) for r in profile("building_heat_inlet_bacnet")]
VALUES = {
    "building_heat_total": 3_912_345_678.0,
    "building_flow": 12.34,
    "building_supply_temperature": 47.6,
    "building_return_temperature": 38.1,
    "building_valve_opening": 55.0,
}
FLOW = "HS0001.building_flow"


@pytest.fixture
async def bench():
    made = Bench(timeout_s=1.5)
    yield made
    await made.close()


@pytest.fixture
async def controller():
    """Return a face, its bindings and our running device 77."""
    found = bindings(ROWS)
    shown = face(device("bacnet", 0, address="77"), found, VALUES)
    server = await serve([shown], "127.0.0.1", 0)
    yield shown, found, server
    await server.close()


def driver(bench, port, **more):
    return bench.driver(device("bacnet", port, **{"address": "77", **more}))


# -- our driver against an independent device

DEVICE = """
const Bacnet = require("node-bacnet");
const [port, single] = process.argv.slice(-2);
const device = new Bacnet({
  port: Number(port), interface: "127.0.0.1", broadcastAddress: "127.255.255.255" });
const REAL = 4, UNSIGNED = 2, DOUBLE = 5, ENUMERATED = 9, TEXT = 7, BITS = 8;
const held = {
  "23:1": [UNSIGNED, 3912345678, 0], "0:2": [REAL, 12.34, 0], "0:3": [REAL, 47.6, 2],
  "0:4": [REAL, 38.1, 8], "1:5": [REAL, 55, 0], "5:9": [ENUMERATED, 1, 0],
  "46:1": [DOUBLE, 1234567.875, 0], "8:77": [TEXT, "plant", 0] };
const value = (id, property) => {
  const found = held[id.type + ":" + id.instance];
  if (!found) return null;
  if (property === 111) return [{ type: BITS, value: { value: [found[2]], bitsUsed: 4 } }];
  if (property !== (id.type === 8 ? 77 : 85)) return null;
  return [{ type: found[0], value: found[1], encoding: 0 }];
};
const unknown = [{ value: { type: "BacnetError", errorClass: 1, errorCode: 31 } }];
device.on("readProperty", (asked) => {
  const { objectId, property } = asked.payload;
  const found = value(objectId, property.id);
  if (found) {
    device.readPropertyResponse(asked.header.sender, asked.invokeId, objectId, property, found);
  } else {
    device.errorResponse(asked.header.sender, asked.service, asked.invokeId, 1, 31);
  }
});
if (single !== "single") device.on("readPropertyMultiple", (asked) => {
  device.readPropertyMultipleResponse(asked.header.sender, asked.invokeId,
    asked.payload.properties.map((one) => ({
      objectId: one.objectId,
      values: one.properties.map((p) => ({
        property: p, value: value(one.objectId, p.id) || unknown }))
    })));
});
device.on("listening", () => console.log(JSON.stringify({ up: true })));
"""


@pytest.mark.parametrize("kind", ["multiple", "single"])
async def test_a_node_bacnet_device_is_read(bench, kind):
    port = free_port()
    peer = await Node.start(node_peers("node-bacnet"), DEVICE, port, kind)
    try:
        await peer.line()
        found = bindings(
            [
                *ROWS, ("boiler_state", "binary-value,9", "r"),
                ("source_heat_total", "large-analog-value,1", "r"),
                ("tank_level", "analog-input,99", "r"),
            ]
        )  # fmt: skip
        # The peer hears nobody who calls from 127.0.0.1.
        talk = driver(bench, port, parameters="local=127.0.0.2")
        values, cause, doubtful = await read(talk, found)
        assert values == VALUES | {"boiler_state": 1.0, "source_heat_total": 1234567.875}
        assert cause == "device_error"  # nothing is at analog-input,99
        assert doubtful == {
            "building_supply_temperature": Quality.BAD,
            "building_return_temperature": Quality.UNCERTAIN,
        }
        assert bench.failed() == {"refused": 1}
        other = bench.driver(
            device("bacnet", port, "DV0002", address="78", parameters="local=127.0.0.2")
        )
        assert (await read(other, found))[:2] == ({}, "device_error")
    finally:
        await peer.stop()
    assert (await read(talk, found))[:2] == ({}, "device_unreachable")


# -- our device against an independent client

CLIENT = """
const Bacnet = require("node-bacnet");
const [port, own] = process.argv.slice(-2);
const client = new Bacnet({ port: Number(own), interface: "127.0.0.1", apduTimeout: 1000,
  broadcastAddress: "127.255.255.255" });
const at = { address: "127.0.0.1:" + port };
const call = (name, ...rest) => new Promise((done) => client[name](at, ...rest,
  (error, value) => done(error ? { error: error.message } : value)));
client.on("listening", async () => {
  const one = await call("readProperty", { type: 0, instance: 3 }, 85);
  const name = await call("readProperty", { type: 8, instance: 77 }, 77);
  const none = await call("readProperty", { type: 0, instance: 99 }, 85);
  const many = await call("readPropertyMultiple", [
    { objectId: { type: 23, instance: 1 }, properties: [{ id: 85 }, { id: 111 }] },
    { objectId: { type: 1, instance: 5 }, properties: [{ id: 85 }] }]);
  const write = await call("writeProperty", { type: 1, instance: 5 }, 85, [{ type: 4, value: 1 }],
    {});
  console.log(JSON.stringify({
    one: one.values[0].value, name: name.values[0].value, none: none.error,
    many: many.values.map((v) => v.values.map((p) => p.value[0].value)), write: write.error }));
});
"""


async def test_a_node_bacnet_client_reads_our_device_and_cannot_write(controller):
    shown, _, server = controller
    peer = await Node.start(node_peers("node-bacnet"), CLIENT, server.port, free_port())
    try:
        said = await peer.line()
    finally:
        await peer.stop()
    assert said["one"] == pytest.approx(47.6)
    assert said["name"] == "DV0001"
    assert "unknown" in said["none"].lower()
    (total, flags), (opening,) = said["many"]
    assert (total, flags["value"], opening) == (3_912_345_678, [0], 55.0)
    assert "denied" in said["write"].lower()
    assert shown.values["HS0001.building_valve_opening"] == 55.0
    told = [point.partition(".")[2] for point, _ in shown.told]
    assert told == ["building_supply_temperature", "building_heat_total", "building_valve_opening"]


# -- our driver against our device, through the poller


async def test_through_the_poller_a_killed_device_is_found_again(controller):
    shown, found, server = controller
    about = device("bacnet", server.port, address="77")
    made = poller([about], found, timeout_s=0.3, lockstep=True)
    at = START // 600 * 600
    sweep = await made.sweep(at, at)
    assert swept(sweep, found) == VALUES
    assert {p.partition(".")[2] for p, _ in shown.told} == set(VALUES)
    shown.silent = True
    sweep = await made.sweep(at + 600, at + 600)
    assert sweep.missed == {"DV0001": "device_unreachable"}
    shown.silent, shown.values[FLOW] = False, 1.5
    sweep = await made.sweep(at + 1200, at + 1200)
    assert swept(sweep, found)["building_flow"] == 1.5
    await server.close()
    assert (await made.sweep(at + 1800, at + 1800)).missed
    again = await serve([shown], "127.0.0.1", server.port)
    sweep = await made.sweep(at + 2400, at + 2400)
    assert swept(sweep, found)["building_flow"] == 1.5
    made.close()
    await again.close()
    await asyncio.sleep(0.01)


async def test_devices_of_a_gateway_share_a_socket(bench, controller):
    _, found, server = controller
    second = face(device("bacnet", 0, address="78"), found, VALUES | {"building_flow": 2.0})
    other = await serve([second], "127.0.0.1", 0)
    one = driver(bench, server.port)
    two = driver(bench, other.port, code="DV0002", address="78")
    wrong = driver(bench, other.port, code="DV0003", address="77")
    (first, _, _), (later, _, _), (none, cause, _) = await asyncio.gather(
        read(one, found), read(two, found), read(wrong, found)
    )
    assert (first["building_flow"], later["building_flow"]) == (12.34, 2.0)
    assert (none, cause) == ({}, "device_error")  # the device of the ledger is another
    assert len(bench.shared._kept) == 1
    await other.close()


async def test_a_sensor_without_a_value_is_bad_and_no_number(bench, controller):
    shown, found, server = controller
    shown.values[FLOW] = math.nan
    values, cause, doubtful = await read(driver(bench, server.port), found)
    assert math.isnan(values["building_flow"])
    assert (cause, doubtful) == (None, {"building_flow": Quality.BAD})


# -- bad input


ANSWER = b"\x81\x0aLL\x01\x00\x30II\x0c"


class Shout(asyncio.DatagramProtocol):
    """Answers every question with the same bytes; length and number are put in."""

    def __init__(self, noise):
        self.noise = noise

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        said = self.noise.replace(b"II", data[8:9])
        if said.startswith(b"\x81\x0aLL"):
            said = b"\x81\x0a" + len(said).to_bytes(2, "big") + said[4:]
        self.transport.sendto(said, addr)


@pytest.mark.parametrize(
    ("noise", "cause", "failed"),
    [
        (b"", "device_unreachable", {"timeout": 1}),
        (b"\x81\x0a\xff\xff", "frame_damaged", {"malformed": 1}),
        (b"\x55" * 40, "device_unreachable", {"timeout": 1}),
        # Good heads, then what is cut short, of another object, of no sense.
        (ANSWER + b"\x0c\x0c\x02\x00\x00", "device_unreachable", {"timeout": 1}),
        (ANSWER + bytes.fromhex("0c0200004e194d3e71003f"), "frame_damaged", {"malformed": 1}),
        (ANSWER + bytes.fromhex("0e1e2e3e4e5e6e7e8e"), "device_unreachable", {"timeout": 1}),
    ],
)
async def test_a_device_that_answers_noise_is_counted_and_stores_nothing(noise, cause, failed):
    bench = Bench(timeout_s=0.2)
    loop = asyncio.get_running_loop()
    made, _ = await loop.create_datagram_endpoint(lambda: Shout(noise), local_addr=("127.0.0.1", 0))
    talk = driver(bench, made.get_extra_info("sockname")[1])
    values, why, _ = await read(talk, bindings(ROWS))
    await bench.close()
    made.close()
    assert (values, why, bench.failed()) == ({}, cause, failed)


async def test_noise_does_not_stop_our_device(bench, controller):
    _, found, server = controller
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        for size in range(100):
            noise = os.urandom(size)
            head = b"\x81\x0a" + (size + 4).to_bytes(2, "big")
            for data in (noise, head + noise):
                made.sendto(data, ("127.0.0.1", server.port))
            await asyncio.sleep(0)
    assert (await read(driver(bench, server.port), found))[:2] == (VALUES, None)


async def test_a_taken_port_and_several_devices_are_refused(controller):
    shown, _, server = controller
    with pytest.raises(OSError, match="in use"):
        await serve([shown], "127.0.0.1", server.port)
    with pytest.raises(InputError, match="one device"):
        await serve([shown, shown], "127.0.0.1", 0)


@pytest.mark.parametrize(
    "given",
    [
        {"address": ""}, {"address": "4194303"}, {"address": "x"}, {"parameters": "objects=0"},
        {"parameters": "local=host"}, {"parameters": "port=5"}, {"parameters": "objects=x"},
    ],
)  # fmt: skip
async def test_wrong_parameters_name_device_and_fix(bench, given):
    with pytest.raises(ConfigError, match="DV0001") as caught:
        BacnetDriver(device("bacnet", 47808, **{"address": "77", **given}), bench.tools)
    assert caught.value.fix


async def test_sources_that_mean_nothing_are_refused_each_by_itself(bench, controller):
    _, _, server = controller
    odd = [("tank_level", "", "r"), ("boiler_load", "analog-input", "r"),
           ("boiler_state", "no-such-object,1", "r"), ("source_flow", "device,77", "r"),
           ("tank_top_temperature", "analog-input,9999999", "r")]  # fmt: skip
    values, cause, _ = await read(driver(bench, server.port), bindings([*ROWS, *odd]))
    assert (values, cause) == (VALUES, "device_error")
