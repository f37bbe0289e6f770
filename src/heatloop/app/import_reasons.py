"""Why a reading of a foreign file is refused."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """One code a reason; 0 is none."""

    NONE = 0
    NO_TIME = 1
    AMBIGUOUS_HOUR = 2
    NO_SUCH_HOUR = 3
    NO_POINT = 4
    NO_VALUE = 5
    NOT_A_NUMBER = 6
    BAD_CODE = 7
    BAD_QUALITY = 8
    FUTURE = 9
    OUT_OF_TIME = 10
    SAME_SECOND = 11
    HELD = 12
    BAD_ROW = 13


WORDS: dict[Reason, tuple[str, str]] = {
    Reason.NONE: ("", ""),
    Reason.NO_TIME: ("时间无法识别", "the time cannot be read"),
    Reason.AMBIGUOUS_HOUR: (
        "时钟拨回重复的一小时，无法判定",
        "the hour the clock runs twice: say earlier or later in time.ambiguous",
    ),
    Reason.NO_SUCH_HOUR: ("时钟拨快跳过的一小时", "an hour the clock skips"),
    Reason.NO_POINT: ("没有对应的测点", "no point for this tag"),
    Reason.NO_VALUE: ("没有数值", "there is no value"),
    Reason.NOT_A_NUMBER: ("不是数字", "not a number"),
    Reason.BAD_CODE: ("坏值代码", "a code for a missing value"),
    Reason.BAD_QUALITY: ("质量标记要求拒绝", "its quality says to refuse it"),
    Reason.FUTURE: ("时间在未来", "the time is in the future"),
    Reason.OUT_OF_TIME: ("时间超出可存范围", "a time that cannot be stored"),
    Reason.SAME_SECOND: ("同一秒内有另一个值", "another value of the same second"),
    Reason.HELD: ("已有实测值，未覆盖", "a stored value is kept; --overwrite would replace it"),
    Reason.BAD_ROW: ("列数不对", "the row has the wrong number of columns"),
}
"""Words in Chinese and English."""


def name_of(code: int) -> str:
    """Return the name of a reason as programs read it."""
    return Reason(code).name.lower()
