"""Where bytes are kept by name: a folder, or a bucket of an S3-compatible store.

A name is words joined by slashes. An object is there whole or not at all; what was put is read
back byte for byte, and whoever needs to know keeps its checksum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from heatloop.kernel.errors import ConfigError, InputError

_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object that is kept."""

    name: str
    """Its name."""
    size_bytes: int
    """Its size."""


class ObjectStore(Protocol):
    """Keeps bytes by name; safe between threads."""

    @property
    def url(self) -> str:
        """Return where it is, for people; holds no secret."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes, durable on return; what was there under the name is replaced.

        Raises:
            InputError: That is no name.
            LinkError: The store cannot be written.
        """
        ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Return an object, or `length` bytes of it from `start`.

        Raises:
            InputError: There is none, or it ends before.
            LinkError: The store cannot be read.
        """
        ...

    def has(self, name: str) -> bool:
        """Return whether there is such an object."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Give the objects below a prefix (words, without a slash at the end), by name."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; one that is not there is left so."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Access:
    """How to come to an S3-compatible store."""

    endpoint: str = "https://s3.amazonaws.com"
    """`https://host[:port]`; plain http only to this machine."""
    region: str = ""
    """Region; empty where the store has none."""
    access_key: str = ""
    """Name of the key."""
    secret_file: str = ""
    """File with its secret, readable by its owner alone."""
    ca_file: str = ""
    """PEM of the store's certificate authority; empty: the system's."""


def check_name(name: str) -> str:
    """Return a name that may be used.

    Raises:
        InputError: It is none.
    """
    words = name.split("/")
    if len(name) > 500 or not all(_WORD.fullmatch(word) for word in words):
        raise InputError("not the name of an object", thing=name[:80], fix="use letters and digits")
    return name


def no_object(name: str) -> InputError:
    """Return the error for a name that is not there."""
    return InputError("no such object", thing=name, fix="check the name and the store")


def open_objects(url: str, access: S3Access | None = None) -> ObjectStore:
    """Return the store of a folder or of `s3://bucket/prefix`.

    Raises:
        ConfigError: It is neither, or the access to it is not complete.
    """
    if not url:
        raise ConfigError("no place to keep objects", thing="to", fix="give a folder or s3://...")
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        from heatloop.store.objects_folder import FolderObjects

        return FolderObjects(Path(parts.path if parts.scheme else url))
    if parts.scheme == "s3" and parts.netloc:
        from heatloop.store.objects_s3 import S3Objects

        return S3Objects(parts.netloc, parts.path.strip("/"), access or S3Access())
    raise ConfigError("no such store", thing=url, fix="give a folder or s3://bucket/prefix")
