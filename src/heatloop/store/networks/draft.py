"""A network as rows, before it is built: every importer makes one, with the place of each row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.network.model.builder import DEFAULT_GROUND_C
from heatloop.store.networks.sections import FLAG, POINTS, SECTIONS, TEXT, Column

WGS84 = "EPSG:4326"
_MOST_TEXT = 200
_SHORTEST_M = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportFinding:
    """Something an import could do only with a guess, or left out."""

    kind: str
    """nearly_meets | off_pipe | end_on_pipe | ignored | simplified."""
    thing: str
    """What it is about."""
    place: str
    """File, section and row."""
    zh: str
    """What was found, in Chinese."""
    en: str
    """What was found, in English."""


@dataclass(slots=True)
class Row:
    """One row and where it stands."""

    values: dict[str, Any]
    """By column name; no empty cells."""
    place: str
    """`net.json pipes row 3`."""


@dataclass(kw_only=True, slots=True)
class Draft:
    """Everything an importer found."""

    source: str
    """Name of the file."""
    name: str = ""
    """Name of the network."""
    note: str = ""
    """Free text."""
    crs: str = ""
    """What the coordinates are: `EPSG:4326` is longitude and latitude, else metres."""
    ambient_c: float = DEFAULT_GROUND_C
    """Surroundings of pipes that name none."""
    sections: dict[str, list[Row]] = field(default_factory=dict)
    """Rows by section."""
    link_order: tuple[str, ...] = ()
    """Order of the links, if it is not that of the sections."""
    findings: list[ImportFinding] = field(default_factory=list)
    """What people should look at."""

    def rows(self, section: str) -> list[Row]:
        """Return the rows of a section."""
        return self.sections.get(section, [])

    def add(self, section: str, place: str, **values: Any) -> None:
        """Add a row; a value of None is left out."""
        kept = {name: value for name, value in values.items() if value is not None}
        self.sections.setdefault(section, []).append(Row(kept, place))

    def lengthen(self) -> None:
        """Give pipes of length 0, which real maps have, a centimetre, and note it."""
        for row in self.rows("pipes"):
            if row.values.get("length_m") == 0.0:
                row.values["length_m"] = _SHORTEST_M
                self.findings.append(
                    ImportFinding(
                        kind="simplified",
                        thing=str(row.values.get("name", "")),
                        place=row.place,
                        zh=f"管长为 0，按 {_SHORTEST_M} m 计",
                        en=f"a pipe of length 0, taken as {_SHORTEST_M} m",
                    )
                )


def check_row(section: str, row: Row) -> dict[str, Any]:
    """Return a row's values with their types checked.

    Raises:
        InputError: A key is unknown or missing, or a value is of another type.
    """
    columns = SECTIONS[section].columns
    thing = str(row.values.get("name", ""))[:_MOST_TEXT]
    for key in row.values:
        if key not in columns:
            raise InputError(
                f"unknown key {str(key)[:_MOST_TEXT]!r}",
                thing=thing,
                place=row.place,
                fix=f"use: {', '.join(columns)}",
            )
    checked = {}
    for column in columns.values():
        if column.name not in row.values:
            if column.required:
                raise InputError(
                    f"{column.name} is missing",
                    thing=thing,
                    place=row.place,
                    fix=f"give {column.name}{f' in {column.unit}' if column.unit else ''}",
                )
            continue
        checked[column.name] = _checked(column, row.values[column.name], thing, row.place)
    return checked


def _checked(column: Column, value: Any, thing: str, place: str) -> Any:
    where = f"{place} {column.name}"
    if column.kind == TEXT:
        if not isinstance(value, str) or not value.strip() or len(value) > _MOST_TEXT:
            raise InputError("must be text", thing=thing, place=where, fix="give a short name")
        return value
    if column.kind == FLAG:
        if not isinstance(value, bool):
            raise InputError("must be true or false", thing=thing, place=where, fix="write true")
        return value
    if column.kind == POINTS:
        return _points(value, thing, where)
    return check_number(value, thing, where, column.unit)


def check_number(value: Any, thing: str, place: str, unit: str = "") -> float:
    """Return a finite number.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        fix = f"give a number{f' in {unit}' if unit else ''}"
        raise InputError("must be a number", thing=thing, place=place, fix=fix)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError("must be finite", thing=thing, place=place, fix="give a real number")
    return number


def _points(value: Any, thing: str, place: str) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise InputError("must be a line", thing=thing, place=place, fix="give [[x, y], [x, y]]")
    points = []
    for point in value:
        if not isinstance(point, list | tuple) or len(point) < 2:
            raise InputError("must be points", thing=thing, place=place, fix="give [[x, y], ...]")
        x, y = (check_number(number, thing, place) for number in point[:2])
        points.append((x, y))
    return tuple(points)


def as_mapping(value: Any, thing: str, place: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        InputError: It is none.
    """
    if not isinstance(value, dict):
        raise InputError("must be an object", thing=thing, place=place, fix="write {...}")
    return value


def as_list(value: Any, thing: str, place: str) -> list[Any]:
    """Return a JSON list.

    Raises:
        InputError: It is none.
    """
    if not isinstance(value, list):
        raise InputError("must be a list", thing=thing, place=place, fix="write [...]")
    return value
