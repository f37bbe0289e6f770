"""Two zones: a platform that feeds, and the customer zone as a process of its own.

The control zone runs in the test, with gateways that send; the customer zone is the true process,
with its own data folder, keys and records, joined by a folder or by datagrams alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from heatloop.app.settings import load_settings
from heatloop.app.zone_customer import CustomerPlatform, build_customer, running_customer
from heatloop.app.zone_keys import admit, join, load_zone_keys, offer
from heatloop.bridge.feed_files import file_name
from heatloop.bridge.feed_frame import GATE, Head
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.quality import Quality
from heatloop.security.access import Role
from heatloop.security.passwords import hash_password, new_token, token_hash
from heatloop.store.records import Records
from heatloop.web.access import COOKIE
from heatloop.web.zones import create_customer_app
from tests.contract.test_app_process import free_port
from tests.unit.app_town import PASSWORD, START_S, Town, town
from tests.unit.zone_pair import Stream

API = "/api/v1"
SUPPLY = "UN0001.secondary_supply_temperature"
ROOM = "RC0001.room_temperature"
QUICK = {
    "interval_s": 0.2,
    "snapshot_s": 10.0,
    "directory_s": 10.0,
    "silent_s": 5.0,
    "answers_s": 5.0,
}


def pair_folders(control: Path, customer: Path) -> None:
    """Pair the zones of two data folders."""
    for each in (control, customer):
        (each / "keys").mkdir(parents=True, exist_ok=True)
    out, answer = control / "offer.json", control / "answer.json"
    offer(control / "keys", out)
    join(customer / "keys", out, answer)
    admit(control / "keys", answer)


def zones_of(folder: Path, **more: object) -> dict[str, dict[str, object]]:
    ways = {"feed_folder": str(folder / "feed"), "gate_folder": str(folder / "gate")}
    return {"zones": {**QUICK, **ways, **more}, "identity": {"second_factor": "off"}}


@contextlib.asynccontextmanager
async def customer_zone(folder: Path, **more: object) -> AsyncIterator[CustomerPlatform]:
    """Run the customer zone inside the test."""
    overrides = zones_of(folder, zone="customer", **more)
    platform = build_customer(load_settings(folder / "customer", overrides=overrides))
    async with running_customer(platform):
        yield platform


def client_of(platform: CustomerPlatform, name: str, *roles: Role) -> httpx.AsyncClient:
    cookie = cookie_of(platform.records, name, *roles)
    transport = httpx.ASGITransport(create_customer_app(platform), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://customer",
        headers={"X-Heatloop": "1"},
        cookies={COOKIE: cookie},
    )


def cookie_of(records: Records, name: str, *roles: Role) -> str:
    hashed = hash_password(PASSWORD)
    records.users.create(
        name,
        password_hash=hashed,
        roles=[role.value for role in roles],
        scope=[""],
        at=0.0,
        must_change=False,
    )
    token, now = new_token(), machine_s()
    records.sessions.create(token_hash(token), user=name, at=now, expires_at=now + 3600)
    return token


async def until(condition, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def both(
    folder: Path, sent: str | None = None, **more: object
) -> AsyncIterator[tuple[Town, CustomerPlatform]]:
    """Run both zones over one folder, or a proxy from `sent`; values of the plant on their way."""
    pair_folders(folder / "control", folder / "customer")
    ways = zones_of(folder, zone="control", **more)["zones"]
    ways |= {} if sent is None else {"feed_folder": sent}
    async with town(folder / "control", zones=ways) as control:
        gateway = await control.enrol()
        await gateway.connect()
        slot = int(START_S) - 30
        await gateway.samples((SUPPLY, slot, 52.0), (ROOM, slot, 20.5))
        async with customer_zone(folder, **more) as customer:
            await until(lambda: customer.zones.fresh and customer.zones.model.current)
            key = control.key(ROOM)
            await until(lambda: customer.world.latest.value(key) == 20.5)
            yield control, customer
        gateway.close()


async def answer_with_room(client: httpx.AsyncClient, place: str) -> dict[str, object]:
    """Return the answer of a building once the control zone has judged it with its first value."""
    async with asyncio.timeout(20.0):
        while True:
            answer = (await client.get(f"{API}/zone/places/{place}")).json()
            if answer["room_c"] is not None:
                return answer
            await asyncio.sleep(0.1)


async def test_a_value_of_the_plant_is_answered_in_the_customer_zone(tmp_path):
    async with (
        both(tmp_path) as (_, customer),
        client_of(customer, "clerk", Role.CUSTOMER_SERVICE) as client,
    ):
        key = customer.world.ledger.points[ROOM].key
        await until(lambda: customer.world.latest.value(key) == 20.5)
        flat = (await client.get(f"{API}/zone/places/FL00001")).json()
        assert (flat["room_c"], flat["basis"], flat["fresh"]) == (20.5, "measured", True)
        house = await answer_with_room(client, "BD0001")
        assert house["cause"]["zh"]
        assert house["room_c"] == 20.5
        found = (await client.get(f"{API}/zone/places", params={"q": "FL00001"})).json()
        assert found["items"][0]["kind"] == "flat"
        state = (await client.get(f"{API}/zone")).json()
        assert state["zone"] == "customer"
        assert state["streams"][0]["gaps"] == 0
        assert (await client.get(f"{API}/health")).json()["status"] == "ok"
        for path in ("alarms", "incidents", "findings", "weather", "points", "events", "gate"):
            assert (await client.get(f"{API}/zone/{path}")).status_code == 200, path


async def test_no_personal_data_and_no_device_cross(tmp_path):
    async with both(tmp_path) as (control, customer):
        text = json.dumps(customer.zones.model.held, ensure_ascii=False)
        for secret in ("13900000001", "PE0001", "GW0001", "DV0001", "1-101"):
            assert secret not in text
        kinds = {point.kind for point in customer.world.ledger.points.values()}
        assert not any(kind.endswith("setpoint") or "limit_" in kind for kind in kinds)
        assert "station_mode" not in kinds
        assert control.platform.world.ledger.assets.keys() > customer.world.ledger.assets.keys()


async def test_datagrams_alone_feed_the_zone(tmp_path):
    port = free_port()
    more = {"feed_folder": "", "feed_udp": f"127.0.0.1:{port}"}
    async with both(tmp_path, **more) as (_, customer):
        key = customer.world.ledger.points[ROOM].key
        await until(lambda: customer.world.latest.value(key) == 20.5)
        assert set(customer.zones.receiver.figures.carriers) == {"udp"}


async def test_forged_replayed_and_cut_files_are_refused_and_noted(tmp_path):
    async with both(tmp_path) as (control, customer):
        keys = load_zone_keys(tmp_path / "control" / "keys")
        thief = load_zone_keys(tmp_path / "customer" / "keys")
        inbox = tmp_path / "feed"
        own = Stream(keys, epoch="e" * 16)
        blobs = {
            "a": Stream(thief).next(at=machine_s()),
            "b": own.next(at=machine_s())[:-20],
            "c": own.next(at=machine_s() - 9000, seq=1, previous="0" * 64),
            "d": b"not a batch at all",
        }
        for n, blob in enumerate(blobs.values()):
            (inbox / f"feed-{'d' * 16}-{n:016d}.hlz").write_bytes(blob)
        before = dict(customer.zones.model.held["answer"])
        counts = customer.zones.events.counts
        await until(lambda: sum(n for k, n in counts.items() if k.startswith("refused")) >= 4)
        assert counts["refused.forged"] == 1
        assert counts["refused.truncated"] >= 1
        assert counts["refused.stale"] == 1
        assert counts["refused.format"] == 1
        assert customer.zones.model.held["answer"].keys() == before.keys()
        await until(lambda: len(list((inbox / "refused").iterdir())) == 4)
        await customer.security_events.settle()
        assert "security.zone_refused" in {
            rule for _, rule in customer.alarming.active_of(("security",))
        }
        assert control.platform.zones.sender.figures.failed == {}


async def test_a_silent_feed_raises_the_alarm_in_both_zones_and_harms_nothing_else(tmp_path):
    async with (
        both(tmp_path) as (control, customer),
        client_of(customer, "clerk", Role.CUSTOMER_SERVICE) as client,
    ):
        feed, sender = tmp_path / "feed", control.platform.zones.sender
        held = tmp_path / "held"
        feed.rename(held)
        feed.write_text("a file where the folder was")
        await until(lambda: "file" in sender.figures.failed)
        await until(lambda: customer.zones.receiver.figures.silent, 15)
        await until(lambda: control.platform.zones._silent, 15)
        for platform in (customer, control.platform):
            await platform.security_events.settle()
            rules = {rule for _, rule in platform.alarming.active_of(("security",))}
            assert "security.boundary_down" in rules
        stale = (await client.get(f"{API}/zone/places/FL00001")).json()
        assert stale["room_c"] == 20.5
        assert not stale["fresh"]
        assert stale["age_s"] > QUICK["silent_s"]
        async with control.client("dispatcher", Role.DISPATCHER) as operator:
            assert (await operator.get(f"{API}/overview")).status_code == 200
        feed.unlink()
        held.rename(feed)
        await until(lambda: customer.zones.fresh)
        await until(lambda: not control.platform.zones._silent)
        await customer.security_events.settle()
        assert not customer.alarming.active_of(("security",))


class Proxy:
    """The file proxy of a diode: carries what was sent into what is heard, or loses it."""

    def __init__(self, sent: Path, heard: Path) -> None:
        self.sent, self.heard = sent, heard
        self.to_lose = 0

    async def run(self) -> None:
        """Carry until cancelled."""
        self.heard.mkdir(exist_ok=True)
        while True:
            for path in sorted(self.sent.glob("feed-*.hlz")):
                if self.to_lose:
                    self.to_lose -= 1
                    path.unlink()
                else:
                    path.replace(self.heard / path.name)
            await asyncio.sleep(0.02)


async def test_a_gap_is_shown_and_healed_by_the_next_snapshot(tmp_path):
    proxy = Proxy(tmp_path / "sent", tmp_path / "feed")
    carrying = asyncio.create_task(proxy.run())
    try:
        async with both(tmp_path, sent=str(proxy.sent)) as (_, customer):
            zones, records = customer.zones, customer.records.zones

            def healed() -> bool:
                # The end is written down a moment after it is seen.
                ended = [row.ended_at for row in records.events()[1] if row.kind == "gap"]
                return not zones.receiver.order.gaps and bool(ended) and None not in ended

            proxy.to_lose = 1
            await until(lambda: zones.receiver.order.gaps, 15)
            assert not proxy.to_lose
            await until(healed, 25)
    finally:
        carrying.cancel()


async def test_what_goes_back_is_judged_one_by_one_and_only_that(tmp_path):
    async with (
        both(tmp_path) as (control, customer),
        client_of(customer, "clerk", Role.CUSTOMER_SERVICE, Role.INTEGRATOR) as client,
    ):
        now = utc(START_S)
        until_ = (now + timedelta(days=3)).isoformat()
        wish = {"place": "FL00001", "room_c": 22.0, "until": until_}
        bad = {**wish, "room_c": 29.0}
        answer = await client.post(f"{API}/zone/wishes", json=[wish, bad])
        assert answer.status_code == 202
        paid = {"place": "FL00001", "state": "paid", "since": now.isoformat()}
        assert (await client.post(f"{API}/zone/billing", json=[paid])).status_code == 202
        hours = [
            {"at": (now + timedelta(hours=n)).isoformat(), "temperature_c": -5.0} for n in range(24)
        ]
        cast = {"source": "service", "issued": now.isoformat(), "hours": hours}
        assert (await client.post(f"{API}/zone/forecasts", json=cast)).status_code == 202
        read = {"point": ROOM, "at": now.isoformat(), "value": 30.0}
        assert (await client.post(f"{API}/zone/readings", json=[read])).status_code == 202
        nowhere = {**wish, "place": "FL09999"}
        assert (await client.post(f"{API}/zone/wishes", json=[nowhere])).status_code == 404
        gate = control.platform.zones.gate
        await until(lambda: sum(gate.counts.values()) >= 5)
        assert gate.counts["accepted.wish"] == 1
        assert gate.counts["accepted.billing_state"] == 1
        assert gate.counts["accepted.weather_forecast"] == 1
        assert gate.counts["refused.range"] == 1
        # The plant measures this room itself: nobody outside may say otherwise.
        assert gate.counts["refused.measured"] == 1
        records = control.platform.records
        issue = records.weather.issue_at(START_S + 1, "gate:service")
        assert issue is not None
        assert issue.hours == 24
        shift = control.platform.zones.wishes.shifts()
        assert 0 < shift["UN0001"] <= 2.0
        total, _ = records.commands.list()
        assert total == 0
        assert any(row.action == "zone.gate" for row in records.audit.list()[1])


async def test_a_reading_nobody_measures_is_kept_as_uncertain_and_a_command_is_refused(tmp_path):
    pair_folders(tmp_path / "control", tmp_path / "customer")
    ways = zones_of(tmp_path, zone="control")["zones"]
    async with town(tmp_path / "control", zones=ways) as control:
        keys = load_zone_keys(tmp_path / "customer" / "keys")
        stream = Stream(keys, GATE)
        good = {
            "kind": "sensor_reading", "id": "r1", "point": ROOM, "at_s": START_S, "value": 19.0,
        }  # fmt: skip
        command = {
            "kind": "command", "id": "c1", "point": SUPPLY + "_setpoint", "value": 80.0,
        }  # fmt: skip
        smuggled = {**good, "id": "r2", "point": SUPPLY + "_setpoint"}
        extra = {**good, "id": "r3", "mode": "automatic"}
        blob = stream.next([good, command, smuggled, extra, 7, None], at=machine_s())
        head = Head(
            stream=GATE, epoch=stream.epoch, seq=1, kind="delta", previous="0" * 64,
            issued_s=0, plant_s=0, speed=1,
        )  # fmt: skip
        batch = tmp_path / "gate" / file_name(head)
        batch.parent.mkdir(exist_ok=True)
        batch.write_bytes(blob)
        gate = control.platform.zones.gate
        await until(lambda: sum(gate.counts.values()) >= 6)
        assert gate.counts == {
            "accepted.sensor_reading": 1, "refused.schema": 4, "refused.place": 1,
        }  # fmt: skip
        latest = control.platform.world.latest
        await until(lambda: latest.last(control.key(ROOM)) is not None)
        last = latest.last(control.key(ROOM))
        assert last[:2] == (19.0, Quality.UNCERTAIN)
        total, _ = control.platform.records.commands.list()
        assert total == 0
        # The same file again is a replay; before the first has gone it would go along with it.
        await until(lambda: not batch.exists())
        batch.write_bytes(blob)
        await until(lambda: control.platform.zones.events.counts["refused.replay"] == 1)


@pytest.mark.slow
async def test_the_process_is_killed_and_goes_on(tmp_path):
    pair_folders(tmp_path / "control", tmp_path / "customer")
    overrides = zones_of(tmp_path, zone="control")
    port = free_port()
    environ = {
        **os.environ,
        "HEATLOOP_ZONES_FEED_FOLDER": str(tmp_path / "feed"),
        "HEATLOOP_IDENTITY_SECOND_FACTOR": "off",
    }
    command = (
        *("-m", "heatloop.web.customer", "--data", str(tmp_path / "customer")),
        *("--port", str(port)),
    )
    async with (
        town(tmp_path / "control", zones=overrides["zones"]) as control,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"X-Heatloop": "1"}, trust_env=False
        ) as client,
    ):
        gateway = await control.enrol()
        await gateway.connect()

        async def value_is(wanted: float) -> None:
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.get(f"{API}/zone/points?asset=RC0001")
                        if answer.status_code == 200 and any(
                            item["value"] == wanted for item in answer.json()["items"]
                        ):
                            return
                    await asyncio.sleep(0.05)

        slot = int(START_S) - 60
        for value in (20.5, 21.5):
            process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environ)
            try:
                if COOKIE not in client.cookies:
                    async with asyncio.timeout(60):
                        while True:
                            with contextlib.suppress(httpx.HTTPError):
                                if (await client.get(f"{API}/info")).status_code == 200:
                                    break
                            await asyncio.sleep(0.05)
                    settings = load_settings(tmp_path / "customer")
                    records = Records.open(settings.records_url)
                    client.cookies[COOKIE] = cookie_of(records, "clerk", Role.CUSTOMER_SERVICE)
                    records.close()
                await gateway.samples((ROOM, slot, value))
                slot += 30
                await value_is(value)
                events = (await client.get(f"{API}/zone/events")).json()["items"]
                assert not [each for each in events if each["kind"].startswith("refused")]
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
        gateway.close()
