"""Files in a folder, named by their own digest: photos, papers, reports.

No name a user gives reaches the file system, and a file is what its first bytes say it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from heatloop.kernel.errors import InputError

MAX_BYTES = 20 * 1024 * 1024
"""Largest file."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_WEBP = (b"RIFF", b"WEBP")


def media_of(data: bytes) -> str:
    """Return the media type of a file by its first bytes.

    Raises:
        InputError: It is none of the kinds that are kept.
    """
    for mark, media in _KINDS:
        if data.startswith(mark):
            return media
    if data[:4] == _WEBP[0] and data[8:12] == _WEBP[1]:
        return "image/webp"
    raise InputError("this kind of file is not kept", fix="send PDF, PNG, JPEG or WebP")


def _settle(folder: Path) -> None:
    """Make a new name in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Files:
    """A folder of files.

    Args:
        folder: Made when first needed.
        max_bytes: Largest file.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder, self._max = folder, max_bytes

    def put(self, data: bytes) -> tuple[str, str]:
        """Keep a file, durable on return; return (SHA-256, media type).

        Raises:
            InputError: It is empty, too large, or of a kind that is not kept.
        """
        if not data or len(data) > self._max:
            raise InputError(
                f"a file has 1 to {self._max} bytes, not {len(data)}", fix="send a smaller file"
            )
        media = media_of(data)
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest, media
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{digest}.{secrets.token_hex(4)}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _settle(path.parent)
        return digest, media

    def get(self, digest: str) -> bytes:
        """Return a file.

        Raises:
            InputError: There is none, or its bytes are not what they were.
        """
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise InputError("no such file", thing=digest, fix="send it again") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise InputError("file was damaged", thing=digest, fix="restore it from a backup")
        return data

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InputError("not the name of a file", thing=digest[:80], fix="give its SHA-256")
        return self._folder / digest[:2] / digest
