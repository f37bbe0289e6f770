"""Tables of weather with headings, as public data sets and stations write them: CSV and Excel.

Headings are known by name, with their unit; numbers that stand for missing (999990, 99999, -9999,
-99, 9999) are missing; a dew point without humidity gives the humidity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.bridge.weather.epw import WeatherFile
from heatloop.bridge.weather.model import Hour, usable
from heatloop.kernel.errors import InputError

_MISSING = (999990.0, 999999.0, 99999.0, 9999.0, -9999.0, -999.0, -99.0, -97.0)
"""Numbers data sets write where nothing was measured."""
_HEADINGS: dict[str, tuple[str, ...]] = {
    "at": ("at", "time", "datetime", "date", "timestamp", "时间", "日期"),
    "condition": ("condition", "weather_code", "weathercode", "wmo", "天气代码"),
    "temperature_c": ("temperature_c", "temperature_2m", "temp", "t_db_c", "tair", "drybulb",
                      "temperature", "outdoor_temperature", "气温", "温度", "室外温度"),
    "humidity_pct": ("humidity_pct", "relative_humidity_2m", "rh_pct", "rh", "humidity",
                     "相对湿度", "湿度"),
    "dew_c": ("dew_c", "dewp", "t_dp_c", "dew_point", "dew", "露点", "露点温度"),
    "wind_deg": ("wind_deg", "wind_direction_10m", "wd", "wind_dir", "winddirection", "风向"),
    "wind_ms": ("wind_ms", "wspm", "wind_speed", "windspeed", "ws", "风速"),
    "wind_kmh": ("wind_kmh", "wind_speed_10m"),
    "solar_w_m2": ("solar_w_m2", "shortwave_radiation", "ghi", "ghi_wh", "solar", "太阳辐射"),
    "direct_w_m2": ("direct_w_m2", "direct_normal_irradiance", "dni", "dni_wh"),
    "diffuse_w_m2": ("diffuse_w_m2", "diffuse_radiation", "dhi", "dhi_wh"),
}  # fmt: skip
_COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE",
            "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")  # fmt: skip
_KMH = 3.6
_HOUR_S = 3600.0
# Magnus form over water (WMO-No. 8, annex 4.B).
_MAGNUS_A, _MAGNUS_B_C = 17.62, 243.12
# Rounded readings of a hygrometer, and typical years, stand a little above saturation.
_SATURATED_PCT = 115.0
_LEAST_DEW_C = -70.0


def read_table(rows: Iterable[Mapping[str, Any]], zone: str, place: str = "") -> WeatherFile:
    """Return the hours of a table.

    Args:
        rows: Rows by heading, of one place.
        zone: IANA zone of times that have none.
        place: Name of the place.

    Raises:
        InputError: No heading is a time or a quantity, or no row can be used.
    """
    table = list(rows)
    names = _names(table[0] if table else {})
    refused: list[str] = []
    hours: dict[float, Hour] = {}
    for number, row in enumerate(table, 2):
        at_s = _time(row, names, ZoneInfo(zone), number, refused)
        if at_s is None:
            continue
        if at_s in hours:
            _refuse(refused, f"row {number}: time stands twice")
            continue
        hour = _hour(at_s, row, names, refused)
        if not hour.empty:
            hours[at_s] = hour
    if not hours:
        raise InputError(
            "no row holds weather", thing=place, fix="give a time and a column of weather"
        )
    ordered = tuple(hour for _, hour in sorted(hours.items()))
    return WeatherFile(
        place=place, site=None, hours=ordered, refused=tuple(refused), rows=len(table)
    )


def _plain(heading: str) -> str:
    """Return a heading without unit in brackets and case."""
    return re.sub(r"[(（\[].*", "", heading).strip().lower().replace(" ", "_")


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    """Return which heading holds what.

    Raises:
        InputError: There is no time, or nothing else.
    """
    by_plain = {_plain(heading): heading for heading in row}
    found = {
        what: by_plain[name]
        for what, aliases in _HEADINGS.items()
        for name in reversed(aliases)
        if name in by_plain
    }
    calendar: tuple[str, ...] = ("year", "month", "day", "hour")
    parts = {name: by_plain[name] for name in calendar if name in by_plain}
    if len(parts) == 4:
        found.pop("at", None)
        found |= parts
    if not ({"at", "year"} & set(found)) or not set(found) - {"at", *parts}:
        raise InputError(
            "headings are not known",
            thing=", ".join(list(row)[:12]),
            fix="name a time and for example temperature_c, humidity_pct, wind_ms, solar_w_m2",
        )
    return found


def _time(
    row: Mapping[str, Any], names: Mapping[str, str], zone: ZoneInfo, number: int, out: list[str]
) -> float | None:
    """Return the time of a row; None and a word when there is none or it exists twice."""
    try:
        if "at" not in names:
            year, month, day, hour = (
                int(float(row[names[part]])) for part in ("year", "month", "day", "hour")
            )
            moment = datetime(year, month, day) + timedelta(hours=hour)  # noqa: DTZ001 - zone below
        else:
            told = row[names["at"]]
            if isinstance(told, int | float) and not isinstance(told, bool):
                return float(told)
            moment = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    except (TypeError, ValueError, OverflowError):
        _refuse(out, f"row {number}: no time")
        return None
    if moment.tzinfo is not None:
        return moment.timestamp()
    local = moment.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        _refuse(out, f"row {number}: {moment} is twice or never in {zone.key}")
        return None
    return local.astimezone(UTC).timestamp()


def _hour(
    at_s: float, row: Mapping[str, Any], names: Mapping[str, str], refused: list[str]
) -> Hour:
    found: dict[str, Any] = {name: _cell(row.get(heading)) for name, heading in names.items()}
    values = {
        name: usable(name, found.get(name), refused)
        for name in ("temperature_c", "wind_ms", "solar_w_m2", "direct_w_m2", "diffuse_w_m2")
    }
    if values["wind_ms"] is None and isinstance(found.get("wind_kmh"), float):
        values["wind_ms"] = usable("wind_ms", found["wind_kmh"] / _KMH, refused)
    direction = found.get("wind_deg")
    if isinstance(direction, str) and direction.upper() in _COMPASS:
        direction = 22.5 * _COMPASS.index(direction.upper())
    humidity = found.get("humidity_pct")
    if isinstance(humidity, float) and 100.0 < humidity <= _SATURATED_PCT:
        humidity = 100.0
    pct = usable("humidity_pct", humidity, refused)
    dew_c = found.get("dew_c")
    if pct is None and isinstance(dew_c, float) and values["temperature_c"] is not None:
        pct = humidity_pct(values["temperature_c"], dew_c)
        if pct is None:
            _refuse(refused, f"dew point {dew_c:g} degC is not possible")
    values |= {
        "condition": usable("condition", found.get("condition"), refused),
        "humidity_pct": pct,
        "wind_deg": usable("wind_deg", direction, refused),
    }
    return Hour.of(at_s, values)


def _cell(cell: Any) -> Any:
    """Return a number, a text, or None for what is missing."""
    if cell is None or isinstance(cell, bool):
        return None
    try:
        number = float(cell)
    except (TypeError, ValueError):
        text = str(cell).strip()
        return None if text in ("", "NA", "NaN", "null", "-", "--") else text
    return None if not math.isfinite(number) or number in _MISSING else number


def humidity_pct(temperature_c: float, dew_c: float) -> float | None:
    """Return relative humidity from a dew point, None when that is not possible (Magnus)."""
    if not _LEAST_DEW_C < dew_c <= temperature_c + 0.5:
        return None

    def part(at_c: float) -> float:
        return _MAGNUS_A * at_c / (_MAGNUS_B_C + at_c)

    return round(min(100.0 * math.exp(part(dew_c) - part(temperature_c)), 100.0), 1)


def _refuse(refused: list[str], word: str) -> None:
    if len(refused) < 20 and word not in refused:
        refused.append(word)
