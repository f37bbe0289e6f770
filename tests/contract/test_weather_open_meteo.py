"""Open-Meteo against a real HTTP server that answers as its documents say, and as they do not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from heatloop.bridge.weather.client import Resting, WeatherClient
from heatloop.bridge.weather.model import Site
from heatloop.bridge.weather.open_meteo import OpenMeteo, read
from heatloop.kernel.errors import InputError, LinkError
from tests.contract.weather_provider import Provider, open_meteo, provider, temperature_c

NOW_S = 1_800_000_000.0
PATH = "/v1/forecast"
SITE = Site(lat=43.88, lon=125.32, zone="Asia/Shanghai")


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        made.say(PATH, open_meteo(NOW_S))
        yield made


def source(server: Provider, key: str = "", **how: Any) -> OpenMeteo:
    how = {"timeout_s": 5.0, "least_gap_s": 0.0} | how
    return OpenMeteo(WeatherClient("open-meteo", server.url, **how), SITE, key)


async def test_forecast_and_present_with_all_quantities(server: Provider) -> None:
    report = await source(server).fetch(96, NOW_S)
    assert report.left_out == ()
    assert len(report.hours) == 96
    assert report.hours[0].at_s == NOW_S // 3600 * 3600 + 3600
    present = report.present
    assert present is not None
    assert NOW_S - 3600 < present.at_s <= NOW_S
    assert present.temperature_c == temperature_c(present.at_s)
    assert (present.humidity_pct, present.wind_deg, present.wind_ms) == (60.0, 290.0, 3.4)
    assert (present.temperature_max_c, present.temperature_min_c) == (-3.0, -13.0)
    noon = next(h for h in report.hours if (h.at_s / 3600 + 8) % 24 == 12)
    assert min(noon.solar_w_m2 or 0, noon.direct_w_m2 or 0, noon.diffuse_w_m2 or 0) > 50
    assert {hour.condition for hour in report.hours} == {3, 71}


async def test_units_are_asked_for(server: Provider) -> None:
    await source(server, key="secret").fetch(72, NOW_S)
    asked = server.asked[0].query
    assert asked["wind_speed_unit"] == "ms"
    assert asked["timeformat"] == "unixtime"
    assert (asked["latitude"], asked["longitude"]) == ("43.8800", "125.3200")
    assert asked["apikey"] == "secret"
    assert asked["forecast_days"] == "4"
    assert {"temperature_2m", "shortwave_radiation"} <= set(asked["hourly"].split(","))


async def test_archive_is_read_the_same_way(server: Provider) -> None:
    server.say("/v1/archive", open_meteo(NOW_S, days=2))
    report = await source(server).archive("2027-01-15", "2027-01-16")
    assert len(report.hours) == 48
    assert server.asked[-1].query["start_date"] == "2027-01-15"


async def test_nulls_and_missing_columns_are_missing_and_named(server: Provider) -> None:
    told = open_meteo(NOW_S)
    told["hourly"]["temperature_2m"][40] = None
    told["hourly"]["wind_speed_10m"][41] = 999
    del told["hourly"]["diffuse_radiation"]
    hours, left_out = read(told)
    assert hours[40].temperature_c is None
    assert hours[40].humidity_pct == 60.0
    assert hours[41].wind_ms is None
    assert all(hour.diffuse_w_m2 is None for hour in hours)
    assert any("diffuse_radiation" in word for word in left_out)
    assert any("999" in word for word in left_out)


@pytest.mark.parametrize(
    ("where", "unit"),
    [("temperature_2m", "°F"), ("wind_speed_10m", "km/h"), ("shortwave_radiation", "MJ/m²")],
)
def test_another_unit_is_refused_not_guessed(where: str, unit: str) -> None:
    told = open_meteo(NOW_S)
    told["hourly_units"][where] = unit
    with pytest.raises(InputError, match=where):
        read(told)


def _broken() -> list[Any]:
    whole = open_meteo(NOW_S)
    short = copy.deepcopy(whole)
    short["hourly"]["temperature_2m"].pop()
    texts = copy.deepcopy(whole)
    texts["hourly_units"]["time"] = "iso8601"
    empty = copy.deepcopy(whole)
    for name in empty["hourly"]:
        if name != "time":
            empty["hourly"][name] = [None] * len(empty["hourly"]["time"])
    del empty["daily"]
    return [short, texts, empty, {}, [], None, "sun", {"hourly": {}, "hourly_units": {}}]


@pytest.mark.parametrize("told", _broken())
def test_a_strange_answer_is_refused(told: Any) -> None:
    with pytest.raises(InputError):
        read(told)


async def test_truncated_json_is_refused(server: Provider) -> None:
    server.only(PATH, json.dumps(open_meteo(NOW_S)).encode()[:2000])
    with pytest.raises(InputError, match="JSON"):
        await source(server).fetch(72, NOW_S)


async def test_its_own_error_is_passed_on(server: Provider) -> None:
    server.only(PATH, {"error": True, "reason": "Cannot initialize WeatherVariable"}, 400)
    with pytest.raises(InputError, match="Cannot initialize WeatherVariable"):
        await source(server).fetch(72, NOW_S)


async def test_too_many_questions_make_it_rest_as_long_as_asked(server: Provider) -> None:
    server.only(PATH, {"error": True, "reason": "Minutely API request limit exceeded"}, 429,
                retry_after="600")  # fmt: skip
    open_ = source(server)
    with pytest.raises(Resting, match="questions"):
        await open_.fetch(72, NOW_S)
    with pytest.raises(Resting, match="left alone") as again:
        await open_.fetch(72, NOW_S)
    assert 590 < float(again.value.place.split()[0]) <= 600
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_ill_server_is_a_broken_link(server: Provider, status: int) -> None:
    server.only(PATH, b"<html>bad gateway</html>", status)
    with pytest.raises(LinkError, match="ill") as failed:
        await source(server).fetch(72, NOW_S)
    assert not isinstance(failed.value, Resting)


async def test_nobody_there_is_a_broken_link(server: Provider) -> None:
    gone = OpenMeteo(WeatherClient("open-meteo", "http://127.0.0.1:9", timeout_s=2.0), SITE)
    with pytest.raises(LinkError, match="does not answer"):
        await gone.fetch(72, NOW_S)


async def test_a_redirect_is_not_followed_with_the_key(server: Provider) -> None:
    server.only(PATH, {}, 302, location=f"{server.url}/elsewhere")
    with pytest.raises(InputError):
        await source(server, key="secret").fetch(72, NOW_S)
    assert [asked.path for asked in server.asked] == [PATH]


async def test_a_proxy_is_used(server: Provider) -> None:
    through = OpenMeteo(
        WeatherClient("open-meteo", "http://weather.invalid", proxy=server.url, timeout_s=5.0), SITE
    )
    # A proxy gets the whole address as path.
    server.say("/v1/forecast", open_meteo(NOW_S))
    await through.fetch(72, NOW_S)
    assert server.asked[0].headers["host"] == "weather.invalid"


async def test_environment_proxy_is_honoured(
    server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("http_proxy", server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    through = OpenMeteo(WeatherClient("open-meteo", "http://weather.invalid", timeout_s=5.0), SITE)
    await through.fetch(72, NOW_S)
    assert server.asked[0].headers["host"] == "weather.invalid"
