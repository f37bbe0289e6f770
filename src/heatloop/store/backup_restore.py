"""Restoring a backup into a data folder: whole or not at all, going on where it broke off."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.store import backup_sources as sources
from heatloop.store.backup_chunks import ChunkReader
from heatloop.store.backup_keys import ChainKey, open_chain
from heatloop.store.backup_manifest import (
    CHAIN_FILE,
    FileEntry,
    Head,
    Manifest,
    check_head,
    find_run,
    read_manifest,
)
from heatloop.store.backup_postgres import load
from heatloop.store.files import Files
from heatloop.store.key_files import DATA, folder_keys, read_keys
from heatloop.store.objects import ObjectStore
from heatloop.store.records import Records
from heatloop.store.records.database import read_url
from heatloop.store.records.keeping import DONE, RESTORE, RunRow
from heatloop.store.records.keeping_jump import jump_ahead

_STAGING = "restoring"
_STAYS = ("edge", "city", "logs", "lost+found", _STAGING)
_PLACES = {
    sources.RECORDS: ".",
    sources.HISTORIAN: "historian",
    sources.FILES: "files",
    sources.KEYS: "keys",
    sources.SETTINGS: "settings",
    sources.EDGE: "edge",
}
Told = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A backup that can be read."""

    head: Head
    """What it is."""
    key: ChainKey
    """What it is sealed with."""
    manifest: Manifest
    """What is in it."""
    reader: ChunkReader
    """Gives its pieces."""

    def bytes_of(self, entry: FileEntry) -> bytes:
        """Return the content of a small file."""
        return b"".join(self.reader.get(chunk) for chunk in entry.chunks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was restored."""

    head: Head
    """Which backup."""
    counts: dict[str, dict[str, int]]
    """Rows by part and table."""
    aside: Path | None
    """Where the former content of the folder was moved to."""
    findings: tuple[str, ...] = ()
    """What is not as it was."""


def open_backup(
    store: ObjectStore, passphrase: str, *, run: str = "", before: float | None = None
) -> Opened:
    """Return a backup made ready for reading, its signature checked.

    Args:
        store: Where it is.
        passphrase: Recovery passphrase.
        run: Id; empty: the newest.
        before: Only runs that began at or before this machine time.

    Raises:
        InputError: There is none, or it cannot be read.
        UnsafeError: The passphrase is another one, or something was changed.
    """
    head = find_run(store, run, before)
    key = open_chain(store.get(f"{head.chain}/{CHAIN_FILE}"), passphrase)
    manifest = read_manifest(store, key, head)
    reader = ChunkReader(store, key, manifest.packs, manifest.places)
    opened = Opened(head=head, key=key, manifest=manifest, reader=reader)
    keys = manifest.part(sources.KEYS)
    entries = {entry.path: entry for entry in keys.files} if keys else {}

    def read(name: str) -> bytes | None:
        return opened.bytes_of(entries[name]) if name in entries else None

    signers = read_keys(read, place=head.run).signers()
    if not signers:
        raise InputError("backup holds no signing key", thing=head.run, fix="restore another")
    # The platform's own keys are sealed inside: only who had them can have signed the head.
    check_head(store, head, [signer.public for signer in signers])
    return opened


def restore(
    opened: Opened,
    into: Path,
    *,
    records_url: str = "",
    files: Files | None = None,
    force: bool = False,
    told: Told = lambda share: None,
) -> Restored:
    """Write a backup into a data folder.

    Args:
        opened: The backup.
        into: Data folder.
        records_url: Records, where they are not in the folder.
        files: Where photos and papers go, where that is not the folder.
        force: Whether former content may be moved aside.
        told: Called with the share done, 0 to 1.

    Raises:
        UnsafeError: A platform runs on the folder.
        InputError: The folder is not empty, or a piece is missing or damaged.
    """
    refuse_if_running(into)
    postgres = bool(records_url) and read_url(records_url).get_backend_name() != "sqlite"
    kind = dict(opened.manifest.facts.get(sources.RECORDS, {})).get("engine", "sqlite")
    if postgres != (kind == "postgresql"):
        raise ConfigError(f"the backup's records are {kind}", thing="storage.records_url", fix=kind)
    in_the_way = [p for p in into.iterdir() if p.name not in _STAYS] if into.is_dir() else []
    if in_the_way and not force:
        raise InputError("folder is not empty", thing=str(into), fix="use --force or another one")
    staging = into / _STAGING
    _begin(staging, opened.head.run)
    meter = _Meter(sum(part.bytes for part in opened.manifest.parts), told)
    for part in opened.manifest.parts:
        for entry in part.files:
            _write(opened, entry, staging / part.name, meter)
    # From here on only names change, so there is never half a restore.
    counts = {p.name: p.counts for p in opened.manifest.parts if p.counts}
    findings = _check(opened, staging, counts, postgres=postgres)
    aside = _move_aside(in_the_way, into, opened.head.run)
    if files is not None:
        _to_store(staging / sources.FILES, files)
    if postgres:
        loaded = load(records_url, staging / sources.RECORDS, force=force, told=meter.add)
        findings += _differences("records", counts.get(sources.RECORDS, {}), loaded)
        shutil.rmtree(staging / sources.RECORDS)
    _settle(staging, into)
    told(1.0)
    return Restored(head=opened.head, counts=counts, aside=aside, findings=tuple(findings))


class _Meter:
    def __init__(self, total: int, told: Told) -> None:
        self._total, self._told, self._done = max(total, 1), told, 0

    def add(self, size: int) -> None:
        self._done += size
        self._told(min(self._done / self._total, 0.99))


def refuse_if_running(data: Path) -> None:
    """Return if nothing runs on a data folder.

    Raises:
        UnsafeError: A platform or a historian does.
    """
    for name, pid in _pids(data).items():
        if _alive(pid):
            raise UnsafeError(f"{name} runs on this folder", thing=str(data), fix="stop it first")
    path = data / "run" / "historian.sock"
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise UnsafeError("a historian runs on this folder", thing=str(data), fix="stop it first")


def _pids(data: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads((data / "run/pids.json").read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _alive(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    except OSError:
        return True
    return b"heatloop" in words  # A number is given again to other programs.


def _begin(staging: Path, run: str) -> None:
    """Make the staging folder, or keep that of a restore of the same run that broke off."""
    mark = staging / "run"
    if staging.is_dir() and (not mark.is_file() or mark.read_text() != run):
        shutil.rmtree(staging)
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.write_text(run)


def _write(opened: Opened, entry: FileEntry, folder: Path, meter: _Meter) -> None:
    path = folder / entry.path
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UnsafeError("backup names a file outside its folder", thing=entry.path[:200])
    if not (path.is_file() and path.stat().st_size == entry.size):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.restoring")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in entry.chunks:
                file.write(opened.reader.get(chunk))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    meter.add(entry.size)


def _check(
    opened: Opened, staging: Path, counts: Mapping[str, Mapping[str, int]], *, postgres: bool
) -> list[str]:
    if postgres:
        return []
    path = staging / sources.RECORDS / sources.SQLITE_FILE
    try:
        with closing(sqlite3.connect(path)) as connection:
            said = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
            if said != "ok":
                raise InputError(f"records are damaged: {said[:200]}", fix="restore another backup")
            found, facts = sources.sqlite_facts(connection)
    except sqlite3.Error as error:
        raise InputError(f"records are damaged: {error}", fix="restore another backup") from error
    told = opened.manifest.facts.get(sources.RECORDS, {})
    findings = _differences("records", counts.get(sources.RECORDS, {}), found)
    if facts.get("audit") != told.get("audit"):
        findings.append("audit chain ends elsewhere")
    return findings


def _differences(part: str, told: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    return [
        f"{part}: {name} has {found.get(name, 0)} rows, not {count}"
        for name, count in told.items()
        if found.get(name, 0) != count
    ]


def _move_aside(paths: list[Path], into: Path, run: str) -> Path | None:
    if not paths:
        return None
    number = 1
    while (aside := into.with_name(f"{into.name}.before-{run}.{number}")).exists():
        number += 1
    aside.mkdir(mode=0o700)
    for path in paths:
        path.rename(aside / path.name)
    return aside


def _to_store(folder: Path, files: Files) -> None:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file() and not files.objects.has(path.relative_to(folder).as_posix()):
            files.objects.put(path.relative_to(folder).as_posix(), path.read_bytes())
    shutil.rmtree(folder, ignore_errors=True)


def _settle(staging: Path, into: Path) -> None:
    for name, place in _PLACES.items():
        source = staging / name
        if not source.is_dir():
            continue
        if place == "." or name == sources.EDGE:
            # A gateway that is still here has a spool, and a memory newer than the backup's.
            for path in source.iterdir():
                target = into / path.name if place == "." else into / place / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    path.rename(target)
        else:
            source.rename(into / place)
    if (into / "keys").is_dir():
        (into / "keys").chmod(0o700)
    shutil.rmtree(staging)


def write_down(
    into: Path, restored: Restored, *, records_url: str, user: str, at: float, seconds: float
) -> None:
    """Bring the restored records to this version and write the restore into them.

    The audit chain goes on with it, everybody is signed out, and the platform finds at its next
    start that it has to say what is missing since.

    Raises:
        HeatloopError: The records cannot be opened.
    """
    url = records_url or f"sqlite:///{into / sources.SQLITE_FILE}"
    records = Records.open(url, **data_key(into / "keys"))
    head = restored.head
    body: dict[str, Any] = {
        "run": head.run,
        "backup_at": head.at,
        "plant_at": head.plant_at,
        "seconds": seconds,
        "findings": list(restored.findings),
        "settled": False,
    }
    try:
        records.keeping.broken_off(at=at)
        records.keeping.end_sessions()
        jumped = jump_ahead(records.database, at=at, user=user, note=f"restore {head.run}")
        body["ledger_version"], body["point_key"] = jumped.ledger_version, jumped.point_key
        records.audit.append(
            at=at, user=user, action="keeping.restore", subject=head.run, detail=dict(body)
        )
        records.keeping.begin(
            RunRow(
                id=f"restore-{int(at * 1000)}",
                kind=RESTORE,
                state=DONE,
                user=user,
                target=str(into),
                chain=head.chain,
                started_at=at - seconds,
                ended_at=at,
                body=body,
            )
        )
    finally:
        records.close()


def data_key(keys: Path) -> dict[str, Any]:
    """Return the data keys as `Records` takes them, nothing if there are none."""
    held = folder_keys(keys)
    current = held.current(DATA)
    if current is None:
        return {}
    return {
        "data_key": current.secret,
        "data_key_id": current.id,
        "old_keys": {key.id: key.secret for key in held.of(DATA) if not key.current},
        "data_algorithm": current.algorithm,
    }
