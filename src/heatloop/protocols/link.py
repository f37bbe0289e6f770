"""The gateway link's text frames: JSON objects beside the binary envelopes on one WebSocket.

Server to gateway: `challenge` {nonce}; per gateway `welcome` {gateway, through,
profile_version}, `refused` {gateway, reason}, `ack` {gateway, epoch, through}, `command`
{gateway, command}, `profile` {gateway, document}, `rules` {gateway, document}, `quarantined`
{gateway, first, reason}.
Gateway to server: `hello` {gateway, signature, epoch, profile_version}, once a gateway on the
link: several gateways may share one link, and then every frame names its gateway. Binary frames
go one way, up, and name their gateway inside.

Over MQTT 5 the same frames travel on two topics a gateway, `up` and `down`, QoS 1. There is no
connection to speak of, so a gateway begins with `open` {gateway, session}, `session` a random word
of its own that every frame of the conversation carries. What comes down is a signed document
(`security.keys.sign_document`) {session, frame}: a broker is somebody else's, and a forged
acknowledgement would lose data.
"""

from __future__ import annotations

import json
from typing import Any

from heatloop.kernel.errors import InputError

PATH = "/api/v1/gateways/link"
MAX_TEXT_BYTES = 4 << 20
TOPIC = "heatloop/v1"
UP, DOWN = "up", "down"
_SIGNED = b"heatloop-link\x00"


def topic(gateway: str, way: str) -> str:
    """Return the MQTT topic of a gateway's frames.

    Args:
        gateway: Gateway code, or `+` for all.
        way: `up` or `down`.
    """
    return f"{TOPIC}/{gateway}/{way}"


def topic_gateway(name: str) -> str:
    """Return the gateway code in a topic, empty when it is no topic of ours."""
    parts = name.split("/")
    ours = len(parts) == 4 and "/".join(parts[:2]) == TOPIC and parts[3] in (UP, DOWN)
    return parts[2] if ours else ""


def challenge_bytes(nonce: str) -> bytes:
    """Return what a gateway signs to prove who it is.

    Args:
        nonce: The challenge's nonce, hexadecimal.

    Raises:
        InputError: The nonce is not at least 16 bytes in hexadecimal.
    """
    try:
        raw = bytes.fromhex(nonce)
    except ValueError as error:
        raise InputError("nonce is not hexadecimal", place="challenge") from error
    if len(raw) < 16:
        raise InputError("nonce is too short to prove anything", place="challenge")
    return _SIGNED + raw


def pack_text(message: dict[str, Any]) -> str:
    """Return a text frame."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def unpack_text(text: str) -> dict[str, Any]:
    """Read a text frame.

    Raises:
        InputError: It is not a JSON object with a `type`.
    """
    try:
        message = json.loads(text)
    except ValueError as error:
        raise InputError("text frame is not JSON", place="link") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InputError("text frame is no object with a type", place="link")
    return message
