"""One backup or trial restore in a process of its own, so that it holds up nothing else.

`python -m heatloop.store.backup_job` reads one JSON document and writes lines of JSON: progress,
then what was done or the error. No secret is in either; it reads secrets from their files.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.security.international import SigningKey
from heatloop.store.backup_historian import Target
from heatloop.store.backup_keys import read_passphrase
from heatloop.store.backup_manifest import Head, Manifest, prune
from heatloop.store.backup_open import open_backup
from heatloop.store.backup_run import Made, Subject, Told, make_backup
from heatloop.store.backup_verify import Verified, verify
from heatloop.store.files import Files
from heatloop.store.key_files import SIGNING, folder_keys
from heatloop.store.objects import ObjectStore, S3Access, open_objects

BACKUP, VERIFY = "backup", "verify"
_NICE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What to do."""

    op: str
    """`backup` or `verify`."""
    data: str
    """Data folder."""
    to: str
    """Where backups are."""
    passphrase_file: str
    """File with the recovery passphrase."""
    run: str = ""
    """Id of the new backup; of the one to verify, empty for the newest."""
    s3: Mapping[str, str] = field(default_factory=dict)
    """`S3Access`."""
    records_url: str = ""
    """Records."""
    keys: str = ""
    """Folder of secrets."""
    config: str = ""
    """Settings file."""
    historian_url: str = ""
    """Server that keeps the time series; empty: the embedded engine."""
    historian_password_file: str = ""
    """File with the password at it."""
    files_to: str = ""
    """Where photos and papers are kept."""
    full: bool = False
    """Whether to begin a new chain."""
    encrypted: bool = True
    """Whether everything is sealed."""
    keep_full: int = 4
    """Full backups to keep."""
    bad: tuple[str, ...] = ()
    """Chains that failed a trial restore."""
    at: float = 0.0
    """Machine time."""
    plant_at: float = 0.0
    """Plant time."""
    zone: str = "Asia/Shanghai"
    """Zone of the company's days."""
    scratch_url: str = ""
    """Server in which a scratch schema is made to verify records of PostgreSQL."""

    def to_json(self) -> str:
        """Return it as the process reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Return what such a text says."""
        plain = json.loads(text)
        return cls(**{**plain, "bad": tuple(plain.get("bad", ()))})

    @property
    def store(self) -> ObjectStore:
        """Return the target."""
        return open_objects(self.to, S3Access(**self.s3))

    @property
    def series(self) -> Target:
        """Return the engine that keeps the time series."""
        return Target(
            url=self.historian_url, password_file=self.historian_password_file, zone=self.zone
        )

    @property
    def files(self) -> Files:
        """Return where photos and papers are kept."""
        place = self.files_to or str(Path(self.data) / "files")
        return Files(open_objects(place, S3Access(**self.s3)))


def do(task: Task, told: Told) -> dict[str, Any]:
    """Do it here and now; return plain figures.

    Raises:
        HeatloopError: It cannot be done.
    """
    passphrase = read_passphrase(Path(task.passphrase_file))
    store = task.store
    try:
        if task.op == VERIFY:
            opened = open_backup(store, passphrase, run=task.run)
            room = Path(task.data) / "run" if Path(task.data).is_dir() else None
            return verified_plain(
                verify(opened, room=room, zone=task.zone, records_url=task.scratch_url, told=told)
            )
        if task.op != BACKUP:
            raise ConfigError("no such task", thing=task.op[:40])
        subject = Subject(
            data=Path(task.data),
            records_url=task.records_url,
            keys=Path(task.keys),
            files=task.files,
            config=Path(task.config) if task.config else None,
            series=task.series,
        )
        made = make_backup(
            subject,
            store,
            run=task.run,
            full=task.full,
            passphrase=passphrase,
            signer=_signer(Path(task.keys)),
            at=task.at,
            plant_at=task.plant_at,
            encrypted=task.encrypted,
            told=told,
        )
        gone = prune(store, task.keep_full, frozenset(task.bad))
        return made_plain(made) | {"removed": gone}
    finally:
        close = getattr(store, "close", None)
        if close is not None:
            close()


def made_plain(made: Made) -> dict[str, Any]:
    """Return the figures of a backup."""
    return head_plain(made.head) | {"parts": parts_plain(made.manifest)}


def head_plain(head: Head) -> dict[str, Any]:
    """Return what is known of a backup without its passphrase."""
    return asdict(head)


def parts_plain(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the figures of each part."""
    return [
        {
            "name": part.name,
            "files": len(part.files),
            "bytes": part.bytes,
            "new_bytes": part.new_bytes,
            "counts": part.counts,
            "damaged": list(manifest.facts.get(part.name, {}).get("damaged", ())),
            "elsewhere": str(manifest.facts.get(part.name, {}).get("elsewhere", "")),
        }
        for part in manifest.parts
    ]


def verified_plain(found: Verified) -> dict[str, Any]:
    """Return what a trial restore showed."""
    return found.to_plain() | {"good": found.good}


def _signer(folder: Path) -> SigningKey:
    current = folder_keys(folder).current(SIGNING)
    if current is None:
        raise ConfigError("no signing key", thing=str(folder), fix="restore the folder of keys")
    return current.signer()


def main() -> int:
    """Read the task from standard input and do it."""
    os.nice(_NICE)
    last = -1.0

    def told(share: float) -> None:
        nonlocal last
        if share - last >= 0.01:
            last = share
            _say({"progress": round(share, 3)})

    try:
        _say({"done": do(Task.from_json(sys.stdin.read()), told)})
    except HeatloopError as error:
        _say({"error": str(error)[:1000], "kind": type(error).__name__})
        return 1
    return 0


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
