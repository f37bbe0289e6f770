"""Reading bytes in order, and naming the byte at which they are wrong."""

from __future__ import annotations

from heatloop.kernel.errors import InputError

_AGAIN = "read it again; if it stays so, check the wiring and the protocol"


def refusal(message: str, thing: str, at: int, fix: str = _AGAIN) -> InputError:
    """Return the error that refuses a frame.

    Args:
        message: What is wrong.
        thing: What was read, for example `M-Bus frame`.
        at: Offset of the byte at fault, from 0.
        fix: What the reader can do about it.
    """
    return InputError(message, thing=thing, place=f"byte {at}", fix=fix)


class ChecksumError(InputError):
    """The checksum of a frame does not fit its bytes."""


def check_sum(thing: str, came: int, wanted: int, at: int) -> None:
    """Return if a checksum byte is right.

    Raises:
        ChecksumError: It is not.
    """
    if came != wanted:
        message = f"checksum is {came:02X}, the bytes give {wanted:02X}"
        raise ChecksumError(message, thing=thing, place=f"byte {at}", fix=_AGAIN)


def shifted(error: InputError, start: int) -> InputError:
    """Return the error of a frame that begins `start` bytes into what the reader gave."""
    word, _, at = error.place.partition(" ")
    if not start or word != "byte" or not at.isdecimal():
        return error
    place = f"byte {int(at) + start}"
    return type(error)(error.message, thing=error.thing, place=place, fix=error.fix)


class Cursor:
    """A place in some bytes that moves on as they are read.

    Args:
        data: The bytes.
        thing: Their name in errors.
        base: Offset of the first of them in the whole frame.
    """

    __slots__ = ("_base", "_data", "_thing", "at")

    def __init__(self, data: bytes, thing: str, base: int = 0) -> None:
        self._data = data
        self._thing = thing
        self._base = base
        self.at = 0

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return len(self._data) - self.at

    @property
    def place(self) -> int:
        """Offset of the next byte in the whole frame."""
        return self._base + self.at

    def take(self, count: int, what: str) -> bytes:
        """Return the next bytes.

        Args:
            count: How many.
            what: Their name, for the error.

        Raises:
            InputError: There are not so many left.
        """
        if not 0 <= count <= self.left:
            raise refusal(
                f"{what} needs {count} bytes, {self.left} are left", self._thing, self.place
            )
        found = self._data[self.at : self.at + count]
        self.at += count
        return found

    def byte(self, what: str) -> int:
        """Return the next byte.

        Raises:
            InputError: There is none.
        """
        return self.take(1, what)[0]

    def number(self, count: int, what: str) -> int:
        """Return the next bytes as an unsigned little-endian number.

        Raises:
            InputError: There are not so many left.
        """
        return int.from_bytes(self.take(count, what), "little")

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take(self.left, "rest")

    def refuse(self, message: str, back: int = 0, fix: str = _AGAIN) -> InputError:
        """Return the error for something wrong `back` bytes before this place."""
        return refusal(message, self._thing, self.place - back, fix)

    def finish(self) -> None:
        """Make sure that nothing is left.

        Raises:
            InputError: There are more bytes than the layout has.
        """
        if self.left:
            raise self.refuse(f"{self.left} bytes more than the layout has")
