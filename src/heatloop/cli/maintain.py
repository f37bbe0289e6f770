"""`heatloop maintain`: look after the databases of a running platform."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from heatloop.cli.keeping_options import password_of

ACTIONS = ("vacuum", "reindex", "analyze", "integrity", "migrate", "compact")


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "maintain",
        help="vacuum, reindex, analyze, integrity, migrate or compact the databases",
        description="Asks a running platform; only system administrators may, and every action is "
        "audited. compact merges what the historian wrote in pieces; the others are about the "
        "records. integrity also computes the audit chain again.",
        epilog="example: heatloop maintain integrity --user keeper",
    )
    parser.add_argument("what", choices=ACTIONS, metavar="|".join(ACTIONS), help="what to do")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the platform")
    parser.add_argument("--user", default="admin", help="who asks")
    parser.add_argument("--reason", default="", help="what for; kept in the audit trail")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Ask, wait, print."""
    return asyncio.run(_run(options, password_of(options.user)))


async def _run(options: argparse.Namespace, password: str) -> int:
    from heatloop.cli.api import Api

    api = await Api.sign_in(options.url, options.user, password)
    try:
        body = {"action": options.what, "reason": options.reason}
        done = await api.send("POST", "/keeping/actions", body)
        while done["state"] == "running":
            await asyncio.sleep(0.2)
            page = await api.send("GET", "/keeping/actions?size=20")
            done = next(each for each in page["items"] if each["number"] == done["number"])
    finally:
        await api.close()
    print(json.dumps(done, ensure_ascii=False, indent=1))
    return 0 if done["state"] == "done" and done["result"].get("ok", True) else 1
