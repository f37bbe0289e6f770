"""`heatloop simulate`: pipes and networks from files, without a server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from heatloop.network.model.kinds import Friction


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "simulate",
        help="simulate a pipe or a network from files",
        description="Physics on files: no server, no data folder. 用文件做仿真, 不需要服务器.",
        epilog="example: heatloop simulate pipe --spec pipe.json --inlet inlet.csv --out out.csv",
    )
    actions = parser.add_subparsers(dest="simulate_action", required=True, metavar="WHAT")
    _add_pipe(actions)
    _add_network(actions)


def _common(action: Any) -> None:
    action.add_argument("--tz", help="zone of times without an offset, such as Asia/Shanghai")
    action.add_argument("--json", action="store_true", help="print the summary for machines")


def _add_pipe(actions: Any) -> None:
    pipe = actions.add_parser(
        "pipe",
        help="outlet temperature of one pipe from measured or planned inlet values",
        description="Reads the pipe (JSON) and its inlet over time (CSV or Excel): t_s or time, "
        "inlet_c, flow_kgs (or flow_m3h, flow_lh), ambient_c if it changes. A column "
        "outlet_measured_c is compared. 单管动态仿真.",
        epilog="example: heatloop simulate pipe --spec pipe.json --inlet inlet.csv --out out.csv "
        "--column inlet_c=Twater_in_C --column outlet_measured_c=Twater_out_C",
    )
    pipe.add_argument("--spec", type=Path, required=True, help="the pipe, see docs/simulate.md")
    pipe.add_argument("--inlet", type=Path, required=True, help="values over time")
    pipe.add_argument("--out", type=Path, required=True, help="CSV file to write")
    pipe.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=YOURS",
        help="our name of a column = its heading in your file; may be repeated",
    )
    _common(pipe)
    pipe.set_defaults(action=_run_pipe)


def _add_network(actions: Any) -> None:
    network = actions.add_parser(
        "network",
        help="flows, pressures and temperatures of a network, steady or over a profile",
        description="Reads a network (heatloop, GeoJSON, Excel or CSV tables, pandapipes JSON) and "
        "writes nodes.csv, links.csv and summary.json; with a profile also time series. 管网仿真.",
        epilog="example: heatloop simulate network --network net.json --profile day.csv --out out",
    )
    network.add_argument("--network", type=Path, required=True, help="the network's file")
    network.add_argument("--profile", type=Path, help="what changes over time (CSV or Excel)")
    network.add_argument("--out", type=Path, required=True, help="folder to write")
    network.add_argument(
        "--step", type=float, default=60.0, metavar="S", help="time step with a profile (60 s)"
    )
    network.add_argument(
        "--every", type=float, default=300.0, metavar="S", help="write a row every (300 s)"
    )
    network.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="write time series of this node or link only; may be repeated",
    )
    network.add_argument(
        "--friction",
        choices=[law.name.lower() for law in Friction],
        default=Friction.COLEBROOK.name.lower(),
        help="friction law of the pipes",
    )
    network.add_argument(
        "--language", choices=["zh", "en"], default="en", help="headings of the tables"
    )
    _common(network)
    network.set_defaults(action=_run_network)


def _run_pipe(options: argparse.Namespace) -> int:
    from heatloop.cli.simulate_pipe import run

    return run(options)


def _run_network(options: argparse.Namespace) -> int:
    from heatloop.cli.simulate_network import run

    return run(options)
