"""Wireless M-Bus telegrams: the published example of the standard, and a meter of the city."""

import asyncio
import json
import random

import pytest

from heatloop.demo.devices.face import TableFace
from heatloop.demo.devices.wmbus import RadioMeter, serve
from heatloop.edge.drivers.wmbus import WmbusListener
from tests.contract.edge_peers import until
from tests.contract.report_room import NOW, SLOT, ReportRoom, device, index_of, push, with_source

# OMS specification volume 2, annex N: gas meter ELS 12345678, mode 5, frame format A, sent
# 2008-05-31 23:50.
OMS = (
    "2E4493157856341233033363 7A2A0020255923C95AAA26D1B2E7493BC2AD 013EC4A6F6D3529B520EDFF0EA"
    "6DEFC955B29D6D69EBF3EC8A"
).replace(" ", "")
KEY = "0102030405060708090A0B0C0D0E0F11"
SENT = 1_212_277_800
VALUES = {
    "BD0001.building_heat_total": 123456789.0,
    "BD0001.building_flow": 12.34,
    "BD0001.building_supply_temperature": 45.6,
    "BD0001.building_return_temperature": 38.1,
}


@pytest.fixture
async def room(tmp_path):
    more = {"asset": "BD0001"}
    index = index_of(
        device("DV0001", "wmbus", "heat_meter_mbus", address="ELS12345678",
               parameters="key=gas.key zone=UTC", **more),
        device("DV0002", "wmbus", "heat_meter_mbus", address="87654321",
               parameters="key=heat.key", **more),
    )  # fmt: skip
    made = ReportRoom(tmp_path, with_source(index, "BD0001.building_flow", "volume"))
    (made.secrets / "gas.key").write_text(KEY)
    (made.secrets / "heat.key").write_bytes(bytes(range(16)))
    made.now_s = float(SENT + 30)
    yield made
    await made.close()


def gas_index(room):
    """Give the gas meter a point that counts m3."""
    index = index_of(
        device("DV0001", "wmbus", "substation_export", address="ELS12345678", asset="SS0001",
               parameters="key=gas.key zone=UTC"),
    )  # fmt: skip
    room.index = with_source(index, "UN0001.makeup_total", "volume")
    room.intake.use(room.index)


async def post(room, body):
    return (await push(room.listener.port, "/wmbus/city", body))[0]


async def test_the_published_telegram_becomes_a_point(room):
    gas_index(room)
    for binding in room.index.profile.bindings:
        if binding.source != "volume":
            room.index = with_source(room.index, binding.point, "hca_units")
    room.intake.use(room.index)
    await room.open()
    assert await post(room, json.dumps({"telegram": OMS, "rssi_dbm": -78})) == 200
    assert room.values() == {"UN0001.makeup_total": 28504.27}
    assert {slot for _, slot, *_ in room.rows()} == {SENT - SENT % 30}
    assert room.hour()["DV0001"]["rssi_dbm"] == -78.0
    assert await post(room, OMS) == 200  # another receiver heard it, too
    assert room.appends == 1
    room.now_s += 7200.0
    assert await post(room, OMS) == 200  # its clock says that it is the same
    room.now_s += 2 * 86400.0
    assert await post(room, OMS) == 400  # replayed: its clock is off by days
    assert room.appends == 1


async def test_a_meter_of_the_city_over_its_receiver(room):
    face = face_of(room.index)
    await room.open(WmbusListener(room.tools, "127.0.0.1", 0))
    served = await serve(
        [face], "127.0.0.1", room.listener.port, keys={"DV0002": bytes(range(16))}, period_s=0.02
    )
    await until(lambda: len(room.values()) == 3, 5)
    await served.close()
    assert room.values() == pytest.approx(
        {k: v for k, v in VALUES.items() if "flow" not in k}, rel=1e-12
    )
    assert face.told[0] == ("BD0001.building_heat_total", 123456789.0)


def face_of(index):
    own = index.devices["DV0002"]
    bindings = [b for b in index.by_device["DV0002"] if b.kind != "building_flow"]
    return TableFace(own, bindings, VALUES)


@pytest.mark.parametrize("at", range(0, 94, 7))
async def test_every_damage_is_noticed_counted_and_leaves_nothing(room, at):
    await room.open()
    digits = list(OMS)
    digits[at] = "0" if digits[at] != "0" else "1"
    assert await post(room, "".join(digits)) in {400, 403}
    assert room.rows() == []
    assert sum(sum(each["failed"].values()) for each in room.hour().values()) == 1


async def test_unknown_meters_wrong_keys_and_missing_encryption_are_refused(room):
    await room.open()
    face = face_of(room.index)
    clear = RadioMeter(face).telegram().hex()
    wrong = RadioMeter(face, bytes(16)).telegram().hex()
    assert await post(room, clear) == 400
    assert await post(room, wrong) == 400
    (room.secrets / "heat.key").unlink()
    assert await post(room, RadioMeter(face, bytes(range(16))).telegram().hex()) == 400
    assert await post(room, "xyz") == 400
    assert await post(room, "2E44") == 400
    assert await post(room, "") == 400
    assert room.rows() == []
    hour = room.hour()
    assert hour["DV0002"]["failed"]["malformed"] == 3
    stranger = face_of(room.index)
    room.intake.use(index_of(device("DV0001", "wmbus", "heat_meter_mbus", address="1")))
    assert await post(room, RadioMeter(stranger).telegram().hex()) == 403


async def test_old_telegrams_heard_again_are_replays(room):
    await room.open()
    meter = RadioMeter(face_of(room.index), bytes(range(16)))
    first, second = meter.telegram().hex(), meter.telegram().hex()
    assert first != second
    assert await post(room, first) == 200
    room.now_s += 900.0
    assert await post(room, second) == 200
    assert await post(room, first) == 409
    assert room.appends == 2


async def test_a_line_that_rtl_wmbus_writes_is_understood(room):
    await room.open(WmbusListener(room.tools, "127.0.0.1", 0))
    meter = RadioMeter(face_of(room.index), bytes(range(16)))
    frame = meter.telegram()
    stripped = frame[:10] + b"".join(
        frame[at : at + 16] if at + 18 <= len(frame) else frame[at:-2]
        for at in range(12, len(frame), 18)
    )
    line = f"T1;1;1;2027-01-15 08:14:37.000;97;148;87654321;0x{stripped.hex()}\n"
    _, writer = await asyncio.open_connection("127.0.0.1", room.listener.port)
    writer.write(line.encode())
    await writer.drain()
    await until(lambda: len(room.values()) == 3, 5)
    writer.close()


async def test_garbage_on_the_line_breaks_nothing(room):
    await room.open(WmbusListener(room.tools, "127.0.0.1", 0))
    rng = random.Random(3)
    _, writer = await asyncio.open_connection("127.0.0.1", room.listener.port)
    for _ in range(100):
        writer.write(rng.randbytes(rng.randrange(60)).hex().encode() + b"\n")
    writer.write(b"\xff\xfe;;0x\n\n")
    await writer.drain()
    meter = RadioMeter(face_of(room.index), bytes(range(16)))
    writer.write(meter.telegram().hex().encode() + b"\n")
    await until(lambda: len(room.values()) == 3, 5)
    writer.write(b"A" * 5000)
    writer.close()
    assert room.hour()["listener.wmbus"]["failed"]["length"] > 0
    assert NOW - NOW % 1800 == SLOT
