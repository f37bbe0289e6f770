"""Tables: a workbook or CSV files of nodes, pipes, consumers and plants, drawn or by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.assemble import assemble
from heatloop.store.networks.draft import Draft, ImportFinding
from heatloop.store.networks.drawing import BOTH, Drawing, Line, Spot, side_of
from heatloop.store.networks.drawn import draw
from heatloop.store.networks.headings import column_of, read_cells, text_of
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.own_json import to_own_json
from heatloop.store.networks.sections import POINTS, SECTIONS
from heatloop.store.networks.wkt import read_points, write_points
from heatloop.store.tables import Row as Cells
from heatloop.store.tables import Sheets

_HEAD, _HEAD_ZH = "network", "管网"
_HEAD_KEYS = ("name", "note", "crs", "ambient_c", "mirror_return")
_GEOMETRY = ("wkt", "geometry", "geom", "coords", "几何", "折点", "points")
_CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("lon1", "lat1", "lon2", "lat2"),
    ("起点x", "起点y", "终点x", "终点y"),
    ("起点经度", "起点纬度", "终点经度", "终点纬度"),
    ("起点东坐标", "起点北坐标", "终点东坐标", "终点北坐标"),
)
_PLACES = (("x_m", "y_m"), ("x", "y"), ("lon", "lat"), ("经度", "纬度"), ("东坐标", "北坐标"))
_SIDE = ("side", "供回", "供回水")
_SPECIAL = frozenset(
    (*_GEOMETRY, *_SIDE, *(w for row in _CORNERS for w in row), *(w for p in _PLACES for w in p))
)


@cache
def _section_names() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for section in SECTIONS.values():
        for word in (section.name, section.zh, *section.other):
            found.setdefault(word.casefold(), section.name)
    return found


def from_sheets(
    sheets: Sheets,
    source: str = "network.xlsx",
    *,
    crs: str = "",
    mirror: bool | None = None,
    tolerance_m: float = 0.5,
    near_m: float = 5.0,
    defaults: Mapping[str, float] | None = None,
) -> NetworkFile:
    """Return the network of tables.

    Pipes name their ends (`from`, `to`) or are drawn (`wkt`, or `x1`, `y1`, `x2`, `y2`); a single
    sheet of any name is taken for pipes. Nodes that pipes name need no row of their own.

    Args:
        sheets: Rows by heading, by sheet.
        source: Name of the file, for errors.
        crs: What coordinates are: `EPSG:4326` for longitude and latitude, else metres.
        mirror: Whether to make a return side; None: when consumers name one node only.
        tolerance_m: Drawn ends no farther apart than this are one node.
        near_m: Drawn ends that nearly meet, up to this distance, are reported.
        defaults: Values of pipes that name none, for example `diameter_m`.

    Raises:
        InputError: Something is wrong; it names thing, place and fix.
    """
    draft = Draft(source=source, crs=crs)
    named: dict[str, list[Cells]] = {}
    for sheet, rows in sheets.items():
        if sheet.strip().casefold() in (_HEAD, _HEAD_ZH):
            mirror = _read_head(rows, draft, f"{source} {sheet}", mirror)
            continue
        section = _section_names().get(sheet.strip().casefold())
        if section is None and len(sheets) == 1:
            section = "pipes"
        if section is None:
            _ignore(draft, sheet, source, ("未知工作表，已忽略", "unknown sheet, left out"))
        else:
            named.setdefault(section, []).extend(rows)
    strange: dict[str, str] = {}
    drawing = Drawing(crs=draft.crs)
    for section, rows in named.items():
        for number, cells in enumerate(rows, 2):
            place = f"{source} {section} row {number}"
            if any(cell is not None for cell in cells.values()):
                _read_row(section, cells, place, draft, drawing, strange, defaults or {})
    for heading, place in strange.items():
        _ignore(draft, heading, place, ("未知列，已忽略", "unknown column, left out"))
    if drawing.lines:
        if draft.rows("pipes"):
            row = draft.rows("pipes")[0]
            raise InputError(
                "some pipes are drawn and some name their ends",
                thing=str(row.values.get("name", "")),
                place=row.place,
                fix="give all of them one way",
            )
        nodes = draft.sections.pop("nodes", [])
        if nodes:
            raise InputError(
                "a node without a place among drawn pipes",
                thing=str(nodes[0].values.get("name", "")),
                place=nodes[0].place,
                fix="give x and y, or drop it",
            )
        draw(drawing, draft, tolerance_m=tolerance_m, near_m=near_m)
    else:
        _imply_nodes(draft)
    if mirror is None:
        one_node = any(
            "node" in row.values for name in ("consumers", "plants") for row in draft.rows(name)
        )
        mirror = one_node and all(line.side == BOTH for line in drawing.lines)
    draft.lengthen()
    return assemble(draft, mirror=mirror)


def _ignore(draft: Draft, thing: str, place: str, words: tuple[str, str]) -> None:
    draft.findings.append(
        ImportFinding(kind="ignored", thing=thing, place=place, zh=words[0], en=words[1])
    )


def _read_head(rows: list[Cells], draft: Draft, place: str, mirror: bool | None) -> bool | None:
    """Read the sheet of one key and value a row."""
    for number, cells in enumerate(rows, 2):
        key, value, *_ = [*(text_of(c) for c in cells.values() if c is not None), "", ""]
        where = f"{place} row {number}"
        if key not in _HEAD_KEYS:
            known = ", ".join(_HEAD_KEYS)
            raise InputError("unknown key", thing=key[:80], place=where, fix=f"use: {known}")
        if key == "ambient_c":
            values, _ = read_cells("pipes", {"ambient_c": value}, where)
            draft.ambient_c = float(values.get("ambient_c", draft.ambient_c))
        elif key == "mirror_return":
            mirror = value.casefold() in ("1", "true", "yes", "是")
        else:
            setattr(draft, key, value)
    return mirror


def _read_row(
    section: str,
    cells: Cells,
    place: str,
    draft: Draft,
    drawing: Drawing,
    strange: dict[str, str],
    defaults: Mapping[str, float],
) -> None:
    plain = {str(k).strip().casefold(): v for k, v in cells.items() if v is not None and v != ""}
    drawn = section in ("pipes", "nodes", "consumers", "plants")
    passed = [k for k in cells if drawn and str(k).strip().casefold() in _SPECIAL]
    if section == "nodes":
        passed = [k for k in passed if column_of("nodes", str(k)) is None]
    values, unknown = read_cells(section, cells, place, passed)
    for heading in unknown:
        strange.setdefault(heading, place)
    side = next((plain[w] for w in _SIDE if plain.get(w) is not None), "") if drawn else ""
    if section == "pipes":
        for key, value in defaults.items():
            values.setdefault(key, value)
        points = _line(plain, place)
        if points is not None and not ("from" in values and "to" in values):
            if "name" not in values:
                values["name"] = f"P{len(drawing.lines) + 1}"
            line = Line(values=values, points=points, side=side_of(side, place), place=place)
            drawing.lines.append(line)
            return
        if points is not None and len(points) > 2:
            values["points"] = points
        values.setdefault("name", f"P{len(draft.rows('pipes')) + 1}")
    elif drawn:
        point = _spot(plain, place)
        if section == "nodes" and point is not None:
            values["x_m"], values["y_m"] = point
        at_point = point is not None and not {"node", "from", "to"} & set(values)
        if at_point and point is not None and (section != "nodes" or drawing.lines):
            spot = Spot(
                section=section,
                values=values,
                point=point,
                side=side_of(side, place),
                place=place,
            )
            drawing.spots.append(spot)
            return
    draft.add(section, place, **values)


def _line(plain: Mapping[str, Any], place: str) -> tuple[tuple[float, float], ...] | None:
    for word in _GEOMETRY:
        if plain.get(word) is not None:
            points = read_points(plain[word], f"{place} {word}")
            if len(points) < 2:
                raise InputError("a line needs two points", thing=word, place=place, fix="draw it")
            return points
    for corners in _CORNERS:
        if all(plain.get(word) is not None for word in corners):
            x1, y1, x2, y2 = (_coordinate(plain[word], f"{place} {word}") for word in corners)
            return (x1, y1), (x2, y2)
    return None


def _spot(plain: Mapping[str, Any], place: str) -> tuple[float, float] | None:
    for word in _GEOMETRY:
        if plain.get(word) is not None:
            points = read_points(plain[word], f"{place} {word}")
            if len(points) != 1:
                raise InputError("must be one point", thing=word, place=place, fix="POINT (x y)")
            return points[0]
    for words in _PLACES:
        if all(plain.get(word) is not None for word in words):
            x, y = (_coordinate(plain[word], f"{place} {word}") for word in words)
            return x, y
    return None


def _coordinate(cell: Any, place: str) -> float:
    values, _ = read_cells("nodes", {"x_m": cell}, place)
    return float(values["x_m"])


def _imply_nodes(draft: Draft) -> None:
    """Add the nodes that links name, when there is no sheet of nodes."""
    if draft.rows("nodes"):
        return
    names: dict[str, None] = {}
    for section in SECTIONS:
        for row in draft.rows(section):
            for key in ("from", "to", "node"):
                if isinstance(row.values.get(key), str):
                    names.setdefault(row.values[key])
    for name in names:
        draft.add("nodes", f"{draft.source} nodes", name=name)


def to_sheets(file: NetworkFile, *, language: str = "en") -> Sheets:
    """Return a network as the sheets `from_sheets` reads.

    Args:
        file: The network.
        language: Language of sheets and headings, `zh` or `en`.

    Raises:
        InputError: No such language.
    """
    if language not in ("zh", "en"):
        raise InputError("no such language", thing=language, fix="use zh or en")
    zh = language == "zh"
    content = json.loads(to_own_json(file))
    head = [{"key": key, "value": content[key]} for key in _HEAD_KEYS if key in content]
    sheets: Sheets = {_HEAD_ZH if zh else _HEAD: head}
    for section in SECTIONS.values():
        rows = content.get(section.name, [])
        if rows:
            sheets[section.zh if zh else section.name] = [
                _cells(row, section.name, zh) for row in rows
            ]
    return sheets


def _cells(row: dict[str, Any], section: str, zh: bool) -> Cells:
    cells: Cells = {}
    for name, column in SECTIONS[section].columns.items():
        value = row.get(name)
        if column.kind == POINTS and value is not None:
            value = write_points(tuple((x, y) for x, y in value))
        unit = f"({column.unit})" if column.unit and column.unit != "-" else ""
        cells[f"{column.zh}{unit}" if zh else name] = value
    return cells
