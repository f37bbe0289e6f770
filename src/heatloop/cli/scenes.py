"""`heatloop scenes`: simulated faults against a live demo city, with a record of what was seen."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from heatloop.cli.stack import StackOptions
from heatloop.kernel.errors import InputError

PASSWORD = "HEATLOOP_PASSWORD"
START_S = 1_766_246_400


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "scenes",
        help="simulate faults of every type of device and check alarms and protection",
        description="Switches faults of a demo city on one after the other (sensor open and "
        "short, value beyond its limit, loss of communication and of power, pump trip, foreign "
        "write), waits for alarm and protection, switches them off, waits for recovery and keeps "
        "a record of each. Without --url a city of its own is started. Exit code 0 only if every "
        "scene was seen in full.",
        epilog="example: heatloop scenes --size tiny --out scenes.json",
    )
    parser.add_argument("--url", help="a running platform with a demo city (default: start one)")
    parser.add_argument("--user", default="admin", help=f"with --url; password in {PASSWORD}")
    parser.add_argument("--size", default="tiny", help="size of the city")
    parser.add_argument("--seed", type=int, default=1, help="which city")
    parser.add_argument("--only", default="", help="only scenes whose fault has this in its name")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report here")
    parser.add_argument("--data", type=Path, help="data folder to keep (default: a scratch one)")
    parser.add_argument("--port", type=int, default=18081, help="port of the platform")
    parser.add_argument("--base-port", type=int, default=25020, help="first Modbus port")
    parser.add_argument("--coap-port", type=int, default=25683, help="first CoAP port")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Run the scenes and report."""
    from heatloop.cli.scenes_stack import run_against, run_own

    if options.url:
        password = os.environ.get(PASSWORD, "")
        if not password:
            raise InputError("no password", thing=options.user, fix=f"set {PASSWORD}")
        report = asyncio.run(
            run_against(
                options.url.rstrip("/"),
                (options.user, password),
                size=options.size,
                seed=options.seed,
                only=options.only,
            )
        )
    else:
        report = _run_own(options, run_own)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if report["scenes"] and report["passed"] == report["scenes"] else 1


def _run_own(options: argparse.Namespace, run_own: Any) -> dict[str, Any]:
    scratch = None if options.data else tempfile.mkdtemp(prefix="heatloop-scenes-")
    stack = StackOptions(
        data=Path(scratch or options.data).resolve(),
        port=options.port,
        demo=True,
        size=options.size,
        seed=options.seed,
        lockstep=True,
        start_s=START_S,
        history=False,
        base_port=options.base_port,
        coap_port=options.coap_port,
    )
    try:
        report: dict[str, Any] = asyncio.run(run_own(stack, only=options.only))
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return report
