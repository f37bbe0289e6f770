"""CJ/T 188 fields: numbers with their unit, clocks, status words and valve commands.

Numbers are decimals, lowest byte first, some with a unit byte. A number whose nibbles are no
digits, and a clock that shows no time, are None: the meter has no value there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_bcd, pack_digits, read_bcd
from heatloop.protocols.cjt188.profiles import FieldKind, units
from heatloop.protocols.cursor import Cursor

VALVE_OPEN, VALVE_CLOSE = 0x55, 0x99
_VALVE = {VALVE_OPEN: "open", VALVE_CLOSE: "close"}
_VALVE_STATES = ("valve_open", "valve_closed", "valve_fault", "valve_fault")
_LOW_BATTERY = 0x04


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value of an answer."""

    field: FieldKind
    """What it is."""
    value: float | str | None
    """In `unit`; a clock as `2026-01-15T06:30:00`, a status word as 4 hexadecimal digits."""
    unit: str = ""
    """Unit, or empty."""
    unit_code: int | None = None
    """The unit byte, where one was sent."""


def status_words(status: str) -> tuple[str, ...]:
    """Return what the status word says; the second byte is the maker's own.

    Args:
        status: 4 hexadecimal digits, first byte first.
    """
    first = int(status[:2], 16)
    words = [_VALVE_STATES[first & 3]]
    if first & _LOW_BATTERY:
        words.append("low_battery")
    if first >> 3 or status[2:] != "00":
        words.append("vendor_status")
    return tuple(words)


def _clock(data: bytes) -> str | None:
    digits = bcd_digits(data)
    if not digits.isdecimal():
        return None
    text = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:]}"
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def take_value(cursor: Cursor, kind: FieldKind) -> Value:
    """Read one field.

    Raises:
        InputError: There are too few bytes, or a unit byte measures something else.
    """
    code = cursor.byte("unit") if kind.unit_place == "before" else None
    data = cursor.take(kind.size, kind.en)
    if kind.unit_place == "after":
        code = cursor.byte("unit")
    match kind.kind:
        case "clock":
            return Value(field=kind, value=_clock(data))
        case "status":
            return Value(field=kind, value=data.hex().upper())
        case "digits":
            return Value(field=kind, value=bcd_digits(data))
        case "valve":
            return Value(field=kind, value=_VALVE.get(data[0], f"{data[0]:02X}"))
    power, unit = -kind.decimals, kind.unit
    if code is not None:
        known = units().get(code)
        if known is None or known[1] != kind.dimension:
            raise cursor.refuse(
                f"{code:02X} is no unit of {kind.dimension}", 1, "try another profile"
            )
        unit, power = known[0], power + known[2]
    number = read_bcd(data)
    if number is None:
        return Value(field=kind, value=None, unit=unit, unit_code=code)
    value = number * 10**power if power >= 0 else number / 10**-power
    return Value(field=kind, value=value, unit=unit, unit_code=code)


def _number(kind: FieldKind, value: float, code: int | None) -> bytes:
    power = -kind.decimals
    if kind.unit_place:
        known = units().get(-1 if code is None else code)
        if known is None or known[1] != kind.dimension:
            raise InputError("unit does not measure this", thing=kind.name, fix="give a unit code")
        power += known[2]
    count = round(value / 10**power) if power >= 0 else round(value * 10**-power)
    packed = pack_bcd(count, kind.size)
    if not kind.unit_place or code is None:
        return packed
    unit = bytes((code,))
    return unit + packed if kind.unit_place == "before" else packed + unit


def pack_value(kind: FieldKind, value: float | str | None, unit_code: int | None = None) -> bytes:
    """Return the bytes of one field.

    Args:
        kind: What it is.
        value: As `take_value` returns it; None: no value (FF digits, a clock of zeros).
        unit_code: The unit byte, where one is sent.

    Raises:
        InputError: The value or unit does not fit.
    """
    if value is None:
        blank = bytes(kind.size) if kind.kind == "clock" else b"\xff" * kind.size
        unit = bytes((unit_code or 0,)) if kind.unit_place else b""
        return unit + blank if kind.unit_place == "before" else blank + unit
    match kind.kind:
        case "clock":
            return _pack_clock(str(value), kind.name)
        case "status":
            return pack_digits(str(value), 2, kind.name)[::-1]
        case "digits":
            return pack_digits(str(value), kind.size, kind.name)
        case "valve":
            found = {word: code for code, word in _VALVE.items()}.get(str(value))
            if found is None:
                raise InputError("a valve opens or closes", thing=str(value), fix="open or close")
            return bytes((found,))
    if isinstance(value, str):
        raise InputError("not a number", thing=kind.name)
    return _number(kind, value, unit_code)


def _pack_clock(text: str, name: str) -> bytes:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is no time", thing=name, fix="write it like 2026-01-15T06:30:00"
        ) from error
    digits = f"{at.year:04d}" + at.strftime("%m%d%H%M%S")
    return pack_digits(digits, 7, name)
