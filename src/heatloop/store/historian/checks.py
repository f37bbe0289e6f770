"""What every engine checks before it stores or looks up, so that all refuse the same things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian.port import (
    COLUMN_DTYPES,
    MAX_KEY,
    MAX_ROWS,
    MAX_SLOT,
    ROLLUP_DTYPES,
    ROLLUP_FIELDS,
    STEPS_S,
    Keys,
    RollupColumns,
)


def check_columns(columns: Columns) -> Columns:
    """Return the columns as contiguous arrays of the right types.

    Raises:
        InputError: The columns differ in length, or a key is outside 1..MAX_KEY.
    """
    if len({len(column) for column in columns}) != 1:
        raise InputError("columns differ in length", place="columns", fix="give equal columns")
    out = Columns(
        *(np.ascontiguousarray(c, d) for c, d in zip(columns, COLUMN_DTYPES, strict=True))
    )
    if len(out.keys) and (int(out.keys.max()) >= MAX_KEY or int(out.keys.min()) == 0):
        raise InputError(
            "point key outside the ledger's range",
            thing=str(int(out.keys.max())),
            fix=f"send keys of the ledger, 1 to {MAX_KEY - 1}",
        )
    return out


def check_rollup(rollup: RollupColumns) -> RollupColumns:
    """Return roll-up columns as contiguous arrays of the right types.

    Raises:
        InputError: The columns differ in length.
    """
    if len({len(column) for column in rollup.columns}) != 1:
        raise InputError("columns differ in length", place="columns", fix="give equal columns")
    return RollupColumns(
        *(
            np.ascontiguousarray(column, dtype)
            for column, dtype in zip(rollup.columns, ROLLUP_DTYPES, strict=True)
        )
    )


def check_step(step_s: int) -> int:
    """Return the step.

    Raises:
        InputError: There is no roll-up of this step.
    """
    if step_s not in STEPS_S:
        raise InputError("no such roll-up", thing=f"{step_s} s", fix=f"ask for one of {STEPS_S}")
    return step_s


COUNTED = ("raw", "revision", "event")
"""Tables whose rows have reception counters."""
KEYED = ("raw", "revision", "rollup_10m", "rollup_1h", "rollup_1d")
"""Tables whose rows are of points."""


def check_table(table: str, known: Sequence[str]) -> str:
    """Return the name of a table.

    Raises:
        InputError: It is not one of those known here.
    """
    if table not in known:
        raise InputError("no such table", thing=table[:40], fix=f"give one of {', '.join(known)}")
    return table


def check_fields(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of windows that are asked for, all for none.

    Raises:
        InputError: There is no such column.
    """
    if strange := set(fields) - set(ROLLUP_FIELDS[2:]):
        raise InputError(
            "no such column of windows",
            thing=min(strange)[:40],
            fix=f"ask for some of {', '.join(ROLLUP_FIELDS[2:])}",
        )
    return tuple(name for name in ROLLUP_FIELDS[2:] if not fields or name in fields)


def check_range(start: int, end: int, top: int = MAX_SLOT) -> tuple[int, int]:
    """Return whole-number bounds of a time range, cut to what can be stored.

    Raises:
        InputError: The range ends before it starts.
    """
    if end < start:
        raise InputError("range ends before it starts", thing=f"{start}..{end}", fix="swap them")
    return max(int(start), 0), max(min(int(end), top), 0)


def check_limit(limit: int) -> int:
    """Return the limit.

    Raises:
        InputError: The limit is not between 1 and MAX_ROWS.
    """
    if not 1 <= limit <= MAX_ROWS:
        raise InputError("limit out of bounds", thing=str(limit), fix=f"ask for 1..{MAX_ROWS}")
    return limit


def key_array(keys: Keys) -> NDArray[np.uint32]:
    """Return keys as an array, in the order given.

    Raises:
        InputError: A key is not a u32.
    """
    wide = np.asarray(keys, np.int64)
    if wide.ndim != 1 or (len(wide) and (wide.min() < 0 or wide.max() >= MAX_SLOT)):
        raise InputError("a point key is a whole number below 2^32", fix="ask for ledger keys")
    return wide.astype("u4")


def portions(columns: Columns, rows: int) -> Iterator[Columns]:
    """Yield the columns in runs of at most `rows`, without a copy."""
    for start in range(0, len(columns.keys), rows):
        cut = slice(start, start + rows)
        yield Columns(
            columns.keys[cut], columns.slots[cut], columns.values[cut], columns.quality[cut]
        )
