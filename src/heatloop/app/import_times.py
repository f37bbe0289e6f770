"""Times of foreign files as whole seconds since 1970 UTC; what cannot be told is never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heatloop.app.import_reasons import Reason
from heatloop.kernel.errors import InputError

ISO, EPOCH_S, EPOCH_MS, NATIVE = "iso", "epoch_s", "epoch_ms", "native"
_FORMS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分",
    "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S", "%Y%m%d %H:%M:%S",
)  # fmt: skip
_ISO = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?)?$"
_ZONED = r"(Z|UTC|[+-]\d\d(:?\d\d)?)$"
_ONE_DIGIT = r"^(\d{4})([-/.])(\d{1,2})[-/.](\d{1,2})([ T])(\d{1,2}):"
_MILLI = 1e11
"""Counted in seconds this is the year 5138; counted in milliseconds, 1973."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Times of rows."""

    seconds: NDArray[np.int64]
    """Whole seconds, the nearest; 0 where `refused` says why, shape (n_row,)."""
    refused: NDArray[np.uint8]
    """`Reason` codes, 0: readable, shape (n_row,)."""


def check_zone(zone: str) -> str:
    """Return the zone.

    Raises:
        InputError: There is none of this name.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "没有这个时区 no such time zone", thing=zone, fix="e.g. Asia/Shanghai"
        ) from error
    return zone


def find_form(sample: pa.Array) -> str:
    """Return how the times of a sample are written.

    Raises:
        InputError: In no way that is known, or in two ways that differ: give the format then.
    """
    kind = sample.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return NATIVE
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = sample.drop_null().to_numpy(zero_copy_only=False)
        return EPOCH_MS if len(numbers) and float(np.median(numbers)) > _MILLI else EPOCH_S
    text = _distinct(sample)
    if not len(text):
        raise InputError("没有时间 there are no times", place="time", fix="name the time column")
    if _share(pc.match_substring_regex(_padded(text), _ISO)) > 0.5:
        return ISO
    if pc.all(pc.match_substring_regex(text, r"^\d{9,13}(\.\d+)?$")).as_py():
        value = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
        return EPOCH_MS if float(np.median(value)) > _MILLI else EPOCH_S
    tried = {form: _strptime(text, form) for form in _FORMS}
    best = min(found.null_count for found in tried.values())
    fitting = [form for form, found in tried.items() if found.null_count == best]
    example = str(text[0].as_py())[:60]
    if best > 0.5 * len(text):
        raise InputError(
            "时间格式无法识别 times cannot be read",
            thing=example,
            place="time.format",
            fix='give time.format, e.g. "%d.%m.%Y %H:%M"',
        )
    differing = [form for form in fitting[1:] if not tried[form].equals(tried[fitting[0]])]
    if differing:
        raise InputError(
            "时间有两种读法 times can be read in two ways",
            thing=example,
            place="time.format",
            fix=f"give time.format: {fitting[0]} | {differing[0]}",
        )
    return fitting[0]


def moments(column: pa.Array, form: str, zone: str, ambiguous: str) -> Moments:
    """Return the time of each row.

    Args:
        column: Times as text, numbers or times, shape (n_row,).
        form: As `find_form` gives it, or as `strptime` takes it.
        zone: Zone of times that carry none; empty: such times are refused.
        ambiguous: What the hour a clock runs twice means: `refuse`, `earlier` or `later`.

    Raises:
        InputError: The column holds no times, or times carry no zone and none is given.
    """
    # Many rows share a time: each is read once.
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    found = _read(column.dictionary, form, zone, ambiguous)
    at = pc.fill_null(column.indices, len(column.dictionary)).to_numpy(zero_copy_only=False)
    return Moments(
        np.append(found.seconds, 0)[at], np.append(found.refused, np.uint8(Reason.NO_TIME))[at]
    )


def _read(values: pa.Array, form: str, zone: str, ambiguous: str) -> Moments:
    kind = values.type
    if form in (EPOCH_S, EPOCH_MS):
        return _epoch(values, 1e3 if form == EPOCH_MS else 1.0)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamped = pc.cast(values, pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        if stamped.type.tz is not None:
            return _utc(stamped)
        return _local(stamped, zone, ambiguous)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError("时间列不是时间 this column holds no times", place="time", thing=str(kind))
    text = _clean(values)
    if form != ISO:
        return _local(_strptime(text, form), zone, ambiguous)
    text = _padded(text)
    good = pc.match_substring_regex(text, _ISO)
    zoned = pc.and_(good, pc.match_substring_regex(pc.utf8_slice_codeunits(text, 10), _ZONED))
    plain = _iso(pc.if_else(pc.and_not(good, zoned), text, None))
    if not pc.any(zoned).as_py():
        return _local(plain, zone, ambiguous)
    exact = pc.replace_substring_regex(pc.if_else(zoned, text, None), r" ?(Z|UTC)$", "Z")
    exact = pc.replace_substring_regex(exact, r" ([+-])", r"\1")
    own = _utc(_cast(exact, pa.timestamp("us", "UTC")))
    if pc.all(pc.or_(zoned, pc.invert(good))).as_py():
        return own
    other = _local(plain, zone, ambiguous)
    mask = zoned.to_numpy(zero_copy_only=False)
    return Moments(
        np.where(mask, own.seconds, other.seconds), np.where(mask, own.refused, other.refused)
    )


def _distinct(sample: pa.Array) -> pa.Array:
    text = pc.unique(_clean(pc.cast(sample, pa.string())))
    return text.filter(pc.and_(pc.is_valid(text), pc.not_equal(text, "")))[:20_000]


def _clean(text: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.cast(text, pa.string()))


def _padded(text: pa.Array) -> pa.Array:
    """Return times such as `2024-1-5 8:00` with two digits everywhere; others as they are."""
    short = r"^\d{4}-(\d-|\d\d-\d[ T]|\d\d-\d\d[ T]\d:)"
    if not pc.any(pc.match_substring_regex(text, short)).as_py():
        return text
    for found, put in (
        (r"^(\d{4})-(\d)-", r"\1-0\2-"),
        (r"^(\d{4}-\d\d)-(\d)([ T]|$)", r"\1-0\2\3"),
        (r"^(\d{4}-\d\d-\d\d[ T])(\d):", r"\10\2:"),
    ):
        text = pc.replace_substring_regex(text, found, put)
    return text


def _share(mask: pa.Array) -> float:
    return float(pc.mean(pc.cast(mask, pa.float64())).as_py() or 0.0)


def _strptime(text: pa.Array, form: str) -> pa.Array:
    return pc.strptime(text, format=form, unit="us", error_is_null=True)


def _iso(text: pa.Array) -> pa.Array:
    return _cast(text, pa.timestamp("us"))


def _cast(text: pa.Array, kind: Any) -> pa.Array:
    """Return times; a day that does not exist (February 30) becomes null."""
    try:
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        out = []
        for each in text:
            try:
                out.append(pc.cast(each, kind).as_py())
            except pa.ArrowInvalid:
                out.append(None)
        return pa.array(out, kind)


def _whole(stamped: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the nearest whole seconds, and where there is a time."""
    valid = stamped.is_valid().to_numpy(zero_copy_only=False)
    micro = pc.fill_null(pc.cast(stamped, pa.int64()), 0).to_numpy(zero_copy_only=False)
    return (micro + 500_000) // 1_000_000, valid


