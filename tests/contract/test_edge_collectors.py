"""Room collectors report over CoAP: an independent client (libcoap) against the gateway."""

import asyncio
import json
import socket

import pytest
import uvloop

from heatloop.edge.config import EdgeConfig
from heatloop.edge.drivers.coap import CoapListener
from heatloop.edge.drivers.listener import ListenerTools
from heatloop.edge.drivers.listener_intake import Intake
from heatloop.edge.index import ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.listeners import Listeners
from heatloop.edge.report_book import ReportBook
from heatloop.edge.spool import Spool, SpoolFullError
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import ConfigError
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.model import Binding, Device
from heatloop.plant.profiles import profile
from heatloop.protocols.room_report import RoomReport, encode_report
from tests.contract.link_peers import free_port
from tests.contract.report_room import TOKEN, device, index_of, push

NOW = 1_800_000_900
SLOT = 1_800_000_000


def collectors(count):
    rows = profile("room_collector")
    devices = [
        Device(
            code=f"DV{n:04d}", asset=f"RC{n:04d}", gateway="GW0001", profile="room_collector",
            protocol="coap", port=0,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip
    bindings = [
        Binding(
            key=10 * n + row.register, point=f"RC{n:04d}.{row.kind}", kind=row.kind,
            device=device.code, register=row.register, dtype="", factor=row.factor, period_s=1800,
        )
        for n, device in enumerate(devices, 1)
        for row in rows
    ]  # fmt: skip
    return ProfileIndex(
        EdgeProfile(
            gateway="GW0001", version=1, ledger_version=1,
            devices=tuple(devices), bindings=tuple(bindings),
        )
    )  # fmt: skip


def report(counter=1, at_s=NOW, code="DV0001", fields=(213, 200, 1, 52311, None, 388)):
    return encode_report(RoomReport(device_code=code, at_s=at_s, counter=counter, fields=fields))


class Room:
    """A listening gateway, its spool, and libcoap to talk to it."""

    def __init__(self, folder, client, port):
        self.folder, self.client, self.port = folder, client, port
        self.full = False
        self.appends = 0
        self.spool = Spool(folder / "spool")

    async def start(self, count=1):
        self.stats = LinkStats()
        book = ReportBook(self.folder / "reports.log")
        intake = Intake(book, self.keep, lambda: float(NOW), self.stats)
        intake.use(collectors(count))
        tools = ListenerTools(intake=intake, zone="UTC", secrets=self.folder)
        self.server = CoapListener(tools, "127.0.0.1", self.port)
        await self.server.start()
        self.task = asyncio.create_task(intake.run())

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.server.stop()

    async def keep(self, batch):
        if self.full:
            raise SpoolFullError("full")
        self.appends += 1
        self.spool.append(batch, late=True)

    async def post(self, payload):
        name = self.folder / "payload"
        name.write_bytes(payload)
        process = await asyncio.create_subprocess_exec(
            str(self.client), "-m", "post", "-f", str(name), "-v", "6", "-B", "8",
            f"coap://127.0.0.1:{self.port}/report",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        text = (await process.communicate())[0].decode()
        answers = [word for word in text.split() if word.startswith("c:")]
        return answers[-1].removeprefix("c:")

    def rows(self):
        found = []
        for record in self.spool.pending(0, 1 << 30):
            found += list(SampleBatch.from_bytes(record.body).rows())
        return found


@pytest.fixture
async def room(tmp_path, program, unused_udp_port):
    made = Room(tmp_path, program("coap-client"), unused_udp_port)
    await made.start()
    yield made
    await made.stop()
    made.spool.close()


@pytest.mark.needs("coap-client")
async def test_a_report_is_kept_in_its_slot_before_it_is_answered(room):
    assert await room.post(report()) == "2.04"
    assert room.rows() == [
        (10, SLOT, 213 * 0.1, 0), (11, SLOT, 200 * 0.1, 0), (12, SLOT, 1.0, 0),
        (13, SLOT, 52311 * 0.1, 0), (15, SLOT, 388 * 0.1, 0),
    ]  # fmt: skip


@pytest.mark.needs("coap-client")
async def test_what_is_damaged_unknown_or_out_of_time_is_refused(room):
    damaged = bytearray(report())
    damaged[12] ^= 1
    assert await room.post(bytes(damaged)) == "4.00"
    assert await room.post(report(code="DV9999")) == "4.03"
    assert await room.post(report(at_s=NOW + 4000)) == "4.00"
    assert await room.post(report(at_s=NOW - 50 * 86400)) == "4.00"
    assert await room.post(report(fields=(9999, None, None, None, None, None))) == "4.22"
    assert room.rows() == []
    hour = room.stats.report(NOW, final=True)["devices"]
    assert hour["listener.coap"]["failed"] == {"checksum": 1, "refused": 1}
    assert hour["DV0001"]["failed"] == {"refused": 2, "malformed": 1}
    assert hour["DV0001"]["answered"] == 0


@pytest.mark.needs("coap-client")
async def test_a_value_that_cannot_be_true_is_left_out_and_the_rest_is_kept(room):
    assert await room.post(report(fields=(213, 9999, 1, None, None, None))) == "2.04"
    assert [key for key, *_ in room.rows()] == [10, 12]


@pytest.mark.needs("coap-client")
async def test_a_repeat_is_answered_but_not_kept_and_a_used_counter_is_refused(room):
    assert await room.post(report(counter=5)) == "2.04"
    assert await room.post(report(counter=5)) == "2.04"
    assert await room.post(report(counter=5, at_s=NOW - 10)) == "4.09"
    assert len(room.rows()) == 5
    await room.stop()
    await room.start()  # a restart remembers
    assert await room.post(report(counter=5)) == "2.04"
    assert await room.post(report(counter=5, at_s=NOW - 10)) == "4.09"
    assert len(room.rows()) == 5
    assert await room.post(report(counter=4, at_s=NOW - 1800)) == "2.04"  # late, not replayed
    assert await room.post(report(counter=1, at_s=NOW + 60)) == "2.04"  # a new battery
    assert len(room.rows()) == 15


@pytest.mark.needs("coap-client")
async def test_without_room_the_collector_is_told_to_come_back(room):
    room.full = True
    assert await room.post(report()) == "5.03"
    room.full = False
    assert await room.post(report()) == "2.04"
    assert len(room.rows()) == 5


async def test_reports_that_come_together_share_an_fsync(tmp_path, unused_udp_port):
    room = Room(tmp_path, None, unused_udp_port)
    await room.start(count=200)
    loop = asyncio.get_running_loop()
    answers = []

    class Collectors(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            if data[1] == 0x44:
                answers.append(data[4:6])
            if data[0] >> 4 & 3 == 0:  # a separate answer wants its own acknowledgement
                transport.sendto(b"\x60\x00" + data[2:4])

    transport, _ = await loop.create_datagram_endpoint(
        Collectors, remote_addr=("127.0.0.1", unused_udp_port)
    )
    for n in range(1, 201):
        transport.sendto(coap_post(n, report(n, NOW, f"DV{n:04d}")))
    async with asyncio.timeout(20):
        while len(set(answers)) < 200:
            await asyncio.sleep(0.01)
    assert len(room.rows()) == 1000
    assert room.appends < 100
    transport.close()
    await room.stop()
    room.spool.close()


async def test_a_gateway_listens_in_every_way_its_settings_ask_for(tmp_path):
    folder = tmp_path / "edge"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "http.city.token").write_text(TOKEN)
    http, wmbus = free_port(), free_port()
    config = EdgeConfig(
        gateway="GW0001", platform_url="http://127.0.0.1:1", data=folder, http_port=http,
        wmbus_port=wmbus, coap_port=free_port(), file_drop=folder / "drop",
    )  # fmt: skip
    index = index_of(device("DV0001", "http", "room_reporter"))
    spool = Spool(folder / "spool")

    async def keep(batch):
        spool.append(batch, late=True)

    listeners = Listeners(config, index, keep, now_s=lambda: float(NOW), stats=LinkStats())
    assert len(listeners.listeners) == 4
    async with asyncio.TaskGroup() as tasks:
        await listeners.start(tasks)
        values = {"room_temperature": 20.5}
        message = json.dumps({"device": "DV0001", "time": NOW, "values": values})
        assert (await push(http, "/report/city", message))[0] == 200
        listeners.use(index_of(device("DV0002", "http", "room_reporter")))
        assert (await push(http, "/report/city", message))[0] == 403
        again = Listeners(config, index, keep, now_s=lambda: float(NOW), stats=LinkStats())
        with pytest.raises(ConfigError, match="cannot listen"):
            await again.start(tasks)
        await again.stop()
        await listeners.stop()
        for task in tuple(tasks._tasks):
            task.cancel()
    assert (folder / "drop" / "done").is_dir()
    assert spool.rows == 1
    spool.close()


def coap_post(number, payload):
    """Return a confirmable POST to /report with a message id and token of its own."""
    return b"\x42\x02" + number.to_bytes(2, "big") * 2 + b"\xb6report\xff" + payload


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_collectors_that_vanish_before_the_answer_do_not_deafen_it(
    tmp_path, unused_udp_port, new_loop
):
    async def scene():
        room = Room(tmp_path, None, unused_udp_port)
        await room.start(count=10)
        address = ("127.0.0.1", unused_udp_port)
        for n in range(1, 6):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
                gone.sendto(coap_post(n, report(n, NOW, f"DV{n:04d}")), address)
        while len(room.rows()) < 25:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        loop, answer = asyncio.get_running_loop(), None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as living:
            living.setblocking(False)
            living.connect(address)
            living.send(coap_post(9, report(9, NOW, "DV0009")))
            answer = loop.create_future()
            loop.add_reader(living, lambda: answer.set_result(living.recv(100)))
            data = await asyncio.wait_for(answer, 5)
            loop.remove_reader(living)
        assert data[1] == 0x44
        await room.stop()
        room.spool.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scene())
