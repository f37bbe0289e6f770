"""CJ/T 188 frames as plain objects, with names in Chinese and English, for people and JSON."""

from __future__ import annotations

from typing import Any

from heatloop.protocols.cjt188.answers import Message, decode_message
from heatloop.protocols.cjt188.fields import Value, status_words
from heatloop.protocols.cjt188.frames import (
    READ,
    READ_ADDRESS,
    READ_KEY,
    THING,
    WRITE,
    WRITE_ADDRESS,
    WRITE_MOTOR,
    Frame,
    take_frame,
)
from heatloop.protocols.cjt188.profiles import Profile, identifiers
from heatloop.protocols.framing import each_frame

_FUNCTIONS = {
    READ: ("read", "读数据", "read data"),
    READ_ADDRESS: ("read_address", "读地址", "read address"),
    WRITE: ("write", "写数据", "write data"),
    READ_KEY: ("read_key_version", "读密钥版本", "read version of the key"),
    WRITE_ADDRESS: ("write_address", "写地址", "write address"),
    WRITE_MOTOR: ("write_motor_sync", "写机电同步", "synchronise with the counter"),
}
_TYPES = ((0x10, "水表", "water meter"), (0x20, "热量表", "heat meter"),
          (0x30, "燃气表", "gas meter"), (0x40, "其他仪表", "other meter"))  # fmt: skip


def describe(data: bytes, wanted: Profile | None = None) -> list[dict[str, Any]]:
    """Return what every frame in the bytes says.

    Args:
        data: One or more frames.
        wanted: How to read answers; None: the first profile that fits.

    Raises:
        InputError: A frame is damaged or cut short, or does not fit the profile.
    """

    def show(frame: Frame) -> dict[str, Any]:
        reads = wanted if frame.is_reply and not frame.is_abnormal else None
        return _message(decode_message(frame, reads))

    return each_frame(data, take_frame, show, THING)


def _named(names: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("name", "zh", "en"), names, strict=True))


def _message(message: Message) -> dict[str, Any]:
    frame = message.frame
    unknown = ("unknown", "未知", "unknown")
    kind = next(((zh, en) for low, zh, en in _TYPES if low <= frame.type < low + 16), unknown[1:])
    found: dict[str, Any] = {
        "type": {"code": f"{frame.type:02X}", "zh": kind[0], "en": kind[1]},
        "address": frame.address,
        "control": f"{frame.control:02X}",
        "function": _named(_FUNCTIONS.get(frame.function, unknown)),
        "reply": frame.is_reply,
        "serial": message.serial,
    }
    if message.abnormal is not None:
        return found | {"abnormal": status_of(message.abnormal)}
    if message.identifier is not None:
        names = identifiers().get(message.identifier, unknown)
        found["identifier"] = {"code": f"{message.identifier:04X}", **_named(names)}
        found["identifier_order"] = message.order
    if message.profile is not None:
        found["profile"] = message.profile.name
        found["values"] = [_value(each) for each in message.values]
    elif message.data:
        found["data"] = message.data.hex().upper()
    return found


def status_of(status: str) -> dict[str, Any]:
    """Return a status word with what it says."""
    return {"raw": status, "flags": list(status_words(status))}


def _value(value: Value) -> dict[str, Any]:
    field = value.field
    found: dict[str, Any] = {
        "field": field.name,
        "zh": field.zh,
        "en": field.en,
        "value": value.value,
        "unit": value.unit,
    }
    if field.kind == "status":
        found["flags"] = list(status_words(str(value.value)))
    return found
