"""Modbus register words and the numbers they carry, in every byte order, block by block.

A 32-bit value ABCD (A is its highest byte) takes two registers; devices send its bytes as::

    ABCD  big-endian        CDAB  words swapped
    BADC  bytes swapped     DCBA  little-endian

16-bit values are always big-endian, as the protocol says (Modbus Application Protocol 1.1b3,
4.2). A block is one read; its whole content is unpacked by one precompiled `struct`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from heatloop.kernel.errors import InputError

DTYPES = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f"}
WORD_ORDERS = {
    "ABCD": (0, 1, 2, 3),
    "CDAB": (2, 3, 0, 1),
    "BADC": (1, 0, 3, 2),
    "DCBA": (3, 2, 1, 0),
}
_LIMITS = {
    "int16": (-(1 << 15), (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
}


class Field(Protocol):
    """What block planning must know of a binding."""

    @property
    def register(self) -> int:
        """First holding register."""

    @property
    def dtype(self) -> str:
        """One of `DTYPES`."""

    @property
    def words(self) -> int:
        """Registers taken."""


F = TypeVar("F", bound=Field)


def _format(dtype: str) -> str:
    found = DTYPES.get(dtype)
    if found is None:
        raise InputError("unknown register type", thing=dtype, fix=f"use {', '.join(DTYPES)}")
    return found


def _order(word_order: str) -> tuple[int, int, int, int]:
    found = WORD_ORDERS.get(word_order)
    if found is None:
        fix = f"use {', '.join(WORD_ORDERS)}"
        raise InputError("unknown word order", thing=word_order, fix=fix)
    return found


def decode_raw(words: Sequence[int], dtype: str, word_order: str = "ABCD") -> int | float:
    """Return the number that one or two register words carry.

    Raises:
        InputError: The type or order is unknown, or the number of words does not fit.
    """
    code = _format(dtype)
    data = struct.pack(f">{len(words)}H", *words)
    if len(data) != struct.calcsize(">" + code):
        raise InputError(f"{dtype} does not take {len(words)} words", thing=dtype)
    if len(data) == 4:
        data = bytes(data[i] for i in _order(word_order))
    (value,) = struct.unpack(">" + code, data)
    return value  # type: ignore[no-any-return]


def encode_raw(raw: float, dtype: str, word_order: str = "ABCD") -> tuple[int, ...]:
    """Return the register words that carry a number; integers are rounded to nearest.

    Raises:
        InputError: The type or order is unknown, or the number does not fit the type.
    """
    code = _format(dtype)
    if not math.isfinite(raw):
        raise InputError("only finite numbers can be written", thing=dtype)
    if dtype == "float32":
        try:
            data = struct.pack(">f", raw)
        except OverflowError as error:
            raise InputError(f"{raw} does not fit {dtype}", thing=dtype) from error
    else:
        low, high = _LIMITS[dtype]
        number = round(raw)
        if not low <= number <= high:
            raise InputError(f"{raw} does not fit {dtype}", thing=dtype)
        data = struct.pack(">" + code, number)
    if len(data) == 4:
        data = bytes(data[i] for i in _order(word_order))
    return struct.unpack(f">{len(data) // 2}H", data)


class Block(Generic[F]):
    """One read of neighbouring registers and what is in it.

    `fields` are in register order; `unpack` gives their raw numbers in the same order.
    """

    __slots__ = ("_permutation", "_struct", "count", "fields", "start")

    def __init__(self, fields: Sequence[F], word_order: str = "ABCD") -> None:
        self.fields = tuple(sorted(fields, key=lambda f: f.register))
        self.start = self.fields[0].register
        self.count = max(f.register + f.words for f in self.fields) - self.start
        order = _order(word_order)
        # Overlapping fields cannot share one struct: each repeats its own bytes instead.
        picks: list[int] = []
        code = ">"
        for field in self.fields:
            code += _format(field.dtype)
            at = 2 * (field.register - self.start)
            if field.words == 2:
                picks += [at + i for i in order]
            else:
                picks += [at, at + 1]
        self._permutation: tuple[int, ...] | None = tuple(picks)
        if word_order == "ABCD" or all(f.words == 1 for f in self.fields):
            plain = self._plain_format()
            if plain is not None:
                code, self._permutation = plain, None
        self._struct = struct.Struct(code)

    def _plain_format(self) -> str | None:
        code, at = ">", self.start
        for field in self.fields:
            if field.register < at:
                return None
            code += "xx" * (field.register - at) + _format(field.dtype)
            at = field.register + field.words
        return code

    def unpack(self, data: bytes) -> tuple[int | float, ...]:
        """Return the raw number of each field from the block's bytes as sent (2 a register).

        Raises:
            InputError: The device answered with another length.
        """
        if len(data) != 2 * self.count:
            raise InputError(
                f"asked for {self.count} registers, {len(data) // 2} came",
                place=f"register {self.start}",
                fix="check the device profile",
            )
        if self._permutation is not None:
            data = bytes([data[i] for i in self._permutation])
        return self._struct.unpack(data)

    def unpack_words(self, words: Sequence[int]) -> tuple[int | float, ...]:
        """Return the raw number of each field from the block's register words."""
        return self.unpack(struct.pack(f">{len(words)}H", *words))


def plan_blocks(
    fields: Iterable[F], *, word_order: str = "ABCD", max_words: int = 120, max_gap: int = 16
) -> list[Block[F]]:
    """Return the fewest reads that cover all fields, in register order.

    Args:
        fields: What is to be read.
        word_order: Byte order of the device's 32-bit values.
        max_words: Longest read (the protocol allows 125 registers).
        max_gap: Widest run of registers read in vain to save a request.
    """
    blocks: list[Block[F]] = []
    run: list[F] = []
    start = end = 0
    for field in sorted(fields, key=lambda f: (f.register, f.words)):
        field_end = field.register + field.words
        if run and (field.register - end > max_gap or max(end, field_end) - start > max_words):
            blocks.append(Block(run, word_order))
            run = []
        if not run:
            start = end = field.register
        run.append(field)
        end = max(end, field_end)
    if run:
        blocks.append(Block(run, word_order))
    return blocks
