"""Sparkplug B through mosquitto: our driver against npm sparkplug-payload, our city against it.

Messages of the peer are made by sparkplug-payload and published by mosquitto_pub; what we publish
is seen by mosquitto_sub and read by sparkplug-payload.
"""

import asyncio
import contextlib
import datetime as dt
import gc
import ipaddress
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heatloop.demo.devices.sparkplug import serve
from heatloop.edge.drivers.registry import driver_class
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import Metric, Payload
from tests.contract.control_field import (
    START,
    Bench,
    Node,
    bindings,
    device,
    face,
    node_peers,
    poller,
    read,
    read_until,
    swept,
)
from tests.contract.edge_peers import until
from tests.contract.link_peers import Mosquitto, free_port

pytestmark = pytest.mark.needs("mosquitto", "mosquitto-clients")
GROUP, NODE = "city", "GW1"
ROWS = [
    ("source_supply_temperature", "Supply", "r"),
    ("source_supply_pressure", "Pressure MPa", "r", "", 1000.0),
    ("source_supply_temperature_setpoint", "Supply set-point", "rw"),
    ("boiler_enable", "Enable", "rw"),
]
VALUES = {
    "source_supply_temperature": 98.7,
    "source_supply_pressure": 850.0,
    "source_supply_temperature_setpoint": 95.0,
    "boiler_enable": 1.0,
}
# Reads {"encode": payload} or {"decode": hex}, prints {"hex": ...} or the payload; numbers that
# are 64 bits wide come as texts.
CODEC = """
const codec = require('sparkplug-payload').get('spBv1.0');
const plain = (key, value) => value && value.low !== undefined && value.high !== undefined
  ? Number(BigInt.asUintN(64, (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0))) : value;
require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  const wanted = JSON.parse(line);
  const found = wanted.encode
    ? {hex: Buffer.from(codec.encodePayload(wanted.encode)).toString('hex')}
    : codec.decodePayload(Buffer.from(wanted.decode, 'hex'));
  console.log(JSON.stringify(found, plain));
});
"""


class Peer:
    """A third party's edge node or host: sparkplug-payload and mosquitto's clients."""

    def __init__(self, broker, node):
        self.broker, self.node, self.heard = broker, node, []
        self._subscription = None

    @classmethod
    async def start(cls, broker):
        peer = cls(broker, await Node.start(node_peers("sparkplug-payload"), CODEC))
        peer._subscription = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-p", str(broker.port), "-t", "spBv1.0/#", "-F", "%t %x",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        peer._task = asyncio.create_task(peer._listen())
        while not peer.heard:
            await send(broker, "spBv1.0/probe", b"x")
            await asyncio.sleep(0.02)
        return peer

    async def _listen(self):
        while line := await self._subscription.stdout.readline():
            topic, _, data = line.decode().strip().partition(" ")
            self.heard.append((topic, data))

    async def codec(self, **wanted):
        await self.node.say(json.dumps(wanted))
        return await self.node.line()

    async def said(self, kind, tail=NODE):
        """Return the newest message to a topic, as the peer reads it."""
        topic = f"spBv1.0/{GROUP}/{kind}/{tail}"
        await until(lambda: any(each == topic for each, _ in self.heard), 5)
        data = [data for each, data in self.heard if each == topic][-1]
        found = await self.codec(decode=data)
        return found, {m.get("name", m.get("alias")): m.get("value") for m in found["metrics"]}

    async def publish(self, kind, payload, tail=NODE, *more):
        hexed = (await self.codec(encode=payload))["hex"]
        await send(self.broker, f"spBv1.0/{GROUP}/{kind}/{tail}", bytes.fromhex(hexed), *more)

    async def birth(self, seq=0, bd=0):
        metrics = [
            {"name": "bdSeq", "type": "Int64", "value": bd},
            {"name": "Node Control/Rebirth", "type": "Boolean", "value": False},
        ]
        await self.publish("NBIRTH", {"timestamp": 1, "seq": seq, "metrics": metrics})

    async def device_birth(self, seq=1, supply=98.5):
        metrics = [
            {"name": "Supply", "alias": 1, "type": "Double", "value": supply},
            {"name": "Pressure MPa", "alias": 2, "type": "Float", "value": 0.875},
            {"name": "Supply set-point", "alias": 3, "type": "Double", "value": 95},
            {"name": "Enable", "alias": 4, "type": "Boolean", "value": True},
        ]
        payload = {"timestamp": 1, "seq": seq, "metrics": metrics}
        await self.publish("DBIRTH", payload, f"{NODE}/boiler")

    async def data(self, seq, *metrics):
        payload = {"timestamp": 1, "seq": seq, "metrics": list(metrics)}
        await self.publish("DDATA", payload, f"{NODE}/boiler")

    async def stop(self):
        self._subscription.kill()
        await self._subscription.wait()
        await asyncio.gather(self._task)
        self._subscription._transport.close()
        await self.node.stop()


