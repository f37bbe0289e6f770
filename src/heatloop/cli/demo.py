"""`heatloop demo`: the demo city without screens, with an exact account at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heatloop.cli.stack import StackOptions
from heatloop.demo.sizes import DEFAULT_SIZE, SIZES, SIZES_HELP
from heatloop.kernel.errors import InputError

DEFAULT_START = "2025-12-20T16:00:00+00:00"


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="run the demo city headless and account for every sample and command",
        description="Runs days of winter through the whole chain (device sockets, spool, "
        "historian, control) as fast as the machine can, then holds what the devices answered "
        "against what the read API gives back. Exit code 0 only if nothing is lost or wrong.",
        epilog="example: heatloop demo --headless --size small --days 3 --json report.json",
    )
    parser.add_argument("--headless", action="store_true", required=True, help="no screens")
    parser.add_argument("--size", choices=list(SIZES), default=DEFAULT_SIZE, help=SIZES_HELP)
    parser.add_argument("--days", type=float, default=1.0, help="days of plant time")
    parser.add_argument("--seed", type=int, default=1, help="which city and winter")
    parser.add_argument("--start", default=DEFAULT_START, help="plant time to start at, ISO 8601")
    parser.add_argument("--data", type=Path, help="data folder to keep (default: a scratch one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here too")
    parser.add_argument("--port", type=int, default=18080, help="port of the platform")
    parser.add_argument("--base-port", type=int, default=25020, help="first Modbus port")
    parser.add_argument("--coap-port", type=int, default=25683, help="first CoAP port")
    parser.set_defaults(action=run)


def _start_s(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("not a time", thing=text, fix="write 2025-12-20T16:00:00+00:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) // 1800 * 1800


def run(options: argparse.Namespace) -> int:
    """Run and report."""
    from heatloop.cli.headless import run_headless

    if not 0 < options.days <= 200:
        raise InputError("days out of range", thing=f"{options.days:g}", fix="give 0 to 200")
    scratch = None if options.data else tempfile.mkdtemp(prefix="heatloop-demo-")
    stack = StackOptions(
        data=Path(scratch or options.data).resolve(),
        port=options.port,
        demo=True,
        size=options.size,
        seed=options.seed,
        lockstep=True,
        start_s=_start_s(options.start),
        history=False,
        base_port=options.base_port,
        coap_port=options.coap_port,
    )
    try:
        report = asyncio.run(run_headless(stack, options.days))
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if options.json is not None:
        options.json.write_text(text + "\n")
    print(text)
    return 0 if is_clean(report) else 1


def is_clean(report: dict[str, Any]) -> bool:
    """Return whether nothing was lost, wrong, doubled, invented or left unexplained."""
    samples, commands = report["samples"], report["commands"]
    faults = ("missing_unexplained", "wrong", "duplicates", "invented")
    return samples["produced"] > 0 and not any(
        (*(samples[name] for name in faults), commands["unexplained"])
    )
