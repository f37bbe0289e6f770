"""What a battery room collector sends: one small datagram with a counter and a checksum.

Bytes, little-endian::

    u8 version (1) | u8 n, n bytes device code | u32 measured at | u32 counter
    u8 m, ceil(m / 8) bytes presence bits (field 0 is bit 0) | present fields | u32 CRC-32

A field is the raw integer of the profile's row (value = raw * factor), zigzag-coded in groups
of 7 bits, lowest first, bit 7 set on all but the last: a usual report takes about 30 bytes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from heatloop.kernel.errors import InputError

VERSION = 1
MAX_FIELDS = 64
MAX_REPORT_BYTES = 1024
_TIMES = struct.Struct("<II")
_CRC = struct.Struct("<I")


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomReport:
    """One report of one collector."""

    device_code: str
    """Device code of the ledger, also its endpoint name."""
    at_s: int
    """When it was measured, plant seconds since 1970 UTC."""
    counter: int
    """Rises by one a report, u32; a report sent again keeps its counter."""
    fields: tuple[int | None, ...]
    """Raw integers in profile order; None: not measured."""


def report_slot(at_s: int, period_s: int) -> int:
    """Return the slot a report belongs to: its time, floored to the point's period."""
    return at_s - at_s % period_s


def _varint(number: int) -> bytes:
    coded = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while coded > 0x7F:
        out.append(coded & 0x7F | 0x80)
        coded >>= 7
    out.append(coded)
    return bytes(out)


def encode_report(report: RoomReport) -> bytes:
    """Return the report's bytes.

    Raises:
        InputError: The code is too long, there are too many fields, or a number is too large.
    """
    code = report.device_code.encode()
    count = len(report.fields)
    if not 0 < len(code) <= 255 or count > MAX_FIELDS:
        raise InputError("report has no or too long a code, or too many fields", thing="report")
    if any(f is not None and not -(1 << 62) <= f < 1 << 62 for f in report.fields):
        raise InputError("a field is beyond 62 bits", thing=report.device_code)
    mask = sum(1 << i for i, value in enumerate(report.fields) if value is not None)
    try:
        times = _TIMES.pack(report.at_s, report.counter)
    except struct.error as error:
        raise InputError("time and counter are u32", thing=report.device_code) from error
    body = b"".join(
        (
            bytes((VERSION, len(code))),
            code,
            times,
            bytes((count,)),
            mask.to_bytes((count + 7) // 8, "little"),
            *(_varint(value) for value in report.fields if value is not None),
        )
    )
    return body + _CRC.pack(zlib.crc32(body))


def decode_report(data: bytes) -> RoomReport:
    """Read a report.

    Raises:
        InputError: The checksum is wrong, or the bytes are no report of this version.
    """
    if not 16 <= len(data) <= MAX_REPORT_BYTES:
        raise InputError(f"a report has 16 to {MAX_REPORT_BYTES} bytes", place="length")
    body = data[:-4]
    if _CRC.unpack(data[-4:])[0] != zlib.crc32(body):
        raise InputError("report checksum is wrong", place="CRC", fix="send it again")
    if body[0] != VERSION:
        raise InputError(f"report version {body[0]} is not known", fix=f"send version {VERSION}")
    try:
        at = 2 + body[1]
        code = body[2:at].decode()
        at_s, counter = _TIMES.unpack_from(body, at)
        at += _TIMES.size
        count = body[at]
        mask_end = at + 1 + (count + 7) // 8
        mask = int.from_bytes(body[at + 1 : mask_end], "little")
        at = mask_end
        fields: list[int | None] = []
        for index in range(count):
            if mask >> index & 1:
                value, at = _read_varint(body, at)
                fields.append(value)
            else:
                fields.append(None)
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise InputError(f"report is malformed: {error}", fix="send it again") from error
    if not code or count > MAX_FIELDS or mask >> count or at != len(body):
        raise InputError("report is malformed: length or presence bits", fix="send it again")
    return RoomReport(device_code=code, at_s=at_s, counter=counter, fields=tuple(fields))


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    coded = shift = 0
    while True:
        byte = data[at]
        at += 1
        coded |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (coded >> 1) ^ -(coded & 1), at
        shift += 7
        if shift > 63:
            raise IndexError("number is too long")
