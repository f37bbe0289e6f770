"""QWeather against a real HTTP server that answers as its documents say, and as they do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heatloop.bridge.weather.client import Resting, WeatherClient
from heatloop.bridge.weather.conditions import conditions, from_qweather
from heatloop.bridge.weather.model import Site
from heatloop.bridge.weather.qweather import QWeather, key_headers, token_headers
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from tests.contract.weather_provider import (
    Provider,
    provider,
    qweather_hours,
    qweather_now,
    qweather_sun,
)

NOW_S = 1_800_000_000.0
SITE = Site(lat=43.88, lon=125.32, zone="Asia/Shanghai")
NOW, HOURS, SUN = "/v7/weather/now", "/v7/weather/168h", "/solarradiation/v1/forecast/43.88/125.32"


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        made.say(NOW, qweather_now(NOW_S))
        made.say(HOURS, qweather_hours(NOW_S))
        made.say(SUN, qweather_sun(NOW_S))
        yield made


def source(server: Provider, headers: Any = None) -> QWeather:
    return QWeather(
        WeatherClient("qweather", server.url, timeout_s=5.0, least_gap_s=0.0),
        SITE,
        headers or key_headers("0123456789abcdef"),
        lambda: NOW_S,
        lambda _: 8 * 3600.0,
        gap_s=0.0,
    )


async def test_present_forecast_and_radiation_in_house_units(server: Provider) -> None:
    report = await source(server).fetch(120, NOW_S)
    present = report.present
    assert present is not None
    assert present.at_s == NOW_S - 900
    assert (present.temperature_c, present.humidity_pct, present.wind_deg) == (-9.0, 72.0, 315.0)
    assert present.wind_ms == 5.0  # 18 km/h
    assert present.condition == 71
    assert report.issued_s == NOW_S - 1500
    assert len(report.hours) == 120
    first = report.hours[0]
    assert first.condition == 2
    assert first.wind_ms == pytest.approx(20 / 3.6, abs=1e-4)
    assert (first.solar_w_m2, first.direct_w_m2, first.diffuse_w_m2) == (152.57, 25.16, 136.29)
    assert report.hours[70].solar_w_m2 is None  # radiation reaches 60 h
    whole_day = [h for h in report.hours if h.temperature_max_c is not None]
    assert len(whole_day) >= 72
    assert whole_day[0].temperature_min_c == -13.0
    assert server.asked[0].query == {"location": "125.32,43.88", "unit": "m"}
    assert server.asked[0].headers["x-qw-api-key"] == "0123456789abcdef"


async def test_a_short_horizon_asks_for_72_hours(server: Provider) -> None:
    server.say("/v7/weather/72h", qweather_hours(NOW_S, 72))
    report = await source(server).fetch(72, NOW_S)
    assert len(report.hours) == 72


async def test_a_token_is_signed_by_the_key_and_young(server: Provider) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    await source(server, token_headers(pem, "PROJECT123", "CREDENT456")).fetch(120, NOW_S)
    kind, _, token = server.asked[0].headers["authorization"].partition(" ")
    assert kind == "Bearer"
    head, body, signature = token.split(".")

    def plain(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    private.public_key().verify(plain(signature), f"{head}.{body}".encode())
    assert json.loads(plain(head)) == {"alg": "EdDSA", "kid": "CREDENT456"}
    claims = json.loads(plain(body))
    assert claims["sub"] == "PROJECT123"
    assert claims["iat"] == int(NOW_S) - 30
    assert 0 < claims["exp"] - claims["iat"] <= 86400


def test_another_key_than_ed25519_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="private key"):
        token_headers(b"-----BEGIN NOTHING-----", "P", "C")


async def test_a_plan_without_radiation_still_gives_the_weather(server: Provider) -> None:
    server.only(SUN, {"error": {"status": 403, "type": "https://dev.qweather.com/docs/resource/"
                "error-code/#no-permission", "title": "No Permission",
                "detail": "Your account has no permission"}}, 403)  # fmt: skip
    report = await source(server).fetch(120, NOW_S)
    assert len(report.hours) == 120
    assert all(hour.solar_w_m2 is None for hour in report.hours)
    assert any("no permission" in word for word in report.left_out)


async def test_missing_and_empty_values_are_missing(server: Provider) -> None:
    told = qweather_hours(NOW_S)
    told["hourly"][0]["temp"] = ""
    told["hourly"][1]["icon"] = "999"
    told["hourly"][2]["windSpeed"] = None
    del told["hourly"][3]["humidity"]
    told["hourly"][4]["temp"] = "warm"
    server.only(HOURS, told)
    report = await source(server).fetch(120, NOW_S)
    hours = report.hours
    assert hours[0].temperature_c is None
    assert hours[0].humidity_pct == 55.0
    assert hours[1].condition is None
    assert hours[2].wind_ms is None
    assert hours[3].humidity_pct is None
    assert hours[4].temperature_c is None
    assert any("warm" in word for word in report.left_out)


@pytest.mark.parametrize(
    ("code", "error"),
    [("401", InputError), ("402", InputError), ("404", InputError), ("429", Resting),
     ("500", LinkError)],
)  # fmt: skip
async def test_old_style_error_codes(server: Provider, code: str, error: type[Exception]) -> None:
    server.only(NOW, {"code": code})
    with pytest.raises(error, match="QWeather"):
        await source(server).fetch(120, NOW_S)


async def test_new_style_errors_say_why(server: Provider) -> None:
    server.only(NOW, {"error": {"status": 401, "title": "Unauthorized",
                                "detail": "Authentication failed"}}, 401)  # fmt: skip
    with pytest.raises(InputError, match="Authentication failed"):
        await source(server).fetch(120, NOW_S)


@pytest.mark.parametrize(
    "told",
    [{"code": "200"}, {"code": "200", "hourly": []}, {"code": "200", "hourly": ["x"]}, [], 7,
     {"code": "200", "hourly": [{"fxTime": "tomorrow", "temp": "1"}]},
     {"code": "200", "hourly": [{"fxTime": "2027-01-15T09:00", "temp": "1"}]}],
)  # fmt: skip
async def test_a_strange_forecast_is_refused(server: Provider, told: Any) -> None:
    server.only(HOURS, told)
    with pytest.raises(InputError):
        await source(server).fetch(120, NOW_S)


async def test_another_radiation_unit_is_not_taken(server: Provider) -> None:
    told = qweather_sun(NOW_S)
    told["forecasts"][0]["ghi"]["unit"] = "kJ/m²"
    server.only(SUN, told)
    report = await source(server).fetch(120, NOW_S)
    assert report.hours[0].solar_w_m2 is None
    assert any("unit" in word for word in report.left_out)


def test_every_icon_becomes_a_condition_with_words() -> None:
    known = set(conditions())
    for icon in [*range(100, 105), *range(150, 155), *range(300, 319), 350, 351, 399,
                 *range(400, 411), 456, 457, 499, *range(500, 505), *range(507, 516)]:  # fmt: skip
        assert from_qweather(str(icon)) in known, icon
    assert from_qweather("901") is None
    with pytest.raises(InputError):
        from_qweather("sunny")
