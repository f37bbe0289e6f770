"""What a replica missed while it was away, kept on disk until it has been handed over."""

from __future__ import annotations

import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.store.historian import wire

MOST_BYTES = 8 << 30
_RECORD = struct.Struct("<II")


class Hints:
    """An append-only file of writes, synced before a write counts as kept.

    When it grows beyond `most_bytes` it is given up: from then on the replica is known to lack
    what came in since, and is filled from its neighbour instead (`gap`).
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._gap_path = path, path.with_suffix(".gap")
        self._most = most_bytes
        self._lock = threading.Lock()
        self._file = path.open("a+b", buffering=0)
        _sync_folder(path.parent)
        try:
            self._size = self._whole()
        except InputError:
            self._file.close()
            raise
        self._file.truncate(self._size)
        self._gap: tuple[int, int] | None = None
        if self._gap_path.exists():
            start, end = json.loads(self._gap_path.read_text())
            self._gap = int(start), int(end)

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits to be handed over."""
        return self._size

    @property
    def gap(self) -> tuple[int, int] | None:
        """Return the slots [start, end) of which the replica may lack anything; None for none."""
        return self._gap

    def add(self, head: wire.Head, arrays: Sequence[NDArray[Any]], span: tuple[int, int]) -> None:
        """Keep a write the replica missed; on disk when this returns.

        Args:
            head: Operation, its words and its reception counter.
            arrays: Columns of it.
            span: Slots [start, end) it concerns.

        Raises:
            OSError: This machine's disk is full.
        """
        payload = b"".join(bytes(piece) for piece in wire.encode(head, arrays))
        record = _RECORD.pack(len(payload), zlib.crc32(payload)) + payload
        with self._lock:
            if self._gap is not None or self._size + len(record) > self._most:
                self._widen(span)
                return
            try:
                self._file.write(record)
                os.fdatasync(self._file.fileno())
            except OSError:
                self._file.truncate(self._size)
                raise
            self._size += len(record)

    def note_gap(self, span: tuple[int, int]) -> None:
        """Remember that the replica lacks what concerns these slots."""
        with self._lock:
            self._widen(span)

    def close_gap(self, span: tuple[int, int]) -> bool:
        """Forget the gap, unless it grew beyond `span` meanwhile; return whether it is closed."""
        with self._lock:
            if self._gap == span:
                self._gap_path.unlink(missing_ok=True)
                self._gap = None
            return self._gap is None

    def read(self, start: int = 0) -> Iterator[tuple[int, wire.Head, list[NDArray[Any]]]]:
        """Yield the writes kept from byte `start` on, each with the byte it ends at."""
        at = start
        with self._path.open("rb") as file:
            file.seek(at)
            while at < self._size:
                size, _ = _RECORD.unpack(file.read(_RECORD.size))
                payload = file.read(size)
                head, arrays = wire.decode(payload[wire.LENGTH.size :])
                at += _RECORD.size + size
                yield at, head, arrays

    def forget(self, through: int) -> bool:
        """Empty the file if nothing came behind byte `through`; return whether it is empty."""
        with self._lock:
            if through == self._size:
                self._file.truncate(0)
                os.fdatasync(self._file.fileno())
                self._size = 0
            return self._size == 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _widen(self, span: tuple[int, int]) -> None:
        old = self._gap or span
        gap = min(old[0], span[0]), max(old[1], span[1])
        if gap == self._gap:
            return
        # A gap told twice is filled twice; one not told would be data lost.
        scratch = self._gap_path.with_suffix(".new")
        with scratch.open("w") as file:
            file.write(json.dumps(gap))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, self._gap_path)
        _sync_folder(self._gap_path.parent)
        self._gap = gap

    def _whole(self) -> int:
        """Return up to which byte the file holds whole records; a kill may tear the last."""
        at, end = 0, self._path.stat().st_size
        with self._path.open("rb") as file:
            while at + _RECORD.size <= end:
                size, check = _RECORD.unpack(file.read(_RECORD.size))
                if at + _RECORD.size + size > end:
                    break
                payload = file.read(size)
                if zlib.crc32(payload) != check:
                    if at + _RECORD.size + size < end:
                        raise InputError(
                            "file of missed writes is damaged",
                            thing=str(self._path),
                            fix="remove it and fill that replica from its neighbour",
                        )
                    break
                at += _RECORD.size + size
        return at


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
