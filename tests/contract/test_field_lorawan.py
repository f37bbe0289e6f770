"""LoRaWAN uplinks: events as the network servers write them, payloads from the makers."""

import base64
import json
import random

import pytest

from heatloop.demo.devices.collectors import Outcome
from heatloop.demo.devices.http_reporter import HttpClient
from heatloop.demo.devices.lorawan import LorawanReports
from heatloop.protocols.reports.layout import layout, read_layouts
from heatloop.protocols.reports.lorawan import chirpstack_event, read_uplink, things_event
from heatloop.protocols.room_report import RoomReport
from tests.contract.edge_peers import until
from tests.contract.report_room import NOW, SLOT, TOKEN, ReportRoom, device, index_of, push

WT101, LHT65 = "24E124136B502217", "A84041B931837A0A"
TIME = "2027-01-15T08:14:37Z"
AT = 1_800_000_877
# The JSON that chirpstack-api 4.20 (the server's own message definitions) writes for an uplink.
CHIRPSTACK = """{
  "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
  "time": "2027-01-15T08:14:37.123456Z",
  "deviceInfo": {"tenantName": "heat", "deviceName": "room 7", "devEui": "24e124136b502217"},
  "devAddr": "00189440", "adr": true, "dr": 5, "fCnt": 4711, "fPort": 85,
  "data": "AXVhBGcsAQNnCgEFkmQJkAAAC5AAAA==",
  "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -113, "snr": -4.2},
             {"gatewayId": "0016c001f153a14d", "rssi": -97, "snr": 7.8}],
  "txInfo": {"frequency": 470300000}
}"""
JOIN = '{"deviceInfo": {"devEui": "24e124136b502217"}, "devAddr": "00189441"}'
STATUS = '{"deviceInfo": {"devEui": "24e124136b502217"}, "batteryLevel": 88.0}'
# The maker's published example: 28.29 degC, port 2. Empty fields are left out by this server.
THINGS = {
    "end_device_ids": {
        "device_id": "dev1", "application_ids": {"application_id": "app1"},
        "dev_eui": LHT65, "join_eui": "800000000000000C", "dev_addr": "00BCB929",
    },
    "correlation_ids": ["as:up:01"],
    "received_at": "2027-01-15T08:14:39.441Z",
    "uplink_message": {
        "session_key_id": "AXA50==", "f_port": 2,
        "frm_payload": base64.b64encode(bytes.fromhex("CBF60B0D0376010ADD7FFF")).decode(),
        "rx_metadata": [{"gateway_ids": {"gateway_id": "gtw1"}, "rssi": -35, "snr": 5.2}],
        "received_at": "2027-01-15T08:14:37.020Z",
    },
}  # fmt: skip


@pytest.fixture
async def room(tmp_path):
    index = index_of(
        device("DV0001", "lorawan", "room_thermostat_wt101", address=WT101),
        device("DV0002", "lorawan", "room_sensor_lht65", address=LHT65),
    )
    made = ReportRoom(tmp_path, index)
    await made.open()
    yield made
    await made.close()


async def post(room, event):
    text = event if isinstance(event, str) else json.dumps(event)
    return (await push(room.listener.port, "/lorawan/city?event=up", text))[0]


async def test_both_servers_and_both_makers_map_to_one_model(room):
    assert await post(room, CHIRPSTACK) == 200
    assert await post(room, THINGS) == 200
    assert room.values() == {
        "RC0001.room_temperature": pytest.approx(26.6, rel=1e-12),
        "RC0001.room_set_temperature": pytest.approx(30.0, rel=1e-12),
        "RC0002.room_temperature": pytest.approx(28.29, rel=1e-12),
    }
    assert {slot for _, slot, *_ in room.rows()} == {SLOT}
    hour = room.hour()
    assert (hour["DV0001"]["rssi_dbm"], hour["DV0001"]["snr_db"]) == (-97.0, 7.8)
    assert (hour["DV0002"]["rssi_dbm"], hour["DV0002"]["snr_db"]) == (-35.0, 5.2)


async def test_other_events_are_answered_and_leave_nothing(room):
    for event in (JOIN, STATUS):
        assert await post(room, event) == 200
    assert room.rows() == []


def changed(**more):
    return {**json.loads(CHIRPSTACK), **more}


async def test_a_frame_counter_is_used_once(room):
    assert await post(room, CHIRPSTACK) == 200
    assert await post(room, CHIRPSTACK) == 200  # pushed again
    assert await post(room, changed(time="2027-01-15T08:14:50Z")) == 409
    assert await post(room, changed(time="2027-01-15T08:14:50Z", fCnt=4700)) == 409
    assert await post(room, changed(time="2027-01-15T08:04:50Z", fCnt=4710)) == 200  # overtaken
    assert len(room.rows()) == 4
    rejoined = changed(time="2027-01-15T08:14:50Z", fCnt=0, devAddr="00189441")
    assert await post(room, rejoined) == 200
    assert len(room.rows()) == 6
    assert room.hour()["DV0001"]["failed"] == {"refused": 2}


