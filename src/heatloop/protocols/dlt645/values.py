"""DL/T 645-2007 data: what each identifier means, and its numbers, times and texts.

Numbers are decimals, lowest byte first; the top bit of a signed one is its sign; FF digits are
no value. A block has several in a row.

Reference: DL/T 645-2007 Annex A (tables A.1 to A.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_bcd, pack_digits, read_bcd
from heatloop.protocols.cursor import refusal
from heatloop.protocols.dlt645.frames import THING
from heatloop.protocols.tables import table

_SIGN, _DATA_AT = 0x80, 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One row of `identifiers.csv`."""

    first: int
    """Its first identifier."""
    last: int
    """Its last one: the same with the highest tariff and settlement day."""
    name: str
    """For programs."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """number, demand, date, time, digits, text or bits."""
    size: int
    """Bytes of one value."""
    decimals: int
    """Decimals of a number."""
    unit: str
    """Unit, or empty."""
    signed: bool
    """Whether the top bit is a sign."""
    count: int
    """Most values in a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value of an answer."""

    value: float | str | None
    """In the kind's unit; None: the meter has none."""
    at: str | None = None
    """When a maximum was reached, local time."""


@cache
def _kinds() -> tuple[Kind, ...]:
    return tuple(
        Kind(
            first=int(row["first"], 16),
            last=int(row["last"], 16),
            name=row["name"],
            zh=row["zh"],
            en=row["en"],
            kind=row["kind"],
            size=int(row["bytes"]),
            decimals=int(row["decimals"]),
            unit=row["unit"],
            signed=row["signed"] == "1",
            count=int(row["count"]),
        )
        for row in table("dlt645", "identifiers.csv")
    )


@cache
def single_kinds() -> dict[str, Kind]:
    """Return what has a value of its own (no block) by name."""
    return {each.name: each for each in reversed(_kinds()) if each.count == 1}


def kind_of(identifier: int) -> Kind | None:
    """Return what an identifier means: every byte of it within the row's range; None: unknown."""
    parts = identifier.to_bytes(4, "big") if 0 <= identifier < 1 << 32 else b""
    for each in _kinds():
        low, high = each.first.to_bytes(4, "big"), each.last.to_bytes(4, "big")
        if parts and all(a <= b <= c for a, b, c in zip(low, parts, high, strict=True)):
            return each
    return None


def _number(data: bytes, kind: Kind) -> float | None:
    sign = 1
    if kind.signed and data[-1] & _SIGN and data != b"\xff" * len(data):
        sign, data = -1, data[:-1] + bytes((data[-1] ^ _SIGN,))
    number = read_bcd(data)
    if number is None:
        return None
    return sign * (number / 10**kind.decimals if kind.decimals else number)


def _date(digits: str) -> str | None:
    months_and_days = digits.isdecimal() and 1 <= int(digits[2:4]) <= 12 and digits[4:6] <= "31"
    return f"20{digits[:2]}-{digits[2:4]}-{digits[4:6]}" if months_and_days else None


def _moment(data: bytes) -> str | None:
    """Return a time to the minute from minute, hour, day, month, year."""
    digits = bcd_digits(data)
    date = _date(digits[:6])
    fits = date and digits.isdecimal() and digits[6:8] < "24" and digits[8:] < "60"
    return f"{date}T{digits[6:8]}:{digits[8:]}" if fits else None


def _value(data: bytes, kind: Kind) -> Value:
    digits = bcd_digits(data)
    match kind.kind:
        case "number":
            return Value(value=_number(data, kind))
        case "demand":
            return Value(value=_number(data[:3], kind), at=_moment(data[3:]))
        case "date":
            return Value(value=_date(digits[:6]))
        case "time":
            fits = digits.isdecimal() and digits < "24" and digits[2:4] < "60" and digits[4:] < "60"
            text = f"{digits[:2]}:{digits[2:4]}:{digits[4:]}"
            return Value(value=text if fits else None)
        case "digits" | "bits":
            return Value(value=digits)
        case _:
            return Value(value=data[::-1].decode("latin-1").strip("\0 "))


def decode_values(kind: Kind, data: bytes) -> tuple[Value, ...]:
    """Return the values of an answer.

    Args:
        kind: What the identifier means.
        data: The bytes after it.

    Raises:
        InputError: The length is not that of 1 to `kind.count` values.
    """
    count, odd = divmod(len(data), kind.size)
    if odd or not 1 <= count <= kind.count:
        raise refusal(
            f"{kind.en} has {kind.size} bytes a value and at most {kind.count} values, "
            f"{len(data)} bytes came",
            THING,
            _DATA_AT,
        )
    size = kind.size
    return tuple(_value(data[at : at + size], kind) for at in range(0, len(data), size))


def _pack_number(value: float, kind: Kind, size: int) -> bytes:
    count = round(value * 10**kind.decimals)
    if count < 0 and not kind.signed:
        raise InputError("is never negative", thing=kind.name)
    packed = bytearray(pack_bcd(abs(count), size))
    if kind.signed and packed[-1] & _SIGN:
        raise InputError(f"{value} leaves no room for the sign", thing=kind.name)
    if count < 0:
        packed[-1] |= _SIGN
    return bytes(packed)


def _pack(value: Value, kind: Kind) -> bytes:
    if value.value is None:
        return b"\xff" * kind.size
    if isinstance(value.value, str):
        text = value.value
        match kind.kind:
            case "date":
                return _pack_date(text, kind)
            case "time":
                return pack_digits(text.replace(":", ""), 3, kind.name)
            case "digits" | "bits":
                return pack_digits(text, kind.size, kind.name)
            case "text":
                return _pack_text(text, kind)
        raise InputError("not a number", thing=kind.name)
    if kind.kind == "demand":
        digits = "".join(letter for letter in value.at or "" if letter.isdecimal())
        moment = pack_digits(digits[2:], 5, kind.name) if value.at else b"\xff" * 5
        return _pack_number(value.value, kind, 3) + moment
    if kind.kind != "number":
        raise InputError("not a text", thing=kind.name)
    return _pack_number(value.value, kind, kind.size)


def _pack_date(text: str, kind: Kind) -> bytes:
    """Return weekday (0 is Sunday), day, month and year."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no date", thing=kind.name) from error
    return bytes((day.isoweekday() % 7,)) + pack_digits(day.strftime("%y%m%d"), 3, kind.name)


def _pack_text(text: str, kind: Kind) -> bytes:
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InputError("text is Latin-1", thing=kind.name) from error
    if len(data) > kind.size:
        raise InputError(f"text has at most {kind.size} letters", thing=kind.name)
    return data.ljust(kind.size, b"\0")[::-1]


def encode_values(kind: Kind, values: Sequence[Value]) -> bytes:
    """Return the bytes of values.

    Raises:
        InputError: There are none or too many, or one does not fit.
    """
    if not 1 <= len(values) <= kind.count:
        raise InputError(f"takes 1 to {kind.count} values", thing=kind.name)
    return b"".join(_pack(each, kind) for each in values)
