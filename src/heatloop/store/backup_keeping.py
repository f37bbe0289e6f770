"""Snapshots an upgrade can go back to: the records as a copy, the time series as hard links.

They take almost no room and no time, and stand in the data folder; they are no backup.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.store import backup_sources as sources
from heatloop.store.backup_after import data_key
from heatloop.store.backup_postgres import load
from heatloop.store.records import Records
from heatloop.store.records.database import read_url
from heatloop.store.records.keeping import DONE, RESTORE, RunRow
from heatloop.store.records.keeping_jump import jump_ahead

_ABOUT = "snapshot.json"
_KEPT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What was before an upgrade."""

    folder: Path
    """Where it is."""
    version: str
    """Version that was in force."""
    revision: str
    """Version of the records' tables."""
    series: int
    """Migrations the historian had had."""
    at: float
    """Machine time."""

    @classmethod
    def newest(cls, marks: Path, version: str) -> Self | None:
        """Return the newest snapshot taken under a version."""
        found = []
        for path in marks.glob(f"*/{_ABOUT}"):
            told = json.loads(path.read_text("utf-8"))
            if told["version"] == version:
                found.append(cls(folder=path.parent, **told))
        return max(found, key=lambda shot: shot.at, default=None)

    def differs(self, url: str) -> bool:
        """Return whether the records were migrated since."""
        parsed = read_url(url)
        if parsed.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(parsed.database), timeout=30)) as connection:
                facts = sources.sqlite_facts(connection)[1]
                return str(facts.get("revision", "")) != self.revision
        from heatloop.store.records.keeping_care import revision

        records = Records(url)
        try:
            return revision(records) != self.revision
        finally:
            records.close()


def take_snapshot(url: str, data: Path, marks: Path, version: str, at: float) -> Snapshot:
    """Take one, and remove all but the newest few.

    Raises:
        LinkError: The records cannot be read.
    """
    folder = marks / f"{int(at)}"
    source = sources.records_source(url, folder / "records")
    series = 0
    if (data / "historian" / "metadata").is_dir():
        key = sources.historian_key(data / "keys")
        held = sources.historian_source(data / "historian", folder / "historian", key)
        series = held.counts.get("migration", 0)
    shot = Snapshot(
        folder=folder,
        version=version,
        revision=str(source.facts.get("revision", "")),
        series=series,
        at=at,
    )
    told = {"version": version, "revision": shot.revision, "series": series, "at": at}
    (folder / _ABOUT).write_text(json.dumps(told), "utf-8")
    every = sorted(marks.glob(f"*/{_ABOUT}"), key=lambda path: path.stat().st_mtime)
    for path in every[:-_KEPT]:
        shutil.rmtree(path.parent)
    return shot


def put_back(shot: Snapshot, url: str, data: Path) -> Path:
    """Put the records of a snapshot back, and the time series if they were migrated since.

    Nothing may run on them. Returns where what was replaced was moved to.

    Raises:
        InputError: The snapshot is not whole.
        ConfigError: The snapshot is of another kind of database.
    """
    aside = shot.folder / f"replaced-{int(machine_s())}"
    aside.mkdir()
    parsed = read_url(url)
    if parsed.get_backend_name() != "sqlite":
        load(url, shot.folder / "records", force=True, told=lambda _: None)
    else:
        copy, place = shot.folder / "records" / sources.SQLITE_FILE, Path(str(parsed.database))
        if not copy.is_file():
            raise InputError("snapshot holds no records", thing=str(shot.folder), fix="restore")
        for path in place.parent.glob(f"{place.name}*"):
            path.rename(aside / path.name)
        shutil.copy2(copy, place)
    if shot.series and _series(data) != shot.series:
        (data / "historian").rename(aside / "historian")
        shutil.copytree(shot.folder / "historian", data / "historian")
    _write_down(shot, url, data)
    return aside


def _series(data: Path) -> int:
    """Return how many migrations the historian has had, by its own parts."""
    staging = data / "run" / "keeping" / "series"
    try:
        key = sources.historian_key(data / "keys")
        held = sources.historian_source(data / "historian", staging, key)
        return held.counts.get("migration", 0)
    except ConfigError:
        return 0
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_down(shot: Snapshot, url: str, data: Path) -> None:
    records = Records(url, **data_key(data / "keys"))
    at = machine_s()
    body = {"run": f"snapshot {int(shot.at)}", "plant_at": shot.at, "settled": False}
    try:
        jump_ahead(records.database, at=at, user="system", note=f"rollback {int(at)}")
        records.audit.append(
            at=at, user="system", action="keeping.rollback", subject=shot.version, detail=body
        )
        records.keeping.begin(
            RunRow(
                id=f"restore-{int(at * 1000)}",
                kind=RESTORE,
                state=DONE,
                user="system",
                target=str(data),
                chain="",
                started_at=at,
                ended_at=at,
                body=body,
            )
        )
    finally:
        records.close()
