"""How an export is cut into readings, and readings into Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.historian.port import ROLLUP_DTYPES, ROLLUP_FIELDS, Origin, RollupColumns

_DAY_S = 86400
_WORD = pa.dictionary(pa.int32(), pa.string())
_FEW = pa.dictionary(pa.int8(), pa.string())
SAMPLE_SCHEMA = pa.schema(
    [
        ("code", _WORD),
        ("time", pa.timestamp("s", "UTC")),
        ("value", pa.float64()),
        ("quality", _FEW),
        ("unit", _WORD),
    ]
)
"""Columns of samples; time is the slot in UTC, a missing value is null."""
_STATISTICS = {
    name: pa.from_numpy_dtype(np.dtype(dtype))
    for name, dtype in zip(ROLLUP_FIELDS, ROLLUP_DTYPES, strict=True)
    if name not in ("keys", "slots", "origin")
}
ROLLUP_SCHEMA = pa.schema(
    [
        ("code", _WORD),
        ("time", pa.timestamp("s", "UTC")),
        *_STATISTICS.items(),
        ("origin", _FEW),
        ("unit", _WORD),
    ]
)
"""Columns of roll-ups, those of the store; time is the begin of the window in UTC."""
_QUALITY = pa.array([each.name.lower() for each in Quality])
_ORIGIN = pa.array([each.name.lower() for each in Origin])


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Points and a stretch of time that are read at once."""

    keys: NDArray[np.uint32]
    """Point keys, rising."""
    codes: pa.Array
    """Their codes."""
    units: pa.Array
    """Distinct units."""
    unit_of: NDArray[np.int32]
    """Position of each point's unit."""
    start_s: int
    """Begin."""
    end_s: int
    """End."""


def rows_a_day(points: Sequence[Point]) -> NDArray[np.float64]:
    """Return the samples a day of each point, by the poll period of its kind."""
    kinds = point_kinds()
    return np.array([_DAY_S / kinds[point.kind].period_s for point in points], np.float64)


def blocks(
    points: Sequence[Point], start_s: int, end_s: int, step_s: int, most: int
) -> Iterator[Block]:
    """Yield what to read one after the other, about `most` rows each, time outermost.

    Days are those of UTC, as the store is ordered: so no part of it is read twice.

    Args:
        points: By rising key.
        start_s: Begin, plant seconds.
        end_s: End.
        step_s: Length of roll-up windows; 0 for samples.
        most: Rows to aim at.
    """
    daily = np.full(len(points), _DAY_S / step_s) if step_s else rows_a_day(points)
    daily = np.maximum(daily, 1.0)
    days = max(int(most // daily.sum()), 1)
    cuts = np.flatnonzero(np.diff(np.cumsum(daily * days) // most, prepend=0.0))
    edges = sorted({0, *cuts.tolist(), len(points)})
    groups = [_group(points[a:b]) for a, b in pairwise(edges)]
    at = start_s
    while at < end_s:
        until = min((at // _DAY_S + days) * _DAY_S, end_s)
        for keys, codes, units, unit_of in groups:
            yield Block(
                keys=keys, codes=codes, units=units, unit_of=unit_of, start_s=at, end_s=until
            )
        at = until


def _group(
    points: Sequence[Point],
) -> tuple[NDArray[np.uint32], pa.Array, pa.Array, NDArray[np.int32]]:
    units = [point_kinds()[point.kind].unit for point in points]
    names = list(dict.fromkeys(units))
    where = {name: n for n, name in enumerate(names)}
    return (
        np.array([point.key for point in points], "u4"),
        pa.array([point.code for point in points]),
        pa.array(names),
        np.array([where[unit] for unit in units], "i4"),
    )


def _words(block: Block, keys: NDArray[np.uint32]) -> tuple[Any, Any]:
    at = np.searchsorted(block.keys, keys).astype("i4")
    return (
        pa.DictionaryArray.from_arrays(at, block.codes),
        pa.DictionaryArray.from_arrays(block.unit_of[at], block.units),
    )


def _times(slots: NDArray[np.uint32]) -> pa.Array:
    return pa.array(slots.astype("i8")).cast(pa.timestamp("s", "UTC"))


def _few(codes: NDArray[np.uint8], words: pa.Array) -> pa.Array:
    # A code nobody knows yet is no reason to lose the rows.
    known = np.minimum(codes, len(words) - 1).astype("i1")
    return pa.DictionaryArray.from_arrays(known, words)


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def sample_batch(rows: Columns, block: Block, schema: pa.Schema) -> pa.RecordBatch:
    """Return samples as a batch."""
    code, unit = _words(block, rows.keys)
    columns = [code, _times(rows.slots), _numbers(rows.values), _few(rows.quality, _QUALITY), unit]
    return pa.record_batch(columns, schema=schema)


def rollup_batch(rows: RollupColumns, block: Block, schema: pa.Schema) -> pa.RecordBatch:
    """Return roll-ups as a batch."""
    code, unit = _words(block, rows.keys)
    numbers = []
    for name, kind in _STATISTICS.items():
        column = getattr(rows, name)
        numbers.append(_numbers(column) if pa.types.is_floating(kind) else pa.array(column, kind))
    columns = [code, _times(rows.slots), *numbers, _few(rows.origin, _ORIGIN), unit]
    return pa.record_batch(columns, schema=schema)
