"""`heatloop weather`: ask a weather service, or read a file of weather and store it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_FETCH = (
    "Asks a service once and prints the present and the coming hours; nothing is stored, no "
    "platform need run. 询问气象服务并打印，不保存."
)
_IMPORT = (
    "Reads an EPW file, or a CSV or Excel table with headings (time, temperature, humidity, wind, "
    "radiation), prints what is in it, and with --user stores it through the platform's API as "
    "observations of `file:NAME`. The password is taken from HEATLOOP_PASSWORD or asked for. "
    "导入气象文件."
)


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "weather",
        help="ask a weather service, or import a file of weather",
        description="Weather from services and files. 气象数据.",
        epilog="example: heatloop weather fetch --source open-meteo --lat 43.88 --lon 125.32",
    )
    actions = parser.add_subparsers(dest="weather_action", required=True, metavar="ACTION")
    fetch = actions.add_parser("fetch", help="ask a service once", description=_FETCH)
    fetch.add_argument("--source", choices=("open-meteo", "qweather"), default="open-meteo")
    fetch.add_argument("--lat", type=float, required=True, help="degrees north")
    fetch.add_argument("--lon", type=float, required=True, help="degrees east")
    fetch.add_argument("--hours", type=int, default=72, help="hours ahead, 1 to 384 (72)")
    fetch.add_argument("--url", default="", help="another address of the service")
    fetch.add_argument("--key-file", default="", help="file with an API key")
    fetch.add_argument("--token-key-file", default="", help="PEM of QWeather's Ed25519 key")
    fetch.add_argument("--project", default="", help="QWeather project id")
    fetch.add_argument("--credential", default="", help="QWeather credential id")
    fetch.add_argument("--proxy", default="", help="proxy URL; else what the environment says")
    fetch.add_argument("--timeout", type=float, default=20.0, help="seconds (20)")
    fetch.add_argument("--tz", default="Asia/Shanghai", help="zone of the place (Asia/Shanghai)")
    fetch.add_argument("--json", action="store_true", help="answer for machines")
    fetch.set_defaults(action=_fetch)
    take = actions.add_parser("import", help="read a file", description=_IMPORT)
    take.add_argument("file", type=Path, help=".epw, .csv or .xlsx")
    take.add_argument(
        "--tz", default="Asia/Shanghai", help="zone of times without one (Asia/Shanghai)"
    )
    take.add_argument("--year", type=int, help="lay a typical year (EPW) into this year")
    take.add_argument("--name", default="", help="name it is stored under (the file's)")
    take.add_argument("--url", default="http://127.0.0.1:8080", help="address of the platform")
    take.add_argument("--user", default="", help="store it as this user; else only print")
    take.add_argument("--json", action="store_true", help="answer for machines")
    take.set_defaults(action=_import)


def _fetch(options: argparse.Namespace) -> int:
    from heatloop.cli.weather_run import fetch

    return fetch(options)


def _import(options: argparse.Namespace) -> int:
    from heatloop.cli.weather_run import take_in

    return take_in(options)
