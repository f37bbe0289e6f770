"""`heatloop keys rotate backup`: another recovery passphrase for everything at the backup place."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError


def rotate_backup(options: argparse.Namespace) -> int:
    """Wrap the keys of all chains at the backup place under a new passphrase, and use it.

    The former passphrase opens nothing at the place any more; copies made elsewhere before stay
    as they were. A run that was killed half-way goes on when it is started again.

    Raises:
        ConfigError: There is no place of backups, or no file for the new passphrase.
        UnsafeError: A chain opens with neither passphrase.
    """
    from heatloop.app.keeping_process import passphrase_path
    from heatloop.app.settings import load_settings
    from heatloop.app.wiring import open_records
    from heatloop.store.backup_keys import keep_passphrase, make_passphrase, read_passphrase
    from heatloop.store.backup_rekey import rekey
    from heatloop.store.key_files import write_secret
    from heatloop.store.objects import S3Access, open_objects

    settings = load_settings(options.data.resolve(), options.config, os.environ)
    if not settings.backup.to:
        raise ConfigError("no place of backups", thing="backup.to", fix="give --config")
    new: Path | None = options.new_passphrase_file
    if new is None:
        fix = "name a file; without one there, a passphrase is made"
        raise ConfigError("no new passphrase", thing="--new-passphrase-file", fix=fix)
    if not new.exists():
        keep_passphrase(new, make_passphrase())
    path = Path(passphrase_path(settings))
    passphrase = read_passphrase(new)
    s3 = S3Access(**{name: getattr(settings.s3, name) for name in settings.s3.__slots__})
    done = rekey(open_objects(settings.backup.to, s3), read_passphrase(path), passphrase)
    write_secret(path, f"{passphrase}\n".encode())
    records, _ = open_records(settings)
    try:
        records.audit.append(
            at=machine_s(),
            user=options.user,
            action="keys.rotate_backup",
            subject=settings.backup.to,
            detail={"chains": done, "reason": options.reason},
        )
    finally:
        records.close()
    print(json.dumps({"chains": done, "copy_of_passphrase": str(new)}))
    return 0
