"""QWeather 和风天气: the present, 72 or 168 hours ahead, and radiation.

Signed in by a JSON Web Token made from an Ed25519 key (preferred by QWeather), or an API key.
Radiation reaches 60 hours ahead and may be missing from a plan: then the rest still holds.

Reference: https://dev.qweather.com/docs - `/v7/weather/now`, `/v7/weather/{72h|168h}`,
`/solarradiation/v1/forecast/{lat}/{lon}`, authentication, error code v1 and v2, conditions.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heatloop.bridge.weather.client import Resting, WeatherClient
from heatloop.bridge.weather.conditions import from_qweather
from heatloop.bridge.weather.model import Hour, Report, Site, usable, with_extremes
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError

NAME = "qweather"
SUN_HOURS = 60
_KMH = 3.6
_TOKEN_S, _BACKDATE_S = 3600, 30
GAP_S = 0.3
Headers = Callable[[float], dict[str, str]]


def key_headers(key: str) -> Headers:
    """Return headers that carry an API key."""
    return lambda _: {"X-QW-Api-Key": key}


def token_headers(pem: bytes, project: str, credential: str) -> Headers:
    """Return headers that carry a fresh token, signed by a private key.

    Args:
        pem: Ed25519 private key in PEM.
        project: Project id, the subject of the token.
        credential: Credential id, the key id of the token.

    Raises:
        ConfigError: It is no Ed25519 private key.
    """
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise ConfigError("not a private key", thing="weather.qweather_token_key_file") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(
            "not an Ed25519 key",
            thing="weather.qweather_token_key_file",
            fix="openssl genpkey -algorithm ED25519",
        )

    def headers(now_s: float) -> dict[str, str]:
        begun = int(now_s) - _BACKDATE_S
        parts = (
            {"alg": "EdDSA", "kid": credential},
            {"sub": project, "iat": begun, "exp": begun + _TOKEN_S},
        )
        text = b".".join(_base64(json.dumps(part, separators=(",", ":")).encode())
                         for part in parts)  # fmt: skip
        return {"Authorization": (b"Bearer " + text + b"." + _base64(private.sign(text))).decode()}

    return headers


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class QWeather:
    """Asks QWeather for one place.

    Args:
        client: Door to the host of the account.
        site: Where.
        headers: How to sign in, given machine time.
        clock_s: Machine time, for tokens.
        offset_s: Local time less UTC at a time, for the day's extremes.
        gap_s: Machine time between two questions; the client must allow it.
    """

    name = NAME
    forecasts = observes = True

    def __init__(
        self,
        client: WeatherClient,
        site: Site,
        headers: Headers,
        clock_s: Callable[[], float],
        offset_s: Callable[[float], float],
        gap_s: float = GAP_S,
    ) -> None:
        self._client, self._site, self._headers = client, site, headers
        self._clock_s, self._offset_s, self._gap_s = clock_s, offset_s, gap_s

    async def _get(self, path: str, **query: str) -> Any:
        await asyncio.sleep(self._gap_s)
        answer = await self._client.get(path, query, self._headers(self._clock_s()))
        return check(answer)

    async def fetch(self, hours: int, now_s: float) -> Report:
        """Return the present and the forecast; without radiation where the plan has none.

        Raises:
            LinkError: It does not answer, or too much was asked of it.
            InputError: It refuses, or its answer cannot be read.
        """
        place = f"{self._site.lon:.2f},{self._site.lat:.2f}"
        left_out: list[str] = []
        present = read_now(await self._get("/v7/weather/now", location=place, unit="m"), left_out)
        length = "72h" if hours <= 72 else "168h"
        answer = await self._get(f"/v7/weather/{length}", location=place, unit="m")
        issued_s, found = read_hours(answer, left_out)
        try:
            sun = read_sun(
                await self._get(
                    f"/solarradiation/v1/forecast/{self._site.lat:.2f}/{self._site.lon:.2f}",
                    hours=str(min(hours, SUN_HOURS)),
                    interval="60",
                ),
                left_out,
            )
        except HeatloopError as error:
            left_out.append(f"radiation: {error.message}")
            sun = {}
        merged = tuple(_lit(hour, sun.get(hour.at_s, {})) for hour in found)
        coming = tuple(h for h in merged if now_s < h.at_s <= now_s + hours * 3600.0)
        return Report(
            source=self.name,
            issued_s=issued_s,
            present=present,
            hours=with_extremes(coming, self._offset_s(now_s)),
            left_out=tuple(left_out),
        )


def _lit(hour: Hour, sun: dict[str, float | None]) -> Hour:
    """Return an hour with its radiation."""
    return replace(
        hour,
        solar_w_m2=sun.get("solar_w_m2"),
        direct_w_m2=sun.get("direct_w_m2"),
        diffuse_w_m2=sun.get("diffuse_w_m2"),
    )


def check(answer: Any) -> Any:
    """Return an answer unless its own code says that it is an error.

    Raises:
        Resting: Too many questions (429).
        LinkError: QWeather is ill (5xx).
        InputError: It refuses, or the answer is no object.
    """
    if not isinstance(answer, dict):
        raise InputError("QWeather gave an answer that is no object", thing=NAME)
    code = str(answer.get("code", "200"))
    if code == "200":
        return answer
    if code == "429":
        raise Resting("QWeather has had too many questions", thing=NAME, place=f"code {code}")
    if code.startswith("5"):
        raise LinkError("QWeather is ill", thing=NAME, place=f"code {code}")
    raise InputError(
        "QWeather refuses", thing=NAME, place=f"code {code}", fix="check key, place and plan"
    )


def read_now(answer: Any, left_out: list[str]) -> Hour | None:
    """Return the present weather, None when the answer holds none.

    Raises:
        InputError: Its time cannot be read.
    """
    now = answer.get("now")
    if not isinstance(now, dict):
        left_out.append("now is missing")
        return None
    hour = _hour(now, "obsTime", left_out)
    return None if hour.empty else hour


def read_hours(answer: Any, left_out: list[str]) -> tuple[float | None, tuple[Hour, ...]]:
    """Return (time of issue, hours by time).

    Raises:
        InputError: There are no hours, or a time cannot be read.
    """
    rows = answer.get("hourly")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError("QWeather gave no hours", thing=NAME, place="hourly")
    hours = {hour.at_s: hour for hour in (_hour(row, "fxTime", left_out) for row in rows)}
    issued = answer.get("updateTime")
    return (
        None if issued is None else _time(issued),
        tuple(hour for _, hour in sorted(hours.items()) if not hour.empty),
    )


def read_sun(answer: Any, left_out: list[str]) -> dict[float, dict[str, float | None]]:
    """Return radiation by time.

    Raises:
        InputError: There is no table, a time cannot be read, or a unit is not W/m2.
    """
    rows = answer.get("forecasts")
    if not isinstance(rows, list):
        raise InputError("QWeather gave no radiation", thing=NAME, place="forecasts")
    names = {"ghi": "solar_w_m2", "dni": "direct_w_m2", "dhi": "diffuse_w_m2"}
    found: dict[float, dict[str, float | None]] = {}
    for row in rows:
        values: dict[str, float | None] = {}
        for theirs, ours in names.items():
            told = row.get(theirs) or {}
            if told.get("unit", "W/m²") not in ("W/m²", "W/m2"):
                raise InputError("QWeather changed a unit", thing=NAME, place=str(told["unit"]))
            values[ours] = usable(ours, told.get("value"), left_out)
        found[_time(row.get("forecastTime"))] = values
    return found


def _hour(row: dict[str, Any], time_name: str, left_out: list[str]) -> Hour:
    speed = row.get("windSpeed")
    kmh = None if speed in (None, "") else usable("wind_ms", _per(speed, _KMH), left_out)
    icon = row.get("icon")
    return Hour(
        at_s=_time(row.get(time_name)),
        condition=None if icon in (None, "") else from_qweather(icon),
        temperature_c=usable("temperature_c", row.get("temp"), left_out),
        humidity_pct=usable("humidity_pct", row.get("humidity"), left_out),
        wind_deg=usable("wind_deg", row.get("wind360"), left_out),
        wind_ms=kmh,
    )


def _per(value: Any, factor: float) -> Any:
    try:
        return round(float(value) / factor, 4)
    except (TypeError, ValueError):
        return value


def _time(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise InputError("QWeather gave no time", thing=NAME, place=str(text)[:40]) from error
    if moment.tzinfo is None:
        raise InputError("QWeather gave a time without a zone", thing=NAME, place=str(text)[:40])
    return moment.timestamp()
