"""CJ/T 188 requests and answers: what is asked, what a meter says, in both directions.

Reference: CJ/T 188-2004 chapter 7 and CJ/T 188-2018 (data layer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.protocols.cjt188.fields import Value, pack_value, take_value
from heatloop.protocols.cjt188.frames import (
    ABNORMAL,
    ANY_ADDRESS,
    FOLLOW,
    READ,
    READ_ADDRESS,
    REPLY,
    THING,
    WRITE,
    WRITE_ADDRESS,
    Frame,
)
from heatloop.protocols.cjt188.profiles import Profile, identifiers, profiles
from heatloop.protocols.cursor import Cursor

LOW_FIRST, HIGH_FIRST = "low", "high"
"""Order of the two DI bytes on the wire: 1F 90 or 90 1F."""
_METER_DATA, _ADDRESS, _VALVE, _WRITE_ADDRESS = 0x901F, 0x810A, 0xA017, 0xA018
_DATA_AT = 11


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a frame says."""

    frame: Frame
    """The frame."""
    identifier: int | None
    """Data identifier, high byte first; None in an abnormal answer."""
    order: str
    """LOW_FIRST or HIGH_FIRST: how the identifier came."""
    serial: int
    """SER, which the answer repeats."""
    profile: Profile | None = None
    """How the values were read; None: there are none, or no profile fits (then see `data`)."""
    values: tuple[Value, ...] = ()
    """The values."""
    data: bytes = b""
    """The bytes after SER."""

    @property
    def abnormal(self) -> str | None:
        """The status word of a meter's refusal as 4 hexadecimal digits, or None."""
        return self.data.hex().upper() if self.frame.is_abnormal else None


def _identifier(data: bytes) -> tuple[int, str]:
    low, high = int.from_bytes(data, "little"), int.from_bytes(data, "big")
    known = identifiers()
    return (high, HIGH_FIRST) if high in known and low not in known else (low, LOW_FIRST)


def _candidates(frame: Frame, identifier: int, width: int, wanted: Profile | None) -> list[Profile]:
    if wanted is not None:
        if wanted.width != width:
            raise InputError(
                f"profile {wanted.name} has {wanted.width} bytes, {width} came",
                thing=THING,
                place=f"byte {_DATA_AT + 3}",
                fix="choose another profile",
            )
        return [wanted]
    return [
        each
        for each in profiles().values()
        if each.width == width and frame.type in each.types and identifier in each.identifiers
    ]


def decode_message(frame: Frame, wanted: Profile | None = None) -> Message:
    """Return what a frame says.

    Args:
        frame: A request or an answer.
        wanted: How to read its values; None: the first profile that fits.

    Raises:
        InputError: It is cut short, or its values do not fit any profile of their length.
    """
    cursor = Cursor(frame.data, THING, _DATA_AT)
    if frame.is_abnormal:
        serial = cursor.byte("SER")
        data = cursor.take(2, "status word")
        cursor.finish()
        return Message(frame=frame, identifier=None, order=LOW_FIRST, serial=serial, data=data)
    identifier, order = _identifier(cursor.take(2, "data identifier"))
    serial = cursor.byte("SER")
    place = cursor.place
    data = cursor.rest()
    plain = Message(frame=frame, identifier=identifier, order=order, serial=serial, data=data)
    if not data:
        return plain
    refused: InputError | None = None
    for each in _candidates(frame, identifier, len(data), wanted):
        inner = Cursor(data, THING, place)
        try:
            values = tuple(take_value(inner, field) for field in each.fields)
        except InputError as error:
            refused = refused or error
            continue
        return Message(
            frame=frame,
            identifier=identifier,
            order=order,
            serial=serial,
            profile=each,
            values=values,
            data=data,
        )
    if refused is not None:
        raise refused
    return plain


