"""The weather of a platform: fallback, alarms once, as known at a time, skill, doubts, rights."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from heatloop.app.weather_points import columns_of
from heatloop.bridge.weather.model import Hour
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Role
from tests.contract.weather_provider import (
    Provider,
    open_meteo,
    provider,
    qweather_hours,
    qweather_now,
    qweather_sun,
    temperature_c,
)
from tests.unit.app_town import START_S, Town, TownGateway, town

API = "/api/v1/weather"
FORECAST = "/v1/forecast"
TEN_MINUTES = 600.0


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        made.say(FORECAST, open_meteo(START_S))
        yield made


def _qweather(server: Provider) -> None:
    server.only("/v7/weather/now", qweather_now(START_S))
    server.only("/v7/weather/168h", qweather_hours(START_S))
    server.only("/solarradiation/v1/forecast/43.88/125.32", qweather_sun(START_S))


def settings(server: Provider, folder: Path, *sources: str, **more: Any) -> dict[str, Any]:
    key = folder / "qweather.key"
    folder.mkdir(parents=True, exist_ok=True)
    key.write_text("0123456789abcdef\n")
    return {
        "sources": sources,
        "lat": 43.88,
        "lon": 125.32,
        "open_meteo_url": server.url,
        "qweather_url": server.url,
        "qweather_key_file": str(key),
        **more,
    }


@contextlib.asynccontextmanager
async def place(server: Provider, folder: Path, *sources: str, **more: Any) -> AsyncIterator[Town]:
    chosen = settings(server, folder / "secrets", *sources, **more)
    async with town(folder / "data", weather=chosen) as made:
        # What is waited for here is the order of things, not the pace of providers.
        for standing in made.platform.weather._watch.standings:
            standing.source._client._least_gap_s = 0.0  # type: ignore[attr-defined]
        await made.platform.weather.run(START_S)
        yield made


async def later(here: Town, seconds: float = TEN_MINUTES) -> None:
    here.clock.advance(seconds)
    await here.platform.weather.run(here.clock.now_s() // TEN_MINUTES * TEN_MINUTES)


async def station(here: Town, **values: float) -> TownGateway:
    gateway = await here.enrol()
    await gateway.connect()
    await measured(here, gateway, **values)
    return gateway


async def measured(here: Town, gateway: TownGateway, **values: float) -> None:
    slot = int(here.clock.now_s()) // 600 * 600
    rows = [(f"WS0001.{kind}", slot, value) for kind, value in values.items()]
    await gateway.acknowledged(await gateway.samples(*rows))


async def alarms(here: Town) -> list[tuple[str, str]]:
    _, rows = here.platform.records.alarms.list(limit=50)
    return [(row.alarm.rule, str(row.alarm.state)) for row in rows
            if row.alarm.rule.startswith("weather")]  # fmt: skip


async def test_present_and_forecast_through_the_api(server: Provider, tmp_path: Path) -> None:
    async with (
        place(server, tmp_path, "open-meteo") as here,
        here.client("chen", Role.DISPATCHER) as client,
    ):
        now = (await client.get(API)).json()
        assert (now["source"], now["fallback"]) == ("open-meteo", False)
        assert now["weather"]["temperature_c"] == temperature_c(START_S)
        assert now["weather"]["condition_zh"] in ("阴", "小雪")
        assert now["forecast_horizon_h"] >= 72
        assert [source["name"] for source in now["sources"]] == ["open-meteo", "station"]
        assert now["sources"][0]["state"] == "ok"
        assert {q["name"]: q["unit"] for q in now["quantities"]}["solar_w_m2"] == "W/m2"
        ahead = (await client.get(f"{API}/forecast", params={"hours": 72})).json()
        assert len(ahead["hours"]) == 72
        assert ahead["hours"][0]["lead_h"] == pytest.approx(
            (START_S // 3600 * 3600 + 3600 - START_S) / 3600, abs=0.01
        )
        seen = (await client.get(f"{API}/observations")).json()
        assert seen["items"][0]["source"] == "open-meteo"


async def test_outage_falls_back_and_alarms_once_and_clears(
    server: Provider, tmp_path: Path
) -> None:
    _qweather(server)
    async with (
        place(server, tmp_path, "open-meteo", "qweather") as here,
        here.client("chen", Role.DISPATCHER) as client,
    ):
        server.only(FORECAST, b"", 503)
        for _ in range(6):
            await later(here)
        assert await alarms(here) == []  # its hour of peace lasts
        await later(here)
        now = (await client.get(API)).json()
        assert (now["forecast_source"], now["fallback"]) == ("qweather", True)
        assert now["sources"][0]["state"] == "failed"
        assert "ill" in now["sources"][0]["error"]
        await later(here)
        await later(here)
        active = ("weather_source.open-meteo", "active")
        assert await alarms(here) == [active]
        server.only(FORECAST, open_meteo(here.clock.now_s()))
        await later(here)
        now = (await client.get(API)).json()
        assert now["forecast_source"] == "open-meteo"
        assert now["source"] == "open-meteo"
        assert await alarms(here) == [("weather_source.open-meteo", "returned")]


async def test_every_source_out_leaves_the_own_station(server: Provider, tmp_path: Path) -> None:
    server.only(FORECAST, {"error": True, "reason": "limit"}, 429, retry_after="900")
    async with place(server, tmp_path, "open-meteo") as here:
        await station(here, outdoor_temperature=-11.5, outdoor_humidity=64, wind_speed=2.5)
        async with here.client("chen", Role.DISPATCHER) as client:
            await later(here)
            now = (await client.get(API)).json()
            assert (now["source"], now["fallback"]) == ("station", True)
            assert now["weather"]["temperature_c"] == -11.5
            assert now["weather"]["solar_w_m2"] is None
            assert now["sources"][0]["state"] == "resting"
            assert now["forecast_source"] is None
            for _ in range(2):
                await later(here)
            assert set(await alarms(here)) == {
                ("weather_source.open-meteo", "active"),
                ("weather_forecast", "active"),
            }


async def test_strange_answers_never_stop_the_weather(server: Provider, tmp_path: Path) -> None:
    for body in ({"hourly": 3}, b"[[[", {"hourly": {"time": [{}]}, "hourly_units":
                 {"time": "unixtime"}}):  # fmt: skip
        server.only(FORECAST, body)
        async with place(server, tmp_path / str(len(str(body))), "open-meteo") as here:
            standing = here.platform.weather._watch.standings[0]
            assert standing.failures == 1
            assert standing.error


async def test_a_forecast_of_another_time_is_not_taken(server: Provider, tmp_path: Path) -> None:
    server.only(FORECAST, open_meteo(START_S + 40 * 86400))
    async with place(server, tmp_path, "open-meteo") as here:
        assert here.platform.weather._watch.standings[0].state == "failed"
        assert here.platform.records.weather.counts() == (0, 0)


async def test_as_known_at_a_time_nothing_later_is_seen(server: Provider, tmp_path: Path) -> None:
    """A forecast changes every hour; each moment gets exactly the one it knew."""
    async with place(server, tmp_path, "open-meteo") as here:
        weather = here.platform.weather
        target = START_S // 3600 * 3600 + 30 * 3600
        known = {START_S: temperature_c(target)}
        for n in range(1, 4):
            told = open_meteo(START_S)
            times = told["hourly"]["time"]
            told["hourly"]["temperature_2m"] = [round(temperature_c(t) + n, 1) for t in times]
            server.only(FORECAST, told)
            for _ in range(6):
                await later(here)
            known[here.clock.now_s()] = round(temperature_c(target) + n, 1)
        for at_s, expected in known.items():
            for moment in (at_s, at_s + 1799):
                found = await weather.forecast_as_of(moment, target, target + 1)
                assert found is not None
                assert found.known_s <= moment
                assert [hour.temperature_c for hour in found.hours] == [expected]
        assert await weather.forecast_as_of(START_S - 1, target, target + 1) is None
        async with here.client("chen", Role.DISPATCHER) as client:
            first = (
                await client.get(f"{API}/forecast", params={"known_at": "2027-01-15T08:30:00Z",
                                 "start": "2027-01-16T14:00:00Z", "hours": 1})
            ).json()  # fmt: skip
            assert first["known"] <= "2027-01-15T08:30:00Z"
            late = await client.get(f"{API}/forecast", params={"known_at": "2020-01-01T00:00:00Z"})
            assert late.json()["hours"] == []
            bad = await client.get(
                f"{API}/forecast",
                params={"start": "2027-01-16T14:00:00Z", "end": "2027-01-16T13:00:00Z"},
            )
            assert bad.status_code == 422


async def test_skill_once_observed(server: Provider, tmp_path: Path) -> None:
    async with place(server, tmp_path, "open-meteo", station_limit_k=50.0) as here:
        gateway = await station(here, outdoor_temperature=temperature_c(START_S) - 2.0)
        await later(here, 0.0)
        for _ in range(19):
            here.clock.advance(TEN_MINUTES)
            now = temperature_c(here.clock.now_s())
            await measured(here, gateway, outdoor_temperature=now - 2.0)
            await here.platform.weather.run(here.clock.now_s())
        async with here.client("chen", Role.DISPATCHER) as client:
            rows = (await client.get(f"{API}/skill")).json()["rows"]
            (row,) = [each for each in rows if each["quantity"] == "temperature_c"]
            assert row["count"] >= 2
            assert row["bias"] == pytest.approx(2.0, abs=0.11)
            assert (row["lead_from_h"], row["lead_to_h"]) == (0, 6)
            none = (await client.get(f"{API}/skill", params={"observed_by": "nobody"})).json()
            assert none["rows"] == []


async def test_a_station_in_the_sun_is_uncertain_and_a_case(
    server: Provider, tmp_path: Path
) -> None:
    async with place(server, tmp_path, "station", "open-meteo") as here:
        warm = temperature_c(START_S) + 9.0
        await station(here, outdoor_temperature=warm, solar_radiation=600.0)
        await later(here)
        async with here.client("chen", Role.DISPATCHER) as client:
            now = (await client.get(API)).json()
            # The station is first in the order, but another source is sure and it is not.
            assert (now["source"], now["fallback"]) == ("open-meteo", True)
            seen = (await client.get(f"{API}/observations?source=station")).json()["items"]
            assert seen[0]["weather"]["quality"] == "uncertain"
            assert seen[0]["weather"]["temperature_c"] == pytest.approx(warm)
            cases = (await client.get("/api/v1/quality/cases?rule=neighbour")).json()["items"]
            case = next(c for c in cases if c["point"] == "WS0001.outdoor_temperature")
            assert "太阳" in case["text_zh"]
            assert case["value"] == pytest.approx(warm)


async def test_what_the_station_has_not_is_filled_in_by_a_service(
    server: Provider, tmp_path: Path
) -> None:
    async with place(server, tmp_path, "station", "open-meteo") as here:
        await station(here, outdoor_temperature=temperature_c(START_S) + 0.5)
        await later(here)
        async with here.client("chen", Role.DISPATCHER) as client:
            now = (await client.get(API)).json()
            assert (now["source"], now["fallback"]) == ("station", False)
            assert now["weather"]["temperature_c"] == pytest.approx(temperature_c(START_S) + 0.5)
            assert now["weather"]["humidity_pct"] == 60.0
            assert now["weather"]["temperature_max_c"] == -3.0
            assert now["filled"]["humidity_pct"] == "open-meteo"
            assert "temperature_c" not in now["filled"]


async def test_observations_are_taken_in_and_replaced(server: Provider, tmp_path: Path) -> None:
    hour = {"at": "2027-01-10T00:00:00Z", "temperature_c": -15.0, "solar_w_m2": 0}
    async with place(server, tmp_path) as here:
        async with here.client("wu", Role.OPERATION_ENGINEER) as client:
            for temperature in (-15.0, -16.0):
                body = {"source": "station-log", "hours": [hour | {"temperature_c": temperature}]}
                done = (await client.post(f"{API}/observations", json=body)).json()
                assert (done["source"], done["stored"]) == ("file:station-log", 1)
            page = (
                await client.get(
                    f"{API}/observations",
                    params={"start": "2027-01-09T00:00:00Z", "end": "2027-01-11T00:00:00Z"},
                )
            ).json()
            assert page["total"] == 1
            assert page["items"][0]["weather"]["temperature_c"] == -16.0
            for bad in ({"temperature_c": 99}, {"at": "2027-01-10T00:00:00"}, {"snow": 3}):
                body = {"source": "x", "hours": [hour | bad]}
                assert (await client.post(f"{API}/observations", json=body)).status_code == 422
            empty = {"source": "x", "hours": [{"at": hour["at"]}]}
            assert (await client.post(f"{API}/observations", json=empty)).status_code == 422
        trail = here.platform.records.audit.list(action="weather.import")[1]
        assert len(trail) == 2


async def test_who_may(server: Provider, tmp_path: Path) -> None:
    async with place(server, tmp_path) as here:
        async with here.client() as client:
            assert (await client.get(API)).status_code == 401
        async with here.client("guo", Role.CUSTOMER_SERVICE) as client:
            assert (await client.get(API)).status_code == 200
            assert (await client.post(f"{API}/refresh")).status_code == 403
            assert (await client.get(f"{API}/skill?days=5000")).status_code == 422
        async with here.client("wu", Role.OPERATION_ENGINEER) as client:
            assert (await client.post(f"{API}/refresh")).status_code == 200


def test_points_take_what_is_in_their_range() -> None:
    keys = {"condition": ("CO01.weather_condition", 7)}
    good = columns_of(Hour(at_s=START_S, condition=71), keys, int(START_S))
    assert (good.keys.tolist(), good.values.tolist()) == ([7], [71.0])
    assert columns_of(Hour(at_s=START_S, temperature_c=1.0), keys, int(START_S)).keys.size == 0


async def test_the_weather_in_force_is_kept_as_points_of_the_company(
    server: Provider, tmp_path: Path
) -> None:
    if "weather_temperature" not in point_kinds():
        pytest.skip("lacks the point kinds of the company's weather")
    async with place(server, tmp_path, "open-meteo") as here:
        await later(here)
        async with here.client("chen", Role.DISPATCHER) as client:
            page = (await client.get("/api/v1/points?asset=CO01&q=weather_")).json()
            found = {point["kind"]: point["value"] for point in page["items"]}
            present = here.platform.weather.present(here.clock.now_s()).hour
            assert present is not None
            assert found["weather_temperature"] == present.temperature_c
            assert found["weather_solar_radiation"] == present.solar_w_m2
            quantities = (await client.get(API)).json()["quantities"]
            assert quantities[1]["point"] == "CO01.weather_temperature"
