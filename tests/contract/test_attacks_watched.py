"""Attacks on the running application: each is refused, becomes an event, and raises its alarm.

Every attack goes the way an attacker would: through the web, through a gateway's link, or with
what a gateway reports of its listeners. Most share one platform: each has an address and users
of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import socket
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heatloop.app.refusals import Refused
from heatloop.app.watch_ports import open_ports
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.clock import machine_s
from heatloop.kernel.envelope import EnvelopeKind, seal_samples
from heatloop.security.access import Role
from heatloop.security.keys import SigningKey
from heatloop.web.limits import Buckets
from heatloop.web.upload_check import check_upload
from tests.unit.app_town import PASSWORD, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town(tmp_path_factory.mktemp("attacked")) as made:
        yield made


@contextlib.asynccontextmanager
async def stranger(made: Town, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(
        app=made.app, raise_app_exceptions=False, client=(address, 4711)
    )
    headers = {"X-Heatloop": "1"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://town", headers=headers
    ) as client:
        yield client


async def events(made: Town, kind: str, word: str = "") -> list[tuple[str, str]]:
    """Return (subject, address) of the events of a kind."""
    await made.platform.security_events.settle()
    rows = made.platform.records.watch.events(kinds=[kind], word=word)[1]
    return [(row.subject, row.address) for row in rows]


async def alarm(made: Town, kind: str) -> bool:
    await made.platform.security_events.settle()
    active = made.platform.alarming.active_of(("security",))
    return any(rule == f"security.{kind}" for _, rule in active)


async def _sign_in(client: httpx.AsyncClient, user: str, password: str) -> int:
    body = {"user": user, "password": password}
    return (await client.post(f"{API}/session", json=body)).status_code


async def test_guessing_a_password_is_an_alarm(made: Town) -> None:
    made.add_user("zhang", Role.MANAGER)
    async with stranger(made, "203.0.113.1") as client:
        for n in range(5):
            assert not await events(made, "brute_force", "zhang")
            assert await _sign_in(client, "zhang", f"Wrong-guess-{n}") in (401, 429)
    assert await events(made, "brute_force", "zhang") == [("zhang", "203.0.113.1")]
    assert await alarm(made, "brute_force")


async def test_one_password_on_many_accounts_is_an_alarm(made: Town) -> None:
    async with stranger(made, "203.0.113.2") as client:
        for n in range(5):
            assert not await events(made, "password_spraying")
            assert await _sign_in(client, f"user{n}", "Winter-2026") in (401, 429)
    assert await events(made, "password_spraying") == [("", "203.0.113.2")]
    assert not await events(made, "brute_force", "user")
    assert await alarm(made, "password_spraying")


async def test_probing_for_addresses_is_an_alarm(made: Town) -> None:
    async with stranger(made, "203.0.113.3") as client:
        for n in range(12):
            assert (await client.get(f"{API}/wp-admin-{n}")).status_code == 404
            assert (await client.get(f"{API}/alarms?page={n + 1}")).status_code == 401
        assert not await alarm(made, "probing")  # one address denied again and again
        for n in range(12, 20):
            await client.get(f"{API}/wp-admin-{n}")
    assert await events(made, "probing") == [("", "203.0.113.3")]
    assert await alarm(made, "probing")


async def test_flooding_is_refused_and_others_are_served(tmp_path: Path) -> None:
    limits = {"address_per_s": 5.0, "address_burst": 20.0, "user_per_s": 1.0, "user_burst": 10.0}
    async with town(tmp_path, watch=limits) as made:
        async with stranger(made, "203.0.113.4") as client:
            answers = [(await client.get(f"{API}/session")) for _ in range(60)]
            health = await client.get(f"{API}/info")
        refused = [each for each in answers if each.status_code == 429]
        assert len(refused) >= 20
        assert int(refused[0].headers["retry-after"]) >= 1
        assert refused[0].json()["error"]["message_zh"]
        assert health.status_code == 200
        async with stranger(made, "198.51.100.1") as other:
            assert (await other.get(f"{API}/session")).status_code == 401
        assert await alarm(made, "request_flood")
        async with made.client("wang", Role.MANAGER) as client:
            statuses = [(await client.get(f"{API}/session")).status_code for _ in range(15)]
        assert statuses[:10] == [200] * 10
        assert 429 in statuses


async def test_buckets_fill_again_and_are_bounded() -> None:
    buckets = Buckets(2.0, 4.0)
    assert [buckets.take("a", 100.0) for _ in range(4)] == [0.0] * 4
    assert buckets.take("a", 100.0) == 0.5
    assert buckets.take("b", 100.0) == 0.0
    assert buckets.take("a", 100.6) == 0.0
    assert [buckets.take("a", 1e6) for _ in range(5)] == [0.0] * 4 + [0.5]
    for n in range(30_000):
        buckets.take(f"192.0.2.{n}", 1e6)
    assert buckets.take("a", 1e6) == 0.0  # forgotten, so that memory is bounded


async def test_commands_without_pause_are_an_alarm(made: Town) -> None:
    audit = made.platform.audit
    for n in range(29):
        await audit.add("zhao", "command.request", f"P{n}", mode="manual")
        # The strategy's own commands are many and no attack.
        await audit.add("curve", "command.request", f"P{n}", mode="automatic")
    assert not await alarm(made, "command_rate")
    await audit.add("zhao", "command.request", "P30", mode="manual")
    assert await events(made, "command_rate") == [("zhao", "")]
    assert await alarm(made, "command_rate")


async def test_one_account_from_two_places_is_an_alarm(made: Town) -> None:
    made.add_user("li", Role.CUSTOMER_SERVICE)
    for address in ("10.0.0.5", "198.51.100.77"):
        assert not await alarm(made, "two_places")
        async with stranger(made, address) as client:
            assert await _sign_in(client, "li", PASSWORD) == 200
    assert await events(made, "two_places") == [("li", "198.51.100.77")]
    assert await alarm(made, "two_places")


@pytest.mark.parametrize(
    ("action", "kind"), [("bulk.export", "mass_export"), ("personal.reveal", "mass_reveal")]
)
async def test_taking_data_without_end_is_an_alarm(made: Town, action: str, kind: str) -> None:
    for n in range(20):
        assert not await alarm(made, kind)
        await made.platform.audit.add("qian", action, f"subject {n}")
    assert [subject for subject, _ in await events(made, kind)] == ["qian"]
    assert await alarm(made, kind)


async def test_an_unknown_gateway_is_an_alarm(made: Town) -> None:
    hello = {"type": "hello", "gateway": "GW0666", "epoch": 1, "signature": "00" * 64}
    asked = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": json.dumps(hello)},
            {"type": "websocket.disconnect", "code": 1000},
        ]
    )
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {
        "type": "websocket", "path": f"{API}/gateways/link", "raw_path": b"", "headers": [],
        "query_string": b"", "client": ("203.0.113.5", 1), "server": ("town", 80),
        "subprotocols": [], "scheme": "ws", "root_path": "", "app": made.app,
    }  # fmt: skip
    await made.app(scope, receive, send)
    texts = [json.loads(each["text"]) for each in said if each.get("text")]
    assert "refused" in {each["type"] for each in texts}
    assert await events(made, "unknown_gateway", "GW0666") == [("GW0666", "203.0.113.5")]
    assert await alarm(made, "unknown_gateway")


async def test_a_stolen_enrolment_token_is_an_alarm(made: Town) -> None:
    key = SigningKey.generate()
    with pytest.raises(Refused):
        await made.platform.gateways.enrol("GW0002", key.public, "no-such-token")
    assert len(await events(made, "unknown_gateway", "GW0002")) == 1


async def test_forged_and_foreign_and_replayed_frames_are_alarms(made: Town) -> None:
    gateway = await made.enrol()
    await gateway.connect()
    foreign = next(
        binding.point
        for binding in made.platform.world.ledger.bindings
        if made.platform.world.ledger.gateway_of(binding.point) == "GW0002"
    )
    through = await gateway.samples((foreign, int(made.clock.now_s()), 55.0))
    await gateway.acknowledged(through, 20.0)
    assert [subject for subject, _ in await events(made, "foreign_points")] == ["GW0001"]

    hour = int(made.clock.now_s()) // 3600 * 3600

    async def report(number: int, **failed: dict[str, int]) -> None:
        devices = {
            name.replace("__", "."): {
                "asked": 5,
                "answered": 1,
                "up": 0,
                "down": 0,
                "failed": each,
                "rtt": {},
            }
            for name, each in failed.items()
        }
        note = {"type": "link_stats", "hour": hour, "run": 1, "n": number, "channels": {}}
        await gateway.acknowledged(await gateway.notes({**note, "devices": devices}), 20.0)

    await report(1, DV0004={"refused": 4}, DV0001={"timeout": 50})
    assert not await events(made, "replayed_frame")
    assert not await events(made, "unknown_device")
    # Counters run over the hour: the same count again is nothing new.
    await report(2, DV0004={"refused": 4})
    assert not await events(made, "replayed_frame")
    await report(3, DV0004={"refused": 5}, listener__coap={"refused": 2})
    assert await events(made, "replayed_frame") == [("DV0004", "")]
    assert await events(made, "unknown_device") == [("GW0001", "")]
    assert await alarm(made, "replayed_frame")
    assert await alarm(made, "unknown_device")

    batch = SampleBatch()
    batch.append(made.key(foreign), int(made.clock.now_s()), 55.0)
    stranger_key = SigningKey.generate()
    data = gateway.seal(EnvelopeKind.SAMPLES, seal_samples(batch), 1, key=stranger_key)
    await made.platform.intake.take(gateway.lines, data)
    await gateway.until(lambda: gateway.dropped, 20.0)
    assert await events(made, "forged_frame") == [("GW0001", "")]
    assert await alarm(made, "forged_frame")


async def test_administration_from_elsewhere_is_refused(tmp_path: Path) -> None:
    own = {"admin_from": ["10.1.0.0/16"]}
    async with town(tmp_path, watch=own, server={"max_upload_mb": 1}) as made:
        async with stranger(made, "203.0.113.6") as client:
            answer = await client.get(f"{API}/users")
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "admin_address"
            # What everybody uses is not administration.
            assert (await client.get(f"{API}/alarms")).status_code == 401
            await _too_much(client)
        async with stranger(made, "10.1.2.3") as client:
            assert (await client.get(f"{API}/users")).status_code == 401
        assert await alarm(made, "admin_address")


async def _too_much(client: httpx.AsyncClient) -> None:
    """Bodies without an end, headers without number, an address without end."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000

    # No length is told, so only counting can know.
    assert (await client.post(f"{API}/session", content=endless())).status_code == 413
    many = await client.get(f"{API}/info", headers={f"x-{n}": "1" for n in range(150)})
    assert many.status_code == 431
    assert (await client.get(f"{API}/info", headers={"x-a": "a" * 40_000})).status_code == 431
    assert (await client.get(f"{API}/alarms?kind=" + "%41" * 21_800)).status_code == 414


