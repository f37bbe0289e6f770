"""Information elements of IEC 60870-5-104: values with quality, commands, qualifiers and times.

An object of an ASDU is a chain of elements; `types.csv` says which. Every element reads and
writes its part of one `Point`.

Reference: IEC 60870-5-101:2003 7.2.6.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.iec104.times import CP24, CP56, Stamp, pack_stamp, read_stamp

QUALITIES = {
    0x01: "overflow",
    0x10: "blocked",
    0x20: "substituted",
    0x40: "not_topical",
    0x80: "invalid",
}
"""Quality bits of measured values; points have all but overflow."""
COUNTER_QUALITIES = {0x20: "carry", 0x40: "adjusted", 0x80: "invalid"}
PROTECTION_QUALITIES = {0x08: "elapsed_invalid", **{b: n for b, n in QUALITIES.items() if b > 1}}
"""Quality bits of events of protection equipment; the elapsed time is `Point.qualifier`, ms."""
_FLOAT = struct.Struct("<f")
_SELECT = 0x80
TEST_PATTERN = 0x55AA


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One information object."""

    address: int
    """Information object address, 3 bytes; 0 where the type has none."""
    value: bool | int | float | None = None
    """Its value; a normalised one from -1 to 1; None: none, or not a number."""
    quality: tuple[str, ...] = ()
    """What speaks against it: names of `QUALITIES`, `COUNTER_QUALITIES` or
    `PROTECTION_QUALITIES`; empty: good."""
    qualifier: int = 0
    """Qualifier of a command (QU, QL), of an interrogation or parameter; number of a counter;
    elapsed or operating time of protection equipment, ms."""
    select: bool = False
    """A command that only selects."""
    transient: bool = False
    """A step position that is still moving."""
    stamp: Stamp | None = None
    """Time tag."""


def _qualities(bits: int, names: dict[int, str]) -> tuple[str, ...]:
    return tuple(name for bit, name in names.items() if bits & bit)


def _quality_bits(point: Point, names: dict[int, str], allowed: int = 0xFF) -> int:
    known = {name: bit for bit, name in names.items() if bit & allowed}
    unknown = set(point.quality) - set(known)
    if unknown:
        raise InputError(
            f"no such quality here: {', '.join(sorted(unknown))}",
            thing=f"IEC 104 object {point.address}",
            fix=f"use {', '.join(known)}",
        )
    return sum(known[name] for name in set(point.quality))


def _int(point: Point, low: int, high: int) -> int:
    value = point.value
    if value is None or value != value or value != int(value) or not low <= value <= high:
        raise InputError(
            f"{value} is no whole number from {low} to {high}",
            thing=f"IEC 104 object {point.address}",
        )
    return int(value)


def read_element(name: str, cursor: Cursor, point: Point) -> Point:
    """Return the point with what one element says.

    Args:
        name: Element of `types.csv`.
        cursor: Where to read.
        point: What earlier elements said.

    Raises:
        InputError: There are too few bytes.
    """
    match name:
        case "SIQ" | "DIQ":
            bits = cursor.byte("value and quality")
            value: bool | int = bool(bits & 1) if name == "SIQ" else bits & 3
            return replace(point, value=value, quality=_qualities(bits & 0xF0, QUALITIES))
        case "QDS":
            bits = cursor.byte("quality")
            return replace(point, quality=_qualities(bits, QUALITIES))
        case "VTI":
            bits = cursor.byte("step position")
            step = (bits & 0x7F) - (0x80 if bits & 0x40 else 0)
            return replace(point, value=step, transient=bool(bits & 0x80))
        case "SEP":
            bits = cursor.byte("event and quality")
            return replace(point, value=bits & 3, quality=_qualities(bits, PROTECTION_QUALITIES))
        case "SPE" | "OCI":
            return replace(point, value=cursor.byte("protection events"))
        case "QDP":
            bits = cursor.byte("quality")
            return replace(point, quality=_qualities(bits, PROTECTION_QUALITIES))
        case "BSI" | "SCD":
            return replace(point, value=cursor.number(4, "bit string"))
        case "NVA" | "SVA":
            count = int.from_bytes(cursor.take(2, "value"), "little", signed=True)
            return replace(point, value=count / 32768 if name == "NVA" else count)
        case "R32":
            (real,) = _FLOAT.unpack(cursor.take(4, "value"))
            return replace(point, value=real if math.isfinite(real) else None)
        case "BCR":
            count = int.from_bytes(cursor.take(4, "counter"), "little", signed=True)
            bits = cursor.byte("counter quality")
            quality = _qualities(bits, COUNTER_QUALITIES)
            return replace(point, value=count, qualifier=bits & 0x1F, quality=quality)
        case _:
            return _read_control(name, cursor, point)


