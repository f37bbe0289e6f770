"""Dispatch as a service: plans of two heat plants, failures, approval, figures, rights."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from heatloop.demo.ledger import ledger_of
from heatloop.demo.streets import draw_streets
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town

API = "/api/v1/dispatch"


_PLANT = ("heat_source", "boiler", "chp", "storage_tank", "weather_station", "company", "branch")


@cache
def two_plants() -> Ledger:
    """The demo's two heat plants and the mains between them, with all but two stations left out."""
    assets, devices, gateways = ledger_of(draw_streets("medium", 3), 15000)
    kept = {a.code for a in assets if a.kind in (*_PLANT, "pipe_node")} | {"SS0001", "SS0002"}
    kept |= {a.code for a in assets if a.kind == "unit" and a.parent in kept}
    kept |= {
        a.code
        for a in assets
        if a.kind == "pipe_segment"
        and {a.attributes.get("from_node"), a.attributes.get("to_node")} <= kept
    }
    few = [
        replace(
            a,
            parent=a.parent if a.parent in {*kept, ""} else "HS0001",
            organisation="BR01" if a.organisation else "",
        )
        for a in assets
    ]
    return build_ledger(
        [a for a in few if a.code in kept],
        [d for d in devices if d.asset in kept],
        gateways,
        version=2,
        keys={},
    )


def tell(house: Town, **values: float) -> None:
    """Let points have values; `HS0001__source_heat_power` stands for a point code."""
    world = house.platform.world
    keys = [world.ledger.points[name.replace("__", ".")].key for name in values]
    world.latest.update(
        Columns(
            keys=np.array(keys, np.uint32),
            slots=np.full(len(keys), int(house.clock.now_s()), np.uint32),
            values=np.array(list(values.values()), float),
            quality=np.zeros(len(keys), np.uint8),
        )
    )


RUNNING = {
    "BL0001__boiler_state": 1.0,
    "BL0001__boiler_load": 40.0,
    "CP0001__chp_state": 1.0,
    "CP0001__chp_heat_power": 40e3,
    "BL0003__boiler_state": 1.0,
    "BL0003__boiler_load": 30.0,
    "HS0001__source_heat_power": 46e3,
    "HS0002__source_heat_power": 7e3,
    "ST0001__tank_charge_level": 60.0,
    "WS0001__outdoor_temperature": -8.0,
}


class Here:
    """Works without a process of its own: starting one takes longer than a plan."""

    async def call(self, function: Any, timeout_s: float, *args: Any) -> Any:
        return function(*args)


@contextlib.asynccontextmanager
async def plants(folder: Path, *, here: bool = True) -> AsyncIterator[Town]:
    async with town(folder) as house:
        if here:
            house.platform.dispatch.workers = Here()  # type: ignore[assignment]
        house.platform.dispatch.planned_s["HS0001"] = START_S
        house.platform.world.install(two_plants())
        tell(house, **RUNNING)
        yield house


async def test_a_plan_is_made_kept_and_approved_once(tmp_path: Path) -> None:
    async with plants(tmp_path) as house, house.client("eve", Role.DISPATCHER) as eve:
        made = await eve.post(f"{API}/plans", json={"hours": 6})
        assert made.status_code == 200, made.text
        plan = made.json()
        assert plan["plan"]["state"] == "proposed"
        assert plan["plan"]["result"] == "optimal"
        heat = np.sum([unit["heat_kw"] for unit in plan["units"]], axis=0)
        given = heat - np.sum([tank["charge_kw"] for tank in plan["storages"]], axis=0)
        assert np.abs(given / np.array(plan["demand_kw"]) - 1.0).max() < 1e-3
        # 53 MW are measured at -8 degC, and nobody forecasts another temperature.
        assert plan["demand_kw"][0] == pytest.approx(53e3, rel=0.01)
        assert plan["plan"]["bill_yuan"] <= plan["plan"]["split_yuan"]
        points = {each["point"] for each in plan["setpoints"]}
        assert {"BL0001.boiler_enable", "CP0001.chp_load_setpoint"} <= points
        number = plan["plan"]["number"]
        done = await eve.post(f"{API}/plans/{number}/decision", json={"approve": True})
        assert done.json()["plan"]["state"] == "approved"
        assert done.json()["plan"]["decided_by"] == "eve"
        again = await eve.post(f"{API}/plans/{number}/decision", json={"approve": False})
        assert again.status_code == 409
        now = (await eve.get(API)).json()
        assert [row["number"] for row in now["approved"]] == [number]
        listed = (await eve.get(f"{API}/plans")).json()
        assert listed["total"] == 1
        assert listed["items"][0]["number"] == number
        # One town for all that changes no plan: starting one takes longer than asking it.
        await what_if_changes_nothing(eve)
        await n_minus_1_names_the_worst_failure_first(eve)
        await maintenance_keeps_a_unit_out(house, eve)
        await the_network_gets_temperature_and_heads(eve)


