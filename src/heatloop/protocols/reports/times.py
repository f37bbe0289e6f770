"""Times as devices, platforms and old control systems write them.

Numbers are seconds or milliseconds since 1970 UTC. Texts: year first (`2026-11-03 08:00:00`,
`2026/11/3 8:00`, `20261103T080000Z`, `2026年11月3日 8时0分`) or day first with dots
(`03.11.2026 08:00`). What could be month or day is refused, and so is an hour that a change to or
from summer time makes twice or not at all.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.kernel.errors import ConfigError, InputError

_MILLISECONDS = 1e11
_CLOCK = r"[T\s]*(\d{1,2})[:时点](\d{1,2})(?:[:分](?:(\d{1,2})(?:[.,]\d+)?秒?)?)?"
_ZONE = r"\s*(Z|[+-]\d\d:?\d\d)?"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?" + _CLOCK + _ZONE)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + _CLOCK + _ZONE)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)[T\s]?(\d\d)(\d\d)(\d\d)" + _ZONE)
_NUMBER = re.compile(r"\d{9,13}(?:\.\d+)?")


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        ConfigError: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        fix = "use an IANA name such as Asia/Shanghai"
        raise ConfigError("no such time zone", thing=name, fix=fix) from error


def read_time(value: object, zone: ZoneInfo) -> int:
    """Return a time as whole seconds since 1970 UTC.

    Args:
        value: A number or text.
        zone: For texts that name no zone of their own.

    Raises:
        InputError: It is no time, or more than one.
    """
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return _since_1970(float(text))
        return int(_instant(text, zone).timestamp())
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return _since_1970(value)
    raise InputError("no time", thing=str(value)[:40], fix="give seconds, or 2026-11-03 08:00:00")


def _since_1970(number: float) -> int:
    seconds = number / 1000.0 if number >= _MILLISECONDS else number
    if not 0 <= seconds < 1 << 32:
        raise InputError("time is out of range", thing=str(number), fix="give seconds since 1970")
    return int(seconds)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second, offset = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second, offset = found.groups()
    else:
        fix = "write 2026-11-03 08:00:00, with +08:00 or Z where the zone is another"
        raise InputError("not a time", thing=text[:40], fix=fix)
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=zone
        )
        instant = moment.replace(tzinfo=_offset(offset)) if offset else _local(moment, text)
    except (ValueError, OverflowError) as error:
        raise InputError(f"no such time: {error}", thing=text[:40]) from error
    if not 0 <= instant.timestamp() < 1 << 32:
        raise InputError("time is out of range", thing=text[:40], fix="give one after 1970")
    return instant


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _local(moment: datetime, text: str) -> datetime:
    if moment.utcoffset() != moment.replace(fold=1).utcoffset():
        fix = "write the offset, for example +01:00"
        raise InputError("this hour comes twice or not at all", thing=text[:40], fix=fix)
    return moment
