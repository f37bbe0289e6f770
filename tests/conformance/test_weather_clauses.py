"""Clauses 6.1.1.1 c 1 and c 2: the weather is collected, and known ahead."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatloop.security.access import Role
from tests.contract.weather_provider import Provider, open_meteo, provider, temperature_c
from tests.unit.app_town import START_S
from tests.unit.test_weather_service import API, FORECAST, alarms, later, measured, place, station

FIVE = ("condition", "temperature_c", "humidity_pct", "temperature_max_c", "temperature_min_c")
THREE = ("wind_deg", "wind_ms", "solar_w_m2")


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        made.say(FORECAST, open_meteo(START_S))
        yield made


async def test_6_1_1_1_c_1_five_quantities_each_hour_and_a_local_sensor_when_the_service_is_out(
    server: Provider, tmp_path: Path
) -> None:
    async with place(server, tmp_path, "open-meteo") as here:
        gateway = await station(here, outdoor_temperature=-6.0, outdoor_humidity=61)
        for n in range(1, 13):
            if n % 6 == 0:
                server.only(FORECAST, open_meteo(here.clock.now_s() + 600))
            await later(here)
            await measured(here, gateway, outdoor_temperature=-6.0, outdoor_humidity=61)
        total, rows = here.platform.records.weather.observations(
            start_s=START_S - 3600, end_s=START_S + 3 * 3600, source="open-meteo"
        )
        assert total >= 2
        gaps = [a.at_s - b.at_s for a, b in itertools.pairwise(rows)]
        assert max(gaps) <= 3600
        for row in rows:
            assert all(row.values[name] is not None for name in FIVE)
        server.only(FORECAST, b"", 503)
        for _ in range(9):
            await later(here)
            await measured(here, gateway, outdoor_temperature=-6.0, outdoor_humidity=61)
        async with here.client("chen", Role.DISPATCHER) as client:
            now = (await client.get(API)).json()
        assert (now["source"], now["fallback"]) == ("station", True)
        assert now["weather"]["temperature_c"] == -6.0
        assert await alarms(here) == [("weather_source.open-meteo", "active")]


async def test_6_1_1_1_c_2_three_quantities_with_units_and_72_hours_ahead(
    server: Provider, tmp_path: Path
) -> None:
    async with place(server, tmp_path, "open-meteo") as here:
        _, rows = here.platform.records.weather.observations(start_s=0, end_s=START_S + 1)
        assert all(rows[0].values[name] is not None for name in THREE)
        async with here.client("chen", Role.DISPATCHER) as client:
            now = (await client.get(API)).json()
        units = {quantity["name"]: quantity["unit"] for quantity in now["quantities"]}
        assert [units[name] for name in THREE] == ["deg", "m/s", "W/m2"]
        found = await here.platform.weather.forecast_as_of(
            here.clock.now_s(), START_S + 1, START_S + 73 * 3600
        )
        assert found is not None
        assert len(found.hours) >= 72
        assert found.known_s <= here.clock.now_s()
        for hour in found.hours[:72]:
            assert hour.temperature_c == temperature_c(hour.at_s)
            assert all(hour.value(name) is not None for name in (*FIVE, *THREE))
