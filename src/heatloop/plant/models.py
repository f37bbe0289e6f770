"""Models of devices: what a maker's type can measure, bear, offer and protect (clause 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

from heatloop.kernel.errors import InputError
from heatloop.plant.bad_rows import BadRow
from heatloop.plant.resources import table

INSTRUMENT, EQUIPMENT, CONTROL, RADIO = "instrument", "equipment", "control", "radio"
"""Groups of device classes."""
STANDARD_INTERFACES = (
    "Modbus RTU",
    "Modbus TCP",
    "OPC UA",
    "MQTT",
    "BACnet",
    "CJ/T 188",
    "M-Bus",
    "IEC 104",
    "DL/T 645",
)
"""Interfaces operating equipment may offer without a waiver (5.1 d 3)."""
PROTECTIONS = ("overload", "leakage", "antifreeze")
_LONGEST = 120
_HUGE = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceClass:
    """One row of `device_classes.csv`."""

    name: str
    """Name, unique."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    group: str
    """`instrument`, `equipment`, `control` or `radio`."""
    quantity: str
    """What an instrument measures; empty for others."""
    interface: bool
    """Whether it must offer a standard interface."""
    protections: tuple[str, ...]
    """Protections it must have."""
    labelled: bool
    """Whether there is an energy label for such devices."""
    steps: tuple[str, ...]
    """Steps of its functional test, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceModel:
    """One type of one maker; None where the data sheet is silent."""

    code: str
    """Type designation, unique."""
    maker: str
    """Who makes it."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    device_class: str
    """Row of `device_classes.csv`."""
    range_low: float | None = None
    """Low end of the measuring or setting range, in `unit`."""
    range_high: float | None = None
    """High end, in `unit`."""
    unit: str = ""
    """Unit of the range."""
    accuracy: float | None = None
    """Temperature: degC; else class, % of range."""
    medium_high_c: float | None = None
    """Hottest medium it bears."""
    medium_high_kpa: float | None = None
    """Highest pressure of the medium it bears."""
    ip: int | None = None
    """IP rating, two digits."""
    ambient_low_c: float | None = None
    """Coldest surroundings it works in."""
    upstream_d: float | None = None
    """Straight pipe it needs before it, in diameters."""
    downstream_d: float | None = None
    """Straight pipe it needs behind it, in diameters."""
    interfaces: tuple[str, ...] = ()
    """Interfaces it offers."""
    protections: tuple[str, ...] = ()
    """Some of `PROTECTIONS`."""
    energy_grade: int | None = None
    """Grade of the energy label, 1 the best."""
    efficiency_pct: float | None = None
    """Rated efficiency."""
    capacity_kw: float | None = None
    """Nameplate capacity."""
    stroke_s: float | None = None
    """Time a valve takes from shut to open."""
    mtbf_h: float | None = None
    """Mean time between failures the maker states."""
    srrc: str = ""
    """Radio type-approval number."""
    band_mhz: float | None = None
    """Radio band."""
    power_mw: float | None = None
    """Radio power."""
    rssi_low_dbm: float | None = None
    """Weakest signal it works with."""

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values, lists joined by `|`."""
        return {
            name: "|".join(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split("|") if word.strip())


@cache
def device_classes() -> Mapping[str, DeviceClass]:
    """Return every device class by name, in the order of the table."""
    return MappingProxyType(
        {
            row["class"]: DeviceClass(
                name=row["class"],
                zh=row["zh"],
                en=row["en"],
                group=row["group"],
                quantity=row["quantity"],
                interface=row["interface"] == "1",
                protections=_words(row["protections"]),
                labelled=row["labelled"] == "1",
                steps=_words(row["steps"]),
            )
            for row in table("device_classes.csv")
        }
    )


@cache
def shipped_models() -> tuple[DeviceModel, ...]:
    """Return the models a new installation begins with; their makers are all `generic`."""
    return tuple(read_model(row) for row in table("device_models.csv"))


def read_model(row: Mapping[str, Any]) -> DeviceModel:
    """Return the model of a row of cells, text or typed.

    Raises:
        InputError: A column is missing, unknown or holds something else than it should.
    """
    types = get_type_hints(DeviceModel)
    unknown = sorted(set(row) - set(types))
    if unknown:
        raise InputError("no such column", thing=unknown[0], fix=f"use: {', '.join(types)}")
    made = DeviceModel(
        **{f.name: _cell(f.name, types[f.name], row.get(f.name)) for f in fields(DeviceModel)}
    )
    if not made.code or not made.maker or not made.zh:
        raise InputError("a model needs code, maker and zh", thing=made.code, fix="fill them in")
    if made.device_class not in device_classes():
        raise InputError(
            "no such device class",
            thing=made.device_class,
            place="device_class",
            fix=f"use: {', '.join(device_classes())}",
        )
    strange = sorted(set(made.protections) - set(PROTECTIONS))
    if strange:
        raise InputError("no such protection", thing=strange[0], fix=", ".join(PROTECTIONS))
    low, high = made.range_low, made.range_high
    if low is not None and high is not None and low >= high:
        raise InputError("range ends before it begins", place="range_high", fix="correct it")
    return made


def _cell(name: str, kind: Any, value: Any) -> Any:
    text = "" if value is None else str(value).strip()
    if kind is str or kind == tuple[str, ...]:
        if len(text) > _LONGEST:
            raise InputError("too long", place=name, fix=f"at most {_LONGEST} letters")
        return text if kind is str else _words(text)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise InputError("not a number", thing=text, place=name, fix="give a number") from error
    if not -_HUGE < number < _HUGE:
        raise InputError("no such number", thing=text, place=name, fix="correct it")
    if kind == int | None:
        if number != int(number):
            raise InputError("not a whole number", thing=text, place=name, fix="correct it")
        return int(number)
    return number


def read_models(rows: Iterable[Mapping[str, Any]]) -> tuple[list[DeviceModel], list[BadRow]]:
    """Return the models of a sheet, and every row that is none."""
    good: dict[str, DeviceModel] = {}
    bad: list[BadRow] = []
    for number, row in enumerate(rows, 2):
        try:
            model = read_model(row)
            if model.code in good:
                raise InputError("model stands twice", thing=model.code, place="code", fix="once")
        except InputError as error:
            bad.append(
                BadRow(
                    sheet="device_model",
                    row=number,
                    column=error.place,
                    value=error.thing,
                    message_zh="设备型号行有误",
                    message_en=error.message,
                    fix=error.fix,
                )
            )
        else:
            good[model.code] = model
    return list(good.values()), bad
