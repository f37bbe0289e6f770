"""The old fixed M-Bus answer (CI 73): two counters, each with a unit code.

Bytes: identification 4, access 1, status 1, medium and units 2, counter 4, counter 4. Status
bit 0: counters are binary, else decimal; bit 1: stored at a due date, else actual. Each unit
byte holds a unit of `fixed_units.csv` and two bits of the medium; unit 3E: the same as counter
1, but its stored value.

Reference: EN 1434-3:1997, EN 13757-3:2018 Annex (fixed data structure).
"""

from __future__ import annotations

from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.header import CI_FIXED, Identity, Telegram
from heatloop.protocols.mbus.records import Record, Records
from heatloop.protocols.mbus.values import Field, field_of_number
from heatloop.protocols.mbus.vib import Vib
from heatloop.protocols.mbus.vif_tables import UNKNOWN, Quantity
from heatloop.protocols.tables import table

_INT32, _BCD8 = 4, 12
_MODE_2 = {0x0A: 3, 0x0B: 4, 0x0C: 6, 0x0D: 7, 0x0E: 8}
"""Media of the old list that name a known medium again (other counter modes)."""
_HISTORIC = 0x3E
BINARY, STORED = 0x01, 0x02
"""Status bits."""


@cache
def _units() -> dict[int, Quantity]:
    found = {}
    for row in table("mbus", "fixed_units.csv"):
        first, last = int(row["first"], 16), int(row["last"], 16)
        each = Quantity(
            table="fixed",
            first=first,
            last=last,
            name=row["quantity"],
            zh=row["zh"],
            en=row["en"],
            unit=row["unit"],
            power=int(row["power"]),
            kind="number",
        )
        found.update(dict.fromkeys(range(first, last + 1), each))
    return found


def _record(code: int, field: Field, storage: int) -> Record:
    quantity = _units().get(code, UNKNOWN)
    vib = Vib(quantity=quantity, code=code if quantity is not UNKNOWN else 0, raw=bytes((code,)))
    return Record(vib=vib, field=field, storage=storage)


def decode_fixed(data: bytes, base: int) -> Telegram:
    """Return what a fixed answer says.

    Args:
        data: The 16 bytes after CI.
        base: Their offset in the frame, for errors.

    Raises:
        InputError: There are more or fewer.
    """
    cursor = Cursor(data, "M-Bus fixed answer", base)
    number = bcd_digits(cursor.take(4, "identification"))
    access, status = cursor.byte("access number"), cursor.byte("status")
    first, second = cursor.byte("unit 1"), cursor.byte("unit 2")
    code = _INT32 if status & BINARY else _BCD8
    fields = [Field(code=code, data=cursor.take(4, f"counter {n}")) for n in (1, 2)]
    cursor.finish()
    medium = second >> 6 << 2 | first >> 6
    units = [first & 0x3F, second & 0x3F]
    stored = int(bool(status & STORED))
    storages = [stored, stored]
    if units[1] == _HISTORIC:
        units[1], storages[1] = units[0], 1
    records = tuple(map(_record, units, fields, storages))
    return Telegram(
        identity=Identity(
            number=number, manufacturer="", version=0, medium=_MODE_2.get(medium, medium)
        ),
        access=access,
        status=status,
        records=Records(records=records),
        ci=CI_FIXED,
    )


def encode_fixed(telegram: Telegram) -> bytes:
    """Return the 16 bytes of a fixed answer; its records' raw fields are sent as they are.

    Raises:
        InputError: There are not two counters with fixed units, or no identity.
    """
    records = telegram.records.records
    codes = [each.vib.raw for each in records]
    if telegram.identity is None or len(records) != 2 or any(len(code) != 1 for code in codes):
        raise InputError("a fixed answer has an identity and two counters", thing="M-Bus telegram")
    kind = _INT32 if telegram.status & BINARY else _BCD8
    if any(each.field.code != kind for each in records):
        raise InputError("both counters are binary or both decimal", thing="M-Bus telegram")
    medium = telegram.identity.medium
    units = [code[0] & 0x3F for code in codes]
    historic = not telegram.status & STORED and records[1].storage == 1
    if historic:
        units[1] = _HISTORIC
    return (
        pack_digits(telegram.identity.number, 4, "M-Bus identification")
        + bytes((telegram.access & 0xFF, telegram.status & 0xFF))
        + bytes((units[0] | (medium & 3) << 6, units[1] | (medium >> 2 & 3) << 6))
        + records[0].field.data
        + records[1].field.data
    )


def fixed_counter(quantity: str, unit: str, power: int, value: float, *, binary: bool) -> Record:
    """Return a counter of a fixed answer.

    Args:
        quantity: Quantity of `fixed_units.csv`.
        unit: Its unit.
        power: Decimal power of what one count stands for.
        value: In that unit, rounded to the counter's decimals.
        binary: Whether the answer's counters are binary.

    Raises:
        InputError: There is no such unit, or the value does not fit.
    """
    for code, each in _units().items():
        if (each.name, each.unit) == (quantity, unit) and each.power + code - each.first == power:
            count = round(value / 10**power) if power >= 0 else round(value * 10**-power)
            return _record(code, field_of_number(_INT32 if binary else _BCD8, count), 0)
    raise InputError(f"no fixed unit for 10^{power} {unit}", thing=quantity)
