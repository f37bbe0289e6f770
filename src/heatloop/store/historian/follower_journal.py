"""What one of two historians has missed, kept in a file until it has caught up.

A record, little-endian::

    u32 CRC-32 of the rest | frame of `wire`: u32 length, head, columns
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from heatloop.store.historian import wire
from heatloop.store.historian.wire import Arrays, Head

MOST_BYTES = 8 << 30
"""A journal beyond this is given up: its historian must be copied anew from the other one."""

_CRC = struct.Struct("<I")


class Journal:
    """Records in the order they were added; one caller at a time, away from the event loop."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._path, self._most_bytes = path, most_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._size = self._whole()
        # What a crash left half-written was never acknowledged.
        self._file.truncate(self._size)
        self._taken = 0

    @property
    def empty(self) -> bool:
        """Whether everything was taken."""
        return self._taken >= self._size

    @property
    def full(self) -> bool:
        """Whether nothing more is added."""
        return self._size >= self._most_bytes

    @property
    def waiting_bytes(self) -> int:
        """Bytes not yet taken."""
        return self._size - self._taken

    def add(self, head: Head, arrays: Arrays) -> None:
        """Add a record; it is on the disk when this returns."""
        if self.full:
            return
        body = b"".join(wire.encode(head, arrays))
        record = _CRC.pack(zlib.crc32(body)) + body
        self._file.seek(0, os.SEEK_END)
        self._file.write(record)
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._size += len(record)

    def next(self, count: int) -> tuple[list[bytes], int]:
        """Return the payloads of the next records, and where the last one ends."""
        found: list[bytes] = []
        at = self._taken
        for payload, end in self._records(at):
            if len(found) == count or end > self._size:
                break
            found.append(payload)
            at = end
        return found, at

    def took(self, end: int) -> None:
        """Forget the records before `end`; the file is emptied when all were taken."""
        self._taken = end
        if self.empty:
            self._file.truncate(0)
            os.fdatasync(self._file.fileno())
            self._size = self._taken = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _whole(self) -> int:
        size = 0
        for _, end in self._records(0):
            size = end
        return size

    def _records(self, at: int) -> Iterator[tuple[bytes, int]]:
        prefix = _CRC.size + wire.LENGTH.size
        while True:
            self._file.seek(at)
            begin = self._file.read(prefix)
            if len(begin) < prefix:
                return
            (crc,), length = _CRC.unpack(begin[: _CRC.size]), begin[_CRC.size :]
            size = wire.LENGTH.unpack(length)[0]
            payload = self._file.read(size)
            if len(payload) < size or zlib.crc32(length + payload) != crc:
                return
            at += prefix + size
            yield payload, at
