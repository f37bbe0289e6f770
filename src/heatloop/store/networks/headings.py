"""Headings people write: Chinese or English, with or without a unit, to columns and house units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.topology.steel import bore_m
from heatloop.store.networks.sections import FLAG, NUMBER, SECTIONS, TEXT, Column

# Factor to the house unit, by house unit and written unit.
_FACTORS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "m": {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "km": 1e3, "米": 1.0, "毫米": 1e-3, "千米": 1e3},
        "mm": {"mm": 1.0, "m": 1e3, "毫米": 1.0},
        "kPa": {"kpa": 1.0, "mpa": 1e3, "bar": 100.0, "pa": 1e-3, "mh2o": 9.80665},
        "kg/s": {"kg/s": 1.0, "kgs": 1.0, "kg_per_s": 1.0, "t/h": 1 / 3.6, "th": 1 / 3.6},
        "kW": {"kw": 1.0, "mw": 1e3, "w": 1e-3, "gj/h": 1e6 / 3600.0},
        "degC": {"degc": 1.0, "c": 1.0, "℃": 1.0, "°c": 1.0},
        "m3/h": {"m3/h": 1.0, "m3h": 1.0, "m³/h": 1.0},
        "%": {"%": 1.0, "pct": 1.0},
        "W/(m K)": {"w/(m k)": 1.0, "w/mk": 1.0, "w_mk": 1.0, "w/(m·k)": 1.0, "w_per_mk": 1.0},
    }
)
_BRACKETS = re.compile(r"^(.*?)\s*[(（\[]\s*(.*?)\s*[)）\]]\s*$")
_TRUE = frozenset(("1", "true", "yes", "是", "y"))
_FALSE = frozenset(("0", "false", "no", "否", "n"))
DIAMETER, DN = "diameter_m", "dn_mm"
_DN_WORDS = ("dn", "dn_mm", "公称直径", "公称管径")


def _plain(text: str) -> str:
    return " ".join(text.strip().casefold().split()).replace(" ", "_")


@cache
def _words(section: str) -> Mapping[str, Column]:
    """Return the column each heading of a section stands for, without its unit."""
    found: dict[str, Column] = {}
    columns = SECTIONS[section].columns.values()
    for column in columns:
        found[column.name] = column
    for column in columns:
        base = column.name.rsplit("_", 1)[0] if column.unit else column.name
        for word in (base, column.zh, *column.other):
            found.setdefault(_plain(word), column)
    return MappingProxyType(found)


def column_of(section: str, heading: str) -> tuple[Column, float] | None:
    """Return the column a heading stands for and the factor to its house unit, None if none.

    `长度(km)`, `length_km`, `Length [km]` and `length_m` all are the length of a pipe.

    Raises:
        InputError: The unit in it is not one of that quantity.
    """
    words = _words(section)
    text = heading.strip()
    if _plain(text) in words:
        return words[_plain(text)], 1.0
    found = _BRACKETS.match(text)
    if found and _plain(found[1]) in words:
        column = words[_plain(found[1])]
        return column, _factor(column, found[2], heading)
    base, _, unit = _plain(text).rpartition("_")
    while base:
        if base in words and (factor := _known(words[base], unit)) is not None:
            return words[base], factor
        base, _, more = base.rpartition("_")
        unit = f"{more}_{unit}"
    return None


def _known(column: Column, unit: str) -> float | None:
    return _FACTORS.get(column.unit, {}).get(unit.casefold())


def _factor(column: Column, unit: str, heading: str) -> float:
    if not unit or unit == column.unit:
        return 1.0
    factor = _known(column, unit)
    if factor is None:
        known = ", ".join(_FACTORS.get(column.unit, {column.unit or "none": 1.0}))
        raise InputError("unknown unit in a heading", thing=heading, fix=f"use: {known}")
    return factor


def read_cells(
    section: str, cells: Mapping[str, Any], place: str, passed: Iterable[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return a row by column name in house units, and the headings nobody knows.

    Args:
        section: Section of the row.
        cells: By heading; None is an empty cell.
        place: For errors.
        passed: Headings that somebody else reads.

    Raises:
        InputError: A cell is no number, or a unit or nominal diameter is unknown.
    """
    values: dict[str, Any] = {}
    strange: list[str] = []
    nominal: float | None = None
    for heading, cell in cells.items():
        if cell is None or cell == "" or heading in passed:
            continue
        if section == "pipes" and _plain(heading) in _DN_WORDS:
            nominal = _number(cell, f"{place} {heading}")
            continue
        try:
            known = column_of(section, heading)
        except InputError as error:
            raise InputError(
                error.message, thing=error.thing, place=place, fix=error.fix
            ) from error
        if known is None:
            strange.append(heading)
            continue
        column, factor = known
        if column.name in values:
            raise InputError(
                f"two headings for {column.name}", thing=heading, place=place, fix="keep one"
            )
        values[column.name] = _cell(column, cell, factor, f"{place} {heading}")
    if nominal is not None and DIAMETER not in values:
        try:
            values[DIAMETER] = bore_m(nominal)
        except InputError as error:
            raise InputError(
                error.message, thing=error.thing, place=place, fix=error.fix
            ) from error
    return values, strange


def _cell(column: Column, cell: Any, factor: float, place: str) -> Any:
    if column.kind == NUMBER:
        return _number(cell, place) * factor
    if column.kind == TEXT:
        return text_of(cell)
    if column.kind == FLAG:
        word = str(cell).strip().casefold()
        if isinstance(cell, bool) or word in _TRUE | _FALSE:
            return cell if isinstance(cell, bool) else word in _TRUE
        raise InputError("neither yes nor no", thing=str(cell), place=place, fix="write yes or no")
    return cell


def text_of(cell: Any) -> str:
    """Return a cell as a name; whole numbers lose the `.0` spreadsheets give them."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _number(cell: Any, place: str) -> float:
    if isinstance(cell, bool):
        raise InputError("must be a number", thing=str(cell), place=place, fix="write a number")
    try:
        return float(str(cell).strip().replace(",", "")) if isinstance(cell, str) else float(cell)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            "must be a number", thing=str(cell)[:80], place=place, fix="write a number"
        ) from error
