"""Pieces of files on their way to a target: named by content, packed, compressed, sealed.

A chunk is named by an HMAC of its content under the chain's key, so a piece that is there already
is not carried again, and its name tells nobody what is in it. Chunks travel in packs of some
megabytes, because object stores dislike many small objects.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.keys import seal, unseal
from heatloop.store.backup_keys import ChainKey
from heatloop.store.objects import ObjectStore

CHUNK_BYTES = 4 << 20
"""Size of a piece of most files."""
PAGE_CHUNK_BYTES = 64 << 10
"""Size of a piece of a file that changes in place, so that little of it is carried again."""
PACK_BYTES = 32 << 20
_PLAIN, _ZLIB = b"\x00", b"\x01"
_PROBE, _WORTH = 64 << 10, 0.95
_HELD_PACKS = 6


class Place(NamedTuple):
    """Where a chunk is."""

    pack: int
    """Which of the packs."""
    start: int
    """Where in it."""
    length: int
    """How many bytes there."""
    sealed: bool
    """Whether they are encrypted."""


def pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Give a file in pieces."""
    while data := file.read(size):
        yield data


def _packed(data: bytes) -> bytes:
    # What the historian keeps is compressed already: a look at its start saves most of the time.
    head = data[:_PROBE]
    if len(zlib.compress(head, 1)) > _WORTH * len(head):
        return _PLAIN + data
    return _ZLIB + zlib.compress(data, 1)


def _unpacked(frame: bytes) -> bytes:
    kind, data = frame[:1], frame[1:]
    try:
        if kind == _ZLIB:
            return zlib.decompress(data)
    except zlib.error as error:
        raise InputError("piece is damaged", fix="restore another backup") from error
    if kind != _PLAIN:
        raise InputError("piece is damaged", fix="restore another backup")
    return data


class ChunkWriter:
    """Carries pieces to a target, each once.

    Args:
        store: The target.
        folder: Prefix of the packs.
        run: Id of the run; the packs are named after it.
        key: What to seal with.
        packs: Packs that are there already.
        known: Pieces that are there already, by name.
    """

    def __init__(
        self,
        store: ObjectStore,
        folder: str,
        run: str,
        key: ChainKey,
        packs: list[str],
        known: Mapping[str, Place],
    ) -> None:
        self._store, self._folder, self._run, self._key = store, folder, run, key
        self.packs = packs
        """Names of all packs, those of this run at the end."""
        self.places: dict[str, Place] = dict(known)
        """Where every piece is."""
        self.carried = 0
        """Bytes carried."""
        self._room = bytearray()
        self._count = 0

    def add(self, data: bytes, *, secret: bool = False) -> str:
        """Carry a piece unless it is there; return its name.

        Args:
            data: The piece.
            secret: Whether it is sealed even where the chain is not.
        """
        name = chunk_name(self._key, data)
        held = self.places.get(name)
        sealed = secret or self._key.encrypted
        if held is not None and (held.sealed or not sealed):
            return name
        frame = _packed(data)
        if sealed:
            frame = seal(self._key.key_id, self._key.key, frame, name.encode())
        if self._room and len(self._room) + len(frame) > PACK_BYTES:
            self.flush()
        self.places[name] = Place(len(self.packs), len(self._room), len(frame), sealed)
        self._room += frame
        return name

    def flush(self) -> None:
        """Carry what waits."""
        if not self._room:
            return
        name = f"{self._folder}/{self._run}-{self._count:05d}"
        self._store.put(name, bytes(self._room))
        self.packs.append(name)
        self.carried += len(self._room)
        self._count += 1
        self._room.clear()


class ChunkReader:
    """Gives pieces back, each checked against its name.

    Args:
        store: Where they are.
        key: What they are sealed with.
        packs: Names of the packs.
        places: Where every piece is.
    """

    def __init__(
        self, store: ObjectStore, key: ChainKey, packs: list[str], places: Mapping[str, Place]
    ) -> None:
        self._store, self._key, self._packs, self._places = store, key, packs, places
        self._held: OrderedDict[int, bytes] = OrderedDict()

    def get(self, name: str) -> bytes:
        """Return a piece.

        Raises:
            InputError: It is not there, or damaged.
            UnsafeError: It was changed.
        """
        place = self._places.get(name)
        if place is None or place.pack >= len(self._packs):
            raise InputError("backup lacks a piece", thing=name, fix="restore another backup")
        frame = self._pack(place.pack)[place.start : place.start + place.length]
        if place.sealed:
            frame = unseal({self._key.key_id: self._key.key}, frame, name.encode())
        data = _unpacked(frame)
        if not hmac.compare_digest(chunk_name(self._key, data), name):
            raise UnsafeError("piece of a backup was changed", thing=name, fix="restore another")
        return data

    def _pack(self, number: int) -> bytes:
        # Pieces of one file lie side by side: a whole pack is one request instead of many.
        if number not in self._held:
            self._held[number] = self._store.get(self._packs[number])
            if len(self._held) > _HELD_PACKS:
                self._held.popitem(last=False)
        self._held.move_to_end(number)
        return self._held[number]


def chunk_name(key: ChainKey, data: bytes) -> str:
    """Return the name of a piece, 40 hexadecimal digits."""
    return hmac.new(key.key, data, hashlib.sha256).hexdigest()[:40]
