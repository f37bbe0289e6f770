"""The parts of a backup as files that hold still while they are read.

In this order, so that the parts fit each other: records, historian, files, keys, settings. What
the records say is acknowledged or kept was in the historian or among the files before the records
said so; taken later, those hold at least that much. More than that does no harm: gateways send
again what the records do not know of, and the historian takes it once.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.store.backup_chunks import CHUNK_BYTES, PAGE_CHUNK_BYTES
from heatloop.store.backup_keys import PASSPHRASE_FILE
from heatloop.store.backup_manifest import FileEntry
from heatloop.store.backup_postgres import dump
from heatloop.store.files import Files
from heatloop.store.historian.chdb_seal import KEY_FILE
from heatloop.store.records.database import read_url

RECORDS, HISTORIAN, FILES, KEYS, SETTINGS, EDGE = (
    "records", "historian", "files", "keys", "settings", "edge",
)  # fmt: skip
SQLITE_FILE = "records.sqlite"
_PASSES = 20
_PART = re.compile(r"(?P<where>.+)_(?P<low>\d+)_(?P<high>\d+)_(?P<level>\d+)(_\d+)?")
_UNSTABLE = ("tmp", "delete_tmp", "detached", "moving", "mutation_", "shadow")
_NOT_OF_EDGE = ("spool", "lock", "dropped.json", "gaps.json")
_DISKS = ("store", "sealed/data/store")
_ENCRYPTED, _IV_AT, _HEADER_BYTES = b"ENC", 23, 64
_TABLE_ORDER = ("rolled", "rollup_", "latest")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file to be backed up."""

    name: str
    """Where it belongs, below its part."""
    path: Path | None
    """File; None for one that stands in an object store."""
    stamp: int = 0
    """Time of its last change, in nanoseconds; 0 where files change in place."""
    size: int = 0
    """Bytes, where known beforehand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A part to be backed up."""

    name: str
    """Name of the part."""
    files: list[SourceFile]
    """Its files."""
    kept: list[FileEntry] = field(default_factory=list)
    """Files as an earlier backup of the chain carried them."""
    counts: dict[str, int] = field(default_factory=dict)
    """Rows by table, or what else there is to count."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What to check after a restore."""
    chunk_bytes: int = CHUNK_BYTES
    """Size of pieces."""
    secret: bool = False
    """Whether it is sealed even in a plaintext backup."""


