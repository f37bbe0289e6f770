"""JSON reports over HTTP: httpx, an independent client, against the gateway."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heatloop.demo.devices.collectors import Outcome
from heatloop.demo.devices.http_reporter import HttpClient, JsonReports
from heatloop.edge.spool import Spool
from heatloop.kernel.batch import SampleBatch
from heatloop.protocols.room_report import RoomReport
from tests.contract.edge_peers import until
from tests.contract.report_room import (
    NOW,
    SLOT,
    TOKEN,
    ReportRoom,
    device,
    index_of,
    push,
    with_source,
)

IMEI = "868120321234567"


def report(counter=1, at=NOW, name=IMEI, **values):
    found = values or {"room_temperature": 21.3, "user_valve_state": 1}
    return {"device": name, "time": at, "counter": counter, "values": found, "rssi_dbm": -97}


@pytest.fixture
async def room(tmp_path):
    index = index_of(
        device("DV0001", "http", "room_reporter", address=IMEI),
        device("DV0002", "http", "room_reporter", address="R2", parameters="source=other"),
    )
    made = ReportRoom(tmp_path, index)
    await made.open()
    yield made
    await made.close()


async def post(room, body, path="/report/city", **more):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return await push(room.listener.port, path, text, **more)


async def test_a_report_is_in_the_spool_before_it_is_answered(room):
    assert await post(room, report()) == (200, '{"kept": 1, "refused": []}')
    assert room.rows() == [(1, SLOT, 21.3, 0), (3, SLOT, 1.0, 0)]
    hour = room.hour()["DV0001"]
    assert (hour["asked"], hour["answered"], hour["rssi_dbm"]) == (1, 1, -97.0)


async def test_only_a_source_that_proves_itself_is_heard(room):
    assert (await post(room, report(), token="wrong"))[0] == 401
    assert (await post(room, report(), token=""))[0] == 401
    assert (await post(room, report(), path="/report/stranger"))[0] == 401
    assert (await post(room, report(), path="/report/..%2Fcity"))[0] == 404
    (room.secrets / "http.signed.hmac").write_bytes(b"key")
    body = json.dumps(report())
    proof = hmac.new(b"key", body.encode(), hashlib.sha256).hexdigest()
    good = {"X-Signature": f"sha256={proof}"}
    assert (await post(room, body + " ", "/report/signed", token="", headers=good))[0] == 401
    assert room.rows() == []
    assert (await post(room, body, "/report/signed", token="", headers=good))[0] == 200
    assert room.hour()["listener.http"]["failed"] == {"refused": 4}


async def test_who_fails_to_prove_itself_too_often_is_left_waiting(room):
    answers = [(await post(room, report(), token="guess"))[0] for _ in range(22)]
    assert answers[:20] == [401] * 20
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "body, status, kind",
    [
        ("{", 400, "malformed"),
        ("[" * 60_000, 400, "malformed"),
        ({"values": {}}, 400, "malformed"),
        ({"device": IMEI, "values": {}}, 400, "malformed"),
        (report(at="yesterday"), 400, "malformed"),
        (report(room_temperature="warm"), 400, "malformed"),
        (json.dumps(report(room_temperature=float("nan"))), 400, "malformed"),
        (report(name="868000000000000"), 403, "refused"),
        (report(name="R2"), 403, "refused"),
        (report(at=NOW + 4000), 422, "refused"),
        (report(at=NOW - 50 * 86400), 422, "refused"),
        (report(room_temperature=3276.7), 422, "malformed"),
        ("x" * (300 << 10), 413, "length"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_counted_and_never_stored(room, body, status, kind):
    assert (await post(room, body))[0] == status
    assert room.rows() == []
    failed = [count for each in room.hour().values() for count in each["failed"].items()]
    assert {name for name, _ in failed} == {kind}


async def test_repeats_are_answered_replays_refused_and_a_restart_remembers(room):
    assert (await post(room, report(5)))[0] == 200
    assert (await post(room, report(5)))[0] == 200
    assert (await post(room, report(5, NOW - 10)))[0] == 409
    assert room.appends == 1
    await room.close()
    room.begin()
    await room.open()
    assert (await post(room, report(5)))[0] == 200
    assert (await post(room, report(5, NOW - 10)))[0] == 409
    assert room.appends == 1
    assert (await post(room, report(4, NOW - 1800)))[0] == 200  # late, not replayed
    assert {slot for _, slot, *_ in room.rows()} == {SLOT, SLOT - 1800}


async def test_a_list_is_sent_again_when_there_was_no_room(room):
    both = [report(1), report(2, NOW + 60), report(name="868000000000000")]
    room.full = True
    assert (await post(room, both))[0] == 503
    room.full = False
    status, text = await post(room, both)
    assert status == 200
    assert json.loads(text) == {
        "kept": 2, "refused": [{"device": "868000000000000", "reason": "unknown"}],
    }  # fmt: skip
    assert len(room.rows()) == 4


async def test_platforms_push_in_their_own_forms(room):
    moment = dt.datetime.fromtimestamp(NOW, dt.UTC)
    ctwing = {
        "upPacketSN": -1, "upDataSN": -1, "topic": "v1/up/ad19", "timestamp": NOW * 1000,
        "tenantId": "2000033629", "serviceId": "", "protocol": "lwm2m", "productId": "15114816",
        "payload": {"room_temperature": 20.5}, "messageType": "dataReport", "deviceType": "",
        "deviceId": "0a1b", "assocAssetId": "", "IMSI": "", "IMEI": IMEI,
    }  # fmt: skip
    assert (await post(room, ctwing))[0] == 200
    assert (await post(room, {**ctwing, "messageType": "deviceOnlineOfflineReport"}))[0] == 200
    assert room.values() == {"RC0001.room_temperature": 20.5}
    path = "services[0].properties.temp"
    room.intake.use(with_source(room.index, "RC0001.room_temperature", path))
    huawei = {
        "resource": "device.property", "event": "report",
        "event_time": f"{moment:%Y%m%dT%H%M%SZ}",
        "notify_data": {
            "header": {"device_id": "d4922d8a-6c8e", "node_id": IMEI, "product_id": "p"},
            "body": {"services": [{"service_id": "room", "properties": {"temp": 19.5},
                                   "event_time": f"{moment:%Y%m%dT%H%M%SZ}"}]},
        },
    }  # fmt: skip
    assert (await post(room, {**huawei, "resource": "device.status"}))[0] == 200
    room.now_s += 60
    huawei["notify_data"]["body"]["services"][0]["event_time"] = (
        f"{moment + dt.timedelta(seconds=60):%Y%m%dT%H%M%SZ}"
    )
    assert (await post(room, huawei))[0] == 200
    assert room.values() == {"RC0001.room_temperature": 19.5}
    packed = {**ctwing, "timestamp": (NOW + 90) * 1000, "payload": {"APPdata": "AQDVAQ=="}}
    source = "APPdata;u16be@1*0.1"
    room.intake.use(with_source(room.index, "RC0001.room_temperature", source))
    room.now_s += 60
    assert (await post(room, packed))[0] == 200
    assert room.values()["RC0001.room_temperature"] == pytest.approx(21.3, rel=1e-12)


async def test_a_certificate_makes_it_https(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(day).not_valid_after(day.replace(year=2046))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    room = ReportRoom(tmp_path, index_of(device("DV0001", "http", "room_reporter", address=IMEI)))
    await room.open(certificate=pem, key=pem)
    assert (await post(room, report(), tls=True))[0] == 200
    await room.close()


async def test_garbage_and_silence_on_the_port_hang_nothing(room):
    endless = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 30_000
    for data in (b"\x16\x03\x01\x02\x00\x01", endless, b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", room.listener.port)
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            if data:
                await asyncio.wait_for(reader.read(), 5)
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
    assert (await post(room, report()))[0] == 200
    long = {**report(2, NOW + 1), "comment": "x" * 200_000}
    assert (await post(room, long))[0] == 200


async def test_reports_due_are_counted_so_that_silence_is_seen(room):
    room.now_s = SLOT - 100.0
    room.intake._wake.set()
    await asyncio.sleep(0.05)  # the period under way is not a whole one
    room.now_s = SLOT + 3700.0
    assert (await post(room, report(1, SLOT + 3650)))[0] == 200
    hour = room.hour()
    assert (hour["DV0001"]["asked"], hour["DV0001"]["answered"]) == (3, 1)
    assert (hour["DV0002"]["asked"], hour["DV0002"]["answered"]) == (3, 0)


def room_report(n=0, code="DV0001"):
    fields = (213, 200, 1, 52311, None, 388)
    at_s = int(NOW - 1800 * n)
    return RoomReport(device_code=code, at_s=at_s, counter=100 - int(10 * n), fields=fields)


async def test_collectors_of_the_city_report_until_they_are_acknowledged(tmp_path):
    own = device("DV0001", "http", "room_collector_json", address=IMEI)
    room = ReportRoom(tmp_path, index_of(own))
    await room.open()
    client = HttpClient(TOKEN)
    address = ("127.0.0.1", room.listener.port)
    reports = JsonReports(client, [address], room.index.by_device)
    outcomes = []
    for n in range(12):  # in whatever order their connections bring them
        reports.send(0, own, room_report(n), outcomes.append)
    await until(lambda: len(outcomes) == 12, 5)
    assert set(outcomes) == {Outcome.KEPT}
    assert len(room.rows()) == 60
    assert (1, SLOT, 213 * 0.1, 0) in room.rows()
    room.full = True
    reports.send(0, own, room_report(-0.1), outcomes.append)
    reports.send(0, own, room_report(-3), outcomes.append)  # of the future
    await until(lambda: len(outcomes) == 14, 5)
    assert sorted(o.value for o in outcomes[12:]) == ["again", "refused"]
    await room.close()
    reports.send(0, own, room_report(-0.1), outcomes.append)
    await until(lambda: len(outcomes) == 15, 5)
    assert outcomes[-1] is Outcome.NOBODY
    await client.close()


async def test_another_server_understands_the_citys_requests():
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(200 if len(seen) < 3 else 403)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = device("DV0001", "http", "room_collector_json", address=IMEI)
    client = HttpClient(TOKEN)
    reports = JsonReports(client, [server.server_address], index_of(own).by_device)
    outcomes = []
    for n in range(3):
        reports.send(0, own, room_report(n), outcomes.append)
        await until(lambda n=n: len(outcomes) == n + 1, 5)
    assert outcomes == [Outcome.KEPT, Outcome.KEPT, Outcome.REFUSED]
    path, token, message = seen[0]
    assert (path, token) == ("/report/city", f"Bearer {TOKEN}")
    assert message["values"] == {
        "room_t": 213, "set_t": 200, "valve": 1, "heat": 52311, "return_t": 388,
    }  # fmt: skip
    assert message["time"] == "2027-01-15T08:15:00Z"
    await client.close()
    await asyncio.to_thread(server.shutdown)
    server.server_close()


_KILLED = """
import asyncio, pathlib, sys
from tests.contract.report_room import ReportRoom, device, index_of

