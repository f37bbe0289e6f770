"""Dispatch that acts: caps for stations, the door for sources, events, report, a real worker."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openpyxl

from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town
from tests.unit.test_app_dispatch import API, plants, tell


async def _made(eve: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await eve.post(f"{API}/plans", json={"hours": 6} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _following(eve: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await eve.get(API)).json()["following"][0]
    return found


async def test_caps_follow_the_stage_the_plan_and_its_age(tmp_path: Path) -> None:
    async with plants(tmp_path) as house, house.client("eve", Role.DISPATCHER) as eve:
        caps = house.platform.strategy.plant_caps
        assert caps == house.platform.dispatch.follow.caps
        plan = await _made(eve, hours=12)
        now = await _following(eve)
        assert (now["stage"], now["plan"], now["why"]) == ("observe", None, "observe")
        assert list(caps(START_S)) == []
        # Advise: nothing until a person has approved.
        told = (await eve.post(f"{API}/stage", json={"stage": "advise"})).json()
        assert (told["stage"], told["plan"], told["why"]) == ("advise", None, "no_plan")
        number = plan["plan"]["number"]
        await eve.post(f"{API}/plans/{number}/decision", json={"approve": True})
        (cap,) = caps(START_S)
        assert (await _following(eve))["plan"] == number
        assert cap.units >= {"UN0001", "UN0002"}
        reach = np.sum([unit["reach_kw"] for unit in plan["units"]], axis=0)
        out = np.sum([np.maximum(-np.array(t["charge_kw"]), 0.0) for t in plan["storages"]], axis=0)
        assert np.allclose(cap.cap_kw[:48], reach + out, rtol=1e-6)
        # Beyond the plan all that has not failed counts.
        assert np.allclose(cap.cap_kw[48:], sum(unit["most_kw"] for unit in plan["units"]))
        # What has failed gives nothing, whatever the plan says.
        house.clock.advance(60.0)
        tell(house, CP0001__chp_state=3.0)
        (less,) = caps(START_S)
        chp = next(unit for unit in plan["units"] if unit["code"] == "CP0001")
        assert np.allclose(cap.cap_kw[:48] - less.cap_kw[:48], chp["reach_kw"], atol=1.0)
        house.clock.advance(60.0)
        tell(house, CP0001__chp_state=1.0)
        # A plan grows too old, and the operator may turn it off.
        house.clock.advance(13 * 3600.0)
        assert list(caps(START_S + 13 * 3600.0)) == []
        assert (await _following(eve))["why"] == "too_old"
        await eve.post(f"{API}/stage", json={"stage": "automatic"})
        newer = await _made(eve)
        assert (await _following(eve))["plan"] == newer["plan"]["number"]
        await eve.post(f"{API}/stage", json={"stage": "observe"})
        assert list(caps(START_S + 13 * 3600.0)) == []
        await set_points_pass_the_door(house, eve, newer)


async def set_points_pass_the_door(
    house: Town, eve: httpx.AsyncClient, plan: dict[str, Any]
) -> None:
    number = plan["plan"]["number"]
    early = await eve.post(f"{API}/plans/{number}/commands")
    assert early.status_code == 422, early.text
    await eve.post(f"{API}/plans/{number}/decision", json={"approve": True})
    sent = await eve.post(f"{API}/plans/{number}/commands")
    assert sent.status_code == 202, sent.text
    proposal = sent.json()
    assert proposal["command_class"] == "network"
    assert proposal["state"] == "proposed"
    assert proposal["token"]
    assert proposal["reason"] == f"dispatch plan {number}"
    told = {each["point"]: each["value"] for each in proposal["points"]}
    view = (await eve.get(f"{API}/plans/{number}")).json()
    asked = {each["point"]: each["value"] for each in view["setpoints"]}
    assert told.items() <= asked.items()
    assert any(point.endswith(".boiler_enable") for point in told)
    # Nothing is on its way before two people have said so.
    assert (await eve.get("/api/v1/commands")).json()["total"] == 0
    assert (await eve.post(f"{API}/network/commands")).status_code == 422


async def test_8_3_e_3_an_event_opens_with_the_failure_and_closes_when_heat_is_dispatched_anew(
    tmp_path: Path,
) -> None:
    async with plants(tmp_path) as house, house.client("eve", Role.DISPATCHER) as eve:
        dispatch = house.platform.dispatch
        tell(house, UN0001__secondary_heat_power=500.0, UN0002__secondary_heat_power=400.0)
        await dispatch.watch(START_S)
        assert (await eve.get(f"{API}/events")).json() == []
        house.clock.advance(60.0)
        tell(
            house,
            CP0001__chp_state=3.0,
            UN0001__secondary_heat_power=100.0,
            UN0002__secondary_heat_power=390.0,
        )
        await dispatch.watch(START_S + 60.0)
        (event,) = (await eve.get(f"{API}/events")).json()
        assert (event["source"], event["units"]) == ("HS0001", ["CP0001"])
        assert event["open"]
        assert event["plan_after_s"] <= 600.0
        assert event["covered_pct"] >= event["least_pct"]
        # The plan is there, a station still gets a fifth of what it got: it goes on.
        house.clock.advance(60.0)
        await dispatch.watch(START_S + 120.0)
        assert (await eve.get(f"{API}/events")).json()[0]["open"]
        tell(house, UN0001__secondary_heat_power=480.0)
        house.clock.advance(60.0)
        await dispatch.watch(START_S + 180.0)
        (event,) = (await eve.get(f"{API}/events")).json()
        assert not event["open"]
        assert event["closed"]
        # The unit is still out: that is no new event.
        house.clock.advance(60.0)
        await dispatch.watch(START_S + 240.0)
        assert len((await eve.get(f"{API}/events")).json()) == 1
        await the_report_lets_all_fail_in_turn(house, eve)


async def the_report_lets_all_fail_in_turn(house: Town, eve: httpx.AsyncClient) -> None:
    answer = await eve.get(f"{API}/n-1/report")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    cases = {each["subject"]: each for each in told["cases"]}
    assert {"HS0001", "HS0002", "CP0001", "BL0004"} <= set(cases)
    assert told["least_pct"] == 55.0
    assert told["holds"] == all(each["holds"] for each in told["cases"])
    assert [e["worst_pct"] for e in told["cases"]] == sorted(e["worst_pct"] for e in told["cases"])
    for case in cases.values():
        assert not case["why"]
        assert case["worst_pct"] <= case["covered_pct"] + 0.1
        assert sum(branch["stations"] for branch in case["branches"]) >= 2
    # Both the pumps and the branch are named where something falls short.
    book = await eve.get(f"{API}/n-1/report/export", params={"language": "en"})
    assert book.status_code == 200, book.text
    sheets = openpyxl.load_workbook(io.BytesIO(book.content))
    assert sheets.sheetnames == ["summary", "failures", "branches"]
    assert sheets["failures"].max_row == len(cases) + 1
    async with house.client("ann", Role.MANAGER) as ann:
        assert (await ann.get(f"{API}/n-1/report/export")).status_code == 403


async def test_a_plan_is_solved_in_a_worker_process(tmp_path: Path) -> None:
    """As in operation: the solver runs in a process beside the platform, not in it."""
    async with plants(tmp_path, here=False) as house, house.client("eve", Role.DISPATCHER) as eve:
        assert house.platform.dispatch.workers is house.platform.workers
        async with asyncio.timeout(60.0):
            plan = await _made(eve)
        assert plan["plan"]["result"] == "optimal"
        assert os.getpid() not in house.platform.workers.pids()
        assert house.platform.workers.pids()
        # The problem goes there whole, the plan that stands with it.
        async with asyncio.timeout(60.0):
            again = await _made(eve)
        assert again["plan"]["number"] == plan["plan"]["number"] + 1
        assert again["kept"]
