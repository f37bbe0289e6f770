"""Stretches of the audit trail as signed files: the copy elsewhere, sealed periods, exports.

A file has one line an entry, `{"entry": {...}, "hash": "..."}`, and at the end a signed document
that names both ends of the stretch, the hash before it and the SHA-256 of all lines before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.keys import KeyRing, open_document, sign_document
from heatloop.security.provider import Signer
from heatloop.store.objects import ObjectStore

Entry = tuple[dict[str, Any], str]
FORMAT = "heatloop audit 1"
_FOLDER = "audit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A file that was read: its entries and what its end says."""

    entries: list[Entry]
    """Entries and their hashes."""
    previous: str
    """Hash before the first."""
    key_id: str
    """Key that signed."""


def segment_bytes(key: Signer, entries: Sequence[Entry], previous: str) -> bytes:
    """Return the file of a stretch.

    Args:
        key: Signs it.
        entries: Entries and their hashes, one at least.
        previous: Hash before the first.
    """
    body = b"".join(canonical({"entry": e, "hash": h}) + b"\n" for e, h in entries)
    end = {
        "format": FORMAT,
        "first": entries[0][0]["seq"],
        "last": entries[-1][0]["seq"],
        "previous": previous,
        "hash": entries[-1][1],
        "sha256": hashlib.sha256(body).hexdigest(),
        "public_key": key.public.hex(),
    }
    return body + canonical({"signed": sign_document(key, end)}) + b"\n"


def read_segment(data: bytes, ring: KeyRing | None = None, *, place: str = "") -> Segment:
    """Return what a file holds.

    Args:
        data: The file.
        ring: Keys that are trusted; None: whatever key the file names.
        place: Name of the file, for people.

    Raises:
        InputError: It is no such file, or cut short.
        UnsafeError: It was changed, or signed by somebody else.
    """
    body, _, last = data.rstrip(b"\n").rpartition(b"\n")
    body = body + b"\n" if body else b""
    end = decode(last)
    if not isinstance(end, dict) or "signed" not in end:
        raise InputError("audit file has no end", place=place, fix="copy it again")
    signed = end["signed"]
    if ring is None:
        told = decode(str(signed.get("body", "{}")).encode())
        ring = KeyRing([bytes.fromhex(str(told.get("public_key", "")))])
    doc = open_document(ring, signed)
    if doc.get("format") != FORMAT or doc.get("sha256") != hashlib.sha256(body).hexdigest():
        raise UnsafeError("audit file was changed", place=place, fix="use another copy")
    entries = list(entries_of(body))
    return Segment(entries=entries, previous=str(doc["previous"]), key_id=str(signed["key_id"]))


def entries_of(data: bytes) -> Iterator[Entry]:
    """Yield the entries of lines; a syslog server's own words before the JSON are left out.

    Raises:
        InputError: A line with an entry cannot be read.
    """
    for number, line in enumerate(data.splitlines(), 1):
        start = line.find(b'{"entry":')
        if start < 0:
            continue
        values = decode(line[start:])
        if not isinstance(values, dict) or not isinstance(values.get("entry"), dict):
            raise InputError("not an entry", place=f"line {number}")
        yield values["entry"], str(values.get("hash", ""))


def segment_name(entries: Sequence[Entry]) -> str:
    """Return the name a stretch is kept under: in order, and never used twice."""
    first, last = int(entries[0][0]["seq"]), int(entries[-1][0]["seq"])
    return f"{_FOLDER}/{first:012d}-{last:012d}-{entries[-1][1][:12]}.jsonl"


def read_feed(store: ObjectStore, ring: KeyRing | None = None) -> Iterator[Entry]:
    """Yield the entries of a copy in a folder or object store, in order.

    Raises:
        InputError: A file is cut short, or one is missing between two others.
        UnsafeError: A file was changed, or signed by somebody else.
    """
    last = 0
    for info in sorted(store.list(_FOLDER), key=lambda each: each.name):
        segment = read_segment(store.get(info.name), ring, place=info.name)
        first = int(segment.entries[0][0]["seq"])
        if last and first > last + 1:
            raise InputError(
                f"entries {last + 1} to {first - 1} are missing from the copy",
                place=info.name,
                fix="find the file",
            )
        for entry, digest in segment.entries:
            if int(entry["seq"]) > last:
                last = int(entry["seq"])
                yield entry, digest


def read_lines(path: Path) -> Iterator[Entry]:
    """Yield the entries of one file of lines, a syslog server's for example, in order, once each.

    Raises:
        InputError: It cannot be read.
    """
    try:
        found = {int(e["seq"]): (e, h) for e, h in entries_of(path.read_bytes())}
    except OSError as error:
        raise InputError(f"copy cannot be read: {error.strerror}", thing=str(path)) from error
    for seq in sorted(found):
        yield found[seq]


class FeedCopy:
    """The copy in a folder or an object store: files are added, none is ever written again."""

    def __init__(self, store: ObjectStore, key: Callable[[], Signer]) -> None:
        self._store, self._key = store, key

    @property
    def name(self) -> str:
        """Return where to."""
        return self._store.url

    def send(self, entries: Sequence[Entry], previous: str) -> None:
        """Add entries; durable on return.

        Raises:
            LinkError: The store cannot be written.
        """
        self._store.put(segment_name(entries), segment_bytes(self._key(), entries, previous))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first place where the trail is not what a copy says."""

    seq: int
    """The entry."""
    what: str
    """`altered`, `missing` (from the trail) or `inserted` (into the trail)."""
    fields: tuple[str, ...] = ()
    """What of it differs."""
    here: dict[str, Any] | None = None
    """The entry in the trail."""
    there: dict[str, Any] | None = None
    """The entry in the copy."""


def compare(trail: Iterable[Entry], copy: Iterable[Entry]) -> tuple[int, Difference | None]:
    """Return how many entries are the same in both, and the first difference.

    The trail may go on behind the copy's end (it is newer); it may begin before the copy (which
    was set up later) or after it (whole periods were dropped).
    """
    here, there = iter(trail), iter(copy)
    ours, theirs = next(here, None), next(there, None)
    same, begun = 0, False
    while theirs is not None:
        left, right = None if ours is None else int(ours[0]["seq"]), int(theirs[0]["seq"])
        if left is None or left > right:
            if begun or left is None:
                return same, Difference(seq=right, what="missing", there=theirs[0])
            theirs = next(there, None)
            continue
        assert ours is not None
        if left < right and not begun:
            ours = next(here, None)
            continue
        if left < right:
            return same, Difference(seq=left, what="inserted", here=ours[0])
        begun = True
        if ours != theirs:
            names = sorted({*ours[0], *theirs[0]})
            differ = tuple(n for n in names if ours[0].get(n) != theirs[0].get(n)) or ("hash",)
            return same, Difference(
                seq=left, what="altered", fields=differ, here=ours[0], there=theirs[0]
            )
        same += 1
        ours, theirs = next(here, None), next(there, None)
    return same, None
