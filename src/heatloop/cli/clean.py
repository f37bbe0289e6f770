"""`heatloop clean`: check measured series from a file, flag and estimate, keep every raw value."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = (
    "Reads a table with one row a moment (Parquet, CSV or Excel), finds readings that cannot be "
    "right and writes the table again with, for every checked column, its quality, the reason, an "
    "estimate and its method. Raw values are never changed. "
    "数据清洗：原值保留，另加质量、原因、估计值."
)


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "clean",
        help="flag and estimate wrong readings of a file, raw values kept",
        description=_DESCRIPTION,
        epilog="example: heatloop clean --data station.parquet --profile substation "
        "--out flagged.parquet --column t_boiler=boiler_outlet_temperature:degC",
    )
    parser.add_argument("--data", type=Path, required=True, help="file to check")
    parser.add_argument("--out", type=Path, required=True, help="file to write, kind by its name")
    parser.add_argument(
        "--profile",
        default="substation",
        help="which headings mean what: substation, meter, source, weather, room",
    )
    parser.add_argument("--time", default="", metavar="COLUMN", help="heading of the time column")
    parser.add_argument(
        "--tz", default="Asia/Shanghai", help="zone of times without one (Asia/Shanghai)"
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="HEADING=KIND[:UNIT]",
        help="what a column is, where the profile does not know or is wrong; may be repeated",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="HEADING", help="leave a column unchecked"
    )
    parser.add_argument(
        "--neighbour",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="the same of another station, to compare weather and clocks; may be repeated",
    )
    parser.add_argument("--findings", type=Path, help="also write every finding to this CSV file")
    parser.add_argument(
        "--max-doubtful",
        type=float,
        default=None,
        metavar="PCT",
        help="exit with 1 when more than this share of the values is doubtful",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> int:
    # numpy, pyarrow and the rules are loaded only when the command runs.
    from heatloop.cli.clean_run import run

    return run(options)
