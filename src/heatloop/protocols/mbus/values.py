"""M-Bus data fields: integers, reals, decimals and fields of variable length.

Code (low half of the DIF): 0 none, 1-4, 6, 7 integers of 8 to 64 bits, 5 real of 32 bits,
9-C, E decimals of 2 to 12 digits, D variable length, 8 selection (no data), F special.

A decimal digit F in front is a minus sign; any other digit above 9 says that the meter has no
value, and what its display shows instead.

Reference: EN 13757-3:2018 6.3 and Annex A, B.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_bcd
from heatloop.protocols.cursor import Cursor

NONE, REAL, SELECTION, VARIABLE = 0, 5, 8, 13
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}
"""Bytes of the integers, by code."""
DECIMALS = {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
"""Bytes of the decimals, by code."""
_REAL = struct.Struct("<f")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A data field as it came."""

    code: int
    """Low half of the DIF."""
    data: bytes
    """Its bytes, without the length byte of variable length."""
    lvar: int = 0
    """The length byte of variable length."""


def _variable_size(cursor: Cursor, lvar: int) -> int:
    if lvar <= 0xBF:
        return lvar
    if 0xC0 <= lvar <= 0xC9 or 0xD0 <= lvar <= 0xD9:
        return lvar & 0x0F
    if 0xE0 <= lvar <= 0xEF:
        return lvar - 0xE0
    if 0xF0 <= lvar <= 0xF4:
        return 4 * (lvar - 0xEC)
    if lvar in {0xF5, 0xF6}:
        return 48 if lvar == 0xF5 else 64
    raise cursor.refuse(f"variable length {lvar:02X} is reserved", 1)


def take_field(cursor: Cursor, code: int) -> Field:
    """Read the data field of a code (not F).

    Raises:
        InputError: There are too few bytes, or the variable length is reserved.
    """
    if code in {NONE, SELECTION}:
        return Field(code=code, data=b"")
    if code == VARIABLE:
        lvar = cursor.byte("length of the data")
        return Field(code=code, data=cursor.take(_variable_size(cursor, lvar), "data"), lvar=lvar)
    size = 4 if code == REAL else (INTEGERS.get(code) or DECIMALS[code])
    return Field(code=code, data=cursor.take(size, "data"))


def _decimal(data: bytes) -> int | None:
    digits = bcd_digits(data)
    sign = -1 if digits[:1] == "F" else 1
    digits = digits[1:] if sign < 0 else digits
    return sign * int(digits) if digits.isdecimal() else None


def number_of(field: Field, *, signed: bool = True) -> int | float | None:
    """Return a field as a number, None where it is none or the meter has no value.

    Args:
        field: The field.
        signed: Whether integers may be negative; bit patterns are not.
    """
    data = field.data
    if field.code in INTEGERS:
        return int.from_bytes(data, "little", signed=signed)
    if field.code == REAL:
        (real,) = _REAL.unpack(data)
        return float(real) if math.isfinite(real) else None
    if field.code in DECIMALS:
        return _decimal(data)
    if field.code == VARIABLE and field.lvar > 0xBF:
        if field.lvar >= 0xE0:
            return int.from_bytes(data, "little", signed=signed)
        number = _decimal(data) if data else None
        return -number if number is not None and field.lvar >= 0xD0 else number
    return None


def text_of(field: Field) -> str | None:
    """Return the text of a field of variable length, None if it holds none.

    The last character comes first on the wire.
    """
    if field.code == VARIABLE and field.lvar <= 0xBF:
        return field.data[::-1].decode("latin-1")
    return None


def field_of_number(code: int, number: float) -> Field:
    """Return a number as a field of an integer, real or decimal code.

    Raises:
        InputError: The code is none of these, or the number does not fit.
    """
    if code == REAL:
        return Field(code=code, data=_pack_real(number))
    if number != int(number):
        raise InputError(f"{number} is no whole number", thing=f"data field {code}")
    whole = int(number)
    if code in INTEGERS:
        size = INTEGERS[code]
        if not -(1 << 8 * size - 1) <= whole < 1 << 8 * size - 1:
            raise InputError(f"{whole} does not fit {8 * size} bits", thing="M-Bus integer")
        return Field(code=code, data=whole.to_bytes(size, "little", signed=True))
    if code not in DECIMALS:
        raise InputError(
            "no data field for numbers", thing=f"code {code}", fix="use 1 to 7, 9 to 14"
        )
    size = DECIMALS[code]
    if whole >= 0:
        return Field(code=code, data=pack_bcd(whole, size))
    if whole <= -(10 ** (2 * size - 1)):
        raise InputError(f"{whole} does not fit {2 * size} digits", thing="M-Bus decimal")
    packed = bytearray(pack_bcd(-whole, size))
    packed[-1] |= 0xF0
    return Field(code=code, data=bytes(packed))


def _pack_real(number: float) -> bytes:
    try:
        return _REAL.pack(number)
    except (OverflowError, struct.error) as error:
        raise InputError(f"{number} does not fit 32 bits", thing="M-Bus real") from error


def field_of_text(text: str) -> Field:
    """Return text as a field of variable length.

    Raises:
        InputError: It is longer than 191 characters or has letters outside Latin-1.
    """
    try:
        data = text.encode("latin-1")[::-1]
    except UnicodeEncodeError as error:
        raise InputError("M-Bus text is Latin-1", thing=text[:40]) from error
    if len(data) > 0xBF:
        raise InputError("M-Bus text has at most 191 characters", thing=text[:40])
    return Field(code=VARIABLE, data=data, lvar=len(data))


def pack_field(field: Field) -> bytes:
    """Return the field's bytes as they stand after the VIB."""
    return bytes((field.lvar,)) + field.data if field.code == VARIABLE else field.data