async def test_a_failure_is_planned_around_at_once(tmp_path: Path) -> None:
    async with plants(tmp_path) as house, house.client("eve", Role.DISPATCHER) as eve:
        dispatch = house.platform.dispatch
        await dispatch.watch(START_S)
        assert (await eve.get(f"{API}/plans")).json()["total"] == 0
        house.clock.advance(60.0)
        tell(house, CP0001__chp_state=3.0, BL0001__boiler_state=3.0, BL0002__boiler_state=3.0)
        await dispatch.watch(START_S + 60.0)
        rows = []
        async with asyncio.timeout(60.0):
            while not rows:  # The schedule may have seen it first and be at it.
                rows = (await eve.get(f"{API}/plans")).json()["items"]
        assert rows[0]["reason"] == "failure:BL0001,BL0002,CP0001"
        assert rows[0]["state"] == "proposed"
        plan = (await eve.get(f"{API}/plans/{rows[0]['number']}")).json()
        heat = {unit["code"]: unit["heat_kw"] for unit in plan["units"]}
        assert max(heat["CP0001"][:90]) == 0.0
        assert max(heat["BL0001"][:90]) == 0.0
        assert heat["BL0003"][-1] + heat["BL0004"][-1] > 40e3
        short = [each for each in plan["relaxations"] if each["name"] == "unserved"]
        assert short
        assert short[0]["total_kwh"] > 0.0
        assert short[0]["cause"] in ("capacity", "ramp")
        # The same failure is no news.
        await dispatch.watch(START_S + 120.0)
        assert (await eve.get(f"{API}/plans")).json()["total"] == 1


async def the_network_gets_temperature_and_heads(eve: httpx.AsyncClient) -> None:
    answer = await eve.get(f"{API}/network")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {each["source"] for each in told["heads"]} == {"HS0001", "HS0002"}
    assert len(told["candidates"]) == 7
    best = told["candidates"][0]
    assert best["cost_yuan"] == min(each["cost_yuan"] for each in told["candidates"])
    assert best["cold_kh"] == 0.0
    # Every unit has a flow and a valve for it; the demo's two plants have no pump on the way.
    assert {each["unit"] for each in told["units"]} >= {"UN0001", "UN0002"}
    assert all(each["flow_m3h"] > 0.0 for each in told["units"])
    assert all(0.0 < each["opening_pct"] <= 100.0 for each in told["units"])
    assert told["pumps"] == []
    assert told["given_pct"] == 100.0
    asked = {each["point"] for each in told["setpoints"]}
    assert "HS0001.source_supply_temperature_setpoint" in asked
    assert "HS0002.source_differential_pressure_setpoint" in asked


async def what_if_changes_nothing(eve: httpx.AsyncClient) -> None:
    made = await eve.post(f"{API}/plans", json={"hours": 6, "without": ["HS0001"]})
    plan = made.json()
    assert plan["plan"]["state"] == "what_if"
    assert plan["plan"]["reason"] == "what_if:HS0001"
    assert plan["minimum_pct"] == 55.0
    assert plan["least_covered_pct"] < 100.0
    bad = await eve.post(f"{API}/plans", json={"without": ["SS0001"]})
    assert bad.status_code == 404
    assert (await eve.get(f"{API}/plans/999")).status_code == 404