def _read_control(name: str, cursor: Cursor, point: Point) -> Point:
    match name:
        case "SCO" | "DCO" | "RCO":
            bits = cursor.byte("command")
            value: bool | int = bool(bits & 1) if name == "SCO" else bits & 3
            select = bool(bits & _SELECT)
            return replace(point, value=value, qualifier=bits >> 2 & 0x1F, select=select)
        case "QOS":
            bits = cursor.byte("qualifier of the set-point")
            return replace(point, qualifier=bits & 0x7F, select=bool(bits & _SELECT))
        case "QUA":
            return replace(point, qualifier=cursor.byte("qualifier"))
        case "FBP" | "CP16":
            return replace(point, qualifier=cursor.number(2, "test pattern or delay"))
        case _:
            size = CP24 if name == "CP24" else CP56
            return replace(point, stamp=read_stamp(cursor.take(size, "time tag")))


def pack_element(name: str, point: Point) -> bytes:
    """Return the bytes of one element.

    Raises:
        InputError: The point's value, quality or qualifier does not fit.
    """
    match name:
        case "SIQ" | "DIQ":
            value = _int(point, 0, 1 if name == "SIQ" else 3)
            return bytes((value | _quality_bits(point, QUALITIES, 0xF0),))
        case "QDS":
            return bytes((_quality_bits(point, QUALITIES),))
        case "VTI":
            return bytes((_int(point, -64, 63) & 0x7F | point.transient << 7,))
        case "SEP":
            return bytes((_int(point, 0, 3) | _quality_bits(point, PROTECTION_QUALITIES),))
        case "SPE" | "OCI":
            return bytes((_int(point, 0, 0xFF),))
        case "QDP":
            return bytes((_quality_bits(point, PROTECTION_QUALITIES),))
        case "BSI" | "SCD":
            return _int(point, 0, (1 << 32) - 1).to_bytes(4, "little")
        case "NVA":
            scaled = replace(point, value=round((point.value or 0) * 32768))
            return _int(scaled, -32768, 32767).to_bytes(2, "little", signed=True)
        case "SVA":
            return _int(point, -32768, 32767).to_bytes(2, "little", signed=True)
        case "R32":
            return _pack_float(point)
        case "BCR":
            count = _int(point, -(1 << 31), (1 << 31) - 1).to_bytes(4, "little", signed=True)
            bits = _quality_bits(point, COUNTER_QUALITIES) | _qualifier(point, 0x1F)
            return count + bytes((bits,))
        case _:
            return _pack_control(name, point)


def _pack_control(name: str, point: Point) -> bytes:
    match name:
        case "SCO" | "DCO" | "RCO":
            value = _int(point, 0, 1 if name == "SCO" else 3)
            bits = value | _qualifier(point, 0x1F) << 2 | point.select << 7
            return bytes((bits,))
        case "QOS":
            return bytes((_qualifier(point, 0x7F) | point.select << 7,))
        case "QUA":
            return bytes((_qualifier(point, 0xFF),))
        case "FBP" | "CP16":
            return _qualifier(point, 0xFFFF).to_bytes(2, "little")
        case _:
            stamp = point.stamp or Stamp(text=None)
            return pack_stamp(stamp, CP24 if name == "CP24" else CP56)


def _qualifier(point: Point, high: int) -> int:
    if not 0 <= point.qualifier <= high:
        raise InputError(
            f"qualifier {point.qualifier} is not 0 to {high}",
            thing=f"IEC 104 object {point.address}",
        )
    return point.qualifier


def _pack_float(point: Point) -> bytes:
    try:
        return _FLOAT.pack(math.nan if point.value is None else point.value)
    except (OverflowError, struct.error) as error:
        raise InputError(
            f"{point.value} does not fit 32 bits", thing=f"IEC 104 object {point.address}"
        ) from error
