"""`heatloop import`: history from foreign files, what such a file holds, networks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "import",
        help="bring in history, or a network from a GIS file",
        description="Brings in what other systems kept: history from CSV, Parquet, Excel, JSON or "
        "an SQL query; the network from a GIS file. The ledger has its own command. "
        "历史数据迁入、未知文件识别、GIS 管网导入.",
        epilog="example: heatloop import guess export.csv --tz Asia/Shanghai --out export.toml",
    )
    actions = parser.add_subparsers(dest="import_action", required=True, metavar="ACTION")
    _history(actions)
    _guess(actions)
    _gis(actions)
    parser.set_defaults(action=_run)


def _common(action: Any) -> None:
    action.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    action.add_argument("--config", type=Path, help="heatloop.toml")
    action.add_argument("--json", action="store_true", help="answer for machines")


def _history(actions: Any) -> None:
    action = actions.add_parser(
        "history",
        help="import measured values by a mapping file",
        description="Reads every reading and stores it, or refuses it with a reason; readings in "
        "= stored + refused + repeated. A platform that runs keeps running: values go through its "
        "historian. Stored values are never replaced unless --overwrite is given. Exit code 1: "
        "something was refused.",
        epilog="example: heatloop import history scada.csv --map scada.toml --refused refused.xlsx",
    )
    action.add_argument("source", help="file (.csv .parquet .xlsx .json), or an SQL URL")
    action.add_argument("--map", type=Path, required=True, help="mapping file, see docs/import.md")
    action.add_argument("--tz", default="", help="zone of times without one")
    action.add_argument("--resume", action="store_true", help="go on behind what is committed")
    action.add_argument("--dry-run", action="store_true", help="check everything, store nothing")
    action.add_argument(
        "--overwrite", action="store_true", help="imported values replace stored ones"
    )
    action.add_argument("--refused", type=Path, help="write refused readings, .csv or .xlsx")
    _common(action)


def _guess(actions: Any) -> None:
    action = actions.add_parser(
        "guess",
        help="tell what an unknown file holds and draft its mapping",
        description="Looks at a CSV, JSON, Parquet or Excel file: time column, its format and "
        "zone, types, units, likely kinds of point, codes for missing values. Writes a draft of "
        "the mapping; nothing is stored, and what the file does not say is asked for.",
        epilog="example: heatloop import guess export.csv --tz Asia/Shanghai --out export.toml",
    )
    action.add_argument("source", type=Path, help="file to look at")
    action.add_argument("--tz", default="", help="zone of times without one")
    action.add_argument("--out", type=Path, help="where to write the draft")
    _common(action)


def _gis(actions: Any) -> None:
    action = actions.add_parser(
        "gis",
        help="draw up ledger rows of pipes and nodes from a GIS file",
        description="Reads a network (GeoJSON, tables, net.json, pandapipes) and writes the ledger "
        "in force with its pipes and nodes added as a workbook: look at it, then give it to "
        "`heatloop ledger import`. See docs/network-files.md.",
        epilog="example: heatloop import gis streets.geojson --parent HS0001 --out ledger.xlsx",
    )
    action.add_argument("source", type=Path, help="file to read")
    action.add_argument("--parent", required=True, help="heat source or station the pipes begin at")
    action.add_argument("--network", choices=("primary", "secondary"), default="primary")
    action.add_argument("--dn-mm", type=float, help="nominal diameter of pipes that name none")
    action.add_argument("--out", type=Path, required=True, help="workbook (.xlsx) or .zip of csv")
    _common(action)


def _run(options: argparse.Namespace) -> int:
    # numpy, pyarrow and the stores are loaded only when a command runs.
    if options.import_action == "history":
        from heatloop.cli.import_history import run
    elif options.import_action == "guess":
        from heatloop.cli.import_guess import run
    else:
        from heatloop.cli.import_gis import run
    return run(options)
