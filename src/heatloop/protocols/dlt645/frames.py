"""DL/T 645-2007 frames: address, control, data with 33H added, checksum.

Bytes (wake-up bytes FE before it are skipped)::

    68 A0..A5 68 C L data CS 16

A0 is the lowest byte of a 12-digit address, every data byte travels with 33H added, CS sums
everything from the first 68 on mod 256.

Reference: DL/T 645-2007 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor, check_sum, refusal

THING = "DL/T 645 frame"
START, STOP, WAKE_UP = 0x68, 0x16, 0xFE
ANY_ADDRESS, BROADCAST = "AA" * 6, "99" * 6
BROADCAST_TIME, READ, READ_MORE, READ_ADDRESS, WRITE, WRITE_ADDRESS = (
    0x08,
    0x11,
    0x12,
    0x13,
    0x14,
    0x15,
)
FREEZE, BAUD, PASSWORD, CLEAR_DEMAND, CLEAR_METER, CLEAR_EVENTS, SWITCH = range(0x16, 0x1D)
REPLY, ABNORMAL, FOLLOW = 0x80, 0x40, 0x20
"""Bits of C; its low five bits are the function."""
_HEAD, _TAIL, _OFFSET, _MAX_DATA = 10, 2, 0x33, 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One request or answer."""

    address: str
    """12 digits, highest first."""
    control: int
    """C."""
    data: bytes = b""
    """The data without the added 33H."""

    @property
    def function(self) -> int:
        """READ, WRITE, ..."""
        return self.control & 0x1F

    @property
    def is_reply(self) -> bool:
        """Whether a meter sent it."""
        return bool(self.control & REPLY)

    @property
    def is_abnormal(self) -> bool:
        """Whether it is a meter's refusal."""
        return bool(self.control & ABNORMAL)

    @property
    def more_follow(self) -> bool:
        """Whether the rest must be asked for with READ_MORE."""
        return bool(self.control & FOLLOW)


def take_frame(data: bytes) -> tuple[Frame, int] | None:
    """Return the frame that the bytes begin with (after wake-up bytes) and its end, or None.

    None: the frame is incomplete.

    Raises:
        InputError: No frame begins so, or its checksum or stop byte is wrong.
    """
    start = 0
    while start < len(data) and data[start] == WAKE_UP:
        start += 1
    if start == len(data):
        return None
    for at in (start, start + 7):
        if len(data) > at and data[at] != START:
            raise refusal(f"start byte is {data[at]:02X}, not 68", THING, at)
    if len(data) < start + _HEAD:
        return None
    end = start + _HEAD + data[start + _HEAD - 1] + _TAIL
    if len(data) < end:
        return None
    if data[end - 1] != STOP:
        raise refusal(f"stop byte is {data[end - 1]:02X}, not 16", THING, end - 1)
    check = sum(data[start : end - 2]) & 0xFF
    check_sum(THING, data[end - 2], check, end - 2)
    body = data[start + _HEAD : end - _TAIL]
    frame = Frame(
        address=bcd_digits(data[start + 1 : start + 7]),
        control=data[start + 8],
        data=bytes((byte - _OFFSET) & 0xFF for byte in body),
    )
    return frame, end


def decode_frame(data: bytes) -> Frame:
    """Return the frame that these bytes are, no more and no less.

    Raises:
        InputError: They are none, or damaged, cut short or followed by more.
    """
    found = take_frame(data)
    if found is None:
        raise refusal(f"frame is cut short after {len(data)} bytes", THING, len(data))
    frame, end = found
    cursor = Cursor(data, THING)
    cursor.take(end, "frame")
    cursor.finish()
    return frame


def encode_frame(frame: Frame, wake_up: int = 0) -> bytes:
    """Return the frame's bytes.

    Args:
        frame: What to send.
        wake_up: How many FE bytes to send before it (4 on real lines).

    Raises:
        InputError: The address or control does not fit, or there is too much data.
    """
    if not 0 <= frame.control <= 255 or not 0 <= wake_up <= 255:
        raise refusal("control is a byte", THING, 8, "use 0 to 255")
    if len(frame.data) > _MAX_DATA:
        raise refusal(f"{len(frame.data)} bytes of data, 255 fit", THING, _HEAD - 1)
    address = pack_digits(frame.address, 6, "DL/T 645 address")
    data = bytes((byte + _OFFSET) & 0xFF for byte in frame.data)
    body = bytes((START,)) + address + bytes((START, frame.control, len(data))) + data
    return bytes((WAKE_UP,)) * wake_up + body + bytes((sum(body) & 0xFF, STOP))
