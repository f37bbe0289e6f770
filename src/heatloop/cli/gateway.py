"""`heatloop gateway`: letting a new gateway in."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gateway",
        help="make a one-time enrolment token for a gateway",
        description="Prints a token that lets one gateway of the ledger exchange keys with the "
        "platform, once. Put it into the token_file its edge.toml names.",
        epilog="example: heatloop gateway GW0001 --data /var/lib/heatloop > token",
    )
    parser.add_argument("gateway", help="gateway code of the ledger, for example GW0001")
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--json", action="store_true", help="answer for machines")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Make and print a token; an older unused one is void."""
    from heatloop.app.ledger_admin import create_gateway_token
    from heatloop.app.settings import load_settings
    from heatloop.app.wiring import open_records

    records, _ = open_records(load_settings(options.data.resolve(), options.config, os.environ))
    try:
        token = create_gateway_token(records, options.gateway)
    finally:
        records.close()
    print(json.dumps({"gateway": options.gateway, "token": token}) if options.json else token)
    return 0