def records_source(url: str, staging: Path) -> Source:
    """Return the records as they are at one instant; writers are not held up.

    Raises:
        LinkError: The database cannot be read.
    """
    staging.mkdir(parents=True, exist_ok=True)
    parsed = read_url(url)
    if parsed.get_backend_name() != "sqlite":
        counts, facts = dump(url, staging)
        return Source(name=RECORDS, files=_below(staging), counts=counts, facts=facts)
    copy = staging / SQLITE_FILE
    try:
        with (
            closing(sqlite3.connect(str(parsed.database), timeout=30)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            counts, facts = sqlite_facts(target)
    except sqlite3.Error as error:
        raise LinkError(f"records cannot be read: {error}", fix="check the disk") from error
    entry = SourceFile(name=SQLITE_FILE, path=copy)
    return Source(
        name=RECORDS, files=[entry], counts=counts, facts=facts, chunk_bytes=PAGE_CHUNK_BYTES
    )


def sqlite_facts(connection: sqlite3.Connection) -> tuple[dict[str, int], dict[str, Any]]:
    """Return rows by table, and revision and end of the audit chain."""
    tables = [
        str(row[0])
        for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not str(row[0]).startswith("sqlite_")
    ]
    counts = {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
        for name in tables
    }
    facts: dict[str, Any] = {"engine": "sqlite"}
    if "alembic_version" in tables:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        facts["revision"] = str(row[0]) if row else ""
    if "audit_head" in tables:
        row = connection.execute("SELECT seq, hash FROM audit_head").fetchone()
        if row:
            facts["audit"] = [int(row[0]), str(row[1])]
    return counts, facts


def historian_source(folder: Path, staging: Path, key: bytes | None = None) -> Source:
    """Return the time series as hard links to parts that never change; ingest goes on.

    The engine keeps a part for minutes after it was merged into a larger one, so every link can
    be made; if one was too slow after all, another pass finds the larger part.

    Args:
        folder: Folder of the embedded engine.
        staging: Where to link to, on the same disk.
        key: Key the folder is encrypted with; with it rows can be counted.

    Raises:
        ConfigError: The engine keeps its data elsewhere.
        LinkError: The parts could not be held.
    """
    if not (folder / "metadata").is_dir():
        raise ConfigError(
            "the historian does not keep its data in this folder",
            thing=str(folder),
            fix="name the server in storage.historian_url",
        )
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "metadata").mkdir(parents=True)
    for path in [*(folder / "metadata").glob("*.sql"), *folder.glob("*.id")]:
        shutil.copy2(path, staging / path.relative_to(folder))
    tables = _tables(folder)
    counts = {}
    for name in sorted(tables, key=_rank):
        held = [staging / place.relative_to(folder) for place in tables[name]]
        for place, target in zip(tables[name], held, strict=True):
            _hold(place, target)
        if not name.startswith("_"):
            counts[name] = sum(_rows(target, key) for target in held)
    return Source(name=HISTORIAN, files=_below(staging), counts=counts)


def historian_key(keys: Path) -> bytes | None:
    """Return the key the historian's folder is encrypted with, None without one."""
    try:
        return (keys / KEY_FILE).read_bytes()
    except FileNotFoundError:
        return None


def _rank(table: str) -> int:
    # "Rolled up through" first, roll-ups next, newest values, then the samples themselves: what
    # was linked earlier never says more than what is linked later holds.
    for rank, prefix in enumerate(_TABLE_ORDER):
        if table.startswith(prefix):
            return rank
    return len(_TABLE_ORDER) if table not in ("raw", "revision", "event") else 9


def _tables(folder: Path) -> dict[str, list[Path]]:
    """Return the folders of each table, and of each database's table definitions."""
    found: dict[str, list[Path]] = {}
    for definitions in (folder / "store").glob("*/*"):
        for path in definitions.glob("*.sql"):
            found.setdefault(f"_{definitions.name}", [definitions])
            named = re.search(r"UUID '([0-9a-f-]{36})'", path.read_text("utf-8"))
            if named is None:
                continue
            identity = Path(named.group(1)[:3]) / named.group(1)
            # A folder that is encrypted has its parts on a disk of their own.
            places = [folder / disk / identity for disk in _DISKS]
            found[path.stem] = [place for place in places if place.is_dir()]
    return found


def _rows(folder: Path, key: bytes | None) -> int:
    """Return the rows in the parts of a table, as each part says itself."""
    total = 0
    for path in folder.glob("*/count.txt"):
        data = path.read_bytes()
        if data.startswith(_ENCRYPTED):
            data = b"" if key is None else _decrypted(data, key)
        total += int(data or 0)
    return total


def _decrypted(data: bytes, key: bytes) -> bytes:
    """Return a small file of the engine's encrypted disk (AES-256-CTR after a 64 byte header)."""
    start = bytes(data[_IV_AT : _IV_AT + 16])
    cipher = Cipher(algorithms.AES256(key), modes.CTR(start)).decryptor()
    return cipher.update(data[_HEADER_BYTES:]) + cipher.finalize()


def _hold(table: Path, staging: Path) -> None:
    """Link everything of a table that stays as it is."""
    staging.mkdir(parents=True, exist_ok=True)
    for _ in range(_PASSES):
        names = [e.name for e in os.scandir(table) if not e.name.startswith(_UNSTABLE)]
        for held in staging.iterdir():
            if held.name not in names and held.is_dir():
                shutil.rmtree(held)
        parts = _largest([name for name in names if _PART.fullmatch(name)])
        plain = [name for name in names if not (table / name).is_dir()]
        if all(_link(table / name, staging / name) for name in [*plain, *parts]):
            return
    raise LinkError("parts change faster than they can be held", thing=str(table), fix="try again")


def _largest(names: list[str]) -> list[str]:
    """Leave out parts that were merged into another one of the list."""
    found = []
    ranges: dict[str, list[tuple[int, int, int]]] = {}
    read = {name: _PART.fullmatch(name) for name in names}
    for match in read.values():
        assert match is not None
        mine = int(match["low"]), int(match["high"]), int(match["level"])
        ranges.setdefault(match["where"], []).append(mine)
    for name, match in read.items():
        assert match is not None
        low, high, level = int(match["low"]), int(match["high"]), int(match["level"])
        covered = any(
            (l2 <= low and high <= h2 and level < v2) for l2, h2, v2 in ranges[match["where"]]
        )
        if not covered:
            found.append(name)
    return found


def _link(source: Path, target: Path) -> bool:
    """Link a file or a part; return whether all of it was there."""
    if target.exists():
        return True
    try:
        if not source.is_dir():
            # Small files beside the parts may be replaced: a copy is whole.
            shutil.copy2(source, target)
            return True
        draft = target.with_name(f"tmp_{target.name}")
        shutil.copytree(source, draft, copy_function=os.link)
        draft.rename(target)
    except (FileNotFoundError, shutil.Error):
        shutil.rmtree(target.with_name(f"tmp_{target.name}"), ignore_errors=True)
        return False
    return True


def files_source(files: Files) -> Source:
    """Return photos, voice and papers; they never change under their name."""
    found = [
        SourceFile(name=each.name, path=None, stamp=1, size=each.size_bytes)
        for each in files.objects.list()
    ]
    return Source(name=FILES, files=found, counts={"files": len(found)})


def keys_source(folder: Path) -> Source:
    """Return the platform's own secrets, but the passphrase that opens the backup."""
    found = [each for each in _below(folder) if each.name != PASSPHRASE_FILE]
    return Source(name=KEYS, files=[_restless(each) for each in found], secret=True)


def settings_source(config: Path | None) -> Source:
    """Return the settings file, if there is one; it may name secrets' files."""
    found = [SourceFile(name="heatloop.toml", path=config)] if config and config.is_file() else []
    return Source(name=SETTINGS, files=found, secret=True)


def edge_source(folder: Path) -> Source:
    """Return who the gateways of this machine are: settings, keys, memory; never their spools."""
    found = [
        _restless(each)
        for each in (_below(folder) if folder.is_dir() else [])
        if not any(word in _NOT_OF_EDGE for word in each.name.split("/"))
        and not each.name.endswith(".part")
    ]
    return Source(name=EDGE, files=found, secret=True)


def _restless(each: SourceFile) -> SourceFile:
    return SourceFile(name=each.name, path=each.path)


def _below(folder: Path) -> list[SourceFile]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            name = path.relative_to(folder).as_posix()
            found.append(
                SourceFile(name=name, path=path, stamp=stat.st_mtime_ns, size=stat.st_size)
            )
    return found
