"""`heatloop edge`: one gateway beside its devices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "edge",
        help="run one gateway: poll, spool, send, guard",
        description="Runs one gateway: polls its devices, keeps every reading until the platform "
        "has it, runs station logic, and writes only verified commands.",
        epilog="example: heatloop edge --config /etc/heatloop/edge.toml",
    )
    parser.add_argument("--config", type=Path, required=True, help="the gateway's edge.toml")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Run the gateway until it is told to stop."""
    from heatloop.edge.process import main

    return main(["--config", str(options.config)])
