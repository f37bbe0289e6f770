"""`heatloop restore`: a data folder out of a backup."""

from __future__ import annotations

import argparse
import getpass
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heatloop.cli.keeping_options import (
    add_place,
    megabytes,
    moment,
    passphrase_of,
    settings_of,
    store_of,
)
from heatloop.kernel.clock import machine_s


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "restore",
        help="restore a backup into a data folder",
        description="Restores everything into a folder no platform runs on. What breaks off goes "
        "on where it was when the command is given again. With --at, the last backup made at or "
        "before that time is restored: records and history are exact to the backup interval.",
        epilog="example: heatloop restore /mnt/backup --into heatloop-data",
    )
    parser.add_argument("backup", help="folder or s3://bucket/prefix")
    parser.add_argument("--into", type=Path, required=True, help="data folder")
    parser.add_argument("--run", default="", help="which backup (default: the newest)")
    parser.add_argument("--at", help="state of this time, ISO 8601 with offset")
    parser.add_argument("--force", action="store_true", help="move former content aside")
    add_place(parser)
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Restore, and say what came back."""
    from heatloop.app.keeping_room import open_files
    from heatloop.cli.progress import Progress
    from heatloop.store.backup_after import write_down
    from heatloop.store.backup_historian import Target
    from heatloop.store.backup_open import open_backup
    from heatloop.store.backup_restore import restore
    from heatloop.store.backup_running import refuse_if_running

    into = options.into.resolve()
    before = moment(options.at) if options.at else None
    refuse_if_running(into)
    settings = settings_of(options, into)
    store = store_of(settings, options.backup)
    started = time.monotonic()
    opened = open_backup(store, passphrase_of(options, settings), run=options.run, before=before)
    bar = Progress("restore 恢复", 1.0)
    restored = restore(
        opened,
        into,
        records_url=settings.storage.records_url,
        files=open_files(settings) if settings.files.to else None,
        series=Target(
            url=settings.storage.historian_url,
            password_file=settings.storage.historian_password_file,
            zone=settings.company.time_zone,
        ),
        force=options.force,
        told=bar.show,
    )
    bar.end()
    seconds = time.monotonic() - started
    write_down(
        into,
        restored,
        records_url=settings.storage.records_url,
        user=getpass.getuser(),
        at=machine_s(),
        seconds=seconds,
    )
    at = datetime.fromtimestamp(restored.head.at, UTC).isoformat(timespec="seconds")
    lines = [
        f"已恢复 restored  {restored.head.run}  (state of 时点 {at})",
        f"{megabytes(restored.head.bytes)} in {seconds:.1f} s, into {into}",
        "会话已全部注销；缺口将在平台启动时记为 restore。",
        "Everybody is signed out; gaps are written down when the platform starts.",
    ]
    if restored.aside is not None:
        lines.append(f"原内容移至 former content moved to: {restored.aside}")
    lines += [f"不一致 differs: {finding}" for finding in restored.findings]
    print("\n".join(lines))
    return 1 if restored.findings else 0
