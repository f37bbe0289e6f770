"""Samples in bulk: four standard-library columns, and their little-endian bytes on the wire.

Body layout before compression::

    u8 flags (bit 0: one slot for all rows) | u32 count
    count x u32 point key | (1 or count) x u32 slot | count x f64 value | count x u8 quality
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator

from heatloop.kernel.errors import InputError

_HEAD = struct.Struct("<BI")
_ONE_SLOT = 1


def _little(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _read(code: str, data: bytes | memoryview) -> array:  # type: ignore[type-arg]
    column = array(code)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column


class SampleBatch:
    """Rows of (point key, slot, value, quality) held as columns.

    `keys` u32 point keys; `slots` u32 plant seconds since 1970 UTC; `values` f64 in the point's
    unit; `quality` u8 `Quality` codes. All four have one length.
    """

    __slots__ = ("keys", "quality", "slots", "values")

    def __init__(
        self,
        keys: Iterable[int] = (),
        slots: Iterable[int] = (),
        values: Iterable[float] = (),
        quality: Iterable[int] = (),
    ) -> None:
        self.keys = keys if isinstance(keys, array) else array("I", keys)
        self.slots = slots if isinstance(slots, array) else array("I", slots)
        self.values = values if isinstance(values, array) else array("d", values)
        self.quality = quality if isinstance(quality, array) else array("B", quality)
        if not len(self.keys) == len(self.slots) == len(self.values) == len(self.quality):
            raise InputError("batch columns differ in length", fix="give four equal columns")

    def __len__(self) -> int:
        return len(self.keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SampleBatch) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def append(self, key: int, slot: int, value: float, quality: int = 0) -> None:
        """Add one row."""
        self.keys.append(key)
        self.slots.append(slot)
        self.values.append(value)
        self.quality.append(quality)

    def extend(self, other: SampleBatch) -> None:
        """Add all rows of another batch."""
        self.keys.extend(other.keys)
        self.slots.extend(other.slots)
        self.values.extend(other.values)
        self.quality.extend(other.quality)

    def rows(self) -> Iterator[tuple[int, int, float, int]]:
        """Yield (key, slot, value, quality)."""
        return zip(self.keys, self.slots, self.values, self.quality, strict=True)

    def to_bytes(self) -> bytes:
        """Return the columns as one byte string (layout above, uncompressed)."""
        count = len(self.keys)
        # array.count runs in C: one pass tells whether all rows share a slot.
        one = count > 0 and self.slots.count(self.slots[0]) == count
        slots = self.slots[:1] if one else self.slots
        head = _HEAD.pack(_ONE_SLOT if one else 0, count)
        return b"".join(
            (head, _little(self.keys), _little(slots), _little(self.values), _little(self.quality))
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> SampleBatch:
        """Read a byte string made by `to_bytes`.

        Raises:
            InputError: The length does not fit the count, or the flags are unknown.
        """
        if len(data) < _HEAD.size:
            raise InputError("batch is shorter than its head", place="byte 0", fix="send it again")
        flags, count = _HEAD.unpack_from(data)
        n_slots = min(count, 1) if flags & _ONE_SLOT else count
        want = _HEAD.size + 4 * count + 4 * n_slots + 8 * count + count
        if flags > _ONE_SLOT or len(data) != want:
            raise InputError(
                f"batch of {count} rows needs {want} bytes, has {len(data)}",
                place="body",
                fix="send it again",
            )
        view = memoryview(data)
        at = _HEAD.size
        keys = _read("I", view[at : (at := at + 4 * count)])
        slots = _read("I", view[at : (at := at + 4 * n_slots)])
        if flags & _ONE_SLOT:
            slots = slots * count
        values = _read("d", view[at : (at := at + 8 * count)])
        return cls(keys, slots, values, _read("B", view[at:]))
