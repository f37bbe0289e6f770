"""`heatloop personal`: data for others, erasure, retention and the register of purposes."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.security.receiver_seal import new_receiver_key, open_sealed

_PASSWORD = "HEATLOOP_PASSWORD"


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "personal",
        help="personal data: register, data for others, erasure, retention",
        description=f"Asks a running platform. The password is taken from {_PASSWORD} or asked "
        "for. Erasure and retention only tell what they would do unless --yes is given.",
        epilog="example: heatloop personal erase CT00012 --reason 'letter of 3 May' --yes",
    )
    actions = parser.add_subparsers(dest="personal_action", required=True, metavar="ACTION")
    register = _asks(actions, "register", "what is collected about persons, and what for")
    export = _asks(actions, "export", "make a data set for somebody outside, sealed for him")
    erase = _asks(actions, "erase", "erase a person's data")
    retention = _asks(actions, "retention", "erase data whose time is over")
    export.add_argument("receiver", help="code of the receiver")
    export.add_argument("--purpose", required=True, help="one of his purposes")
    export.add_argument("--fields", required=True, help="fields, joined by commas")
    export.add_argument("--from", dest="start", required=True, help="ISO 8601 time with offset")
    export.add_argument("--to", dest="end", required=True, help="ISO 8601 time with offset")
    export.add_argument("--asset", default="", help="part of the plant; all of it without")
    export.add_argument("--out", type=Path, help="file for the sealed data set")
    erase.add_argument("subject", help="contract or person of the ledger")
    for each in (export, erase):
        each.add_argument("--reason", required=True, help="why; kept in the audit trail")
    for each in (erase, retention):
        each.add_argument("--yes", action="store_true", help="do it, instead of telling")
    for each in (register, export, erase, retention):
        each.set_defaults(action=run)
    key = actions.add_parser(
        "key",
        help="make a receiver's key pair",
        epilog="example: heatloop personal key receiver.key",
    )
    key.add_argument("file", type=Path, help="file for the private half; nobody else may read it")
    key.set_defaults(action=make_key)
    unsealed = actions.add_parser(
        "open",
        help="open a sealed data set with the receiver's private key",
        epilog="example: heatloop personal open set.hlr --key receiver.key --out set.zip",
    )
    unsealed.add_argument("file", type=Path, help="sealed file")
    unsealed.add_argument("--key", type=Path, required=True, help="private key file")
    unsealed.add_argument("--out", type=Path, required=True, help="zip of CSV files to write")
    unsealed.set_defaults(action=open_file)


def _asks(actions: Any, name: str, text: str) -> Any:
    made = actions.add_parser(name, help=text, epilog=f"example: heatloop personal {name} --help")
    made.add_argument("--url", default="http://127.0.0.1:8080", help="address of the platform")
    made.add_argument("--user", default="admin", help="who asks")
    made.add_argument("--json", action="store_true", help="answer for machines")
    return made


def make_key(options: argparse.Namespace) -> int:
    """Make a key pair; print the public half."""
    private, public = new_receiver_key()
    try:
        handle = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError("cannot be written", thing=str(options.file), fix="new file") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(private.hex() + "\n")
    print(public.hex())
    return 0


def open_file(options: argparse.Namespace) -> int:
    """Open a sealed data set."""
    try:
        private = bytes.fromhex(options.key.read_text(encoding="ascii").strip())
        sealed = options.file.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError("cannot be read", thing=f"{options.key}, {options.file}") from error
    options.out.write_bytes(open_sealed(private, sealed))
    print(options.out)
    return 0


def run(options: argparse.Namespace) -> int:
    """Ask the platform."""
    password = os.environ.get(_PASSWORD) or getpass.getpass(f"{options.user}: ")
    return asyncio.run(_run(options, password))


async def _run(options: argparse.Namespace, password: str) -> int:
    from heatloop.cli.api import Api

    api = await Api.sign_in(options.url, options.user, password)
    try:
        match options.personal_action:
            case "register":
                answer = await api.send("GET", "/personal/register")
            case "export":
                answer = await api.send("POST", "/personal/given", _wish(options))
                if options.out is not None:
                    reply = await api.http.get(f"/personal/given/{answer['id']}/file")
                    reply.raise_for_status()
                    options.out.write_bytes(reply.content)
            case "erase":
                body = {"subject": options.subject, "reason": options.reason}
                body["dry_run"] = not options.yes
                answer = await api.send("POST", "/personal/erasures", body)
            case _:
                answer = await api.send("POST", "/personal/retention", {"dry_run": not options.yes})
    finally:
        await api.close()
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(options.personal_action, answer)))
    findings = answer.get("findings", ())
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def _wish(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "receiver": options.receiver,
        "purpose": options.purpose,
        "reason": options.reason,
        "fields": [name for name in options.fields.split(",") if name],
        "start": options.start,
        "end": options.end,
        "asset": options.asset,
    }


def _lines(action: str, answer: dict[str, Any]) -> list[str]:
    if action == "register":
        return [
            f"{row['dataset']}.{row['field']:<14} {row['level']} {row['mask']:<8}"
            f" {row['retention_days']:>5} d {row['held']:>7}  {row['zh']}  {row['en']}"
            for row in answer["items"]
        ]
    if action == "export":
        left = f"抑制 suppressed {answer['suppressed']}  排除 left out {answer['left_out']}"
        line = f"{answer['id']}  行 rows {answer['rows']}  k {answer['k_reached']}  {left}"
        return [f"{line}  信息损失 loss {answer['loss_pct']:.1f} %"]
    word = "试算 dry run" if answer["dry_run"] else "已执行 done"
    counts = f"删除 erased {answer['erased']}  依法保留 kept by law {answer['kept']}"
    return [f"{word}: {counts}  文件 files {answer['files']}"] + [
        f"  {row['subject']} {row['sheet']}.{row['field']}: {row['action']}"
        + (f" until {row['until']} ({row['law_zh']} {row['law_en']})" if row["until"] else "")
        for row in answer["fields"]
    ]
