"""IEC 104 frames as plain objects, with names in Chinese and English, for people and JSON."""

from __future__ import annotations

from typing import Any

from heatloop.protocols.framing import each_frame
from heatloop.protocols.iec104.apci import (
    THING,
    U_NAMES,
    Apdu,
    Information,
    Supervisory,
    Unnumbered,
    take_apdu,
)
from heatloop.protocols.iec104.asdu import Asdu, causes, decode_asdu, type_kinds
from heatloop.protocols.iec104.commands import COMMANDS
from heatloop.protocols.iec104.elements import Point


def describe(data: bytes) -> list[dict[str, Any]]:
    """Return what every frame in the bytes says.

    Raises:
        InputError: A frame or its message is malformed or cut short.
    """
    return each_frame(data, take_apdu, _apdu, THING)


def _apdu(apdu: Apdu) -> dict[str, Any]:
    match apdu:
        case Unnumbered():
            return {"frame": "U", "function": U_NAMES[apdu.function]}
        case Supervisory():
            return {"frame": "S", "receive": apdu.receive}
        case Information():
            head = {"frame": "I", "send": apdu.send, "receive": apdu.receive}
            return head | asdu_of(decode_asdu(apdu.asdu))


def asdu_of(asdu: Asdu) -> dict[str, Any]:
    """Return what a message says."""
    kind = type_kinds()[asdu.type]
    name, zh, en = causes().get(asdu.cause, ("unknown", "未知", "unknown"))
    return {
        "type": {"code": asdu.type, "name": kind.mnemonic, "zh": kind.zh, "en": kind.en},
        "cause": {"code": asdu.cause, "name": name, "zh": zh, "en": en},
        "negative": asdu.negative,
        "test": asdu.test,
        "originator": asdu.originator,
        "station": asdu.station,
        "points": [_point(each, asdu.type, kind.elements) for each in asdu.points],
    }


def _point(point: Point, type_id: int, elements: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"address": point.address}
    carries = {"QUA", "QOS", "SCO", "DCO", "RCO", "BCR", "FBP", "CP16"} & set(elements)
    if set(elements) - {"QUA", "QDP", "FBP", "CP16", "CP24", "CP56"}:
        found["value"] = point.value
    if type_id not in COMMANDS and {"SIQ", "DIQ", "QDS", "BCR", "SEP", "QDP"} & set(elements):
        found["quality"] = list(point.quality) or ["good"]
    if carries:
        found["qualifier"] = point.qualifier
    if type_id in COMMANDS:
        found["select"] = point.select
    if point.transient:
        found["transient"] = True
    if point.stamp is not None:
        stamp = point.stamp
        found["time"] = {"at": stamp.text, "invalid": stamp.invalid, "summer": stamp.summer}
    return found
