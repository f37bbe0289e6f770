"""TLS over real sockets: versions, the wire, certificates of gateways on both sides."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from heatloop.app.ca import Authority
from heatloop.app.tls import client_context, redirect, server_context
from heatloop.edge.certificate import Certificate
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity, link_way, load_identity, post
from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink, link_url
from heatloop.edge.uplink_session import Inbound, UplinkSession
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.security.access import Role
from tests.contract.tls_house import TlsHouse, free_port, tls_house
from tests.unit.app_town import PASSWORD


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TlsHouse]:
    async with tls_house(tmp_path) as made:
        yield made


async def _openssl(port: int, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"localhost:{port}", *words,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    return out.decode(errors="replace")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
async def test_8_2_f_tls_1_1_is_refused_and_1_2_and_1_3_are_taken(house: TlsHouse) -> None:
    for port in (house.port, house.door):
        # Security level 0: the client itself would not offer such an old version otherwise.
        old = await _openssl(port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        assert "Protocol  : TLSv1.1" in old  # it was offered
        assert "Cipher is (NONE)" in old
        for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            new = await _openssl(port, version)
            assert name in new, new
        weak = await _openssl(port, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
        assert "Cipher is (NONE)" in weak  # no forward secrecy


async def test_8_2_f_the_wire_shows_neither_credentials_nor_personal_data(
    house: TlsHouse,
) -> None:
    house.town.add_user("wang", Role.OPERATION_ENGINEER)
    async with house.client() as client:
        signed = await client.post("/api/v1/session", json={"user": "wang", "password": PASSWORD})
        assert signed.status_code == 200, signed.text
        assert "max-age" in signed.headers["strict-transport-security"]
        cookie = next(v for k, v in signed.cookies.items() if k == "heatloop_session")
        sheet = await client.get("/api/v1/assets/PE0001")
        assert sheet.status_code == 200
        with pytest.raises(httpx.HTTPError):
            async with httpx.AsyncClient() as plain:
                await plain.get(f"http://localhost:{house.port}/api/v1/info")
    wire = bytes(house.wire.seen)
    assert len(wire) > 2000
    for secret in (PASSWORD, cookie, "wang", "PE0001", "/api/v1", "PE0001"):
        assert secret.encode() not in wire


async def _linked(config: EdgeConfig, identity: Identity) -> Uplink:
    """Return an uplink that was welcomed, or raise why it is refused."""
    way = link_way(config, identity)
    spool = await asyncio.to_thread(Spool, config.data / "spool", 1_000_000)
    session = UplinkSession(gateway=config.gateway, spool=spool, key=identity.key)
    heard: list[Inbound] = []
    uplink = Uplink(
        way.urls[0], [session], lambda _, frame: heard.append(frame), tls=way.tls, name=way.name
    )
    task = asyncio.create_task(uplink.run())
    try:
        async with asyncio.timeout(10):
            while not uplink.online:
                if uplink.reason:
                    raise AssertionError(uplink.reason)
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        spool.close()
    return uplink


async def test_6_3_d_1_a_gateway_comes_in_with_its_certificate_alone(house: TlsHouse) -> None:
    config, identity = await house.enrol()
    assert identity.link_urls == (f"https://localhost:{house.door}",)
    await _linked(config, identity)
    # The identity kept on disk is as good.
    kept = await asyncio.to_thread(load_identity, config.data, config.gateway)
    assert kept is not None
    await _linked(config, kept)
    found = house.town.platform.gateways.certificates.page()
    assert found.total == 1
    assert found.items[0].state == "valid"
    assert 89 < (found.items[0].not_after.timestamp() - machine_s()) / 86400 < 91

    # By the people's listener it may not, whatever its own key says.
    (config.data / "tls.pem").unlink()
    other = await asyncio.to_thread(load_identity, config.data, config.gateway)
    assert other is not None
    with pytest.raises(AssertionError, match="certificate"):
        await _linked(config, other)


async def test_6_3_d_1_without_or_with_a_foreign_certificate_nobody_comes_in(
    house: TlsHouse, tmp_path: Path
) -> None:
    config, identity = await house.enrol()
    place = link_url(f"https://localhost:{house.door}")
    ca = config.data / "tls-ca.pem"
    bare = ssl.create_default_context(cafile=str(ca))
    with pytest.raises((ssl.SSLError, OSError, ConnectionClosed, InvalidHandshake)):
        async with connect(place, ssl=bare, proxy=None) as socket:
            await socket.recv()
    # A certificate of another authority, for the same gateway.
    abroad = Certificate(tmp_path, "GW0001")
    request = json.loads(abroad.request(identity.key)["body"])["csr"]
    authority = Authority(tmp_path / "abroad", "abroad")
    pem, _ = authority.issue("GW0001", request, days=90, issued_by="abroad")
    abroad.keep({"certificate": pem, "ca": authority.pem})
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(tmp_path / "tls.pem")
    with pytest.raises((ssl.SSLError, OSError, ConnectionClosed, InvalidHandshake)):
        async with connect(place, ssl=context, proxy=None) as socket:
            await socket.recv()
    # Another gateway's certificate of this authority: the TLS layer takes it, the door does not.
    _, second = await house.enrol("GW0002")
    second.certificate._folder = config.data
    other = load_identity(house.folder / "edge" / "GW0002", "GW0002")
    assert other is not None
    shown = other.certificate.context()
    identity.certificate._context = shown
    with pytest.raises(AssertionError, match="certificate"):
        await _linked(config, identity)
    # Only the gateways' routes are behind that door.
    async with httpx.AsyncClient(verify=shown) as client:
        for path in ("/api/v1/info", "/", "/api/v1/keys", "/api/v1/gateways"):
            answer = await client.get(f"https://localhost:{house.door}{path}")
            assert answer.status_code == 404, path


async def test_7_8_e_a_gateway_renews_by_itself_and_a_revoked_one_does_not(
    tmp_path: Path,
) -> None:
    # Lives of 8.64 s, so that two thirds are over at once (an hour of skew lies behind).
    async with tls_house(tmp_path, certificate_days=0.001) as house:
        config, identity = await house.enrol()
        first = (config.data / "tls.pem").read_bytes()
        assert identity.certificate.due_s() < machine_s()
        task = asyncio.create_task(
            identity.certificate.renewing(
                identity.key, lambda p, b: post(config, p, b), identity.certified
            )
        )
        async with asyncio.timeout(10):
            while (config.data / "tls.pem").read_bytes() == first:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        now = x509.load_pem_x509_certificate((config.data / "tls.pem").read_bytes())
        old = x509.load_pem_x509_certificate(first)
        assert now.public_key() != old.public_key()
        await _linked(config, identity)

        platform = house.town.platform
        async with house.town.client("zhao", Role.SECURITY_ADMIN) as client:
            gone = await client.post(
                "/api/v1/gateways/GW0001/revoke", json={"reason": "stolen from its cabinet"}
            )
            assert gone.status_code == 200, gone.text
            assert gone.json()["count"] >= 2
        async with house.town.client("li", Role.OPERATION_ENGINEER) as client:
            listed = await client.get("/api/v1/gateways/certificates")
            assert {each["state"] for each in listed.json()["items"]} == {"revoked"}
            crl = x509.load_pem_x509_crl((await client.get("/api/v1/gateways/crl")).content)
            assert crl.get_revoked_certificate_by_serial_number(now.serial_number) is not None
        with pytest.raises(AssertionError, match="certificate"):
            await _linked(config, identity)
        # Nor does it get a new one by itself; a new token from people gives it one.
        asked = identity.certificate.asked(identity.key)
        with pytest.raises(ConfigError, match="403"):
            await asyncio.to_thread(post, config, "/api/v1/gateways/certificate", asked)
        _, again = await house.enrol()
        await _linked(config, again)
        _, rows = platform.records.audit.list(action="gateway.certificate_revoked")
        assert rows[0].subject == "GW0001"


async def test_7_8_e_requests_that_are_not_the_gateways_own_are_refused(house: TlsHouse) -> None:
    config, identity = await house.enrol()
    _, other = await house.enrol("GW0002")
    good = identity.certificate.asked(identity.key)
    forged = other.certificate.request(other.key)
    bad_csr = {**good, "request": dict(good["request"], body=good["request"]["body"] + " ")}
    for body in (
        {**good, "request": forged},
        {**good, "gateway": "GW0002"},
        {**good, "gateway": "nobody"},
        bad_csr,
    ):
        with pytest.raises(HeatloopError, match="403"):
            await asyncio.to_thread(post, config, "/api/v1/gateways/certificate", body)


async def test_plain_http_is_answered_with_the_https_address(tmp_path: Path) -> None:
    server = await redirect("127.0.0.1", free_port(), 8443)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/stations?x=1")
        assert answer.status_code == 301
        assert answer.headers["location"] == "https://127.0.0.1:8443/stations?x=1"
        assert answer.content == b""
        for host in ("evil/../x", "a@b", ""):
            odd = await client.get(f"http://127.0.0.1:{port}/", headers={"Host": host})
            assert odd.status_code == 400, host


def test_contexts_refuse_what_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="certificate cannot be used"):
        server_context(tmp_path / "none.pem", tmp_path / "none.key")
    with pytest.raises(ConfigError, match="authority"):
        client_context(tmp_path / "none.pem")
    assert client_context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert client_context().check_hostname
