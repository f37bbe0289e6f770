"""What `heatloop weather` does."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import re
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.app.setting_sections import CompanySettings, Settings
from heatloop.app.weather_settings import WeatherSettings, check_weather
from heatloop.app.weather_sources import build_sources
from heatloop.bridge.weather.conditions import words
from heatloop.bridge.weather.epw import WeatherFile, read_epw
from heatloop.bridge.weather.model import QUANTITIES, Hour, Report
from heatloop.bridge.weather.table_file import read_table
from heatloop.cli.api import Api
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.store.tables import read_tables

_AT_ONCE = 5000
_HEADS = ("°C", "%", "max", "min", "deg", "m/s", "GHI", "DNI", "DHI")


def fetch(options: argparse.Namespace) -> int:
    """Ask a service once and print what it says.

    Raises:
        InputError: A number or the zone is not possible, or the service refuses.
        ConfigError: The service cannot be signed in to.
        LinkError: It does not answer.
    """
    _zone(options.tz)
    if not 1 <= options.hours <= 384:
        raise InputError("hours out of range", thing=str(options.hours), fix="give 1 to 384")
    at = "open_meteo_url" if options.source == "open-meteo" else "qweather_url"
    key = "open_meteo_key_file" if options.source == "open-meteo" else "qweather_key_file"
    given: dict[str, Any] = {key: options.key_file}
    if options.url:
        given[at] = options.url
    weather = replace(
        WeatherSettings(
            sources=(options.source,),
            lat=options.lat,
            lon=options.lon,
            proxy=options.proxy,
            timeout_s=options.timeout,
            qweather_token_key_file=options.token_key_file,
            qweather_project=options.project,
            qweather_credential=options.credential,
        ),
        **given,
    )
    check_weather(weather)
    company = CompanySettings(time_zone=options.tz)
    (source,) = build_sources(Settings(data=Path(), company=company, weather=weather))
    report = asyncio.run(source.fetch(options.hours, machine_s()))
    if options.json:
        print(json.dumps(_plain(report), ensure_ascii=False))
    else:
        _print(report, ZoneInfo(options.tz))
    return 0


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError("unknown time zone", thing=name, fix="give an IANA zone") from error


def _hour(hour: Hour) -> dict[str, Any]:
    return {
        "at": utc(hour.at_s).isoformat().replace("+00:00", "Z"),
        **{name: getattr(hour, name) for name in QUANTITIES},
    }


def _plain(report: Report) -> dict[str, Any]:
    return {
        "source": report.source,
        "issued": None if report.issued_s is None else utc(report.issued_s).isoformat(),
        "present": None if report.present is None else _hour(report.present),
        "hours": [_hour(hour) for hour in report.hours],
        "left_out": list(report.left_out),
    }


def _print(report: Report, zone: ZoneInfo) -> None:
    print(f"{'':16}" + "".join(f"{head:>8}" for head in _HEADS))
    shown = [] if report.present is None else [("now 当前", report.present)]
    shown += [("", hour) for hour in report.hours]
    for label, hour in shown:
        at = datetime.fromtimestamp(hour.at_s, zone)
        cells = "".join(
            f"{'-' if (value := hour.value(name)) is None else f'{value:.1f}':>8}"
            for name in QUANTITIES[1:]
        )
        zh, en = words(hour.condition)
        print(f"{at:%Y-%m-%d %H:%M}{cells}  {zh} {en} {label}".rstrip())
    for word in report.left_out:
        print(f"left out 忽略: {word}", file=sys.stderr)


def take_in(options: argparse.Namespace) -> int:
    """Read a file, print what is in it, and store it if somebody signs in.

    Raises:
        InputError: The file cannot be read.
        LinkError: The platform does not answer.
    """
    _zone(options.tz)
    found = read_file(options.file, options.tz, options.year)
    name = options.name or re.sub(r"[^A-Za-z0-9_.@-]+", "-", options.file.stem)[:60] or "file"
    stored = 0
    if options.user:
        password = os.environ.get("HEATLOOP_PASSWORD") or getpass.getpass(f"{options.user}: ")
        stored = asyncio.run(_store(options, found, name, password))
    facts = {
        "place": found.place,
        "rows": found.rows,
        "hours": len(found.hours),
        "first": _hour(found.hours[0])["at"],
        "last": _hour(found.hours[-1])["at"],
        "stored": stored,
        "stored_as": f"file:{name}" if stored else "",
        "quantities": {q: _figures(found, q) for q in QUANTITIES},
        "left_out": list(found.refused),
    }
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _tell(facts)
    return 0


def read_file(path: Path, zone: str, year: int | None) -> WeatherFile:
    """Return what a file of weather holds.

    Raises:
        InputError: It cannot be read.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".epw":
            return read_epw(path.read_bytes(), year)
        if kind in (".csv", ".xlsx"):
            sheets = read_tables(path)
            return read_table(next(iter(sheets.values()), []), zone, path.stem)
    except OSError as error:
        raise InputError("cannot be read", thing=str(path)) from error
    raise InputError("unknown kind of file", thing=str(path), fix="give .epw, .csv or .xlsx")


def _figures(found: WeatherFile, quantity: str) -> dict[str, float | int]:
    known = [value for hour in found.hours if (value := hour.value(quantity)) is not None]
    if not known:
        return {"count": 0}
    mean = sum(known) / len(known)
    return {"count": len(known), "low": min(known), "mean": round(mean, 2), "high": max(known)}


def _tell(facts: dict[str, Any]) -> None:
    print(f"place 地点: {facts['place'] or '-'}   rows 行数: {facts['rows']}")
    print(f"hours 时数: {facts['hours']}   {facts['first']} .. {facts['last']}")
    for name, figures in facts["quantities"].items():
        if figures["count"]:
            print(f"  {name:20} {figures['count']:>7}   low {figures['low']:g}   "
                  f"mean {figures['mean']:g}   high {figures['high']:g}")  # fmt: skip
    for word in facts["left_out"]:
        print(f"left out 忽略: {word}", file=sys.stderr)
    where = facts["stored_as"] or "nowhere; give --user to store it 未保存"
    print(f"stored 已保存: {facts['stored']} ({where})")


async def _store(options: argparse.Namespace, found: WeatherFile, name: str, password: str) -> int:
    api = await Api.sign_in(options.url, options.user, password)
    try:
        stored = 0
        for begin in range(0, len(found.hours), _AT_ONCE):
            hours = [
                {key: value for key, value in _hour(hour).items() if value is not None}
                for hour in found.hours[begin : begin + _AT_ONCE]
            ]
            answer = await api.send(
                "POST", "/weather/observations", {"source": name, "hours": hours}
            )
            stored += int(answer["stored"])
        return stored
    finally:
        await api.close()
