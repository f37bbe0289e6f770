"""CJ/T 188 frames: who is meant, what is wanted, which data, and the checksum.

Bytes (wake-up bytes FE before it are skipped)::

    68 T A0..A6 C L DI DI SER data CS 16

T is the kind of meter, A0 the lowest byte of a 14-digit address, L counts DI to the end of
data, CS sums everything from 68 on mod 256. An abnormal answer (C bit 6) has SER and a status
word instead of DI, SER and data. The order of the two DI bytes differs between makers.

Reference: CJ/T 188-2004 and CJ/T 188-2018, chapter on the data link.
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor, check_sum, refusal

THING = "CJ/T 188 frame"
START, STOP, WAKE_UP = 0x68, 0x16, 0xFE
ANY_ADDRESS, BROADCAST = "AA" * 7, "99" * 7
ANY_TYPE = 0xAA
READ, READ_ADDRESS, WRITE, READ_KEY, WRITE_ADDRESS, WRITE_MOTOR = 0x01, 0x03, 0x04, 0x09, 0x15, 0x16
REPLY, ABNORMAL, FOLLOW = 0x80, 0x40, 0x20
"""Bits of C; its low five bits are the function."""
_HEAD, _TAIL, _MAX_DATA = 11, 2, 0xFF


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One request or answer."""

    type: int
    """Kind of meter, T: 10-19 water, 20-29 heat, 30-39 gas, 40-49 other."""
    address: str
    """14 digits, highest first."""
    control: int
    """C."""
    data: bytes
    """Everything that L counts."""

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
    if data[start] != START:
        raise refusal(f"{data[start]:02X} begins no frame (68 does)", THING, start)
    if len(data) < start + _HEAD:
        return None
    end = start + _HEAD + data[start + _HEAD - 1] + _TAIL
    if len(data) < end:
        return None
    if data[end - 1] != STOP:
        raise refusal(f"stop byte is {data[end - 1]:02X}, not 16", THING, end - 1)
    check = sum(data[start : end - 2]) & 0xFF
    check_sum(THING, data[end - 2], check, end - 2)
    head = data[start:end]
    return (
        Frame(
            type=head[1],
            address=bcd_digits(head[2:9]),
            control=head[9],
            data=head[_HEAD:-_TAIL],
        ),
        end,
    )


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
        wake_up: How many FE bytes to send before it (2 to 4 on real lines).

    Raises:
        InputError: The address, type or control does not fit, or there is too much data.
    """
    if not (0 <= frame.type <= 255 and 0 <= frame.control <= 255):
        raise refusal("type and control are bytes", THING, 1, "use 0 to 255")
    if len(frame.data) > _MAX_DATA or not 0 <= wake_up <= 255:
        raise refusal(f"{len(frame.data)} bytes of data, 255 fit", THING, _HEAD - 1)
    address = pack_digits(frame.address, 7, "CJ/T 188 address")
    body = bytes((START, frame.type)) + address
    body += bytes((frame.control, len(frame.data))) + frame.data
    return bytes((WAKE_UP,)) * wake_up + body + bytes((sum(body) & 0xFF, STOP))
