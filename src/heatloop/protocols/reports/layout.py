"""Values packed into a few bytes, each described by a text of its profile.

::

    u16be@0*0.1          unsigned, 2 bytes, high byte first, from byte 0 on, times 0.1
    s16be@2*0.01!7FFF    7FFF says that there is no value
    u16be@0&3FFF         only these bits, moved down to bit 0
    tlv:0367:s16le*0.1   after the bytes 03 67 of a chain of channel, type and value
    port=2;s16be@2       only in messages to this LoRaWAN port

Types: u8 s8, u16 s16 u24 s24 u32 s32 with be or le, f32be f32le. After the factor an offset may
follow: `*0.1+-40`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite

from heatloop.kernel.errors import InputError
from heatloop.protocols.tables import table

THING = "packed report"
_SOURCE = re.compile(
    r"(?:port=(?P<port>\d{1,3});)?"
    r"(?:tlv:(?P<tag>[0-9A-Fa-f]{4}):)?"
    r"(?P<type>u8|s8|[us](?:16|24|32)(?:be|le)|f32(?:be|le))"
    r"(?:@(?P<at>\d{1,3}))?"
    r"(?:&(?P<mask>[0-9A-Fa-f]{1,8}))?"
    r"(?:\*(?P<factor>-?[0-9.eE]+(?:e-?\d+)?))?"
    r"(?:\+(?P<offset>-?[0-9.]+))?"
    r"(?:!(?P<none>[0-9A-Fa-f]{1,8}))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where one value stands and how it is written."""

    port: int | None
    """LoRaWAN port, None: any."""
    tag: bytes
    """Channel and type before it in a chain; empty where it stands at a fixed byte."""
    at: int
    """Its byte where it stands at a fixed one."""
    size: int
    """Its bytes."""
    order: str
    """`big` or `little`."""
    kind: str
    """`u`, `s` or `f`."""
    mask: int
    """Bits that count, 0: all."""
    factor: float
    """Value = raw * factor + offset."""
    offset: float
    """Value = raw * factor + offset."""
    none: int | None
    """Raw bits that say there is no value."""

    def read(self, data: bytes) -> float | None:
        """Return the value in its own bytes; None where there is none."""
        raw = int.from_bytes(data, self.order)  # type: ignore[arg-type]
        if raw == self.none:
            return None
        if self.kind == "f":
            (value,) = struct.unpack(">f" if self.order == "big" else "<f", data)
            return value * self.factor + self.offset if isfinite(value) else None
        if self.mask:
            raw = (raw & self.mask) >> _low(self.mask)
        elif self.kind == "s" and raw >> 8 * self.size - 1:
            raw -= 1 << 8 * self.size
        return raw * self.factor + self.offset

    def write(self, value: float | None, before: bytes) -> bytes:
        """Return its bytes with a value in them.

        Args:
            value: None: the bits that say there is no value.
            before: The bytes as they were.

        Raises:
            InputError: The value does not fit, or there are no bits for "no value".
        """
        if value is None:
            if self.none is None:
                raise InputError("no way to say that there is no value", thing=THING)
            return self.none.to_bytes(self.size, self.order)  # type: ignore[arg-type]
        count = (value - self.offset) / self.factor
        if self.kind == "f":
            return struct.pack(">f" if self.order == "big" else "<f", count)
        raw = round(count)
        try:
            if self.mask:
                width = (self.mask >> _low(self.mask)).bit_length()
                raw.to_bytes((width + 7) // 8, "big")
                old = int.from_bytes(before, self.order)  # type: ignore[arg-type]
                raw = old & ~self.mask | (raw << _low(self.mask)) & self.mask
            return raw.to_bytes(self.size, self.order, signed=self.kind == "s")  # type: ignore[arg-type]
        except OverflowError as error:
            raise InputError(f"{value} does not fit {self.size} bytes", thing=THING) from error


def _low(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


@cache
def layout(text: str) -> Layout:
    """Return the layout a profile's text describes.

    Raises:
        InputError: It is malformed.
    """
    found = _SOURCE.fullmatch(text.strip())
    if found is None or (found["at"] is None) == (found["tag"] is None):
        fix = "write e.g. u16be@0*0.1 or tlv:0367:s16le*0.1"
        raise InputError("no layout of a value", thing=text[:60], fix=fix)
    kind, bits = found["type"][0], found["type"][1:].rstrip("belt")
    try:
        factor, offset = float(found["factor"] or 1.0), float(found["offset"] or 0.0)
    except ValueError as error:
        raise InputError("factor or offset is no number", thing=text[:60]) from error
    if not isfinite(factor) or factor == 0.0:
        raise InputError("a factor is a number other than 0", thing=text[:60])
    return Layout(
        port=int(found["port"]) if found["port"] else None,
        tag=bytes.fromhex(found["tag"] or ""),
        at=int(found["at"] or 0),
        size=int(bits) // 8,
        order="little" if found["type"].endswith("le") else "big",
        kind=kind,
        mask=int(found["mask"] or "0", 16),
        factor=factor,
        offset=offset,
        none=int(found["none"], 16) if found["none"] else None,
    )


@cache
def _lengths() -> dict[bytes, int]:
    """Return the bytes of a value by channel and type, or by type alone."""
    return {bytes.fromhex(row["tag"]): int(row["bytes"]) for row in table("reports", "tlv.csv")}


def read_chain(data: bytes) -> dict[bytes, bytes]:
    """Return the values of a chain by channel and type.

    Raises:
        InputError: It ends inside a value, or a type is not in `tlv.csv`.
    """
    lengths, found, at = _lengths(), {}, 0
    while at < len(data):
        tag = data[at : at + 2]
        size = lengths.get(tag, lengths.get(tag[1:]))
        if size is None:
            fix = "add it to tlv.csv"
            raise InputError(f"unknown type {tag.hex().upper()}", thing=THING, fix=fix)
        at += 2
        if at + size > len(data):
            raise InputError("ends inside a value", thing=THING, place=f"byte {at}")
        found[tag] = data[at : at + size]
        at += size
    return found


def read_layouts(
    layouts: Sequence[Layout], data: bytes, port: int | None = None
) -> list[float | None]:
    """Return the values of a message, None where it has none, in the order of the layouts.

    Raises:
        InputError: It is too short, or the chain is damaged.
    """
    chain = read_chain(data) if any(each.tag for each in layouts) else {}
    values: list[float | None] = []
    for each in layouts:
        part: bytes | None
        if each.port is not None and port is not None and each.port != port:
            part = None
        elif each.tag:
            part = chain.get(each.tag)
        else:
            part = data[each.at : each.at + each.size]
        if part is not None and len(part) != each.size:
            raise InputError(f"{len(data)} bytes are too few", thing=THING, place=f"byte {each.at}")
        values.append(None if part is None else each.read(part))
    return values


def write_layouts(pairs: Iterable[tuple[Layout, float | None]]) -> bytes:
    """Return a message that holds these values.

    Raises:
        InputError: A value does not fit.
    """
    fixed, chain = bytearray(), bytearray()
    for each, value in pairs:
        if each.tag:
            if value is not None:
                chain += each.tag + each.write(value, bytes(each.size))
            continue
        fixed.extend(bytes(max(0, each.at + each.size - len(fixed))))
        place = slice(each.at, each.at + each.size)
        fixed[place] = each.write(value, bytes(fixed[place]))
    return bytes(fixed + chain)
