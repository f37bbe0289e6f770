"""Disks of an embedded folder: room kept free, and encryption at rest (AES-256-CTR).

The engine is told both by a configuration file that lies in memory, so the key stands nowhere but
in its own file. A folder's `sealed.id` names its key: a wrong one is refused before the engine
sees it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from heatloop.kernel.errors import ConfigError

if TYPE_CHECKING:
    from heatloop.store.historian.chdb_folder import ChdbFolder

POLICY = "sealed"
KEY_BYTES = 32
KEY_FILE = "historian.aes256"
_MARK = "sealed.id"
# Two merges at a time, not four: more only keep the writer from its core, and leave more parts.
_CONFIG = """<clickhouse>
<background_pool_size>2</background_pool_size>
<background_merges_mutations_concurrency_ratio>1</background_merges_mutations_concurrency_ratio>
<merge_tree>
<{spare}to_execute_mutation>1</{spare}to_execute_mutation>
<{spare}to_lower_max_size_of_merge>1</{spare}to_lower_max_size_of_merge>
<{spare}to_execute_optimize_entire_partition>1</{spare}to_execute_optimize_entire_partition>
</merge_tree>
<storage_configuration>
<disks>
<default><keep_free_space_bytes>{default_free}</keep_free_space_bytes></default>
{sealed}</storage_configuration></clickhouse>"""
_SPARE = "number_of_free_entries_in_pool_"
_PLAIN = "</disks>"
# `default` is a volume of the policy so that tables made in the clear can be moved; it is never
# written to, because it is told to keep more free than there is.
_SEALED = """<plain><type>local</type><path>{path}/sealed/</path>
<keep_free_space_bytes>{free}</keep_free_space_bytes></plain>
<sealed><type>encrypted</type><disk>plain</disk><path>data/</path>
<algorithm>AES_256_CTR</algorithm><key_hex>{key}</key_hex></sealed>
</disks>
<policies><sealed><volumes>
<sealed><disk>sealed</disk></sealed><default><disk>default</disk></default>
</volumes></sealed></policies>
"""
_NEVER = 1 << 60
LEAST_FREE, MOST_FREE, FREE_SHARE = 32 << 20, 1 << 30, 0.02
"""Room the engine leaves free: a merge that meets the end of the disk can leave a broken part."""

_CLEAR_PARTS = """
SELECT DISTINCT table, partition_id FROM system.parts
WHERE active AND database = '{db}' AND disk_name != 'sealed'"""


def load_key(folder: Path, *, make: bool = True) -> bytes:
    """Return the key of a key folder.

    Args:
        folder: Key folder.
        make: Whether to make a key if there is none.

    Raises:
        ConfigError: The key file is missing, damaged or readable by others.
    """
    path = folder / KEY_FILE
    if not path.exists():
        if not make:
            raise ConfigError(
                "the key of the historian is missing",
                thing=str(path),
                fix="put it back from the backup of the keys; without it nothing can be read",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, secrets.token_bytes(KEY_BYTES))
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"a key file has {len(key)} bytes, not {KEY_BYTES}",
            thing=str(path),
            fix="restore it from the backup",
        )
    return key


def key_of(path: Path, keys: Path, *, encrypt: bool = True) -> bytes | None:
    """Return the key a historian folder is to be opened with, None for none.

    Args:
        path: Historian folder; one that was made without a key stays so until it is told.
        keys: Key folder.
        encrypt: Whether a new folder is encrypted.

    Raises:
        ConfigError: The folder is encrypted and its key is missing, damaged or open to others.
    """
    if is_sealed(path):
        return load_key(keys, make=False)
    return load_key(keys) if encrypt and not (path / "metadata").exists() else None


def is_sealed(path: Path) -> bool:
    """Return whether a historian folder is encrypted."""
    return (path / _MARK).exists()


def key_name(key: bytes) -> str:
    """Return the name of a key; it tells nothing about the key."""
    return hashlib.sha256(b"heatloop-historian-key\x00" + key).hexdigest()[:16]


def check_key(path: Path, key: bytes | None) -> bool:
    """Return whether a folder is encrypted; a new one is, from now on, if there is a key.

    Raises:
        ConfigError: The folder is encrypted, and not with this key.
    """
    mark = path / _MARK
    if mark.exists():
        named = mark.read_text("ascii").strip()
        if key is None or key_name(key) != named:
            raise ConfigError(
                "the historian folder is encrypted with another key",
                thing=str(path),
                place=f"key {named}",
                fix=f"put that key back as keys/{KEY_FILE} (it is in the backup of the keys)",
            )
        return True
    if key is None or (path / "metadata").exists():
        return False
    _write(mark, key_name(key).encode())
    return True


@contextmanager
def engine_config(path: Path, key: bytes | None, *, sealed: bool) -> Iterator[Path]:
    """Give the engine's configuration as a file that lies in memory, while the engine opens.

    Args:
        path: Historian folder.
        key: Key of its encrypted disk; None for none.
        sealed: Whether the folder is encrypted, so that nothing may be written in the clear.
    """
    total = shutil.disk_usage(path).total
    free = max(LEAST_FREE, min(MOST_FREE, int(total * FREE_SHARE)))
    disks = _PLAIN
    if key is not None:
        _lead_home(path / "sealed" / "data")
        disks = _SEALED.format(path=escape(str(path.absolute())), free=free, key=key.hex())
    text = _CONFIG.format(spare=_SPARE, default_free=_NEVER if sealed else free, sealed=disks)
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile(suffix=".xml") as file:
            file.write(text.encode())
            file.flush()
            yield Path(file.name)
        return
    descriptor = os.memfd_create("heatloop-historian", 0)
    try:
        os.write(descriptor, text.encode())
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _lead_home(disk: Path) -> None:
    """Make the path by which the engine syncs directories of its encrypted disk lead there.

    It names them by the disk's path and, once more, the whole path below it. Without the link
    `fsync_part_directory` fails, and without that setting a power cut may lose what was stored.
    """
    disk = disk.absolute()
    link = disk / disk.relative_to(disk.anchor)
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(disk, target_is_directory=True)


def seal_tables(folder: ChdbFolder, databases: list[str]) -> int:
    """Make every table write encrypted, then move what is in the clear; return parts moved.

    Raises:
        HeatloopError: The folder was opened without a key, or the engine failed.
    """
    moved = 0
    for db in databases:
        found = folder.read(f"SELECT name FROM system.tables WHERE database = '{db}'")
        for table in found.column("name").to_pylist():
            folder.maintain(f"ALTER TABLE {db}.{table} MODIFY SETTING storage_policy = '{POLICY}'")
        clear = folder.read(_CLEAR_PARTS.format(db=db))
        for table, partition in zip(*(c.to_pylist() for c in clear.columns), strict=True):
            folder.maintain(
                f"ALTER TABLE {db}.{table} MOVE PARTITION ID '{partition}' TO DISK 'sealed'"
            )
            moved += 1
    return moved


def mark_sealed(path: Path, key: bytes) -> None:
    """Name the key a folder is encrypted with from now on."""
    _write(path / _MARK, key_name(key).encode())


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
