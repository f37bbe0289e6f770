"""ASDUs of IEC 60870-5-104: which kind of information, why it comes, from whom, and the objects.

Bytes::

    type 1 | SQ count 1 | T P cause 1 | originator 1 | common address 2 | objects

An object is its address (3 bytes) and its elements; with SQ set only the first address is
sent and the others follow on. T: test, P: negative.

Reference: IEC 60870-5-101:2003 7.1 to 7.3, IEC 60870-5-104:2006 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor, refusal
from heatloop.protocols.iec104.apci import MAX_ASDU
from heatloop.protocols.iec104.elements import Point, pack_element, read_element
from heatloop.protocols.tables import table

THING = "IEC 104 ASDU"
GLOBAL_ADDRESS = 0xFFFF
ACTIVATION, CONFIRMED, DEACTIVATION, DEACTIVATED, TERMINATED = 6, 7, 8, 9, 10
SPONTANEOUS, INITIALISED, REQUESTED, INTERROGATED, COUNTERS_REQUESTED = 3, 4, 5, 20, 37
UNKNOWN_TYPE, UNKNOWN_CAUSE, UNKNOWN_STATION, UNKNOWN_OBJECT = 44, 45, 46, 47
"""Causes of transmission."""
_MAX_OBJECTS, _MAX_ADDRESS = 127, (1 << 24) - 1
_NEGATIVE, _TEST, _SEQUENCE = 0x40, 0x80, 0x80
_BASE = 6
_SINGLE_TYPES = range(45, 114)
"""Commands and parameters: exactly one object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeKind:
    """One row of `types.csv`."""

    type: int
    """Type identification."""
    mnemonic: str
    """Name in the standard."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    elements: tuple[str, ...]
    """What an object consists of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asdu:
    """One message."""

    type: int
    """Type identification."""
    cause: int
    """Cause of transmission."""
    station: int
    """Common address."""
    points: tuple[Point, ...]
    """The objects."""
    negative: bool = False
    """A refusal."""
    test: bool = False
    """Not meant for the process."""
    originator: int = 0
    """Address of the controlling side that asked."""
    sequence: bool = False
    """Whether the addresses follow on, and only the first is sent."""


@cache
def type_kinds() -> dict[int, TypeKind]:
    """Return every known type by its number."""
    return {
        int(row["type"]): TypeKind(
            type=int(row["type"]),
            mnemonic=row["mnemonic"],
            zh=row["zh"],
            en=row["en"],
            elements=tuple(row["elements"].split()),
        )
        for row in table("iec104", "types.csv")
    }


@cache
def causes() -> dict[int, tuple[str, str, str]]:
    """Return name, Chinese and English of every cause by its number."""
    found = {
        int(row["cause"]): (row["name"], row["zh"], row["en"])
        for row in table("iec104", "causes.csv")
    }
    for group in range(1, 17):
        text = f"interrogated_{group}", f"响应第{group}组召唤", f"interrogated by group {group}"
        found[INTERROGATED + group] = text
    for group in range(1, 5):
        text = f"counters_{group}", f"响应第{group}组累计量", f"counters of group {group} requested"
        found[COUNTERS_REQUESTED + group] = text
    return found


def type_kind(number: int) -> TypeKind:
    """Return what a type is.

    Raises:
        InputError: The type is not known.
    """
    found = type_kinds().get(number)
    if found is None:
        raise refusal(f"type {number} is not known", THING, 0, "see iec104/types.csv")
    return found


def decode_asdu(data: bytes, base: int = _BASE) -> Asdu:
    """Return what an ASDU says.

    Args:
        data: Its bytes.
        base: Their offset in the frame, for errors.

    Raises:
        InputError: The type is unknown, or its length does not fit its objects.
    """
    cursor = Cursor(data, THING, base)
    kind = type_kinds().get(cursor.byte("type"))
    if kind is None:
        raise cursor.refuse(f"type {data[0]} is not known", 1, "see iec104/types.csv")
    structure, cause = cursor.byte("structure"), cursor.byte("cause")
    originator, station = cursor.byte("originator"), cursor.number(2, "common address")
    count, sequence = structure & 0x7F, bool(structure & _SEQUENCE)
    if count == 0 or (kind.type in _SINGLE_TYPES and structure != 1):
        raise cursor.refuse(f"{kind.mnemonic} cannot have {count} objects", 5)
    points = []
    address = 0
    for index in range(count):
        if index == 0 or not sequence:
            address = cursor.number(3, "object address")
        elif address == _MAX_ADDRESS:
            raise cursor.refuse("object addresses run past their end")
        else:
            address += 1
        point = Point(address=address)
        for name in kind.elements:
            point = read_element(name, cursor, point)
        points.append(point)
    cursor.finish()
    return Asdu(
        type=kind.type,
        cause=cause & 0x3F,
        station=station,
        points=tuple(points),
        negative=bool(cause & _NEGATIVE),
        test=bool(cause & _TEST),
        originator=originator,
        sequence=sequence,
    )


def encode_asdu(asdu: Asdu) -> bytes:
    """Return the ASDU's bytes.

    Raises:
        InputError: The type is unknown, a part does not fit, or it is longer than 249 bytes.
    """
    kind = type_kind(asdu.type)
    fits = 1 <= len(asdu.points) <= _MAX_OBJECTS and 0 <= asdu.cause <= 0x3F
    if not fits or not 0 <= asdu.originator <= 255 or not 0 <= asdu.station <= GLOBAL_ADDRESS:
        raise InputError("objects, cause, originator or station do not fit", thing=THING)
    if kind.type in _SINGLE_TYPES and (len(asdu.points) != 1 or asdu.sequence):
        raise InputError(f"{kind.mnemonic} has exactly one object", thing=THING)
    cause = asdu.cause | asdu.negative * _NEGATIVE | asdu.test * _TEST
    out = bytearray((kind.type, len(asdu.points) | asdu.sequence * _SEQUENCE, cause))
    out += bytes((asdu.originator,)) + asdu.station.to_bytes(2, "little")
    for index, point in enumerate(asdu.points):
        if not 0 <= point.address <= _MAX_ADDRESS:
            raise InputError("an object address has 3 bytes", thing=str(point.address))
        if asdu.sequence and index and point.address != asdu.points[index - 1].address + 1:
            raise InputError("addresses of a sequence follow on", thing=str(point.address))
        if not asdu.sequence or index == 0:
            out += point.address.to_bytes(3, "little")
        for name in kind.elements:
            out += pack_element(name, point)
    if len(out) > MAX_ASDU:
        raise InputError(f"ASDU has {len(out)} bytes, 249 fit", thing=THING, fix="split it")
    return bytes(out)


def split(asdu: Asdu) -> list[Asdu]:
    """Return the same objects in as few ASDUs as they fit.

    Raises:
        InputError: The type is unknown or an object does not fit.
    """
    out: list[Asdu] = []
    part: list[Point] = []
    size = 0
    for point in asdu.points:
        width = len(encode_asdu(replace(asdu, points=(point,), sequence=False))) - _BASE
        if part and (size + width > MAX_ASDU - _BASE or len(part) == _MAX_OBJECTS):
            out.append(replace(asdu, points=tuple(part), sequence=False))
            part, size = [], 0
        part.append(point)
        size += width
    if part:
        out.append(replace(asdu, points=tuple(part), sequence=False))
    return out


def reply(
    asked: Asdu, cause: int, *, negative: bool = False, points: tuple[Point, ...] | None = None
) -> Asdu:
    """Return an answer to a request: the same with another cause, and other objects if given."""
    return replace(
        asked, cause=cause, negative=negative, points=asked.points if points is None else points
    )
