"""PostgreSQL's binary COPY format as numpy arrays: rows of numbers and arrays in bulk.

A row is `i16 fields | per field: i32 length, bytes`; an array field is `i32 dimensions, i32 nulls,
u32 element type, i32 size, i32 first index | per element: i32 length, value`, all big-endian. Rows
of one width have one length, so they are built and read as one structured array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
SCALARS = {"i2": 2, "i4": 4, "i8": 8, "f8": 8}
ARRAYS = {"i4[]": (23, ">i4", 4), "f8[]": (701, ">f8", 8)}
Matrix = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """Kinds of a table's columns: `i2 i4 i8 f8`, `i4[] f8[]`, `bytes` (one a value, may be null).

    Every array and byte string of one row has the same length, the row's width. Scalars come
    first.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def scalars(self) -> int:
        """Return how many columns are single numbers."""
        return sum(kind in SCALARS for kind in self.kinds)


FRAME = Layout(
    ("frame", "slot", "counter", "n", "vals", "quality"),
    ("i4", "i8", "i8", "i2", "f8[]", "bytes"),
)


@cache
def row_type(kinds: tuple[str, ...], width: int, last: bool) -> np.dtype[Any]:
    """Return the structure of rows of one width.

    Args:
        kinds: Of the columns.
        width: Values a row.
        last: Whether the byte string is there; else it is null.
    """
    parts: list[Any] = [("fields", ">i2")]
    for number, kind in enumerate(kinds):
        parts.append((f"length{number}", ">i4"))
        if kind in SCALARS:
            parts.append((f"v{number}", f">{kind}"))
        elif kind == "bytes":
            if last:
                parts.append((f"v{number}", "u1", (width,)))
        else:
            _, number_type, _ = ARRAYS[kind]
            element = [("length", ">i4"), ("value", number_type)]
            parts += [(f"head{number}", ">i4", (5,)), (f"v{number}", element, (width,))]
    return np.dtype(parts)


def encode(layout: Layout, columns: Sequence[Matrix], *, last: bool) -> bytes:
    """Return rows of one width, without header and trailer.

    Args:
        layout: Of the rows.
        columns: Per column an array (n_row,) or a matrix (n_row, width).
        last: Whether the byte string is there; else it is null.
    """
    count = len(columns[0])
    widths = {array.shape[1] for array in columns if array.ndim == 2}
    width = widths.pop() if widths else 0
    rows = np.empty(count, row_type(layout.kinds, width, last))
    rows["fields"] = len(layout.kinds)
    for number, (kind, column) in enumerate(zip(layout.kinds, columns, strict=True)):
        if kind in SCALARS:
            rows[f"length{number}"] = SCALARS[kind]
            rows[f"v{number}"] = column
        elif kind == "bytes":
            rows[f"length{number}"] = width if last else -1
            if last:
                rows[f"v{number}"] = column
        else:
            code, _, size = ARRAYS[kind]
            rows[f"length{number}"] = 20 + width * (4 + size)
            rows[f"head{number}"] = (1, 0, code, width, 1)
            rows[f"v{number}"]["length"] = size
            rows[f"v{number}"]["value"] = column
    return rows.tobytes()


def decode(layout: Layout, pieces: Sequence[bytes]) -> list[list[Matrix]]:
    """Return the columns of rows, one list for each width and presence of the byte string.

    A byte string that is null is given as zeros.

    Args:
        layout: Of the rows; the first array tells the width.
        pieces: Messages of a COPY, one a row.
    """
    data = b"".join(pieces)
    if not data.startswith(HEADER):
        return []
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    if lengths[0] >= len(HEADER):  # the header comes with the first row, or by itself
        starts[0] += len(HEADER)
        lengths[0] -= len(HEADER)
    rows = lengths > len(TRAILER)
    starts, lengths = starts[rows], lengths[rows]
    if not len(starts):
        return []
    octets = np.frombuffer(data, "u1")
    widths = np.zeros(len(starts), np.int64)
    if layout.scalars < len(layout.kinds):
        at = 2 + sum(4 + SCALARS[kind] for kind in layout.kinds if kind in SCALARS) + 4 + 12
        found = octets[starts[:, None] + at + np.arange(4)]
        widths = np.ascontiguousarray(found).view(">i4")[:, 0].astype(np.int64)
    out = []
    for width, length in set(zip(widths.tolist(), lengths.tolist(), strict=True)):
        last = length == row_type(layout.kinds, width, True).itemsize
        kind = row_type(layout.kinds, width, last)
        mine = starts[(widths == width) & (lengths == length)]
        raw = octets[mine[:, None] + np.arange(kind.itemsize)]
        out.append(_columns(layout, raw.view(kind)[:, 0], width, last))
    return out


def _columns(layout: Layout, rows: NDArray[Any], width: int, last: bool) -> list[Matrix]:
    columns: list[Matrix] = []
    for number, kind in enumerate(layout.kinds):
        if kind in SCALARS:
            columns.append(rows[f"v{number}"].astype(kind))
        elif kind != "bytes":
            columns.append(rows[f"v{number}"]["value"].astype(kind.removesuffix("[]")))
        elif last:
            columns.append(rows[f"v{number}"])
        else:
            columns.append(np.zeros((len(rows), width), "u1"))
    return columns
