"""Republishing to a real broker: JSON, retained, Sparkplug B, TLS, cuts of the line."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from heatloop.bridge.mqtt_out import MqttOut, OutBroker
from heatloop.bridge.mqtt_out_topics import out_point
from heatloop.kernel.series import Columns
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.session import rebirth_command
from heatloop.security.access import Role
from tests.contract.link_peers import Mosquitto, free_port
from tests.contract.open_room import SLOT, until
from tests.contract.test_field_sparkplug import certificate
from tests.unit.app_town import town

pytestmark = pytest.mark.needs("mosquitto", "mosquitto-clients")
FLOW, OTHER = "SS0001.primary_flow", "SS0002.primary_flow"
SUPPLY = "UN0001.secondary_supply_temperature"


@pytest.fixture
async def broker(tmp_path, program):
    made = Mosquitto(program("mosquitto"), tmp_path / "broker")
    await made.start()
    yield made
    made.stop()


class Listener:
    """mosquitto_sub, read line by line."""

    def __init__(self, port, topic, *more):
        self._arguments = ("-p", str(port), "-t", topic, "-F", "%r %t %x", "-V", "5", *more)
        self.said = []

    async def __aenter__(self):
        self._process = await asyncio.create_subprocess_exec(
            "mosquitto_sub", *self._arguments, stdout=asyncio.subprocess.PIPE
        )
        self._task = asyncio.create_task(self._read())
        return self

    async def _read(self):
        async for line in self._process.stdout:
            retained, topic, *rest = line.decode().strip().split(" ")
            self.said.append((topic, bytes.fromhex(rest[0]) if rest else b"", retained == "1"))

    async def __aexit__(self, *_):
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            self._process.terminate()
        await self._process.wait()
        await self._task

    def of(self, topic):
        return [json.loads(p) if p else None for t, p, _ in self.said if t == topic]


async def retained(port, topic):
    async with Listener(port, topic, "--retained-only") as found:
        await asyncio.sleep(0.3)
    return {topic: json.loads(p) for topic, p, _ in found.said if p}


@contextlib.asynccontextmanager
async def publishing(tmp_path, port, **more):
    settings = {"url": f"mqtt://127.0.0.1:{port}", "prefix": "heat/city", **more}
    async with town(tmp_path / "town", mqtt_out=settings) as here:
        gateways = [await here.enrol("GW0001"), await here.enrol("GW0002")]
        for gateway in gateways:
            await gateway.connect()
        yield here, gateways


async def test_6_3_a_values_and_alarms_of_a_subtree_reach_a_broker(tmp_path, broker):
    async with (
        Listener(broker.port, "heat/city/#") as heard,
        publishing(tmp_path, broker.port, assets="BR01") as (here, (one, two)),
    ):
        out = here.platform.outside.mqtt_out
        await until(lambda: out.state().connected)
        await one.samples((FLOW, SLOT, 12.5), (FLOW, SLOT - 60, 3.0))
        await two.samples((OTHER, SLOT, 99.0))
        for n in range(12):
            await one.samples((SUPPLY, SLOT - 400 + 30 * n, 99.0))
        topic = "heat/city/v1/points/SS0001/primary_flow"
        await until(lambda: heard.of(topic))
        assert heard.of(topic)[-1] == {
            "v": 12.5, "q": "good", "t": "2027-01-15T08:00:00Z", "u": "m3/h"
        }  # fmt: skip
        await until(lambda: any("/alarms/UN0001/" in t for t, *_ in heard.said))
        alarm = next(t for t, *_ in heard.said if "/alarms/UN0001/" in t)
        await until(lambda: heard.of("heat/city/v1/status"))
        assert heard.of("heat/city/v1/status") == [{"online": True}]
        stands = await retained(broker.port, "heat/city/#")
        assert stands[topic]["v"] == 12.5
        assert stands[alarm]["state"] == "active"
        assert not any("SS0002" in t for t, *_ in heard.said)
        # A late value does not take the place of the present one.
        before = len(heard.of(topic))
        await one.acknowledged(await one.samples((FLOW, SLOT - 600, 1.0)))
        # Acknowledged and back to normal the alarm is taken away.
        await one.samples(*((SUPPLY, SLOT - 40 + 30 * n, 50.0) for n in range(2)))
        async with here.client("d", Role.DISPATCHER) as client:
            await client.post(f"/api/v1/alarms/{alarm.rpartition('/')[2]}/acknowledge")
        await until(lambda: heard.of(alarm)[-1] is None)
        assert alarm not in await retained(broker.port, "heat/city/#")
        assert len(heard.of(topic)) == before
        state = out.state()
        assert state.sent > 5
        assert state.dropped == 0
        assert state.last_error == ""
    assert heard.of("heat/city/v1/status")[-1] == {"online": False}


async def test_a_broker_that_goes_and_comes_back_has_the_present_again(tmp_path, broker, capfd):
    async with publishing(tmp_path, broker.port, queue=1_000) as (here, (one, _)):
        out = here.platform.outside.mqtt_out
        await until(lambda: out.state().connected)
        await one.acknowledged(await one.samples((FLOW, SLOT - 90, 1.0)))
        broker.kill()
        await until(lambda: not out.state().connected)
        for n in range(130):
            rows = [(f"SS0001.{k}", SLOT - 30 * (140 - n), float(n)) for k in _kinds(here)]
            await one.acknowledged(await one.samples(*rows))
        await one.acknowledged(await one.samples((FLOW, SLOT, 42.0)))
        await until(lambda: out.state().dropped > 0)
        assert out.state().waiting <= 1_000
        await broker.start()
        await until(lambda: out.state().connected, 20)
        await until(lambda: out.state().waiting == 0)
        topic = "heat/city/v1/points/SS0001/primary_flow"
        async with asyncio.timeout(10):
            while (await retained(broker.port, topic)).get(topic, {}).get("v") != 42.0:
                await asyncio.sleep(0.1)
    said = capfd.readouterr().out
    assert said.count("broker is away, trying on") == 1
    assert said.count("broker is back") == 1


def _kinds(here):
    return [p.kind for p in here.platform.world.ledger.points_of("SS0001")][:10]


async def test_an_alarm_closed_while_we_were_away_is_taken_away(tmp_path, broker):
    topic = "heat/city/v1/alarms/SS0001/gone"
    for arguments in (("-t", topic, "-m", "{}"),):
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-p", str(broker.port), "-r", *arguments
        )
        await process.wait()
    async with publishing(tmp_path, broker.port) as (here, _):
        await until(lambda: here.platform.outside.mqtt_out.state().connected)
        async with asyncio.timeout(5):
            while await retained(broker.port, topic):
                await asyncio.sleep(0.05)


async def test_sparkplug_births_data_and_rebirth(tmp_path, broker):
    async with (
        Listener(broker.port, "spBv1.0/#") as heard,
        publishing(tmp_path, broker.port, sparkplug=True, group="co01", kinds="primary_flow") as (
            _, (one, _),
        ),
    ):  # fmt: skip

        def of(kind):
            return [decode_payload(p) for t, p, _ in heard.said
                    if t == f"spBv1.0/co01/{kind}/heat-city"]  # fmt: skip

        await until(lambda: of("NBIRTH"))
        birth = {m.name: m for m in of("NBIRTH")[0].metrics}
        assert birth[FLOW].properties["engUnit"].value == "m3/h"
        assert birth[FLOW].value is None
        alias = birth[FLOW].alias
        await one.samples((FLOW, SLOT, 12.5))
        await until(lambda: of("NDATA"))
        types = {m.alias: m.datatype for m in birth.values() if m.alias is not None}
        raw = next(p for t, p, _ in heard.said if "/NDATA/" in t)
        metric = decode_payload(raw, types).metrics[0]
        assert (metric.alias, metric.value, metric.timestamp_ms) == (alias, 12.5, SLOT * 1000)
        assert of("NDATA")[0].seq == (of("NBIRTH")[0].seq or 0) + 1
        command = rebirth_command(0)
        (tmp_path / "ncmd").write_bytes(command)
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-p", str(broker.port), "-t", "spBv1.0/co01/NCMD/heat-city",
            "-f", str(tmp_path / "ncmd"),
        )  # fmt: skip
        await process.wait()
        await until(lambda: len(of("NBIRTH")) == 2)
        assert {m.name: m.value for m in of("NBIRTH")[1].metrics}[FLOW] == 12.5


async def test_over_tls_with_password_and_not_to_a_stranger(tmp_path, program):
    certificate(tmp_path)
    port = free_port()
    making = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-b", "-c", str(tmp_path / "users"), "out", "pass"
    )
    await making.wait()
    (tmp_path / "password").write_text("pass\n")
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} 127.0.0.1\npassword_file {tmp_path}/users\n"
        f"certfile {tmp_path}/broker.pem\nkeyfile {tmp_path}/broker.key\n"
    )
    process = await asyncio.create_subprocess_exec(
        str(program("mosquitto")), "-c", str(config), stderr=asyncio.subprocess.DEVNULL
    )
    await asyncio.sleep(0.3)
    good = {
        "url": f"mqtts://127.0.0.1:{port}", "user": "out", "ca_file": str(tmp_path / "broker.pem"),
        "password_file": str(tmp_path / "password"),
    }  # fmt: skip
    try:
        async with publishing(tmp_path, port, **good) as (here, _):
            await until(lambda: here.platform.outside.mqtt_out.state().connected)
        (tmp_path / "password").write_text("wrong\n")
        async with publishing(tmp_path, port, **good) as (here, _):
            await until(lambda: here.platform.outside.mqtt_out.state().last_error)
            assert not here.platform.outside.mqtt_out.state().connected
        (tmp_path / "password").write_text("pass\n")
        stranger = {k: v for k, v in good.items() if k != "ca_file"}
        async with publishing(tmp_path, port, **stranger) as (here, _):
            await until(lambda: here.platform.outside.mqtt_out.state().last_error)
            assert not here.platform.outside.mqtt_out.state().connected
    finally:
        process.terminate()
        await process.wait()


async def test_the_line_is_bounded_and_drops_are_counted():
    import numpy as np

    out = MqttOut(
        OutBroker(url="mqtt://127.0.0.1:1", queue=1_000), Columns.empty, dict
    )  # never started: nobody takes anything out
    out.points = {1: out_point("A.b", "A", "b", 0, "kW", 1)}
    for n in range(50):
        out.put(Columns(np.full(100, 1, "u4"), np.full(100, n, "u4"), np.ones(100),
                        np.zeros(100, "u1")))  # fmt: skip
    out.say("x", b"y")
    assert (out.waiting, out.dropped) == (901, 4_100)
