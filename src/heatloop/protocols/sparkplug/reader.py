"""The fields of one protocol-buffer message, looked up by number and checked by kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.sparkplug.datatypes import THING
from heatloop.protocols.sparkplug.wire import (
    BYTES,
    MAX_DEPTH,
    VARINT,
    take_fields,
    take_varint,
)


@dataclass(slots=True)
class Message:
    """One message."""

    base: int
    """Offset of its first byte."""
    depth: int
    """How many messages it is in."""
    fields: dict[int, list[tuple[int, int | bytes, int]]] = field(default_factory=dict)
    """Kind, value and place of every field, by number, in order."""

    def whole(self, number: int) -> int | None:
        """Return the last integer of a field, None without one.

        Raises:
            InputError: It is of another kind or malformed.
        """
        for kind, value, place in self.fields.get(number, [])[-1:]:
            if kind != VARINT or not isinstance(value, int):
                raise _wrong(number, place)
            return value
        return None

    def raw(self, number: int, kinds: tuple[int, ...] = (BYTES,)) -> list[tuple[bytes, int]]:
        """Return the bytes of a field, each with its place.

        Raises:
            InputError: It is of another kind or malformed.
        """
        found = []
        for kind, value, place in self.fields.get(number, ()):
            if kind not in kinds or not isinstance(value, bytes):
                raise _wrong(number, place)
            found.append((value, place))
        return found

    def texts(self, number: int) -> list[str]:
        """Return the texts of a field.

        Raises:
            InputError: It is of another kind or malformed.
        """
        return [_text(raw, place) for raw, place in self.raw(number)]

    def text(self, number: int) -> str | None:
        """Return the last text of a field, None without one.

        Raises:
            InputError: It is of another kind or malformed.
        """
        found = self.texts(number)
        return found[-1] if found else None

    def whole_list(self, number: int) -> list[int]:
        """Return repeated integers, each a field of its own or packed.

        Raises:
            InputError: The field is of another kind or malformed.
        """
        found: list[int] = []
        for kind, value, place in self.fields.get(number, ()):
            if isinstance(value, int):
                found.append(value)
            elif kind == BYTES:
                found += _packed(value, place)
            else:
                raise _wrong(number, place)
        return found

    def inner(self, number: int) -> list[Message]:
        """Return the messages in a field.

        Raises:
            InputError: It is of another kind or malformed.
        """
        return [read_message(raw, place, self.depth + 1) for raw, place in self.raw(number)]


def _wrong(number: int, place: int) -> InputError:
    return InputError(
        f"field {number} has another kind than the schema says",
        thing=THING,
        place=f"byte {place}",
        fix="check that the sender speaks Sparkplug B",
    )


def _text(raw: bytes, place: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            "text is not UTF-8", thing=THING, place=f"byte {place}", fix="send UTF-8"
        ) from error


def _packed(raw: bytes, place: int) -> list[int]:
    cursor = Cursor(raw, THING, place)
    found = []
    while cursor.left:
        found.append(take_varint(cursor, "packed number"))
    return found


def read_message(data: bytes, base: int, depth: int = 0) -> Message:
    """Return the message in these bytes.

    Raises:
        InputError: It is malformed or nested too deep.
    """
    if depth > MAX_DEPTH:
        raise InputError(f"nested deeper than {MAX_DEPTH}", thing=THING, place=f"byte {base}")
    message = Message(base, depth)
    for number, kind, value, place in take_fields(Cursor(data, THING, base)):
        message.fields.setdefault(number, []).append((kind, value, place))
    return message


def mismatch(message: str, place: int) -> InputError:
    """Return the error for a message that does not fit the schema."""
    return InputError(message, thing=THING, place=f"byte {place}", fix="check the sender")
