"""M-Bus data records: value, unit, and which of the meter's many values it is.

Bytes of a record: DIF (DIFE ...) VIB data. The DIF and up to 10 DIFEs::

    DIF   more | storage bit 0 | function (2) | data field (4)
    DIFE  more | sub-unit bit n | tariff bits 2n, 2n+1 | storage bits 4n+1 .. 4n+4

`0F` begins manufacturer data that fills the rest, `1F` the same and says that more records
follow in the next telegram, `2F` is filler, `7F` asks for everything.

Reference: EN 13757-3:2018 6.2 to 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.times import pack_time, read_time
from heatloop.protocols.mbus.values import (
    DECIMALS,
    INTEGERS,
    REAL,
    Field,
    field_of_number,
    field_of_text,
    number_of,
    pack_field,
    take_field,
    text_of,
)
from heatloop.protocols.mbus.vib import Vib, is_date, scale, take_vib, unit_of

FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
MAX_DIFES = 10
MAX_STORAGE, MAX_TARIFF, MAX_SUBUNIT = (1 << 41) - 1, (1 << 20) - 1, (1 << 10) - 1
MAX_RECORDS = 1 << 12
_MANUFACTURER, _MORE_FOLLOW, _FILLER, _GLOBAL = 0x0F, 0x1F, 0x2F, 0x7F


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One value of a meter."""

    vib: Vib
    """What is measured and how it is written."""
    field: Field
    """The data as it came."""
    function: str = "instantaneous"
    """One of `FUNCTIONS`; error: the value while the meter was in error."""
    storage: int = 0
    """0 is now, others are stored values in the meter's own order."""
    tariff: int = 0
    """0 is the total."""
    subunit: int = 0
    """Part of the meter, for example an input."""
    global_readout: bool = False
    """The DIF `7F` of a request for everything, which has no value."""

    @property
    def value(self) -> int | float | str | None:
        """The value in `unit`, a time or text; None where the meter has none."""
        if is_date(self.vib):
            return read_time(self.field.data)
        text = text_of(self.field)
        if text is not None:
            return text
        number = number_of(self.field, signed=self.vib.quantity.kind != "flags")
        if number is None:
            return None
        return scale(self.vib, number, real=self.field.code == REAL)

    @property
    def unit(self) -> str:
        """The unit of `value`, or empty."""
        return unit_of(self.vib)

    @property
    def quantity(self) -> str:
        """What is measured: a name of `vif.csv`, or `plain_text`."""
        return self.vib.quantity.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """The records of one telegram."""

    records: tuple[Record, ...]
    """In the order of the telegram, without filler."""
    manufacturer_data: bytes | None = None
    """What follows the DIF `0F` or `1F`; None without one."""
    more_follow: bool = False
    """Whether the next telegram goes on."""


def _take_dib(cursor: Cursor, dif: int) -> tuple[int, int, int]:
    storage, tariff, subunit = dif >> 6 & 1, 0, 0
    more, count = dif & 0x80, 0
    while more:
        if count == MAX_DIFES:
            raise cursor.refuse("more than 10 DIFEs")
        dife = cursor.byte("DIFE")
        storage |= (dife & 0x0F) << 4 * count + 1
        tariff |= (dife >> 4 & 3) << 2 * count
        subunit |= (dife >> 6 & 1) << count
        more, count = dife & 0x80, count + 1
    return storage, tariff, subunit


