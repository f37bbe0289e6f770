"""Files named by their own digest: photos, voice, papers, reports, documents.

No name a user gives reaches the store, a file is what its first bytes say it is, and its
SHA-256 is computed again at every reading.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from heatloop.kernel.errors import InputError
from heatloop.store.objects import ObjectStore
from heatloop.store.objects_folder import FolderObjects

MAX_BYTES = 20 * 1024 * 1024
"""Largest file."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PAPERS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_VOICE = (
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "audio/webm"),
)
KEPT_MEDIA = (
    *dict.fromkeys(media for _, media in (*_PAPERS, *_VOICE)),
    "image/webp",
    "audio/wav",
    "audio/mp4",
    "application/json",
)
"""Media types of files that are kept."""


def media_of(data: bytes, *, every: bool = False) -> str:
    """Return the media type of a file by its first bytes.

    Args:
        data: The file.
        every: Also voice (Ogg, MP3, WebM, WAV, M4A) and JSON.

    Raises:
        InputError: It is none of the kinds that are kept.
    """
    for mark, media in (*_PAPERS, *_VOICE) if every else _PAPERS:
        if data.startswith(mark):
            return media
    riff = data[8:12] if data[:4] == b"RIFF" else b""
    if riff == b"WEBP":
        return "image/webp"
    if every:
        if riff == b"WAVE":
            return "audio/wav"
        if data[4:8] == b"ftyp":
            return "audio/mp4"
        if _is_json(data):
            return "application/json"
    fix = "send PDF, PNG, JPEG or WebP" + (", voice or JSON" if every else "")
    raise InputError("this kind of file is not kept", fix=fix)


def _is_json(data: bytes) -> bool:
    if data[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


class Files:
    """Files by digest, in a folder or an object store.

    Args:
        objects: Where they are kept; a path stands for the folder, made when first needed.
        max_bytes: Largest file.
    """

    def __init__(self, objects: ObjectStore | Path, max_bytes: int = MAX_BYTES) -> None:
        self._objects = FolderObjects(objects) if isinstance(objects, Path) else objects
        self._max = max_bytes

    @property
    def objects(self) -> ObjectStore:
        """Return where they are kept."""
        return self._objects

    def put(self, data: bytes, *, every: bool = False) -> tuple[str, str]:
        """Keep a file, durable on return; return (SHA-256, media type).

        Args:
            data: The file.
            every: Whether voice and JSON are taken as well as photos and papers.

        Raises:
            InputError: It is empty, too large, or of a kind that is not kept.
        """
        if not data or len(data) > self._max:
            raise InputError(
                f"a file has 1 to {self._max} bytes, not {len(data)}", fix="send a smaller file"
            )
        media = media_of(data, every=every)
        digest = hashlib.sha256(data).hexdigest()
        name = _name(digest)
        if not self._objects.has(name):
            self._objects.put(name, data)
        return digest, media

    def get(self, digest: str) -> bytes:
        """Return a file.

        Raises:
            InputError: There is none, or its bytes are not what they were.
        """
        name = _name(digest)
        try:
            data = self._objects.get(name)
        except InputError as error:
            raise InputError("no such file", thing=digest, fix="send it again") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise InputError("file was damaged", thing=digest, fix="restore it from a backup")
        return data


def _name(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise InputError("not the name of a file", thing=digest[:80], fix="give its SHA-256")
    return f"{digest[:2]}/{digest}"
