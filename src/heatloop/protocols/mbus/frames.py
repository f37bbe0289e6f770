"""M-Bus link frames: acknowledgement, short and long, with their checksums.

Bytes::

    ack    E5
    short  10 C A CS 16
    long   68 L L 68 C A CI data CS 16      L counts C to the end of data, CS sums them mod 256

Reference: EN 13757-2:2018 5 and 6 (format class FT 1.2 of IEC 60870-5-1).
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.protocols.cursor import Cursor, check_sum, refusal

THING = "M-Bus frame"
ACK, SHORT, LONG, STOP = 0xE5, 0x10, 0x68, 0x16
SND_NKE, SND_UD, REQ_UD1, REQ_UD2, RSP_UD = 0x40, 0x53, 0x5A, 0x5B, 0x08
"""Functions of the C field; the master toggles bit `FCB` from one request to the next."""
FCB = 0x20
SELECTED, TEST, BROADCAST = 253, 254, 255
"""Primary addresses: the meter selected by its secondary address, the only meter, all meters."""
MAX_DATA = 252
_FRAME_AT = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """The single character by which a meter confirms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """A frame without data."""

    control: int
    """C field."""
    address: int
    """A field: primary address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Long:
    """A frame with data; with none it is what the standard calls a control frame."""

    control: int
    """C field."""
    address: int
    """A field: primary address."""
    ci: int
    """Control information: what the data is."""
    data: bytes = b""
    """What stands between CI and the checksum, at most 252 bytes."""


Frame = Ack | Short | Long


def _length(data: bytes) -> int | None:
    """Return how long the frame is that begins here, None if that cannot be said yet."""
    if not data:
        return None
    match data[0]:
        case 0xE5:
            return 1
        case 0x10:
            return 5
        case 0x68:
            if len(data) < _FRAME_AT:
                return None
            if data[1] != data[2] or data[3] != LONG:
                raise refusal("the two lengths or the second start byte differ", THING, 1)
            if data[1] < 3:
                raise refusal(f"length {data[1]} leaves no room for C, A and CI", THING, 1)
            return data[1] + 6
        case first:
            raise refusal(f"{first:02X} begins no frame (E5, 10 and 68 do)", THING, 0)


def take_frame(data: bytes) -> tuple[Frame, int] | None:
    """Return the frame that the bytes begin with and its length, None while it is incomplete.

    Raises:
        InputError: No frame begins so, or its checksum or stop byte is wrong.
    """
    size = _length(data)
    if size is None or len(data) < size:
        return None
    if size == 1:
        return Ack(), 1
    if data[size - 1] != STOP:
        raise refusal(f"stop byte is {data[size - 1]:02X}, not 16", THING, size - 1)
    body = data[1:3] if data[0] == SHORT else data[_FRAME_AT : size - 2]
    check = sum(body) & 0xFF
    check_sum(THING, data[size - 2], check, size - 2)
    if data[0] == SHORT:
        return Short(control=body[0], address=body[1]), size
    return Long(control=body[0], address=body[1], ci=body[2], data=body[3:]), size


def decode_frame(data: bytes) -> Frame:
    """Return the frame that these bytes are, no more and no less.

    Raises:
        InputError: They are none, or damaged, cut short or followed by more.
    """
    found = take_frame(data)
    if found is None:
        raise refusal(f"frame is cut short after {len(data)} bytes", THING, len(data))
    frame, size = found
    cursor = Cursor(data, THING)
    cursor.take(size, "frame")
    cursor.finish()
    return frame


def encode_frame(frame: Frame) -> bytes:
    """Return the frame's bytes.

    Raises:
        InputError: A field is no byte, or there is too much data.
    """
    match frame:
        case Ack():
            return bytes((ACK,))
        case Short():
            body = _body(frame.control, frame.address)
            return bytes((SHORT, *body, sum(body) & 0xFF, STOP))
        case Long():
            if len(frame.data) > MAX_DATA:
                raise refusal(f"{len(frame.data)} bytes of data, 252 fit", THING, _FRAME_AT + 3)
            body = _body(frame.control, frame.address, frame.ci) + frame.data
            head = bytes((LONG, len(body), len(body), LONG))
            return head + body + bytes((sum(body) & 0xFF, STOP))


def _body(*fields: int) -> bytes:
    if not all(0 <= field <= 255 for field in fields):
        raise refusal(f"control, address and CI are bytes, not {fields}", THING, 1, "use 0 to 255")
    return bytes(fields)
