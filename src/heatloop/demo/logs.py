"""What the city's devices said on the wire, written down as it is said, for checks afterwards.

`answers.bin`, a record an answered read, little-endian head and words as sent (big-endian)::

    u32 plant seconds | u16 device number | u16 first register | u16 count | count x u16 words

`reports.bin`, a record an event of a report, little-endian::

    u8 state (0 attempted, 1 acknowledged, 2 refused) | u16 collector number | u32 measured at
    u32 counter | 6 x i32 raw fields (INT32_MIN: not measured)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

ANSWER = struct.Struct("<IHHH")
REPORT = struct.Struct("<BHII6i")
NOT_MEASURED = -(1 << 31)


class ReportState(IntEnum):
    """What happened to a report."""

    ATTEMPTED = 0
    ACKNOWLEDGED = 1
    REFUSED = 2


class WireLog:
    """A file that only grows; a record is handed to the system before the answer leaves.

    Nothing is buffered here, so killing the process loses nothing that was said.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, record: bytes) -> None:
        """Append one whole record."""
        os.write(self._file, record)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_answers(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (plant seconds, device number, first register, words as sent); a torn tail ends it."""
    data = path.read_bytes() if path.exists() else b""
    at = 0
    while at + ANSWER.size <= len(data):
        plant_s, device, start, count = ANSWER.unpack_from(data, at)
        end = at + ANSWER.size + 2 * count
        if end > len(data):
            return
        yield plant_s, device, start, data[at + ANSWER.size : end]
        at = end
