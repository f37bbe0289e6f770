"""DL/T 645 frames as plain objects, with names in Chinese and English, for people and JSON."""

from __future__ import annotations

from typing import Any

from heatloop.protocols.dlt645.frames import (
    BAUD,
    BROADCAST_TIME,
    CLEAR_DEMAND,
    CLEAR_EVENTS,
    CLEAR_METER,
    FREEZE,
    PASSWORD,
    READ,
    READ_ADDRESS,
    READ_MORE,
    SWITCH,
    THING,
    WRITE,
    WRITE_ADDRESS,
    take_frame,
)
from heatloop.protocols.dlt645.messages import ERRORS, Message, decode_message
from heatloop.protocols.framing import each_frame

_FUNCTIONS = {
    BROADCAST_TIME: ("broadcast_time", "广播校时", "set all clocks"),
    READ: ("read", "读数据", "read data"),
    READ_MORE: ("read_more", "读后续数据", "read more data"),
    READ_ADDRESS: ("read_address", "读通信地址", "read address"),
    WRITE: ("write", "写数据", "write data"),
    WRITE_ADDRESS: ("write_address", "写通信地址", "write address"),
    FREEZE: ("freeze", "冻结", "freeze"),
    BAUD: ("baud", "更改通信速率", "change baud rate"),
    PASSWORD: ("password", "修改密码", "change password"),
    CLEAR_DEMAND: ("clear_demand", "最大需量清零", "clear maximum demand"),
    CLEAR_METER: ("clear_meter", "电表清零", "clear meter"),
    CLEAR_EVENTS: ("clear_events", "事件清零", "clear events"),
    SWITCH: ("switch", "跳合闸", "switch off or on"),
}


def describe(data: bytes) -> list[dict[str, Any]]:
    """Return what every frame in the bytes says.

    Raises:
        InputError: A frame is damaged or cut short, or a value does not fit its identifier.
    """
    return each_frame(data, take_frame, lambda frame: _message(decode_message(frame)), THING)


def _message(message: Message) -> dict[str, Any]:
    frame = message.frame
    name, zh, en = _FUNCTIONS.get(frame.function, ("unknown", "未知", "unknown"))
    found: dict[str, Any] = {
        "address": frame.address,
        "control": f"{frame.control:02X}",
        "function": {"name": name, "zh": zh, "en": en},
        "reply": frame.is_reply,
        "more_follow": frame.more_follow,
    }
    if frame.is_abnormal:
        texts = {word: (chinese, english) for word, chinese, english in ERRORS}
        return found | {
            "errors": [
                {"name": word, "zh": texts[word][0], "en": texts[word][1]}
                for word in message.errors
            ]
        }
    if message.address is not None:
        found["meter"] = message.address
    if message.identifier is not None:
        found["identifier"] = f"{message.identifier:08X}"
    if message.sequence is not None:
        found["part"] = message.sequence
    if message.kind is not None:
        kind = message.kind
        found |= {"name": kind.name, "zh": kind.zh, "en": kind.en, "unit": kind.unit}
        found["values"] = [
            {"value": each.value} | ({"at": each.at} if each.at else {}) for each in message.values
        ]
    elif message.data:
        found["data"] = message.data.hex().upper()
    return found
