"""Alarms at the platform: raised, published, acknowledged, cleared, over restarts and scopes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heatloop.alarms.lifecycle import raise_
from heatloop.app.live import Subscriber
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, TownGateway, town

SUPPLY = "UN0001.secondary_supply_temperature"
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
    return made


async def heat_up(here: Town, gateway: TownGateway, value: float = 96.0) -> None:
    """Hold the supply temperature above its limit for longer than the delay."""
    here.clock.advance(120)
    slot = int(here.clock.now_s())
    rows = [(SUPPLY, slot - 120 + 30 * n, value) for n in range(1, 5)]
    await gateway.acknowledged(await gateway.samples(*rows))


async def listed(here: Town, user: str, query: str = "") -> list[dict[str, Any]]:
    async with here.client(user) as client:
        return list((await client.get(f"{API}/alarms{query}")).json()["items"])


async def test_life_of_an_alarm(here: Town, gateway: TownGateway) -> None:
    await heat_up(here, gateway)
    async with here.client("wang", Role.DISPATCHER) as client:
        (alarm,) = (await client.get(f"{API}/alarms")).json()["items"]
        assert (alarm["subject"], alarm["point"], alarm["rule"]) == ("UN0001", SUPPLY, "high")
        assert (alarm["value"], alarm["limit"], alarm["unit"]) == (96.0, 80.0, "degC")
        assert "高于上限" in alarm["text_zh"]
        assert "above its high limit" in alarm["text_en"]
        totals = (await client.get(f"{API}/overview")).json()["totals"]
        assert (totals["alarms_active"], totals["alarms_unacknowledged"]) == (1, 1)
        done = (await client.post(f"{API}/alarms/{alarm['id']}/acknowledge")).json()
        assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "wang")
        again = await client.post(f"{API}/alarms/{alarm['id']}/acknowledge")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "alarm_closed")
        await heat_up(here, gateway, 50.0)
        assert (await client.get(f"{API}/alarms")).json()["items"] == []
        (ended,) = (await client.get(f"{API}/alarms?state=all")).json()["items"]
        assert (ended["state"], ended["acknowledged_by"]) == ("cleared", "wang")
        assert ended["cleared"] > ended["onset"]
        late = await client.post(f"{API}/alarms/{alarm['id']}/acknowledge")
        assert late.status_code == 409
        unknown = await client.post(f"{API}/alarms/ffff/acknowledge")
        assert unknown.status_code == 404
    entry = here.platform.records.audit.list(action="alarm.acknowledge")[1][0]
    assert (entry.user, entry.subject) == ("wang", SUPPLY)


async def test_returned_before_anybody_looked_stays_until_seen(
    here: Town, gateway: TownGateway
) -> None:
    await heat_up(here, gateway)
    await heat_up(here, gateway, 50.0)
    async with here.client("wang", Role.DISPATCHER) as client:
        (alarm,) = (await client.get(f"{API}/alarms")).json()["items"]
        assert alarm["state"] == "returned"
        done = (await client.post(f"{API}/alarms/{alarm['id']}/acknowledge")).json()
        assert done["state"] == "cleared"


async def test_alarms_stay_inside_their_scope(here: Town, gateway: TownGateway) -> None:
    await heat_up(here, gateway)
    here.add_user("east", Role.DISPATCHER, scope="CO01/BR01")
    here.add_user("west", Role.DISPATCHER, scope="CO01/BR02")
    (alarm,) = await listed(here, "east")
    assert await listed(here, "west") == []
    assert await listed(here, "west", "?state=all") == []
    assert len(await listed(here, "east", "?state=all")) == 1
    assert len(await listed(here, "east", "?subject=SS0001")) == 1
    assert len(await listed(here, "east", "?state=all&subject=SS0001")) == 1
    assert await listed(here, "east", "?subject=UN0002") == []
    assert await listed(here, "east", "?priority=4") == []
    async with here.client("west") as client:
        answer = await client.post(f"{API}/alarms/{alarm['id']}/acknowledge")
        assert answer.status_code == 404


async def test_open_alarm_survives_a_restart_and_then_clears(tmp_path: Path) -> None:
    async with town(tmp_path) as first:
        gateway = await first.enrol()
        await gateway.connect()
        await heat_up(first, gateway)
        engine = first.platform.historian.engine  # type: ignore[attr-defined]
        clock = first.clock
    async with town(tmp_path, fresh=False, engine=engine, clock=clock) as second:
        second.add_user("wang", Role.DISPATCHER)
        (alarm,) = await listed(second, "wang")
        assert alarm["state"] == "active"
        gateway.town = second
        await gateway.connect()
        await heat_up(second, gateway)
        assert len(await listed(second, "wang", "?state=all")) == 1
        await heat_up(second, gateway, 50.0)
        assert (await listed(second, "wang"))[0]["state"] == "returned"


async def test_alarm_of_a_gateway_comes_once_and_clears(here: Town, gateway: TownGateway) -> None:
    here.add_user("wang", Role.DISPATCHER)
    made = raise_("UN0001", "interlock.over_temperature", START_S, priority=1, value=97.0)
    note = {"type": "alarm", **made.to_dict()}
    await gateway.acknowledged(await gateway.notes(note, note))
    (alarm,) = await listed(here, "wang")
    assert (alarm["id"], alarm["priority"]) == (made.id, 1)
    assert "超温" in alarm["text_zh"]
    await gateway.acknowledged(
        await gateway.notes({"type": "alarm_clear", "id": made.id, "at": START_S + 60})
    )
    assert (await listed(here, "wang"))[0]["state"] == "returned"
    foreign = raise_("UN0002", "interlock.frost", START_S)
    await gateway.acknowledged(await gateway.notes({"type": "alarm", **foreign.to_dict()}))
    assert len(await listed(here, "wang")) == 1


async def test_silence_and_a_gateway_away_are_one_alarm_each(
    here: Town, gateway: TownGateway
) -> None:
    here.add_user("wang", Role.DISPATCHER)
    codes = [point.code for point in here.platform.world.ledger.points_of("SS0001")]
    codes += [point.code for point in here.platform.world.ledger.points_of("UN0001")]
    await gateway.acknowledged(await gateway.samples(*((c, SLOT, 1.0) for c in codes)))
    here.clock.advance(600)
    stale = here.platform.loop.checker.stale_keys(here.clock.now_s())
    here.platform.world.latest.mark_stale(stale)
    await here.platform.alarming.silence(stale, {"GW0002"})
    rules = {(a["subject"], a["rule"]) for a in await listed(here, "wang")}
    assert ("SS0001", "link.DV0001") in rules
    assert ("GW0002", "gateway_link") in rules
    # Everything behind a gateway that is away stays quiet.
    assert not any(subject == "SS0002" for subject, _ in rules)
    async with here.client("wang") as client:
        (view,) = (await client.get(f"{API}/points/latest?codes={SUPPLY}")).json()
        assert (view["quality"], view["value"]) == ("stale", 1.0)
    await here.platform.alarming.silence(stale, set())
    left = {a["rule"]: a["state"] for a in await listed(here, "wang")}
    assert left["gateway_link"] == "returned"


async def test_live_streams_hear_alarms_inside_their_scope(
    here: Town, gateway: TownGateway
) -> None:
    from heatloop.kernel.scope import Scope

    world = here.platform.world
    streams = [
        Subscriber(frozenset(), world.codes_in(Scope.of([path])))
        for path in ("", "CO01/BR01", "CO01/BR02")
    ]
    for stream in streams:
        here.platform.hub.add(stream)
    await heat_up(here, gateway)
    heard = [[event.name for event in stream.take(world.latest)] for stream in streams]
    assert heard == [["alarm"], ["alarm"], []]


async def test_flood_of_alarms_loses_none(here: Town, gateway: TownGateway) -> None:
    """Every point of a station leaves its limits at once."""
    here.add_user("wang", Role.DISPATCHER)
    here.clock.advance(600)
    points = here.platform.world.ledger.points.values()
    mine = [p.code for p in points if p.asset in ("SS0001", "UN0001")]
    for n in range(6):
        last = await gateway.samples(*((code, SLOT + 30 * n, 64.0) for code in mine))
    await gateway.acknowledged(last)
    shown = await listed(here, "wang", "?size=500")
    kept = here.platform.records.alarms.list_open()
    assert len(shown) == len(kept) > 5
    assert len({alarm["id"] for alarm in shown}) == len(shown)


async def test_values_on_their_way_are_not_silence(here: Town, gateway: TownGateway) -> None:
    """In lockstep edges are some ticks ahead of what is stored; racing time needs room too."""
    from dataclasses import replace

    world = here.platform.world
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0)))
    station = world.layout.stations["SS0001"]
    here.clock.advance(240)
    assert world.is_online(station)
    assert here.platform.loop.checker.stale_keys(world.settled_s()).size == 0
    here.clock.advance(90)
    assert not world.is_online(station)
    state = here.clock.state
    for speed, slack in ((1.0, 0.0), (60.0, 177.0)):
        here.clock.state = replace(state, lockstep=False, speed=speed)
        assert world.now_s() - world.settled_s() == pytest.approx(slack, abs=speed)
