"""Between numpy columns and the Arrow tables the embedded engine takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.series import Columns
from heatloop.store.historian.port import COLUMN_DTYPES, EventRow

MANY_KEYS = 200
"""More keys than this go in as a table rather than as text."""


def samples(found: pa.Table) -> Columns:
    """Return a result as sample columns."""
    return Columns(*arrays(found, COLUMN_DTYPES))


def sample_table(columns: Columns) -> pa.Table:
    """Return samples as the columns of their table."""
    return pa.table(dict(zip(("point", "ts", "value", "quality"), columns, strict=True)))


def key_filter(wanted: NDArray[np.uint32]) -> str:
    """Return the condition that picks these points; `wanted` is sent along as a table."""
    if len(wanted) > MANY_KEYS:
        return "point IN (SELECT point FROM Python(wanted))"
    return f"point IN ({', '.join(map(str, wanted.tolist()))})"


def event_table(events: Sequence[EventRow]) -> pa.Table:
    """Return events as the columns of their table."""
    points, times, subjects, texts = zip(*events, strict=True)
    return pa.table(
        {
            "point": pa.array(points, pa.uint32()),
            "at": pa.array(times, pa.int64()),
            "subject": pa.array(subjects, pa.string()),
            "text": pa.array(texts, pa.string()),
        }
    )


def revision_table(columns: Columns, method: str, who: str) -> pa.Table:
    """Return repaired samples as the columns of their table."""
    rows = sample_table(columns)
    for name, text in (("method", method), ("who", who)):
        rows = rows.append_column(name, pa.array([text] * len(columns.keys), pa.string()))
    return rows


def arrays(found: pa.Table, dtypes: Sequence[str]) -> list[NDArray[Any]]:
    """Return the columns of a result as arrays of these numpy types."""
    if not found.num_columns:
        return [np.empty(0, dtype) for dtype in dtypes]
    return [
        np.ascontiguousarray(column.to_numpy(), dtype)
        for column, dtype in zip(found.columns, dtypes, strict=True)
    ]


def lists(found: pa.Table) -> list[list[Any]]:
    """Return the columns of a small result as lists."""
    return [column.to_pylist() for column in found.columns]
