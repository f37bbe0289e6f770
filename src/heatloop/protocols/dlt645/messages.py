"""DL/T 645-2007 requests and answers, in both directions.

Data of the functions::

    READ           DI (4)                         -> DI (4) values          (+ more follow)
    READ_MORE      DI (4) sequence (1)            -> DI (4) values sequence (1)
    READ_ADDRESS                                  -> address (6)
    WRITE          DI (4) password (4) operator (4) values -> nothing
    BROADCAST_TIME second .. year (6), no answer
    any refusal                                   -> error bits (1)

Reference: DL/T 645-2007 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.dlt645.frames import (
    ABNORMAL,
    ANY_ADDRESS,
    BROADCAST,
    BROADCAST_TIME,
    FOLLOW,
    READ,
    READ_ADDRESS,
    READ_MORE,
    REPLY,
    THING,
    WRITE,
    Frame,
)
from heatloop.protocols.dlt645.values import Kind, Value, decode_values, encode_values, kind_of

ERRORS = (
    ("other", "其他错误", "other error"),
    ("no_data", "无请求数据", "no such data"),
    ("password", "密码错或未授权", "wrong password or not authorised"),
    ("baud", "通信速率不能更改", "baud rate cannot be changed"),
    ("time_zones", "年时区数超", "too many time zones"),
    ("time_slots", "日时段数超", "too many time slots"),
    ("tariffs", "费率数超", "too many tariffs"),
    ("reserved", "保留", "reserved"),
)
"""Error bits of a refusal from bit 0: name, Chinese, English."""
MAX_PARTS = 255
_DATA_AT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a frame says."""

    frame: Frame
    """The frame."""
    identifier: int | None = None
    """Data identifier DI3..DI0; None where the function has none."""
    kind: Kind | None = None
    """What it means; None: unknown, or no values came."""
    values: tuple[Value, ...] = ()
    """The values, the total or phase A first."""
    sequence: int | None = None
    """Number of a part asked for with READ_MORE."""
    errors: tuple[str, ...] = ()
    """What a refusal says: names of `ERRORS`."""
    address: str | None = None
    """The address a meter tells."""
    data: bytes = b""
    """What follows the identifier."""


def decode_message(frame: Frame) -> Message:
    """Return what a frame says; parts of a longer answer keep their bytes in `data`.

    Raises:
        InputError: It is cut short, or the values do not fit their identifier.
    """
    cursor = Cursor(frame.data, THING, _DATA_AT)
    if frame.is_abnormal:
        bits = cursor.byte("error bits")
        cursor.finish()
        names = tuple(name for bit, (name, _, _) in enumerate(ERRORS) if bits >> bit & 1)
        return Message(frame=frame, errors=names)
    if frame.function == READ_ADDRESS and cursor.left:
        address = bcd_digits(cursor.take(6, "address"))
        cursor.finish()
        return Message(frame=frame, address=address)
    if frame.function not in {READ, READ_MORE, WRITE} or not cursor.left:
        return Message(frame=frame, data=cursor.rest())
    identifier = cursor.number(4, "data identifier")
    sequence = None
    data = cursor.rest()
    if frame.function == READ_MORE:
        if not data:
            raise cursor.refuse("the number of the part is missing")
        data, sequence = data[:-1], data[-1]
    kind = kind_of(identifier) if frame.is_reply else None
    if not data or kind is None or frame.more_follow or sequence is not None:
        return Message(frame=frame, identifier=identifier, sequence=sequence, data=data)
    return Message(
        frame=frame,
        identifier=identifier,
        kind=kind,
        values=decode_values(kind, data),
        data=data,
    )


def read(address: str, identifier: int, part: int | None = None) -> Frame:
    """Return the request for a value.

    Args:
        address: 12 digits, highest first.
        identifier: Data identifier DI3..DI0.
        part: Number of a further part, from 1; None: the beginning.

    Raises:
        InputError: The identifier or part does not fit.
    """
    data = _identifier(identifier)
    if part is None:
        return Frame(address=address, control=READ, data=data)
    if not 1 <= part <= MAX_PARTS:
        raise InputError("parts are numbered 1 to 255", thing=THING)
    return Frame(address=address, control=READ_MORE, data=data + bytes((part,)))


def _identifier(identifier: int) -> bytes:
    if not 0 <= identifier < 1 << 32:
        raise InputError("a data identifier has 4 bytes", thing=f"{identifier:X}")
    return identifier.to_bytes(4, "little")


def read_address() -> Frame:
    """Return the request for the address of the only meter on the line."""
    return Frame(address=ANY_ADDRESS, control=READ_ADDRESS)


def broadcast_time(at: datetime) -> Frame:
    """Return the frame that sets every meter's clock; nobody answers.

    Args:
        at: Local time.
    """
    data = pack_digits(at.strftime("%y%m%d%H%M%S"), 6, "time")
    return Frame(address=BROADCAST, control=BROADCAST_TIME, data=data)


def write(
    address: str, identifier: int, values: Sequence[Value], password: str, operator: str
) -> Frame:
    """Return the request that sets a value.

    Args:
        address: 12 digits, highest first.
        identifier: Data identifier.
        values: What to set.
        password: Level and 6 digits, 8 digits together, level last as in the standard's PA.
        operator: 8 digits.

    Raises:
        InputError: The identifier is unknown, or a part does not fit.
    """
    kind = kind_of(identifier)
    if kind is None:
        raise InputError("unknown data identifier", thing=f"{identifier:08X}")
    rights = pack_digits(password, 4, "password") + pack_digits(operator, 4, "operator")
    data = _identifier(identifier) + rights + encode_values(kind, values)
    return Frame(address=address, control=WRITE, data=data)


def answer(asked: Message, values: Sequence[Value] = (), *, address: str = "") -> list[Frame]:
    """Return a meter's answer, in as many parts as it needs; the first goes out at once.

    Args:
        asked: The request.
        values: What it asked for; none: a confirmation, or the address.
        address: The meter's own, if the request went to a wildcard.

    Raises:
        InputError: The identifier is unknown, or a value does not fit.
    """
    own = address or asked.frame.address
    function = asked.frame.function
    if function == READ_ADDRESS:
        data = pack_digits(own, 6, "DL/T 645 address")
        return [Frame(address=own, control=function | REPLY, data=data)]
    if not values or asked.identifier is None:
        return [Frame(address=own, control=function | REPLY)]
    kind = kind_of(asked.identifier)
    if kind is None:
        raise InputError("unknown data identifier", thing=f"{asked.identifier:08X}")
    head, data = _identifier(asked.identifier), encode_values(kind, values)
    room = (200 - len(head) - 1) // kind.size * kind.size
    parts = [data[at : at + room] for at in range(0, len(data), room)]
    frames = []
    for number, part in enumerate(parts):
        control = (READ_MORE if number else READ) | REPLY
        control |= FOLLOW if number < len(parts) - 1 else 0
        tail = bytes((number,)) if number else b""
        frames.append(Frame(address=own, control=control, data=head + part + tail))
    return frames


def refuse(asked: Message, *names: str) -> Frame:
    """Return a meter's refusal of a request.

    Raises:
        InputError: A name is none of `ERRORS`.
    """
    known = [name for name, _, _ in ERRORS]
    if not set(names) <= set(known):
        raise InputError("unknown error", thing=", ".join(names), fix=f"use {', '.join(known)}")
    bits = sum(1 << known.index(name) for name in set(names))
    control = asked.frame.function | REPLY | ABNORMAL
    return Frame(address=asked.frame.address, control=control, data=bytes((bits,)))