def _zip(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


BAD_FILES = {
    "bomb.xlsx": _zip("xl/worksheets/sheet1.xml", b"0" * 20_000_000),
    "bomb.csv": gzip.compress(b"0" * 20_000_000),
    "slip.zip": _zip("../../etc/passwd", b"x"),
    "macro.xlsx": _zip("xl/vbaProject.bin", b"x"),
    "ledger.csv": b"MZ\x90\x00 this is a program",
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old office",
    "photo.png": b"GIF89a",
    "nul.csv": b"code,zh\x00,en",
    "../../x.csv": b"a,b",
    "a\x00b.csv": b"a,b",
    "cut.zip": b"PK\x03\x04 and nothing else",
}
GOOD_FILES = {
    "ledger.xlsx": _zip("xl/worksheets/sheet1.xml", b"<row/>" * 1000),
    "plain.csv": b"code,zh\r\nSS0001,\xe7\xab\x99\r\n",
    "wide.csv": "code,zh".encode("utf-16"),
    "packed.csv.gz": gzip.compress(b"code,zh\n" * 1000),
    "": b"anything",
    "photo.png": b"\x89PNG\r\n\x1a\n....",
}


@pytest.mark.parametrize("name", BAD_FILES)
async def test_unsafe_files_are_refused(name: str) -> None:
    with pytest.raises(Refused) as caught:
        check_upload(name, BAD_FILES[name])
    assert caught.value.code == "unsafe_upload"


@pytest.mark.parametrize("name", GOOD_FILES)
async def test_good_files_pass(name: str) -> None:
    check_upload(name, GOOD_FILES[name])


async def test_unsafe_uploads_are_told(made: Town) -> None:
    async with made.client("ke", Role.SYSTEM_ADMIN) as client:
        for name in ("bomb.xlsx", "ledger.csv"):
            files = {"file": (name, BAD_FILES[name])}
            answer = await client.post(f"{API}/ledger/import", files=files)
            assert answer.status_code == 422, answer.text
            assert answer.json()["error"]["code"] == "unsafe_upload"
            assert [subject for subject, _ in await events(made, "unsafe_upload", name)] == [name]
    assert await alarm(made, "unsafe_upload")


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as open_:
        open_.bind(("127.0.0.1", 0))
        open_.listen()
        yield open_.getsockname()[1]


async def test_an_undeclared_port_is_an_alarm_until_it_is_closed(made: Town, listener: int) -> None:
    nearby = range(max(listener - 50, 1), min(listener + 50, 65536))
    found = await asyncio.to_thread(open_ports, "127.0.0.1", nearby)
    assert listener in found
    async with made.client("sun", Role.SECURITY_ADMIN) as client:
        scan = {"target": "127.0.0.1", "open": [listener]}
        answer = await client.post(f"{API}/security/ports", json=scan)
        assert answer.status_code == 201
        assert answer.json()["undeclared"] == [listener]
        assert await alarm(made, "open_port")
        closed = await client.post(f"{API}/security/ports", json={**scan, "open": [8080]})
        assert closed.json()["undeclared"] == []
        assert not await alarm(made, "open_port")


async def test_a_certificate_about_to_end_is_an_alarm(
    made: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "heat.example")])
    now = datetime.fromtimestamp(machine_s(), UTC)

    def certificate(days: float) -> bytes:
        signed = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        return signed.public_bytes(serialization.Encoding.PEM)

    own = tmp_path / "own.pem"
    duty = made.platform.watch.duty
    server = replace(made.platform.settings.server, tls_certificate=str(own))
    monkeypatch.setattr(duty, "_settings", replace(made.platform.settings, server=server))
    own.write_bytes(certificate(10.0))
    await duty.certificates()
    assert await alarm(made, "certificate_expiring")
    own.write_bytes(certificate(-1.0))
    await duty.certificates()
    assert await alarm(made, "certificate_expired")
    assert not await alarm(made, "certificate_expiring")
    own.write_bytes(certificate(300.0))
    await duty.certificates()
    assert not await alarm(made, "certificate_expired")
