"""`heatloop identify`: learn the model of a building from a table of its history."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_BUILDING = (
    "Reads any table with room temperature, heat and outdoor temperature (Parquet, CSV or Excel; "
    "gaps and uneven steps are fine), learns a model of one to three heat nodes, and prints its "
    "parameters with their 95 % intervals and the error of a free simulation over the time after "
    "`--fit-until`, of which the model has seen no room temperature. 建筑热模型辨识."
)


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "identify",
        help="learn the model of a building from its history",
        description="Identification of models from measured history. 模型辨识.",
        epilog="example: heatloop identify building --data rooms.parquet --time datetime "
        "--room t_room --heat heat_kw --outdoor t_out --fit-until 2025-02-01 --json",
    )
    actions = parser.add_subparsers(dest="identify_action", required=True, metavar="ACTION")
    one = actions.add_parser("building", help="a room, house or block", description=_BUILDING)
    one.add_argument("--data", type=Path, required=True, help=".parquet, .csv or .xlsx")
    one.add_argument("--time", default="", metavar="COL", help="column of times")
    one.add_argument(
        "--room",
        action="append",
        required=True,
        metavar="COL",
        help="room temperature, degC; may be repeated: the robust mean of the sensors is used",
    )
    one.add_argument(
        "--heat", action="append", required=True, metavar="COL", help="heat; repeated: the sum"
    )
    one.add_argument("--outdoor", required=True, metavar="COL", help="outdoor temperature, degC")
    one.add_argument(
        "--sun", action="append", default=[], metavar="COL", help="radiation, W/m2 or kW/m2"
    )
    one.add_argument(
        "--latitude",
        type=float,
        metavar="DEG",
        help="of the building, for the usual sky where no --sun is given (45)",
    )
    one.add_argument(
        "--neighbour",
        action="append",
        default=[],
        metavar="COL",
        help="temperature of a known neighbour (cellar, attic), degC; may be repeated",
    )
    one.add_argument(
        "--fit-until", default="", metavar="DATE", help="learn from before it (first two thirds)"
    )
    one.add_argument("--from", dest="begin", default="", metavar="DATE", help="use nothing before")
    one.add_argument("--to", dest="end", default="", metavar="DATE", help="use nothing from it on")
    one.add_argument(
        "--heat-unit",
        default="",
        metavar="UNIT",
        help="kW, W, MW, kWh, Wh, MWh, GJ, MJ; else guessed, and the guess is said",
    )
    one.add_argument("--order", type=int, choices=(1, 2, 3), help="heat nodes (chosen)")
    one.add_argument(
        "--tz", default="Asia/Shanghai", help="zone of times without one (Asia/Shanghai)"
    )
    one.add_argument("--json", action="store_true", help="answer for machines")
    one.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> int:
    # numpy, scipy and pyarrow are loaded only when the command runs.
    from heatloop.cli.identify_run import run

    return run(options)
