"""Encrypting a folder that was made without a key, while nobody has it open."""

from __future__ import annotations

from pathlib import Path

from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.chdb_seal import is_sealed, load_key
from heatloop.store.historian.chdb_sql import DATABASES


def encrypt_folder(path: Path, keys: Path) -> int:
    """Encrypt what a historian folder holds and will hold; return how many partitions moved.

    May be repeated: what an interruption left in the clear is moved by the next call. The room
    of deleted files is not overwritten; that is the disk's business.

    Args:
        path: Historian folder.
        keys: Key folder; the key is made if there is none.

    Raises:
        ConfigError: Another process has the folder open, or it is encrypted with another key.
    """
    folder = ChdbFolder(path, readers=1, key=load_key(keys, make=not is_sealed(path)))
    try:
        found = folder.read(DATABASES).column("name").to_pylist()
        return folder.seal(found)
    finally:
        folder.close()
