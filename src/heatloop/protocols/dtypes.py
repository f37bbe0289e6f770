"""Types of values in 16-bit registers: how many registers, which bytes, what number.

A type is a name, and after a colon a byte order that overrides the device's (`float32:CDAB`)::

    int16 uint16 int32 uint32 int64 uint64 float32 float64
    bool            1 where the register is not 0
    bit3, bits4-7   part of a register, bit 0 is the lowest
    bcd16, bcd32    4 or 8 decimal digits; other nibbles are no value
    enum16          uint16          time32, time64   whole seconds since 1970 UTC
    pt100, pt1000   resistance in 0.01 or 0.1 ohm, as degC
    string:16       text, two letters a register: no number, for people only

A value ABCD (A is its highest byte) takes two registers; devices send its bytes as ABCD
(big-endian), CDAB (registers swapped), BADC (bytes swapped) or DCBA (both); those of 64 bits
alike. Values of one register are always big-endian, as the protocol says (Modbus Application
Protocol 1.1b3, 4.2).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.analogue import PT100_OHM, PT1000_OHM, platinum_celsius, platinum_ohm

WORD_ORDERS = {
    "ABCD": (0, 1, 2, 3),
    "CDAB": (2, 3, 0, 1),
    "BADC": (1, 0, 3, 2),
    "DCBA": (3, 2, 1, 0),
}
"""Where each byte of a 32-bit value comes from."""
DTYPES = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""The plain types and how `struct` calls them."""
_ALIASES = {"enum16": "uint16", "time32": "uint32", "time64": "uint64"}
_BITS = re.compile(r"bits?(\d{1,2})(?:-(\d{1,2}))?")
_STRING = re.compile(r"string:(\d{1,3})")
_MAX_TEXT = 240

Number = int | float


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a type's name says."""

    code: str
    """The registers as `struct` reads them."""
    words: int
    """Registers taken."""
    order: str
    """Byte order of its own, empty: the device's."""
    decode: Callable[[Number], Number] | None = None
    """What the number in the registers stands for; None: itself."""
    encode: Callable[[float], Number] | None = None
    """The number that goes into the registers, not rounded; None: itself."""
    bits: tuple[int, int] = (0, 16)
    """Lowest bit and number of bits, of one register."""
    real: bool = False
    """Whether the registers hold a real; others are rounded to whole numbers."""
    maybe_none: bool = False
    """Whether it may be not a number."""
    text: bool = False
    """Whether it is text."""

    @property
    def partial(self) -> bool:
        """Whether it is a part of a register."""
        return self.bits != (0, 16)


def _bcd(number: Number) -> Number:
    digits = f"{number:x}"
    return int(digits) if digits.isdecimal() else math.nan


def _to_bcd(number: float) -> Number:
    count = round(number)
    if count < 0:
        raise InputError(f"{number} is negative", thing="bcd")
    return int(str(count), 16)


def _bit_field(low: int, count: int) -> Kind:
    mask = (1 << count) - 1

    def decode(number: Number) -> Number:
        return int(number) >> low & mask

    return Kind(code="H", words=1, order="", decode=decode, bits=(low, count))


def _platinum(r0: float, counts_per_ohm: float) -> Kind:
    return Kind(
        code="H",
        words=1,
        order="",
        decode=lambda raw: platinum_celsius(raw / counts_per_ohm, r0),
        encode=lambda value: platinum_ohm(value, r0) * counts_per_ohm,
        maybe_none=True,
    )


def _special(name: str) -> Kind | None:
    match name:
        case "bool":
            return Kind(code="H", words=1, order="", decode=lambda raw: int(raw != 0))
        case "bcd16" | "bcd32":
            words = int(name[3:]) // 16
            code = "HI"[words - 1]
            return Kind(
                code=code, words=words, order="", decode=_bcd, encode=_to_bcd, maybe_none=True
            )
        case "pt100":
            return _platinum(PT100_OHM, 100.0)
        case "pt1000":
            return _platinum(PT1000_OHM, 10.0)
    if found := _STRING.fullmatch(name):
        size = int(found[1])
        if not 1 <= size <= _MAX_TEXT:
            return None
        words = (size + 1) // 2
        return Kind(code=f"{2 * words}s", words=words, order="", text=True)
    if found := _BITS.fullmatch(name):
        low = int(found[1])
        high = int(found[2] or low)
        if low <= high <= 15 and name.startswith("bits") == (found[2] is not None):
            return _bit_field(low, high - low + 1)
    return None


def _unknown(dtype: str) -> InputError:
    known = ", ".join((*DTYPES, *_ALIASES, "bool, bit0, bits4-7, bcd16, bcd32, pt100, pt1000"))
    return InputError("unknown register type", thing=dtype, fix=f"use {known} or string:16")


@cache
def kind_of(dtype: str) -> Kind:
    """Return what a type's name says.

    Raises:
        InputError: There is no such type or byte order.
    """
    name, _, order = dtype.rpartition(":")
    if order not in WORD_ORDERS:
        name, order = dtype, ""
    plain = _ALIASES.get(name, name)
    if (code := DTYPES.get(plain)) is not None:
        real = plain.startswith("float")
        size = struct.calcsize(">" + code)
        return Kind(code=code, words=size // 2, order=order, real=real, maybe_none=real)
    found = _special(name)
    if found is None:
        raise _unknown(dtype)
    if not order:
        return found
    return Kind(
        code=found.code, words=found.words, order=order, decode=found.decode, encode=found.encode,
        bits=found.bits, real=found.real, maybe_none=found.maybe_none, text=found.text,
    )  # fmt: skip


@cache
def words_of(dtype: str) -> int:
    """Return how many 16-bit registers a value takes; 1 for types other protocols name."""
    try:
        return kind_of(dtype).words
    except InputError:
        return 1


def bits_of(dtype: str) -> tuple[int, int]:
    """Return lowest bit and number of bits of a part of a register; (0, 16): all of it."""
    try:
        return kind_of(dtype).bits
    except InputError:
        return 0, 16


@cache
def byte_order(word_order: str, words: int) -> tuple[int, ...]:
    """Return where each byte of a value of some registers comes from.

    Raises:
        InputError: There is no such order.
    """
    if word_order not in WORD_ORDERS:
        fix = f"use {', '.join(WORD_ORDERS)}"
        raise InputError("unknown word order", thing=word_order, fix=fix)
    if words == 1:
        return 0, 1
    numbers = range(words)[::-1] if word_order in ("CDAB", "DCBA") else range(words)
    pair = (1, 0) if word_order in ("BADC", "DCBA") else (0, 1)
    return tuple(2 * number + at for number in numbers for at in pair)