async def test_figures_have_a_history_and_change_the_plan(tmp_path: Path) -> None:
    async with plants(tmp_path) as house, house.client("kim", Role.OPERATION_ENGINEER) as kim:
        before = {(f["subject"], f["name"]): f for f in (await kim.get(f"{API}/figures")).json()}
        assert before["gas", "yuan_kwh"]["value"] == 0.30
        assert not before["gas", "yuan_kwh"]["entered"]
        body = {"subject": "gas", "name": "yuan_kwh", "value": 0.41, "note": "contract 12"}
        after = {
            (f["subject"], f["name"]): f
            for f in (await kim.post(f"{API}/figures", json=body)).json()
        }
        assert after["gas", "yuan_kwh"]["value"] == 0.41
        assert after["gas", "yuan_kwh"]["entered"]
        entries = (await kim.get(f"{API}/figures/entries", params={"subject": "gas"})).json()
        assert entries["total"] == 1
        assert entries["items"][0]["by"] == "kim"
        body |= {"value": 99.0}
        assert (await kim.post(f"{API}/figures", json=body)).status_code == 422
        body |= {"name": "nothing"}
        assert (await kim.post(f"{API}/figures", json=body)).status_code == 404
        figures = await house.platform.dispatch.figures()
        assert figures.of("gas", "yuan_kwh") == 0.41
        await who_may_only_look_may_not_plan(house)


async def maintenance_keeps_a_unit_out(house: Town, eve: httpx.AsyncClient) -> None:
    body = {
        "subject": "CP0001",
        "kind": "maintenance",
        "start": "2027-01-15T00:00:00Z",
        "end": "2027-01-17T00:00:00Z",
    }
    listed = await eve.post(f"{API}/outages", json=body)
    assert listed.status_code == 200, listed.text
    network = house.platform.dispatch.network("")
    problem = (await house.platform.dispatch.prepare(network, 6)).problem
    chp = next(unit for unit in problem.units if unit.code == "CP0001")
    assert chp.out is not None
    assert chp.out.all()
    number = listed.json()[0]["number"]
    assert (await eve.post(f"{API}/outages/{number}/end")).json() == []
    problem = (await house.platform.dispatch.prepare(network, 6)).problem
    assert next(unit for unit in problem.units if unit.code == "CP0001").out is None
    turned = body | {"start": body["end"], "end": body["start"]}
    assert (await eve.post(f"{API}/outages", json=turned)).status_code == 422


async def n_minus_1_names_the_worst_failure_first(eve: httpx.AsyncClient) -> None:
    # The demo has heat to spare; with the peak boilers in repair it has not.
    body = {"kind": "failure", "start": "2027-01-15T00:00:00Z", "end": "2027-01-17T00:00:00Z"}
    for code in ("BL0003", "BL0004"):
        listed = await eve.post(f"{API}/outages", json=body | {"subject": code})
    view = (await eve.get(f"{API}/n-1")).json()
    assert view["outdoor_c"] == -20.0
    assert view["least_pct"] == 55.0
    worst = view["rows"][0]
    assert worst["subject"] == "HS0001"
    assert worst["whole_source"]
    assert worst["uncovered_kw"] == pytest.approx(view["need_kw"] - worst["left_kw"])
    assert worst["uncovered_kw"] > 0.0
    assert worst["houses_h"] > 1.0
    assert not worst["holds"]
    mild = (await eve.get(f"{API}/n-1", params={"outdoor_c": 5.0})).json()
    assert mild["rows"][0]["uncovered_kw"] < worst["uncovered_kw"]
    for row in listed.json():
        await eve.post(f"{API}/outages/{row['number']}/end")


async def who_may_only_look_may_not_plan(house: Town) -> None:
    async with house.client("ann", Role.MANAGER) as ann:
        assert (await ann.get(API)).status_code == 200
        assert (await ann.post(f"{API}/plans", json={})).status_code == 403
        body = {"subject": "gas", "name": "yuan_kwh", "value": 0.4}
        assert (await ann.post(f"{API}/figures", json=body)).status_code == 403
