"""Where a value stands in a Siemens S7 controller, and which reads cover several of them.

`DB10.DBD4`, `DB10.DBW8`, `DB10.DBB3`, `DB10.DBX2.3`; the same for memory (`MD4`, `MW8`, `MB3`,
`M2.3`), inputs (`I...`) and outputs (`Q...`). X is a bit, B a byte, W and D are what the
binding's `dtype` says, from 2 and from 4 bytes.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding
from heatloop.protocols.dtypes import kind_of
from heatloop.protocols.registers import decode_raw, encode_raw

_SOURCE = re.compile(
    r"(?:DB(?P<db>\d{1,5})\.DB|(?P<area>[MIQ]))(?P<size>[XBWD]?)(?P<byte>\d{1,5})(?:\.(?P<bit>[0-7]))?"
)
_FIX = "write e.g. DB10.DBD4 with dtype float32, DB10.DBX2.3 or MW8"
_MAX_BYTES, _MAX_GAP = 400, 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A value's place."""

    area: str
    """DB, M, I or Q."""
    db: int
    """Number of the data block, 0 elsewhere."""
    byte: int
    """First byte."""
    size: int
    """Bytes."""
    bit: int | None
    """Bit of the byte, None: all of it."""
    dtype: str
    """Type of what is longer than a byte."""

    def decode(self, data: bytes) -> float:
        """Return the number in `size` bytes."""
        if self.bit is not None:
            return data[0] >> self.bit & 1
        if self.size == 1:
            return data[0]
        return decode_raw(struct.unpack(f">{self.size // 2}H", data), self.dtype)

    def encode(self, raw: float) -> bytes:
        """Return the bytes of a number (not for bits).

        Raises:
            InputError: It does not fit.
        """
        if self.size == 1:
            if not 0 <= round(raw) <= 255:
                raise InputError(f"{raw} does not fit a byte")
            return bytes((round(raw),))
        return struct.pack(f">{self.size // 2}H", *encode_raw(raw, self.dtype))


def place_of(binding: Binding) -> Place:
    """Return where a binding's value stands.

    Raises:
        InputError: Its source or type is malformed.
    """
    found = _SOURCE.fullmatch(binding.source)
    if found is None:
        raise InputError("no S7 address", thing=binding.source[:60], fix=_FIX)
    letter, bit = found["size"], found["bit"]
    if (letter in ("", "X")) != (bit is not None) or (letter == "" and found["db"]):
        raise InputError("a bit is written .DBX2.3 or M2.3", thing=binding.source[:60], fix=_FIX)
    size = 1
    if letter in ("W", "D"):
        kind = kind_of(binding.dtype)
        size = 2 * kind.words
        if (size == 2) != (letter == "W") or kind.text or kind.partial:
            raise InputError(f"{binding.dtype} does not fit", thing=binding.source[:60], fix=_FIX)
    return Place(
        area=found["area"] or "DB",
        db=int(found["db"] or 0),
        byte=int(found["byte"]),
        size=size,
        bit=None if bit is None else int(bit),
        dtype=binding.dtype,
    )


class S7Block:
    """One read of consecutive bytes of an area."""

    __slots__ = ("area", "bindings", "db", "floats", "keys", "places", "size", "start")

    def __init__(self, rows: Sequence[tuple[Place, Binding]]) -> None:
        first = rows[0][0]
        self.area, self.db, self.start = first.area, first.db, first.byte
        self.size = max(place.byte + place.size for place, _ in rows) - self.start
        self.places = tuple(place for place, _ in rows)
        self.bindings = tuple(binding for _, binding in rows)
        self.keys = array("I", (binding.key for binding in self.bindings))
        self.floats = True

    def values(self, data: bytes) -> list[float]:
        """Return the raw numbers.

        Raises:
            InputError: Another number of bytes came.
        """
        if len(data) != self.size:
            raise InputError(f"asked for {self.size} bytes, {len(data)} came")
        at = self.start
        return [p.decode(bytes(data[p.byte - at : p.byte - at + p.size])) for p in self.places]


def plan_reads(rows: Sequence[tuple[Place, Binding]]) -> list[S7Block]:
    """Return the fewest reads that cover these values."""
    found: list[S7Block] = []
    run: list[tuple[Place, Binding]] = []
    end = 0
    for row in sorted(rows, key=lambda row: (row[0].area, row[0].db, row[0].byte)):
        place = row[0]
        same = run and (run[0][0].area, run[0][0].db) == (place.area, place.db)
        near = same and place.byte - end <= _MAX_GAP
        if run and not (near and place.byte + place.size - run[0][0].byte <= _MAX_BYTES):
            found.append(S7Block(run))
            run = []
        end = max(end, place.byte + place.size) if run else place.byte + place.size
        run.append(row)
    return [*found, S7Block(run)] if run else found
