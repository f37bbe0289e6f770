"""Objects as files of a folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from heatloop.kernel.errors import InputError, LinkError
from heatloop.store.objects import ObjectInfo, check_name, no_object

_DRAFT = ".new"


class FolderObjects:
    """A folder, made when first needed; nobody but its owner may read what is put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes, durable on return."""
        path = self._path(name)
        # The dot keeps drafts out of every list: no name may begin with one.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_DRAFT}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            settle(path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise LinkError(
                f"folder cannot be written: {error.strerror}",
                thing=str(self._folder),
                fix="check its permissions and the room on its disk",
            ) from error

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return an object or a piece of it."""
        try:
            with self._path(name).open("rb") as file:
                file.seek(start)
                data = file.read() if length is None else file.read(length)
        except FileNotFoundError as error:
            raise no_object(name) from error
        except OSError as error:
            raise LinkError(
                f"folder cannot be read: {error.strerror}",
                thing=str(self._folder),
                fix="check its permissions",
            ) from error
        if length is not None and len(data) != length:
            raise InputError("object is shorter than that", thing=name, fix="restore it")
        return data

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return self._path(name).is_file()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Give the files below a prefix, by name."""
        start = self._path(prefix) if prefix else self._folder
        found = []
        for folder, folders, names in os.walk(start):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for each in names:
                path = Path(folder, each)
                if not each.startswith("."):
                    found.append(path.relative_to(self._folder).as_posix())
        for name in sorted(found):
            yield ObjectInfo(name=name, size_bytes=(self._folder / name).stat().st_size)

    def delete(self, name: str) -> None:
        """Remove a file, and the folders it leaves empty."""
        path = self._path(name)
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == self._folder:
                return
            try:
                parent.rmdir()
            except OSError:
                return

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)


def settle(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