async def main():
    devices = [device(f"DV{n:04d}", "http", "room_reporter") for n in range(1, 41)]
    room = ReportRoom(pathlib.Path(sys.argv[1]), index_of(*devices))
    await room.open(rate=1e6)
    print(room.listener.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_listener_has_everything_it_acknowledged(tmp_path):
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])},
    )  # fmt: skip
    port = int(process.stdout.readline())
    acknowledged = set()

    async def collector(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for counter in range(1000):
                at = NOW - 1800 * 900 + 1800 * counter
                body = json.dumps(report(counter, at, f"DV{number:04d}", room_temperature=20.0))
                writer.write(
                    f"POST /report/city HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                status = await reader.readline()
                rest = await reader.readuntil(b"\r\n\r\n")
                length = rest.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                if b" 200 " in status:
                    acknowledged.add((6 * number - 5, at - at % 1800))
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    tasks = [asyncio.create_task(collector(n)) for n in range(1, 41)]
    async with asyncio.timeout(20):
        while len(acknowledged) < 400:
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    await asyncio.gather(*tasks)
    spool = Spool(tmp_path / "spool")
    kept = set()
    for record in spool.pending(0, 1 << 30):
        rows = SampleBatch.from_bytes(record.body).rows()
        kept |= {(key, slot) for key, slot, _, _ in rows}
    spool.close()
    assert acknowledged <= kept
