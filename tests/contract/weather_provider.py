"""Answers of weather providers in the shape of their public documents, and a server for them."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CHINA = timezone(timedelta(hours=8))
HOURLY_UNITS = {
    "time": "unixtime",
    "weather_code": "wmo code",
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "wind_direction_10m": "°",
    "wind_speed_10m": "m/s",
    "shortwave_radiation": "W/m²",
    "direct_normal_irradiance": "W/m²",
    "diffuse_radiation": "W/m²",
}


@dataclass
class Asked:
    """One question that came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Provider:
    """A real HTTP server with prepared answers by path; the last one is given again and again."""

    url: str = ""
    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def say(
        self, path: str, body: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.setdefault(path, []).append((status, headers or {}, raw))

    def only(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        self.answers.pop(path, None)
        self.say(path, body, status, {name.replace("_", "-"): v for name, v in headers.items()})

    def take(self, path: str) -> tuple[int, dict[str, str], bytes]:
        prepared = self.answers.get(path, [(404, {}, b"{}")])
        return prepared.pop(0) if len(prepared) > 1 else prepared[0]


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider on a port of the system's choice."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query, keep_blank_values=True)
            query = {name: values[0] for name, values in asked.items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.asked.append(Asked(parts.path, query, headers))
            status, extra, body = made.take(parts.path)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def temperature_c(at_s: float) -> float:
    """Return a winter's day: coldest at 5, warmest at 14 o'clock in China."""
    hour = (at_s / 3600 + 8) % 24
    return round(-8.0 + 5.0 * math.cos(2 * math.pi * (hour - 14) / 24), 1)


def open_meteo(now_s: float, days: int = 6) -> dict[str, Any]:
    """Return a forecast as /v1/forecast documents it: whole local days from today on."""
    begin = int((now_s + 8 * 3600) // 86400 * 86400 - 8 * 3600)
    times = [begin + 3600 * n for n in range(24 * days)]
    sun = [max(0.0, 400 * math.sin(math.pi * ((t / 3600 + 8) % 24 - 8) / 9)) if 8 <=
           (t / 3600 + 8) % 24 <= 17 else 0.0 for t in times]  # fmt: skip
    temperatures = [temperature_c(t) for t in times]
    days_at = [begin + 86400 * n for n in range(days)]
    return {
        "latitude": 43.9,
        "longitude": 125.3,
        "generationtime_ms": 0.3,
        "utc_offset_seconds": 28800,
        "timezone": "Asia/Shanghai",
        "timezone_abbreviation": "GMT+8",
        "elevation": 215.0,
        "hourly_units": dict(HOURLY_UNITS),
        "hourly": {
            "time": times,
            "weather_code": [3 if n % 3 else 71 for n in range(len(times))],
            "temperature_2m": temperatures,
            "relative_humidity_2m": [60] * len(times),
            "wind_direction_10m": [290] * len(times),
            "wind_speed_10m": [3.4] * len(times),
            "shortwave_radiation": [round(each, 1) for each in sun],
            "direct_normal_irradiance": [round(1.3 * each, 1) for each in sun],
            "diffuse_radiation": [round(0.4 * each, 1) for each in sun],
        },
        "daily_units": {
            "time": "unixtime",
            "temperature_2m_max": "°C",
            "temperature_2m_min": "°C",
        },
        "daily": {
            "time": days_at,
            "temperature_2m_max": [-3.0] * days,
            "temperature_2m_min": [-13.0] * days,
        },
    }


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, CHINA).strftime("%Y-%m-%dT%H:%M%z")[:-2] + ":00"


def qweather_now(now_s: float) -> dict[str, Any]:
    """Return the present as /v7/weather/now documents it: every number is text."""
    return {
        "code": "200",
        "updateTime": _iso(now_s),
        "fxLink": "https://www.qweather.com",
        "now": {
            "obsTime": _iso(now_s - 900),
            "temp": "-9",
            "feelsLike": "-15",
            "icon": "400",
            "text": "小雪",
            "wind360": "315",
            "windDir": "西北风",
            "windScale": "3",
            "windSpeed": "18",
            "humidity": "72",
            "precip": "0.1",
            "pressure": "1003",
            "vis": "9",
            "cloud": "91",
            "dew": "-13",
        },
        "refer": {"sources": ["QWeather"], "license": ["QWeather Developers License"]},
    }


def qweather_hours(now_s: float, hours: int = 168) -> dict[str, Any]:
    """Return a forecast as /v7/weather/168h documents it."""
    first = int(now_s // 3600 + 1) * 3600
    return {
        "code": "200",
        "updateTime": _iso(now_s - 1500),
        "fxLink": "https://www.qweather.com",
        "hourly": [
            {
                "fxTime": _iso(first + 3600 * n),
                "temp": str(round(temperature_c(first + 3600 * n))),
                "icon": "151" if n % 2 else "101",
                "text": "多云",
                "wind360": "335",
                "windDir": "西北风",
                "windScale": "3-4",
                "windSpeed": "20",
                "humidity": "55",
                "pop": "0",
                "precip": "0.0",
                "pressure": "1025",
                "cloud": "60",
                "dew": "-15",
            }
            for n in range(hours)
        ],
        "refer": {"sources": ["QWeather"], "license": ["QWeather Developers License"]},
    }


def qweather_sun(now_s: float, hours: int = 60) -> dict[str, Any]:
    """Return radiation as /solarradiation/v1/forecast documents it: times in UTC."""
    first = int(now_s // 3600 + 1) * 3600
    rows = []
    for n in range(hours):
        at = datetime.fromtimestamp(first + 3600 * n, UTC)
        rows.append(
            {
                "forecastTime": at.strftime("%Y-%m-%dT%H:%MZ"),
                "solarAngle": {"azimuth": 184, "elevation": 20},
                "dni": {"value": 25.16, "unit": "W/m²"},
                "dhi": {"value": 136.29, "unit": "W/m²"},
                "ghi": {"value": 152.57, "unit": "W/m²"},
            }
        )
    return {"metadata": {"tag": "c4ca4238a0b923820dcc509a6f75849b"}, "forecasts": rows}
