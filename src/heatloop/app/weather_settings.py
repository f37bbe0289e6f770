"""Settings of the weather."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError

SOURCES = ("open-meteo", "qweather", "station")
"""Sources that can be named; a demo has its city beside them."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSettings:
    """Where the weather comes from."""

    sources: tuple[str, ...] = ()
    """`open-meteo`, `qweather`, `station`, asked in this order; the own station is always last."""
    lat: float = 0.0
    """Degrees north; needed for services."""
    lon: float = 0.0
    """Degrees east; needed for services."""
    refresh_minutes: float = 60.0
    """How often forecasts are asked for, plant time, 10 to 60."""
    hours: int = 120
    """How far ahead, 72 to 384."""
    timeout_s: float = 20.0
    """How long an answer is waited for, machine time."""
    proxy: str = ""
    """Proxy to the providers; empty: what the environment says."""
    open_meteo_url: str = "https://api.open-meteo.com"
    """Address of Open-Meteo, or of one's own server of it."""
    open_meteo_key_file: str = ""
    """File with the key of a paid plan; empty: the free service."""
    qweather_url: str = ""
    """Address of the account's API host, `https://...`."""
    qweather_key_file: str = ""
    """File with an API key."""
    qweather_token_key_file: str = ""
    """PEM of the Ed25519 private key tokens are signed with; goes before an API key."""
    qweather_project: str = ""
    """Project id, for tokens."""
    qweather_credential: str = ""
    """Credential id, for tokens."""
    station_limit_k: float = 5.0
    """The own station is doubted when it lies further from the service than this, K."""


def check_weather(weather: WeatherSettings) -> None:
    """Return if the weather can be asked for so.

    Raises:
        ConfigError: A source is unknown or named twice, a figure is out of range, an address is
            not safe, or QWeather cannot be signed in to.
    """
    unknown = [name for name in weather.sources if name not in SOURCES]
    if unknown or len(set(weather.sources)) != len(weather.sources):
        raise ConfigError(
            "a source of weather is unknown or named twice",
            thing=f"weather.sources = {list(weather.sources)}",
            fix=f"use each at most once: {', '.join(SOURCES)}",
        )
    bounds = (
        ("lat", weather.lat, -90.0, 90.0),
        ("lon", weather.lon, -180.0, 180.0),
        ("refresh_minutes", weather.refresh_minutes, 10.0, 60.0),
        ("hours", weather.hours, 72, 384),
        ("timeout_s", weather.timeout_s, 1.0, 120.0),
        ("station_limit_k", weather.station_limit_k, 0.5, 50.0),
    )
    for name, value, low, high in bounds:
        if not low <= value <= high:
            raise ConfigError(
                "out of range", thing=f"weather.{name} = {value}", fix=f"give {low:g} to {high:g}"
            )
    if set(weather.sources) - {"station"} and not (weather.lat or weather.lon):
        raise ConfigError(
            "nobody knows where the weather is wanted",
            thing="weather.lat",
            fix="give weather.lat and weather.lon",
        )
    for name, url in (
        ("open_meteo_url", weather.open_meteo_url),
        ("qweather_url", weather.qweather_url),
    ):
        _check_url(name, url)
    if "qweather" in weather.sources:
        token = weather.qweather_token_key_file
        signed = token and weather.qweather_project and weather.qweather_credential
        if not weather.qweather_url or not (weather.qweather_key_file or signed):
            raise ConfigError(
                "QWeather cannot be signed in to",
                thing="weather.qweather_url",
                fix="give qweather_url and qweather_key_file, or qweather_token_key_file with "
                "qweather_project and qweather_credential",
            )


def _check_url(name: str, url: str) -> None:
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("not an address", thing=f"weather.{name} = {url}", fix="give https://...")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "plain HTTP leaves this machine", thing=f"weather.{name} = {url}", fix="use https"
        )