def _pack_identifier(identifier: int, order: str) -> bytes:
    if order not in {LOW_FIRST, HIGH_FIRST} or not 0 <= identifier <= 0xFFFF:
        raise InputError("order is low or high, an identifier has 16 bits", thing=order)
    return identifier.to_bytes(2, "little" if order == LOW_FIRST else "big")


def request(
    meter: int,
    address: str,
    control: int = READ,
    identifier: int = _METER_DATA,
    *,
    serial: int = 0,
    order: str = LOW_FIRST,
    data: bytes = b"",
) -> Frame:
    """Return a request.

    Args:
        meter: Kind of meter, T.
        address: 14 digits, highest first.
        control: READ, WRITE, ...
        identifier: Data identifier.
        serial: SER; a new number for each request.
        order: How the meter wants the identifier.
        data: What to write.

    Raises:
        InputError: A part does not fit.
    """
    if not 0 <= serial <= 255:
        raise InputError("SER is a byte", thing=str(serial))
    head = _pack_identifier(identifier, order) + bytes((serial,))
    return Frame(type=meter, address=address, control=control, data=head + data)


def read_address(meter: int = 0xAA, *, serial: int = 0, order: str = LOW_FIRST) -> Frame:
    """Return the request for the address of the only meter on the line."""
    return request(meter, ANY_ADDRESS, READ_ADDRESS, _ADDRESS, serial=serial, order=order)


def write_valve(
    meter: int, address: str, command: str, *, serial: int = 0, order: str = LOW_FIRST
) -> Frame:
    """Return the request that opens or closes a valve.

    Args:
        meter: Kind of meter, T.
        address: 14 digits, highest first.
        command: `open` or `close`.
        serial: SER.
        order: How the meter wants the identifier.

    Raises:
        InputError: The command is another, or a part does not fit.
    """
    data = pack_value(profiles()["write_valve"].fields[0], command)
    return request(meter, address, WRITE, _VALVE, serial=serial, order=order, data=data)


def write_address(meter: int, address: str, new: str, *, serial: int = 0) -> Frame:
    """Return the request that gives a meter another address.

    Raises:
        InputError: An address is not 14 digits.
    """
    data = pack_value(profiles()["write_address"].fields[0], new)
    return request(meter, address, WRITE_ADDRESS, _WRITE_ADDRESS, serial=serial, data=data)


def answer(
    asked: Message,
    profile: Profile | None = None,
    values: Mapping[str, float | str | None] | None = None,
    unit_codes: Sequence[int] = (),
    *,
    address: str = "",
    follow: bool = False,
) -> Frame:
    """Return a meter's answer.

    Args:
        asked: The request.
        profile: How its values are laid out; None: an answer without values.
        values: By field name; fields that are missing have no value.
        unit_codes: Unit bytes of the fields that have one, in order.
        address: The meter's own, if the request went to a wildcard.
        follow: Whether more data follows.

    Raises:
        InputError: A value, a unit or their number does not fit.
    """
    if asked.identifier is None:
        raise InputError("an abnormal answer asks for nothing", thing=THING)
    data = _pack_identifier(asked.identifier, asked.order) + bytes((asked.serial,))
    if profile is not None:
        codes = iter(unit_codes)
        for field in profile.fields:
            code = next(codes, None) if field.unit_place else None
            data += pack_value(field, (values or {}).get(field.name), code)
        if next(codes, None) is not None:
            raise InputError("more unit codes than fields with units", thing=profile.name)
    return Frame(
        type=asked.frame.type,
        address=address or asked.frame.address,
        control=asked.frame.function | REPLY | (FOLLOW if follow else 0),
        data=data,
    )


def refuse(asked: Message, status: str = "0000") -> Frame:
    """Return a meter's refusal of a request.

    Raises:
        InputError: The status word is not 4 hexadecimal digits.
    """
    word = pack_value(profiles()["valve"].fields[0], status)
    return Frame(
        type=asked.frame.type,
        address=asked.frame.address,
        control=asked.frame.function | REPLY | ABNORMAL,
        data=bytes((asked.serial,)) + word,
    )
