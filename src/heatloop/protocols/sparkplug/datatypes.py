"""Sparkplug B data types: numbers in their slots, texts, and packed arrays.

Integers travel without sign: a negative Int8 to Int32 as 32 bits, an Int64 as 64 bits (two's
complement). Arrays travel as bytes: little-endian numbers; booleans as a 4-byte count and bits,
highest first; strings each ended by a zero byte.

Reference: Sparkplug 3.0.0, 6.4.16 (data types).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.tables import table

THING = "Sparkplug payload"
BOOLEAN, STRING, DATASET, TEMPLATE, PROPERTIES, PROPERTY_LIST = 11, 12, 16, 19, 20, 21
FLOAT_ARRAY, DOUBLE_ARRAY, BOOLEAN_ARRAY, STRING_ARRAY = 30, 31, 32, 33
_CODES = {(8, 1): "b", (16, 1): "h", (32, 1): "i", (64, 1): "q",
          (8, 0): "B", (16, 0): "H", (32, 0): "I", (64, 0): "Q"}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DataType:
    """One row of `datatypes.csv`."""

    code: int
    """Number in the payload."""
    name: str
    """Name in the specification."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    slot: str
    """int, long, float, double, boolean, string, bytes, dataset, template, array, ..."""
    bits: int
    """Bits of a number."""
    signed: bool
    """Whether it may be negative."""


@cache
def data_types() -> dict[int, DataType]:
    """Return every data type by code."""
    return {
        int(row["code"]): DataType(
            code=int(row["code"]),
            name=row["name"],
            zh=row["zh"],
            en=row["en"],
            slot=row["slot"],
            bits=int(row["bits"]),
            signed=row["signed"] == "1",
        )
        for row in table("sparkplug", "datatypes.csv")
    }


def data_type(code: int) -> DataType:
    """Return a data type.

    Raises:
        InputError: There is none of this code.
    """
    found = data_types().get(code)
    if found is None:
        raise InputError(f"data type {code} does not exist", thing=THING, fix="use 1 to 34")
    return found


def read_integer(kind: DataType, raw: int) -> int:
    """Return the integer that travelled as `raw`.

    Raises:
        InputError: It does not fit the type.
    """
    wide = 64 if kind.slot == "long" else 32
    number = raw & ((1 << wide) - 1)
    if kind.signed and number >> wide - 1:
        number -= 1 << wide
    # Some makers send a narrow negative number in its own width.
    if kind.signed and kind.bits < wide and 1 << kind.bits - 1 <= number < 1 << kind.bits:
        number -= 1 << kind.bits
    low, high = _span(kind)
    # Above its own width a number may only repeat its sign.
    above = raw >> wide
    extended = kind.signed and number < 0 and above == (1 << 64 - wide) - 1
    if not low <= number <= high or (above and not extended):
        raise InputError(f"{number} does not fit {kind.name}", thing=THING)
    return number


def _span(kind: DataType) -> tuple[int, int]:
    if kind.signed:
        return -(1 << kind.bits - 1), (1 << kind.bits - 1) - 1
    return 0, (1 << kind.bits) - 1


def write_integer(kind: DataType, number: object) -> int:
    """Return how an integer travels.

    Raises:
        InputError: It is no integer or does not fit the type.
    """
    low, high = _span(kind)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise InputError(f"{number!r} does not fit {kind.name}", thing=THING)
    return number & ((1 << (64 if kind.slot == "long" else 32)) - 1)


Element = int | float | bool | str


def read_array(kind: DataType, data: bytes) -> tuple[Element, ...]:
    """Return the elements of a packed array.

    Raises:
        InputError: The bytes are no whole number of elements, or no text.
    """
    if kind.code == STRING_ARRAY:
        if data and data[-1]:
            raise InputError("an array of strings ends with a zero byte", thing=THING)
        try:
            return tuple(part.decode() for part in data.split(b"\0")[:-1])
        except UnicodeDecodeError as error:
            raise InputError("a string is not UTF-8", thing=THING) from error
    if kind.code == BOOLEAN_ARRAY:
        count = int.from_bytes(data[:4], "little")
        if len(data) < 4 or len(data) - 4 != -(-count // 8):
            raise InputError(f"{kind.name} does not hold {count} bits", thing=THING)
        return tuple(bool(data[4 + n // 8] >> 7 - n % 8 & 1) for n in range(count))
    size, code = _packing(kind)
    if len(data) % size:
        raise InputError(f"{len(data)} bytes are no {kind.name}", thing=THING)
    return struct.unpack(f"<{len(data) // size}{code}", data)


def _packing(kind: DataType) -> tuple[int, str]:
    if kind.code in {FLOAT_ARRAY, DOUBLE_ARRAY}:
        return kind.bits // 8, "f" if kind.code == FLOAT_ARRAY else "d"
    return kind.bits // 8, _CODES[kind.bits, int(kind.signed)]


def write_array(kind: DataType, values: Sequence[Element]) -> bytes:
    """Return the bytes of a packed array.

    Raises:
        InputError: An element does not fit.
    """
    if kind.code == STRING_ARRAY:
        if not all(isinstance(v, str) and "\0" not in v for v in values):
            raise InputError("strings without zero bytes only", thing=kind.name)
        return b"".join(str(value).encode() + b"\0" for value in values)
    if kind.code == BOOLEAN_ARRAY:
        bits = bytearray(-(-len(values) // 8))
        for n, value in enumerate(values):
            bits[n // 8] |= bool(value) << 7 - n % 8
        return len(values).to_bytes(4, "little") + bytes(bits)
    try:
        return struct.pack(f"<{len(values)}{_packing(kind)[1]}", *values)
    except (struct.error, OverflowError) as error:
        raise InputError(f"an element does not fit {kind.name}", thing=THING) from error