@pytest.mark.parametrize(
    "event, status",
    [
        ("[]", 400),
        ('{"a": 1}', 400),
        (changed(deviceInfo={"devEui": "24e1"}), 400),
        (changed(devAddr="x"), 400),
        (changed(fCnt=-1), 400),
        (changed(fCnt=True), 400),
        (changed(fPort=300), 400),
        (changed(data="not base64!"), 400),
        (changed(data=base64.b64encode(bytes(250)).decode()), 400),
        (changed(data=base64.b64encode(bytes.fromhex("0367")).decode()), 400),
        (changed(data=base64.b64encode(bytes.fromhex("03EE0A01")).decode()), 400),
        (changed(deviceInfo={"devEui": "ffffffffffffffff"}), 403),
        (changed(time="2027-01-15T09:14:37Z"), 422),
        (changed(data=base64.b64encode(bytes.fromhex("0367FF7F")).decode()), 422),
    ],
)
async def test_what_is_wrong_is_refused_counted_and_never_stored(room, event, status):
    assert await post(room, event) == status
    assert room.rows() == []
    assert sum(sum(each["failed"].values()) for each in room.hour().values()) == 1


async def test_a_missing_probe_and_another_port_give_no_value(room):
    nothing = json.loads(json.dumps(THINGS))
    payload = base64.b64encode(bytes.fromhex("CBF67FFF0376010ADD7FFF")).decode()
    nothing["uplink_message"].update(frm_payload=payload, f_cnt=1)
    assert await post(room, nothing) == 200
    nothing["uplink_message"].update(f_port=5, f_cnt=2, frm_payload="AQ==")
    assert await post(room, nothing) == 200
    assert room.rows() == []


async def test_collectors_of_the_city_report_through_both_servers(tmp_path):
    own = [
        device(f"DV000{n}", "lorawan", "room_collector_lora", address=f"24E124136B50000{n}")
        for n in (1, 2)
    ]
    room = ReportRoom(tmp_path, index_of(*own))
    await room.open()
    client = HttpClient(TOKEN)
    address = ("127.0.0.1", room.listener.port)
    reports = LorawanReports(client, [address], room.index.by_device)
    outcomes = []
    fields = (-13, 200, 1, 4_000_000_000, None, 388)
    for n in range(10):
        for each in own:
            report = RoomReport(
                device_code=each.code, at_s=NOW - 1800 * n, counter=500 - n, fields=fields
            )
            reports.send(0, each, report, outcomes.append)
    await until(lambda: len(outcomes) == 20, 5)
    assert set(outcomes) == {Outcome.KEPT}
    assert len(room.rows()) == 100
    values = [value for key, slot, value, _ in room.rows() if slot == SLOT and key <= 6]
    assert values == [-13 * 0.1, 200 * 0.1, 1.0, 4_000_000_000 * 0.1, 388 * 0.1]
    assert room.hour()["DV0001"]["rssi_dbm"] < -80
    await client.close()
    await room.close()


def test_what_the_city_writes_is_what_the_servers_write():
    chirpstack, things = read_uplink(json.loads(CHIRPSTACK)), read_uplink(THINGS)
    assert (chirpstack.f_cnt, chirpstack.f_port, things.f_cnt) == (4711, 85, 0)
    assert read_uplink(chirpstack_event(chirpstack)) == chirpstack
    assert read_uplink(things_event(things)) == things
    ours, theirs = chirpstack_event(chirpstack), json.loads(CHIRPSTACK)
    assert ours.keys() <= theirs.keys()
    assert {k: type(v) for k, v in ours.items()} == {k: type(theirs[k]) for k in ours}


@pytest.mark.parametrize(
    "text, data, value",
    [
        ("u16be@0*0.1", "00D5", 21.3),
        ("s16le@1*0.01", "00F4FF", -0.12),
        ("u16be@0&3FFF*0.001", "CBF6", 3.062),
        ("u8@1&10", "0030", 1.0),
        ("s24be@0", "FFFFFE", -2.0),
        ("f32le@0*2+1", "0000803F", 3.0),
        ("u8@0*0.5+-40", "64", 10.0),
    ],
)
def test_layouts_read_what_they_say(text, data, value):
    found = read_layouts([layout(text)], bytes.fromhex(data))
    assert found == [pytest.approx(value, rel=1e-12)]


async def test_random_bodies_never_break_it(room):
    rng = random.Random(7)
    base = CHIRPSTACK.encode()
    for _ in range(150):
        body = bytearray(base)
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        status = (await push(room.listener.port, "/lorawan/city", bytes(body)))[0]
        assert status in {200, 400, 403, 409, 422}
    assert NOW - AT == 23
    assert all(-40 <= value <= 60 for _, _, value, _ in room.rows())
