"""Readings as they stand in the file, for the report of what was refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heatloop.app.import_cells import cells_of, column_of, cut, joined_tags, text_of
from heatloop.app.import_map import ImportMap
from heatloop.store.bulk_sources import Piece


def as_written(
    piece: Piece,
    mapping: ImportMap,
    names: list[str],
    cells: NDArray[np.int64],
    reasons: NDArray[np.uint8],
) -> pa.Table:
    """Return line, tag, time, value and reason of readings as they stand in the file.

    Args:
        piece: Rows of the file.
        mapping: What is what.
        names: Headings of the columns that hold readings; empty for long tables.
        cells: Column * n_row + row of each reading; of long tables the row, shape (n,).
        reasons: `Reason` code of each, shape (n,).
    """
    n_row, table = piece.table.num_rows, piece.table
    lines = piece.lines
    times = pc.binary_join_element_wise(
        *(text_of(column_of(table, name)) for name in mapping.time_columns), " "
    )
    if mapping.is_long:
        picked = pa.array(cells)
        tags = joined_tags(table, mapping.tag_columns)
        tag = tags.dictionary.take(tags.indices.take(picked))
        value = text_of(column_of(table, mapping.value_column)).take(picked)
        at = cells
    else:
        at, column = cells % n_row, cells // n_row
        tag = pa.array(names).take(pa.array(column))
        if mapping.place_columns:
            places = joined_tags(table, mapping.place_columns)
            place = places.dictionary.take(places.indices.take(pa.array(at)))
            tag = pc.binary_join_element_wise(place, tag, ".")
        value = cells_of(table, names, column, at)
    return pa.table(
        {
            "line": pa.array(lines[at]),
            "tag": cut(tag),
            "time": cut(times.take(pa.array(at))),
            "value": cut(value),
            "reason": pa.array(reasons),
        }
    )
