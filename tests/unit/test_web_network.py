"""The network over HTTP: map, profile, traces, outages, what-ifs, sizing, all inside the scope."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest

from heatloop.app.history import ThreadedHistorian
from heatloop.app.ledger_admin import install_ledger
from heatloop.app.process import running
from heatloop.app.queries.network_profile import boil_kpa
from heatloop.app.setting_sections import TwinSettings
from heatloop.app.settings import load_settings
from heatloop.app.wiring import build_platform, open_records
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit.app_town import START_S, Town, TownClock
from tests.unit.twin_town import assets, devices, gateways, read, steady

API = "/api/v1/network"


class _Here:
    """Does the workers' work in this process."""

    async def call(self, function: Any, timeout_s: float, *args: Any) -> Any:
        return function(*args)

    async def close(self) -> None:
        """Nothing was started."""


@contextlib.asynccontextmanager
async def _town(folder: Path) -> AsyncIterator[Town]:
    # The job itself is off: the test says when it runs.
    settings = load_settings(
        folder,
        overrides={
            "twin": {"enabled": False},
            "identity": {"second_factor": "off"},
            "crypto": {"plain_exports": "free"},
        },
    )
    records, _ = open_records(settings)
    install_ledger(records, assets(), devices(), gateways())
    records.close()
    clock = TownClock()
    historian = ThreadedHistorian(MemoryHistorian(zone=ZoneInfo("Asia/Shanghai")))
    platform = build_platform(settings, clock=clock, historian=historian)
    platform.twin._workers = _Here()  # type: ignore[assignment]
    async with running(platform):
        await asyncio.sleep(0)
        yield Town(platform, clock, folder)


async def _estimate(town: Town) -> None:
    ledger = town.platform.world.ledger
    made, state = steady(ledger)
    rows = [
        (ledger.points[f"{asset}.{kind}"].key, value)
        for (asset, kind), value in read(ledger, made, state).items()
    ]
    town.platform.world.latest.update(
        Columns(
            np.array([key for key, _ in rows], "u4"),
            np.full(len(rows), int(START_S), "u4"),
            np.array([value for _, value in rows]),
            np.zeros(len(rows), "u1"),
        )
    )
    town.platform.twin._settings = TwinSettings()
    await town.platform.twin.run(START_S)
    assert town.platform.twin.reason == "", town.platform.twin.detail


