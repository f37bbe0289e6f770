"""A whole gateway with a spare channel: what it says when it changes, and its settings."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from heatloop.app.settings import load_settings
from heatloop.edge.config import load_config
from heatloop.kernel.errors import ConfigError
from tests.contract.edge_peers import START, Publisher, World, until
from tests.contract.link_peers import Mosquitto

GOOD = """
gateway = "GW0001"
platform_url = "http://127.0.0.1:8080"
data = "."
channel = "fibre"
spare_url = "mqtts://broker.example:8883"
spare_channel = "4g"
spool_when_full = "refuse_new"
failover_s = 10
"""


@pytest.mark.needs("mosquitto")
async def test_a_change_of_channel_is_an_event_and_an_alarm_until_the_main_one_is_back(
    tmp_path, unused_tcp_port_factory, program
):
    broker = Mosquitto(program("mosquitto"), tmp_path / "broker")
    await broker.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(broker.stop)
        world = World(tmp_path, [unused_tcp_port_factory()])
        await stack.enter_async_context(world.field)
        server = await world.listen(stack)
        world.clock = await stack.enter_async_context(
            Publisher(tmp_path / "city.sock", start=START)
        )
        await world.start(
            channel="fibre", spare_channel="4g", spare_url=broker.url, failover_s=0.5,
            failback_s=0.6, away_patience_s=0.0,
        )  # fmt: skip
        stack.push_async_callback(world.stop)
        await until(world.clock.done.is_set)
        await until(lambda: world.agent.spool.rows == 0)
        server.close()
        await server.wait_closed()
        await until(lambda: world.agent._uplink.current == "spare")
        await world.clock.step()
        await world.listen(stack, world.port)
        await until(lambda: world.agent._uplink.current == "main", 20)
        await until(lambda: world.agent.spool.rows == 0, 20)
        texts = [n["text"] for n in world.platform.notes_of("event")]
        assert [t.split(":")[0] for t in texts] == ["channel spare", "channel main"]
        (alarm,) = world.platform.notes_of("alarm")
        assert (alarm["subject"], alarm["rule"]) == ("GW0001", "channel.main")
        (clear,) = world.platform.notes_of("alarm_clear")
        assert clear["id"] == alarm["id"]
        assert clear["alarm"] == {k: v for k, v in alarm.items() if k != "type"}
        await asyncio.sleep(0)


def test_settings_of_the_spare_channel_are_read(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(GOOD)
    config = load_config(path)
    assert (config.spare_channel, config.failover_s) == ("4g", 10.0)
    assert config.spool_when_full == "refuse_new"


@pytest.mark.parametrize(
    ("line", "thing"),
    [
        ('spool_when_full = "both"', "spool_when_full"),
        ('spare_channel = "fibre"', "spare_channel"),
        ('spare_url = "mqtt://broker.example"', "spare_url"),
        ('spare_url = "http://127.0.0.1"', "spare_url"),
        ("failover_s = 0", "failover_s"),
    ],
)
def test_wrong_settings_are_refused_by_name(tmp_path: Path, line: str, thing: str) -> None:
    key = line.split(" =")[0]
    lines = [old for old in GOOD.splitlines() if not old.startswith(key)]
    path = tmp_path / "edge.toml"
    path.write_text("\n".join([*lines, line]))
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert refused.value.thing == thing


@pytest.mark.parametrize(
    "mqtt",
    [
        {"url": "mqtt://broker.example"},
        {"url": "http://127.0.0.1"},
        {"url": "mqtt://127.0.0.1", "group": "a/b"},
    ],
)
def test_the_platforms_broker_must_be_safe(tmp_path: Path, mqtt: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        load_settings(tmp_path, overrides={"mqtt": mqtt})
    load_settings(tmp_path, overrides={"mqtt": {"url": "mqtt://127.0.0.1:1883"}})
