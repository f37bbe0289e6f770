"""M-Bus dates and times: types F, G, I, J and K of the standard.

Bits of the bytes, lowest byte first (y: year, split over two bytes)::

    G  yyyddddd yyyymmmm
    F  I.minute S..hour- G bytes        I invalid, S summer time; bits 5-6 of byte 1: century
    I  L S second, I D minute, weekday hour, G bytes, dd week    48 bits
    J  second minute hour                                        24 bits

Years, months, days, hours and minutes may be "every": they show as X, so that a yearly due
day reads `XXXX-12-31`. Meters keep local time; nothing here knows the zone.

Reference: EN 13757-3:2018 Annex A.
"""

from __future__ import annotations

from heatloop.kernel.errors import InputError

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVERY_YEAR, _EVERY_MONTH, _EVERY_DAY, _EVERY_HOUR, _EVERY_MINUTE = 127, 15, 0, 31, 63
_THIS_CENTURY = 80
"""Two-digit years up to this one are 20xx, later ones 19xx."""


def _date(low: int, high: int, century: int = 0) -> str | None:
    day, month = low & 0x1F, high & 0x0F
    year = low >> 5 | (high & 0xF0) >> 1
    if month == 0 or _EVERY_MONTH > month > 12 or (year > 99 and year != _EVERY_YEAR):
        return None
    if month != _EVERY_MONTH and day > _DAYS[month - 1]:
        return None
    base = 1900 + 100 * century if century or year > _THIS_CENTURY else 2000
    years = "XXXX" if year == _EVERY_YEAR else f"{base + year:04d}"
    months = "XX" if month == _EVERY_MONTH else f"{month:02d}"
    days = "XX" if day == _EVERY_DAY else f"{day:02d}"
    return f"{years}-{months}-{days}"


def _time(hour: int, minute: int, second: int | None = None) -> str | None:
    hours = "XX" if hour == _EVERY_HOUR else f"{hour:02d}"
    minutes = "XX" if minute == _EVERY_MINUTE else f"{minute:02d}"
    if _EVERY_HOUR > hour > 23 or _EVERY_MINUTE > minute > 59 or (second or 0) > 59:
        return None
    return f"{hours}:{minutes}" if second is None else f"{hours}:{minutes}:{second:02d}"


def _join(date: str | None, time: str | None) -> str | None:
    return f"{date}T{time}" if date and time else None


def read_time(data: bytes) -> str | None:
    """Return a date or time as text, None where the meter says or shows that it has none.

    Args:
        data: 2 bytes (type G, a date), 3 (J, a time), 4 (F, to the minute) or 6 (I, to the
            second).
    """
    match len(data):
        case 2:
            return _date(data[0], data[1])
        case 3:
            return _time(data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F)
        case 4 if not data[0] & 0x80:
            date = _date(data[2], data[3], data[1] >> 5 & 3)
            return _join(date, _time(data[1] & 0x1F, data[0] & 0x3F))
        case 6 if not data[1] & 0x80:
            time = _time(data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F)
            return _join(_date(data[3], data[4]), time)
        case _:
            return None


def summer_time(data: bytes) -> bool:
    """Return whether a time of type F or I is marked as summer time."""
    return (len(data) == 4 and bool(data[1] & 0x80)) or (len(data) == 6 and bool(data[0] & 0x40))


def _pack_date(text: str) -> bytes:
    years, months, days = text.split("-")
    year = _EVERY_YEAR if years == "XXXX" else int(years)
    if year != _EVERY_YEAR and not 1981 <= year <= 2080:
        raise ValueError("year")
    number = year if year == _EVERY_YEAR else year % 100
    month = _EVERY_MONTH if months == "XX" else int(months)
    day = _EVERY_DAY if days == "XX" else int(days)
    low, high = (number & 7) << 5 | day, (number & 0x78) << 1 | month
    if not 0 <= day <= 31 or _date(low, high) is None:
        raise ValueError("date")
    return bytes((low, high))


def _pack_time(text: str) -> tuple[int, int, int]:
    parts = text.split(":")
    hour = _EVERY_HOUR if parts[0] == "XX" else int(parts[0])
    minute = _EVERY_MINUTE if parts[1] == "XX" else int(parts[1])
    second = int(parts[2]) if len(parts) == 3 else 0
    in_range = 0 <= hour <= 31 and 0 <= minute <= 63 and 0 <= second <= 59
    if len(parts) > 3 or not in_range or _time(hour, minute, second) is None:
        raise ValueError("time")
    return hour, minute, second


def pack_time(text: str | None, size: int, *, summer: bool = False) -> bytes:
    """Return a date or time in 2, 3, 4 or 6 bytes; None becomes what a meter without a clock sends.

    Args:
        text: Like `2026-01-15`, `06:30:00`, `2026-01-15T06:30` or `2026-01-15T06:30:05`.
        size: Bytes, and so the type.
        summer: Whether to mark it as summer time (types F and I).

    Raises:
        InputError: It is no such date or time, or does not fit the type.
    """
    try:
        if text is None:
            return {2: bytes(2), 4: b"\x80\0\0\0", 6: b"\0\x80\0\0\0\0"}[size]
        date, _, time = text.partition("T")
        if size == 2 and not time:
            return _pack_date(date)
        if size == 3:
            hour, minute, second = _pack_time(text)
            return bytes((second, minute, hour))
        hour, minute, second = _pack_time(time)
        if size == 4:
            century = 0 if date.startswith("X") else int(date[:2]) - 19
            head = bytes((minute, hour | summer << 7 | century << 5))
            return head + _pack_date(date)
        if size == 6:
            return bytes((second | summer << 6, minute, hour)) + _pack_date(date) + b"\0"
    except (KeyError, IndexError, ValueError) as error:
        raise _no_time(text, size) from error
    raise _no_time(text, size)


def _no_time(text: str | None, size: int) -> InputError:
    return InputError(
        f"{text!r} is no time that fits {size} bytes",
        thing="M-Bus time",
        fix="write it like 2026-01-15T06:30, year 1981 to 2080",
    )
