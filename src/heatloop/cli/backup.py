"""`heatloop backup`: everything into a folder or an S3-compatible store."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heatloop.cli.keeping_options import add_place, megabytes, password_of, settings_of, store_of
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "backup",
        help="back up records, history, files, keys and settings",
        description="Backs up a data folder, also while the platform runs on it: what changed "
        "since the last backup, or everything with --full. Sealed under a recovery passphrase, "
        "without which nothing can be restored. With --url a running platform is asked to do it.",
        epilog="example: heatloop backup --full --to /mnt/backup",
    )
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--to", default="", help="folder or s3://bucket/prefix (default: settings)")
    parser.add_argument("--full", action="store_true", help="everything anew")
    parser.add_argument("--verify", action="store_true", help="restore it on trial afterwards")
    parser.add_argument("--list", action="store_true", help="only list what is there")
    parser.add_argument("--plaintext", action="store_true", help="do not seal it; needs --reason")
    parser.add_argument("--reason", default="", help="why it is not sealed; audited")
    parser.add_argument("--new-passphrase", type=Path, metavar="FILE", help="only make one")
    parser.add_argument("--url", help="ask the running platform at this address")
    parser.add_argument("--user", default="admin", help="who asks it")
    parser.add_argument("--json", action="store_true", help="print for machines")
    add_place(parser)
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Make a backup.

    Raises:
        InputError: Plaintext was asked for without a reason.
        ConfigError: No target is set.
    """
    from heatloop.store.backup_keys import keep_passphrase, make_passphrase

    if options.new_passphrase is not None:
        keep_passphrase(options.new_passphrase, make_passphrase())
        _tell_passphrase(options.new_passphrase)
        return 0
    if options.plaintext and not options.reason.strip():
        raise InputError("plaintext needs a reason", thing="--reason", fix="say why")
    if options.url:
        return asyncio.run(_ask(options, password_of(options.user)))
    settings = settings_of(options, options.data)
    if options.to:
        # A folder is meant from where the command is given.
        to = options.to if "://" in options.to else str(Path(options.to).resolve())
        settings = replace(settings, backup=replace(settings.backup, to=to))
    if not settings.backup.to:
        raise ConfigError("no place for backups", thing="--to", fix="give --to or set backup.to")
    if options.plaintext:
        backup = replace(settings.backup, plaintext=True, plaintext_reason=options.reason)
        settings = replace(settings, backup=backup)
    if options.list:
        return _list(options, settings)
    return _here(options, settings)


def _tell_passphrase(path: Path) -> None:
    print(
        f"恢复口令已写入 {path}。请抄录并另行保存：丢失后任何备份都无法恢复。\n"
        f"Recovery passphrase written to {path}. Keep a copy somewhere else: "
        "without it no backup can be restored.",
        file=sys.stderr,
    )


