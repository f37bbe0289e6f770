"""`heatloop verify`: restore a backup on trial and compare."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from heatloop.cli.keeping_options import add_place, passphrase_of, settings_of, store_of

_DAY_S = 86400
_PATIENCE_S = 3600.0


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="restore a backup on trial and compare counts, digests and the audit chain",
        description="Restores a backup into a scratch folder with a scratch engine, compares row "
        "counts, day digests, the audit chain and file checksums, and removes it again. Exit "
        "code 1: something differs.",
        epilog="example: heatloop verify /mnt/backup --passphrase-file passphrase.txt",
    )
    parser.add_argument("backup", nargs="?", help="folder or s3://bucket/prefix")
    parser.add_argument(
        "--replicas",
        type=int,
        metavar="DAYS",
        help="compare the replicas of the running historian over so many days instead",
    )
    parser.add_argument("--run", default="", help="which backup (default: the newest)")
    parser.add_argument("--scratch", type=Path, help="folder with room for the trial")
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--json", action="store_true", help="print for machines")
    add_place(parser)
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Restore on trial, compare, print."""
    from heatloop.cli.progress import Progress
    from heatloop.kernel.errors import InputError
    from heatloop.store.backup_job import verified_plain
    from heatloop.store.backup_open import open_backup
    from heatloop.store.backup_verify import verify

    settings = settings_of(options, options.data)
    if options.replicas is not None:
        return _replicas(settings.historian_socket, options.replicas, as_json=options.json)
    if options.backup is None:
        raise InputError("nothing to verify", fix="name a backup, or give --replicas DAYS")
    store = store_of(settings, options.backup)
    opened = open_backup(store, passphrase_of(options, settings), run=options.run)
    bar = Progress("verify 校验", 1.0)
    url = settings.storage.records_url
    found = verify(
        opened,
        room=options.scratch.resolve() if options.scratch is not None else None,
        zone=settings.company.time_zone,
        records_url=url if url.startswith("postgresql") else "",
        told=bar.show,
    )
    bar.end()
    if options.json:
        print(json.dumps(verified_plain(found), ensure_ascii=False, indent=1))
    else:
        rows = sum(found.rows.values())
        print(
            f"备份 backup {found.head.run}: 恢复用时 restored in {found.seconds:.1f} s\n"
            f"行数 rows {rows:,}  日摘要 day digests {found.days}  "
            f"审计 audit entries {found.audit_entries:,}  文件 files {found.files:,}"
        )
        print("\n".join(found.findings) or "一致 everything is equal")
    return 0 if found.good else 1


def _replicas(socket: Path, days: int, *, as_json: bool) -> int:
    """Compare what the replicas of each shard hold, day by day; return the exit code."""
    from heatloop.kernel.clock import machine_s, utc
    from heatloop.store.historian.sync_client import connect_sync

    end_s = int(machine_s()) + _DAY_S
    historian = connect_sync(socket, timeout_s=_PATIENCE_S)
    try:
        found = historian.differing(max(end_s - (days + 1) * _DAY_S, 0), end_s)
        nodes = int(historian.stats().get("replicas", 1))
    finally:
        historian.close()
    if as_json:
        print(json.dumps([each._asdict() for each in found], indent=1))
    else:
        print(f"副本 replicas {nodes}  天数 days {days}")
        for each in found:
            day = utc(each.day_s).date()
            print(f"不一致 differs: {each.table} {day}: {each.replica} / {each.neighbour}")
        if not found:
            print("一致 everything is equal")
    return 1 if found else 0
