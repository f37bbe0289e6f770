"""Main channel WebSocket, spare channel MQTT 5 over a real broker: nothing lost, nothing twice."""

import asyncio
import contextlib
import json

import aiomqtt
import pytest

from bench.faulty_link import FaultyLink
from heatloop.edge.channel_meter import ChannelMeter
from heatloop.edge.channels import Channels
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink
from heatloop.edge.uplink_mqtt import Broker, MqttUplink
from heatloop.edge.uplink_session import CommandArrived, UplinkSession
from heatloop.kernel.messages import Command
from heatloop.protocols.link import topic
from heatloop.security.keys import KeyRing, SigningKey, sign_document
from tests.contract.link_peers import Mosquitto, batch_of, platform_with
from tests.contract.test_web_link import SUPPLY, enrol, until
from tests.unit.app_town import START_S

SLOT = int(START_S)
pytestmark = pytest.mark.needs("mosquitto")


class Both:
    """A gateway with both channels, a broker, a breakable network and a platform."""

    def __init__(self, folder, made, url, broker, link):
        self.folder, self.town, self.url = folder, made, url
        self.broker, self.link = broker, link
        self.inbound, self.changes = [], []
        self.stats = LinkStats()
        self.n = 0
        self.tasks = []

    async def begin(self, profile_version=1, **times):
        key = await enrol(self.town, self.url)
        self.spool = Spool(self.folder / "spool", segment_bytes=4000)
        self.session = UplinkSession(
            gateway="GW0001", spool=self.spool, key=key, profile_version=profile_version
        )
        ring = KeyRing([self.town.platform.keys.signing.public])
        meters = [
            ChannelMeter(self.stats, name, medium, lambda: float(SLOT))
            for name, medium in (("main", "fibre"), ("spare", "4g"))
        ]
        take = lambda _, frame: self.inbound.append(frame)  # noqa: E731
        url = f"http://127.0.0.1:{self.link.port}"
        self.main = Uplink(url, [self.session], take, stall_s=1.0, ping_s=0.5, meter=meters[0])
        broker = Broker(url=self.broker.url)
        self.spare = MqttUplink(broker, self.session, ring, take, stall_s=2.0, meter=meters[1])
        self.channels = Channels(self.main, self.spare, self._changed, **times)
        self.tasks = [asyncio.create_task(self.channels.run())]

    async def _changed(self, channel, reason):
        self.changes.append((channel, asyncio.get_running_loop().time(), reason))

    def produce(self, count=1):
        for _ in range(count):
            self.spool.append(batch_of(self.town.key(SUPPLY), SLOT - 9000 + 30 * self.n))
            self.n += 1
        self.channels.wake()

    async def all_stored(self, within_s=20.0):
        await until(lambda: self.spool.rows == 0, within_s)
        engine = self.town.platform.historian.engine
        stored = engine.raw([self.town.key(SUPPLY)], SLOT - 9000, SLOT)
        assert stored.slots.tolist() == [SLOT - 9000 + 30 * n for n in range(self.n)]
        assert engine.duplicates(SLOT - 9000, SLOT) == 0

    async def end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def both(tmp_path, program):
    broker = Mosquitto(program("mosquitto"), tmp_path / "broker")
    await broker.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(broker.stop)
        made, url = await stack.enter_async_context(platform_with(tmp_path / "t", broker.url))
        link = FaultyLink(int(url.rpartition(":")[2]))
        await link.start()
        stack.push_async_callback(link.stop)
        found = Both(tmp_path, made, url, broker, link)
        stack.push_async_callback(found.end)
        yield found


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_6_1_3_c_spare_takes_over_and_the_main_channel_comes_back_without_loss(both, fault):
    await both.begin(failover_s=1.0, failback_s=1.5)
    await until(lambda: both.main.online)
    both.produce(5)
    await both.all_stored()
    line = both.town.platform.links.line("GW0001")
    assert line.channel == "main"
    getattr(both.link, fault)()
    failed = asyncio.get_running_loop().time()
    both.produce(20)
    await both.all_stored()
    assert asyncio.get_running_loop().time() - failed < 10.0  # of 60 s at the true settings
    assert both.town.platform.links.line("GW0001").channel == "spare"
    both.link.heal()
    await until(lambda: both.changes[-1][0] == "main" and both.main.online)
    both.produce(5)
    await both.all_stored()
    assert [change[0] for change in both.changes] == ["spare", "main"]
    assert both.town.platform.links.line("GW0001").channel == "main"
    said = both.stats.report(float(SLOT), final=True)["channels"]
    assert said["spare"]["messages"] >= 1
    assert said["main"]["messages"] >= 2
    assert sum(said["spare"]["rtt"].values()) == said["spare"]["messages"] - said["spare"]["lost"]


