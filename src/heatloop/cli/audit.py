"""`heatloop gaps`: is every expected sample of a period stored, or is it known why not?"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from heatloop.kernel.errors import InputError

_PASSWORD = "HEATLOOP_PASSWORD"


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gaps",
        help="audit a period: every expected sample stored, explained or unexplained",
        description="Asks a running platform for the signed audit of a period, and prints it. "
        f"The password is taken from {_PASSWORD} or asked for. Exit code 1: something is "
        "unexplained, or less than 98 % is stored.",
        epilog="example: heatloop gaps --from 2026-11-01T00:00+08:00 --to 2026-12-01T00:00+08:00 "
        "--save november.json",
    )
    parser.add_argument("--from", dest="start", help="ISO 8601 time with offset")
    parser.add_argument("--to", dest="end", help="ISO 8601 time with offset")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the platform")
    parser.add_argument("--user", default="admin", help="who asks")
    parser.add_argument("--json", action="store_true", help="print the audit for machines")
    parser.add_argument("--save", type=Path, help="file for the signed audit")
    parser.add_argument("--verify", type=Path, help="only check such a file")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Ask, print, and say by the exit code whether all is well.

    Raises:
        InputError: A time is none or has no offset, or the file is no signed audit.
    """
    if options.verify is None:
        for name, text in (("--from", options.start), ("--to", options.end)):
            _time(name, text)
    password = os.environ.get(_PASSWORD) or getpass.getpass(f"{options.user}: ")
    return asyncio.run(_run(options, password))


def _time(name: str, text: str | None) -> str:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise InputError("not a time", thing=name, fix="give 2026-11-01T00:00+08:00") from error
    if moment.tzinfo is None:
        raise InputError("time without an offset", thing=name, fix="add +08:00 or Z")
    return moment.isoformat()


async def _run(options: argparse.Namespace, password: str) -> int:
    from heatloop.cli.api import Api

    api = await Api.sign_in(options.url, options.user, password)
    try:
        if options.verify is not None:
            signed = _read(options.verify)
        else:
            times = {"from": _time("--from", options.start), "to": _time("--to", options.end)}
            signed = await api.send("GET", f"/links/audit?{urlencode(times)}")
        verdict = await api.send("POST", "/links/audit/verify", signed)
    finally:
        await api.close()
    if not verdict["valid"]:
        print(f"not the platform's own, or changed: {verdict['reason']}", file=sys.stderr)
        return 1
    if options.save is not None:
        options.save.write_text(json.dumps(signed, ensure_ascii=False) + "\n", encoding="utf-8")
    audit = json.loads(signed["body"])
    print(json.dumps(audit, ensure_ascii=False, indent=1) if options.json else summary(audit))
    return 0 if audit["passed"] and not audit["unexplained"] else 1


def _read(path: Path) -> dict[str, Any]:
    try:
        signed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"no signed audit: {error}", thing=str(path)) from error
    if not isinstance(signed, dict) or not {"body", "key_id", "alg", "signature"} <= set(signed):
        raise InputError("no signed audit", thing=str(path), fix="give a file made by --save")
    return signed


def summary(audit: dict[str, Any]) -> str:
    """Return an audit in a few lines, Chinese and English."""
    share = audit["share_pct"]
    lines = [
        f"时段 period           {audit['from']} .. {audit['to']}",
        f"应有 expected         {audit['expected']:,}",
        f"已存 stored           {audit['stored']:,}"
        + ("" if share is None else f"   {share:.2f} %  (>= {audit['rule_pct']:g} %)"),
    ]
    for cause, count in audit["explained"].items():
        lines.append(f"缺失(有原因) {cause:<20} {count:,}")
    lines.append(f"原因不明 unexplained  {audit['unexplained']:,}")
    for one in audit["unexplained_points"][:20]:
        spans = ", ".join(f"{first}..{last}" for first, last in one["spans"][:3])
        lines.append(f"  {one['point']:<44} {one['unexplained']:>6}  {spans}")
    return "\n".join(lines)