def _utc(stamped: pa.Array) -> Moments:
    seconds, valid = _whole(stamped)
    return Moments(seconds, np.where(valid, 0, np.uint8(Reason.NO_TIME)).astype("u1"))


def _epoch(values: pa.Array, scale: float) -> Moments:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        text = _clean(values)
        good = pc.match_substring_regex(text, r"^\d{1,17}(\.\d+)?$")
        values = pc.cast(pc.if_else(good, text, None), pa.float64())
    number = pc.cast(values, pa.float64(), safe=False)
    valid = number.is_valid().to_numpy(zero_copy_only=False)
    found = np.nan_to_num(np.array(pc.fill_null(number, 0.0), "f8"), nan=-1.0) / scale
    valid = valid & (found >= 0) & (found < 2.0**40)
    seconds = np.floor(np.where(valid, found, 0.0) + 0.5).astype("i8")
    return Moments(seconds, np.where(valid, 0, np.uint8(Reason.NO_TIME)).astype("u1"))


def _local(stamped: pa.Array, zone: str, ambiguous: str) -> Moments:
    if not zone:
        raise InputError("时间没有时区 times carry no zone", place="time.zone",
                         fix="give --tz or time.zone, e.g. Asia/Shanghai")  # fmt: skip
    early = pc.assume_timezone(stamped, zone, ambiguous="earliest", nonexistent="earliest")
    late = pc.assume_timezone(stamped, zone, ambiguous="latest", nonexistent="latest")
    first, valid = _whole(early)
    second, _ = _whole(late)
    refused = np.where(valid, 0, np.uint8(Reason.NO_TIME)).astype("u1")
    # Told apart before rounding: around a skipped hour the two are a microsecond apart.
    double = valid & pc.fill_null(pc.not_equal(early, late), False).to_numpy(zero_copy_only=False)
    if double.any():
        back = pc.fill_null(pc.equal(pc.local_timestamp(early), stamped), True)
        skipped = double & ~back.to_numpy(zero_copy_only=False)
        refused[skipped] = Reason.NO_SUCH_HOUR
        if ambiguous == "refuse":
            refused[double & ~skipped] = Reason.AMBIGUOUS_HOUR
        elif ambiguous == "later":
            first = np.where(double & ~skipped, second, first)
    return Moments(np.where(refused == 0, first, 0), refused)
