"""Which records of a lane are not yet acknowledged, and where; the newest kept in memory."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from heatloop.edge.segment import RECORD_BYTES, SpoolRecord
from heatloop.kernel.envelope import EnvelopeKind

_LAST = attrgetter("last")


@dataclass(slots=True)
class _Entry:
    """Where a record stands, and its content while that is cheap to keep."""

    first: int
    last: int
    kind: EnvelopeKind
    slot_min: int
    slot_max: int
    path: Path
    at: int
    size: int
    body: bytes | None


class LaneIndex:
    """The records not yet acknowledged, in order.

    Args:
        cache_bytes: Bodies kept in memory; beyond that they are read back from the file.
    """

    def __init__(self, cache_bytes: int) -> None:
        self._cache_bytes = cache_bytes
        self._cached = 0
        self._entries: list[_Entry] = []

    @property
    def first(self) -> int | None:
        """First sequence not yet acknowledged, if any."""
        return self._entries[0].first if self._entries else None

    def add(self, record: SpoolRecord, path: Path, at: int) -> None:
        """Note a record that starts at byte `at` of a segment."""
        keep = self._cached + len(record.body) <= self._cache_bytes
        if keep:
            self._cached += len(record.body)
        self._entries.append(
            _Entry(
                record.first,
                record.last,
                record.kind,
                record.slot_min,
                record.slot_max,
                path,
                at + RECORD_BYTES,
                len(record.body),
                record.body if keep else None,
            )
        )

    def pending(self, after: int, max_rows: int) -> list[SpoolRecord]:
        """Return whole records after a sequence: at least one, at most about `max_rows` rows."""
        found: list[SpoolRecord] = []
        rows = 0
        for index in range(bisect_right(self._entries, after, key=_LAST), len(self._entries)):
            entry = self._entries[index]
            count = entry.last - entry.first + 1
            rows += count
            if found and rows > max_rows:
                break
            found.append(
                SpoolRecord(
                    first=entry.first,
                    count=count,
                    kind=entry.kind,
                    slot_min=entry.slot_min,
                    slot_max=entry.slot_max,
                    body=entry.body if entry.body is not None else _read(entry),
                )
            )
        return found

    def of(self, path: Path) -> list[SpoolRecord]:
        """Return the records that stand in one segment, read back where need be."""
        return [
            SpoolRecord(
                first=entry.first,
                count=entry.last - entry.first + 1,
                kind=entry.kind,
                slot_min=entry.slot_min,
                slot_max=entry.slot_max,
                body=entry.body if entry.body is not None else _read(entry),
            )
            for entry in self._entries
            if entry.path == path
        ]

    def ack(self, through: int) -> bool:
        """Forget records up to a sequence; return whether there were any."""
        keep = bisect_right(self._entries, through, key=_LAST)
        for entry in self._entries[:keep]:
            if entry.body is not None:
                self._cached -= len(entry.body)
        del self._entries[:keep]
        return keep > 0


def _read(entry: _Entry) -> bytes:
    fd = os.open(entry.path, os.O_RDONLY)
    try:
        return os.pread(fd, entry.size, entry.at)
    finally:
        os.close(fd)