async def send(broker, topic, data, *more):
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-p", str(broker.port), "-t", topic, "-s", *more,
        stdin=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await process.communicate(data)
    assert process.returncode == 0


@pytest.fixture
async def broker(tmp_path, program):
    made = Mosquitto(program("mosquitto"), tmp_path / "broker")
    await made.start()
    yield made
    made.stop()


@pytest.fixture
async def peer(broker):
    made = await Peer.start(broker)
    yield made
    await made.stop()


@pytest.fixture
async def bench():
    made = Bench(timeout_s=0.4)
    yield made
    await made.close()


def about(broker, address=f"{GROUP}/{NODE}/boiler", **more):
    return device("sparkplug", broker.port, address=address, host="127.0.0.1", **more)


def alias(number, value, **more):
    return {"alias": number, "type": "Double", "value": value, **more}


async def test_the_driver_understands_another_makers_node(broker, peer, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    values, cause, _ = await read(driver, found)
    assert (values, cause) == ({}, "device_unreachable")
    _, asked = await peer.said("NCMD")
    assert asked == {"Node Control/Rebirth": True}
    await peer.birth()
    await peer.device_birth()
    values, cause, _ = await read_until(driver, found, lambda v, c, d: v)
    assert cause is None
    assert values == {
        "source_supply_temperature": 98.5, "source_supply_pressure": 875.0,
        "source_supply_temperature_setpoint": 95.0, "boiler_enable": 1.0,
    }  # fmt: skip
    await peer.data(2, alias(1, 97.25))
    await read_until(driver, found, lambda v, c, d: v.get("source_supply_temperature") == 97.25)
    before = {"isHistorical": True, "timestamp": (START - 100) * 1000}
    await peer.data(3, alias(1, 90.5, **before), alias(1, 97.5))
    await read_until(driver, found, lambda v, c, d: v.get("source_supply_temperature") == 97.5)
    assert list(bench.late.rows()) == [(101, START - 120, 90.5, 0)]
    quality = {"Quality": {"type": "Int32", "value": 500}}
    await peer.data(4, alias(1, 97.5, properties=quality))
    _, _, doubt = await read_until(driver, found, lambda v, c, d: d)
    assert doubt == {"source_supply_temperature": Quality.STALE}


async def test_a_hole_in_the_numbers_is_not_believed_until_a_rebirth(broker, peer, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    await read(driver, found)
    await peer.birth()
    await peer.device_birth()
    await read_until(driver, found, lambda v, c, d: v)
    node = driver._node
    node._asked_s = float("-inf")
    peer.heard.clear()
    await peer.data(3, alias(1, 97.0))  # number 2 was lost
    assert (await peer.said("NCMD"))[1] == {"Node Control/Rebirth": True}
    assert (await read(driver, found))[1] == "device_unreachable"
    await peer.data(4, alias(1, 97.5))
    assert (await read(driver, found))[:2] == ({}, "device_unreachable")
    await peer.birth(bd=1)
    await peer.device_birth(supply=96.0)
    values, *_ = await read_until(driver, found, lambda v, c, d: v)
    assert values["source_supply_temperature"] == 96.0


async def test_deaths_are_believed_and_old_ones_left_aside(broker, peer, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    await read(driver, found)
    await peer.birth(bd=1)
    await peer.device_birth()
    await read_until(driver, found, lambda v, c, d: v)
    old = {"timestamp": 1, "metrics": [{"name": "bdSeq", "type": "Int64", "value": 0}]}
    await peer.publish("NDEATH", old)
    await peer.data(2, alias(1, 97.0))
    await read_until(driver, found, lambda v, c, d: v.get("source_supply_temperature") == 97.0)
    await peer.publish("DDEATH", {"timestamp": 1, "seq": 3, "metrics": []}, f"{NODE}/boiler")
    await read_until(driver, found, lambda v, c, d: c == "device_unreachable")
    await peer.device_birth(4)
    await read_until(driver, found, lambda v, c, d: v)
    old["metrics"][0]["value"] = 1
    await peer.publish("NDEATH", old)
    await read_until(driver, found, lambda v, c, d: c == "device_unreachable")


async def test_a_write_is_answered_by_the_nodes_next_word(broker, peer, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    await read(driver, found)
    await peer.birth()
    await peer.device_birth()
    await read_until(driver, found, lambda v, c, d: v)

    async def answer():
        _, order = await peer.said("DCMD", f"{NODE}/boiler")
        await peer.data(2, alias(3, order["Supply set-point"]))
        return order

    answering = asyncio.create_task(answer())
    assert await driver.write(found[2], 101.5) == 101.5
    assert await answering == {"Supply set-point": 101.5}
    assert await driver.write(found[3], 0.0, read_back=False) == 0.0
    with pytest.raises(InputError):
        await driver.write(found[3], 0.5)
    with pytest.raises(LinkError, match="does not tell"):
        await driver.write(found[2], 60.0)


async def test_the_city_is_understood_by_another_makers_host(broker, peer):
    found = bindings(ROWS)
    shown = face(about(broker), found, VALUES)
    now_s = [float(START)]
    served = await serve([shown], "127.0.0.1", broker.port, now_s=lambda: now_s[0], period_s=0)
    node_birth, names = await peer.said("NBIRTH")
    assert (node_birth["seq"], names["bdSeq"]) == (0, 0)
    birth, values = await peer.said("DBIRTH", f"{NODE}/boiler")
    assert birth["seq"] == 1
    assert values == {
        "Supply": 98.7, "Pressure MPa": 0.85, "Supply set-point": 95, "Enable": 1,
    }  # fmt: skip
    assert {point for point, _ in shown.told} == {b.point for b in found}
    shown.values["HS0001.source_supply_temperature"] = 99.1
    await served.tell()
    data, values = await peer.said("DDATA", f"{NODE}/boiler")
    assert (data["seq"], values) == (2, {1: 99.1})
    assert shown.told[-1] == ("HS0001.source_supply_temperature", 99.1)
    order = {"name": "Supply set-point", "type": "Double", "value": 88.5}
    await peer.publish("DCMD", {"timestamp": 1, "metrics": [order]}, f"{NODE}/boiler")
    point = "HS0001.source_supply_temperature_setpoint"
    await until(lambda: shown.values[point] == 88.5, 5)
    peer.heard.clear()
    again = {"name": "Node Control/Rebirth", "type": "Boolean", "value": True}
    await peer.publish("NCMD", {"timestamp": 1, "metrics": [again]})
    assert (await peer.said("NBIRTH"))[0]["seq"] == 0
    await served.close()


async def test_the_whole_way_through_the_poller_a_dead_device_and_a_dead_broker(broker):
    rows, more = bindings(ROWS), bindings([("outdoor_temperature", "Outdoor", "r")], "DV0002")
    devices = [about(broker), about(broker, f"{GROUP}/{NODE}", code="DV0002")]
    faces = [face(devices[0], rows, VALUES), face(devices[1], more, {"outdoor_temperature": -7.5})]
    served = await serve(faces, "127.0.0.1", broker.port, now_s=lambda: float(START), period_s=0.02)
    found = [*rows, *more]
    polling = poller(devices, found, lockstep=True, now_s=lambda: float(START))
    sweep = await polling.sweep(START, float(START))
    assert sweep.missed == {}
    wanted = {**VALUES, "outdoor_temperature": -7.5}
    assert swept(sweep, found) == pytest.approx(wanted, rel=1e-9)
    faces[0].silent = True
    await settle(polling, {"DV0001": "device_unreachable"})
    faces[0].silent = False
    await settle(polling, {})
    broker.kill()
    await settle(polling, {"DV0001": "device_unreachable", "DV0002": "device_unreachable"})
    faces[0].values["HS0001.source_supply_temperature"] = 50.0
    await broker.start()
    await settle(polling, {})
    assert swept(await polling.sweep(START, 2e9), found)["source_supply_temperature"] == 50.0
    polling.close()
    await served.close()


async def settle(polling, missed):
    async with asyncio.timeout(15):
        while (await polling.sweep(START, 2e9)).missed != missed:
            await asyncio.sleep(0.05)


async def test_late_values_of_a_node_go_where_they_belong(broker, bench):
    rows = bindings(ROWS)
    shown = face(about(broker), rows, VALUES)
    served = await serve([shown], "127.0.0.1", broker.port, now_s=lambda: float(START), period_s=0)
    driver = bench.driver(about(broker))
    await read_until(driver, rows[:1], lambda v, c, d: v)
    late = [(rows[0], START - 900 + 30 * n, 90.0 + n) for n in range(5)]
    await served.nodes[0].backfill("boiler", [*late, (rows[1], START - 60, 0.8)])
    await until(lambda: len(bench.late) == 5, 5)
    await read(driver, rows)  # now the other point is planned, too
    await until(lambda: len(bench.late) == 6, 5)
    assert sorted(bench.late.rows()) == [
        *((101, START - 900 + 30 * n, 90.0 + n, 0) for n in range(5)),
        (102, START - 60, 800.0, 0),
    ]
    values, *_ = await read(driver, rows)
    assert values["source_supply_temperature"] == 98.7
    await served.close()


async def test_damaged_foreign_and_retained_messages_leave_no_value(broker, peer, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    await read(driver, found)
    await peer.birth()
    await peer.device_birth()
    await read_until(driver, found, lambda v, c, d: v)
    topic = f"spBv1.0/{GROUP}/DDATA/{NODE}/boiler"
    await send(broker, topic, b"\xff" * 40)
    await read_until(driver, found, lambda v, c, d: c == "device_unreachable")
    assert bench.failed()["malformed"] == 1
    driver._node._asked_s = float("-inf")
    await peer.birth()
    await peer.device_birth()
    await read_until(driver, found, lambda v, c, d: v)
    foreign = encode_payload(
        Payload(timestamp_ms=1, seq=2, metrics=(Metric(name="Supply", datatype=10, value=1.0),))
    )
    await send(broker, f"spBv1.0/{GROUP}/DDATA/GW2/boiler", foreign)
    await send(broker, f"spBv1.0/{GROUP}/DDATA/{NODE}/other", b"x")
    values, *_ = await read_until(driver, found, lambda v, c, d: True)
    assert values.get("source_supply_temperature", 98.5) == 98.5
    await send(broker, f"spBv1.0/{GROUP}/NBIRTH/{NODE}", foreign, "-r")
    fresh = Bench()
    other = fresh.driver(about(broker))
    assert (await read(other, found))[1] == "device_unreachable"
    assert fresh.failed().get("malformed", 0) == 0
    await fresh.close()


@pytest.mark.parametrize(
    "more",
    [
        {"address": "city"}, {"address": "a/b/c/d"}, {"address": "a/+/c"},
        {"parameters": "colour=red"}, {"parameters": "ca=x"}, {"parameters": "tls=1 cert=x"},
        {"parameters": "keepalive=0"},
    ],
)  # fmt: skip
async def test_a_wrong_row_of_the_ledger_is_refused_by_name(more):
    given = {"address": "city/GW1", **more}
    bench = Bench()
    with pytest.raises(ConfigError) as caught:
        driver_class("sparkplug")(device("sparkplug", 1883, **given), bench.tools)
    assert caught.value.thing == "DV0001"


def certificate(folder):
    """Write a certificate for this machine and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(day).not_valid_after(day.replace(year=2046))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "broker.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip


async def test_password_encryption_and_the_hosts_state(tmp_path, program):
    certificate(tmp_path)
    port, plain = free_port(), free_port()
    making = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-b", "-c", str(tmp_path / "users"), "edge", "pass"
    )
    await making.wait()
    (tmp_path / "password").write_text("pass\n")
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"per_listener_settings true\nuser root\nlistener {port} 127.0.0.1\n"
        f"password_file {tmp_path}/users\n"
        f"certfile {tmp_path}/broker.pem\nkeyfile {tmp_path}/broker.key\n"
        f"listener {plain} 127.0.0.1\nallow_anonymous true\n"
    )
    process = await asyncio.create_subprocess_exec(
        str(program("mosquitto")), "-c", str(config), stderr=asyncio.subprocess.DEVNULL
    )
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", plain)
            writer.close()
            break
        await asyncio.sleep(0.02)
    found = bindings(ROWS)
    address = f"{GROUP}/{NODE}/boiler"
    shown = face(device("sparkplug", plain, address=address), found, VALUES)
    served = await serve([shown], "127.0.0.1", plain, now_s=lambda: float(START), period_s=0)
    bench = Bench(secrets=tmp_path)
    good = "user=edge password=password tls=1 ca=broker.pem host_id=heatloop"
    for wrong in (good.replace("tls=1 ca=broker.pem", ""), good.replace(" ca=broker.pem", "")):
        driver = bench.driver(device("sparkplug", port, address=address, parameters=wrong))
        assert (await read(driver, found))[1] == "device_unreachable"
    driver = bench.driver(device("sparkplug", port, address=address, parameters=good))
    values, *_ = await read_until(driver, found, lambda v, c, d: v)
    assert values == pytest.approx(VALUES, rel=1e-9)

    async def state():
        sub = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-p", str(plain), "-t", "spBv1.0/STATE/heatloop", "-C", "1", "-W", "5",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return json.loads((await sub.communicate())[0])

    assert await state() == {"online": True, "timestamp": START * 1000}
    await bench.close()
    await served.close()
    process.terminate()
    await process.wait()
    gc.collect()  # whatever a refused certificate left open would be said here
