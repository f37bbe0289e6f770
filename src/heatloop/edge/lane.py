"""All segments of one spool epoch: rows numbered from 1 without a hole, oldest deleted when safe.

A lane keeps an index of what is not yet acknowledged, and the newest bodies in memory, so the
usual life of a record is: written, fsynced, sent from memory, acknowledged, forgotten.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from heatloop.edge.files import make_durable, sync_folder, write_all
from heatloop.edge.lane_index import LaneIndex
from heatloop.edge.segment import (
    HEADER_BYTES,
    SegmentHeader,
    SpoolRecord,
    pack_record,
    read_records,
)
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.errors import LinkError


class Lane:
    """One epoch's segments in one folder.

    One thread at a time may append; `lock` is held only while the index changes, never during
    an fsync, so that an event loop may ask for what is pending at any time.
    """

    def __init__(
        self,
        folder: Path,
        epoch: int,
        lock: threading.Lock,
        *,
        cache_bytes: int,
        segment_bytes: int,
    ) -> None:
        self.folder, self.epoch, self._lock = folder, epoch, lock
        self.next_seq = 1
        self.last_slot = 0
        self.size = 0
        self.rescued: list[SpoolRecord] = []
        self._segment_bytes = segment_bytes
        self._waiting = LaneIndex(cache_bytes)
        self._segments: list[tuple[int, Path, int]] = []  # first sequence, path, bytes
        self._fd: int | None = None
        self._path = folder

    @property
    def rows(self) -> int:
        """Rows not yet acknowledged."""
        first = self._waiting.first
        return self.next_seq - first if first is not None else 0

    @property
    def segments(self) -> int:
        """Files on disk."""
        return len(self._segments)

    def create(self, last_slot: int) -> None:
        """Make the folder and the first segment."""
        self.folder.mkdir()
        self.last_slot = last_slot
        self._start_segment()
        sync_folder(self.folder.parent)

    def load(self) -> bool:
        """Read every segment; return whether the lane exists (its first header was written).

        A torn tail is cut off before the next append. Whole records after a damaged place go to
        `rescued`, for the spool to number anew: the platform takes no epoch with a hole.
        """
        found = False
        for path in sorted(self.folder.glob("*.seg")):
            data = path.read_bytes()
            header = SegmentHeader.from_bytes(data)
            if header is None or header.epoch != self.epoch:
                path.unlink()  # cut while being made: it never held a promised record
                continue
            if not found:
                self.next_seq = header.first
            found = True
            self.last_slot = max(self.last_slot, header.last_slot)
            self._load_segment(path, data, header.first)
        return found

    def _load_segment(self, path: Path, data: bytes, first: int) -> None:
        good = HEADER_BYTES
        hole = first != self.next_seq or bool(self.rescued)
        for start, end, record in read_records(data):
            if record is None:
                hole = True
            elif hole or record.first != self.next_seq:
                hole = True
                self.rescued.append(record)
            else:
                self._index(record, path, start)
                good = end
        self._segments.append((first, path, good))
        self.size += good

    def cut_damage(self) -> None:
        """Cut off what was rescued, once it stands in another lane."""
        for first, path, good in self._segments[1:]:
            if first > self.next_seq:
                path.unlink()
                self.size -= good
        self._segments = [s for s in self._segments if s[0] <= self.next_seq]
        for _, path, good in self._segments:
            os.truncate(path, good)
        self.rescued.clear()

    def _index(self, record: SpoolRecord, path: Path, at: int) -> None:
        self._waiting.add(record, path, at)
        self.next_seq = record.last + 1
        if record.kind is EnvelopeKind.SAMPLES and not record.late:
            self.last_slot = max(self.last_slot, record.slot_max)

    def append(
        self,
        kind: EnvelopeKind,
        count: int,
        slot_min: int,
        slot_max: int,
        body: bytes,
        *,
        late: bool = False,
    ) -> int:
        """Write one record; return its last sequence when it is on the medium.

        Raises:
            LinkError: The medium is full or broken; nothing of the record is kept.
        """
        record = SpoolRecord(
            first=self.next_seq,
            count=count,
            kind=kind,
            slot_min=slot_min,
            slot_max=slot_max,
            body=body,
            late=late,
        )
        data = pack_record(record)
        at = 0
        try:
            fd = self._writable(len(data))
            first, path, at = self._segments[-1]
            write_all(fd, data)
            make_durable(fd)
        except OSError as error:
            if at:
                self._give_back(at)
            raise LinkError(
                f"spool cannot be written: {error.strerror}",
                thing=str(self.folder),
                fix="free or repair the disk",
            ) from error
        with self._lock:
            self._segments[-1] = (first, path, at + len(data))
            self.size += len(data)
            self._index(record, path, at)
        return record.last

    def _writable(self, size: int) -> int:
        if self._fd is None and self._segments:
            _, path, end = self._segments[-1]
            fd = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                os.ftruncate(fd, end)
            except OSError:
                os.close(fd)
                raise
            self._fd = fd
        end = self._segments[-1][2] if self._segments else 0
        if self._fd is None or (end > HEADER_BYTES and end + size > self._segment_bytes):
            self._start_segment()
        assert self._fd is not None
        return self._fd

    def _give_back(self, at: int) -> None:
        # Half a record must not stay in front of the next one; if it cannot be cut off now,
        # it is when the file is opened again.
        assert self._fd is not None
        try:
            os.ftruncate(self._fd, at)
        except OSError:
            os.close(self._fd)
            self._fd = None

    def _start_segment(self) -> None:
        path = self.folder / f"{self.next_seq:016x}.seg"
        header = SegmentHeader(epoch=self.epoch, first=self.next_seq, last_slot=self.last_slot)
        fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            write_all(fd, header.to_bytes())
            make_durable(fd)
            sync_folder(self.folder)
        except OSError:
            os.close(fd)
            raise
        if self._fd is not None:
            os.close(self._fd)
        self._fd = fd
        with self._lock:
            self._segments.append((self.next_seq, path, HEADER_BYTES))
            self.size += HEADER_BYTES
            self._drop_segments()

    def pending(self, after: int, max_rows: int) -> list[SpoolRecord]:
        """Return whole records after a sequence (the caller holds the lock); see `Spool`."""
        return self._waiting.pending(after, max_rows)

    def ack(self, through: int) -> None:
        """Forget what is safe elsewhere (the caller holds the lock); see `Spool`."""
        if self._waiting.ack(through):
            self._drop_segments()

    @property
    def first_segment(self) -> int:
        """Sequence the oldest segment begins with."""
        return self._segments[0][0]

    def oldest(self) -> list[SpoolRecord]:
        """Return what is not yet acknowledged in the oldest segment (the caller holds the lock).

        Empty when the whole of it is safe elsewhere, or there is none.
        """
        return self._waiting.of(self._segments[0][1]) if self._segments else []

    @property
    def renewable(self) -> bool:
        """Whether the oldest segment may go: there is a newer one, or it can be made."""
        return len(self._segments) > 1 or any(self.next_seq > s[0] for s in self._segments)

    def renew(self) -> None:
        """Begin a new segment if there is only one, so that the oldest may go.

        Raises:
            LinkError: The medium is full or broken.
        """
        if len(self._segments) == 1:
            try:
                self._start_segment()
            except OSError as error:
                raise LinkError(
                    f"spool cannot be written: {error.strerror}", thing=str(self.folder)
                ) from error

    def drop_oldest(self) -> None:
        """Delete the oldest of several segments (the caller holds the lock)."""
        _, path, size = self._segments.pop(0)
        self._waiting.ack(self._segments[0][0] - 1)
        self.size -= size
        path.unlink(missing_ok=True)

    def _drop_segments(self) -> None:
        # The newest segment stays: its header is what remembers the next sequence.
        first = self._waiting.first
        needed = self.next_seq if first is None else first
        while len(self._segments) > 1 and self._segments[1][0] <= needed:
            _, path, size = self._segments.pop(0)
            self.size -= size
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the lane's files and folder."""
        self.close()
        for path in self.folder.glob("*"):
            path.unlink()
        self.folder.rmdir()

    def close(self) -> None:
        """Close the open segment."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
