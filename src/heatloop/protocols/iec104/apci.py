"""IEC 60870-5-104 frames: numbered information (I), acknowledgement (S) and control (U).

Bytes (numbers of 15 bits, low byte first, shifted left by one)::

    I  68 L  N(S)*2  N(R)*2  ASDU           L counts all after itself, at most 253
    S  68 04 01 00   N(R)*2
    U  68 04 function 00 00 00

Reference: IEC 60870-5-104:2006 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.protocols.cursor import Cursor, refusal

THING = "IEC 104 frame"
START, MAX_LENGTH, MAX_ASDU = 0x68, 253, 249
NUMBERS = 1 << 15
"""Sequence numbers wrap here."""
STARTDT_ACT, STARTDT_CON, STOPDT_ACT, STOPDT_CON = 0x07, 0x0B, 0x13, 0x23
TESTFR_ACT, TESTFR_CON = 0x43, 0x83
U_NAMES = {
    STARTDT_ACT: "STARTDT act",
    STARTDT_CON: "STARTDT con",
    STOPDT_ACT: "STOPDT act",
    STOPDT_CON: "STOPDT con",
    TESTFR_ACT: "TESTFR act",
    TESTFR_CON: "TESTFR con",
}
_HEAD, _CONTROL = 2, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Information:
    """A numbered frame with an ASDU."""

    send: int
    """N(S): its own number."""
    receive: int
    """N(R): the number expected next from the other side."""
    asdu: bytes
    """The ASDU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervisory:
    """An acknowledgement."""

    receive: int
    """N(R): the number expected next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unnumbered:
    """Start, stop or test."""

    function: int
    """One of `U_NAMES`."""


Apdu = Information | Supervisory | Unnumbered


def take_apdu(data: bytes) -> tuple[Apdu, int] | None:
    """Return the frame that the bytes begin with and its length, None while it is incomplete.

    Raises:
        InputError: No frame begins so, or its length or control field is wrong.
    """
    if not data:
        return None
    if data[0] != START:
        raise refusal(f"{data[0]:02X} begins no frame (68 does)", THING, 0, "reconnect")
    if len(data) < _HEAD:
        return None
    length = data[1]
    if not _CONTROL <= length <= MAX_LENGTH:
        raise refusal(f"length {length} is not 4 to 253", THING, 1, "reconnect")
    if len(data) < _HEAD + length:
        return None
    return _apdu(data[_HEAD : _HEAD + length]), _HEAD + length


def _apdu(body: bytes) -> Apdu:
    control = body[:_CONTROL]
    receive = int.from_bytes(control[2:], "little") >> 1
    if not control[0] & 1:
        if control[2] & 1 or len(body) == _CONTROL:
            raise refusal("an I frame has an ASDU and an even third byte", THING, 2, "reconnect")
        send = int.from_bytes(control[:2], "little") >> 1
        return Information(send=send, receive=receive, asdu=body[_CONTROL:])
    if len(body) != _CONTROL:
        raise refusal(f"an S or U frame has length 4, not {len(body)}", THING, 1, "reconnect")
    if control[0] & 3 == 1:
        if control[0] != 1 or control[1] or control[2] & 1:
            raise refusal("reserved bits of an S frame are set", THING, 2, "reconnect")
        return Supervisory(receive=receive)
    if control[0] not in U_NAMES or any(control[1:]):
        raise refusal(f"unknown U frame {control.hex().upper()}", THING, 2, "reconnect")
    return Unnumbered(function=control[0])


def decode_apdus(data: bytes) -> tuple[Apdu, ...]:
    """Return the frames that these bytes are, one or more, nothing missing.

    Raises:
        InputError: A frame is malformed or cut short.
    """
    found: list[Apdu] = []
    cursor = Cursor(data, THING)
    while cursor.left or not found:
        taken = take_apdu(data[cursor.at :])
        if taken is None:
            raise refusal("frame is cut short", THING, len(data))
        found.append(taken[0])
        cursor.take(taken[1], "frame")
    return tuple(found)


def encode_apdu(apdu: Apdu) -> bytes:
    """Return the frame's bytes.

    Raises:
        InputError: A number has more than 15 bits, or the ASDU is empty or too long.
    """
    match apdu:
        case Information():
            if not 1 <= len(apdu.asdu) <= MAX_ASDU:
                raise refusal(f"an ASDU has 1 to 249 bytes, not {len(apdu.asdu)}", THING, 6)
            head = _number(apdu.send) + _number(apdu.receive)
            return bytes((START, _CONTROL + len(apdu.asdu))) + head + apdu.asdu
        case Supervisory():
            return bytes((START, _CONTROL, 1, 0)) + _number(apdu.receive)
        case Unnumbered():
            if apdu.function not in U_NAMES:
                raise refusal(f"unknown U frame {apdu.function:02X}", THING, 2, "see U_NAMES")
            return bytes((START, _CONTROL, apdu.function, 0, 0, 0))


def _number(number: int) -> bytes:
    if not 0 <= number < NUMBERS:
        raise refusal(f"{number} has more than 15 bits", THING, 2)
    return (number << 1).to_bytes(2, "little")
