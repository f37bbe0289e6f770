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

from dataclasses import replace

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor, refusal
from heatloop.protocols.mbus.fixed import decode_fixed, encode_fixed
from heatloop.protocols.mbus.frames import RSP_UD, THING, Long
from heatloop.protocols.mbus.header import (
    CI_BARE,
    CI_ERROR,
    CI_FIXED,
    CI_LONG,
    CI_SHORT,
    Telegram,
    pack_identity,
    take_identity,
)
from heatloop.protocols.mbus.records import Records, decode_records, encode_records

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
        raise refusal(
            "the records are encrypted (mode 5)",
            THING,
            DATA_AT,
            "switch off encryption on the wired side",
        )
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
    return replace(telegram, records=decode_records(content, base))


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


def encode_telegram(telegram: Telegram, address: int = 0, control: int = RSP_UD) -> Long:
    """Return a meter's answer as a long frame.

    Args:
        telegram: What it says.
        address: Primary address of the meter.
        control: C field; 08 is an answer with data.

    Raises:
        InputError: A part does not fit.
    """
    if telegram.ci == CI_FIXED:
        data = encode_fixed(telegram)
    else:
        data = encode_header(telegram) + encode_records(telegram.records)
    return Long(control=control, address=address, ci=telegram.ci, data=data)


def encode_error(code: int, address: int = 0) -> Long:
    """Return a meter's application error as a long frame.

    Args:
        code: Index of `ERRORS`.
        address: Primary address of the meter.
    """
    return Long(control=RSP_UD, address=address, ci=CI_ERROR, data=bytes((code & 0xFF,)))
