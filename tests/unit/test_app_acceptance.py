"""Functional tests over a real platform and a station that obeys: begun, given up, put back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.security.access import Role
from heatloop.security.keys import KeyRing, open_document
from tests.unit.device_town import (
    API,
    ENGINEER,
    STATION,
    UNIT,
    installed_controller,
    live_town,
    post,
)

MODE, VALVE = f"{UNIT}.station_mode", f"{UNIT}.valve_opening_setpoint"
ASK = {"serial": "S1", "confirm_heating": True, "window_s": 90}


async def view(client: httpx.AsyncClient, run: str) -> Any:
    return (await client.get(f"{API}/device-tests/{run}")).json()


async def until(client: httpx.AsyncClient, run: str, wanted: Any, seconds: float = 30.0) -> Any:
    async with asyncio.timeout(seconds):
        while not wanted(found := await view(client, run)):
            await asyncio.sleep(0.02)
    return found


def step(found: Any, name: str) -> Any:
    return next(s for s in found["steps"] if s["name"] == name)


async def test_test_moves_the_station_and_its_report_is_signed(tmp_path: Path) -> None:
    async with live_town(tmp_path) as (here, station), here.client("wang", ENGINEER) as client:
        await installed_controller(client)
        here.platform.records.stages.set(UNIT, "automatic", by="x", at=0.0)
        here.platform.world.stages[UNIT] = "automatic"
        run = (await post(client, "/device-tests", ASK, 202))["id"]
        found = await until(client, run, lambda v: v["instruction"] is not None)
        assert here.platform.world.stages[UNIT] == "observe"
        for name in ("communication", "points", "valve_stroke", "flow_direction", "pump", "loop"):
            assert step(found, name)["state"] == "passed", (name, found["steps"])
        assert found["instruction"]["fault"] == "sensor_open"
        assert "断开" in found["instruction"]["zh"]
        await post(client, f"/device-tests/{run}/confirm", {}, 200)
        await post(client, f"/device-tests/{run}/abort", {}, 200)
        found = await until(client, run, lambda v: v["signed"], 60)
        assert found["state"] == "aborted"
        assert step(found, "fault.sensor_open")["said_en"] == "given up by wang"
        assert station.values[MODE] == 2.0
        assert station.values[f"{UNIT}.secondary_supply_temperature_setpoint"] == 50.0
        assert here.platform.world.stages[UNIT] == "automatic"
        asked = here.platform.records.commands.list(point=VALVE)[1]
        assert {row.requested_by for row in asked} == {"wang"}
        pdf = (await client.get(f"{API}/device-tests/{run}/report.pdf")).content
        proof = (await client.get(f"{API}/device-tests/{run}/signature")).json()
        ring = KeyRing([here.platform.keys.signing.public])
        ring.verify(proof["key_id"], pdf, bytes.fromhex(proof["pdf_signature"]))
        body = open_document(ring, proof["document"])
        assert (body["subject"], body["state"], len(body["steps"])) == ("S1", "aborted", 11)
        assert proof["ok"]
        # A report that was changed on the disk is no report any more.
        kept = tmp_path / "files" / found["pdf_sha256"][:2] / found["pdf_sha256"]
        kept.write_bytes(pdf + b" ")
        assert not (await client.get(f"{API}/device-tests/{run}/signature")).json()["ok"]
        # What it passed is kept by the next run, which goes on from there.
        more = await post(client, "/device-tests", ASK | {"go_on": run}, 202)
        states = [s["state"] for s in more["steps"]]
        assert states[:6] == ["passed"] * 6
        await post(client, f"/device-tests/{more['id']}/abort", {}, 200)


async def test_refused_when_local_busy_heating_or_under_interlock(tmp_path: Path) -> None:
    async with live_town(tmp_path) as (here, station), here.client("wang", ENGINEER) as client:
        await installed_controller(client)

        async def refused(**changes: Any) -> str:
            answer = await client.post(f"{API}/device-tests", json=ASK | changes)
            return str(answer.json()["error"]["code"])

        async def shows(point: str, value: float) -> None:
            station.values[point] = value
            key = here.key(point)
            async with asyncio.timeout(5):
                while here.platform.world.latest.value(key) != value:
                    await asyncio.sleep(0.01)

        assert await refused(confirm_heating=False) == "heating_not_confirmed"
        await shows(MODE, 0.0)
        assert await refused() == "station_local"
        await shows(MODE, 2.0)
        await shows(f"{UNIT}.interlock_word", 2.0)
        assert await refused() == "interlock_holds"
        await shows(f"{UNIT}.interlock_word", 0.0)
        assert await refused(serial="NONE") == "not_found"
        run = (await post(client, "/device-tests", ASK, 202))["id"]
        assert await refused() == "station_under_test"
        season = {"asset": STATION, "confirm_heating": True}
        answer = await client.post(f"{API}/season-checks", json=season)
        assert answer.json()["error"]["code"] == "station_under_test"
        async with here.client("li", ENGINEER, scope="CO01/BR02") as other:
            assert (await other.get(f"{API}/device-tests/{run}")).status_code == 404
            assert (await other.post(f"{API}/device-tests/{run}/abort")).status_code == 404
            assert (await other.get(f"{API}/device-tests")).json()["total"] == 0
        await post(client, f"/device-tests/{run}/abort", {}, 200)
        await until(client, run, lambda v: v["ended"] is not None)
        assert (await client.post(f"{API}/device-tests/{run}/abort")).status_code == 409


async def test_restart_gives_the_run_up_and_puts_back_what_it_had_set(tmp_path: Path) -> None:
    async with live_town(tmp_path) as (here, station):
        async with here.client("wang", ENGINEER) as client:
            await installed_controller(client)
            run = (await post(client, "/device-tests", ASK, 202))["id"]
            await until(client, run, lambda _: station.values[VALVE] == 100.0)
        values, clock = dict(station.values), here.clock
    assert values[MODE] == 1.0
    async with live_town(tmp_path, fresh=False, clock=clock) as (here, station):
        station.values |= values
        async with here.client("wang") as client:
            found = await until(client, run, lambda v: v["ended"] is not None)
            assert found["state"] == "aborted"
            assert step(found, "valve_stroke")["state"] == "failed"
            assert "restarted" in step(found, "valve_stroke")["said_en"]
            assert step(found, "pump")["state"] == "skipped"
            assert station.values[MODE] == 2.0
            assert station.values[VALVE] == pytest.approx(40.0)
            assert found["problems"][0]["zh"].startswith("平台重启")
            assert not here.platform.acceptance.busy
            detail = (await client.get(f"{API}/devices/items/S1")).json()
            assert "test.run" in [i["item"] for i in detail["open"]]


async def test_season_check_finds_the_stuck_valve_and_the_sensor_beyond_its_range(
    tmp_path: Path,
) -> None:
    async with (
        live_town(tmp_path) as (here, station),
        here.client("chu", Role.DISPATCHER) as client,
    ):
        station.stuck = True
        await asyncio.sleep(0.2)
        ask = {"asset": STATION, "confirm_heating": True, "ambient_c": 10}
        runs = await post(client, "/season-checks", ask, 202)
        assert [r["subject"] for r in runs] == [STATION]
        found = await until(client, runs[0]["id"], lambda v: v["signed"], 60)
        assert found["state"] == "failed"
        causes = {f["cause"]: f for f in found["findings"]}
        valve = causes["preseason.valve_stroke"]
        assert (valve["subject"], valve["clause"]) == (UNIT, "9.1.1 e")
        assert valve["first_action"] == "repair.valve_actuator"
        assert {"id", "confidence", "since", "zh", "en"} <= set(valve)
        frozen = [f for f in found["findings"] if f["cause"] == "preseason.sensor"]
        assert all(f["clause"] == "9.1.1 f" for f in frozen)
        assert {c["rule"] for c in found["checks"]} >= {"range"}
        assert station.values[MODE] == 2.0
