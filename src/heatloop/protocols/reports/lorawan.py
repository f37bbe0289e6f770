"""Uplinks as LoRaWAN network servers push them: ChirpStack v4 and The Things Stack v3, in JSON.

Both leave out fields that are 0. The servers have checked the device's own cryptographic
signature; what remains to be told apart here is a message pushed twice from one sent anew.

Reference: ChirpStack integration.proto (UplinkEvent), The Things Stack "Data formats".
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from heatloop.kernel.errors import InputError

_EUI = re.compile(r"[0-9A-Fa-f]{16}")
_ADDRESS = re.compile(r"[0-9A-Fa-f]{8}")
THING = "LoRaWAN uplink"
MAX_PAYLOAD_BYTES = 242


@dataclass(frozen=True, kw_only=True, slots=True)
class Uplink:
    """One message of one device."""

    dev_eui: str
    """Device EUI, 16 hexadecimal digits, capital letters."""
    dev_addr: int
    """Short address; another one after every join, and with it the frame counter begins anew."""
    f_cnt: int
    """Frame counter."""
    f_port: int
    """Port; 0: nothing for the application."""
    data: bytes
    """Payload."""
    time: str
    """When a gateway received it, as the server writes it; empty: not said."""
    rssi_dbm: float | None
    """Signal strength at the gateway that heard it best."""
    snr_db: float | None
    """Signal to noise there."""


def read_uplink(document: object) -> Uplink | None:
    """Return the uplink a server pushed; None for its other events (join, status, ...).

    Raises:
        InputError: It is neither server's format, or damaged.
    """
    if not isinstance(document, dict):
        raise InputError("not a JSON object", thing=THING)
    if isinstance(document.get("deviceInfo"), dict):
        return _chirpstack(document) if "dr" in document or "rxInfo" in document else None
    if isinstance(document.get("end_device_ids"), dict):
        message = document.get("uplink_message")
        return _things(document, message) if isinstance(message, dict) else None
    fix = "push ChirpStack v4 or The Things Stack v3 JSON"
    raise InputError("no event of a known network server", thing=THING, fix=fix)


def _chirpstack(document: dict[str, Any]) -> Uplink:
    return _uplink(
        eui=document["deviceInfo"].get("devEui"),
        address=document.get("devAddr"),
        numbers=(document.get("fCnt", 0), document.get("fPort", 0)),
        data=document.get("data", ""),
        time=document.get("time", ""),
        heard=document.get("rxInfo", []),
    )


def _things(document: dict[str, Any], message: dict[str, Any]) -> Uplink:
    ids = document["end_device_ids"]
    return _uplink(
        eui=ids.get("dev_eui"),
        address=ids.get("dev_addr"),
        numbers=(message.get("f_cnt", 0), message.get("f_port", 0)),
        data=message.get("frm_payload", ""),
        time=message.get("received_at") or document.get("received_at", ""),
        heard=message.get("rx_metadata", []),
    )


def _uplink(
    *, eui: object, address: object, numbers: tuple[object, object], data: object, time: object,
    heard: object,
) -> Uplink:  # fmt: skip
    if not isinstance(eui, str) or not _EUI.fullmatch(eui):
        raise InputError("a device EUI has 16 hexadecimal digits", thing=THING, place="devEui")
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise InputError("a device address has 8 hexadecimal digits", thing=THING, place="devAddr")
    counts = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool)]
    if len(counts) != 2 or not 0 <= counts[0] < 1 << 32 or not 0 <= counts[1] < 256:
        raise InputError("frame counter or port is out of range", thing=THING, place="fCnt fPort")
    if not isinstance(data, str) or not isinstance(time, str) or not isinstance(heard, list):
        raise InputError("data, time or receptions are of another type", thing=THING)
    try:
        payload = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("payload is not base64", thing=THING, place="data") from error
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise InputError("payload is longer than a frame", thing=THING, place="length")
    rssi, snr = _best(heard)
    return Uplink(
        dev_eui=eui.upper(),
        dev_addr=int(address, 16),
        f_cnt=counts[0],
        f_port=counts[1],
        data=payload,
        time=time,
        rssi_dbm=rssi,
        snr_db=snr,
    )


def _best(heard: list[object]) -> tuple[float | None, float | None]:
    """Return strength and signal to noise at the gateway that heard it best."""
    found = [
        (float(rssi), snr)
        for each in heard
        if isinstance(each, dict)
        and isinstance(rssi := each.get("rssi"), int | float)
        and not isinstance(rssi, bool)
        and -200 <= rssi <= 50
        and isinstance(snr := each.get("snr", 0.0), int | float)
    ]
    if not found:
        return None, None
    rssi_dbm, snr_db = max(found)
    return rssi_dbm, float(snr_db)


def chirpstack_event(uplink: Uplink) -> dict[str, Any]:
    """Return the event ChirpStack v4 would push for an uplink."""
    return {
        "deduplicationId": f"{uplink.dev_addr:08x}-{uplink.f_cnt:08x}",
        "time": uplink.time,
        "deviceInfo": {"devEui": uplink.dev_eui.lower()},
        "devAddr": f"{uplink.dev_addr:08x}",
        "adr": True,
        "dr": 5,
        "fCnt": uplink.f_cnt,
        "fPort": uplink.f_port,
        "data": base64.b64encode(uplink.data).decode(),
        "rxInfo": [{"rssi": uplink.rssi_dbm, "snr": uplink.snr_db}],
    }


def things_event(uplink: Uplink) -> dict[str, Any]:
    """Return the event The Things Stack v3 would push for an uplink."""
    return {
        "end_device_ids": {"dev_eui": uplink.dev_eui, "dev_addr": f"{uplink.dev_addr:08X}"},
        "received_at": uplink.time,
        "uplink_message": {
            "f_port": uplink.f_port,
            "f_cnt": uplink.f_cnt,
            "frm_payload": base64.b64encode(uplink.data).decode(),
            "rx_metadata": [{"rssi": uplink.rssi_dbm, "snr": uplink.snr_db}],
            "received_at": uplink.time,
        },
    }