def decode_records(data: bytes, base: int = 0) -> Records:
    """Return the records that the bytes hold.

    Args:
        data: From the first DIF on.
        base: Offset of the first byte in the frame, for errors.

    Raises:
        InputError: A record is cut short, too long, or of a reserved kind.
    """
    cursor = Cursor(data, "M-Bus record", base)
    found: list[Record] = []
    while cursor.left:
        dif = cursor.byte("DIF")
        if dif == _FILLER:
            continue
        if dif in {_MANUFACTURER, _MORE_FOLLOW}:
            return Records(
                records=tuple(found),
                manufacturer_data=cursor.rest(),
                more_follow=dif == _MORE_FOLLOW,
            )
        if dif == _GLOBAL:
            empty = Field(code=0, data=b"")
            found.append(
                Record(vib=take_vib(Cursor(b"\x7e", "")), field=empty, global_readout=True)
            )
            continue
        code = dif & 0x0F
        if code == 0x0F:
            raise cursor.refuse(f"DIF {dif:02X} is reserved", 1)
        if len(found) == MAX_RECORDS:
            raise cursor.refuse(f"more than {MAX_RECORDS} records", 1)
        storage, tariff, subunit = _take_dib(cursor, dif)
        vib = take_vib(cursor)
        field = take_field(cursor, code)
        function = FUNCTIONS[dif >> 4 & 3]
        found.append(
            Record(
                vib=vib,
                field=field,
                function=function,
                storage=storage,
                tariff=tariff,
                subunit=subunit,
            )
        )
    return Records(records=tuple(found))


def _dib(record: Record) -> bytes:
    storage, tariff, subunit = record.storage, record.tariff, record.subunit
    fits = 0 <= storage <= MAX_STORAGE and 0 <= tariff <= MAX_TARIFF and 0 <= subunit <= MAX_SUBUNIT
    if not fits or record.function not in FUNCTIONS:
        raise InputError(
            f"function {record.function}, storage {storage}, tariff {tariff} or sub-unit {subunit} "
            "cannot be written",
            thing="M-Bus record",
            fix=f"use {', '.join(FUNCTIONS)} and 10 DIFEs at most",
        )
    out = [FUNCTIONS.index(record.function) << 4 | (storage & 1) << 6 | record.field.code]
    storage >>= 1
    while storage or tariff or subunit:
        out.append((subunit & 1) << 6 | (tariff & 3) << 4 | storage & 0x0F)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(byte | 0x80 for byte in out[:-1]) + bytes(out[-1:])


def encode_records(records: Records | Iterable[Record]) -> bytes:
    """Return the bytes of records, in order.

    Raises:
        InputError: A storage number, tariff or sub-unit does not fit, or a function is unknown.
    """
    if not isinstance(records, Records):
        records = Records(records=tuple(records))
    out = bytearray()
    for each in records.records:
        if each.global_readout:
            out.append(_GLOBAL)
        else:
            out += _dib(each) + each.vib.raw + pack_field(each.field)
    if records.more_follow or records.manufacturer_data is not None:
        out.append(_MORE_FOLLOW if records.more_follow else _MANUFACTURER)
        out += records.manufacturer_data or b""
    return bytes(out)


def make_record(
    vib: Vib,
    value: float | str | None,
    code: int,
    *,
    function: str = "instantaneous",
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
) -> Record:
    """Return a record that holds a value.

    Args:
        vib: Value information, from `make_vib` or `plain_vib`.
        value: In the unit of the value information; a number is rounded to the record's decimals;
            times as `pack_time` takes them; None: no value (times only).
        code: Data field: 1-4, 6, 7 integer, 5 real, 9-12, 14 decimal, 13 text.
        function: One of `FUNCTIONS`.
        storage: Storage number.
        tariff: Tariff.
        subunit: Sub-unit.

    Raises:
        InputError: The value does not fit the data field.
    """
    if is_date(vib):
        size = INTEGERS.get(code, 0)
        field = Field(code=code, data=pack_time(None if value is None else str(value), size))
    elif isinstance(value, str):
        field = field_of_text(value)
    elif value is None:
        raise InputError("a record needs a value", thing="M-Bus record", place=vib.quantity.name)
    else:
        zero, one = scale(vib, 0.0), scale(vib, 1.0)
        count = (value - zero) / (one - zero)
        if code in INTEGERS or code in DECIMALS:
            count = round(count)
        field = field_of_number(code, count)
    return Record(
        vib=vib, field=field, function=function, storage=storage, tariff=tariff, subunit=subunit
    )
