"""The historian's part of a backup: an engine's own files where it is embedded, else its rows.

Restoring goes from either form into any engine. What has to pass through an engine passes through
a historian process on a scratch folder, so that no tool loads an engine into itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.kernel.errors import InputError, LinkError
from heatloop.store import backup_sources as sources
from heatloop.store.backup_manifest import FileEntry, PartEntry
from heatloop.store.backup_series_plan import TABLES, Series, Told, load_series, read_series
from heatloop.store.historian.chdb_seal import KEY_FILE
from heatloop.store.historian.engine_choice import open_historian
from heatloop.store.historian.port import Historian
from heatloop.store.historian.sync_client import SyncHistorian, connect_sync

_START_S = 60.0
_ANSWER_S = 1800.0
_LOADED = "series-into"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The engine that keeps an installation's series."""

    url: str = ""
    """Its address; empty: the embedded engine in the data folder."""
    password_file: str = ""
    """File with the password at it."""
    zone: str = "Asia/Shanghai"
    """Zone of the company's days."""


@contextmanager
def opened_historian(data: Path, target: Target) -> Iterator[Historian]:
    """Give the running historian process of a data folder, or the engine itself if none runs.

    Raises:
        LinkError: The engine does not answer.
    """
    try:
        running = connect_sync(data / "run" / "historian.sock", timeout_s=_ANSWER_S)
    except LinkError:
        engine = open_historian(
            target.url, data=data, zone=ZoneInfo(target.zone), password_file=target.password_file
        )
    else:
        engine = running
    try:
        yield engine
    finally:
        engine.close()


def series_source(
    data: Path,
    target: Target,
    staging: Path,
    *,
    before: PartEntry | None,
    facts: Mapping[str, Any],
    plant_at: float,
    told: Told,
) -> sources.Source:
    """Return the series of a server as files, those that did not change as they were carried.

    Args:
        data: Data folder.
        target: The server.
        staging: Folder for the files.
        before: The part of the backup this one leans on.
        facts: What that one says of the series.
        plant_at: Plant time.
        told: Called with the share done, 0 to 1.

    Raises:
        LinkError: The server does not answer.
    """
    with opened_historian(data, target) as historian:
        series, read = read_series(
            historian, staging, before=Series.of(facts), plant_at=plant_at, told=told
        )
    held: dict[str, FileEntry] = {file.path: file for file in before.files} if before else {}
    kept = [held[name] for name in series.pieces if name not in read]
    files = [sources.SourceFile(name=name, path=staging / name) for name in sorted(read)]
    return sources.Source(
        name=sources.HISTORIAN, files=files, kept=kept, counts=series.counts,
        facts=series.to_facts(),
    )  # fmt: skip


def restore_series(
    facts: Mapping[str, Any], staging: Path, target: Target, mark: str, told: Told
) -> list[str]:
    """Bring the series of a backup, written below `staging`, to their engine.

    With the embedded engine its folder stands in `staging` afterwards, as it is to be moved into
    place; with a server nothing of the series does.

    Args:
        facts: What the backup says of the series.
        staging: Folder with the parts `historian` and `keys`.
        target: The engine.
        mark: Id of the run: a server that was being filled by it may be filled further.
        told: Called with the share done, 0 to 1.

    Returns:
        What is not as it was.

    Raises:
        InputError: The server holds other series already.
        LinkError: The engine does not answer.
    """
    series = Series.of(facts)
    folder = staging / sources.HISTORIAN
    if not target.url:
        return [] if series is None else _into_embedded(series, staging, target, told)
    findings: list[str] = []
    engine = open_historian(
        target.url, data=staging, zone=ZoneInfo(target.zone), password_file=target.password_file
    )
    try:
        note = staging / _LOADED
        begun = note.is_file() and note.read_text("utf-8") == mark
        held = any(part.rows and part.table in TABLES for part in engine.partitions())
        if not begun and held:
            raise InputError(
                "the engine holds series already",
                thing=target.url.partition("@")[2] or target.url,
                fix="name an empty database, or drop it",
            )
        note.write_text(mark, "utf-8")
        if series is not None:
            findings += load_series(engine, series, folder, told=told)
        elif folder.is_dir():
            findings += _from_embedded(staging, engine, target, told)
    finally:
        engine.close()
    shutil.rmtree(folder, ignore_errors=True)
    return findings


def _into_embedded(series: Series, staging: Path, target: Target, told: Told) -> list[str]:
    rows, made = staging / sources.HISTORIAN, _engine_folder(staging)
    keys, held = made / "keys", staging / sources.KEYS / KEY_FILE
    with scratch_engine(made, target.zone) as historian:
        findings = load_series(historian, series, rows, told=told)
        historian.compact()
    shutil.rmtree(rows)
    (made / "historian").rename(rows)
    if not held.is_file() and (keys / KEY_FILE).is_file():
        held.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(keys / KEY_FILE, held)
    shutil.rmtree(made)
    return findings


def _engine_folder(staging: Path) -> Path:
    """Return an empty data folder for a scratch engine, with the backup's key if it has one."""
    made = staging / "engine"
    shutil.rmtree(made, ignore_errors=True)
    (made / "keys").mkdir(parents=True, mode=0o700)
    held = staging / sources.KEYS / KEY_FILE
    if held.is_file():
        shutil.copy2(held, made / "keys" / KEY_FILE)
    return made


def _from_embedded(staging: Path, engine: Historian, target: Target, told: Told) -> list[str]:
    """Copy what an embedded engine's files hold into another engine."""
    made = _engine_folder(staging)
    (staging / sources.HISTORIAN).rename(made / "historian")
    with scratch_engine(made, target.zone) as source, tempfile.TemporaryDirectory() as room:
        series, _ = read_series(
            source, Path(room), before=None, plant_at=1 << 31,
            told=lambda share: told(share / 2),
        )  # fmt: skip
        findings = load_series(engine, series, Path(room), told=lambda share: told(0.5 + share / 2))
    shutil.rmtree(made)
    return findings


@contextmanager
def scratch_engine(data: Path, zone: str) -> Iterator[SyncHistorian]:
    """Run a historian process with the embedded engine on a folder, for as long as this lasts.

    Raises:
        LinkError: It does not start.
    """
    # A socket's name has little room: the process is shown a short name of the folder.
    with tempfile.TemporaryDirectory(prefix="hls") as short:
        place = Path(short) / "d"
        place.symlink_to(data.resolve(), target_is_directory=True)
        engine = _Engine(place, zone)
        try:
            client = engine.connect()
            try:
                yield client
            finally:
                client.close()
        finally:
            engine.stop()


class _Engine:
    """A historian process on a scratch folder."""

    def __init__(self, folder: Path, zone: str) -> None:
        self._socket = folder / "run" / "historian.sock"
        self._log = (folder / "historian.log").open("w+b")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "heatloop.store.historian"),
                *("--data", str(folder), "--zone", zone),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Whatever engine this installation uses, the scratch one is the embedded one.
            env={k: v for k, v in os.environ.items() if not k.startswith("HEATLOOP_STORAGE_")},
        )

    def connect(self) -> SyncHistorian:
        """Return a client as soon as the process answers.

        Raises:
            LinkError: It does not, or ended.
        """
        end = time.monotonic() + _START_S
        while True:
            try:
                return connect_sync(self._socket, timeout_s=_ANSWER_S)
            except LinkError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    self._log.seek(0)
                    words = self._log.read()[-400:].decode("utf-8", "replace")
                    raise LinkError(f"scratch historian does not start: {words}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
