"""Webhooks against real HTTP servers: signed, tried again, nothing lost, nowhere it may not go."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from heatloop.app import webhook_sender
from heatloop.app.webhook_sender import GIVE_UP_S, next_wait_s
from heatloop.bridge import webhooks as bridge
from heatloop.bridge.webhooks import Reach, check_url, is_public, post, resolve, sign, verify
from heatloop.kernel.errors import InputError, LinkError
from heatloop.security.access import Role
from tests.contract.open_room import SLOT, Receiver, until
from tests.contract.test_field_sparkplug import certificate
from tests.unit.app_town import town

API = "/api/v1/webhooks"
SUPPLY = "UN0001.secondary_supply_temperature"
OPEN = {"webhooks": {"allow_private": True, "allow_http": True, "timeout_s": 2.0}}
HERE = Reach(private=True, plain_http=True, timeout_s=2.0)


@pytest.fixture
async def room(tmp_path, monkeypatch):
    monkeypatch.setattr("heatloop.app.webhook_reader._LOOK_S", 0.05)
    async with town(tmp_path / "town", **OPEN) as here:
        gateway = await here.enrol("GW0001")
        await gateway.connect()
        async with here.client("keeper", Role.SYSTEM_ADMIN) as client:
            yield here, gateway, client


async def add(client, url, *events, scope=("",)):
    body = {"name": "ops", "url": url, "events": list(events), "scope": list(scope)}
    reply = await client.post(API, json=body)
    assert reply.status_code == 201, reply.text
    found = reply.json()
    return found["webhook"]["id"], found["secret"]


async def hot(gateway, begin=0):
    """Make the supply too hot for long enough to raise an alarm."""
    for n in range(12):
        await gateway.samples((SUPPLY, SLOT - 400 + begin + 30 * n, 99.0))


async def deliveries(client, state=""):
    return (await client.get(f"{API}/deliveries", params={"state": state})).json()["items"]


async def test_an_alarm_reaches_a_receiver_signed_and_once(room):
    here, gateway, client = room
    async with Receiver() as receiver:
        hook, secret = await add(client, receiver.url, "alarm.raised", "alarm.acknowledged")
        await hot(gateway)
        await until(lambda: receiver.got)
        request, headers, body = receiver.got[0]
        assert request == "POST /hook?x=1 HTTP/1.1"
        assert headers["Heatloop-Event"] == "alarm.raised"
        stamp, delivery = headers["Heatloop-Timestamp"], headers["Heatloop-Delivery"]
        assert verify(secret, stamp, delivery, body, headers["Heatloop-Signature"])
        good = (secret, stamp, delivery, body)
        for at, other in enumerate((secret + "x", "1", "dl_0", body + b" ")):
            wrong = (*good[:at], other, *good[at + 1 :])
            assert not verify(*wrong, headers["Heatloop-Signature"])
        told = receiver.bodies()[0]
        assert (told["subject"], told["asset"], told["event"]) == (SUPPLY, "UN0001", "alarm.raised")
        assert told["at"].startswith("2027-01-15T")
        assert told["data"]["rule"] == "high"
        alarm = (await client.get("/api/v1/alarms")).json()["items"][0]
        async with here.client("dispatcher", Role.DISPATCHER) as other:
            await other.post(f"/api/v1/alarms/{alarm['id']}/acknowledge")
        await until(lambda: len(receiver.got) == 2)
        await asyncio.sleep(0.3)
        assert [b["event"] for b in receiver.bodies()] == ["alarm.raised", "alarm.acknowledged"]
        assert [d["state"] for d in await deliveries(client)] == ["delivered"] * 2
        item = (await client.get(API)).json()["items"][0]
        assert (item["id"], item["delivered"], item["waiting"]) == (hook, 2, 0)


async def test_failures_are_tried_again_with_growing_pauses_then_set_aside_and_sent_again(
    room, monkeypatch
):
    _, gateway, client = room
    monkeypatch.setattr(webhook_sender, "next_wait_s", lambda n: 0.02 * n)
    monkeypatch.setattr(webhook_sender, "_MOST_REST_S", 0.02)
    async with Receiver() as receiver:
        await add(client, receiver.url, "alarm.raised")
        receiver.answers = [500, 302, 404]
        await hot(gateway)
        await until(lambda: len(receiver.got) == 4)
        assert len({headers["Heatloop-Delivery"] for _, headers, _ in receiver.got}) == 1
        assert len({body for *_, body in receiver.got}) == 1
        await until_state(client, "delivered")
        assert (await deliveries(client))[0]["attempts"] == 4
        # A day later (here: at once) it is given up, and can be seen and sent again.
        monkeypatch.setattr(webhook_sender, "GIVE_UP_S", 0.3)
        receiver.default = 503
        await gateway.samples((SUPPLY, SLOT - 40, 50.0), (SUPPLY, SLOT - 10, 50.0))
        await gateway.notes(
            {"type": "alarm", "id": "a1", "subject": "SS0001", "rule": "edge_rule.x", "priority": 2,
             "onset": float(SLOT), "value": None, "limit": None, "state": "active", "detail": ""}
        )  # fmt: skip
        await until_state(client, "dead")
        dead = (await deliveries(client, "dead"))[0]
        assert dead["last_status"] == 503
        assert dead["attempts"] > 1
        assert dead["next_at"] is None
        assert (await client.get(API)).json()["items"][0]["last_error"] == "HTTP 503"
        receiver.default = 200
        again = await client.post(f"{API}/deliveries/{dead['id']}/resend")
        assert again.json()["state"] == "waiting"
        await until_state(client, "delivered", 2)


async def until_state(client, state, count=1, seconds=10.0):
    async with asyncio.timeout(seconds):
        while len(await deliveries(client, state)) < count:
            await asyncio.sleep(0.05)


def test_pauses_double_up_to_four_hours_and_fit_a_day():
    waits = [next_wait_s(n) for n in range(1, 40)]
    assert waits[:3] == [5.0, 10.0, 20.0]
    assert max(waits) == 4 * 3600
    assert waits == sorted(waits)
    total, attempts = 0.0, 0
    while total + waits[attempts] <= GIVE_UP_S:
        total, attempts = total + waits[attempts], attempts + 1
    assert 14 <= attempts <= 20
    assert total > 18 * 3600


async def test_a_restart_loses_nothing_and_tells_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr("heatloop.app.webhook_reader._LOOK_S", 0.05)
    monkeypatch.setattr(webhook_sender, "_MOST_REST_S", 0.05)
    monkeypatch.setattr(webhook_sender, "next_wait_s", lambda _: 0.5)
    async with Receiver() as receiver:
        async with town(tmp_path / "town", **OPEN) as here:
            gateway = await here.enrol("GW0001")
            await gateway.connect()
            async with here.client("keeper", Role.SYSTEM_ADMIN) as client:
                await add(client, receiver.url, "alarm.raised")
                receiver.default = 500
                await hot(gateway)
                await until(lambda: receiver.got)
        # While nobody reads, another alarm is written (as by a process that then died).
        async with town(tmp_path / "town", fresh=False) as dying:
            dying.platform.outside.webhooks._through = {"alarm": 10**9}  # reads nothing
            await dying.platform.alarming.from_edge(_alarm())
        receiver.default, receiver.got = 200, []
        async with town(tmp_path / "town", fresh=False) as again:
            again.platform.outside.webhooks.sender._reach = HERE  # as the settings said before
            async with again.client("k2", Role.SYSTEM_ADMIN) as client:
                await until_state(client, "delivered", 2)
                await asyncio.sleep(0.3)
                assert len(await deliveries(client)) == 2
        subjects = sorted(body["subject"] for body in receiver.bodies())
        assert subjects == ["SS0001", SUPPLY]


def _alarm():
    from heatloop.alarms.lifecycle import raise_

    return raise_("SS0001", "edge_rule.x", float(SLOT), priority=2)


async def test_only_what_is_inside_its_scope_is_told(room):
    here, gateway, client = room
    async with Receiver() as receiver, Receiver() as other:
        await add(client, receiver.url, "alarm.raised", scope=["CO01/BR02"])
        await add(client, other.url, "alarm.raised", scope=["CO01/BR01"])
        await hot(gateway)
        await until(lambda: other.got)
        assert receiver.got == []
    body = {"name": "x", "url": other.url, "events": ["alarm.raised"], "scope": [""]}
    async with here.client("eng", Role.OPERATION_ENGINEER, scope="CO01/BR02") as low:
        assert (await low.post(API, json=body)).status_code == 403
        assert [i["name"] for i in (await low.get(API)).json()["items"]] == ["ops"]
        hidden = (await client.get(API)).json()["items"]
        hook = next(i["id"] for i in hidden if i["scope"] == ["CO01/BR01"])
        assert (await low.delete(f"{API}/{hook}")).status_code == 404
        assert (await low.get(f"{API}/deliveries?webhook={hook}")).status_code == 404
        assert await deliveries(low) == []
    async with here.client("peer", Role.INTEGRATOR) as viewer:
        assert (await viewer.get(API)).status_code == 403
        assert (await viewer.post(API, json=body)).status_code == 403


async def test_changing_testing_renewing_and_deleting(room):
    here, _, client = room
    async with Receiver() as receiver:
        hook, secret = await add(client, receiver.url, "alarm.raised")
        assert (await client.post(f"{API}/{hook}/test")).status_code == 202
        await until(lambda: receiver.got)
        _, headers, body = receiver.got[0]
        assert verify(secret, headers["Heatloop-Timestamp"], headers["Heatloop-Delivery"], body,
                      headers["Heatloop-Signature"])  # fmt: skip
        fresh = (await client.post(f"{API}/{hook}/secret")).json()["secret"]
        assert fresh != secret
        off = (await client.patch(f"{API}/{hook}", json={"enabled": False, "name": "n"})).json()
        assert (off["enabled"], off["name"], off["events"]) == (False, "n", ["alarm.raised"])
        await client.post(f"{API}/{hook}/test")
        await asyncio.sleep(0.3)
        assert len(receiver.got) == 1
        await client.patch(f"{API}/{hook}", json={"enabled": True})
        await until(lambda: len(receiver.got) == 2)
        _, headers, body = receiver.got[1]
        assert verify(fresh, headers["Heatloop-Timestamp"], headers["Heatloop-Delivery"], body,
                      headers["Heatloop-Signature"])  # fmt: skip
        row = here.platform.records.webhooks.get(hook)
        assert row is not None
        assert fresh not in str(row)
        for wrong in ({"url": "ftp://x.example/"}, {"events": ["no.such"]}, {"scope": ["CO09"]},
                      {"url": "http://user:pw@x.example/"}, {"color": 1}):  # fmt: skip
            assert (await client.patch(f"{API}/{hook}", json=wrong)).status_code == 422, wrong
        assert (await client.delete(f"{API}/{hook}")).status_code == 204
        assert (await client.get(API)).json()["total"] == 0
        assert await deliveries(client) == []
        actions = {r.action for r in here.platform.records.audit.list(limit=500)[1]}
        assert {"webhook.create", "webhook.change", "webhook.secret", "webhook.delete"} <= actions
        kinds = (await client.get(f"{API}/events")).json()["items"]
        assert all(kind["zh"] and kind["en"] for kind in kinds)


# -- where deliveries may not go


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1",
     "fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "224.0.0.1",
     "100.64.0.1", "198.18.0.1", "::", "255.255.255.255", "fe80::1%eth0"],
)  # fmt: skip
def test_addresses_of_this_machine_and_private_networks_are_known(address):
    assert not is_public(address)


def test_addresses_of_the_internet_are_public():
    assert all(map(is_public, ("1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::101:101")))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "https://127.0.0.1/", "https://localhost/", "https://2130706433/",
     "https://0x7f.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0/"],
)  # fmt: skip
async def test_nothing_is_delivered_to_this_machine_unless_the_settings_allow_it(url):
    with pytest.raises((InputError, LinkError)) as caught:
        await post(url, {}, b"{}", Reach(plain_http=True, timeout_s=2.0))
    assert "not allowed" in str(caught.value) or "resolved" in str(caught.value)


async def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch):
    """A name that resolves to a public address first and to this machine next opens nothing."""
    asked, opened = [], []
    loop = asyncio.get_running_loop()

    async def rebinding(host, port, **_):
        asked.append(host)
        address = "203.0.114.7" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    async def connect(host, port, **kwargs):
        opened.append((host, kwargs["server_hostname"]))
        raise OSError("stop here")

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    monkeypatch.setattr(bridge.asyncio, "open_connection", connect)
    with pytest.raises(LinkError):
        await post("https://evil.example/x", {}, b"{}", Reach(timeout_s=2.0))
    assert (asked, opened) == (["evil.example"], [("203.0.114.7", "evil.example")])
    asked.append("again")
    with pytest.raises(InputError, match="not allowed"):
        await resolve("evil.example", 443, Reach())


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    async def both(host, port, **_):
        del host
        return [(2, 1, 6, "", (a, port)) for a in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with pytest.raises(InputError, match=r"10\.0\.0\.1"):
        await resolve("x.example", 443, Reach())


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#f",
     "https://a.example:99999/", "https://a.example:0/", "https://a.example/\r\nX: y",
     "https://a.example/é", "http://a.example/", "https://a.example/" + "x" * 2100],
)  # fmt: skip
def test_urls_that_are_none(url):
    with pytest.raises(InputError):
        check_url(url, Reach())


async def test_time_size_and_noise_are_bounded():
    with pytest.raises(InputError, match="bytes"):
        await post("http://127.0.0.1/", {}, bytes(300_000), HERE)
    async with Receiver() as receiver:
        receiver.hang = True
        with pytest.raises(LinkError, match="no answer within"):
            await post(receiver.url, {}, b"{}", Reach(private=True, plain_http=True, timeout_s=0.2))
        receiver.hang = False
        assert await post(receiver.url, {}, b"{}", HERE) == 204
        with pytest.raises(InputError, match="line break"):
            await post(receiver.url, {"X": "a\r\nY: b"}, b"{}", HERE)
        receiver.default = 302
        assert await post(receiver.url, {}, b"{}", HERE) == 302
    for noise in (b"SSH-2.0-x\r\n\r\n", b"x" * 100_000, b"", b"HTTP/1.1 abc\r\n\r\n",
                  b"HTTP/1.1 100 C\r\n\r\n" * 10):  # fmt: skip

        async def shout(reader, writer, noise=noise):
            await reader.read(100)
            writer.write(noise)
            writer.close()

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkError):
            await post(f"http://127.0.0.1:{port}/", {}, b"{}", HERE)
        server.close()
        await server.wait_closed()


async def test_a_receiver_over_tls_is_checked(tmp_path):
    certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "broker.pem", tmp_path / "broker.key")
    async with Receiver(tls=tls) as receiver:
        with pytest.raises(LinkError, match="certificate"):
            await post(receiver.url, {}, b"{}", HERE)
        good = Reach(private=True, ca_file=str(tmp_path / "broker.pem"), timeout_s=5.0)
        assert await post(receiver.url, {"X-A": "1"}, b"{}", good) == 204
        assert receiver.got[-1][1]["X-A"] == "1"


def test_a_signature_other_programs_can_check():
    # Computed with `openssl dgst -sha256 -hmac secret` over `1700000000.dl_1.{}`.
    assert sign("secret", 1_700_000_000, "dl_1", b"{}") == ("v1=" + _openssl(b"1700000000.dl_1.{}"))


def _openssl(text):
    import subprocess

    command = ["openssl", "dgst", "-sha256", "-hmac", "secret", "-r"]
    return subprocess.check_output(command, input=text).decode().split()[0]
