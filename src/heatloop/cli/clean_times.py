"""The time column of a file of measured series, in whatever form it was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatloop.cli.clean_files import Floats, numbers
from heatloop.kernel.errors import InputError

TIME_HEADINGS = (
    "time", "datetime", "timestamp", "date", "date_time", "ts", "t_s", "时间", "采集时间",
    "日期时间", "数据时间", "记录时间", "日期",
)  # fmt: skip
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
          "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
          "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y%m%d%H%M%S", "%Y-%m-%d",
          "%Y/%m/%d")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Times:
    """The time column as seconds since 1970 UTC."""

    seconds: Floats
    """Of each row, nan where it cannot be told, shape (n_row,)."""
    heading: str
    """Its heading."""
    unreadable: int
    """Rows whose time cannot be read."""
    ambiguous: int
    """Rows in the hour that the clock runs twice, told apart by their order."""
    nonexistent: int
    """Rows in the hour that the clock skips."""


def time_heading(table: pa.Table, wanted: str) -> str:
    """Return the heading of the time column.

    Raises:
        InputError: There is none, or not the one named.
    """
    names = table.column_names
    if wanted:
        if wanted not in names:
            raise InputError(
                "没有这一列 no such column",
                thing=wanted,
                fix=f"use one of: {', '.join(names[:12])}",
            )
        return wanted
    for name in names:
        if name.strip().lower() in TIME_HEADINGS:
            return str(name)
    for name in names:
        if pa.types.is_timestamp(table.schema.field(name).type):
            return str(name)
    raise InputError(
        "找不到时间列 no time column found", thing=", ".join(names[:8]), fix="give --time"
    )


def times(table: pa.Table, heading: str, zone: str) -> Times:
    """Return the time of each row.

    Args:
        table: The table.
        heading: Its time column.
        zone: Zone of times that carry none.

    Raises:
        InputError: No time can be read at all, or there is no such zone.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            "没有这个时区 no such time zone", thing=zone, fix="e.g. Asia/Shanghai"
        ) from error
    column = table.column(heading).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([])
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        seconds = numbers(table, heading)
        # Counted in milliseconds these would lie far in the future.
        if np.isfinite(seconds).any() and np.nanmedian(seconds) > 1e11:
            seconds = seconds / 1000.0
        return _checked(seconds, heading, 0, 0)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parsed(pc.utf8_trim_whitespace(column), heading)
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        column = pc.cast(column, pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
    else:
        raise InputError(
            "时间列不是时间 this column holds no times", thing=heading, fix="give --time"
        )
    if column.type.tz is not None:
        return _checked(_seconds(column), heading, 0, 0)
    return _from_local(column, heading, zone)


def _parsed(text: pa.Array, heading: str) -> pa.Array:
    offset = pc.match_substring_regex(text, r"(Z|[+-]\d\d:?\d\d)$")
    if len(text) and pc.sum(offset).as_py() and pc.all(pc.or_(offset, pc.equal(text, ""))).as_py():
        moments = [_moment(each) for each in text.to_pylist()]
        return pa.array(moments, pa.timestamp("us", "UTC"))
    best = None
    for form in _FORMS:
        tried = pc.strptime(text, format=form, unit="us", error_is_null=True)
        if best is None or tried.null_count < best.null_count:
            best = tried
    digits = pc.match_substring_regex(text, r"^\d{9,13}(\.\d+)?$")
    if best is None or best.null_count == len(text):
        if len(text) and pc.all(digits).as_py():
            value = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
            scale = 1e3 if float(np.median(value)) > 1e11 else 1e6
            return pa.array((value * scale).astype("i8"), pa.timestamp("us", "UTC"))
        raise InputError(
            "时间无法识别 times cannot be read", thing=heading, fix="write 2026-01-31 08:15:00"
        )
    return best


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _seconds(column: pa.Array) -> Floats:
    whole = pc.cast(column, pa.int64())
    values = np.array(pc.cast(whole, pa.float64()).to_numpy(zero_copy_only=False), "f8")
    return values / 1e6


def _from_local(column: pa.Array, heading: str, zone: str) -> Times:
    early = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
    late = pc.assume_timezone(column, zone, ambiguous="latest", nonexistent="latest")
    a, b = _seconds(early), _seconds(late)
    double = np.flatnonzero(b - a > 1.0)
    local = _seconds(column)
    back = _seconds(pc.local_timestamp(early))
    skipped = np.zeros(a.size, bool)
    skipped[double] = np.abs(back[double] - local[double]) > 1e-6
    # The hour that runs twice: the second time round when it would else not go forwards.
    for at in double[~skipped[double]].tolist():
        if at > 0 and a[at] <= a[at - 1]:
            a[at] = b[at]
    a[skipped] = np.nan
    return _checked(a, heading, int(double.size - skipped.sum()), int(skipped.sum()))


def _checked(seconds: Floats, heading: str, ambiguous: int, nonexistent: int) -> Times:
    unreadable = int(np.isnan(seconds).sum()) - nonexistent
    if not np.isfinite(seconds).any():
        raise InputError("没有可读的时间 no time can be read", thing=heading, fix="give --time")
    return Times(seconds, heading, unreadable, ambiguous, nonexistent)
