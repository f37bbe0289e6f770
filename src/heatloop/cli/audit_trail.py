"""`heatloop audit`: check the trail and its copies, and give the database its two roles."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from heatloop.cli.keeping_options import settings_of
from heatloop.kernel.errors import InputError

_PASSWORD = "HEATLOOP_ROLE_PASSWORD"


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "audit",
        help="check the audit trail against itself and its copies; make database roles",
        description="Checks the chain of the audit trail, its signed checkpoints and, if given, "
        "a copy of it elsewhere.",
        epilog="example: heatloop audit verify --data heatloop-data --against /mnt/audit-copy",
    )
    actions = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    verify = actions.add_parser(
        "verify",
        help="compute every hash again; name the first altered, missing or inserted entry",
        description="Reads the records directly, whether the platform runs or not. Exit code 1: "
        "something does not fit.",
        epilog="example: heatloop audit verify --against s3://company-audit/heatloop",
    )
    verify.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    verify.add_argument(
        "--against", default="", help="folder or s3://... of the copy, or a syslog server's file"
    )
    verify.add_argument("--key", default="", help="public key (hex) the copy must be signed with")
    verify.add_argument("--json", action="store_true", help="print for machines")
    verify.add_argument("--config", type=Path, help="heatloop.toml, for [storage] and [s3]")
    verify.set_defaults(action=run_verify)
    roles = actions.add_parser(
        "database-roles",
        help="PostgreSQL: a role for the program that cannot change the trail",
        description="Connects as the owner of the records, upgrades them, and gives another role "
        f"what the program needs and no more. The role's password is taken from {_PASSWORD}. Run "
        "it again after every upgrade.",
        epilog="example: heatloop audit database-roles --owner-url postgresql://owner@db/heatloop "
        "--role heatloop_app",
    )
    roles.add_argument("--owner-url", required=True, help="postgresql://owner@host/database")
    roles.add_argument("--role", default="heatloop_app", help="the program's role")
    roles.set_defaults(action=run_roles)


def run_roles(options: argparse.Namespace) -> int:
    """Make the roles and say what was done."""
    from heatloop.store.records.audit_roles import make_roles

    done = make_roles(options.owner_url, options.role, os.environ.get(_PASSWORD, ""))
    print("\n".join(done))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Check, compare, print.

    Raises:
        InputError: The copy cannot be read.
        LinkError: The records cannot be reached.
    """
    from heatloop.cli.progress import Progress
    from heatloop.store.records import Records

    settings = settings_of(options, options.data)
    records = Records(settings.records_url)
    try:
        bar = Progress("audit 审计", 1.0)
        found = records.audit.examine(told=lambda done, total: bar.show(done / max(total, 1)))
        bar.end()
        said: dict[str, Any] = {
            "entries": found.entries,
            "first": found.first,
            "first_broken": found.broken,
            "reason": found.reason,
            "checkpoints": found.checkpoints,
            "signed_through": found.signed_through,
            "algorithms": found.algorithms,
        }
        if options.against:
            said["copy"] = _compare(options, settings, records)
    finally:
        records.close()
    if options.json:
        print(json.dumps(said, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(said)))
    copy = said.get("copy")
    return 0 if found.broken is None and not (copy and copy["what"]) else 1


def _compare(options: argparse.Namespace, settings: Any, records: Any) -> dict[str, Any]:
    from heatloop.app.audit_copies import access_of
    from heatloop.security.keys import KeyRing
    from heatloop.store.audit_feed import compare, read_feed, read_lines
    from heatloop.store.objects import open_objects

    ring = KeyRing([bytes.fromhex(options.key)]) if options.key else None
    path = Path(options.against)
    if "://" not in options.against and not path.exists():
        raise InputError(
            "no such copy", thing=options.against, fix="give a folder, a file or s3://"
        )
    if path.is_file():
        copy = read_lines(path)
    else:
        copy = read_feed(open_objects(options.against, access_of(settings.s3)), ring)
    same, first = compare(_trail(records), copy)
    if not same and first is None:
        raise InputError("the copy holds no entry", thing=options.against)
    return {
        "same": same,
        "what": "" if first is None else first.what,
        "entry": None if first is None else first.seq,
        "fields": [] if first is None else list(first.fields),
        "here": None if first is None else first.here,
        "there": None if first is None else first.there,
    }


def _trail(records: Any) -> Any:
    last = 0
    while entries := records.audit.after(last):
        yield from entries
        last = entries[-1][0]["seq"]


_WHY = {
    "altered": "被改动 altered",
    "missing": "缺失 missing",
    "inserted": "被插入 inserted",
    "algorithm": "算法变更未标记 algorithm changed without a mark",
    "head": "链尾不符 the chain ends elsewhere than its head says",
    "period": "缺少清除凭证 dropped entries without their checkpoint",
    "checkpoint": "签名检查点不符 a signed checkpoint does not fit",
}


def _lines(said: dict[str, Any]) -> list[str]:
    kinds = ", ".join(f"{name} {count:,}" for name, count in said["algorithms"].items())
    lines = [
        f"审计记录 entries       {said['entries']:,}  ({kinds})",
        f"签名检查点 checkpoints  {said['checkpoints']:,}  至 through {said['signed_through']:,}",
    ]
    if said["first_broken"] is None:
        lines.append("链完整 every hash fits")
    else:
        lines.append(f"第 {said['first_broken']} 条 entry: {_WHY[said['reason']]}")
    copy = said.get("copy")
    if copy is None:
        return lines
    lines.append(f"与副本一致 same in the copy  {copy['same']:,}")
    if copy["what"]:
        lines.append(f"第 {copy['entry']} 条 entry: {_WHY[copy['what']]}")
        for name in copy["fields"]:
            here, there = (copy["here"] or {}).get(name), (copy["there"] or {}).get(name)
            lines.append(f"  {name}: 本机 here {here!r}  副本 copy {there!r}")
    return lines