def _list(options: argparse.Namespace, settings: Any) -> int:
    from heatloop.store.backup_job import head_plain
    from heatloop.store.backup_manifest import read_heads

    heads = read_heads(store_of(settings, settings.backup.to))
    if options.json:
        print(json.dumps([head_plain(head) for head in heads], indent=1))
        return 0
    for head in heads:
        at = datetime.fromtimestamp(head.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        sealed = "sealed 加密" if head.encrypted else "plaintext 明文"
        print(f"{at}Z  {head.kind:<11}  {megabytes(head.bytes):>14}  {sealed}  {head.run}")
    return 0


def _here(options: argparse.Namespace, settings: Any) -> int:
    """Make it in this process, on the folder itself."""
    from heatloop.app.keeping_process import passphrase_path, task_of
    from heatloop.app.wiring import open_records
    from heatloop.cli.progress import Progress
    from heatloop.store.backup_job import BACKUP, VERIFY, do
    from heatloop.store.backup_keys import keep_passphrase, make_passphrase
    from heatloop.store.backup_run import new_run_id
    from heatloop.store.records.keeping import DONE, FAILED, RUNNING, RunRow

    if not options.data.is_dir():
        raise InputError("no such data folder", thing=str(options.data), fix="give --data")
    path = Path(passphrase_path(settings))
    if not path.exists() and not settings.backup.passphrase_file:
        keep_passphrase(path, make_passphrase())
        _tell_passphrase(path)
    records, _ = open_records(settings)
    at, user = machine_s(), getpass.getuser()
    kind = "full" if options.full else "incremental"
    run = new_run_id(at, kind)
    task = task_of(settings, BACKUP, run=run, full=options.full, at=at, plant_at=at)
    row = RunRow(
        id=run, kind=kind, state=RUNNING, user=user, target=settings.backup.to, chain="",
        started_at=at, ended_at=None, body={},
    )  # fmt: skip
    bar = Progress("backup 备份", 1.0)
    try:
        records.keeping.begin(row)
        records.audit.append(
            at=at,
            user=user,
            action=f"keeping.{kind}",
            subject=run,
            detail={
                "to": settings.backup.to,
                "encrypted": not settings.backup.plaintext,
                "reason": settings.backup.plaintext_reason,
            },
        )
        try:
            done = do(task, bar.show)
        except HeatloopError as error:
            body = {"error": str(error)[:1000]}
            records.keeping.end(run, state=FAILED, at=machine_s(), chain="", body=body)
            raise
        bar.end()
        ended = replace(
            row, kind=done["kind"], state=DONE, chain=done["chain"], body=done, ended_at=machine_s()
        )
        records.keeping.begin(ended)
    finally:
        records.close()
    print(json.dumps(done) if options.json else _summary(done, machine_s() - at))
    if not options.verify:
        return 0
    trial = Progress("verify 校验", 1.0)
    found = do(task_of(settings, VERIFY, run=run), trial.show)
    trial.end()
    print("\n".join(found["findings"]) or "trial restore: equal 试恢复：一致")
    return 0 if found["good"] else 1


def _summary(done: dict[str, Any], seconds: float) -> str:
    new = sum(part["new_bytes"] for part in done["parts"])
    lines = [
        f"备份完成 backup made  {done['run']}  ({done['kind']}, {seconds:.1f} s)",
        f"总量 of {megabytes(done['bytes'])}, 本次传输 carried {megabytes(new)}",
    ]
    lines += [f"  {p['name']:<10} {p['files']:>7,} files  {megabytes(p['bytes']):>14}"
              for p in done["parts"]]  # fmt: skip
    lines += [f"  损坏 damaged: {n}" for p in done["parts"] for n in p["damaged"]]
    lines += [f"  已删除旧备份 removed: {chain}" for chain in done["removed"]]
    return "\n".join(lines)


async def _ask(options: argparse.Namespace, password: str) -> int:
    """Have the running platform make it, and wait."""
    from heatloop.cli.api import Api
    from heatloop.cli.progress import Progress

    if options.to or options.plaintext:
        raise InputError(
            "the platform backs up to where its settings say",
            thing="--to, --plaintext",
            fix="leave them out, or leave --url out",
        )
    api = await Api.sign_in(options.url, options.user, password)
    try:
        if options.list:
            runs = await api.pages("/keeping/backups")
            print(json.dumps(runs, ensure_ascii=False, indent=1))
            return 0
        wish = {"full": options.full, "verify": options.verify}
        begun = await api.send("POST", "/keeping/backups", wish)
        bar = Progress("backup 备份", 1.0)
        while begun["state"] == "running":
            await asyncio.sleep(0.3)
            begun = await api.send("GET", f"/keeping/backups/{begun['id']}")
            bar.show(begun["progress"] or 0.0)
        bar.end()
    finally:
        await api.close()
    print(json.dumps(begun, ensure_ascii=False, indent=1))
    return 0 if begun["state"] == "done" else 1
