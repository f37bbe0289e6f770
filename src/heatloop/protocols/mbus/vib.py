"""M-Bus value information: what a record measures, in which unit and decimal.

Bytes::

    VIF (VIFE ...)             bit 7: another follows; at most 10 VIFEs
    FB VIFE (VIFE ...)         first extension table      FD VIFE ...   second
    7C n text (VIFE ...)       the unit in plain text, last character first
    7F / FF VIFE ...           manufacturer specific

Reference: EN 13757-3:2018 6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.vif_tables import (
    MANUFACTURER,
    UNKNOWN,
    Modifier,
    Quantity,
    modifiers,
    quantities,
)

MAX_VIFES = 10
_EXTENSIONS = {0xFB: "fb", 0xFD: "fd"}
_PLAIN, _ANY_MANUFACTURER, _MORE = 0x7C, 0x7F, 0x7C
_SECONDS = (1, 60, 3600, 86400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Vib:
    """The value information of one record."""

    quantity: Quantity
    """What is measured."""
    code: int
    """Its code in the quantity's table."""
    text: str = ""
    """The unit in plain text, where the meter sends that."""
    modifiers: tuple[Modifier, ...] = ()
    """What the VIFEs say, in order."""
    raw: bytes = b""
    """The bytes."""


def _reserved(code: int) -> Modifier:
    return Modifier(
        name=f"code_{code:02x}", zh="保留", en=f"reserved {code:02X}", effect="", argument=""
    )


def _modifiers(codes: list[int], error_code: bool = True) -> tuple[Modifier, ...]:
    """Return what the VIFEs say; those below 20 report an error of the meter (or do an action)."""
    found: list[Modifier] = []
    extended = False
    for code in codes:
        if extended:
            found.append(modifiers("vife_fc.csv").get(code) or _reserved(code))
            extended = False
        elif code == _MORE:
            extended = True
        elif code == _ANY_MANUFACTURER:
            return (*found, MANUFACTURER)
        elif code >= 0x20:
            found.append(modifiers("vife.csv").get(code) or _reserved(code))
        elif code and error_code:
            name = f"record_error_{code:02x}"
            en = f"record error {code:02X}"
            found.append(Modifier(name=name, zh="记录错误", en=en, effect="", argument=""))
    return tuple(found)


def take_vib(cursor: Cursor) -> Vib:
    """Read the value information of a record.

    Raises:
        InputError: It is cut short or has more than 10 VIFEs.
    """
    start = cursor.at
    codes = [cursor.byte("VIF")]
    read = bytearray(codes)
    text = ""
    if codes[0] & 0x7F == _PLAIN:
        size = cursor.byte("length of the plain-text unit")
        name = cursor.take(size, "plain-text unit")
        text = name[::-1].decode("latin-1")
        read += bytes((size,)) + name
    while codes[-1] & 0x80:
        if len(codes) > MAX_VIFES:
            raise cursor.refuse("more than 10 VIFEs", cursor.at - start)
        codes.append(cursor.byte("VIFE"))
        read.append(codes[-1])
    return _vib(codes, text, bytes(read))


def _vib(codes: list[int], text: str, raw: bytes) -> Vib:
    first, rest = codes[0], [code & 0x7F for code in codes[1:]]
    if first in _EXTENSIONS:
        code, rest = rest[0], rest[1:]
        quantity = quantities().get((_EXTENSIONS[first], code), UNKNOWN)
        return Vib(quantity=quantity, code=code, modifiers=_modifiers(rest), raw=raw)
    code = first & 0x7F
    if code == _PLAIN:
        plain = Quantity(
            table="main", first=code, last=code, name="plain_text", zh=text, en=text, unit=text,
            power=0, kind="number",
        )  # fmt: skip
        return Vib(quantity=plain, code=code, text=text, modifiers=_modifiers(rest), raw=raw)
    quantity = quantities().get(("main", code), UNKNOWN)
    if code == _ANY_MANUFACTURER:
        return Vib(quantity=quantity, code=code, modifiers=(), raw=raw)
    return Vib(quantity=quantity, code=code, modifiers=_modifiers(rest), raw=raw)


@cache
def make_vib(name: str, unit: str = "", power: int = 0, vifes: bytes = b"") -> Vib:
    """Return the value information of a quantity.

    Args:
        name: Quantity of `vif.csv`.
        unit: Unit of `vif.csv`; may be left out if the quantity has only one.
        power: Decimal power of what one count stands for; for durations 0 s, 1 min, 2 h, 3 d.
        vifes: Further VIFEs, without their extension bits.

    Raises:
        InputError: The tables have no such quantity, unit and power.
    """
    for (where, code), each in quantities().items():
        fits = each.name == name and unit in {"", each.unit}
        if not fits or each.power + code - each.first != power:
            continue
        head = (code,) if where == "main" else (0x7B if where == "fb" else 0x7D, code)
        codes = [*head, *vifes]
        raw = bytes(c | 0x80 for c in codes[:-1]) + bytes((codes[-1] & 0x7F,))
        return take_vib(Cursor(raw, "M-Bus VIB"))
    raise InputError(
        f"no VIF for 10^{power} {unit}".rstrip(), thing=name, fix="see mbus/vif.csv for what exists"
    )


def plain_vib(text: str, vifes: bytes = b"") -> Vib:
    """Return value information whose unit is plain text.

    Raises:
        InputError: The text is longer than 255 characters or not Latin-1.
    """
    if len(text) > 255 or any(ord(letter) > 255 for letter in text):
        raise InputError("a plain-text unit has at most 255 Latin-1 letters", thing=text[:40])
    tail = bytes(c | 0x80 for c in vifes[:-1]) + bytes(c & 0x7F for c in vifes[-1:])
    head = bytes((_PLAIN | (0x80 if vifes else 0), len(text)))
    return take_vib(Cursor(head + text.encode("latin-1")[::-1] + tail, "M-Bus VIB"))


def scale(vib: Vib, number: float, *, real: bool = False) -> int | float:
    """Return a raw number in the record's unit.

    Args:
        vib: Value information.
        number: The number in the data field.
        real: Whether it came as a real; integers stay exact as long as they can.
    """
    power = vib.quantity.power + vib.code - vib.quantity.first
    times = 1
    add = 0.0
    if vib.quantity.kind == "duration":
        power, times = 0, _SECONDS[power]
    elif vib.quantity.kind != "number":
        power = 0
    for each in vib.modifiers:
        match each.effect:
            case "power":
                power += int(each.argument) + each.step
            case "offset":
                add += 10.0 ** (int(each.argument) + each.step)
            case "duration":
                power, times = 0, _SECONDS[each.step]
            case "count":
                power, times = 0, 1
    product = number * times
    found: int | float = product * 10**power if power >= 0 else product / 10**-power
    if add:
        return found + add * 10.0**power
    return float(found) if real else found


def unit_of(vib: Vib) -> str:
    """Return the unit of a record's value, with what its modifiers do to it."""
    unit = vib.quantity.unit
    for each in vib.modifiers:
        match each.effect:
            case "per":
                unit = f"{unit or '1'}/{each.argument}"
            case "times":
                unit = f"{unit} {each.argument}".strip()
            case "duration":
                unit = "s"
            case "count" | "date":
                unit = ""
    return unit


def is_date(vib: Vib) -> bool:
    """Return whether the record holds a date or time."""
    return vib.quantity.kind == "date" or any(m.effect == "date" for m in vib.modifiers)
