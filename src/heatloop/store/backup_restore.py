"""Restoring a backup into a data folder: whole or not at all, going on where it broke off."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.store import backup_sources as sources
from heatloop.store.backup_after import Restored
from heatloop.store.backup_historian import Target, restore_series
from heatloop.store.backup_manifest import FileEntry
from heatloop.store.backup_open import Opened
from heatloop.store.backup_postgres import load
from heatloop.store.backup_running import refuse_if_running
from heatloop.store.files import Files
from heatloop.store.historian.engine_choice import state_folder
from heatloop.store.records.database import read_url

_STAGING = "restoring"
_STAYS = ("edge", "city", "logs", "lost+found", _STAGING)
_PLACES = {
    sources.RECORDS: ".",
    sources.HISTORIAN: "historian",
    # What a front of several servers notes about them, made while it was filled.
    state_folder(Path()).name: state_folder(Path()).name,
    sources.FILES: "files",
    sources.KEYS: "keys",
    sources.SETTINGS: "settings",
    sources.EDGE: "edge",
}
Told = Callable[[float], None]


def restore(
    opened: Opened,
    into: Path,
    *,
    records_url: str = "",
    files: Files | None = None,
    series: Target | None = None,
    force: bool = False,
    told: Told = lambda share: None,
) -> Restored:
    """Write a backup into a data folder.

    Args:
        opened: The backup.
        into: Data folder.
        records_url: Records, where they are not in the folder.
        files: Where photos and papers go, where that is not the folder.
        series: Engine the time series go into; None for the embedded one.
        force: Whether former content may be moved aside.
        told: Called with the share done, 0 to 1.

    Raises:
        UnsafeError: A platform runs on the folder.
        InputError: The folder or the engine is not empty, or a piece is missing or damaged.
        LinkError: The engine does not answer.
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
    counts = {p.name: p.counts for p in opened.manifest.parts if p.counts}
    findings = _check(opened, staging, counts, postgres=postgres)
    facts = dict(opened.manifest.facts.get(sources.HISTORIAN, {}))
    findings += restore_series(
        facts, staging, series or Target(), opened.head.run, lambda share: told(0.6 + 0.35 * share)
    )
    # From here on only names change, so there is never half a restore.
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
        self._told(0.6 * min(self._done / self._total, 1.0))


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
