"""Wireless M-Bus link frames, formats A and B, with their checksums.

Bytes (L C M M A(6): the link header; the rest begins with CI)::

    A  L C M M A(6) crc | 16 bytes crc | ... | 1 to 16 bytes crc      L: all after it, no crc
    B  L C M M A(6) up to 116 bytes crc | up to 126 bytes crc         L: all after it, with crc

A is manufacturer (in M M), identification, version and medium as in a wired header, but the
manufacturer first.

Reference: EN 13757-4:2019 12 (frame formats, CRC polynomial 3D65).
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits
from heatloop.protocols.cursor import refusal
from heatloop.protocols.mbus.header import Identity, letters_of, pack_identity

THING = "wireless M-Bus frame"
FORMAT_A, FORMAT_B, STRIPPED = "A", "B", "stripped"
SND_NR, SND_IR, ACC_NR, RSP_UD = 0x44, 0x46, 0x47, 0x08
"""C fields of meters: unsolicited data, installation, access, answer."""
_HEAD, _BLOCK, _FIRST_B, _SECOND_B = 10, 16, 126, 126
_MAX_L = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class RadioFrame:
    """A radio frame without its checksums."""

    control: int
    """C field."""
    sender: Identity
    """Who sends."""
    content: bytes
    """From CI on."""


def crc(data: bytes) -> int:
    """Return the checksum of a block: CRC-16, polynomial 3D65, complemented."""
    register = 0
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x3D65 if register & 0x8000 else register << 1) & 0xFFFF
    return register ^ 0xFFFF


def _checked(data: bytes, start: int, size: int) -> bytes:
    block, sent = data[start : start + size], data[start + size : start + size + 2]
    wanted = crc(block)
    if len(sent) < 2:
        raise refusal("frame is cut short", THING, len(data))
    if int.from_bytes(sent, "big") != wanted:
        raise refusal(
            f"checksum is {sent.hex().upper()}, the block gives {wanted:04X}", THING, start + size
        )
    return block


def _size_a(length: int) -> int:
    rest = length - 9
    return 12 + rest + 2 * -(-rest // _BLOCK)


def _open_a(data: bytes) -> bytes:
    size = _size_a(data[0])
    if len(data) != size:
        raise refusal(f"format A of length {data[0]} has {size} bytes, not {len(data)}", THING, 0)
    out = bytearray(_checked(data, 0, _HEAD))
    at, left = _HEAD + 2, data[0] - 9
    while left:
        block = min(left, _BLOCK)
        out += _checked(data, at, block)
        at, left = at + block + 2, left - block
    return bytes(out)


def _open_b(data: bytes) -> bytes:
    if len(data) != data[0] + 1:
        raise refusal(
            f"format B of length {data[0]} has {data[0] + 1} bytes, not {len(data)}", THING, 0
        )
    if len(data) <= _FIRST_B + 2:
        return _checked(data, 0, len(data) - 2)
    if len(data) < _FIRST_B + 5:
        raise refusal("the second block of format B is empty", THING, len(data))
    second = len(data) - _FIRST_B - 4
    return _checked(data, 0, _FIRST_B) + _checked(data, _FIRST_B + 2, second)


def decode_radio(data: bytes, form: str = "") -> RadioFrame:
    """Return the frame in these bytes.

    Args:
        data: From the length byte on, no more.
        form: `A`, `B` or `stripped` (a receiver removed the checksums); empty: A or B, whichever
            the length says.

    Raises:
        InputError: A checksum or the length is wrong, or the form is unknown.
    """
    if not len(data) >= 12 or data[0] < _HEAD:
        raise refusal("a frame has at least 12 bytes and a length of 10", THING, 0)
    if form not in {"", FORMAT_A, FORMAT_B, STRIPPED}:
        raise InputError("unknown frame format", thing=form, fix="use A, B or stripped")
    if form == STRIPPED:
        if len(data) != data[0] + 1:
            raise refusal(f"length {data[0]} does not fit {len(data)} bytes", THING, 0)
        out = data
    elif form == FORMAT_B or (not form and len(data) == data[0] + 1):
        out = _open_b(data)
    else:
        out = _open_a(data)
    sender = Identity(
        manufacturer=letters_of(int.from_bytes(out[2:4], "little")),
        number=bcd_digits(out[4:8]),
        version=out[8],
        medium=out[9],
    )
    return RadioFrame(control=out[1], sender=sender, content=out[_HEAD:])


def radio_address(identity: Identity) -> bytes:
    """Return manufacturer, identification, version and medium as the radio header has them.

    Raises:
        InputError: A part does not fit.
    """
    packed = pack_identity(identity)
    return packed[4:6] + packed[:4] + packed[6:]


def encode_radio(frame: RadioFrame, form: str = FORMAT_A) -> bytes:
    """Return the bytes of a frame.

    Args:
        frame: What to send.
        form: `A`, `B` or `stripped`.

    Raises:
        InputError: It is too long, has no content, or a part does not fit.
    """
    if not frame.content or not 0 <= frame.control <= 255:
        raise InputError("a radio frame needs CI and a control byte", thing=THING)
    body = bytes((frame.control,)) + radio_address(frame.sender) + frame.content
    checks = 0
    if form == FORMAT_B:
        checks = 2 if len(body) + 1 <= _FIRST_B else 4
    if len(body) + checks > _MAX_L:
        raise InputError(f"{len(frame.content)} bytes do not fit a radio frame", thing=THING)
    out = bytes((len(body) + checks,)) + body
    match form:
        case "A":
            blocks = [out[:_HEAD]]
            blocks += [out[at : at + _BLOCK] for at in range(_HEAD, len(out), _BLOCK)]
        case "B":
            blocks = [out[:_FIRST_B], out[_FIRST_B:]] if checks == 4 else [out]
        case "stripped":
            return out
        case _:
            raise InputError("unknown frame format", thing=form, fix="use A, B or stripped")
    return b"".join(block + crc(block).to_bytes(2, "big") for block in blocks)
