"""Which sources of weather there are, made from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from heatloop.app.setting_sections import Settings
from heatloop.bridge.weather.city import CityForecast
from heatloop.bridge.weather.client import WeatherClient
from heatloop.bridge.weather.model import Site, WeatherSource
from heatloop.bridge.weather.open_meteo import NAME as OPEN_METEO
from heatloop.bridge.weather.open_meteo import OpenMeteo
from heatloop.bridge.weather.qweather import GAP_S, QWeather, key_headers, token_headers
from heatloop.bridge.weather.qweather import NAME as QWEATHER
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError

STATION = "station"
NAMES = {
    OPEN_METEO: ("Open-Meteo 气象服务", "Open-Meteo"),
    QWEATHER: ("和风天气", "QWeather"),
    "city": ("演示城市预报", "forecast of the demo city"),
    STATION: ("自建气象站", "own weather station"),
}
"""Chinese and English name of every source."""


def offset_of(zone: str) -> Callable[[float], float]:
    """Return a function that gives local time less UTC, seconds, at a time."""
    local = ZoneInfo(zone)

    def offset_s(at_s: float) -> float:
        offset = datetime.fromtimestamp(at_s, local).utcoffset()
        return 0.0 if offset is None else offset.total_seconds()

    return offset_s


def build_sources(settings: Settings) -> Sequence[WeatherSource]:
    """Return the sources that are asked, in their order; the own station is none of them.

    Raises:
        ConfigError: A secret file cannot be read.
    """
    weather = settings.weather
    made: list[WeatherSource] = []
    site = Site(lat=weather.lat, lon=weather.lon, zone=settings.company.time_zone)
    for name in weather.sources:
        if name == OPEN_METEO:
            made.append(_open_meteo(settings, site))
        elif name == QWEATHER:
            made.append(_qweather(settings, site))
    if settings.company.demo and settings.clock.socket:
        made.append(CityForecast(Path(settings.clock.socket)))
    return made


def order_of(settings: Settings, sources: Sequence[WeatherSource]) -> list[str]:
    """Return the names in the order they are believed about the present.

    The own station comes after the services that are named, and before the city of a demo.
    """
    named = list(settings.weather.sources)
    beside = [source.name for source in sources if source.name not in named]
    return named + ([] if STATION in named else [STATION]) + beside


def _client(settings: Settings, name: str, url: str, gap_s: float) -> WeatherClient:
    weather = settings.weather
    return WeatherClient(
        name, url, timeout_s=weather.timeout_s, proxy=weather.proxy, least_gap_s=gap_s
    )


def _open_meteo(settings: Settings, site: Site) -> OpenMeteo:
    weather = settings.weather
    key = secret_file(weather.open_meteo_key_file, "weather.open_meteo_key_file")
    return OpenMeteo(_client(settings, OPEN_METEO, weather.open_meteo_url, 1.0), site, key)


def _qweather(settings: Settings, site: Site) -> QWeather:
    weather = settings.weather
    if weather.qweather_token_key_file:
        pem = secret_file(weather.qweather_token_key_file, "weather.qweather_token_key_file")
        headers = token_headers(pem.encode(), weather.qweather_project, weather.qweather_credential)
    else:
        headers = key_headers(secret_file(weather.qweather_key_file, "weather.qweather_key_file"))
    client = _client(settings, QWEATHER, weather.qweather_url, GAP_S / 2)
    return QWeather(client, site, headers, machine_s, offset_of(site.zone))


def secret_file(path: str, thing: str) -> str:
    """Return the text of a secret file, empty when none is named.

    Raises:
        ConfigError: It cannot be read, or is empty.
    """
    if not path:
        return ""
    try:
        text = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot be read", thing=f"{thing} = {path}") from error
    if not text:
        raise ConfigError("is empty", thing=f"{thing} = {path}")
    return text
