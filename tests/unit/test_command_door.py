"""The door before the signature: classes, two steps, two people, twin, rates, and who may not."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from heatloop.app.command_physics import Physics, what_if_of
from heatloop.app.history import ThreadedHistorian
from heatloop.app.ledger_admin import install_ledger
from heatloop.app.process import running
from heatloop.app.settings import load_settings
from heatloop.app.wiring import build_platform, open_records
from heatloop.control.command_classes import (
    class_of_commands,
    command_rules,
    network_kinds,
    rule_of,
)
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Role
from heatloop.station.envelope import SAFE
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit import twin_town
from tests.unit.app_town import START_S, Town, TownClock, TownGateway, town
from tests.unit.test_web_network import _estimate, _Here

API = "/api/v1"
SLOT = int(START_S)
MODE = "UN0001.station_mode"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
PUMP = "UN0001.circulation_pump_frequency_setpoint"
HEAD = "HS0001.source_differential_pressure_setpoint"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def gateway(here: Town) -> TownGateway:
    made = await here.enrol()
    await made.connect()
    rows = ((MODE, SLOT, 2.0), (SETPOINT, SLOT, 52.0), (PUMP, SLOT, 42.0))
    await made.acknowledged(await made.samples(*rows))
    return made


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    made = tempfile.TemporaryDirectory(prefix="heatloop-door-")
    records, _ = open_records(load_settings(Path(made.name)))
    install_ledger(records, twin_town.assets(), twin_town.devices(), twin_town.gateways())
    records.close()
    return made


@contextlib.asynccontextmanager
async def people(here: Town, *names: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(here.client(name, Role.DISPATCHER)) for name in names
        ]


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> tuple[int, Any]:
    answer = await client.post(f"{API}{path}", json=body)
    return answer.status_code, answer.json()


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def commands(here: Town) -> int:
    return here.platform.records.commands.list()[0]


def audited(here: Town, action: str) -> int:
    return int(here.platform.records.audit.list(action=action)[0])


def rules_raised(here: Town) -> set[str]:
    return {each.alarm.rule for each in here.platform.alarming._open.values()}


def test_every_kind_that_may_be_written_has_its_class_and_words() -> None:
    assert set(command_rules()) >= set(SAFE)
    assert set(command_rules()) <= set(point_kinds())
    for rules in command_rules().values():
        assert rules[-1].when == "any", rules[-1].kind
        assert all(rule.zh and rule.en for rule in rules)
    classes = {
        (PUMP.split(".")[1], 0.0): "dangerous",
        (PUMP.split(".")[1], 30.0): "normal",
        ("valve_opening_setpoint", 2.0): "dangerous",
        ("station_mode", 0.0): "dangerous",
        ("station_mode", 2.0): "normal",
        ("secondary_return_pressure_setpoint", 300.0): "dangerous",
        ("source_supply_temperature_setpoint", 90.0): "network",
        ("something_new", 1.0): "dangerous",
    }
    assert {key: rule_of(*key).command_class for key in classes} == classes
    mild = [rule_of("station_mode", 2.0)]
    assert class_of_commands(mild, 4, 5) == "normal"
    assert class_of_commands(mild, 5, 5) == "network"
    assert "source_differential_pressure_setpoint" in network_kinds()
    assert "station_mode" not in network_kinds()


async def test_what_is_dangerous_takes_two_steps_and_shows_its_consequences(
    here: Town, gateway: TownGateway
) -> None:
    async with people(here, "wang") as (wang,):
        status, proposal = await post(wang, "/commands", point=PUMP, value=0.0, reason="repair")
        assert (status, proposal["state"], proposal["command_class"]) == (
            202, "proposed", "dangerous",
        )  # fmt: skip
        assert commands(here) == 0, "nothing is signed yet"
        assert proposal["points"][0]["before"] == 42.0
        assert "freeze" in proposal["points"][0]["effect_en"]
        assert "冻" in proposal["points"][0]["effect_zh"]
        status, done = await post(
            wang, f"/commands/{proposal['id']}/confirm", token=proposal["token"]
        )
        assert (status, done["state"], done["token"]) == (200, "executed", "")
        (command,) = done["commands"]
        assert [s["step"] for s in command["passed"]] == [
            "proposed", "bounds", "physics", "confirmed", "proved", "signed",
        ]  # fmt: skip
        assert {s["by"] for s in command["passed"] if s["step"] == "confirmed"} == {"wang"}
        await gateway.until(lambda: gateway.of("command"))
        again = await post(wang, f"/commands/{proposal['id']}/confirm", token=proposal["token"])
        assert code(again) == (409, "proposal_closed"), "a token works once"
        assert commands(here) == 1
        kept = (await wang.get(f"{API}/commands/proposals/{proposal['id']}")).json()
        assert kept["token"] == ""
        assert [c["id"] for c in kept["commands"]] == [command["id"]]


async def test_a_token_is_worth_nothing_to_others_too_late_or_changed(
    here: Town, gateway: TownGateway
) -> None:
    door = here.platform.door
    async with people(here, "wang", "zhao") as (wang, zhao):
        _, first = await post(wang, "/commands", point=PUMP, value=0.0)
        stolen = await post(zhao, f"/commands/{first['id']}/confirm", token=first["token"])
        assert code(stolen) == (403, "confirm_token")
        wrong = await post(wang, f"/commands/{first['id']}/confirm", token="x" * 43)
        assert code(wrong) == (403, "confirm_token")
        assert audited(here, "command.abuse") == 2
        assert "command_abuse" in rules_raised(here)
        # The same user in another session: a stolen cookie does not have the token's session.
        async with here.client("wang") as elsewhere:
            other = await post(elsewhere, f"/commands/{first['id']}/confirm", token=first["token"])
            assert code(other) == (403, "confirm_token")
        door._settings = replace(door._settings, token_s=-1.0)
        _, late = await post(wang, "/commands", point=PUMP, value=0.0)
        gone = await post(wang, f"/commands/{late['id']}/confirm", token=late["token"])
        assert code(gone) == (409, "confirm_expired")
        assert commands(here) == 0


async def test_a_dangerous_command_needs_a_fresh_proof_of_identity(
    here: Town, gateway: TownGateway
) -> None:
    async with people(here, "wang") as (wang,):
        _, proposal = await post(wang, "/commands", point=PUMP, value=0.0)
        known = here.platform.sessions._known
        for token, session in list(known.items()):
            known[token] = replace(session, proved_s=session.proved_s - 301.0)
        answer = await post(wang, f"/commands/{proposal['id']}/confirm", token=proposal["token"])
        assert code(answer) == (403, "proof_needed")
        assert commands(here) == 0
        for token, session in list(known.items()):
            known[token] = replace(session, proved_s=session.proved_s + 301.0)
        status, _ = await post(wang, f"/commands/{proposal['id']}/confirm", token=proposal["token"])
        assert status == 200, "the same proposal goes on after the proof"


async def test_leaving_automatic_is_confirmed_and_going_back_is_not(
    here: Town, gateway: TownGateway
) -> None:
    async with people(here, "wang") as (wang,):
        manual = await wang.put(f"{API}/units/UN0001/mode", json={"mode": "remote_manual"})
        assert manual.json()["state"] == "proposed"
        automatic = await wang.put(f"{API}/units/UN0001/mode", json={"mode": "automatic"})
        assert automatic.json()["state"] == "queued"


async def test_a_batch_passes_as_one_or_not_at_all(here: Town, gateway: TownGateway) -> None:
    async with people(here, "wang") as (wang,):
        points = [{"point": SETPOINT, "value": 54.0}, {"point": PUMP, "value": 40.0}]
        status, done = await post(wang, "/commands/batch", points=points, reason="cold front")
        assert (status, done["state"], len(done["commands"])) == (202, "executed", 2)
        assert {c["reason"] for c in done["commands"]} == {"cold front"}
        bad = [*points[:1], {"point": PUMP, "value": 90.0}]
        answer = await post(wang, "/commands/batch", points=bad, reason="x")
        assert code(answer) == (422, "out_of_range")
        twice = [points[0], points[0]]
        answer = await post(wang, "/commands/batch", points=twice, reason="x")
        assert code(answer) == (422, "batch_wrong")
        assert commands(here) == 2


async def test_no_leap_at_once(here: Town, gateway: TownGateway) -> None:
    async with people(here, "wang") as (wang,):
        answer = await post(wang, "/commands", point=SETPOINT, value=84.0)
        assert code(answer) == (422, "out_of_range")
        assert "step_too_large" in answer[1]["error"]["message_en"]


async def test_commands_come_no_faster_than_people_give_them(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, door={"user_per_minute": 5}) as here:
        gateway = await here.enrol()
        await gateway.connect()
        await gateway.acknowledged(await gateway.samples((MODE, SLOT, 2.0), (PUMP, SLOT, 42.0)))
        async with people(here, "wang", "zhao") as (wang, zhao):
            given = [
                await post(wang, "/commands", point=PUMP, value=40.0 + n / 10) for n in range(7)
            ]
            assert [status for status, _ in given] == [202] * 5 + [429] * 2
            assert given[-1][1]["error"]["code"] == "command_rate"
            assert (await post(zhao, "/commands", point=PUMP, value=41.0))[0] == 202
            await here.platform.security_events.settle()
            assert "security.command_rate" in rules_raised(here)
            assert audited(here, "command.refused") == 2


async def test_who_may_not_is_refused_written_down_and_nothing_moves(
    here: Town, gateway: TownGateway
) -> None:
    async with (
        here.client("cs", Role.CUSTOMER_SERVICE) as service,
        here.client("far", Role.DISPATCHER, scope="CO01/BR02") as far,
        people(here, "wang") as (wang,),
    ):
        assert code(await post(service, "/commands", point=SETPOINT, value=55.0)) == (
            403, "forbidden",
        )  # fmt: skip
        assert code(await post(far, "/commands", point=SETPOINT, value=55.0)) == (
            404, "not_found",
        )  # fmt: skip
        _, proposal = await post(wang, "/commands", point=PUMP, value=0.0)
        for each in (service, far):
            status, _ = await post(
                each, f"/commands/{proposal['id']}/confirm", token=proposal["token"]
            )
            assert status in (403, 404)
        assert commands(here) == 0
        assert not gateway.of("command")


@contextlib.asynccontextmanager
async def network(folder: Path) -> AsyncIterator[Town]:
    off = {"second_factor": "off"}
    settings = load_settings(folder, overrides={"twin": {"enabled": False}, "identity": off})
    shutil.copytree(_template().name, folder, dirs_exist_ok=True)
    clock = TownClock()
    historian = ThreadedHistorian(MemoryHistorian(zone=ZoneInfo("Asia/Shanghai")))
    platform = build_platform(settings, clock=clock, historian=historian)
    platform.twin._workers = _Here()  # type: ignore[assignment]
    async with running(platform):
        made = Town(platform, clock, folder)
        await _estimate(made)
        head = made.key(HEAD)
        columns = made.platform.world.latest
        gateway = await made.enrol()
        await gateway.connect()
        modes = [(f"UN000{n}.station_mode", SLOT, 1.0) for n in (1, 5)]
        await gateway.acknowledged(await gateway.samples((head, SLOT, 470.0), *modes))
        assert columns.value(head) == 470.0
        yield made


async def test_the_whole_network_takes_two_people(tmp_path: Path) -> None:
    async with network(tmp_path) as here, people(here, "wang", "zhao") as (wang, zhao):
        _, proposal = await post(wang, "/commands", point=HEAD, value=490.0, reason="colder")
        assert (proposal["command_class"], proposal["physics"]["state"]) == ("network", "passed")
        path = f"/commands/{proposal['id']}"
        _, waits = await post(wang, f"{path}/confirm", token=proposal["token"])
        assert (waits["state"], commands(here)) == ("waiting_second", 0)
        assert code(await post(wang, f"{path}/second", agree=True)) == (403, "same_person")
        assert (await wang.get(f"{API}/commands/waiting")).json() == []
        (mine,) = (await zhao.get(f"{API}/commands/waiting")).json()
        assert (mine["id"], mine["token"]) == (proposal["id"], "")
        _, done = await post(zhao, f"{path}/second", agree=True, note="looked at it")
        assert (done["state"], done["second_by"]) == ("executed", "zhao")
        (command,) = done["commands"]
        assert command["requested_by"] == "wang"
        row = here.platform.records.commands.get(command["id"])
        assert row is not None
        assert len(row.passed.second) == 128, "a second signature goes with it"
        # A second person may also say no.
        _, other = await post(wang, "/commands", point=HEAD, value=480.0)
        await post(wang, f"/commands/{other['id']}/confirm", token=other["token"])
        _, refused = await post(zhao, f"/commands/{other['id']}/second", agree=False)
        assert refused["state"] == "refused"
        assert commands(here) == 1


async def test_broken_glass_tells_everybody(tmp_path: Path) -> None:
    async with network(tmp_path) as here, people(here, "wang") as (wang,):
        _, proposal = await post(wang, "/commands", point=HEAD, value=490.0)
        path, token = f"/commands/{proposal['id']}/break-glass", proposal["token"]
        assert code(await post(wang, path, token=token, why="now")) == (
            422, "break_glass_reason",
        )  # fmt: skip
        status, done = await post(wang, path, token=token, why="alone on the night shift")
        assert (status, done["state"]) == (200, "executed")
        assert done["break_glass"] == "alone on the night shift"
        assert "break_glass" in rules_raised(here)
        assert audited(here, "command.break_glass") == 1


async def test_the_twin_refuses_what_starves_other_stations_and_names_them(
    tmp_path: Path,
) -> None:
    async with network(tmp_path) as here, people(here, "wang") as (wang,):
        answer = await post(wang, "/commands", point=HEAD, value=320.0)
        assert code(answer) == (409, "physics_refused")
        words = answer[1]["error"]["message_en"]
        assert "< 50 kPa" in words
        assert "SS0003" in words
        assert commands(here) == 0
        assert here.platform.records.door.list()[0] == 0
        # What is closed on purpose does not count as starved; it is dangerous all the same.
        _, valve = await post(wang, "/commands", point="UN0005.valve_opening_setpoint", value=0.0)
        assert (valve["command_class"], valve["physics"]["state"]) == ("dangerous", "passed")
        assert valve["physics"]["took_ms"] < 2000.0


async def test_without_a_fresh_twin_a_network_command_needs_broken_glass(
    tmp_path: Path,
) -> None:
    async with network(tmp_path) as here, people(here, "wang") as (wang,):
        here.platform.twin.last = None
        status, valve = await post(
            wang, "/commands", point="UN0001.valve_opening_setpoint", value=30.0
        )
        assert (status, valve["state"]) == (202, "queued"), "what is harmless passes, with a note"
        notes = [s["detail"] for s in valve["passed"] if s["step"] == "physics"]
        assert notes == ["unknown twin_not_fresh"]
        _, proposal = await post(wang, "/commands", point=HEAD, value=490.0)
        assert proposal["physics"]["why"] == "twin_not_fresh"
        path, token = f"/commands/{proposal['id']}", proposal["token"]
        assert code(await post(wang, f"{path}/confirm", token=token)) == (409, "twin_needed")
        status, done = await post(
            wang, f"{path}/break-glass", token=token, why="the twin is down and it is cold"
        )
        assert (status, done["state"]) == (200, "executed")


async def test_a_twin_that_thinks_too_long_does_not_hold_a_command_up(tmp_path: Path) -> None:
    import asyncio

    class Slow:
        async def think(self, what: Any) -> Any:
            await asyncio.sleep(5.0)

    async with network(tmp_path) as here:
        settings = replace(here.platform.settings.door, physics_s=0.05)
        physics = Physics(here.platform.world, Slow(), settings)
        point = here.platform.world.ledger.points[HEAD]
        from heatloop.app.command_physics import Write
        from heatloop.kernel.scope import Scope

        writes = [Write(point=point, value=200.0)]
        assert what_if_of(writes) is not None
        found = await physics.check(writes, Scope.everything())
        assert (found.state, found.why) == ("unknown", "no_answer")
        assert found.took_ms < 1000.0
