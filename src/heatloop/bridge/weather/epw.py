"""EnergyPlus weather files (EPW): a typical or measured year, hour by hour.

An hour ends at its time: row hour 1 is the hour from 0 to 1 o'clock local standard time. A typical
year is put together from months of several years; its rows can be laid into one year.

Reference: EnergyPlus "Auxiliary Programs", chapter "EnergyPlus weather file (EPW) data dictionary".
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heatloop.bridge.weather.model import LIMITS, Hour, Site, usable, with_extremes
from heatloop.kernel.errors import InputError

_HEADS = 8
_FIELDS = 35
# Column: (quantity, value that stands for missing; this and more is missing).
_COLUMNS: dict[int, tuple[str, float]] = {
    6: ("temperature_c", 99.9),
    8: ("humidity_pct", 999.0),
    13: ("solar_w_m2", 9999.0),
    14: ("direct_w_m2", 9999.0),
    15: ("diffuse_w_m2", 9999.0),
    20: ("wind_deg", 999.0),
    21: ("wind_ms", 999.0),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherFile:
    """What a file of weather holds."""

    place: str
    """Name of the place, as the file has it; empty: not said."""
    site: Site | None
    """Where, if the file says."""
    hours: tuple[Hour, ...]
    """By time, every time once."""
    refused: tuple[str, ...]
    """Rows and values that could not be used, in words; at most a few."""
    rows: int
    """Rows read."""


def read_epw(data: bytes, year: int | None = None) -> WeatherFile:
    """Return the hours of an EPW file, at their UTC times.

    Args:
        data: The file.
        year: Lay all rows into this year; None: the years the file gives.

    Raises:
        InputError: It is no EPW file, or ends in the middle.
    """
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline="")))
    head = lines[0] if lines else []
    if len(lines) <= _HEADS or not head or head[0].strip().upper() != "LOCATION":
        raise InputError("not an EPW file", place="line 1", fix="it must begin with LOCATION")
    try:
        lat, lon, offset_h = float(head[6]), float(head[7]), float(head[8])
    except (IndexError, ValueError) as error:
        raise InputError("the place cannot be read", place="line 1", fix="mend LOCATION") from error
    if not (-90 <= lat <= 90 and -180 <= lon <= 180 and -14 <= offset_h <= 14):
        raise InputError("the place is not on earth", place="line 1", fix="mend LOCATION")
    rows = [line for line in lines[_HEADS:] if line]
    refused: list[str] = []
    hours: dict[float, Hour] = {}
    for number, row in enumerate(rows, _HEADS + 1):
        if len(row) < _FIELDS - 5:
            raise InputError(
                "a row is cut short", place=f"line {number}", fix="get the file again, whole"
            )
        hour = _hour(row, number, offset_h, year, refused)
        if hour is not None and not hour.empty:
            hours[hour.at_s] = hour
    if not hours:
        raise InputError("no row holds weather", fix="give an hourly EPW file")
    ordered = tuple(hour for _, hour in sorted(hours.items()))
    zone = f"Etc/GMT{-int(offset_h):+d}" if offset_h == int(offset_h) else "UTC"
    return WeatherFile(
        place=", ".join(part.strip() for part in head[1:4] if part.strip() not in ("", "-")),
        site=Site(lat=lat, lon=lon, zone=zone),
        hours=with_extremes(ordered, offset_h * 3600.0),
        refused=tuple(refused),
        rows=len(rows),
    )


def _hour(
    row: list[str], number: int, offset_h: float, year: int | None, refused: list[str]
) -> Hour | None:
    """Return one row, None when its time is none."""
    try:
        month, day, hour = int(row[1]), int(row[2]), int(row[3])
        begin = datetime(year if year is not None else int(row[0]), month, day, tzinfo=UTC)
    except ValueError:
        # 29 February of a leap year laid into another year is such a row.
        if len(refused) < 20:
            refused.append(f"line {number}: no such day {'-'.join(row[:3])}")
        return None
    at = begin + timedelta(hours=hour - offset_h)
    values: dict[str, float | None] = {}
    for column, (quantity, missing) in _COLUMNS.items():
        text = row[column].strip()
        if is_missing(text, quantity, missing):
            values[quantity] = None
        else:
            values[quantity] = usable(quantity, text, refused)
    return Hour.of(at.timestamp(), values)


def is_missing(text: str, quantity: str, missing: float) -> bool:
    """Return whether a text is empty or the number that stands for missing."""
    try:
        return text == "" or (float(text) >= missing > LIMITS[quantity][1])
    except ValueError:
        return False
