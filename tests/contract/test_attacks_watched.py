"""Attacks on the running application: each is refused, becomes an event, and raises its alarm.

Every attack goes the way an attacker would: through the web, through a gateway's link, or with
what a gateway reports of its listeners.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import socket
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.kernel.clock import machine_s
from heatloop.kernel.envelope import EnvelopeKind, seal_samples
from heatloop.kernel.batch import SampleBatch
from heatloop.security.access import Role
from heatloop.security.keys import SigningKey
from tests.unit.app_town import Town, town

API = "/api/v1"
EVIL = "203.0.113.66"


@contextlib.asynccontextmanager
async def stranger(made: Town, address: str = EVIL) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(
        app=made.app, raise_app_exceptions=False, client=(address, 4711)
    )
    headers = {"X-Heatloop": "1"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://town", headers=headers
    ) as client:
        yield client


async def events(made: Town, kind: str) -> list[Any]:
    await made.platform.security_events.settle()
    return made.platform.records.watch.events(kinds=[kind])[1]


async def alarm(made: Town, kind: str) -> bool:
    await made.platform.security_events.settle()
    active = made.platform.alarming.active_of(("security",))
    return any(rule == f"security.{kind}" for _, rule in active)


async def _sign_in(client: httpx.AsyncClient, user: str, password: str) -> int:
    body = {"user": user, "password": password}
    return (await client.post(f"{API}/session", json=body)).status_code


async def test_guessing_a_password_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        made.add_user("zhang", Role.DISPATCHER)
        async with stranger(made) as client:
            for n in range(5):
                assert await _sign_in(client, "zhang", f"Wrong-guess-{n}") in (401, 429)
        found = await events(made, "brute_force")
        assert [(row.subject, row.address) for row in found] == [("zhang", EVIL)]
        assert await alarm(made, "brute_force")


async def test_one_password_on_many_accounts_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        async with stranger(made) as client:
            for n in range(5):
                assert await _sign_in(client, f"user{n}", "Winter-2026") in (401, 429)
        found = await events(made, "password_spraying")
        assert [row.address for row in found] == [EVIL]
        assert not await events(made, "brute_force")
        assert await alarm(made, "password_spraying")


async def test_probing_for_addresses_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        async with stranger(made) as client:
            for n in range(12):
                assert (await client.get(f"{API}/wp-admin-{n}")).status_code == 404
                assert (await client.get(f"{API}/alarms?page={n + 1}")).status_code == 401
            assert not await alarm(made, "probing")  # one address denied again and again
            for n in range(12, 20):
                await client.get(f"{API}/wp-admin-{n}")
        assert await alarm(made, "probing")
        assert {row.address for row in await events(made, "probing")} == {EVIL}


async def test_flooding_is_refused_and_others_are_served(tmp_path: Path) -> None:
    limits = {"address_per_s": 5.0, "address_burst": 20.0}
    async with town(tmp_path, watch=limits) as made:
        async with stranger(made) as client:
            statuses = [(await client.get(f"{API}/session")) for _ in range(40)]
            health = await client.get(f"{API}/info")
        refused = [each for each in statuses if each.status_code == 429]
        assert 15 <= len(refused) <= 20
        assert int(refused[0].headers["retry-after"]) >= 1
        assert refused[0].json()["error"]["message_zh"]
        assert health.status_code == 200
        async with stranger(made, "198.51.100.1") as other:
            assert (await other.get(f"{API}/session")).status_code == 401
        assert await alarm(made, "request_flood")


async def test_a_session_has_its_own_bounds(tmp_path: Path) -> None:
    limits = {"user_per_s": 5.0, "user_burst": 10.0}
    async with town(tmp_path, watch=limits) as made:
        async with made.client("wang", Role.MANAGER) as client:
            statuses = [(await client.get(f"{API}/session")).status_code for _ in range(15)]
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429


async def test_commands_without_pause_are_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        audit = made.platform.audit
        for n in range(29):
            await audit.add("zhang", "command.request", f"P{n}", mode="manual")
            # The strategy's own commands are many and no attack.
            await audit.add("curve", "command.request", f"P{n}", mode="automatic")
        assert not await alarm(made, "command_rate")
        await audit.add("zhang", "command.request", "P30", mode="manual")
        assert [row.subject for row in await events(made, "command_rate")] == ["zhang"]
        assert await alarm(made, "command_rate")


async def test_one_account_from_two_places_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        from tests.unit.app_town import PASSWORD

        made.add_user("li", Role.CUSTOMER_SERVICE)
        for address in ("10.0.0.5", "198.51.100.77"):
            assert not await alarm(made, "two_places")
            async with stranger(made, address) as client:
                assert await _sign_in(client, "li", PASSWORD) == 200
        assert [row.subject for row in await events(made, "two_places")] == ["li"]
        assert await alarm(made, "two_places")


async def test_exports_without_end_are_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        for n in range(20):
            assert not await alarm(made, "mass_export")
            await made.platform.audit.add("li", "bulk.export", f"samples {n}")
        assert [row.subject for row in await events(made, "mass_export")] == ["li"]


async def test_reveals_without_end_are_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        for n in range(20):
            assert not await alarm(made, "mass_reveal")
            await made.platform.audit.add("li", "personal.reveal", f"PE{n:04d}")
        assert await alarm(made, "mass_reveal")


async def test_an_unknown_gateway_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        from starlette.testclient import TestClient

        def knock() -> dict[str, Any]:
            with (
                TestClient(made.app, client=(EVIL, 9)) as client,
                client.websocket_connect(f"{API}/gateways/link") as link,
            ):
                link.receive_text()
                hello = {"type": "hello", "gateway": "GW0666", "epoch": 1, "signature": "00" * 64}
                link.send_json(hello)
                return link.receive_json()

        said = await asyncio.to_thread(knock)
        assert said["type"] == "refused"
        assert [(row.subject, row.address) for row in await events(made, "unknown_gateway")] == [
            ("GW0666", EVIL)
        ]
        assert await alarm(made, "unknown_gateway")


async def test_a_stolen_enrolment_token_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        key = SigningKey.generate()
        with pytest.raises(Exception, match="token"):
            await made.platform.gateways.enrol("GW0001", key.public, "no-such-token")
        assert [row.subject for row in await events(made, "unknown_gateway")] == ["GW0001"]


async def test_a_forged_envelope_is_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        gateway = await made.enrol()
        await gateway.connect()
        batch = SampleBatch()
        batch.append(min(point.key for point in made.keys.values()), int(made.clock.now_s()), 55.0)
        foreign = SigningKey.generate()
        data = gateway.seal(EnvelopeKind.SAMPLES, seal_samples(batch), 1, key=foreign)
        await made.platform.intake.take(gateway.lines, data)
        await gateway.until(lambda: gateway.dropped)
        assert [row.subject for row in await events(made, "forged_frame")] == ["GW0001"]
        assert await alarm(made, "forged_frame")


async def test_points_of_others_are_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        gateway = await made.enrol()
        await gateway.connect()
        foreign = next(
            binding.point
            for binding in made.platform.world.ledger.bindings
            if made.platform.world.ledger.gateway_of(binding.point) == "GW0002"
        )
        through = await gateway.samples((foreign, int(made.clock.now_s()), 55.0))
        await gateway.acknowledged(through)
        assert [row.subject for row in await events(made, "foreign_points")] == ["GW0001"]


async def test_replayed_and_unknown_sensor_frames_are_alarms(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        gateway = await made.enrol()
        await gateway.connect()
        hour = int(made.clock.now_s()) // 3600 * 3600

        async def report(number: int, **devices: dict[str, int]) -> None:
            said = {
                name.replace("__", "."): {"asked": 5, "answered": 1, "failed": failed}
                for name, failed in devices.items()
            }
            note = {"type": "link_stats", "hour": hour, "run": 1, "n": number}
            through = await gateway.notes({**note, "devices": said, "channels": {}})
            await gateway.acknowledged(through)

        await report(1, DV0004={"refused": 4}, DV0001={"timeout": 50})
        assert not await alarm(made, "replayed_frame")
        assert not await alarm(made, "unknown_device")
        # Counters run over the hour: the same count again is nothing new.
        await report(2, DV0004={"refused": 4})
        assert not await alarm(made, "replayed_frame")
        await report(3, DV0004={"refused": 5}, listener__coap={"refused": 2})
        assert [row.subject for row in await events(made, "replayed_frame")] == ["DV0004"]
        assert [row.subject for row in await events(made, "unknown_device")] == ["GW0001"]
        assert await alarm(made, "replayed_frame")
        assert await alarm(made, "unknown_device")


async def test_administration_from_elsewhere_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path, watch={"admin_from": ["10.1.0.0/16"]}) as made:
        async with stranger(made) as client:
            answer = await client.get(f"{API}/users")
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "admin_address"
            # What everybody uses is not administration.
            assert (await client.get(f"{API}/alarms")).status_code == 401
        async with stranger(made, "10.1.2.3") as client:
            assert (await client.get(f"{API}/users")).status_code == 401
        assert await alarm(made, "admin_address")


def _zip(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


BAD_FILES = {
    "bomb.xlsx": _zip("xl/worksheets/sheet1.xml", b"0" * 60_000_000),
    "bomb.csv": gzip.compress(b"0" * 60_000_000),
    "slip.zip": _zip("../../etc/passwd", b"x"),
    "macro.xlsx": _zip("xl/vbaProject.bin", b"x"),
    "ledger.csv": b"MZ\x90\x00 this is a program",
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old office",
    "photo.png": b"GIF89a",
    "nul.csv": b"code,zh\x00,en",
}


@pytest.mark.parametrize("name", BAD_FILES)
async def test_unsafe_uploads_are_refused_and_told(tmp_path: Path, name: str) -> None:
    async with town(tmp_path) as made, made.client("ke", Role.SYSTEM_ADMIN) as client:
        files = {"file": (name, BAD_FILES[name])}
        answer = await client.post(f"{API}/ledger/import", files=files)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["code"] == "unsafe_upload"
        assert [row.subject for row in await events(made, "unsafe_upload")] == [name]


async def test_a_path_as_a_file_name_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as made, made.client("ke", Role.SYSTEM_ADMIN) as client:
        body = (
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="../../x.csv"\r\n\r\n'
            b"a,b\r\n--b--\r\n"
        )
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = await client.post(f"{API}/ledger/import", content=body, headers=headers)
        assert answer.json()["error"]["code"] == "unsafe_upload"


async def test_a_body_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000

    async with town(tmp_path, server={"max_upload_mb": 1}) as made, stranger(made) as client:
        # No length is told, so only counting can know.
        answer = await client.post(f"{API}/session", content=endless())
        assert answer.status_code == 413
        many = await client.get(f"{API}/info", headers={f"x-{n}": "1" for n in range(150)})
        assert many.status_code == 431
        long = await client.get(f"{API}/alarms?subject=" + "x" * 70_000)
        assert long.status_code == 414


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as open_:
        open_.bind(("127.0.0.1", 0))
        open_.listen()
        yield open_.getsockname()[1]


async def test_an_undeclared_port_is_an_alarm_until_it_is_closed(
    tmp_path: Path, listener: int
) -> None:
    from heatloop.app.watch_ports import open_ports

    nearby = range(max(listener - 50, 1), min(listener + 50, 65536))
    found = await asyncio.to_thread(open_ports, "127.0.0.1", nearby)
    assert listener in found
    async with town(tmp_path) as made, made.client("sun", Role.SECURITY_ADMIN) as client:
        scan = {"target": "127.0.0.1", "open": [listener]}
        answer = await client.post(f"{API}/security/ports", json=scan)
        assert answer.status_code == 201
        assert answer.json()["undeclared"] == [listener]
        assert await alarm(made, "open_port")
        closed = await client.post(f"{API}/security/ports", json={**scan, "open": [8080]})
        assert closed.json()["undeclared"] == []
        assert not await alarm(made, "open_port")


async def test_a_certificate_about_to_end_is_an_alarm(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "heat.example")])
    now = datetime.fromtimestamp(machine_s(), UTC)

    def certificate(days: float) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    own, secret = tmp_path / "own.pem", tmp_path / "own.key"
    own.write_bytes(certificate(10.0))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = {"tls_certificate": str(own), "tls_key": str(secret)}
    async with town(tmp_path / "data", server=server) as made:
        await made.platform.watch.duty.certificates()
        assert await alarm(made, "certificate_expiring")
        own.write_bytes(certificate(-1.0))
        await made.platform.watch.duty.certificates()
        assert await alarm(made, "certificate_expired")
        assert not await alarm(made, "certificate_expiring")
        own.write_bytes(certificate(300.0))
        await made.platform.watch.duty.certificates()
        assert not await alarm(made, "certificate_expired")
