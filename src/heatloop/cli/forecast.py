"""`heatloop forecast`: the shipped forecaster put to the test on any table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "forecast",
        help="test the forecast of heat load or room temperature on a table",
        description="Forecasts on files: no server, no data folder. 用文件检验负荷预测.",
        epilog="example: heatloop forecast backtest --data load.parquet --time time "
        "--target heat_kw --weather outdoor_c --json",
    )
    actions = parser.add_subparsers(dest="forecast_action", required=True, metavar="WHAT")
    _add_backtest(actions)


def _add_backtest(actions: Any) -> None:
    test = actions.add_parser(
        "backtest",
        help="forecast day after day from what was known then, and compare with what came",
        description="Reads a table (Parquet, CSV or Excel) with a time, the load of each step and, "
        "if there is any, weather. Steps may be irregular, double or missing. The forecaster is "
        "moved through the table; no forecast sees anything of the load after its moment of issue, "
        "while weather ahead is the weather that came. 滚动起报回测.",
        epilog="example: heatloop forecast backtest --data load.csv --time time --target heat_kw "
        "--weather outdoor_c --weather wind --tz Asia/Shanghai --from 2024-01-01 --json",
    )
    test.add_argument("--data", type=Path, required=True, help="the table")
    test.add_argument("--time", default="", metavar="COLUMN", help="heading of the time column")
    test.add_argument(
        "--target", required=True, metavar="COLUMN", help="what is forecast; power or energy a step"
    )
    test.add_argument(
        "--weather",
        action="append",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="what is known ahead: outdoor temperature, wind, sun, price; may be repeated",
    )
    test.add_argument("--horizon", type=float, default=24.0, metavar="H", help="hours ahead (24)")
    test.add_argument(
        "--issue", default="00:00", metavar="HH:MM", help="time of day of each forecast (00:00)"
    )
    test.add_argument(
        "--from",
        dest="since",
        default="",
        metavar="DATE",
        help="first day forecast (the last third of the table, at most 150 days)",
    )
    test.add_argument("--until", default="", metavar="DATE", help="last day forecast")
    test.add_argument(
        "--tz", default="", metavar="ZONE", help="zone of times without one, and of the day"
    )
    test.add_argument(
        "--step", type=float, default=0.0, metavar="MIN", help="minutes a step (as in the table)"
    )
    test.add_argument(
        "--holidays",
        choices=["auto", "cn", "none"],
        default="auto",
        help="public holidays (auto: Chinese in a Chinese zone)",
    )
    test.add_argument(
        "--season",
        action="append",
        default=[],
        metavar="FIRST/LAST",
        help="first and last day of heating, 11-15/03-15 or 2025-11-08/2026-03-31; may be repeated",
    )
    test.add_argument(
        "--no-trees", action="store_true", help="without boosted trees: quick, less exact"
    )
    test.add_argument("--out", type=Path, help="also write every forecast to this file")
    test.add_argument("--json", action="store_true", help="print the report for machines")
    test.set_defaults(action=_run_backtest)


def _run_backtest(options: argparse.Namespace) -> int:
    # numpy, pyarrow and the models are loaded only when the command runs.
    from heatloop.cli.forecast_run import run

    return run(options)
