"""Clauses 7.1 a, 7.1 b 1 and 7.2 a: smart devices, automatic ratio, forecast, supervision."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns, concat
from heatloop.security.access import Role
from heatloop.station.modes import StationMode
from tests.unit.app_town import START_S, Town, town
from tests.unit.test_supervision import DAY, HOUR, keep, series

API = "/api/v1"
TEN = 600
DAYS = 24


def outdoor(slots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a winter: days and fronts."""
    hours = slots / HOUR
    return -8.0 + 5.0 * np.sin(2 * np.pi * hours / 24) + 4.0 * np.sin(2 * np.pi * hours / 137)


async def winter(here: Town, days: int = DAYS) -> None:
    """Give a platform weeks of history of two substations, a source and the weather."""
    slots = np.arange(int(START_S) // HOUR * HOUR - days * DAY, int(START_S), TEN)
    cold = outdoor(slots)
    noise = np.random.default_rng(7).normal(0.0, 10.0, (3, len(slots)))
    loads = [26.0 * (16.0 - cold) + noise[0], 31.0 * (15.0 - cold) + noise[1]]
    values = {
        "WS0001.outdoor_temperature": cold,
        "SS0001.primary_heat_power": loads[0],
        "SS0002.primary_heat_power": loads[1],
        "UN0001.secondary_heat_power": loads[0],
        "UN0002.secondary_heat_power": loads[1],
    }
    columns = [
        Columns(
            np.full(len(slots), here.key(code), "u4"),
            slots.astype("u4"),
            each,
            np.full(len(slots), Quality.GOOD, "u1"),
        )
        for code, each in values.items()
    ]
    await here.platform.historian.append(concat(columns))
    await here.platform.historian.refresh_rollups()


async def test_7_1_a_share_of_smart_devices_is_reported_by_class(tmp_path: Path) -> None:
    async with town(tmp_path) as here, here.client("li", Role.DISPATCHER) as client:
        found = (await client.get(f"{API}/supervision/smart-devices")).json()
    classes = {each["name"]: each for each in found["classes"]}
    for name in ("circulation_pump", "control_valve", "station_controller", "pressure"):
        each = classes[name]
        assert each["total"] > 0
        assert each["digital"] == each["status"] == each["remote"] == each["total"]
        assert each["share_pct"] == 100.0
    assert found["main_pct"] == 100.0
    assert not classes["weather_station"]["main"]
    assert classes["weather_station"]["share_pct"] == 0.0


async def test_7_1_b_1_automatic_ratio_is_hours_in_automatic_over_heating_hours(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        begin = int(START_S) // HOUR * HOUR - 20 * HOUR
        automatic, local = float(StationMode.AUTOMATIC), float(StationMode.LOCAL)
        rows = []
        for n in range(20 * 6):
            slot = begin + TEN * n
            # Eight hours cold; then ten automatic, one half and half, one nobody knows.
            heat = 0.0 if n < 8 * 6 else 400.0
            rows.append(("UN0001.secondary_heat_power", slot, heat, Quality.GOOD))
            if n < 18 * 6 + 3:
                rows.append(("UN0001.station_mode", slot, automatic, Quality.GOOD))
            elif n < 19 * 6:
                rows.append(("UN0001.station_mode", slot, local, Quality.GOOD))
        await keep(here, rows)
        await here.platform.historian.refresh_rollups()
        here.platform.records.stages.set("UN0001", "automatic", by="li", at=begin + 13.0 * HOUR)
        async with here.client("li", Role.DISPATCHER) as client:
            found = (await client.get(f"{API}/supervision/automatic?days=2")).json()
    row = next(each for each in found["rows"] if each["code"] == "SS0001")
    assert row["heating_h"] == 12.0
    assert row["automatic_h"] == 10.5
    assert row["unknown_h"] == 1.0
    assert row["automatic_pct"] == 87.5
    # The platform was let write for the last five and a half of them.
    assert row["platform_h"] == 5.5


async def test_7_2_a_1_load_of_sources_and_substations_is_forecast_on_schedule(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, forecast={"horizon_h": 72}) as here:
        await winter(here)
        service = here.platform.forecasts
        async with here.client("li", Role.DISPATCHER) as client:
            await client.post(f"{API}/forecasts/issue")
            await service.run(START_S)
            assert service.failure == ""
            first = (await client.get(f"{API}/forecasts")).json()
            assert first["last"]["reason"] == "start"
            here.clock.advance(service.next_due() - here.clock.now_s())
            due = here.clock.now_s()
            await service.run(due)
            view = (await client.get(f"{API}/forecasts/SS0001?step=900&back=0")).json()
            skill = (await client.get(f"{API}/forecasts/skill?kind=substation")).json()
        assert service.last is not None
        assert (service.last.reason, service.last.start_s) == ("schedule", due)
        told = service.latest("SS0001")
        assert told is not None
        assert (told.start, told.step_s, len(told.middle)) == (due, HOUR, 72)
        assert told.known_at >= due
        low, middle, high = (np.array(each) for each in (told.low, told.middle, told.high))
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert len(view["steps"]) == 72 * 4
        assert view["baseline"]["w_k"] > 0
        # Past days were forecast afterwards, each from its own past: better than yesterday's.
        assert skill["hindcast_days"] > 0
        for row in skill["rows"]:
            assert row["mape_pct"] <= 10.0
            assert row["mae"] < row["naive_mae"]


async def test_7_2_a_2_leaving_the_planned_band_is_an_event_within_one_cycle(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        platform = here.platform
        periods, deviation = platform.forecasts._periods, platform.deviation
        start, end = periods.range(periods.day(START_S))
        plan = series("SS0001", [500.0] * ((end - start) // HOUR), start)
        await periods.take([plan], {}, from_s=start, known_at=START_S)

        async def cycle(value: float, quality: Quality = Quality.GOOD) -> list[str]:
            here.clock.advance(60.0)
            slot = int(here.clock.now_s()) // 30 * 30
            await keep(here, [("SS0001.primary_heat_power", slot, value, quality)])
            await deviation.run(here.clock.now_s())
            return [each.state for each in deviation.now.values()]

        def alarms() -> list[tuple[str, str]]:
            return list(platform.alarming.active_of({"plan_deviation"}))

        assert await cycle(520.0) == ["inside"]
        assert alarms() == []
        assert await cycle(9999.0, Quality.BAD) == ["unknown"]
        assert alarms() == []
        assert await cycle(700.0) == ["above"]
        assert alarms() == [("SS0001", "plan_deviation.heat_kw")]
        # Only just inside again is not yet over.
        assert await cycle(598.0) == ["above"]
        async with here.client("li", Role.DISPATCHER) as client:
            page = (await client.get(f"{API}/supervision?state=outside")).json()
            assert page["rows"][0]["code"] == "SS0001"
            assert page["rows"][0]["plan"] == 500.0
        assert await cycle(510.0) == ["inside"]
        assert alarms() == []


async def test_7_2_a_3_a_past_period_is_read_in_three_seconds_and_leaves_as_a_file(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        await winter(here, 4)
        platform = here.platform
        periods = platform.forecasts._periods
        day = periods.day(START_S - 2 * DAY)
        start, end = periods.range(day)
        plan = series("SS0001", [600.0] * ((end - start) // HOUR), start)
        platform.records.forecasts.add(
            [plan], known_at=start, start_s=start, reason="schedule", weather="forecast"
        )
        await periods.take([plan], {}, from_s=start, known_at=start, days=[day])
        async with here.client("li", Role.DISPATCHER) as client:
            listed = (await client.get(f"{API}/supervision/periods")).json()
            assert listed["items"][0]["day"] == day.isoformat()
            began = time.perf_counter()
            found = (await client.get(f"{API}/supervision/periods/{day}")).json()
            hours = (await client.get(f"{API}/supervision/periods/{day}/SS0001")).json()
            assert time.perf_counter() - began <= 3.0
            file = await client.get(f"{API}/supervision/periods/{day}/export")
            csv = await client.get(f"{API}/supervision/periods/{day}/export?format=csv")
            missing = await client.get(f"{API}/supervision/periods/2020-01-01")
        row = found["subjects"][0]
        assert (row["code"], row["hours"]) == ("SS0001", 24)
        slots = np.arange(start, end, TEN)
        actual = (26.0 * (16.0 - outdoor(slots))).sum() / 6.0
        assert abs(row["actual"] / actual - 1.0) < 0.01
        assert abs(row["plan"] / (24 * 600.0) - 1.0) < 1e-3
        assert row["outside"] == sum(
            not each["plan_low"] <= each["actual"] <= each["plan_high"] for each in hours["hours"]
        )
        assert file.status_code == csv.status_code == 200
        book = openpyxl.load_workbook(io.BytesIO(file.content))
        assert book.sheetnames == ["subjects", "hours", "deviations"]
        assert book["hours"].max_row == 25
        assert missing.status_code == 404
