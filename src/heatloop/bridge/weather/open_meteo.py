"""Open-Meteo: forecasts of up to 16 days, and the archive of past hours.

Units are asked for and checked in the answer; radiation is the mean of the hour before each time.

Reference: https://open-meteo.com/en/docs and /en/docs/historical-weather-api (hourly variables,
`timeformat=unixtime`, `wind_speed_unit=ms`, error answers `{"error": true, "reason": ...}`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.bridge.weather.client import WeatherClient
from heatloop.bridge.weather.model import Hour, Report, Site, usable
from heatloop.kernel.errors import InputError

NAME = "open-meteo"
FORECAST_URL = "https://api.open-meteo.com"
ARCHIVE_URL = "https://archive-api.open-meteo.com"
MOST_HOURS = 384
_HOUR_S, _DAY_S = 3600.0, 86400.0
_HOURLY: dict[str, tuple[str, tuple[str, ...]]] = {
    "weather_code": ("condition", ("wmo code", "")),
    "temperature_2m": ("temperature_c", ("°C",)),
    "relative_humidity_2m": ("humidity_pct", ("%",)),
    "wind_direction_10m": ("wind_deg", ("°",)),
    "wind_speed_10m": ("wind_ms", ("m/s",)),
    "shortwave_radiation": ("solar_w_m2", ("W/m²",)),
    "direct_normal_irradiance": ("direct_w_m2", ("W/m²",)),
    "diffuse_radiation": ("diffuse_w_m2", ("W/m²",)),
}
_DAILY = {"temperature_2m_max": "temperature_max_c", "temperature_2m_min": "temperature_min_c"}
Table = Mapping[str, Any]


class OpenMeteo:
    """Asks the forecast API, and the archive for past hours."""

    name = NAME
    forecasts = observes = True

    def __init__(self, client: WeatherClient, site: Site, key: str = "") -> None:
        self._client, self._site, self._key = client, site, key

    def _query(self) -> dict[str, str]:
        query = {
            "latitude": f"{self._site.lat:.4f}",
            "longitude": f"{self._site.lon:.4f}",
            "hourly": ",".join(_HOURLY),
            "daily": ",".join(_DAILY),
            "timezone": self._site.zone,
            "timeformat": "unixtime",
            "wind_speed_unit": "ms",
            "temperature_unit": "celsius",
        }
        return query | ({"apikey": self._key} if self._key else {})

    async def fetch(self, hours: int, now_s: float) -> Report:
        """Return the forecast of the coming hours and the hour of now out of it.

        Raises:
            LinkError: It does not answer.
            InputError: It refuses, or its answer is not what its documents say.
        """
        days = min(int(-(-hours // 24)) + 1, 16)
        query = self._query() | {"forecast_days": str(days)}
        found, left_out = read(await self._client.get("/v1/forecast", query), self.name)
        coming = tuple(hour for hour in found if now_s < hour.at_s <= now_s + hours * _HOUR_S)
        before = [hour for hour in found if now_s - _HOUR_S < hour.at_s <= now_s]
        return Report(
            source=self.name,
            present=before[-1] if before else None,
            hours=coming,
            left_out=left_out,
        )

    async def archive(self, start: str, end: str) -> Report:
        """Return past hours of whole days, from the archive's address.

        Args:
            start: First day, `2025-01-31`.
            end: Last day.

        Raises:
            LinkError: It does not answer.
            InputError: It refuses, or its answer cannot be read.
        """
        query = self._query() | {"start_date": start, "end_date": end}
        found, left_out = read(await self._client.get("/v1/archive", query), self.name)
        return Report(source=self.name, hours=found, left_out=left_out)


def read(answer: Any, name: str = NAME) -> tuple[tuple[Hour, ...], tuple[str, ...]]:
    """Return (hours by time, what was left out) of an answer with `timeformat=unixtime`.

    Raises:
        InputError: It is an error answer, its shape or units are not as asked, or holds no hour.
    """
    if not isinstance(answer, dict):
        raise _strange(name, "the answer is no object")
    if answer.get("error"):
        raise InputError(f"{name} refuses: {str(answer.get('reason'))[:200]}", thing=name)
    hourly, units = answer.get("hourly"), answer.get("hourly_units")
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        raise _strange(name, "hourly or hourly_units is missing")
    times = hourly.get("time")
    if not isinstance(times, list) or units.get("time") != "unixtime":
        raise _strange(name, "times are not seconds since 1970")
    left_out: list[str] = []
    columns: dict[str, list[Any]] = {}
    for field, (quantity, wanted) in _HOURLY.items():
        column = hourly.get(field)
        if column is None:
            left_out.append(f"{field} is missing")
            continue
        if not isinstance(column, list) or len(column) != len(times):
            raise _strange(name, f"{field} has not one value a time")
        if units.get(field, "") not in wanted:
            raise _strange(name, f"{field} is in {units.get(field)!r}, not in {wanted[0]!r}")
        columns[quantity] = column
    extremes = _extremes(answer, name, left_out)
    offset_s = float(answer.get("utc_offset_seconds") or 0.0)
    hours: list[Hour] = []
    for row, at in enumerate(times):
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise _strange(name, f"time {at!r} is no number")
        values = {q: usable(q, column[row], left_out) for q, column in columns.items()}
        day = int((at + offset_s) // _DAY_S)
        hour = Hour.of(float(at), values | extremes.get(day, {}))
        if not hour.empty:
            hours.append(hour)
    if not hours:
        raise _strange(name, "no hour holds a value")
    return tuple(sorted(hours, key=lambda hour: hour.at_s)), tuple(left_out)


def _extremes(answer: Table, name: str, left_out: list[str]) -> dict[int, dict[str, float | None]]:
    """Return the day's extremes by local day; none where the answer has no table of days."""
    daily, units = answer.get("daily"), answer.get("daily_units")
    if not isinstance(daily, dict) or not isinstance(units, dict):
        left_out.append("daily is missing")
        return {}
    offset_s = float(answer.get("utc_offset_seconds") or 0.0)
    times = daily.get("time")
    if not isinstance(times, list):
        raise _strange(name, "daily has no times")
    found: dict[int, dict[str, float | None]] = {}
    for field, quantity in _DAILY.items():
        column = daily.get(field)
        if not isinstance(column, list) or len(column) != len(times):
            left_out.append(f"{field} is missing")
            continue
        if units.get(field) != "°C":
            raise _strange(name, f"{field} is in {units.get(field)!r}, not in '°C'")
        for at, value in zip(times, column, strict=True):
            day = int((float(at) + offset_s) // _DAY_S)
            found.setdefault(day, {})[quantity] = usable(quantity, value, left_out)
    return found


def _strange(name: str, what: str) -> InputError:
    return InputError(
        f"{name} gave an answer that cannot be used: {what}", thing=name, fix="tell the maker"
    )
