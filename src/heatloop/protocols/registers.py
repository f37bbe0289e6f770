"""Modbus registers and the numbers they carry, in every byte order, block by block.

What types there are stands in `dtypes`. A block is one read; its whole content is unpacked by
one precompiled `struct`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from heatloop.kernel.errors import InputError
from heatloop.protocols.dtypes import (
    DTYPES,
    WORD_ORDERS,
    Kind,
    Number,
    byte_order,
    kind_of,
)
from heatloop.protocols.register_places import TABLES, Field, first_overlap, table_of

__all__ = [
    "DTYPES",
    "TABLES",
    "WORD_ORDERS",
    "Block",
    "Field",
    "decode_raw",
    "decode_text",
    "encode_raw",
    "first_overlap",
    "merge_bits",
    "plan_blocks",
    "table_of",
]


F = TypeVar("F", bound=Field)


def _numeric(dtype: str) -> Kind:
    found = kind_of(dtype)
    if found.text:
        raise InputError("text is no number", thing=dtype, fix="leave it out of the profile")
    return found


def _bytes(words: Sequence[int], dtype: str, kind: Kind, word_order: str) -> bytes:
    if len(words) != kind.words:
        raise InputError(f"{dtype} does not take {len(words)} words", thing=dtype)
    data = struct.pack(f">{len(words)}H", *words)
    return bytes(data[i] for i in byte_order(kind.order or word_order, kind.words))


def decode_raw(words: Sequence[int], dtype: str, word_order: str = "ABCD") -> Number:
    """Return the number that register words carry; not a number where they carry none.

    Raises:
        InputError: The type or order is unknown, or the number of words does not fit.
    """
    kind = _numeric(dtype)
    (value,) = struct.unpack(">" + kind.code, _bytes(words, dtype, kind, word_order))
    return value if kind.decode is None else kind.decode(value)


def decode_text(words: Sequence[int], dtype: str, word_order: str = "ABCD") -> str:
    """Return the text that register words carry, without what pads it.

    Raises:
        InputError: The type is no text, or the number of words does not fit.
    """
    kind = kind_of(dtype)
    if not kind.text:
        raise InputError("no text", thing=dtype, fix="use string:16")
    # Registers stand in reading order; only the letters of each may be swapped.
    order = "BADC" if (kind.order or word_order) in ("BADC", "DCBA") else "ABCD"
    if len(words) != kind.words:
        raise InputError(f"{dtype} does not take {len(words)} words", thing=dtype)
    data = struct.pack(f">{len(words)}H", *words)
    letters = bytes(data[i ^ 1] for i in range(len(data))) if order == "BADC" else data
    return letters.split(b"\0", 1)[0].decode("gb18030", errors="replace").strip()


def encode_raw(raw: float, dtype: str, word_order: str = "ABCD") -> tuple[int, ...]:
    """Return the register words that carry a number; whole ones are rounded to nearest.

    Part of a register comes shifted to its place, all other bits 0: see `merge_bits`.

    Raises:
        InputError: The type or order is unknown, or the number does not fit the type.
    """
    kind = _numeric(dtype)
    order = byte_order(kind.order or word_order, kind.words)
    if not math.isfinite(raw):
        raise InputError("only finite numbers can be written", thing=dtype)
    number = raw if kind.encode is None else kind.encode(raw)
    if not kind.real:
        number = round(number)
    if dtype == "bool" and number not in (0, 1):
        raise InputError(f"{raw} does not fit {dtype}", thing=dtype)
    low, count = kind.bits
    try:
        if kind.partial:
            if not 0 <= number < 1 << count:
                raise OverflowError
            number = int(number) << low
        data = struct.pack(">" + kind.code, number)
    except (struct.error, OverflowError) as error:
        raise InputError(f"{raw} does not fit {dtype}", thing=dtype) from error
    return struct.unpack(f">{kind.words}H", bytes(data[i] for i in order))


def merge_bits(present: int, words: Sequence[int], dtype: str) -> tuple[int, ...]:
    """Return the words to write so that only this value's bits change.

    Args:
        present: What the register holds now.
        words: What `encode_raw` gave.
        dtype: A type that is part of a register, or any other (then `words` come back).

    Raises:
        InputError: The type is unknown.
    """
    kind = kind_of(dtype)
    if not kind.partial:
        return tuple(words)
    low, count = kind.bits
    mask = ((1 << count) - 1) << low
    return (present & ~mask & 0xFFFF | words[0] & mask,)


class Block(Generic[F]):
    """One read of consecutive registers and the values inside it.

    Args:
        fields: Values to take from it.
        word_order: Byte order of the device's values over several registers.

    Raises:
        InputError: A type or order is unknown, or text.
    """

    def __init__(self, fields: Sequence[F], word_order: str = "ABCD") -> None:
        self.fields = tuple(sorted(fields, key=lambda f: f.register))
        self.start = self.fields[0].register
        kinds = [_numeric(f.dtype) for f in self.fields]
        ends = (f.register + kind.words for f, kind in zip(self.fields, kinds, strict=True))
        self.count = max(ends) - self.start
        orders = [kind.order or word_order for kind in kinds]
        # Overlapping fields cannot share one struct: each repeats its own bytes instead.
        picks: list[int] = []
        code = ">"
        for field, kind, order in zip(self.fields, kinds, orders, strict=True):
            code += kind.code
            at = 2 * (field.register - self.start)
            picks += [at + i for i in byte_order(order, kind.words)]
        self._permutation: tuple[int, ...] | None = tuple(picks)
        whole = zip(kinds, orders, strict=True)
        if all(order == "ABCD" or kind.words == 1 for kind, order in whole):
            plain = self._plain_format(kinds)
            if plain is not None:
                code, self._permutation = plain, None
        self._struct = struct.Struct(code)
        self._decodes: tuple[Callable[[Number], Number] | None, ...] | None = None
        if any(kind.decode for kind in kinds):
            self._decodes = tuple(kind.decode for kind in kinds)
        self.maybe_none = any(kind.maybe_none for kind in kinds)
        """Whether a value may be not a number."""

    def _plain_format(self, kinds: Sequence[Kind]) -> str | None:
        code, at = ">", self.start
        for field, kind in zip(self.fields, kinds, strict=True):
            if field.register < at:
                return None
            code += "xx" * (field.register - at) + kind.code
            at = field.register + kind.words
        return code

    def unpack(self, data: bytes) -> tuple[Number, ...]:
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
        raw = self._struct.unpack(data)
        if self._decodes is None:
            return raw
        pairs = zip(raw, self._decodes, strict=True)
        return tuple(number if decode is None else decode(number) for number, decode in pairs)

    def unpack_words(self, words: Sequence[int]) -> tuple[Number, ...]:
        """Return the raw number of each field from the block's register words."""
        return self.unpack(struct.pack(f">{len(words)}H", *words))


def plan_blocks(
    fields: Iterable[F], *, word_order: str = "ABCD", max_words: int = 120, max_gap: int = 16
) -> list[Block[F]]:
    """Return the fewest reads that cover all fields, in register order.

    Args:
        fields: What is to be read.
        word_order: Byte order of the device's values over several registers.
        max_words: Longest read (the protocol allows 125 registers).
        max_gap: Widest run of registers read in vain to save a request.

    Raises:
        InputError: A type or the order is unknown, or text.
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
