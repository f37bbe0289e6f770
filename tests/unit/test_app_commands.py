"""The one door for commands: refused, signed, sent, acknowledged, verified, failed, expired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.kernel.messages import Command
from heatloop.security.access import Role
from heatloop.security.keys import KeyRing
from tests.unit.app_town import START_S, Town, TownGateway, town

SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
MODE = "UN0001.station_mode"
SLOT = int(START_S)
API = "/api/v1"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def gateway(here: Town) -> TownGateway:
    made = await here.enrol()
    await made.connect()
    await made.acknowledged(await made.samples((MODE, SLOT, 2.0), (SETPOINT, SLOT, 52.0)))
    return made


@pytest.fixture
async def client(here: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with here.client("wang", Role.DISPATCHER) as made:
        yield made


async def ask(client: httpx.AsyncClient, value: float = 55.0, point: str = SETPOINT) -> Any:
    answer = await client.post(
        f"{API}/commands", json={"point": point, "value": value, "reason": "cold"}
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


async def state(client: httpx.AsyncClient, command: str) -> str:
    return str((await client.get(f"{API}/commands/{command}")).json()["state"])


def report(command: str, to: str, at: float, reason: str = "") -> dict[str, Any]:
    return {"type": "command_report", "id": command, "state": to, "reason": reason, "at": at}


async def test_life_from_wish_to_read_back(
    here: Town, gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    view = await ask(client)
    assert view["state"] == "queued"
    await gateway.until(lambda: gateway.of("command"))
    command = Command.from_dict(gateway.of("command")[0]["command"])
    KeyRing([here.platform.keys.signing.public]).verify(
        command.key_id, command.signed_bytes(), bytes.fromhex(command.signature)
    )
    assert (command.value, command.mode, command.gateway) == (55.0, "manual", "GW0001")
    assert command.expires - command.issued == 600.0
    await gateway.acknowledged(await gateway.notes(report(view["id"], "acknowledged", SLOT + 5)))
    assert await state(client, view["id"]) == "acknowledged"
    await gateway.acknowledged(await gateway.samples((SETPOINT, SLOT + 30, 52.0)))
    assert await state(client, view["id"]) == "acknowledged"
    await gateway.acknowledged(await gateway.samples((SETPOINT, SLOT + 60, 55.0)))
    body = (await client.get(f"{API}/commands/{view['id']}")).json()
    assert [event["state"] for event in body["events"]] == [
        "queued", "sent", "acknowledged", "verified",
    ]  # fmt: skip
    actions = [
        row.action for row in reversed(here.platform.records.audit.list(subject=SETPOINT)[1])
    ]
    assert actions == ["command.request", "command.verified"]
    first = here.platform.records.audit.list(subject=SETPOINT, action="command.request")[1][0]
    assert (first.user, first.detail["before"], first.detail["after"]) == ("wang", 52.0, 55.0)


async def test_value_of_before_the_write_proves_nothing(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    view = await ask(client, 52.0)
    await gateway.until(lambda: gateway.of("command"))
    await gateway.acknowledged(await gateway.notes(report(view["id"], "acknowledged", SLOT + 5)))
    assert await state(client, view["id"]) == "acknowledged"


async def test_read_back_ahead_of_its_report_counts(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    view = await ask(client)
    await gateway.until(lambda: gateway.of("command"))
    await gateway.samples((SETPOINT, SLOT + 30, 55.0))
    await gateway.acknowledged(await gateway.notes(report(view["id"], "acknowledged", SLOT + 5)))
    assert await state(client, view["id"]) == "verified"


async def test_report_of_failure_ends_it(gateway: TownGateway, client: httpx.AsyncClient) -> None:
    view = await ask(client)
    await gateway.until(lambda: gateway.of("command"))
    await gateway.acknowledged(
        await gateway.notes(report(view["id"], "failed", SLOT + 5, "station_is_local"))
    )
    body = (await client.get(f"{API}/commands/{view['id']}")).json()
    assert (body["state"], body["events"][-1]["reason"]) == ("failed", "station_is_local")
    await gateway.acknowledged(await gateway.notes(report(view["id"], "acknowledged", SLOT + 9)))
    assert await state(client, view["id"]) == "failed"


async def test_report_by_another_gateway_is_set_aside(
    here: Town, gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    view = await ask(client)
    await gateway.until(lambda: gateway.of("command"))
    other = await here.enrol("GW0002")
    await other.connect()
    await other.acknowledged(await other.notes(report(view["id"], "acknowledged", SLOT + 5)))
    assert await state(client, view["id"]) == "sent"
    assert here.platform.records.quarantine.list()[1][0].reason == "bad_note"


async def test_queued_while_the_gateway_is_away_then_sent_in_order(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    gateway.close()
    views = [await ask(client, value) for value in (53.0, 54.0, 55.0)]
    assert [await state(client, view["id"]) for view in views] == ["queued"] * 3
    await gateway.connect()
    await gateway.until(lambda: len(gateway.of("command")) == 3)
    sent = [frame["command"] for frame in gateway.of("command")]
    assert [command["value"] for command in sent] == [53.0, 54.0, 55.0]
    assert sorted(command["counter"] for command in sent) == [c["counter"] for c in sent]


async def test_expires_when_not_done_and_fails_when_not_read_back(
    here: Town, gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    done, away = await ask(client, 53.0), None
    await gateway.until(lambda: gateway.of("command"))
    await gateway.acknowledged(await gateway.notes(report(done["id"], "acknowledged", SLOT + 5)))
    gateway.close()
    away = await ask(client, 54.0)
    here.clock.advance(601.0)
    await here.platform.commands.expire()
    assert await state(client, away["id"]) == "expired"
    body = (await client.get(f"{API}/commands/{done['id']}")).json()
    assert (body["state"], body["events"][-1]["reason"]) == ("failed", "not verified, reads 52")
    await gateway.connect()
    assert len(gateway.of("command")) == 1


async def test_restart_neither_forgets_nor_sends_twice(tmp_path: Path) -> None:
    async with town(tmp_path) as first:
        gateway = await first.enrol()
        await gateway.connect()
        await gateway.acknowledged(await gateway.samples((MODE, SLOT, 2.0), (SETPOINT, SLOT, 52.0)))
        engine = first.platform.historian.engine  # type: ignore[attr-defined]
        async with first.client("wang", Role.DISPATCHER) as client:
            sent = await ask(client, 53.0)
            await gateway.until(lambda: gateway.of("command"))
            gateway.close()
            queued = await ask(client, 54.0)
    async with town(tmp_path, fresh=False, engine=engine) as second:
        gateway.town = second
        gateway.frames.clear()
        await gateway.connect()
        await gateway.until(lambda: gateway.of("command"))
        assert [f["command"]["id"] for f in gateway.of("command")] == [queued["id"]]
        await gateway.notes(report(sent["id"], "acknowledged", SLOT + 5))
        await gateway.notes(report(queued["id"], "acknowledged", SLOT + 40))
        await gateway.acknowledged(
            await gateway.samples((SETPOINT, SLOT + 30, 53.0), (SETPOINT, SLOT + 60, 54.0))
        )
        async with second.client("wang") as client:
            assert await state(client, sent["id"]) == "verified"
            assert await state(client, queued["id"]) == "verified"


@pytest.mark.parametrize(
    "point,value,status,code",
    [
        (SETPOINT, 95.0, 422, "out_of_range"),
        (SETPOINT, 5.0, 422, "out_of_range"),
        ("UN0001.secondary_supply_temperature", 50.0, 422, "not_writable"),
        ("UN0001.nonsense", 50.0, 404, "not_found"),
        ("UN0001.makeup_pump_command", 0.5, 422, "out_of_range"),
        (SETPOINT, 1e12, 422, "invalid"),
    ],
)
async def test_unsafe_wishes_are_refused_and_audited(
    here: Town,
    gateway: TownGateway,
    client: httpx.AsyncClient,
    point: str,
    value: float,
    status: int,
    code: str,
) -> None:
    answer = await client.post(f"{API}/commands", json={"point": point, "value": value})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert here.platform.records.commands.list()[0] == 0
    refused = here.platform.records.audit.list(action="command.refused")[0]
    assert refused == (1 if code in ("out_of_range", "not_writable") else 0)


async def test_local_station_takes_only_its_mode(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    await gateway.acknowledged(await gateway.samples((MODE, SLOT + 30, 0.0)))
    answer = await client.post(f"{API}/commands", json={"point": SETPOINT, "value": 50.0})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "station_local")
    mode = await client.put(f"{API}/units/UN0001/mode", json={"mode": "automatic"})
    assert mode.status_code == 202
    assert (mode.json()["point"], mode.json()["value"]) == (MODE, 2.0)


async def test_set_point_may_not_pass_the_units_own_limit(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    await gateway.acknowledged(
        await gateway.samples(("UN0001.limit_supply_temperature_high", SLOT, 60.0))
    )
    answer = await client.post(f"{API}/commands", json={"point": SETPOINT, "value": 59.0})
    assert answer.status_code == 422
    assert (
        await client.post(f"{API}/commands", json={"point": SETPOINT, "value": 58.0})
    ).is_success


async def test_stage_is_kept_audited_and_shown(here: Town, client: httpx.AsyncClient) -> None:
    answer = await client.put(f"{API}/units/UN0001/stage", json={"stage": "automatic"})
    assert answer.json()["stage"] == "automatic"
    assert here.platform.records.stages.all() == {"UN0001": "automatic"}
    entry = here.platform.records.audit.list(action="unit.stage")[1][0]
    assert entry.detail == {"before": "observe", "after": "automatic"}
    wrong = await client.put(f"{API}/units/SS0001/stage", json={"stage": "advise"})
    assert wrong.status_code == 404


async def test_curve_writes_only_at_automatic_and_automatic(
    here: Town, gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    weather = ("WS0001.outdoor_temperature", SLOT, -9.0)
    supply = ("UN0001.secondary_supply_temperature", SLOT, 52.0)
    await gateway.acknowledged(await gateway.samples(weather, supply))
    await here.platform.curve.run(START_S)
    assert SETPOINT in here.platform.curve.plans
    assert here.platform.records.commands.list()[0] == 0
    await client.put(f"{API}/units/UN0001/stage", json={"stage": "automatic"})
    await here.platform.curve.run(START_S + 600)
    total, rows = here.platform.records.commands.list()
    assert total == 1
    command = rows[0]
    assert (command.command.point, command.command.mode) == (SETPOINT, "automatic")
    assert command.requested_by == "curve"
    # It walks from what the station really supplies, 12 K an hour.
    assert 52.0 < command.command.value <= 54.1
    await gateway.acknowledged(await gateway.samples((MODE, SLOT + 30, 1.0)))
    await here.platform.curve.run(START_S + 3600)
    assert here.platform.records.commands.list()[0] == 1


async def test_what_the_curve_learnt_survives_a_restart(
    here: Town, gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    from heatloop.app.curve_job import CurveJob

    rows = [("WS0001.outdoor_temperature", SLOT, -9.0), ("RC0001.room_temperature", SLOT, 17.0)]
    await gateway.acknowledged(await gateway.samples(*rows))
    await client.put(f"{API}/units/UN0001/stage", json={"stage": "automatic"})
    curve = here.platform.curve
    curve._cycle.restore({"UN0001": 0.75}, {})
    await curve.keep()
    again = CurveJob(here.platform.world, here.platform.records, here.platform.commands, None)  # type: ignore[arg-type]
    await again.load()
    assert dict(again._cycle.trims) == {"UN0001": 0.75}


async def test_newer_command_overwrites_an_older_one(
    gateway: TownGateway, client: httpx.AsyncClient
) -> None:
    older, newer = await ask(client, 53.0), await ask(client, 54.0)
    await gateway.until(lambda: len(gateway.of("command")) == 2)
    last = await gateway.notes(
        report(older["id"], "acknowledged", SLOT + 5), report(newer["id"], "acknowledged", SLOT + 6)
    )
    await gateway.acknowledged(last)
    assert await state(client, older["id"]) == "failed"
    await gateway.acknowledged(await gateway.samples((SETPOINT, SLOT + 30, 54.0)))
    assert await state(client, newer["id"]) == "verified"
