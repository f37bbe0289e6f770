"""Who a meter is, and what its answer consists of.

Reference: EN 13757-3:2018 5 and 7 (device types: EN 13757-7).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.records import Records
from heatloop.protocols.tables import table

CI_ERROR, CI_LONG, CI_FIXED, CI_BARE, CI_SHORT = 0x70, 0x72, 0x73, 0x78, 0x7A
_STATUS = ("", "busy", "application_error", "abnormal")
_FLAGS = ((0x04, "low_power"), (0x08, "permanent_error"), (0x10, "temporary_error"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who a meter is: its secondary address."""

    number: str
    """8 digits; a digit F is a wildcard in a selection."""
    manufacturer: str
    """Three letters."""
    version: int
    """Generation of the device."""
    medium: int
    """Code of `media.csv`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Telegram:
    """What a meter answered."""

    identity: Identity | None
    """Who answered; None where the telegram does not say (CI 78 and 7A)."""
    access: int = 0
    """Number of the answer, counts up."""
    status: int = 0
    """Status bits as they came."""
    config: int = 0
    """Signature or configuration field; its encryption mode is bits 8 to 12."""
    records: Records
    """The values."""
    ci: int = CI_LONG
    """Kind of header."""


@cache
def media() -> dict[int, tuple[str, str, str]]:
    """Return name, Chinese and English of every medium by code."""
    return {
        int(row["code"], 16): (row["medium"], row["zh"], row["en"])
        for row in table("mbus", "media.csv")
    }


def letters_of(number: int) -> str:
    """Return a manufacturer's three letters; a code that is none shows as hexadecimal."""
    found = "".join(chr((number >> shift & 31) + 64) for shift in (10, 5, 0))
    return found if found.isalpha() and number < 1 << 15 else f"{number:04X}"


def number_of_letters(letters: str) -> int:
    """Return the code of a manufacturer's three letters.

    Raises:
        InputError: They are not three capital letters (or four hexadecimal digits).
    """
    if len(letters) == 3 and all("A" <= letter <= "Z" for letter in letters):
        return sum((ord(c) - 64) << shift for c, shift in zip(letters, (10, 5, 0), strict=True))
    return int.from_bytes(pack_digits(letters, 2, "M-Bus manufacturer"), "little")


def status_words(status: int) -> tuple[str, ...]:
    """Return what the status byte says: busy, application_error, abnormal, low_power, ..."""
    words = [_STATUS[status & 3]] if status & 3 else []
    words += [word for bit, word in _FLAGS if status & bit]
    return (*words, *(f"manufacturer_{bit}" for bit in (5, 6, 7) if status >> bit & 1))


def take_identity(cursor: Cursor) -> Identity:
    """Read the 8 bytes of a secondary address.

    Raises:
        InputError: There are not so many.
    """
    number = bcd_digits(cursor.take(4, "identification"))
    return Identity(
        number=number,
        manufacturer=letters_of(cursor.number(2, "manufacturer")),
        version=cursor.byte("version"),
        medium=cursor.byte("medium"),
    )


def pack_identity(identity: Identity) -> bytes:
    """Return the 8 bytes of a secondary address.

    Raises:
        InputError: A part does not fit.
    """
    if not (0 <= identity.version <= 255 and 0 <= identity.medium <= 255):
        raise InputError("version and medium are bytes", thing=identity.number)
    number = pack_digits(identity.number, 4, "M-Bus identification")
    letters = number_of_letters(identity.manufacturer).to_bytes(2, "little")
    return number + letters + bytes((identity.version, identity.medium))
