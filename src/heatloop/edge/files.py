"""Files that survive a power cut: durable descriptors, folders, and small JSON documents."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import ConfigError, InputError

_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", None)


def make_durable(fd: int) -> None:
    """Return when everything written to the file is on the medium."""
    if _FULL_SYNC is not None:  # macOS: fsync alone leaves it in the drive's cache
        fcntl.fcntl(fd, _FULL_SYNC)
    else:
        os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Return when the folder's names (created, renamed, removed) are on the medium."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes; the usual case is one system call."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])


def save_bytes(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file so that after any crash it holds the old or the new content, whole."""
    part = path.with_name(path.name + ".part")
    fd = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    try:
        write_all(fd, data)
        make_durable(fd)
    finally:
        os.close(fd)
    os.replace(part, path)
    sync_folder(path.parent)


def save_json(path: Path, document: Any) -> None:
    """Replace a JSON document, crash-safe."""
    save_bytes(path, json.dumps(document, separators=(",", ":")).encode())


def load_json(path: Path) -> Any:
    """Return a JSON document, or None if there is none.

    Raises:
        InputError: The file is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(
            "file is not JSON", thing=path.name, place=str(path), fix="restore or delete it"
        ) from error


def lock_folder(folder: Path) -> int:
    """Return a descriptor that keeps other gateway processes out of the folder.

    Raises:
        ConfigError: Another process has it.
    """
    fd = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise ConfigError(
            "another gateway process uses this data folder",
            thing=str(folder),
            fix="stop it, or give each gateway its own folder",
        ) from error
    return fd
