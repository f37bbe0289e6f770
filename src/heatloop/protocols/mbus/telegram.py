"""M-Bus telegrams: the header that says whose values these are, and the values.

The data after CI::

    72  identification 4, manufacturer 2, version 1, medium 1, access 1, status 1, config 2, records
    7A  access 1, status 1, config 2, records          the identification is in the radio link
    78  records
    73  identification 4, access 1, status 1, medium and units 2, counter 4, counter 4
    70  application error 1

Reference: EN 13757-3:2018 5 (fixed structure CI 73: EN 1434-3:1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.bcd import bcd_digits, pack_digits
from heatloop.protocols.cursor import Cursor, refusal
from heatloop.protocols.mbus.frames import THING, Long
from heatloop.protocols.mbus.records import Records, decode_records, encode_records
from heatloop.protocols.tables import table

CI_ERROR, CI_LONG, CI_FIXED, CI_BARE, CI_SHORT = 0x70, 0x72, 0x73, 0x78, 0x7A
DATA_AT = 7
"""Offset of the data in a wired frame."""
ERRORS = (
    ("未说明的错误", "unspecified error"),
    ("CI不支持", "unimplemented CI"),
    ("缓冲区过长已截断", "buffer too long, truncated"),
    ("记录过多", "too many records"),
    ("记录提前结束", "premature end of record"),
    ("DIFE超过10个", "more than 10 DIFEs"),
    ("VIFE超过10个", "more than 10 VIFEs"),
    ("保留", "reserved"),
    ("应用层忙", "application too busy for the request"),
    ("读取过于频繁", "too many readouts"),
)
"""Application errors of CI 70 by code, in Chinese and English."""
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


def application_error(data: bytes) -> InputError:
    """Return the refusal that a meter's answer with CI 70 amounts to."""
    code = data[0] if data else 0
    zh, en = ERRORS[code] if code < len(ERRORS) else ("保留", "reserved")
    return refusal(
        f"the meter answers with application error {code}: {en} ({zh})",
        THING,
        DATA_AT if data else DATA_AT - 1,
        "ask for less, or again later",
    )


def decode_telegram(frame: Long) -> Telegram:
    """Return what a wired meter's answer says.

    Raises:
        InputError: It is an application error, encrypted, of another kind, or malformed.
    """
    if frame.ci == CI_ERROR:
        raise application_error(frame.data)
    telegram, content = open_header(frame.ci, frame.data, DATA_AT)
    if telegram.config >> 8 & 0x1F == 5 and telegram.config >> 4 & 0x0F:
        raise refusal("the records are encrypted (mode 5)", THING, DATA_AT, "use wmbus with --key")
    return with_records(telegram, content, DATA_AT + len(frame.data) - len(content))


def open_header(ci: int, data: bytes, base: int) -> tuple[Telegram, bytes]:
    """Return a telegram without its records, and the bytes of the records.

    Args:
        ci: Kind of header: 72, 78 or 7A.
        data: From the header on.
        base: Offset of the header in the frame, for errors.

    Raises:
        InputError: The kind is another, or the header is cut short.
    """
    none = Records(records=())
    if ci == CI_FIXED:
        from heatloop.protocols.mbus.fixed import decode_fixed

        return decode_fixed(data, base), b""
    if ci not in {CI_LONG, CI_SHORT, CI_BARE}:
        raise refusal(f"CI {ci:02X} is not a meter's answer", THING, base - 1, "see EN 13757-3")
    cursor = Cursor(data, THING, base)
    if ci == CI_BARE:
        return Telegram(identity=None, records=none, ci=ci), data
    identity = take_identity(cursor) if ci == CI_LONG else None
    access, status = cursor.byte("access number"), cursor.byte("status")
    config = cursor.number(2, "configuration")
    telegram = Telegram(
        identity=identity, access=access, status=status, config=config, records=none, ci=ci
    )
    return telegram, cursor.rest()


def with_records(telegram: Telegram, content: bytes, base: int) -> Telegram:
    """Return the telegram with the records that the content holds.

    Raises:
        InputError: A record is malformed.
    """
    if telegram.ci == CI_FIXED:
        return telegram
    return Telegram(
        identity=telegram.identity,
        access=telegram.access,
        status=telegram.status,
        config=telegram.config,
        records=decode_records(content, base),
        ci=telegram.ci,
    )


def encode_header(telegram: Telegram) -> bytes:
    """Return the header that stands between CI and the records.

    Raises:
        InputError: A part does not fit, or CI 72 comes without an identity.
    """
    if telegram.ci == CI_BARE:
        return b""
    if not (0 <= telegram.access <= 255 and 0 <= telegram.status <= 255):
        raise InputError("access number and status are bytes", thing="M-Bus telegram")
    if not 0 <= telegram.config < 1 << 16:
        raise InputError("the configuration field has 16 bits", thing="M-Bus telegram")
    tail = bytes((telegram.access, telegram.status)) + telegram.config.to_bytes(2, "little")
    if telegram.ci == CI_SHORT:
        return tail
    if telegram.ci != CI_LONG or telegram.identity is None:
        raise InputError(
            f"no header for CI {telegram.ci:02X}", thing="M-Bus telegram", fix="use 72, 78 or 7A"
        )
    return pack_identity(telegram.identity) + tail


def encode_telegram(telegram: Telegram, address: int = 0, control: int = 0x08) -> Long:
    """Return a meter's answer as a long frame.

    Args:
        telegram: What it says.
        address: Primary address of the meter.
        control: C field; 08 is an answer with data.

    Raises:
        InputError: A part does not fit.
    """
    data = encode_header(telegram) + encode_records(telegram.records)
    return Long(control=control, address=address, ci=telegram.ci, data=data)
