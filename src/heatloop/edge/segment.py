"""One file of the spool: a header, then records, each under its own checksum.

Bytes, little-endian::

    header  "HLSP" | u8 version | u64 epoch | u64 first sequence | u32 last slot before | u32 CRC
    record  u32 CRC | u32 body length | u8 kind | u64 first | u32 count | u32 slot min | u32 max
            body (kind 0: `SampleBatch.to_bytes()`, kind 1: JSON list of notes)

Bit 7 of the kind marks samples that came by themselves (reports, late answers): they do not
say that a poll slot was done.

The CRC of a record covers all after it. A record that was cut short by a crash was never
promised to anybody: it is dropped when the file is opened.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from heatloop.kernel.envelope import EnvelopeKind

VERSION = 1
_HEADER = struct.Struct("<4sBQQII")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<IBQIII")
HEADER_BYTES = _HEADER.size
RECORD_BYTES = _CRC.size + _RECORD.size
_MAGIC = b"HLSP"
_LATE = 0x80


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentHeader:
    """What a segment says about itself."""

    epoch: int
    """Spool epoch it belongs to."""
    first: int
    """Sequence of its first row."""
    last_slot: int
    """Latest polled slot spooled before it; 0 if none."""

    def to_bytes(self) -> bytes:
        """Return the header's bytes."""
        plain = _HEADER.pack(_MAGIC, VERSION, self.epoch, self.first, self.last_slot, 0)
        return plain[:-4] + _CRC.pack(zlib.crc32(plain[:-4]))

    @classmethod
    def from_bytes(cls, data: bytes) -> SegmentHeader | None:
        """Return the header, or None if it is not whole."""
        if len(data) < HEADER_BYTES:
            return None
        magic, version, epoch, first, last_slot, crc = _HEADER.unpack_from(data)
        if magic != _MAGIC or version != VERSION or crc != zlib.crc32(data[: HEADER_BYTES - 4]):
            return None
        return cls(epoch=epoch, first=first, last_slot=last_slot)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolRecord:
    """A run of rows or notes that was spooled, and fsynced, in one go."""

    first: int
    """Sequence of the first row."""
    count: int
    """Rows."""
    kind: EnvelopeKind
    """Samples or notes."""
    slot_min: int
    """Earliest slot (notes: plant time)."""
    slot_max: int
    """Latest slot."""
    body: bytes
    """Uncompressed."""
    late: bool = False
    """Whether it is no proof that the poll of its slot was done."""

    @property
    def last(self) -> int:
        """Sequence of the last row."""
        return self.first + self.count - 1


def pack_record(record: SpoolRecord) -> bytes:
    """Return the record's bytes."""
    head = _RECORD.pack(
        len(record.body),
        record.kind | (_LATE if record.late else 0),
        record.first,
        record.count,
        record.slot_min,
        record.slot_max,
    )
    return b"".join((_CRC.pack(zlib.crc32(record.body, zlib.crc32(head))), head, record.body))


def read_records(data: bytes) -> Iterator[tuple[int, int, SpoolRecord | None]]:
    """Yield (start, end, record) through a segment's bytes; None where the checksum is wrong.

    Stops at the first record that is not whole, because nothing tells where the next begins.
    """
    at = HEADER_BYTES
    while at + RECORD_BYTES <= len(data):
        (crc,) = _CRC.unpack_from(data, at)
        size, kind, first, count, low, high = _RECORD.unpack_from(data, at + _CRC.size)
        end = at + RECORD_BYTES + size
        if end > len(data):
            return
        if crc != zlib.crc32(data[at + _CRC.size : end]) or kind & ~_LATE > EnvelopeKind.NOTES:
            yield at, end, None
        else:
            yield (
                at,
                end,
                SpoolRecord(
                    first=first,
                    count=count,
                    kind=EnvelopeKind(kind & ~_LATE),
                    late=bool(kind & _LATE),
                    slot_min=low,
                    slot_max=high,
                    body=data[at + RECORD_BYTES : end],
                ),
            )
        at = end
