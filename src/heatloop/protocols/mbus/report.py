"""M-Bus frames as plain objects, with names in Chinese and English, for people and JSON."""

from __future__ import annotations

from typing import Any

from heatloop.protocols.cursor import Cursor
from heatloop.protocols.framing import each_frame
from heatloop.protocols.mbus.frames import THING, Ack, Frame, Short, take_frame
from heatloop.protocols.mbus.header import (
    CI_FIXED,
    Identity,
    Telegram,
    media,
    status_words,
    take_identity,
)
from heatloop.protocols.mbus.records import Record
from heatloop.protocols.mbus.session import CI_SELECT
from heatloop.protocols.mbus.telegram import decode_telegram
from heatloop.protocols.mbus.times import summer_time
from heatloop.protocols.mbus.vib import is_date
from heatloop.protocols.mbus.wireless import decode_wireless

_FROM_MASTER = 0x40


def describe(data: bytes) -> list[dict[str, Any]]:
    """Return what every frame in the bytes says.

    Raises:
        InputError: A frame is damaged or cut short, or refuses.
    """
    return each_frame(data, take_frame, _frame, THING)


def _frame(frame: Frame) -> dict[str, Any]:
    match frame:
        case Ack():
            return {"frame": "ack"}
        case Short():
            return {"frame": "short", "control": f"{frame.control:02X}", "address": frame.address}
    head = {
        "frame": "long",
        "control": f"{frame.control:02X}",
        "address": frame.address,
        "ci": f"{frame.ci:02X}",
    }
    if not frame.control & _FROM_MASTER:
        return head | telegram_of(decode_telegram(frame))
    if frame.ci == CI_SELECT:
        cursor = Cursor(frame.data, THING, 7)
        return head | {"select": identity_of(take_identity(cursor))}
    return head | {"data": frame.data.hex().upper()}


def identity_of(identity: Identity) -> dict[str, Any]:
    """Return a secondary address with the name of its medium."""
    name, zh, en = media().get(identity.medium, ("reserved", "保留", "reserved"))
    return {
        "number": identity.number,
        "manufacturer": identity.manufacturer,
        "version": identity.version,
        "medium": {"code": f"{identity.medium:02X}", "name": name, "zh": zh, "en": en},
    }


def telegram_of(telegram: Telegram) -> dict[str, Any]:
    """Return what a meter says."""
    # In a fixed answer the low bits say how the counters are written.
    status = telegram.status & 0xFC if telegram.ci == CI_FIXED else telegram.status
    found: dict[str, Any] = {
        "meter": identity_of(telegram.identity) if telegram.identity else None,
        "access": telegram.access,
        "status": {"raw": f"{telegram.status:02X}", "flags": list(status_words(status))},
        "records": [record_of(each) for each in telegram.records.records],
        "more_follow": telegram.records.more_follow,
    }
    if telegram.records.manufacturer_data is not None:
        found["manufacturer_data"] = telegram.records.manufacturer_data.hex().upper()
    return found


def record_of(record: Record) -> dict[str, Any]:
    """Return one value with its names."""
    quantity = record.vib.quantity
    found: dict[str, Any] = {
        "quantity": quantity.name,
        "zh": quantity.zh,
        "en": quantity.en,
        "value": record.value,
        "unit": record.unit,
        "function": record.function,
        "storage": record.storage,
        "tariff": record.tariff,
        "subunit": record.subunit,
    }
    if record.value is None:
        found["raw"] = record.field.data.hex().upper()
    if is_date(record.vib) and summer_time(record.field.data):
        found["summer_time"] = True
    if record.vib.modifiers:
        found["modifiers"] = [
            {"name": each.name, "zh": each.zh, "en": each.en} for each in record.vib.modifiers
        ]
    return found


def describe_wireless(data: bytes, key: bytes | None, form: str) -> list[dict[str, Any]]:
    """Return what one radio frame says.

    Args:
        data: The frame from its length byte on.
        key: 16 bytes, needed if it is encrypted.
        form: `A`, `B`, `stripped`, or empty.

    Raises:
        InputError: It is damaged, or the key is missing or wrong.
    """
    found = decode_wireless(data, key, form)
    head = {
        "frame": "radio",
        "control": f"{found.control:02X}",
        "sender": identity_of(found.sender),
        "encrypted": found.encrypted,
    }
    return [head | telegram_of(found.telegram)]