def test_the_map_shows_pipes_and_places_with_estimates(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _town(tmp_path) as town, town.client("ann", Role.DISPATCHER) as client:
            before = (await client.get(API)).json()
            assert (before["state"], before["reason"], before["fresh"]) == ("no_data", "off", False)
            assert all(pipe["flow_m3h"] is None for pipe in before["segments"])
            await _estimate(town)
            shown = (await client.get(API)).json()
            assert shown["state"] == "ok"
            assert shown["fresh"]
            assert shown["suspects"] == []
            pipes = {pipe["code"]: pipe for pipe in shown["segments"]}
            stations = [n for n in shown["nodes"] if n["kind"] == "substation"]
            assert len(pipes) == 7
            assert len(stations) == 3
            # What the source sends arrives at the stations.
            branches = sum(pipes[f"PS0000{n}"]["flow_m3h"] for n in (2, 4, 6))
            assert pipes["PS00001"]["flow_m3h"] == pytest.approx(branches, rel=0.01)
            assert pipes["PS00001"]["gradient_pa_m"] > 0.0
            bore_m = 0.25
            speed = pipes["PS00001"]["flow_m3h"] / 3600.0 / (np.pi / 4.0 * bore_m**2)
            assert pipes["PS00001"]["velocity_m_s"] == pytest.approx(speed, rel=0.1)
            kept = town.platform.world.latest.value(town.key("PS00001.twin_flow"))
            assert kept == pytest.approx(pipes["PS00001"]["flow_m3h"])

    asyncio.run(scene())


def test_a_profile_falls_along_the_supply_and_rises_along_the_return(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _town(tmp_path) as town, town.client("ann", Role.DISPATCHER) as client:
            await _estimate(town)
            found = (await client.get(f"{API}/profile?to=SS0003")).json()
            codes = [point["code"] for point in found["points"]]
            assert codes == ["HS0001", "PN00001", "PN00004", "PN00002", "PN00003", "SS0003"]
            assert found["length_m"] == found["points"][-1]["distance_m"] == 2400.0
            for one, two in itertools.pairwise(found["points"]):
                assert two["supply_head_m"] < one["supply_head_m"]
                assert two["return_head_m"] > one["return_head_m"]
            first = found["points"][0]
            assert found["static_head_m"] == pytest.approx(first["return_head_m"])
            assert first["supply_head_m"] == pytest.approx(
                first["elevation_m"] + first["supply_kpa"] / 9.80665
            )
            assert first["limit_head_m"] > first["supply_head_m"] > first["boil_head_m"]
            missing = await client.get(f"{API}/profile?to=WS0001")
            assert missing.status_code == 404

    asyncio.run(scene())


def test_water_boils_where_the_tables_say() -> None:
    # IAPWS: 143.4 kPa at 110 degC, 361.5 kPa at 140 degC, absolute.
    assert boil_kpa(95.0) == 0.0
    assert boil_kpa(110.0) == pytest.approx(143.4 - 101.3, abs=1.0)
    assert boil_kpa(140.0) == pytest.approx(361.5 - 101.3, abs=4.0)


def test_outage_and_trace_name_the_same_stations(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _town(tmp_path) as town, town.client("ann", Role.DISPATCHER) as client:
            below = (await client.get(f"{API}/trace?asset=PS00007&way=down")).json()
            assert below["stations"] == ["SS0002", "SS0003"]
            above = (await client.get(f"{API}/trace?asset=PS00007&way=up")).json()
            assert above["sources"] == ["HS0001"]
            lost = (await client.get(f"{API}/outage?segment=PS00007")).json()
            assert [s["code"] for s in lost["shut"]["stations"]] == ["SS0002", "SS0003"]
            assert lost["shut"]["units"] == 4
            assert lost["shut"]["area_m2"] == 120_000.0
            assert [v["code"] for v in lost["burst"]["closed"]] == ["PN00004"]
            assert lost["burst"]["possible"]
            wrong = await client.get(f"{API}/outage?segment=SS0001")
            assert wrong.status_code == 404
            assert (await client.get(f"{API}/trace?asset=PS00007&way=back")).status_code == 422

    asyncio.run(scene())


def test_a_what_if_is_answered_from_the_estimate_or_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _town(tmp_path) as town, town.client("ann", Role.DISPATCHER) as client:
            early = await client.post(f"{API}/what-if", json={"close": ["PS00005"]})
            assert early.status_code == 409
            assert early.json()["error"]["code"] == "twin_not_fresh"
            await _estimate(town)
            body = {"close": ["PS00005"], "opening": {"UN0001": 50.0}}
            found = (await client.post(f"{API}/what-if?most=2", json=body)).json()
            assert found["cut_off"] == 2
            assert found["listed"] == 6
            assert [u["code"] for u in found["units"]] == ["UN0005", "UN0006"]
            assert found["units"][0]["cut_off"]
            assert found["units"][0]["flow_pct"] == 0.0
            assert found["sources"][0]["flow_after_m3h"] < found["sources"][0]["flow_m3h"]
            for bad in (
                {"opening": {"UN0001": 101.0}},
                {"pump_speed": {"HS0001": -1.0}},
                {"close": ["x" * 41]},
                {"open": ["PS00005"]},
                {"close": [f"PS{n:05d}" for n in range(201)]},
            ):
                assert (await client.post(f"{API}/what-if", json=bad)).status_code == 422
            foreign = await client.post(f"{API}/what-if", json={"close": ["PS99999"]})
            assert foreign.status_code == 404

    asyncio.run(scene())


def test_a_branch_sees_its_own_part(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            _town(tmp_path) as town,
            town.client("bob", Role.DISPATCHER, scope="CO01/BR02") as client,
        ):
            await _estimate(town)
            shown = (await client.get(API)).json()
            assert [node["code"] for node in shown["nodes"]] == ["SS0003"]
            assert shown["segments"] == []
            assert (await client.get(f"{API}/profile?to=SS0001")).status_code == 404
            assert (await client.get(f"{API}/outage?segment=PS00001")).status_code == 404
            report = (await client.get(f"{API}/sizing")).json()
            assert report["stations"] == 1
            denied = await client.post(f"{API}/what-if", json={"close": ["SS0001"]})
            assert denied.status_code == 404
            found = (await client.post(f"{API}/what-if", json={"close": ["SS0003"]})).json()
            assert {unit["station"] for unit in found["units"]} == {"SS0003"}
            assert found["sources"] == []

    asyncio.run(scene())


def test_the_sizing_report_comes_as_a_workbook(tmp_path: Path) -> None:
    async def scene() -> None:
        async with _town(tmp_path) as town, town.client("ann", Role.DISPATCHER) as client:
            report = (await client.get(f"{API}/sizing")).json()
            assert [card["code"] for card in report["cards"]] == ["SS0001", "SS0002", "SS0003"]
            answer = await client.get(f"{API}/sizing.xlsx?language=en")
            book = openpyxl.load_workbook(io.BytesIO(answer.content))
            assert "sizing" in book.sheetnames
            rows = list(book["sizing"].values)
            assert len(rows) == 1 + sum(len(card["items"]) for card in report["cards"])
            async with town.client() as nobody:
                assert (await nobody.get(f"{API}/sizing.xlsx")).status_code == 401
                assert (await nobody.get(API)).status_code == 401

    asyncio.run(scene())
