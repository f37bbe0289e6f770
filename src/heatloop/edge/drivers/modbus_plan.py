"""Which Modbus reads cover which points, and how an answer becomes a column of values."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import cache

from heatloop.edge.drivers.port import Planned, Rows
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding
from heatloop.protocols.dtypes import kind_of
from heatloop.protocols.register_places import TABLES, table_of
from heatloop.protocols.registers import Block, plan_blocks

BIT_TABLES = ("coil", "discrete")
_MAX_BITS, _MAX_BIT_GAP = 1900, 256
_FLOAT = struct.Struct(">f")


def short_float(number: float) -> float:
    """Return the shortest decimal that a 32-bit real stands for: 85.3, not 85.30000305175781."""
    if not number or number - number != 0:
        return number
    packed = _FLOAT.pack(number)
    for digits in (7, 8):
        short = float(f"{number:.{digits}g}")
        try:
            if _FLOAT.pack(short) == packed:
                return short
        except OverflowError:  # rounded up beyond the largest
            continue
    return float(f"{number:.9g}")


class BitBlock:
    """One read of consecutive coils or discrete inputs; each bit is a value."""

    def __init__(self, fields: Sequence[Binding]) -> None:
        self.fields = tuple(sorted(fields, key=lambda f: f.register))
        self.start = self.fields[0].register
        self.count = self.fields[-1].register + 1 - self.start
        self.maybe_none = False

    def unpack_words(self, words: Sequence[int]) -> tuple[int | float, ...]:
        """Return the bit of each field.

        Raises:
            InputError: The device answered with fewer.
        """
        if len(words) != self.count:
            raise InputError(f"asked for {self.count} bits, {len(words)} came")
        return tuple(words[f.register - self.start] for f in self.fields)


class PlannedBlock:
    """One read, ready to become columns: keys and factors in register order."""

    __slots__ = ("_factors", "_offsets", "_order", "_real", "bindings", "block", "floats", "keys",
                 "table")  # fmt: skip

    def __init__(
        self, block: Block[Binding] | BitBlock, table: str = "holding", order: str = "ABCD"
    ) -> None:
        self.block, self.table, self._order = block, table, order
        self.bindings = block.fields
        self.keys = array("I", (b.key for b in self.bindings))
        self.floats = block.maybe_none
        self._factors = tuple(b.factor for b in self.bindings)
        offsets = tuple(b.offset for b in self.bindings)
        self._offsets = offsets if any(offsets) else None
        bits = table in BIT_TABLES
        self._real = tuple(
            row for row, b in enumerate(self.bindings) if not bits and kind_of(b.dtype).code == "f"
        )

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.table} {self.block.start} to {self.block.start + self.block.count - 1}"

    def values(self, words: Sequence[int]) -> array[float]:
        """Return the block's values in house units, shape (n_binding,).

        Raises:
            InputError: Another number of registers came.
        """
        raw: Sequence[int | float] = self.block.unpack_words(words)
        if self._real:
            raw = list(raw)
            for row in self._real:
                raw[row] = short_float(raw[row])
        if self._offsets is None:
            return array("d", [r * f for r, f in zip(raw, self._factors, strict=True)])
        rows = zip(raw, self._factors, self._offsets, strict=True)
        return array("d", [r * f + o for r, f, o in rows])

    def halves(self) -> tuple[PlannedBlock, ...]:
        """Return two smaller reads, or none where a single register place is left."""
        places = sorted({b.register for b in self.bindings})
        if len(places) < 2:
            return ()
        middle = places[len(places) // 2]
        sides = (
            [b for b in self.bindings if b.register < middle],
            [b for b in self.bindings if b.register >= middle],
        )
        return tuple(
            PlannedBlock(self._block(side), self.table, self._order) for side in sides if side
        )

    def _block(self, fields: Sequence[Binding]) -> Block[Binding] | BitBlock:
        return BitBlock(fields) if self.table in BIT_TABLES else Block(fields, self._order)


class Unfit(Rows):
    """Points that cannot be read as the profile says, and why."""

    def __init__(self, binding: Binding, error: InputError) -> None:
        super().__init__((binding,))
        self.error = InputError(error.message, thing=binding.point, fix=error.fix)


def _why_unfit(binding: Binding, word_order: str) -> InputError | None:
    if binding.source not in TABLES:
        return InputError("no table of a Modbus device", fix=f"use {', '.join(TABLES[1:])}")
    if binding.source in BIT_TABLES:
        return None
    return _type_error(binding.dtype, word_order)


@cache
def _type_error(dtype: str, word_order: str) -> InputError | None:
    """Return what is wrong with a type; asked for every point of a large gateway."""
    anywhere = Binding(key=1, point="", kind="", device="", register=0, dtype=dtype)
    try:
        Block([anywhere], word_order)
    except InputError as error:
        return error
    return None


def _bit_blocks(fields: Sequence[Binding]) -> list[BitBlock]:
    runs: list[list[Binding]] = []
    for field in sorted(fields, key=lambda f: f.register):
        run = runs[-1] if runs else []
        near = run and field.register - run[-1].register <= _MAX_BIT_GAP
        if near and field.register - run[0].register < _MAX_BITS:
            run.append(field)
        else:
            runs.append([field])
    return [BitBlock(run) for run in runs]


def plan_reads(
    bindings: Sequence[Binding], word_order: str, *, max_words: int, max_gap: int
) -> tuple[Planned, ...]:
    """Return the reads that cover these points of one device.

    Args:
        bindings: The points.
        word_order: Byte order of the device.
        max_words: Longest read of registers.
        max_gap: Widest run of registers read in vain.
    """
    found: list[Planned] = []
    by_table: dict[str, list[Binding]] = {}
    for binding in bindings:
        error = _why_unfit(binding, word_order)
        if error is not None:
            found.append(Unfit(binding, error))
        else:
            by_table.setdefault(table_of(binding.source), []).append(binding)
    for table, fields in by_table.items():
        blocks: Sequence[Block[Binding] | BitBlock] = (
            _bit_blocks(fields)
            if table in BIT_TABLES
            else plan_blocks(fields, word_order=word_order, max_words=max_words, max_gap=max_gap)
        )
        found += [PlannedBlock(block, table, word_order) for block in blocks]
    return tuple(found)
