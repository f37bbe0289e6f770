"""The city's forecast: wrong as forecasts are, more so the further ahead, and never the truth."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from heatloop.bridge.weather.city import CityForecast, read
from heatloop.demo.clock_service import ClockService
from heatloop.demo.forecasts import LATE_S, RUN_S, forecast
from heatloop.demo.weather import WeatherSettings, Winter
from heatloop.kernel.clock import ClockState
from heatloop.kernel.errors import InputError, LinkError

NOW_S = 1_800_000_000.0
PLAIN = WeatherSettings()


def errors_k(leads: tuple[int, ...]) -> dict[int, list[float]]:
    winter = Winter(1)
    found: dict[int, list[float]] = {lead: [] for lead in leads}
    for run in range(150):
        now_s = NOW_S + run * RUN_S
        hours = forecast(winter, PLAIN, 1, now_s, max(leads))["hours"]
        hours = [row for row in hours if row["at_s"] > now_s]
        for lead in leads:
            row = hours[lead - 1]
            found[lead].append(row["temperature_c"] - winter.at(row["at_s"], PLAIN).outdoor_c)
    return found


def test_errors_grow_with_lead_as_real_ones_do() -> None:
    rmse = {
        lead: math.sqrt(sum(e * e for e in all_) / len(all_))
        for lead, all_ in errors_k((6, 24, 72, 120)).items()
    }
    assert 0.5 < rmse[6] < 1.5
    assert 1.0 < rmse[24] < 2.2
    assert 1.8 < rmse[72] < 3.4
    assert rmse[6] < rmse[24] < rmse[72] < rmse[120] < 4.5


def test_it_is_never_the_truth_and_the_same_when_asked_again() -> None:
    first = forecast(Winter(1), PLAIN, 1, NOW_S, 72)
    again = forecast(Winter(1), PLAIN, 1, NOW_S, 72)
    assert first == again
    winter = Winter(1)
    exact = [
        abs(row["temperature_c"] - winter.at(row["at_s"], PLAIN).outdoor_c) < 0.05
        for row in first["hours"]
    ]
    assert sum(exact) < 0.2 * len(exact)
    assert first["issued_s"] <= NOW_S - LATE_S
    assert first["issued_s"] % RUN_S == 0


def test_it_is_of_whole_coming_hours_and_within_nature() -> None:
    rows = forecast(Winter(3), PLAIN, 3, NOW_S + 1, 500)["hours"]
    ahead = [row for row in rows if row["at_s"] > NOW_S + 1]
    assert len(ahead) == 384
    assert ahead[0]["at_s"] == NOW_S // 3600 * 3600 + 3600
    # From local midnight on, so that the day's extremes are those of the whole day.
    assert (rows[0]["at_s"] + 8 * 3600) % 86400 == 0
    assert rows[0]["temperature_max_c"] == max(row["temperature_c"] for row in rows[:24])
    for row in rows:
        assert 0 <= row["humidity_pct"] <= 100
        assert row["wind_ms"] >= 0
        assert row["solar_w_m2"] >= 0
    night = [row["solar_w_m2"] for row in rows if (row["at_s"] / 3600 + 8) % 24 in (0, 1, 2, 22)]
    assert set(night) == {0}


async def test_the_adapter_asks_the_citys_door(tmp_path: Path) -> None:
    winter = Winter(1)

    async def control(message: dict[str, object]) -> dict[str, object]:
        if message["op"] != "forecast":
            raise InputError("unknown control request")
        return forecast(winter, PLAIN, 1, NOW_S, int(str(message["hours"])))

    state = ClockState(epoch=1, origin_machine_s=0.0, origin_plant_s=NOW_S, speed=1.0)
    service = ClockService((), control, state)
    socket = tmp_path / "city.sock"
    await service.start(socket)
    try:
        report = await CityForecast(socket).fetch(96, NOW_S)
    finally:
        await service.stop()
        await asyncio.sleep(0)
    assert len(report.hours) == 96
    assert report.issued_s is not None
    assert report.issued_s < NOW_S
    assert report.present is not None
    assert NOW_S - 3600 < report.present.at_s <= NOW_S
    assert report.hours[0].temperature_c is not None
    with pytest.raises(LinkError):
        await CityForecast(tmp_path / "nobody.sock").fetch(96, NOW_S)


def test_a_refusal_or_an_old_forecast_is_none() -> None:
    with pytest.raises(InputError):
        read({"ok": False, "error": "forecast: unknown control request"}, NOW_S)
    old = {"ok": True, **forecast(Winter(1), PLAIN, 1, NOW_S - 30 * 86400.0, 72)}
    with pytest.raises(InputError, match="past"):
        read(old, NOW_S)
