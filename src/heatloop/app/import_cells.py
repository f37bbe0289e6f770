"""Cells of foreign tables as numbers and text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heatloop.app.import_reasons import Reason
from heatloop.app.import_targets import Target
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality

_MOST_TEXT = 120


def cells_of(table: pa.Table, names: list[str], column: Any, row: Any) -> pa.Array:
    """Return the text of cells, each given by column and row."""
    order = np.argsort(column, kind="stable")
    parts = [
        text_of(column_of(table, names[n])).take(pa.array(row[order][column[order] == n]))
        for n in np.unique(column).tolist()
    ]
    back = np.empty(len(order), "i8")
    back[order] = np.arange(len(order))
    joined = pa.concat_arrays(parts) if parts else pa.array([], pa.string())
    return joined.take(pa.array(back))


def column_of(table: pa.Table, name: str) -> pa.Array:
    """Return a column as one array."""
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else _joined(column)


def _joined(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        return pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], column.type)
    return found


def text_of(column: pa.Array) -> pa.Array:
    """Return a column as text, nothing where it holds nothing."""
    return pc.fill_null(pc.cast(column, pa.string()), "")


def cut(text: pa.Array) -> pa.Array:
    """Return text of a bounded length."""
    return pc.utf8_slice_codeunits(text, 0, _MOST_TEXT)


def from_numbers(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the values of a column of numbers, and why some are refused."""
    number = pc.cast(column, pa.float64(), safe=False)
    return refusals(number, number.is_null().to_numpy(zero_copy_only=False))


def refusals(
    number: pa.Array, nothing: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return numbers as values, and why some are refused."""
    values = np.array(number.to_numpy(zero_copy_only=False), "f8")
    refused = np.zeros(len(values), "u1")
    refused[~np.isfinite(values)] = Reason.NOT_A_NUMBER
    refused[nothing] = Reason.NO_VALUE
    return values, refused


def decimal_of(text: pa.Array) -> str:
    """Return the decimal sign of numbers, empty where none has one.

    Raises:
        InputError: Commas stand only where they could part thousands as well.
    """
    if not pc.any(pc.match_substring(text, ",")).as_py():
        return "." if pc.any(pc.match_substring(text, ".")).as_py() else ""
    comma = pc.match_substring_regex(text, r"^\s*[-+]?\d+,\d+\s*$")
    if not pc.any(comma).as_py():
        return "."
    thousands = pc.match_substring_regex(text, r"^\s*[-+]?[1-9]\d{0,2},\d{3}\s*$")
    if pc.all(pc.or_(pc.invert(comma), thousands)).as_py():
        example = text.filter(comma)[0].as_py()
        raise InputError("逗号是小数点还是千分位 commas can be decimal signs or part thousands",
                         thing=example, place="file.decimal",
                         fix='give file.decimal = "," or "."')  # fmt: skip
    return ","


def converted(
    values: NDArray[np.float64], quality: NDArray[np.uint8], target: Target
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return values in the point's unit, and the quality of those outside its range."""
    if target.factor != 1.0 or target.offset:
        values = values * target.factor + target.offset
    out = (values < target.low) | (values > target.high)
    if out.any():
        quality = quality.copy()
        quality[out & (quality == Quality.GOOD)] = Quality.BAD
    return values, quality


def joined_tags(table: pa.Table, names: tuple[str, ...]) -> pa.DictionaryArray:
    """Return what names the point in each row, trimmed; several columns joined by points."""
    columns = [_trimmed(column_of(table, name)) for name in names]
    if len(columns) == 1:
        return columns[0]
    texts = [column.dictionary.take(column.indices) for column in columns]
    return pc.dictionary_encode(pc.binary_join_element_wise(*texts, "."))


def _trimmed(column: pa.Array) -> pa.DictionaryArray:
    # Millions of rows name a few hundred tags: each is looked at once.
    if not pa.types.is_dictionary(column.type):
        if not pa.types.is_string(column.type):
            column = pc.cast(column, pa.string())
        column = pc.dictionary_encode(column)
    words = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(column.dictionary, pa.string())), "")
    # Where there is nothing the tag is empty.
    known = pc.dictionary_encode(pa.concat_arrays([words, pa.array([""])]))
    at = pc.fill_null(column.indices, len(words))
    return pa.DictionaryArray.from_arrays(known.indices.take(at), known.dictionary)
