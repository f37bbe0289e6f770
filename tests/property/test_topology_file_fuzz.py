"""Damaged network files are refused by name; nothing else ever leaves the reader."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.store.networks.geojson import from_geojson, to_geojson
from heatloop.store.networks.network_file import NetworkFile
from heatloop.store.networks.own_json import from_own_json, to_own_json
from heatloop.store.networks.pandapipes_json import from_pandapipes
from heatloop.store.networks.wkt import read_points
from heatloop.store.networks.workbook import from_sheets, to_sheets
from tests.unit.test_network_files import EXAMPLE, everything, same
from tests.unit.test_network_files_maps import street

_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.just(10**400), st.text(max_size=5),
    st.floats(allow_nan=True), st.builds(list), st.builds(dict),
    st.lists(st.integers(0, 2), max_size=3),
    st.just("s0"), st.just("supply"), st.builds(lambda: [[1, 2], [3, 4]]),
)  # fmt: skip
_FRAME = {"_module": "pandas.core.frame", "_class": "DataFrame"}


def frame(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    return {**_FRAME, "_object": {"columns": columns, "index": list(range(len(rows))),
                                  "data": list(rows)}}  # fmt: skip


def peer() -> dict[str, Any]:
    """Return a small network in pandapipes' form."""
    return {"_class": "pandapipesNet", "_module": "x", "_object": {
        "junction": frame(["name", "height_m"], ["a", 0.0], ["b", 1.0], ["c", 1.0]),
        "pipe": frame(["from_junction", "to_junction", "length_km", "inner_diameter_mm", "k_mm"],
                      [0, 1, 0.1, 100.0, 0.1], [1, 2, 0.1, 100.0, 0.1]),
        "valve": frame(["junction", "element", "et", "inner_diameter_mm"], [0, 2, "ju", 50.0]),
        "ext_grid": frame(["junction", "p_bar", "t_k"], [0, 5.0, 350.0]),
        "sink": frame(["junction", "mdot_kg_per_s"], [2, 0.3]),
        "heat_consumer": frame(["from_junction", "to_junction", "qext_w", "treturn_k"],
                               [1, 2, 100.0, 320.0]),
        "std_types": {"pipe": {}, "pump": {}},
    }}  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to everything inside a document."""
    found = [at] if at else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, (*at, index))
    return found


@st.composite
def damaged(draw, document):
    """Return a document with one to three things changed, removed or added."""
    broken = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(paths(broken)))
        holder = broken
        for step in way[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                holder[way[-1]] = draw(_ODD)
            case "remove":
                del holder[way[-1]]
            case "add":
                inner = holder[way[-1]]
                if isinstance(inner, dict):
                    inner[draw(st.sampled_from(["shut", "name", "x", "points", "node"]))] = draw(
                        _ODD
                    )
                elif isinstance(inner, list):
                    inner.append(draw(_ODD))
        if not paths(broken):
            break
    return broken


def refused_or_read(read, document) -> None:
    try:
        file = read(document)
    except InputError:
        return
    assert isinstance(file, NetworkFile)
    # What was taken can be written and is the same again.
    same(file, from_own_json(json.loads(to_own_json(file))))
    json.loads(to_geojson(file))


@given(damaged(EXAMPLE))
@settings(max_examples=250)
def test_own_files(document) -> None:
    refused_or_read(from_own_json, document)


@given(damaged(json.loads(to_own_json(everything()))))
@settings(max_examples=250)
def test_own_files_of_every_kind(document) -> None:
    refused_or_read(from_own_json, document)


@given(damaged(street()))
@settings(max_examples=200)
def test_maps(document) -> None:
    refused_or_read(from_geojson, document)


@given(damaged(peer()))
@settings(max_examples=250)
def test_pandapipes_files(document) -> None:
    refused_or_read(from_pandapipes, document)


_CELLS = st.one_of(st.none(), st.text(max_size=8), st.integers(), st.floats(), st.booleans())
_HEADINGS = st.sampled_from(
    ["name", "from", "to", "长度", "dn", "wkt", "x1", "y1", "x2", "y2", "x", "y", "node", "side",
     "flow_kgs", "lift", "points", "shut"]
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["pipes", "nodes", "用户", "plants", "管网", "zebra"]),
        st.lists(st.dictionaries(_HEADINGS, _CELLS, max_size=8), max_size=4),
        max_size=4,
    )
)
@settings(max_examples=200)
def test_tables(sheets) -> None:
    try:
        file = from_sheets(sheets)
    except InputError:
        return
    assert isinstance(file, NetworkFile)


@given(damaged(to_sheets(everything(), language="zh")))
@settings(max_examples=150)
def test_damaged_tables(sheets) -> None:
    rows = {
        name: [row for row in rows if isinstance(row, dict)]
        for name, rows in sheets.items()
        if isinstance(rows, list)
    }
    try:
        file = from_sheets(rows)
    except InputError:
        return
    assert isinstance(file, NetworkFile)


@given(st.text(alphabet='LINESTRGPOM Z()[],.0123456789-e"', max_size=40))
def test_geometry(text: str) -> None:
    try:
        points = read_points(text, "here")
    except InputError:
        return
    assert all(isinstance(number, float) for point in points for number in point)
