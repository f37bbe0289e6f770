"""Times of IEC 60870-5: CP56Time2a (date and time) and CP24Time2a (within the hour).

Bytes: milliseconds 2, I-minute, S--hour, weekday day, month, year (CP24: the first three).
I: invalid, S: summer time. Stations keep local time or UTC by agreement; nothing here knows.

Reference: IEC 60870-5-4 6.8, IEC 60870-5-101 7.2.6.18.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heatloop.kernel.errors import InputError

CP24, CP56 = 3, 7
_MINUTE_MS = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """A time tag."""

    text: str | None
    """`2026-01-15T06:30:05.123`, of CP24 `30:05.123`; None: no time that can be."""
    invalid: bool = False
    """Whether the station says that its clock is not right."""
    summer: bool = False
    """Whether it is marked as summer time."""
    weekday: int = 0
    """1 Monday to 7 Sunday; 0: not told."""


def read_stamp(data: bytes) -> Stamp:
    """Return a time tag of 3 or 7 bytes."""
    millis = int.from_bytes(data[:2], "little")
    minute, invalid = data[2] & 0x3F, bool(data[2] & 0x80)
    text: str | None = None
    if millis < _MINUTE_MS and minute < 60:
        text = f"{minute:02d}:{millis // 1000:02d}.{millis % 1000:03d}"
    if len(data) == CP24:
        return Stamp(text=text, invalid=invalid)
    hour, day, month, year = data[3] & 0x1F, data[4] & 0x1F, data[5] & 0x0F, data[6] & 0x7F
    if text is not None:
        text = f"20{year:02d}-{month:02d}-{day:02d}T{hour:02d}:{text}"
        try:
            datetime.fromisoformat(text)
        except ValueError:
            text = None
    summer, weekday = bool(data[3] & 0x80), data[4] >> 5
    return Stamp(text=text, invalid=invalid, summer=summer, weekday=weekday)


def pack_stamp(stamp: Stamp, size: int = CP56) -> bytes:
    """Return a time tag's bytes; no text becomes zeros, marked invalid.

    Raises:
        InputError: The text is no time of the years 2000 to 2099, or size is not 3 or 7.
    """
    if size not in {CP24, CP56}:
        raise InputError("a time tag has 3 or 7 bytes", thing="IEC 104 time")
    if stamp.text is None:
        return bytes((0, 0, 0x80)) + bytes(size - CP24)
    text = stamp.text if size == CP56 else f"2000-01-01T00:{stamp.text}"
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{stamp.text!r} is no time", thing="IEC 104 time",
            fix="write it like 2026-01-15T06:30:05.123",
        ) from error  # fmt: skip
    if not 2000 <= at.year <= 2099 or at.tzinfo is not None or not 0 <= stamp.weekday <= 7:
        raise InputError(
            "time tags have no zone, years 2000 to 2099, weekdays 1 to 7", thing="IEC 104 time"
        )
    millis = at.second * 1000 + at.microsecond // 1000
    head = millis.to_bytes(2, "little") + bytes((at.minute | stamp.invalid << 7,))
    if size == CP24:
        return head
    day = at.day | stamp.weekday << 5
    return head + bytes((at.hour | stamp.summer << 7, day, at.month, at.year - 2000))


def stamp_s(stamp: Stamp, near_s: float, zone_s: float = 0.0) -> float | None:
    """Return a time tag as seconds since 1970 UTC; None where it tells no time or a wrong one.

    Args:
        stamp: The tag; one of 3 bytes is taken in the hour that brings it nearest to `near_s`.
        near_s: About when it was made, seconds since 1970 UTC.
        zone_s: How far the station's clock is ahead of UTC.
    """
    if stamp.text is None or stamp.invalid:
        return None
    if "T" in stamp.text:
        at = datetime.fromisoformat(stamp.text).replace(tzinfo=UTC).timestamp()
        return at - zone_s - 3600.0 * stamp.summer
    minute, _, second = stamp.text.partition(":")
    within = 60.0 * int(minute) + float(second)
    # Zones of half hours exist: count from the station's own hour.
    local = near_s + zone_s
    hour = round((local - within) / 3600.0) * 3600.0
    return hour + within - zone_s


def stamp_of(at_s: float, zone_s: float = 0.0) -> Stamp:
    """Return the time tag of a moment, as a station's clock shows it.

    Args:
        at_s: Seconds since 1970 UTC.
        zone_s: How far the station's clock is ahead of UTC.
    """
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=round((at_s + zone_s) * 1000))
    text = at.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return Stamp(text=text, weekday=at.isoweekday())
