"""Protocol-buffer fields: varints, fixed numbers and length-delimited bytes, nothing more.

A message is a run of fields: a key (number * 8 + kind) and the value. Kinds: 0 varint, 1 eight
bytes, 2 length and bytes, 5 four bytes. Unknown fields are read and left out; groups (kinds 3
and 4) are refused.

Reference: Protocol Buffers encoding (protobuf.dev), proto2 as Sparkplug B uses it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_DEPTH = 16
_MAX_VARINT = 10
_U64 = (1 << 64) - 1
_DOUBLE, _FLOAT = struct.Struct("<d"), struct.Struct("<f")


def take_varint(cursor: Cursor, what: str) -> int:
    """Return the next varint, 64 bits.

    Raises:
        InputError: It is cut short or longer than 10 bytes.
    """
    number = 0
    for index in range(_MAX_VARINT):
        byte = cursor.byte(what)
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number & _U64
    raise cursor.refuse(f"{what} is longer than 10 bytes", _MAX_VARINT)


def take_fields(cursor: Cursor) -> Iterator[tuple[int, int, int | bytes, int]]:
    """Yield number, kind, value and place of every field.

    Raises:
        InputError: A field is cut short, has number 0 or a kind that is not used.
    """
    while cursor.left:
        key = take_varint(cursor, "field key")
        number, kind = key >> 3, key & 7
        if number == 0:
            raise cursor.refuse("field number 0 does not exist", 1)
        if kind == VARINT:
            yield number, kind, take_varint(cursor, f"field {number}"), cursor.place
        elif kind == BYTES:
            size = take_varint(cursor, f"length of field {number}")
            place = cursor.place
            yield number, kind, cursor.take(size, f"field {number}"), place
        elif kind in {FIXED64, FIXED32}:
            size = 8 if kind == FIXED64 else 4
            yield number, kind, cursor.take(size, f"field {number}"), cursor.place
        else:
            raise cursor.refuse(f"field {number} has kind {kind}, which is not used", 1)


def varint(number: int) -> bytes:
    """Return a varint.

    Raises:
        InputError: The number is negative or has more than 64 bits.
    """
    if not 0 <= number <= _U64:
        raise InputError(f"{number} has no 64 bits without sign", thing="Sparkplug payload")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field_varint(number: int, value: int) -> bytes:
    """Return a varint field."""
    return varint(number << 3 | VARINT) + varint(value)


def field_bytes(number: int, value: bytes) -> bytes:
    """Return a length-delimited field."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def field_float(number: int, value: float) -> bytes:
    """Return a 32-bit field.

    Raises:
        InputError: The value does not fit.
    """
    try:
        return varint(number << 3 | FIXED32) + _FLOAT.pack(value)
    except OverflowError as error:
        raise InputError(f"{value} does not fit 32 bits", thing="Sparkplug payload") from error


def field_double(number: int, value: float) -> bytes:
    """Return a 64-bit field."""
    return varint(number << 3 | FIXED64) + _DOUBLE.pack(value)


def as_float(raw: bytes) -> float:
    """Return the number in 4 or 8 bytes."""
    (value,) = (_FLOAT if len(raw) == 4 else _DOUBLE).unpack(raw)
    return float(value)
