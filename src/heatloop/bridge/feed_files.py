"""The file carrier: whole batches as files of a folder, for the file proxy of a data diode.

A file appears under its name only when it is whole and on the disk. The sender never reads what
became of it: it rotates, so that a proxy that stopped fills no disk. The inbox belongs to the
receiver, which removes what it has taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heatloop.bridge.feed_frame import MOST_BYTES, Head
from heatloop.kernel.errors import LinkError

SUFFIX = ".hlz"
REFUSED = "refused"
_NAME = re.compile(r"(feed|gate)-([0-9a-f]{16})-(\d{16})\.hlz")
_MOST_REFUSED = 200
_MOST_LISTED = 5000


def file_name(head: Head) -> str:
    """Return the name of a batch's file; names sort in the order of a stream."""
    return f"{head.stream}-{head.epoch}-{head.seq:016d}{SUFFIX}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What lies in the sender's folder."""

    files: int
    """Files nobody has fetched."""
    oldest_s: float
    """Machine time the oldest was written, 0 when there is none."""


class DropWriter:
    """Writes batches into a folder.

    Args:
        folder: Made when it is not there.
        most_files: Files kept at most; older ones go.
        most_bytes: Bytes kept at most.
    """

    def __init__(self, folder: Path, most_files: int = 2000, most_bytes: int = 2**29) -> None:
        self._folder, self._most_files, self._most_bytes = folder, most_files, most_bytes

    def write(self, name: str, blob: bytes) -> None:
        """Put a file into the folder, whole or not at all; it is on the disk on return.

        Raises:
            LinkError: The folder cannot be written.
        """
        draft = self._folder / f".{name}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / name)
            _sync_folder(self._folder)
            self._rotate()
        except OSError as error:
            raise LinkError(
                "the feed folder cannot be written",
                thing=str(self._folder),
                fix="check the disk and the rights of the folder",
            ) from error

    def waiting(self) -> Waiting:
        """Return what was not fetched; nothing where the folder cannot be looked into."""
        try:
            found = _listed(self._folder)
        except OSError:
            found = []
        return Waiting(files=len(found), oldest_s=min((at for _, at, _ in found), default=0.0))

    def _rotate(self) -> None:
        found = sorted(_listed(self._folder), key=lambda each: (each[1], each[0]))
        total = sum(size for _, _, size in found)
        while len(found) > 1 and (len(found) > self._most_files or total > self._most_bytes):
            name, _, size = found.pop(0)
            (self._folder / name).unlink(missing_ok=True)
            total -= size


class DropReader:
    """Reads batches out of a folder, in the order of their names.

    Args:
        folder: The inbox.
        stream: Stream that is looked for; other names are set aside.
    """

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder, self._stream = folder, stream

    def read(self, most: int = 200) -> Iterator[tuple[str, bytes | None]]:
        """Yield (name, content) of what lies in the inbox; None: it cannot be a batch.

        Yields by time of writing, then name: a new epoch comes after the one it follows.
        """
        names = sorted(_listed(self._folder), key=lambda each: (_rank(each[0]), each[1]))
        epochs: dict[str, float] = {}
        for name, at, _ in names:
            match = _NAME.fullmatch(name)
            if match:
                epochs[match[2]] = min(at, epochs.get(match[2], at))
        names.sort(key=lambda each: (_epoch_time(each[0], epochs), each[0]))
        for name, _, size in names[:most]:
            match = _NAME.fullmatch(name)
            if match is None or match[1] != self._stream or size > MOST_BYTES:
                yield name, None
                continue
            try:
                yield name, (self._folder / name).read_bytes()
            except FileNotFoundError:
                continue
            except OSError:
                yield name, None

    def remove(self, name: str) -> None:
        """Remove what was taken; a file that cannot be removed is met again."""
        (self._folder / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Move what was refused where people can look at it; the newest 200 are kept."""
        folder = self._folder / REFUSED
        folder.mkdir(exist_ok=True)
        try:
            (self._folder / name).replace(folder / name)
        except FileNotFoundError:
            return
        kept = sorted(folder.iterdir(), key=lambda path: (path.stat().st_mtime, path.name))
        for path in kept[:-_MOST_REFUSED]:
            path.unlink(missing_ok=True)


def _rank(name: str) -> int:
    return 0 if _NAME.fullmatch(name) else 1


def _epoch_time(name: str, epochs: dict[str, float]) -> float:
    match = _NAME.fullmatch(name)
    return epochs[match[2]] if match else float("inf")


def _listed(folder: Path) -> list[tuple[str, float, int]]:
    """Return (name, time, size) of the files of a folder; drafts and folders are left out."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                found.append((entry.name, stat.st_mtime, stat.st_size))
                if len(found) >= _MOST_LISTED:
                    break
    except FileNotFoundError:
        return []
    return found


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
