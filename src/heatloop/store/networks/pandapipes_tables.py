"""The tables of a pandapipes file: data frames as JSON, read without pandas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.store.networks.draft import as_list, as_mapping

Record = dict[str, Any]
_HUGE = 1e300


def is_pandapipes(document: Any) -> bool:
    """Return whether a parsed JSON is a pandapipes network."""
    return isinstance(document, dict) and document.get("_class") == "pandapipesNet"


def content_of(document: Any, source: str) -> Mapping[str, Any]:
    """Return the network's object.

    Raises:
        InputError: It is none.
    """
    return as_mapping(unpacked(document), "pandapipes network", source)


def unpacked(value: Any) -> Any:
    """Return the object inside pandapipes' wrapping: `{"_module", "_class", "_object"}`.

    Raises:
        InputError: A wrapped object is not JSON.
    """
    while isinstance(value, dict) and "_object" in value:
        value = value["_object"]
        if isinstance(value, str) and value[:1] in "{[":
            try:
                value = json.loads(value)
            except (json.JSONDecodeError, RecursionError) as error:
                raise InputError(
                    "a table in the file is not JSON",
                    thing=value[:60],
                    fix="write it again with pandapipes.to_json",
                ) from error
    return value


def frame(content: Mapping[str, Any], table: str, source: str) -> dict[int, Record]:
    """Return the rows of a table by index; {} if it is absent.

    Raises:
        InputError: It is no table.
    """
    wrapped = content.get(table)
    if wrapped is None:
        return {}
    place = f"{source} {table}"
    body = as_mapping(unpacked(wrapped), table, place)
    if {"columns", "index", "data"} <= set(body):
        columns = [str(column) for column in as_list(body["columns"], table, place)]
        index = as_list(body["index"], table, place)
        data = as_list(body["data"], table, place)
        if len(index) != len(data):
            raise InputError("rows and index differ in number", thing=table, place=place)
        rows = {}
        for number, values in zip(index, data, strict=True):
            if len(as_list(values, table, place)) != len(columns):
                raise InputError("a row of another width", thing=table, place=place)
            rows[_index(number, place)] = dict(zip(columns, values, strict=True))
        return rows
    # The older orientation: {column: {index: value}}.
    rows = {}
    for column, values in body.items():
        for number, value in as_mapping(values, table, place).items():
            rows.setdefault(_index(number, place), {})[column] = value
    return rows


def _index(value: Any, place: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise InputError("an index is no number", thing=str(value)[:60], place=place) from error


def number(row: Record, column: str, default: float | None = None, place: str = "") -> float:
    """Return a number of a row; absent, null and NaN give the default.

    Raises:
        InputError: There is none and no default, or it is no number.
    """
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise InputError(
            f"{column} must be a number", thing=str(value)[:60], place=place, fix="correct it"
        )
    if value is None or not _finite(value):
        if default is None:
            raise InputError(f"{column} is missing", place=place, fix=f"set {column}")
        return default
    return float(value)


def has(row: Record, column: str) -> bool:
    """Return whether a row has a finite number in a column."""
    value = row.get(column)
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and value is not None and _finite(value)


def _finite(value: float) -> bool:
    # A whole number too large for a float is as infinite as any.
    return abs(value) < _HUGE