async def test_commands_and_profiles_travel_over_the_spare_channel_too(both):
    both.link.cut()
    await both.begin(failover_s=0.2, failback_s=60.0, profile_version=0)
    await until(lambda: both.spare.online)
    await until(lambda: any(type(f).__name__ == "ProfileArrived" for f in both.inbound))
    command = Command(
        id="c1", point="UN0001.station_mode", value=2.0, mode="manual", gateway="GW0001",
        issued=0.0, expires=9e9, nonce="00", counter=1, key_id="k", signature="00",
    )  # fmt: skip
    assert await both.town.platform.links.send_command(command)
    await until(lambda: any(isinstance(f, CommandArrived) for f in both.inbound))


async def test_a_killed_broker_loses_nothing(both):
    both.link.cut()
    await both.begin(failover_s=0.2, failback_s=60.0)
    await until(lambda: both.spare.online)
    both.produce(10)
    await both.all_stored()
    both.broker.kill()
    both.produce(10)
    await until(lambda: not both.spare.online)
    await until(lambda: both.town.platform.links.line("GW0001") is None)
    await both.broker.start()
    both.produce(10)
    await both.all_stored()


async def test_a_broker_cannot_acknowledge_in_the_platforms_name(both):
    both.link.cut()
    await both.begin(failover_s=0.2, failback_s=60.0)
    await until(lambda: both.spare.online)
    both.town.platform.intake._persist = lambda acks: asyncio.sleep(3600)  # never acknowledged
    both.produce(3)
    rogue = SigningKey.generate()
    async with aiomqtt.Client(
        "127.0.0.1", both.broker.port, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        ack = {"type": "ack", "gateway": "GW0001", "epoch": both.spool.epoch, "through": 3}
        for payload in (
            ack,
            sign_document(rogue, {"session": "x" * 32, "frame": ack}),
            sign_document(
                both.town.platform.keys.signing, {"session": "y" * 32, "frame": ack}
            ),  # a true one of an older conversation
        ):
            await client.publish(topic("GW0001", "down"), json.dumps(payload), qos=1)
        # A stranger at the broker neither gets in nor throws the gateway out.
        for frame in (
            {"type": "open", "gateway": "GW0001", "session": "z" * 32},
            {"type": "hello", "gateway": "GW0001", "session": "z" * 32, "signature": "00" * 64,
             "epoch": 1},
            {"type": "gone", "gateway": "GW0001", "session": "z" * 32},
            {"type": "open", "gateway": "GW0002", "session": "z" * 32},
        ):  # fmt: skip
            await client.publish(topic("GW0001", "up"), json.dumps(frame), qos=1)
        await client.publish(topic("GW0001", "up"), b"HLE nonsense", qos=1)
        await asyncio.sleep(0.3)
    assert both.spool.rows == 3
    assert both.spare.online
    assert both.town.platform.links.line("GW0001").open


async def test_6_1_3_b_2_five_percent_loss_and_200_ms_jitter_cost_nothing(both):
    both.link.lossy(0.05, 0.2)
    await both.begin(failover_s=30.0, failback_s=60.0)
    await until(lambda: both.main.online, 20)
    for _ in range(60):
        both.produce(1)
        await asyncio.sleep(0.02)
    await both.all_stored()
    assert both.link.lost > 0


async def test_rows_dropped_before_they_were_sent_are_a_gap_and_the_rest_arrives(both):
    """The platform takes no hole in the middle of a link; the gateway begins anew and says so."""
    await both.begin(failover_s=60.0, failback_s=60.0)
    await until(lambda: both.main.online)
    both.produce(2)
    await both.all_stored()
    key = both.town.key(SUPPLY)
    held = both.town.platform.intake._persist
    gate = asyncio.Event()

    async def persist(acks):
        await gate.wait()
        await held(acks)

    both.town.platform.intake._persist = persist  # stored, but acknowledged only later
    for n in range(100):  # sample and note alternate, so more stand in line than may fly
        both.spool.append(batch_of(key, SLOT - 8000 + 30 * n))
        both.spool.append_notes([{"type": "event", "asset": "GW0001", "at_ms": n, "text": "x"}])
    both.channels.wake()
    await until(lambda: both.session.in_flight == 64)
    while both.spool.pending(0, 1)[0].first <= 2 + 100:  # some of what goes was sent, some not
        both.spool.drop(both.spool.oldest())
    left = both.spool.pending(0, 1)[0].first
    gate.set()
    await until(lambda: both.spool.rows == 0, 20)
    engine = both.town.platform.historian.engine
    slots = engine.raw([key], SLOT - 8000, SLOT).slots.tolist()
    sent, kept = range(32), range((left - 2) // 2, 100)
    assert slots == [SLOT - 8000 + 30 * n for n in (*sent, *kept)]
    reasons = [row.reason for row in both.town.platform.records.quarantine.list()[1]]
    assert reasons == ["rows_lost"]
